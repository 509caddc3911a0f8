"""Plain NumPy that ops compute with, and all that compiled programs call beside NumPy itself.

A saved script carries those that it calls, with what these call. So they load nothing but NumPy, `math`, `functools`,
each other and plain data, and no two names of this package mean two things. Those of this file serve several ops;
the others lie in a file for each family.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.exceptions import AxisError as AxisError
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from minigrad.core.arrays import Array

# The ufuncs' own reductions: np.sum, np.max and np.min without their layers of Python.
add_reduce: Any = np.add.reduce
maximum_reduce: Any = np.maximum.reduce
minimum_reduce: Any = np.minimum.reduce
sum_of_products: Any = np.vecdot

HALF = np.dtype(np.float16)
WIDE = 1024  # elements of a row, from which on a product with ones is hardly faster than `add.reduce`, and less exact


class NotANumberError(FloatingPointError):
    """A gradient has a NaN, where 0 · ∞ may be meant to be 0; nothing was written yet."""


def check_fit(name: str, result: Any, out: Array) -> Any:
    """What a user's op computed, if it is of the shape and type for which a program was made."""
    array = np.asarray(result)
    if (array.shape, array.dtype) != (out.shape, out.dtype):
        raise TypeError(
            f"{name}: returned {array.dtype} {array.shape}, where for zeros it returned {out.dtype} {out.shape}: an op "
            "in a compiled function returns the same shape and type for all values; or say what, with infer="
        )
    return array


def check_numbers(*gradients: Any) -> None:
    """Refuse gradients in which there is a NaN, before any of them is used."""
    for gradient in gradients:
        if np.isnan(minimum_reduce(gradient, None, None, None, False, 0)):
            raise NotANumberError(
                "a gradient has a NaN: minigrad computes such a step again, with products in which 0 · ∞ is 0"
            )


def sum_over(x: Any, axis: Any, keepdims: bool) -> Any:
    """np.sum, but float16 is summed up in float32: in its own precision, ones add up to 2,048 and no further."""
    if hasattr(x, "dtype") and x.dtype.char == "e":
        return add_reduce(x, axis, np.float32, None, keepdims).astype(HALF)
    return add_reduce(x, axis, None, None, keepdims)


def sum_last_axis(x: Array) -> Array:
    """Sums over the last axis, which stays as 1. A product with ones: `add.reduce` is slow along short rows.

    Along wide ones it adds in pairs, and a product of an array that is no plain matrix one after the other.
    """
    if x.dtype.char in "fd" and x.shape[-1] <= WIDE:
        return np.asarray(x @ make_ones(x.shape[-1], x.dtype))[..., None]
    return np.asarray(sum_over(x, -1, True))


def sum_batch(x: Array, shape: tuple[int, ...]) -> Array:
    """Sums over the leading axes down to `shape`, the trailing ones; a product with ones here too."""
    count = math.prod(shape)
    if not x.size or x.dtype.char not in "fd":
        return np.asarray(sum_over(x.reshape(-1 if count else x.size, *shape), 0, False))
    rows = x.reshape(-1, count)
    return (make_ones(len(rows), x.dtype) @ rows).reshape(shape)


@functools.lru_cache(maxsize=64)
def make_ones(count: int, dtype: np.dtype[Any]) -> Array:
    """So many ones, which nobody can write to: made once."""
    array = np.ones(count, dtype)
    array.flags.writeable = False
    return array


def select_where(condition: Array, x: Array) -> Array:
    """`x` where the condition holds, else 0: on the bits as integers, since `where` branches at every element."""
    bits = condition.astype(f"i{x.itemsize}")
    bits *= x.view(bits.dtype)
    return bits.view(x.dtype)


def is_zero(x: Any) -> bool:
    """Whether `x` is Python's 0.0, and not −0.0."""
    return type(x) is float and x == 0 and math.copysign(1, x) > 0


def raise_to(x1: Any, x2: Any, out: Array | None = None) -> Any:
    """x₁ to the power x₂. Where one 0.5 stands for a whole array NumPy takes a root, which is no power of −0 and −∞."""
    half = np.equal(x2, 0.5)
    if half.any():
        x1 = np.asarray(x1, np.result_type(x1, x2))
        x1 = np.where(half & ((x1 == 0) | (x1 == -np.inf)), np.abs(x1), x1)
    return np.power(x1, x2, out=out)


def as_float(x: Any) -> Array:
    """Integers and booleans as the floats NumPy makes of them: an unsigned integer would wrap around below zero."""
    array: Array = np.asarray(x)
    return array if array.dtype.kind == "f" else array.astype(np.result_type(array.dtype, np.float16))


def widen_half(x: Array) -> tuple[Array, np.dtype[Any]]:
    """float16 as float32, where sums neither overflow nor lose their small terms, and the type to come back to."""
    return (x.astype(np.float32) if x.dtype.char == "e" else x), x.dtype


@functools.cache
def find_sum_dtype(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The type to add up in: that of `numpy.sum` for integers, which does not wrap, and float32 for float16."""
    return np.dtype(np.float32) if dtype.char == "e" else add_reduce(np.empty(0, dtype)).dtype


def cast_exactly(values: Any, dtype: Any) -> Array:
    """`values` in another type; TypeError where one of them would become another number, as 2.5 or −1 in a uint8."""
    given, dtype = np.asarray(values), np.dtype(dtype)
    if given.dtype.kind not in "biuf":
        raise TypeError(f"expected real numbers, got {given.dtype}")
    if dtype.kind == "f" or given.dtype == dtype:
        return given.astype(dtype, copy=False)
    with np.errstate(invalid="ignore"):  # NaN as an integer
        cast = given.astype(dtype)
    if not np.array_equal(cast, given):
        raise TypeError(f"{given[cast != given].flat[0]} cannot be held by {dtype}: convert with astype first")
    return cast


def shift_rows(x: Array, axis: int, mask: Array | None = None) -> Array:
    """`x` minus the maximum of each row, so that no exponential of it overflows; −∞ where the mask is False."""
    x = as_float(x)
    if mask is not None:
        x = np.where(mask, x, x.dtype.type(-np.inf))
    largest = find_maxima(x, axis)
    if mask is not None:  # which may leave nothing of a row
        largest = np.where(largest == -np.inf, x.dtype.type(0), largest)
    with np.errstate(invalid="ignore"):  # −∞ − (−∞) is NaN: a row of nothing has no distribution
        return np.asarray(x - largest)


def find_maxima(x: Array, axis: int) -> Array:
    """The largest value along one axis, which stays as 1; along short rows `argmax` is much faster than a reduction."""
    if not x.size:
        return np.asarray(maximum_reduce(x, axis, None, None, True, -np.inf))
    if axis not in (-1, x.ndim - 1):
        return np.asarray(maximum_reduce(x, axis, None, None, True))
    rows = x.reshape(-1, x.shape[-1])
    largest: Array = rows[np.arange(len(rows)), rows.argmax(-1)]
    return largest.reshape(*x.shape[:-1], 1)


def sum_axis(x: Array, axis: int) -> Array:
    """Sums over one axis, which stays as 1."""
    return sum_last_axis(x) if axis in (-1, x.ndim - 1) else np.asarray(sum_over(x, axis, True))


# --- arguments --------------------------------------------------------------------------------------------------------


def broadcasts_to(shape: tuple[int, ...], target: tuple[int, ...]) -> bool:
    """Whether broadcasting with an array of shape `target` leaves that its shape."""
    return len(shape) <= len(target) and all(n in (1, m) for n, m in zip(shape[::-1], target[::-1], strict=False))


def check_axis(function: str, axis: int, ndim: int) -> int:
    """`axis` counted from the front, or an AxisError that names the function."""
    return int(normalize_axis_index(axis, ndim, function))


def check_axes(function: str, axes: int | Sequence[int], ndim: int) -> tuple[int, ...]:
    """Axes counted from the front; AxisError for one that is not there, ValueError for one that is there twice."""
    return tuple(normalize_axis_tuple(axes, ndim, function))
