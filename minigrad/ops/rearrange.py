"""Ops that move, repeat, shift and surround elements, and that read or write diagonals. Most are written in others."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad import ops
from minigrad.core.arrays import shape_of
from minigrad.core.op import op
from minigrad.core.record import composition
from minigrad.core.tensor import Tensor, constant
from minigrad.ops.indexing import Index, Slice
from minigrad.ops.kernels import check_axes, check_axis, sums

__all__ = [
    "diag", "diagonal", "flatten", "flip", "fliplr", "flipud", "meshgrid", "moveaxis", "pad", "ravel", "repeat", "roll",
    "rollaxis", "rot90", "tile",
]  # fmt: skip

# --- another order, another shape -------------------------------------------------------------------------------------


@composition(formula="x with axes moved to other places", numpy=[np.moveaxis])
def moveaxis(x: Any, source: int | Sequence[int], destination: int | Sequence[int]) -> Any:
    """The axes `source` at the places `destination` of the result; the others keep their order.

    >>> moveaxis(Tensor(np.zeros((2, 3, 4))), 0, -1).shape
    (3, 4, 2)
    """
    ndim = len(shape_of(x))
    moved = check_axes("moveaxis, source", source, ndim)
    places = check_axes("moveaxis, destination", destination, ndim)
    if len(moved) != len(places):
        raise ValueError(f"moveaxis: source has {len(moved)} axes, destination {len(places)}: expected as many")
    order = [axis for axis in range(ndim) if axis not in moved]
    for place, axis in sorted(zip(places, moved, strict=True)):
        order.insert(place, axis)
    return ops.transpose(x, axes=tuple(order))


@composition(formula="each vector along an axis of its own", numpy=[np.meshgrid])
def meshgrid(*xi: Any, indexing: str = "xy", sparse: bool = False) -> tuple[Any, ...]:
    """The coordinates of a grid: one array for each vector, all of the shape that their lengths make.

    Args:
        indexing: "xy" where the first vector lies along the second axis, as in pictures; "ij" where along the first.
        sparse: whether the other axes stay 1, which broadcast.

    >>> [x.tolist() for x in meshgrid(Tensor([1.0, 2.0]), Tensor([3.0]), indexing="ij")]
    [[[1.0], [2.0]], [[3.0], [3.0]]]
    """
    if indexing not in ("xy", "ij"):
        raise ValueError(f"meshgrid: indexing={indexing!r}: expected 'xy' or 'ij'")
    axes = [*range(len(xi))]
    if indexing == "xy":
        axes[:2] = axes[:2][::-1]
    rows = [
        ops.reshape(x, tuple(-1 if axis == place else 1 for place in range(len(xi))))
        for x, axis in zip(xi, axes, strict=True)
    ]
    shape = np.broadcast_shapes(*map(shape_of, rows))
    return tuple(rows if sparse else [ops.broadcast_to(x, shape=shape) for x in rows])


@composition(formula="x with an axis moved before another", numpy=[np.rollaxis])
def rollaxis(x: Any, axis: int, start: int = 0) -> Any:
    """The axis moved back until it lies before the axis `start`, or last where that is the number of axes.

    >>> rollaxis(Tensor(np.zeros((2, 3, 4))), 2).shape
    (4, 2, 3)
    """
    ndim = len(shape_of(x))
    axis = check_axis("rollaxis", axis, ndim)
    start = start if start == ndim else check_axis("rollaxis, start", start, ndim)
    return ops.moveaxis(x, axis, start - (axis < start))


@composition(formula="the elements of x in one row", numpy=[np.ravel])
def ravel(x: Any) -> Any:
    """The elements row by row, in one dimension.

    >>> ravel(Tensor([[1.0, 2.0], [3.0, 4.0]])).tolist()
    [1.0, 2.0, 3.0, 4.0]
    """
    return ops.reshape(x, math.prod(shape_of(x)))


@composition(formula="x in reverse order along axes", numpy=[np.flip])
def flip(x: Any, axis: int | Sequence[int] | None = None) -> Any:
    """The elements in reverse order along `axis`, or along all axes.

    >>> flip(Tensor([[1.0, 2.0], [3.0, 4.0]]), 0).tolist()
    [[3.0, 4.0], [1.0, 2.0]]
    """
    ndim = len(shape_of(x))
    axes = range(ndim) if axis is None else check_axes("flip", axis, ndim)
    return ops.index(x, tuple(slice(None, None, -1 if i in axes else None) for i in range(ndim)))


@composition(formula="the elements of x in one row")
def flatten(x: Any) -> Any:
    """`ravel`, by the name of NumPy's method.

    >>> flatten(Tensor([[1.0, 2.0], [3.0, 4.0]])).tolist()
    [1.0, 2.0, 3.0, 4.0]
    """
    return ops.ravel(x)


@composition(formula="the rows of x from the last to the first", numpy=[np.flipud])
def flipud(x: Any) -> Any:
    """The elements in reverse order along the first axis.

    >>> flipud(Tensor([[1.0, 2.0], [3.0, 4.0]])).tolist()
    [[3.0, 4.0], [1.0, 2.0]]
    """
    return ops.flip(x, 0)


@composition(formula="the columns of x from the last to the first", numpy=[np.fliplr])
def fliplr(x: Any) -> Any:
    """The elements in reverse order along the second axis.

    >>> fliplr(Tensor([[1.0, 2.0], [3.0, 4.0]])).tolist()
    [[2.0, 1.0], [4.0, 3.0]]
    """
    return ops.flip(x, 1)


@composition(formula="x turned by right angles in the plane of two axes", numpy=[np.rot90])
def rot90(x: Any, k: int = 1, axes: Sequence[int] = (0, 1)) -> Any:
    """Turned `k` times by 90°, from the first of two axes towards the second.

    >>> rot90(Tensor([[1.0, 2.0], [3.0, 4.0]])).tolist()
    [[2.0, 4.0], [1.0, 3.0]]
    """
    first, second = check_plane("rot90", axes, len(shape_of(x)))
    turned = ops.flip(x, ((), second, (first, second), first)[operator.index(k) % 4])
    return ops.swapaxes(turned, first, second) if k % 2 else turned


def check_plane(function: str, axes: Sequence[int], ndim: int) -> tuple[int, ...]:
    found = check_axes(f"{function}, axes", axes, ndim)
    if len(found) != 2:
        raise ValueError(f"{function}: axes={axes!r}: expected two axes")
    return found


@op(formula="x shifted along axes, what leaves at one end entering at the other", numpy=[np.roll])
def roll(x: Any, *, shift: int | tuple[int, ...], axis: int | tuple[int, ...] | None = None) -> Any:
    """The elements moved `shift` places along `axis`, or of the flattened array; they come in again at the other end.

    >>> roll(Tensor([1.0, 2.0, 3.0, 4.0]), 1).tolist()
    [4.0, 1.0, 2.0, 3.0]
    """
    if not all(isinstance(n, int) for n in np.atleast_1d(np.asarray(shift, object))):
        raise TypeError("shift must be integers")
    return np.roll(x, shift, axis)


@roll.vjp("x")
def _(g: Any, y: Any, x: Any, *, shift: Any, axis: Any) -> Any:
    return ops.roll(g, shift=tuple(-n for n in shift) if isinstance(shift, tuple) else -shift, axis=axis)


# --- repetition -------------------------------------------------------------------------------------------------------


@composition(formula="x laid side by side, a number of times along each axis", numpy=[np.tile])
def tile(x: Any, reps: int | Sequence[int]) -> Any:
    """Copies of `x` side by side: `reps` of them along each axis, counted from the last.

    >>> tile(Tensor([1.0, 2.0]), (2, 2)).tolist()
    [[1.0, 2.0, 1.0, 2.0], [1.0, 2.0, 1.0, 2.0]]
    """
    counts = read_counts("tile", "reps", reps)
    shape = shape_of(x)
    ndim = max(len(shape), len(counts))
    counts, shape = (1,) * (ndim - len(counts)) + counts, (1,) * (ndim - len(shape)) + shape
    apart = [length for n in shape for length in (1, n)]
    copies = [length for pair in zip(counts, shape, strict=True) for length in pair]
    copied = ops.broadcast_to(ops.reshape(x, tuple(apart)), tuple(copies))
    return ops.reshape(copied, tuple(count * n for count, n in zip(counts, shape, strict=True)))


@composition(formula="each element of x, a number of times", numpy=[np.repeat])
def repeat(x: Any, repeats: int | Sequence[int], axis: int | None = None) -> Any:
    """Each element of `axis` (or of the flattened array) several times in a row: `repeats` of each, or one number each.

    >>> repeat(Tensor([1.0, 2.0, 3.0]), [2, 0, 1]).tolist()
    [1.0, 1.0, 3.0]
    """
    if axis is None:
        x, axis = ops.ravel(x), 0
    shape = shape_of(x)
    axis = check_axis("repeat", axis, len(shape))
    counts = read_counts("repeat", "repeats", repeats)
    before, length, after = shape[:axis], shape[axis], shape[axis + 1 :]
    if len(counts) == 1:
        apart = ops.broadcast_to(ops.expand_dims(x, axis + 1), (*before, length, *counts, *after))
        return ops.reshape(apart, (*before, length * counts[0], *after))
    if len(counts) != length:
        raise ValueError(f"repeat: {len(counts)} repeats for an axis of length {length}: expected one, or one each")
    places: Any = np.repeat(np.arange(length), counts)
    return ops.take(x, constant(places) if isinstance(x, Tensor) else places, axis)


def read_counts(function: str, argument: str, counts: Any) -> tuple[int, ...]:
    """How many times each, as a tuple; the result's shape depends on them, so they cannot be a captured Tensor."""
    entries = counts if isinstance(counts, (tuple, list)) or np.ndim(counts) else [counts]
    try:
        checked = tuple(operator.index(n) for n in entries)
    except TypeError:
        raise TypeError(f"{function}: {argument} must be integers, got {counts!r}") from None
    if min(checked, default=0) < 0:
        raise ValueError(f"{function}: {argument}={counts!r} must not be negative")
    return checked


# --- surroundings -----------------------------------------------------------------------------------------------------

PAD_MODES = ("constant", "edge", "reflect", "symmetric", "wrap")


@op(formula="x with elements put around it", numpy=[np.pad])
def pad(x: Any, *, pad_width: Any, mode: str = "constant", constant_values: Any = None) -> Any:
    """`x` made larger at both ends of every axis.

    Args:
        pad_width: how many elements to add: one number, (before, after), or one such pair for each axis.
        mode: "constant"; "edge", the outermost element again; "reflect", a mirror on it; "symmetric", a mirror beyond
            it; "wrap", from the other end.
        constant_values: what mode "constant" adds, in the forms of `pad_width`; 0 by default.

    >>> pad(Tensor([1.0, 2.0, 3.0]), (1, 2), "reflect").tolist()
    [2.0, 1.0, 2.0, 3.0, 2.0, 1.0]
    """
    if mode not in PAD_MODES:
        raise ValueError(f"mode={mode!r} is not supported: expected one of {', '.join(PAD_MODES)}")
    if isinstance(pad_width, dict):
        raise TypeError("pad_width must be an integer, a pair (before, after), or one such pair for each axis")
    return sums.pad(x, pad_width, mode, constant_values)


@pad.vjp("x")
def _(g: Any, y: Any, x: Any, *, pad_width: Any, mode: str, constant_values: Any) -> Any:
    widths = np.broadcast_to(pad_width, (x.ndim, 2)).tolist()
    if mode == "constant":
        inside = (slice(before, before + n) for (before, _), n in zip(widths, x.shape, strict=True))
        return ops.index(g, tuple(inside))
    # Along each axis the result reads from these places, so that is where its gradient goes.
    sources = [sums.pad(np.arange(n), width, mode, None) for n, width in zip(x.shape, widths, strict=True)]
    places: Any = np.ix_(*sources)
    if isinstance(g, Tensor):
        places = [constant(place) for place in places]
    return ops.scatter_add(g, *places, index=Index([True] * x.ndim), shape=x.shape)


# --- diagonals --------------------------------------------------------------------------------------------------------


def diagonal_of(rows: int, columns: int, offset: int) -> slice:
    """A diagonal as a slice of the flattened matrix, in which it takes one step of `columns` + 1 per element."""
    length = max(0, min(rows + min(offset, 0), columns - max(offset, 0)))
    start = (offset if offset >= 0 else -offset * columns) if length else 0
    return slice(start, start + length * (columns + 1), columns + 1)


@composition(formula="the elements whose two indices differ by an offset", numpy=[np.diagonal])
def diagonal(x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """The diagonal of each matrix that lies in two axes, as the last axis; `offset` counts diagonals upwards.

    >>> diagonal(Tensor([[1.0, 2.0], [3.0, 4.0]])).tolist()
    [1.0, 4.0]
    """
    shape = shape_of(x)
    if len(shape) < 2:
        raise ValueError(f"diagonal: an array of shape {shape} has no diagonal: expected at least two axes")
    first, second = check_axis("diagonal", axis1, len(shape)), check_axis("diagonal", axis2, len(shape))
    if first == second:
        raise ValueError(f"diagonal: axis1={axis1} and axis2={axis2} are the same axis")
    matrices = ops.moveaxis(x, (first, second), (-2, -1))
    *lead, rows, columns = matrices.shape
    flat = ops.reshape(matrices, (*lead, rows * columns))
    return ops.index(flat, (..., diagonal_of(rows, columns, operator.index(offset))))


@composition(formula="a diagonal matrix of x, or the diagonal of the matrix x", numpy=[np.diag])
def diag(x: Any, k: int = 0) -> Any:
    """The matrix with `x` on its `k`-th diagonal and 0 elsewhere; of a matrix, its `k`-th diagonal.

    >>> diag(Tensor([1.0, 2.0])).tolist()
    [[1.0, 0.0], [0.0, 2.0]]
    """
    shape = shape_of(x)
    if len(shape) == 2:
        return ops.diagonal(x, k)
    if len(shape) != 1:
        raise ValueError(f"diag: expected one or two axes, got shape {shape}")
    n = shape[0] + abs(operator.index(k))
    place = diagonal_of(n, n, k)
    flat = ops.scatter_add(x, index=Index([Slice(place.start, place.stop, place.step)]), shape=(n * n,))
    return ops.reshape(flat, (n, n))
