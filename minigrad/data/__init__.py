"""Data that needs no download: a real text, toy tasks, batches, and baselines to compare with.

Everything here is plain NumPy and knows nothing of graphs.
"""

from minigrad.data.batches import text_batches as text_batches
from minigrad.data.batches import windows as windows
from minigrad.data.ngrams import ngram_baselines as ngram_baselines
from minigrad.data.tasks import TASKS as TASKS
from minigrad.data.tasks import copy as copy
from minigrad.data.tasks import reversal as reversal
from minigrad.data.tasks import sort as sort
from minigrad.data.text import Text as Text
from minigrad.data.text import Vocabulary as Vocabulary
from minigrad.data.text import python_topics as python_topics
