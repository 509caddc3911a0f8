"""Images as sequences of tokens: cut into square patches and put together again."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from minigrad.data.arguments import check_positive

Numbers = npt.NDArray[Any]


def patches(images: npt.ArrayLike, size: int) -> Numbers:
    """The square patches of each image, (count, tokens, size · size), from (count, height, width).

    With colours, (count, height, width, channels), the last axis of both is longer: (count, tokens, size · size ·
    channels). Patches go row by row, and so do the pixels of each, a pixel's channels side by side.

    Raises ValueError when images do not have three or four axes or their height or width is no multiple of `size`,
    TypeError when `size` is not an integer.

    >>> patches([[[1, 2, 3, 4], [5, 6, 7, 8]]], size=2)
    array([[[1, 2, 5, 6],
            [3, 4, 7, 8]]])
    """
    check_positive("patches", size=size)
    array = np.asarray(images)
    if array.ndim not in (3, 4) or array.shape[1] % size or array.shape[2] % size:
        raise ValueError(
            "patches: images need shape (count, height, width) or (count, height, width, channels), height and width "
            f"multiples of size={size}; got {array.shape}"
        )
    count, height, width = array.shape[:3]
    channels = 1 if array.ndim == 3 else array.shape[3]
    tiles = array.reshape(count, height // size, size, width // size, size, channels).swapaxes(2, 3)
    return tiles.reshape(count, (height // size) * (width // size), size * size * channels)


def from_patches(tokens: npt.ArrayLike, width: int) -> Numbers:
    """Images (count, height, width) whose `patches` are `tokens`, (count, tokens, size · size).

    Raises ValueError when the patches are not square or do not fill rows of the given width.

    >>> from_patches([[[1, 2, 5, 6], [3, 4, 7, 8]]], width=4)
    array([[[1, 2, 3, 4],
            [5, 6, 7, 8]]])
    """
    check_positive("from_patches", width=width)
    array = np.asarray(tokens)
    size = round(array.shape[-1] ** 0.5) if array.ndim else 0
    across = width // size if size else 0
    if array.ndim != 3 or size**2 != array.shape[2] or across * size != width or array.shape[1] % across:
        raise ValueError(
            "from_patches: tokens need shape (count, tokens, size · size), and size and tokens have to fill rows of "
            f"width={width}; got {array.shape}"
        )
    count, number, _ = array.shape
    tiles = array.reshape(count, number // across, across, size, size).swapaxes(2, 3)
    return tiles.reshape(count, number // across * size, width)
