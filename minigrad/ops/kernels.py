"""Plain NumPy that several ops compute with, where the obvious call is many times slower than it need be."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from minigrad.base.arrays import Array

# The ufuncs' own reductions: np.sum, np.max and np.min without their layers of Python.
add_reduce: Any = np.add.reduce
maximum_reduce: Any = np.maximum.reduce
minimum_reduce: Any = np.minimum.reduce
sum_of_products: Any = np.vecdot


def row_sums(x: Array) -> Array:
    """Sums over the last axis, which stays as 1. A product with ones: `add.reduce` is slow along short rows."""
    if x.dtype.char in "fd":
        return np.asarray(x @ ones(x.shape[-1], x.dtype))[..., None]
    return np.asarray(add_reduce(x, -1, None, None, True))


def batch_sums(x: Array, shape: tuple[int, ...]) -> Array:
    """Sums over the leading axes down to `shape`, the trailing ones; a product with ones here too."""
    count = math.prod(shape)
    if not x.size or x.dtype.char not in "fd":
        return np.asarray(add_reduce(x.reshape(-1 if count else x.size, *shape), 0))
    rows = x.reshape(-1, count)
    return (ones(len(rows), x.dtype) @ rows).reshape(shape)


@functools.lru_cache(maxsize=64)
def ones(count: int, dtype: np.dtype[Any]) -> Array:
    array = np.ones(count, dtype)
    array.flags.writeable = False
    return array


def selected(condition: Array, x: Array) -> Array:
    """`x` where the condition holds, else 0: on the bits as integers, since `where` branches at every element."""
    bits = condition.astype(f"i{x.itemsize}")
    bits *= x.view(bits.dtype)
    return bits.view(x.dtype)


def as_float(x: Any) -> Array:
    """Integers and booleans as the floats NumPy makes of them: an unsigned integer would wrap around below zero."""
    array: Array = np.asarray(x)
    return array if array.dtype.kind == "f" else array.astype(np.result_type(array.dtype, np.float16))


def shifted(x: Array, axis: int) -> Array:
    """`x` minus something near the maximum of each row, so that no exponential of it overflows or vanishes."""
    x = as_float(x)
    highest = common_maximum(x)
    if highest is not None:
        return np.asarray(x - highest)
    with np.errstate(invalid="ignore"):  # −∞ − (−∞) is NaN: a row of nothing has no distribution
        return np.asarray(x - maxima(x, axis))


def masked_and_shifted(x: Array, mask: Array, axis: int) -> Array:
    """As `shifted`, for what the mask lets through; the exponentials of the rest are finite, to be multiplied by 0."""
    x = as_float(x)
    highest = common_maximum(x)
    if highest is not None and np.broadcast(x, mask).shape == x.shape:
        return np.asarray(x - highest)
    x = np.where(mask, x, x.dtype.type(-np.inf))
    largest = maxima(x, axis)
    return np.asarray(x - np.where(np.isfinite(largest), largest, x.dtype.type(0)))


def common_maximum(x: Array) -> Any:
    """The largest value of all where it can serve every row, which is much cheaper; None where values lie far apart.

    Within 16 of each other, no row loses more than four bits of its exponentials to it. NaN and infinities never are.
    """
    if not x.size:
        return None
    highest = maximum_reduce(x, None)
    return highest if highest < minimum_reduce(x, None) + 16 else None


def maxima(x: Array, axis: int) -> Array:
    """The largest value along one axis, which stays as 1; along short rows `argmax` is much faster than a reduction."""
    if not x.size or axis not in (-1, x.ndim - 1):
        return np.asarray(maximum_reduce(x, axis, None, None, True))
    rows = x.reshape(-1, x.shape[-1])
    largest: Array = rows[np.arange(len(rows)), rows.argmax(-1)]
    return largest.reshape(*x.shape[:-1], 1)


def sums(x: Array, axis: int) -> Array:
    """Sums over one axis, which stays as 1."""
    return row_sums(x) if axis in (-1, x.ndim - 1) else np.asarray(add_reduce(x, axis, None, None, True))
