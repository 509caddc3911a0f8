"""Data that needs no download: real texts, images, sounds and tunes, toy tasks, batches, and baselines to compare with.

Everything here is plain NumPy and knows nothing of graphs; training scripts and the command line call it.
"""

from minigrad.data.abc_notation import TuneCheck as TuneCheck
from minigrad.data.abc_notation import check_tune as check_tune
from minigrad.data.batches import pad as pad
from minigrad.data.batches import row_batches as row_batches
from minigrad.data.batches import text_batches as text_batches
from minigrad.data.batches import windows as windows
from minigrad.data.boxes import bounding_boxes as bounding_boxes
from minigrad.data.boxes import intersection_over_union as intersection_over_union
from minigrad.data.canvases import Canvases as Canvases
from minigrad.data.canvases import canvases as canvases
from minigrad.data.date_pairs import Pairs as Pairs
from minigrad.data.date_pairs import dates as dates
from minigrad.data.deform import deform as deform
from minigrad.data.digit_images import Images as Images
from minigrad.data.digit_images import digits as digits
from minigrad.data.ngrams import ngram_baselines as ngram_baselines
from minigrad.data.patches import from_patches as from_patches
from minigrad.data.patches import patches as patches
from minigrad.data.places import fixed_places_baseline as fixed_places_baseline
from minigrad.data.regression import regression_baseline as regression_baseline
from minigrad.data.split import Split as Split
from minigrad.data.tasks import TASKS as TASKS
from minigrad.data.tasks import copy as copy
from minigrad.data.tasks import reversal as reversal
from minigrad.data.tasks import sort as sort
from minigrad.data.text import Text as Text
from minigrad.data.text import Vocabulary as Vocabulary
from minigrad.data.text import python_topics as python_topics
from minigrad.data.tunebook import tunes as tunes
from minigrad.data.utterances import Utterances as Utterances
from minigrad.data.utterances import vowels as vowels
