"""The rows of ops that move elements: shapes, and reading and writing by index; the others stand in `onnx_rows.py`."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad.export.onnx_program import BOOLEAN, INT64, Value, Writer, kernel_type
from minigrad.export.onnx_rows import FIRST, LAST, Row, axes_of, cast, cut, number, row
from minigrad.export.onnx_rows import ROWS as ROWS
from minigrad.graph.node import Node
from minigrad.ops.indexing import Index, Slice
from minigrad.ops.kernels import sums

UNCUT = (None, None, None)

# --- shapes -----------------------------------------------------------------------------------------------------------


@row("reshape")
def _(onnx: Writer, out: Node, x: Value, *, shape: Any) -> Value:
    return onnx.reshape(x, out.shape)


@row("transpose")
def _(onnx: Writer, out: Node, x: Value, *, axes: Any) -> Value:
    order = range(x.ndim)[::-1] if axes is None or isinstance(axes, int) else [i % x.ndim for i in axes]
    return onnx.Transpose(x, perm=list(order)) if x.shape else x


@row("swapaxes")
def _(onnx: Writer, out: Node, x: Value, *, axis1: int, axis2: int) -> Value:
    order = list(range(x.ndim))
    order[axis1], order[axis2] = order[axis2], order[axis1]
    return onnx.Transpose(x, perm=order)


@row("expand_dims")
def _(onnx: Writer, out: Node, x: Value, *, axis: Any) -> Value:
    axes = sorted(i % len(out.shape) for i in ((axis,) if isinstance(axis, int) else axis)) if out.shape else []
    return onnx.Unsqueeze(x, axes) if axes else x


@row("squeeze")
def _(onnx: Writer, out: Node, x: Value, *, axis: Any) -> Value:
    axes = [i for i, n in enumerate(x.shape) if n == 1] if axis is None else axes_of(x, axis)
    return onnx.Squeeze(x, axes) if axes else x


@row("broadcast_to")
def _(onnx: Writer, out: Node, x: Any, *, shape: Any) -> Value:
    return onnx.expand(onnx.cast(x, out.dtype), out.shape)


@row("concatenate")
def _(onnx: Writer, out: Node, *arrays: Any, axis: int | None) -> Value:
    parts = [onnx.cast(x, out.dtype) for x in arrays]
    if axis is None:
        parts, axis = [x if x.ndim == 1 else onnx.reshape(x, [-1]) for x in parts], 0
    return onnx.Concat(*parts, axis=axis)


def triangle(upper: int) -> Row:
    """Vectors stand for as many equal rows; integers are computed in int64."""

    def write(onnx: Writer, out: Node, x: Value, *, k: int) -> Value:
        x = onnx.cast(onnx.expand(x, out.shape), kernel_type(out.dtype) if out.dtype.kind == "f" else INT64)
        return onnx.Trilu(x, onnx.constant(k), upper=upper)

    return write


ROWS |= {"tril": triangle(0), "triu": triangle(1)}


@row("roll")
def _(onnx: Writer, out: Node, x: Value, *, shift: Any, axis: Any) -> Value:
    if axis is None:
        x, axis, shift = onnx.reshape(x, [-1])._replace(shape=(math.prod(x.shape),)), 0, int(np.sum(shift))
    shape = x.shape
    for along, places in np.broadcast(axis, shift):
        places = places % shape[along] if shape and shape[along] else 0
        if places:
            parts = cut(onnx, x, int(along), -places, LAST), cut(onnx, x, int(along), 0, -places)
            x = onnx.Concat(*parts, axis=int(along))._replace(shape=shape)
    return x if shape == out.shape else onnx.reshape(x, out.shape)


@row("pad")
def _(onnx: Writer, out: Node, x: Value, *, pad_width: Any, mode: str, constant_values: Any) -> Value:
    """With several constants one axis after another, as NumPy; in other modes by the places that are read."""
    widths = np.broadcast_to(pad_width, (x.ndim, 2)).tolist()
    if mode != "constant":
        for axis, (width, n) in enumerate(zip(widths, x.shape, strict=True)):
            if any(width):
                x = onnx.Gather(x, onnx.constant(sums.pad(np.arange(n), width, mode, None)), axis=axis)
        return x
    x = cast(onnx, out, x)
    fills = np.broadcast_to(constant_values or 0, (x.ndim, 2)).tolist()
    if len({fill for pair in fills for fill in pair}) < 2:
        return add_around(onnx, x, widths, fills[0][0]) if fills else x
    for axis, end in itertools.product(range(x.ndim), range(2)):
        alone = [[n if (i, j) == (axis, end) else 0 for j, n in enumerate(width)] for i, width in enumerate(widths)]
        x = add_around(onnx, x, alone, fills[axis][end])
    return x


def add_around(onnx: Writer, x: Value, widths: Sequence[Sequence[int]], fill: float) -> Value:
    pads = [before for before, _ in widths] + [after for _, after in widths]
    return onnx.Pad(x, pads, number(onnx, fill, x)) if any(pads) else x


# --- by index ---------------------------------------------------------------------------------------------------------


@row("getitem")
def _(onnx: Writer, out: Node, x: Value, *indices: Any, index: Index) -> Value:
    return read(onnx, x, indices, index)


def spell_out(index: Index, ndim: int, indices: Sequence[Any]) -> list[Any]:
    """One entry for each axis, besides those that are None: slices, integers, and True for an array of integers."""
    entries: list[Any] = []
    arrays = iter(indices)
    for entry in index:
        entries += [True] * axes_read(next(arrays)) if entry is True else [entry]
    missing = [Slice(None, None, None)] * (ndim - sum(e is not None and e is not ... for e in entries))
    place = next((i for i, e in enumerate(entries) if e is ...), len(entries))
    return [*entries[:place], *missing, *entries[place + 1 :]]


def axes_read(array: Any) -> int:
    """How many axes an index reads: as many as a mask has, one where it is integers."""
    return array.ndim if is_mask(array) else 1


def is_mask(x: Any) -> bool:
    return isinstance(x, Value) and x.dtype == BOOLEAN


def integer_arrays(onnx: Writer, indices: Sequence[Any]) -> list[Value]:
    """The index with the places of what is true in place of masks."""
    arrays: list[Value] = []
    for x in indices:
        if is_mask(x):
            places = onnx.NonZero(x)
            arrays += [onnx.Gather(places, onnx.constant(i), axis=0) for i in range(x.ndim)]
        else:
            arrays.append(onnx.cast(x, INT64))
    return arrays


def read(onnx: Writer, x: Value, indices: Sequence[Any], index: Index) -> Value:
    """x[index]: slices first, then new axes, then the arrays; integers beside arrays are arrays, as in NumPy."""
    entries = spell_out(index, x.ndim, indices)
    has_arrays = any(e is True for e in entries)
    cuts, single, axis = [], [], 0
    for entry in entries:
        if isinstance(entry, Slice):
            step = 1 if entry.step is None else entry.step
            ends = (0, LAST) if step > 0 else (LAST, FIRST)
            start, stop = (end if e is None else e for e, end in zip(entry[:2], ends, strict=True))
            cuts += [(start, stop, axis, step)] if tuple(entry) not in (UNCUT, (None, None, 1)) else []
        elif isinstance(entry, int) and not has_arrays:
            cuts.append((entry, entry + 1 if entry != -1 else LAST, axis, 1))
            single.append(axis)
        axis += entry is not None
    if cuts:
        x = onnx.Slice(x, *map(list, zip(*cuts, strict=True)))
    if single:
        x = onnx.Squeeze(x, single)
        entries = [e for e in entries if not isinstance(e, int)]
    new = [i for i, e in enumerate(entries) if e is None]
    if new:
        x = onnx.Unsqueeze(x, new)
    return read_arrays(onnx, x, integer_arrays(onnx, indices), entries) if has_arrays else x


def read_arrays(onnx: Writer, x: Value, arrays: Sequence[Value], entries: Sequence[Any]) -> Value:
    """Axes that are read by arrays come to the front; the result's stay there unless they stood side by side."""
    given = iter(arrays)
    read = [i for i, e in enumerate(entries) if isinstance(e, int)]  # and True, which is one
    numbers = [next(given) if entries[i] is True else onnx.constant(entries[i]) for i in read]
    if len(read) == 1:
        return onnx.Gather(x, numbers[0], axis=read[0])
    others = [i for i in range(len(entries)) if i not in read]
    if read + others != list(range(len(entries))):
        x = onnx.Transpose(x, perm=read + others)
    together = numbers[0]
    for more in numbers[1:]:
        together = onnx.Add(together, more)
    shape = onnx.Shape(together)
    columns = [onnx.Unsqueeze(onnx.Expand(one, shape), [-1]) for one in numbers]
    result = onnx.GatherND(x, onnx.Concat(*columns, axis=-1))
    depth = max(rank_of(one) for one in numbers)
    before = [i for i in others if i < read[0]]
    if read != list(range(read[0], read[-1] + 1)) or not before:
        return result
    places = [depth + others.index(i) for i in before]
    after = [depth + i for i in range(len(others)) if depth + i not in places]
    return onnx.Transpose(result, perm=places + list(range(depth)) + after)


def rank_of(array: Value) -> int:
    """Of the places of a mask, which have no shape here, one."""
    return 1 if array.shape is None else array.ndim


def number_places(onnx: Writer, shape: tuple[int, ...]) -> Value:
    """The number of each element, row by row: read with an index, it says which places the index means."""
    numbers = onnx.Range(onnx.constant(0), onnx.constant(math.prod(shape)), onnx.constant(1))
    return onnx.reshape(numbers, shape)


def shape_at(shape: tuple[int, ...], indices: Sequence[Any], index: Index) -> tuple[int, ...]:
    """The shape of what an index reads."""
    dummies = tuple(np.zeros(getattr(x, "shape", ()), int) for x in indices)
    return np.shape(np.broadcast_to(0, shape)[index.with_arrays(dummies)])


@row("scatter_add")
def _(onnx: Writer, out: Node, values: Value, *indices: Any, index: Index, shape: tuple[int, ...]) -> Value:
    """Rows by ScatterND, what slices of step 1 mean by Pad, and everything else by numbered places."""
    values = cast(onnx, out, values)
    if len(index) == 1 and index[0] is True and not is_mask(indices[0]):
        rows = onnx.cast(indices[0], INT64)
        values = onnx.expand(values, (*rows.shape, *shape[1:]))
        return onnx.ScatterND(onnx.full(shape, 0, values.dtype), onnx.Unsqueeze(rows, [-1]), values, reduction="add")
    entries = spell_out(index, len(shape), indices)
    if all((isinstance(e, Slice) and e.step in (None, 1)) or type(e) is int for e in entries):
        ends = [span(e, n) for e, n in zip(entries, shape, strict=True)]
        single = [i for i, e in enumerate(entries) if type(e) is int]
        values = onnx.expand(values, shape_at(shape, (), index))
        values = onnx.Unsqueeze(values, single) if single else values
        return add_around(onnx, values, [(start, n - stop) for (start, stop), n in zip(ends, shape, strict=True)], 0)
    return write_at(onnx, onnx.full((math.prod(shape),), 0, values.dtype), values, indices, index, shape, "add")


def span(entry: Any, length: int) -> tuple[int, int]:
    """From where to where along an axis an integer or a slice of step 1 reads."""
    start, stop, _ = slice(*entry).indices(length) if isinstance(entry, Slice) else (entry % length,) * 3
    return (start, max(start, stop)) if isinstance(entry, Slice) else (start, start + 1)


@row("setitem")
def _(onnx: Writer, out: Node, x: Value, values: Any, *indices: Any, index: Index) -> Value:
    values = onnx.cast(values, out.dtype)
    flat = onnx.reshape(x, [-1])
    return write_at(onnx, flat, values, indices, index, out.shape, "none")


def write_at(
    onnx: Writer, flat: Value, values: Value, indices: Sequence[Any], index: Index, shape: tuple[int, ...],
    reduction: str,
) -> Value:  # fmt: skip
    """`flat`, with values written or added at the places that an index of an array of this shape means."""
    places = read(onnx, number_places(onnx, shape), indices, index)
    if any(map(is_mask, indices)):
        values = onnx.Expand(values, onnx.Shape(places))
    else:
        target = shape_at(shape, indices, index)
        extra = values.ndim - len(target)  # axes of length 1 that NumPy lets values have in front
        values = onnx.expand(onnx.reshape(values, values.shape[extra:]) if extra > 0 else values, target)
    written = onnx.ScatterElements(
        flat, onnx.Reshape(places, [-1]), onnx.Reshape(values, [-1]), axis=0, reduction=reduction
    )
    return onnx.reshape(written, shape)


@row("take_along_axis")
def _(onnx: Writer, out: Node, x: Value, indices: Any, *, axis: int) -> Value:
    along = axis % x.ndim
    x = onnx.expand(x, (*out.shape[:along], x.shape[along], *out.shape[along + 1 :]))
    return onnx.GatherElements(x, onnx.expand(onnx.cast(indices, INT64), out.shape), axis=along)


@row("add_along_axis")
def _(onnx: Writer, out: Node, values: Any, indices: Any, *, axis: int, shape: tuple[int, ...]) -> Value:
    """Where there are more rows of indices than rows, in as many rows, which are added up."""
    values, along, indices = cast(onnx, out, values), axis % len(shape), onnx.cast(indices, INT64)
    places = list(np.broadcast_shapes(indices.shape, tuple(1 if i == along else n for i, n in enumerate(shape))))
    wide = tuple(shape[along] if i == along else n for i, n in enumerate(places))
    places[along] = indices.shape[along]
    rows = [onnx.expand(x, tuple(places)) for x in (indices, values)]
    result = onnx.ScatterElements(onnx.full(wide, 0, values.dtype), *rows, axis=along, reduction="add")
    more = [i for i, (n, m) in enumerate(zip(shape, wide, strict=True)) if n != m]
    return onnx.ReduceSum(result, more, keepdims=1) if more else result


@row("argsort")
def _(onnx: Writer, out: Node, x: Value, *, axis: int | None) -> Value:
    """TopK has equal elements in their order."""
    x = onnx.cast(x, kernel_type(x.dtype))
    x = x if axis is not None and x.shape else onnx.reshape(x, out.shape)
    along = -1 if axis is None else axis
    return onnx.TopK(x, [out.shape[along]], outputs=(1, 2), axis=along, largest=0, sorted=1)._replace(dtype=INT64)


@row("embedding")
def _(onnx: Writer, out: Node, weight: Value, indices: Any) -> Value:
    return onnx.Gather(weight, onnx.cast(indices, INT64), axis=0)


@row("one_hot")
def _(onnx: Writer, out: Node, x: Any, *, classes: int, dtype: Any) -> Value:
    return onnx.Equal(onnx.Unsqueeze(onnx.cast(x, INT64), [-1]), onnx.constant(np.arange(classes)))
