"""Data that needs no download: a real text, images of digits, toy tasks, batches, and baselines to compare with.

Everything here is plain NumPy and knows nothing of graphs.
"""

from minigrad.data.batches import pad as pad
from minigrad.data.batches import row_batches as row_batches
from minigrad.data.batches import text_batches as text_batches
from minigrad.data.batches import windows as windows
from minigrad.data.digit_images import Images as Images
from minigrad.data.digit_images import digits as digits
from minigrad.data.ngrams import ngram_baselines as ngram_baselines
from minigrad.data.regression import regression_baseline as regression_baseline
from minigrad.data.split import Split as Split
from minigrad.data.tasks import TASKS as TASKS
from minigrad.data.tasks import copy as copy
from minigrad.data.tasks import reversal as reversal
from minigrad.data.tasks import sort as sort
from minigrad.data.text import Text as Text
from minigrad.data.text import Vocabulary as Vocabulary
from minigrad.data.text import python_topics as python_topics
