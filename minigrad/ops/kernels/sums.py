"""Sums and what is made of them: means, norms, recurrences, products in a wider type."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad.core.arrays import Array
from minigrad.ops.kernels import (
    HALF,
    add_reduce,
    as_float,
    cast_exactly,
    maximum_reduce,
    minimum_reduce,
    sum_batch,
    sum_last_axis,
    sum_over,
    widen_half,
)

Axis = int | tuple[int, ...] | None


def keep_shape(shape: tuple[int, ...], axis: Axis) -> tuple[int, ...]:
    """The shape with the reduced axes kept as 1; in NumPy, numbers have an axis 0 and −1 to be reduced over."""
    if axis is None or not shape:
        return (1,) * len(shape)
    places = {i % len(shape) for i in ((axis,) if isinstance(axis, int) else axis)}
    return tuple(1 if i in places else n for i, n in enumerate(shape))


def count_reduced(shape: tuple[int, ...], axis: Axis) -> int:
    """How many elements go into each result."""
    return math.prod(n for n, m in zip(shape, keep_shape(shape, axis), strict=True) if m == 1)


def mean(x: Any, axis: Axis, keepdims: bool) -> Any:
    """The arithmetic mean over an axis."""
    if type(axis) is int and axis == -1 and np.ndim(x) and x.dtype.char in "fd" and x.shape[-1]:
        means = sum_last_axis(x) / x.shape[-1]
        return means if keepdims else means[..., 0]
    return np.mean(x, axis=axis, keepdims=keepdims)


def count_degrees_of_freedom(shape: tuple[int, ...], axis: Axis, ddof: float) -> float:
    """n − ddof; 0 where it would be less, as in NumPy, so that the result is NaN or infinite."""
    degrees = count_reduced(shape, axis) - ddof
    return float(degrees) if degrees > 0 else 0.0


def std(x: Any, axis: Axis, ddof: float, keepdims: bool) -> Any:
    """The standard deviation over an axis."""
    x = np.asarray(x)
    floats, dtype = widen_half(x if x.dtype.kind == "f" else x.astype(np.float64))
    # The first entry is subtracted before: means are rounded, and equal elements give exactly 0.
    shifted = floats - floats[tuple([slice(0, 1) if n == 1 else slice(None) for n in keep_shape(x.shape, axis)])]
    squares = np.square(shifted - mean(shifted, axis, True))
    if ddof:
        variance = sum_over(squares, axis, keepdims) / count_degrees_of_freedom(x.shape, axis, ddof)
    else:
        variance = mean(squares, axis, keepdims)
    return np.sqrt(variance).astype(dtype, copy=False)


def logsumexp(x: Any, axis: Axis, keepdims: bool) -> Any:
    """log(sum(exp(x))) over an axis, shifted by the largest, which are counted and not summed: log(1 + exp(−40))."""
    x = as_float(x)
    largest = maximum_reduce(x, axis, None, None, True)
    shift = np.where(np.isfinite(largest), largest, 0)
    wide = np.result_type(x.dtype, np.float32)
    is_largest = x == shift
    with np.errstate(divide="ignore", over="ignore"):  # log 0 = −∞ and exp ∞ = ∞ are the values meant
        others = add_reduce(np.where(is_largest, 0, np.exp(x - shift)), axis, wide, None, True)
        more = (add_reduce(is_largest, axis, None, None, True) - 1).astype(wide)
        total = (np.log1p(others + more) + shift).astype(x.dtype)
    return total if keepdims else total.squeeze(axis)


def vector_norm(x: Any, axis: Axis, keepdims: bool, ord: float) -> Any:
    """The norm of the elements over an axis, as one vector; scaled before they are squared, where squares need it."""
    x = np.asarray(x)
    floats, dtype = widen_half(x if x.dtype.kind == "f" else x.astype(np.float64))
    if ord == 2 and axis is None:  # in one pass, by parts: one long product would be less exact
        with np.errstate(all="ignore"):
            total = sum(float(part @ part) for part in np.array_split(floats.ravel(), 1 + x.size // 2**15))
        if math.sqrt(np.finfo(floats.dtype).tiny) < total < math.inf:  # what tiny squares lack does not show
            return np.full((1,) * x.ndim if keepdims else (), math.sqrt(total), dtype)
    size = np.abs(floats)
    if ord == 0:
        y = add_reduce(size != 0, axis, None, None, keepdims)
    elif ord == 1:
        y = add_reduce(size, axis, None, None, keepdims)
    elif ord == math.inf:
        y = maximum_reduce(size, axis, None, None, keepdims, 0)
    elif ord == -math.inf:
        y = minimum_reduce(size, axis, None, None, keepdims)
    else:
        y = compute_power_norm(size, axis, ord)
        y = y if keepdims else y.squeeze(axis)
    return y.astype(dtype)


def compute_power_norm(size: Any, axis: Axis, power: float) -> Any:
    """With the axes kept, and scaled by a power of two, which rounds nothing, to 1 or less."""
    limit = np.finfo(size.dtype).maxexp - 4  # so that 2 to the ±limit exists
    exponent = np.clip(np.frexp(maximum_reduce(size, axis, None, None, True, 0))[1], -limit, limit)
    scaled = size * np.ldexp(size.dtype.type(1), -exponent)
    total = add_reduce(scaled * scaled if power == 2 else scaled**power, axis, None, None, True)
    return np.ldexp(np.sqrt(total) if power == 2 else total ** (1 / power), exponent)


def sum_to(x: Any, shape: tuple[int, ...]) -> Any:
    """`x` summed over the axes along which a smaller shape would be broadcast."""
    x = np.asarray(x)
    leading = x.ndim - len(shape)
    if leading > 0 and x.shape[leading:] == shape:  # the commonest case: a bias, broadcast over a batch
        return sum_batch(x, shape)
    if leading < 0 or any(n not in (1, m) for n, m in zip(shape, x.shape[leading:], strict=True)):
        raise ValueError(f"shape {shape} cannot be broadcast to {x.shape}")
    stretched = [leading + i for i, n in enumerate(shape) if n == 1 != x.shape[leading + i]]
    axes = (*range(leading), *stretched)
    return sum_over(x, axes, False).reshape(shape) if axes else x


def linear_recurrence(a: Any, b: Any, axis: int, reverse: bool) -> Any:
    """yᵢ = aᵢ yᵢ₋₁ + bᵢ along an axis, or from its end."""
    return recur(np.multiply, a, b, axis, reverse)


def recur(multiply: Callable[[Any, Any], Any], a: Any, b: Any, axis: int, reverse: bool) -> Any:
    """A linear recurrence with a product of one's own; of float16 in float32."""
    shape = np.broadcast_shapes(np.shape(a), np.shape(b))
    dtype = np.result_type(*(getattr(x, "dtype", x) for x in (a, b)), HALF)
    wide = np.float32 if dtype.char == "e" else dtype
    factors, y = (np.array(np.moveaxis(np.broadcast_to(x, shape), axis, 0), wide, order="C") for x in (a, b))
    factors, steps = (factors[:0:-1], y[::-1]) if reverse else (factors[1:], y)
    for i in range(1, len(y)):
        steps[i] += multiply(factors[i - 1], steps[i - 1])
    return np.moveaxis(y, 0, axis).astype(dtype, copy=False)


def write_strong_product(x1: Any, x2: Any, out: Array) -> None:
    """The product, but 0 where it is NaN and a factor is 0."""
    np.multiply(x1, x2, out=out)
    if np.isnan(add_reduce(out, None)):
        np.copyto(out, 0, where=np.isnan(out) & ((x1 == 0) | (x2 == 0)))


def multiply_matrices(x1: Any, x2: Any) -> Any:
    """The matrix product; of a batch and one matrix as one product, which is faster than one per matrix."""
    if x1.ndim > 2 and x2.ndim == 2:
        rows = x1.reshape((math.prod(x1.shape[:-1]), x1.shape[-1]))  # without −1, which an empty array leaves open
        return (rows @ x2).reshape(*x1.shape[:-1], x2.shape[-1])
    return np.matmul(x1, x2)


def linear(x: Any, weight: Any, bias: Any) -> Any:
    """x W + b, or x W where there is no bias."""
    if bias is None:
        return multiply_matrices(x, weight)
    if x.dtype.char == weight.dtype.char == "e":  # the product is not rounded by itself
        return (multiply_matrices(x.astype(np.float32), weight) + bias).astype(np.result_type(HALF, bias), copy=False)
    y = multiply_matrices(x, weight)
    return np.add(y, bias, out=y) if y.dtype is getattr(bias, "dtype", None) and y.ndim else y + bias


def pad(x: Any, pad_width: Any, mode: str, constant_values: Any) -> Any:
    """`x` made larger at both ends of every axis."""
    function: Any = np.pad  # its type asks for a literal mode
    if mode == "constant":
        return function(x, pad_width, mode, constant_values=cast_exactly(constant_values or 0, x.dtype))
    return function(x, pad_width, mode, **({} if constant_values is None else {"constant_values": constant_values}))


def cummax(x: Any, axis: int) -> Any:
    return np.maximum.accumulate(x, axis)


def cummin(x: Any, axis: int) -> Any:
    return np.minimum.accumulate(x, axis)
