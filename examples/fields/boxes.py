"""Boxes around what is drawn in an image, and how well two boxes agree.

A box is its left, top, right and bottom, in pixels from the left upper corner; it holds image[top:bottom, left:right].
Called by `canvases.py` and `segment_digits.py`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[Any]


def bounding_boxes(ink: npt.ArrayLike) -> npt.NDArray[np.int64]:
    """The smallest box around what is True, int64 (…, 4), for booleans (…, height, width); 0, 0, 0, 0 around nothing.

    Raises TypeError for what is not boolean, ValueError for fewer than two axes or images without pixels.

    >>> bounding_boxes(np.arange(12).reshape(3, 4) % 7 == 5)  # True in row 1, column 1, and nowhere else
    array([1, 1, 2, 2])
    """
    array = np.asarray(ink)
    if array.dtype != np.bool_:
        raise TypeError(f"bounding_boxes: expected booleans, True where there is ink, got {array.dtype}")
    if array.ndim < 2 or 0 in array.shape[-2:]:
        raise ValueError(f"bounding_boxes: expected shape (…, height, width), the last two not 0; got {array.shape}")
    boxes = np.zeros((*array.shape[:-2], 4), np.int64)
    for place, axis in ((0, -2), (1, -1)):
        across = np.asarray(array.any(axis=axis))
        boxes[..., place] = across.argmax(axis=-1)
        boxes[..., place + 2] = across.shape[-1] - across[..., ::-1].argmax(axis=-1)
    return np.asarray(np.where(np.asarray(array.any(axis=(-2, -1)))[..., None], boxes, 0))


def intersection_over_union(boxes: npt.ArrayLike, others: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """How well boxes (…, 4) agree with `others`: 1 where they are the same, 0 where they have nothing in common.

    It is the area that both cover over that which either covers (the Jaccard index). A box whose right is left of its
    left covers nothing; two such boxes agree with 0. Shapes broadcast. Raises ValueError where the last axis is not 4.

    >>> intersection_over_union([0, 0, 4, 4], [[0, 0, 4, 4], [2, 0, 6, 4], [4, 4, 8, 8]]).round(3)
    array([1.   , 0.333, 0.   ])
    """
    a, b = (np.asarray(box, np.float64) for box in (boxes, others))
    for array in (a, b):
        if array.shape[-1:] != (4,):
            raise ValueError(f"intersection_over_union: boxes need shape (…, 4), got {array.shape}")
    common = _area(np.maximum(a[..., :2], b[..., :2]), np.minimum(a[..., 2:], b[..., 2:]))
    either = _area(a[..., :2], a[..., 2:]) + _area(b[..., :2], b[..., 2:]) - common
    return np.asarray(common / np.where(either > 0, either, 1))


def _area(begin: Numbers, end: Numbers) -> Numbers:
    return np.asarray((end - begin).clip(0).prod(axis=-1))
