"""Plain NumPy that several ops compute with, where the obvious call is many times slower than it need be."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.exceptions import AxisError as AxisError
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from minigrad.core.arrays import Array, is_half

# The ufuncs' own reductions: np.sum, np.max and np.min without their layers of Python.
add_reduce: Any = np.add.reduce
maximum_reduce: Any = np.maximum.reduce
minimum_reduce: Any = np.minimum.reduce
sum_of_products: Any = np.vecdot

HALF = np.dtype(np.float16)


class NotANumberError(FloatingPointError):
    """A gradient has a NaN, where 0 · ∞ may be meant to be 0; nothing was written yet."""


def fitting(name: str, result: Any, out: Array) -> Any:
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


def reduced_sum(x: Any, axis: Any, keepdims: bool) -> Any:
    """np.sum, but float16 is summed up in float32: in its own precision, ones add up to 2,048 and no further."""
    if is_half(x):
        return add_reduce(x, axis, np.float32, None, keepdims).astype(HALF)
    return add_reduce(x, axis, None, None, keepdims)


def row_sums(x: Array) -> Array:
    """Sums over the last axis, which stays as 1. A product with ones: `add.reduce` is slow along short rows."""
    if x.dtype.char in "fd":
        return np.asarray(x @ ones(x.shape[-1], x.dtype))[..., None]
    return np.asarray(reduced_sum(x, -1, True))


def batch_sums(x: Array, shape: tuple[int, ...]) -> Array:
    """Sums over the leading axes down to `shape`, the trailing ones; a product with ones here too."""
    count = math.prod(shape)
    if not x.size or x.dtype.char not in "fd":
        return np.asarray(reduced_sum(x.reshape(-1 if count else x.size, *shape), 0, False))
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


def is_zero(x: Any) -> bool:
    """Whether `x` is Python's 0.0, and not −0.0."""
    return type(x) is float and x == 0 and math.copysign(1, x) > 0


def as_float(x: Any) -> Array:
    """Integers and booleans as the floats NumPy makes of them: an unsigned integer would wrap around below zero."""
    array: Array = np.asarray(x)
    return array if array.dtype.kind == "f" else array.astype(np.result_type(array.dtype, np.float16))


def widened(x: Array) -> tuple[Array, np.dtype[Any]]:
    """float16 as float32, where sums neither overflow nor lose their small terms, and the type to come back to."""
    return (x.astype(np.float32) if x.dtype.char == "e" else x), x.dtype


@functools.cache
def sum_dtype(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The type to add up in: that of `numpy.sum` for integers, which does not wrap, and float32 for float16."""
    return np.dtype(np.float32) if dtype.char == "e" else add_reduce(np.empty(0, dtype)).dtype


def exactly(values: Any, dtype: np.dtype[Any]) -> Array:
    """`values` in another type; TypeError where one of them would become another number, as 2.5 or −1 in a uint8."""
    given = np.asarray(values)
    if given.dtype.kind not in "biuf":
        raise TypeError(f"expected real numbers, got {given.dtype}")
    if dtype.kind == "f" or given.dtype == dtype:
        return given.astype(dtype, copy=False)
    with np.errstate(invalid="ignore"):  # NaN as an integer
        cast = given.astype(dtype)
    if not np.array_equal(cast, given):
        raise TypeError(f"{given[cast != given].flat[0]} cannot be held by {dtype}: convert with astype first")
    return cast


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
    if not x.size:
        return np.asarray(maximum_reduce(x, axis, None, None, True, -np.inf))
    if axis not in (-1, x.ndim - 1):
        return np.asarray(maximum_reduce(x, axis, None, None, True))
    rows = x.reshape(-1, x.shape[-1])
    largest: Array = rows[np.arange(len(rows)), rows.argmax(-1)]
    return largest.reshape(*x.shape[:-1], 1)


def sums(x: Array, axis: int) -> Array:
    """Sums over one axis, which stays as 1."""
    return row_sums(x) if axis in (-1, x.ndim - 1) else np.asarray(reduced_sum(x, axis, True))


# --- arguments --------------------------------------------------------------------------------------------------------


def broadcasts_to(shape: tuple[int, ...], target: tuple[int, ...]) -> bool:
    """Whether broadcasting with an array of shape `target` leaves that its shape."""
    return len(shape) <= len(target) and all(n in (1, m) for n, m in zip(shape[::-1], target[::-1], strict=False))


def checked_axis(function: str, axis: int, ndim: int) -> int:
    """`axis` counted from the front, or an AxisError that names the function."""
    return int(normalize_axis_index(axis, ndim, function))


def checked_axes(function: str, axes: int | Sequence[int], ndim: int) -> tuple[int, ...]:
    """Axes counted from the front; AxisError for one that is not there, ValueError for one that is there twice."""
    return tuple(normalize_axis_tuple(axes, ndim, function))


# --- lines of programs that take more than a call of NumPy; each writes its result into `out` ------------------------


def softmax_of_rows(
    x: Array, mask: Array | None, factor: Array | None, column: Array, totals: Array, out: Array
) -> None:
    """Exponentials as they come; where they overflow or vanish, once more from the largest of each row.

    `factor` is the mask, perhaps in the type of `x`; `column` are ones, and `totals` memory for the sums.
    """
    rows = out.reshape(len(totals), -1)
    with np.errstate(all="ignore"):
        np.exp(x, out=out)
        if factor is not None:
            np.multiply(out, factor, out=out)
        np.matmul(rows, column, out=totals)
    if 1e-6 < minimum_reduce(totals, None) and maximum_reduce(totals, None) < 1e30:
        np.divide(rows, totals, out=rows)
    else:
        out[...] = softmax(x, mask, -1)


def softmax(x: Array, mask: Array | None, axis: int) -> Array:
    """Positive weights that add up to 1 along an axis; 0 where the mask is False."""
    x, dtype = widened(as_float(x))
    y = shifted(x, axis) if mask is None else masked_and_shifted(x, mask, axis)
    np.exp(y, out=y)
    if mask is None:
        y /= sums(y, axis)
    else:
        y *= mask
        total = sums(y, axis)
        y /= np.where(total > 0, total, 1)
    return y.astype(dtype, copy=False)


def steady(x: Array, out: Array) -> None:
    """Rows, each moved by a number where their exponentials might overflow or vanish."""
    if -16 < minimum_reduce(x, None) and maximum_reduce(x, None) < 16:
        np.copyto(out, x)
        return
    with np.errstate(invalid="ignore"):  # ∞ − ∞ is NaN: such a row has no distribution
        np.subtract(x, maxima(x, -1), out=out)


SMALL_LOSS = 1 / 16  # from which on the loss of a row is computed with care


def surprise(x: Array, total: Array, targets: Array, rows: Array, out: Array) -> None:
    """The loss of each row; the difference where it has digits enough, since the total is known."""
    np.subtract(total[:, 0], x[rows, targets], out=out)
    if np.fmin.reduce(out) < SMALL_LOSS:  # the difference of two larger numbers has few digits
        out[...] = surprises(x, targets)


def surprises(x: Array, classes: Array) -> Array:
    """The loss of each row, as log(1 + …): a small loss would have few digits as a difference."""
    at_targets = np.arange(len(x)), classes
    own = x[at_targets]
    with np.errstate(over="ignore", invalid="ignore"):
        exponentials = np.exp(x - own[:, None])
        exponentials[at_targets] = 0
        losses: Array = np.log1p(row_sums(exponentials)[:, 0])
        if not np.isfinite(losses.dot(own)):  # too large for its exponential, or without a distribution
            far = ~(np.isfinite(losses) & np.isfinite(own))
            shift = maxima(x[far], -1)
            losses[far] = np.log(row_sums(np.exp(x[far] - shift)))[:, 0] - (own[far] - shift[:, 0])
    return losses


def strong_product(x1: Any, x2: Any, out: Array) -> None:
    """The product, but 0 where it is NaN and a factor is 0."""
    np.multiply(x1, x2, out=out)
    if np.isnan(add_reduce(out, None)):
        np.copyto(out, 0, where=np.isnan(out) & ((x1 == 0) | (x2 == 0)))


def check_classes(function: str, indices: Any, count: int) -> Any:
    """Integers from 0 to `count` − 1, or an error that says which is not."""
    if indices.dtype.kind not in "iu":
        raise TypeError(f"{function}: indices must be integers, got {indices.dtype}")
    # Read without its sign, a negative number is large: one pass finds what is too small and what is too large.
    if indices.size and maximum_reduce(indices.view(f"u{indices.itemsize}"), None) >= count:
        for bad in np.flatnonzero((indices < 0) | (indices >= count)):
            place = tuple(int(i) for i in np.unravel_index(bad, indices.shape))
            raise IndexError(f"{function}: index {indices.flat[bad]} at {place} is outside 0 … {count - 1}")
    return indices


def check_room(taken: Any, count: int, context: int) -> None:
    """Raise where `count` more tokens do not fit."""
    if int(taken) + count > context:
        raise ValueError(
            f"KeyValueCache(context={context}) is full: it holds {int(taken)} tokens, and {count} more do not fit; "
            "reset() begins anew, a larger context holds more"
        )


def numbered(shape: tuple[int, ...]) -> Any:
    """The number of each element, row by row; read with an index, it says which places the index means."""
    return np.arange(math.prod(shape)).reshape(shape)


def added_at_places(values: Any, places: Any, shape: tuple[int, ...]) -> Any:
    """Values added at numbered places of zeros; `add.at` is fast on flat arrays only."""
    result = np.zeros(math.prod(shape), sum_dtype(values.dtype))
    values = values if values.shape == places.shape else np.broadcast_to(values, places.shape)
    np.add.at(result, places.ravel(), values.ravel())
    result = result.reshape(shape)
    return result.astype(values.dtype, copy=False) if values.dtype.kind == "f" else result


def rows_added(values: Any, rows: Any, shape: tuple[int, ...]) -> Any:
    """Rows added at the places `rows` of zeros, without numbering those that take no part."""
    count, width, rows = shape[0], math.prod(shape[1:]), rows.astype(np.intp, copy=False)
    if rows.size and (minimum_reduce(rows, None) < 0 or maximum_reduce(rows, None) >= count):
        outside = rows[(rows < -count) | (rows >= count)]
        if outside.size:
            raise IndexError(f"index {outside[0]} is out of bounds for axis 0 with size {count}")
        rows = np.where(rows < 0, rows + count, rows)
    places = rows[..., None] * width + np.arange(width)
    return added_at_places(values, places.reshape(rows.shape + shape[1:]), shape)


def add_rows(values: Array, rows: Array, identity: Array, hot: Array, out: Array) -> None:
    """Rows added at the places `rows` of zeros, by a product with their one-hot vectors; `hot` is memory for these."""
    count, width = len(out), math.prod(out.shape[1:])
    hot[...] = identity[rows.reshape(-1)]
    np.matmul(hot.T, values.reshape(len(hot), width), out=out.reshape(count, width))
    if not np.isfinite(add_reduce(out, None)):  # 0 · ∞ is NaN, which would be everywhere
        out[...] = rows_added(values, rows, out.shape)
