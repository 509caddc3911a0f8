"""Two digits on one canvas: what to find where, pixel by pixel and as boxes.

In come images of digits, out go canvases with the answers. Called by `segment_digits.py`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from boxes import bounding_boxes
from deform import deform
from digit_images import Images
from minigrad.data.arguments import check_generator, check_positive

SIDE = 16  # of a canvas, twice that of an image
INK = 0.25  # a pixel as dark as this belongs to its digit


class Canvases(NamedTuple):
    """Canvases and what is on them.

    `images` are float32 (count, 16, 16), 0 for paper to 1 for ink; `labels` int64 of the same shape, 0 for paper and 1
    + digit for ink, which is whatever is at least a quarter dark; `boxes` int64 (count, 2, 4), left, top, right and
    bottom of the ink of the first digit and of the second.
    """

    images: npt.NDArray[np.float32]
    labels: npt.NDArray[np.int64]
    boxes: npt.NDArray[np.int64]


def canvases(digits: Images, count: int, rng: np.random.Generator, deformed: bool = False) -> Canvases:
    """Draw `count` canvases with two digits each, side by side or one above the other.

    Digits are drawn from `digits`, with replacement. Half of the canvases have them side by side, each at a height of
    its own, the left one first; the others one above the other, each as far left or right as it happens, the upper one
    first. With `deformed`, images are deformed as by `deform(shift=0.5)`, for a model to learn from.

    Raises TypeError when `count` is not an integer or `rng` not a generator, ValueError when `count` is below 1 or
    there are no digits.

    >>> from digit_images import digits
    >>> found = canvases(digits().train, 3, np.random.default_rng(0))
    >>> found.images.shape, found.labels.shape, found.boxes.shape
    ((3, 16, 16), (3, 16, 16), (3, 2, 4))
    >>> left, top, right, bottom = found.boxes[0, 1]
    >>> np.unique(found.labels[0, top:bottom, left:right]).tolist()
    [0, 3]
    """
    check_generator("canvases", rng)
    check_positive("canvases", count=count)
    if not len(digits.labels):
        raise ValueError("canvases: there are no digits to draw from")
    rows = rng.integers(len(digits.labels), size=(count, 2))
    shown = digits.images[rows.ravel()]
    shown = (deform(shown, rng, shift=0.5) if deformed else shown).reshape(count, 2, 8, 8)
    each, axis = np.arange(count), rng.integers(2, size=count)
    corners = rng.integers(0, SIDE - 7, size=(count, 2, 2))  # left and top of both images
    corners[each, 0, axis], corners[each, 1, axis] = 0, SIDE // 2  # so that they have no pixel in common

    images, labels = np.zeros((count, SIDE, SIDE), np.float32), np.zeros((count, SIDE, SIDE), np.int64)
    for place in range(2):
        left, top = corners[:, place].T[:, :, None, None]
        pixels = each[:, None, None], top + np.arange(8)[:, None], left + np.arange(8)
        images[pixels] = shown[:, place]
        labels[pixels] = (shown[:, place] >= INK) * (digits.labels[rows[:, place], None, None] + 1)
    return Canvases(images, labels, bounding_boxes(shown >= INK) + np.tile(corners, 2))
