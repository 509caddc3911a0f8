"""Differences along axes, derivatives made of them, and two products of NumPy's, all written in other ops."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad import ops
from minigrad.core.arrays import shape_of
from minigrad.core.record import composition
from minigrad.core.storage import widen_operand
from minigrad.core.tensor import array_or_constant
from minigrad.ops.kernels import check_axes, check_axis
from minigrad.ops.precision import rounded_once

__all__ = ["cross", "diff", "gradient", "kron"]


def part(x: Any, axis: int, start: int | None, stop: int | None = None) -> Any:
    return ops.index(x, ((slice(None),) * axis) + (slice(start, stop),))


@composition(formula="xᵢ₊₁ − xᵢ", numpy=[np.diff])
@rounded_once
def diff(a: Any, n: int = 1, axis: int = -1, prepend: Any = None, append: Any = None) -> Any:
    """The differences of neighbours along `axis`, `n` times over; of booleans, whether they differ.

    Args:
        prepend, append: what to put before and after `a`: a number, or an array that fits.

    >>> diff(Tensor([1.0, 4.0, 9.0])).tolist()
    [3.0, 5.0]
    """
    x = a if hasattr(a, "dtype") else array_or_constant(a)
    along = check_axis("diff", axis, len(x.shape))
    if n < 0:
        raise ValueError(f"diff: n={n} must not be negative")
    if not n:
        return ops.copy(x)
    end = (*x.shape[:along], 1, *x.shape[along + 1 :])
    ends = [fill_end(x, y, end) for y in (prepend, append)]
    parts = [y for y in (ends[0], x, ends[1]) if y is not None]
    x = ops.concatenate(parts, axis=along) if len(parts) > 1 else x
    for _ in range(n):
        subtract = ops.not_equal if x.dtype.kind == "b" else ops.subtract
        x = subtract(part(x, along, 1), part(x, along, None, -1))
    return x


def fill_end(x: Any, y: Any, shape: tuple[int, ...]) -> Any:
    """What is put at an end of `x`, a number of its type as an array of this shape."""
    if y is None or shape_of(y):
        return y
    y = ops.astype(y, x.dtype) if isinstance(y, (int, float)) and x.dtype.kind == "f" else y
    return ops.broadcast_to(y, shape)


@composition(formula="∂f, from differences of neighbours", numpy=[np.gradient])
def gradient(f: Any, *varargs: Any, axis: int | Sequence[int] | None = None, edge_order: int = 1) -> Any:
    """NumPy's estimate of derivatives of sampled values: central differences, one-sided ones at both ends.

    Args:
        varargs: how far the samples lie apart: one number, or for each axis a number or the places themselves.
        axis: the axes to differentiate along, all by default. Of several, the result is a tuple.
        edge_order: 1 or 2, the order of the error at the ends.

    >>> gradient(Tensor([1.0, 4.0, 9.0, 16.0])).tolist()
    [3.0, 4.0, 6.0, 7.0]
    """
    f = f if hasattr(f, "dtype") else array_or_constant(f)
    f = ops.astype(f, np.float64) if f.dtype.kind in "iu" else f
    axes = range(len(f.shape)) if axis is None else check_axes("gradient", axis, len(f.shape))
    steps = varargs * len(axes) if len(varargs) == 1 and not shape_of(varargs[0]) else varargs or (1.0,) * len(axes)
    if len(steps) != len(axes):
        raise TypeError(f"gradient: {len(varargs)} spacings for {len(axes)} axes: expected one number, or one for each")
    if edge_order not in (1, 2):
        raise ValueError(f"gradient: edge_order={edge_order}: expected 1 or 2")
    wide = widen_operand(f)  # once, so that what flows back along all axes is rounded once
    slopes = [slope_along(wide, along, step, edge_order) for along, step in zip(axes, steps, strict=True)]
    slopes = [slope if slope.dtype == f.dtype else ops.astype(slope, f.dtype) for slope in slopes]
    return slopes[0] if len(slopes) == 1 else tuple(slopes)


def slope_along(f: Any, axis: int, step: Any, edge_order: int) -> Any:
    """Of three neighbours the slopes at the first, the middle and the last: those of the parabola through them."""
    length = f.shape[axis]
    if length <= edge_order:
        raise ValueError(f"gradient: axis {axis} has length {length}: expected at least {edge_order + 1}")
    gaps = len(shape_of(step)) > 0
    if gaps and shape_of(step) != (length,):
        raise ValueError(f"gradient: places of shape {shape_of(step)} along axis {axis}: expected ({length},)")
    column = (length - 1,) + (1,) * (len(f.shape) - axis - 1)
    d = ops.reshape(ops.diff(widen_operand(step)), column) if gaps else step

    def gap(start: int, stop: int | None = None) -> Any:
        return part(d, 0, start, stop) if gaps else d

    def at(start: int, stop: int | None = None) -> Any:
        return part(f, axis, start, stop)

    inner = (at(2) - at(0, -2)) / (2.0 * d) if not gaps else None
    if inner is None:
        d1, d2 = gap(0, -1), gap(1)
        both = d1 + d2
        inner = at(0, -2) * (-d2 / (d1 * both)) + at(1, -1) * ((d2 - d1) / (d1 * d2)) + at(2) * (d1 / (d2 * both))
    if edge_order == 1:
        first, last = (at(1, 2) - at(0, 1)) / gap(0, 1), (at(-1) - at(-2, -1)) / gap(-1)
        return ops.concatenate([first, inner, last], axis=axis)
    d1, d2 = gap(0, 1), gap(1, 2)
    first = at(0, 1) * (-(2.0 * d1 + d2) / (d1 * (d1 + d2))) + at(1, 2) * ((d1 + d2) / (d1 * d2))
    first = first - at(2, 3) * (d1 / (d2 * (d1 + d2)))
    d1, d2 = gap(-2, -1), gap(-1)
    last = at(-3, -2) * (d2 / (d1 * (d1 + d2))) - at(-2, -1) * ((d1 + d2) / (d1 * d2))
    last = last + at(-1) * ((2.0 * d2 + d1) / (d2 * (d1 + d2)))
    return ops.concatenate([first, inner, last], axis=axis)


@composition(formula="a × b", numpy=[np.cross])
@rounded_once
def cross(a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None) -> Any:
    """The vector product of vectors of three numbers, which lie along `axisa` and `axisb`, and `axisc` of the result.

    >>> cross(Tensor([1.0, 0.0, 0.0]), [0.0, 1.0, 0.0]).tolist()
    [0.0, 0.0, 1.0]
    """
    if axis is not None:
        axisa = axisb = axisc = axis
    vectors = []
    for x, along, name in ((a, axisa, "a"), (b, axisb, "b")):
        shape = shape_of(x)
        if shape[check_axis(f"cross, axis{name}", along, len(shape))] != 3:
            raise ValueError(f"cross: {name} has shape {shape}: expected vectors of 3 along axis {along}")
        vectors.append(ops.moveaxis(x, along, -1))
    left = [ops.roll(x, shift=-i, axis=-1) for i, x in enumerate(vectors, 1)]
    right = [ops.roll(x, shift=-i, axis=-1) for i, x in zip((2, 1), vectors, strict=True)]
    return ops.moveaxis(left[0] * left[1] - right[0] * right[1], -1, axisc)


@composition(formula="every aᵢ times b, as blocks", numpy=[np.kron])
def kron(a: Any, b: Any) -> Any:
    """The Kronecker product: `a` with each element replaced by that times `b`.

    >>> kron(Tensor([1.0, 10.0]), [1.0, 2.0]).tolist()
    [1.0, 2.0, 10.0, 20.0]
    """
    shapes = [shape_of(a), shape_of(b)]
    ndim = max(map(len, shapes))
    (m, n) = ((1,) * (ndim - len(shape)) + shape for shape in shapes)
    a = ops.reshape(a, tuple(length for pair in zip(m, (1,) * ndim, strict=True) for length in pair))
    b = ops.reshape(b, tuple(length for pair in zip((1,) * ndim, n, strict=True) for length in pair))
    return ops.reshape(ops.multiply(a, b), tuple(math.prod(pair) for pair in zip(m, n, strict=True)))
