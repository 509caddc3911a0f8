"""Images a little moved, turned and resized, so that a model sees each one differently every time.

Called by `classify_digits.py` and `canvases.py` on the images they learn from, never on those they measure with.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from minigrad.data.arguments import check_generator


def deform(
    images: npt.ArrayLike, rng: np.random.Generator, shift: float = 1.0, turn: float = 10.0, resize: float = 0.1
) -> npt.NDArray[Any]:
    """Each image moved, turned and resized at random, in the dtype and shape it has, (count, height, width).

    Args:
        images: floats; what comes in from beyond an edge is 0.
        shift: at most so many pixels in either direction.
        turn: at most so many degrees to either side, about the middle.
        resize: at most this part of the size, for height and width separately: 0.1 is from 90 to 110 %.

    Every amount is uniform between its limits; values between pixels are interpolated linearly.

    Raises TypeError when `rng` is not a generator or images are not floats, ValueError for another shape.

    >>> image = np.zeros((1, 3, 3)); image[0, 1, 1] = 1
    >>> deform(image, np.random.default_rng(0), shift=0.0, turn=0.0, resize=0.0)[0, 1].tolist()
    [0.0, 1.0, 0.0]
    >>> deform(image, np.random.default_rng(0), turn=0.0, resize=0.0)[0].round(2).tolist()
    [[0.0, 0.15, 0.13], [0.0, 0.39, 0.33], [0.0, 0.0, 0.0]]
    """
    check_generator("deform", rng)
    array = np.asarray(images)
    if array.ndim != 3:
        raise ValueError(f"deform: images need shape (count, height, width), got {array.shape}")
    if array.dtype.kind != "f":
        raise TypeError(f"deform: images must be floats, got {array.dtype}")
    count, height, width = array.shape
    middle = np.array([(height - 1) / 2, (width - 1) / 2])
    moved = rng.uniform(-shift, shift, (count, 2, 1, 1))
    angle = np.radians(rng.uniform(-turn, turn, (count, 1, 1)))
    scale = 1 + rng.uniform(-resize, resize, (count, 2, 1, 1))

    # Where in the image each pixel of the result comes from.
    down, across = np.indices((height, width)) - middle[:, None, None]
    rows = (np.cos(angle) * down - np.sin(angle) * across) * scale[:, 0] + moved[:, 0] + middle[0]
    columns = (np.sin(angle) * down + np.cos(angle) * across) * scale[:, 1] + moved[:, 1] + middle[1]

    result = np.zeros(array.shape)
    top, left = np.floor(rows).astype(np.int64), np.floor(columns).astype(np.int64)
    each = np.arange(count)[:, None, None]
    for row, column in ((top, left), (top, left + 1), (top + 1, left), (top + 1, left + 1)):
        inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
        weight = (1 - np.abs(rows - row)) * (1 - np.abs(columns - column)) * inside
        result += weight * array[each, row.clip(0, height - 1), column.clip(0, width - 1)]
    return result.astype(array.dtype)
