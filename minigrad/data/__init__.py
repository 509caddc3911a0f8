"""Data that needs no download: a real text, toy tasks, files of one's own, batches, and baselines to compare with.

Everything here is plain NumPy and knows nothing of graphs.
"""

from minigrad.data.batches import hold_out as hold_out
from minigrad.data.batches import row_batches as row_batches
from minigrad.data.batches import text_batches as text_batches
from minigrad.data.batches import windows as windows
from minigrad.data.files import read_table as read_table
from minigrad.data.files import read_text as read_text
from minigrad.data.images import read_images as read_images
from minigrad.data.ngrams import ngram_baselines as ngram_baselines
from minigrad.data.patches import from_patches as from_patches
from minigrad.data.patches import patches as patches
from minigrad.data.regression import linear_regression as linear_regression
from minigrad.data.regression import regression_baseline as regression_baseline
from minigrad.data.regression import softmax_regression as softmax_regression
from minigrad.data.tasks import TASKS as TASKS
from minigrad.data.tasks import copy as copy
from minigrad.data.tasks import reversal as reversal
from minigrad.data.tasks import sort as sort
from minigrad.data.text import Text as Text
from minigrad.data.text import Vocabulary as Vocabulary
from minigrad.data.text import python_topics as python_topics
