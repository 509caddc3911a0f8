"""Rows of a data set: which examples a batch takes, and examples of different lengths as one array.

In come numbers of examples, or sequences; out go the rows of each batch, and arrays with a mask of what is real.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from minigrad.data.arguments import check_generator, check_positive

SORTED_TOGETHER = 8  # batches


def row_batches(
    count: int, batch: int, rng: np.random.Generator, lengths: npt.ArrayLike | None = None
) -> Iterator[npt.NDArray[np.int64]]:
    """Endless batches of the rows of a data set: which of its `count` examples to take, int64 of shape (batch,).

    No example is in a batch twice, and all are drawn equally often. With `lengths`, one for each example, those of a
    batch are of similar length, so that `pad` has little to fill up: they are neighbours among eight times as many
    (fewer where there are not so many), sorted.

    As with `minigrad.data.text_batches`, a batch is drawn when it is asked for and `rng` is all the iterator remembers.

    Raises TypeError when a size is not an integer or `rng` is not a generator, ValueError when a size is below 1,
    `batch` is larger than `count`, or `lengths` do not have shape (count,).

    >>> sequences, labels = [[1, 2, 3], [4], [5, 6], [7, 8, 9, 10]], np.array([0, 1, 1, 0])
    >>> rows = next(row_batches(4, batch=2, rng=np.random.default_rng(0), lengths=[len(s) for s in sequences]))
    >>> rows, labels[rows]
    (array([1, 2]), array([1, 1]))
    >>> pad([sequences[row] for row in rows])[0]
    array([[4, 0],
           [5, 6]])
    """
    check_generator("row_batches", rng)
    check_positive("row_batches", count=count, batch=batch)
    if batch > count:
        raise ValueError(f"row_batches: batch must be at most count, the number of examples; got {batch} > {count}")
    sizes = None if lengths is None else np.asarray(lengths)
    if sizes is not None and sizes.shape != (count,):
        raise ValueError(f"row_batches: lengths must have shape (count,) = ({count},), got {sizes.shape}")
    drawn_at_once = 1 if sizes is None else min(SORTED_TOGETHER, count // batch)

    def batches() -> Iterator[npt.NDArray[np.int64]]:
        while True:
            rows = rng.choice(count, drawn_at_once * batch, replace=False)
            if sizes is not None:
                rows = rows[np.argsort(sizes[rows], kind="stable")]
                start = batch * rng.integers(drawn_at_once)
                rows = rows[start : start + batch]
            yield rows

    return batches()


def pad(sequences: Sequence[npt.ArrayLike], value: float = 0) -> tuple[npt.NDArray[Any], npt.NDArray[np.bool_]]:
    """Sequences of different lengths as one array, filled up with `value`, and a mask that is True where data is real.

    `sequences` holds arrays or lists of numbers, each of shape (length, …), the same after the first axis. The array
    has shape (len(sequences), longest length, …) and the dtype that the sequences have in common, the mask (bool) the
    first two of these axes.

    Raises ValueError when a sequence is a single number, when shapes differ after the first axis or `value` does not
    fit the dtype, TypeError when a sequence does not hold numbers.

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
    mask = np.arange(lengths.max(initial=0)) < lengths[:, None]
    padded = np.full(mask.shape + (arrays[0].shape[1:] if arrays else ()), _convert_value(value, dtype))
    if arrays:
        padded[mask] = np.concatenate([array.astype(dtype) for array in arrays])
    return padded, mask


def _convert_value(value: float, dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    with np.errstate(invalid="ignore", over="ignore"):
        converted = np.asarray(value).astype(dtype)
    if dtype.kind != "f" and converted != value:
        raise ValueError(f"pad: value {value} cannot be held by {dtype}, the dtype of the sequences")
    return converted
