"""Examples of different lengths as one array.

In come sequences; out go arrays with a mask of what is real.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt


def pad(
    sequences: Sequence[npt.ArrayLike], value: float = 0, length: int | None = None
) -> tuple[npt.NDArray[Any], npt.NDArray[np.bool_]]:
    """Sequences of different lengths as one array, filled up with `value`, and a mask that is True where data is real.

    `sequences` holds arrays or lists of numbers, each of shape (length, …), the same after the first axis. The array
    has shape (len(sequences), longest length, …) and the dtype that the sequences have in common, the mask (bool) the
    first two of these axes. With `length`, that takes the place of the longest: a compiled step meets one shape.

    Raises ValueError when a sequence is a single number or longer than `length`, when shapes differ after the first
    axis or `value` does not fit the dtype, TypeError when a sequence does not hold numbers.

    >>> tokens, mask = pad([[5, 6, 7], [8]], value=0)
    >>> tokens
    array([[5, 6, 7],
           [8, 0, 0]])
    >>> mask
    array([[ True,  True,  True],
           [ True, False, False]])
    >>> frames, mask = pad([np.ones((3, 12)), np.ones((2, 12))])
    >>> frames.shape, mask.shape
    ((2, 3, 12), (2, 3))
    """
    arrays = [np.asarray(sequence) for sequence in sequences]
    for position, array in enumerate(arrays):
        if array.ndim == 0 or array.shape[1:] != arrays[0].shape[1:]:
            raise ValueError(
                "pad: every sequence needs shape (length, …), the same after the first axis; "
                f"sequence 0 has {arrays[0].shape}, sequence {position} has {array.shape}"
            )
        if array.dtype.kind not in "biuf":
            raise TypeError(f"pad: every sequence holds numbers, sequence {position} has dtype {array.dtype}")
    # An empty list is float64 to NumPy, but says nothing about the dtype of its neighbours.
    dtype = np.result_type(*([array.dtype for array in arrays if array.size] or [np.dtype(np.int64)]))
    lengths = np.array([len(array) for array in arrays], dtype=np.int64)
    longest = int(lengths.max(initial=0))
    if length is not None and length < longest:
        raise ValueError(f"pad: the longest sequence has {longest} places, more than length={length}")
    mask = np.arange(longest if length is None else length) < lengths[:, None]
    padded = np.full(mask.shape + (arrays[0].shape[1:] if arrays else ()), _convert_value(value, dtype))
    if arrays:
        padded[mask] = np.concatenate([array.astype(dtype) for array in arrays])
    return padded, mask


def pad_targets(sequences: Sequence[npt.ArrayLike]) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """What a decoder reads, and what it is to write at each place: int64, both (len(sequences), longest length - 1).

    `sequences` are tokens with a mark before and after them. What follows the last mark is -1, to be ignored.

    >>> inputs, following = pad_targets([[9, 5, 6, 9], [9, 7, 9]])
    >>> inputs
    array([[9, 5, 6],
           [9, 7, 9]])
    >>> following
    array([[ 5,  6,  9],
           [ 7,  9, -1]])
    """
    target, _ = pad(sequences, value=-1)
    return np.maximum(target[:, :-1], 0), target[:, 1:]


def _convert_value(value: float, dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    with np.errstate(invalid="ignore", over="ignore"):
        converted = np.asarray(value).astype(dtype)
    if dtype.kind != "f" and converted != value:
        raise ValueError(f"pad: value {value} cannot be held by {dtype}, the dtype of the sequences")
    return converted
