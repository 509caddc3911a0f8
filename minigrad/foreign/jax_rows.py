"""What the primitives of JAX are in ops of minigrad: a row for each whose meaning is the same.

A row is called with a `Maker`, the operands and the params of the primitive, and returns the result; several of them
where the primitive has several. None, or an op that refuses, leaves the primitive foreign, and so does a result of
another shape or type than JAX says: rows need not look for that.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np

from minigrad import ops
from minigrad.core.op import Op
from minigrad.core.tensor import Tensor
from minigrad.ops.indexing import Index, parse_index

Value = Tensor | float  # a number stands for an array of it: NumPy broadcasts where JAX writes out
Made = Value | Sequence[Value] | None


class Maker(Protocol):
    """What makes nodes for a row, where the primitive stands."""

    shape: tuple[int, ...]  # of the result of the primitive
    dtype: Any  # likewise

    def __call__(self, op: Op, *inputs: Value, **params: Any) -> Tensor:
        """What `op` makes; of an elementwise op on numbers alone it is a number too, to be handed on."""

    def constant(self, array: np.ndarray[Any, Any]) -> Tensor:
        """A leaf."""

    def compose(self, function: Callable[..., Tensor], *inputs: Tensor) -> Tensor:
        """What a function makes, op by op."""


Row = Callable[..., Made]

ELEMENTWISE: dict[str, Op] = {
    "abs": ops.absolute, "acos": ops.arccos, "acosh": ops.arccosh, "add": ops.add, "add_any": ops.add,
    "and": ops.bitwise_and, "asin": ops.arcsin, "asinh": ops.arcsinh, "atan": ops.arctan, "atan2": ops.arctan2,
    "atanh": ops.arctanh, "ceil": ops.ceil, "cos": ops.cos, "cosh": ops.cosh, "div": ops.divide, "eq": ops.equal,
    "erf": ops.erf, "erfc": ops.erfc, "exp": ops.exp, "exp2": ops.exp2, "expm1": ops.expm1, "floor": ops.floor,
    "ge": ops.greater_equal, "gt": ops.greater, "is_finite": ops.isfinite, "le": ops.less_equal, "log": ops.log,
    "log1p": ops.log1p, "logistic": ops.sigmoid, "lt": ops.less, "max": ops.maximum, "min": ops.minimum,
    "mul": ops.multiply, "ne": ops.not_equal, "neg": ops.negative, "not": ops.invert, "or": ops.bitwise_or,
    "sign": ops.sign, "sin": ops.sin, "sinh": ops.sinh, "sqrt": ops.sqrt,
    "square": ops.square, "stop_gradient": ops.stop_gradient, "sub": ops.subtract, "tan": ops.tan, "tanh": ops.tanh,
    "xor": ops.bitwise_xor,
}  # fmt: skip
"""They broadcast; params that are not None are of primitives that do something else besides."""

REDUCTIONS: dict[str, Op] = {
    "reduce_and": ops.all, "reduce_max": ops.max, "reduce_min": ops.min, "reduce_or": ops.any, "reduce_prod": ops.prod,
    "reduce_sum": ops.sum,
}  # fmt: skip

BROADCASTING: dict[str, Row] = {}
"""Rows that may be given an operand before it is broadcast to its shape."""

ROWS: dict[str, Row] = {}
"""Rows that take every operand in its shape."""

SAME = frozenset({"copy", "device_put", "optimization_barrier", "sharding_constraint"})
"""What returns its operands."""


def row(name: str, rows: dict[str, Row] = ROWS) -> Callable[[Row], Row]:
    """Declare the row of a primitive."""
    return lambda function: rows.setdefault(name, function)


@row("integer_pow", BROADCASTING)
def _(make: Maker, x: Value, *, y: int) -> Made:
    return make(ops.number_power, x, exponent=y)


@row("pow", BROADCASTING)
def _(make: Maker, x: Value, y: Value) -> Made:
    whole = isinstance(y, Tensor) and y.dtype.kind in "iu"
    return make(ops.tensor_power, x, make(ops.astype, y, dtype=make.dtype) if whole else y)


@row("rsqrt", BROADCASTING)
def _(make: Maker, x: Value, *, accuracy: None) -> Made:
    return make(ops.divide, 1.0, make(ops.sqrt, x))


@row("round", BROADCASTING)
def _(make: Maker, x: Value, *, rounding_method: Any) -> Made:
    return make(ops.rint, x) if rounding_method.name == "TO_NEAREST_EVEN" else None


@row("clamp", BROADCASTING)
def _(make: Maker, least: Value, x: Value, most: Value) -> Made:
    return make(ops.clip, x, least, most)


@row("select_n", BROADCASTING)
def _(make: Maker, which: Value, *cases: Value) -> Made:
    if not isinstance(which, Tensor):
        return cases[int(which)]
    return make(ops.where, which, cases[1], cases[0]) if which.dtype.kind == "b" else None


@row("convert_element_type", BROADCASTING)
def _(make: Maker, x: Value, *, new_dtype: Any, weak_type: bool, sharding: None) -> Made:
    target = np.dtype(new_dtype)
    kind = x.dtype.kind if isinstance(x, Tensor) else "f" if isinstance(x, float) else "i"
    if kind == "f" and target.kind in "iu":  # outside of their range JAX takes the nearest integer, NumPy any
        return None
    if not isinstance(x, Tensor):
        number: float = target.type(x).item()
        return number
    return x if x.dtype == target else make(ops.astype, x, dtype=target)


@row("broadcast_in_dim", BROADCASTING)
def _(make: Maker, x: Value, *, shape: tuple[int, ...], broadcast_dimensions: Sequence[int], sharding: None) -> Made:
    """With axes of length 1 in front of others; those in front of all, and their repeating, are left to NumPy."""
    if not isinstance(x, Tensor):
        return x
    places = [int(place) for place in broadcast_dimensions]
    lengths = dict(zip(places, x.shape, strict=True))
    aligned = tuple(lengths.get(axis, 1) for axis in range(min(places, default=len(shape)), len(shape)))
    return x if aligned == x.shape else make(ops.reshape, x, shape=aligned)


@row("reshape")
def _(make: Maker, x: Tensor, *, new_sizes: tuple[int, ...], dimensions: Any, sharding: None) -> Made:
    return make(ops.reshape, x, shape=tuple(new_sizes)) if dimensions is None else None


@row("expand_dims")
def _(make: Maker, x: Tensor, *, dimensions: tuple[int, ...]) -> Made:
    return make(ops.expand_dims, x, axis=tuple(dimensions))


@row("squeeze")
def _(make: Maker, x: Tensor, *, dimensions: tuple[int, ...]) -> Made:
    return make(ops.squeeze, x, axis=tuple(dimensions)) if dimensions else x


@row("transpose")
def _(make: Maker, x: Tensor, *, permutation: tuple[int, ...]) -> Made:
    return move_axes(make, x, permutation)


@row("rev")
def _(make: Maker, x: Tensor, *, dimensions: tuple[int, ...]) -> Made:
    return flip(make, x, dimensions)


@row("concatenate")
def _(make: Maker, *parts: Tensor, dimension: int) -> Made:
    return make(ops.concatenate, *parts, axis=dimension) if len(parts) > 1 else parts[0]


@row("stack")
def _(make: Maker, *parts: Tensor, axis: int) -> Made:
    return make(ops.concatenate, *(make(ops.expand_dims, part, axis=axis) for part in parts), axis=axis)


@row("unstack")
def _(make: Maker, x: Tensor, *, axis: int) -> Made:
    before = (slice(None),) * axis
    return [take_part(make, x, (*before, place)) for place in range(x.shape[axis])]


@row("pad", BROADCASTING)
def _(make: Maker, x: Value, value: Value, *, padding_config: Sequence[tuple[int, int, int]]) -> Made:
    if isinstance(value, Tensor) or any(
        before < 0 or after < 0 or between for before, after, between in padding_config
    ):
        return None
    return make(ops.pad, x, pad_width=tuple(ends[:2] for ends in padding_config), constant_values=value)


@row("slice")
def _(
    make: Maker, x: Tensor, *, start_indices: tuple[int, ...], limit_indices: tuple[int, ...], strides: Any
) -> Made:  # fmt: skip
    steps = strides or (1,) * len(start_indices)
    return take_part(make, x, [slice(*ends) for ends in zip(start_indices, limit_indices, steps, strict=True)])


@row("split")
def _(make: Maker, x: Tensor, *, sizes: tuple[int, ...], axis: int) -> Made:
    ends = np.cumsum(sizes).tolist()
    before = (slice(None),) * axis
    return [take_part(make, x, (*before, slice(end - size, end))) for end, size in zip(ends, sizes, strict=True)]


@row("gather")
def _(
    make: Maker, x: Tensor, indices: Tensor, *, dimension_numbers: Any, slice_sizes: tuple[int, ...], mode: Any,
    **said: Any,
) -> Made:  # fmt: skip
    """Rows at indices, where the program promises that there are such rows."""
    d = dimension_numbers
    places = read_places(make, indices, mode, d.collapsed_slice_dims, d.start_index_map, d.operand_batching_dims)
    whole = tuple(slice_sizes[len(places) :]) == x.shape[len(places) :]
    last = tuple(d.offset_dims) == tuple(range(indices.ndim - 1, len(make.shape)))
    return make(ops.getitem, x, *places, index=all_rows(places)) if places and whole and last else None


@row("scatter-add", BROADCASTING)
def _(
    make: Maker, x: Value, indices: Value, values: Value, *, dimension_numbers: Any, mode: Any, **said: Any
) -> Made:  # fmt: skip
    """The gradient of that."""
    d = dimension_numbers
    if isinstance(x, Tensor) or x or not isinstance(indices, Tensor) or not isinstance(values, Tensor):
        return None
    places = read_places(
        make, indices, mode, d.inserted_window_dims, d.scatter_dims_to_operand_dims, d.operand_batching_dims
    )
    last = tuple(d.update_window_dims) == tuple(range(indices.ndim - 1, values.ndim))
    shape = (*indices.shape[:-1], *make.shape[len(places) :])
    if not places or not last or values.shape != shape:
        return None
    return make(ops.scatter_add, values, *places, index=all_rows(places), shape=make.shape)


@row("iota")
def _(make: Maker, *, dtype: Any, shape: tuple[int, ...], dimension: int, sharding: None) -> Made:
    numbers = np.arange(shape[dimension], dtype=dtype).reshape(-1, *[1] * (len(shape) - dimension - 1))
    return make.constant(np.broadcast_to(numbers, shape))


@row("argmax")
def _(make: Maker, x: Tensor, *, axes: tuple[int, ...], index_dtype: Any) -> Made:
    return make(ops.astype, make(ops.argmax, x, axis=axes[0]), dtype=np.dtype(index_dtype))


@row("argmin")
def _(make: Maker, x: Tensor, *, axes: tuple[int, ...], index_dtype: Any) -> Made:
    return make(ops.astype, make(ops.argmin, x, axis=axes[0]), dtype=np.dtype(index_dtype))


@row("cumsum")
def _(make: Maker, x: Tensor, *, axis: int, reverse: bool) -> Made:
    return accumulate(make, ops.cumsum, x, axis, reverse)


@row("cumprod")
def _(make: Maker, x: Tensor, *, axis: int, reverse: bool) -> Made:
    return accumulate(make, ops.cumprod, x, axis, reverse)


@row("dot_general")
def _(make: Maker, x1: Tensor, x2: Tensor, *, dimension_numbers: Any, preferred_element_type: Any, **said: Any) -> Made:
    """A product of stacks of matrices: axes in that order, and several as one where they are all summed, or none is."""
    (summed1, summed2), (batch1, batch2) = dimension_numbers
    free1 = [axis for axis in range(x1.ndim) if axis not in (*summed1, *batch1)]
    free2 = [axis for axis in range(x2.ndim) if axis not in (*summed2, *batch2)]
    if not batch1 and len(summed1) == len(free2) == 1 and free1:  # rows of any number of axes times a matrix
        return make(ops.matmul, move_axes(make, x1, (*free1, *summed1)), move_axes(make, x2, (*summed2, *free2)))
    left, right = as_matrices(make, x1, batch1, free1, summed1), as_matrices(make, x2, batch2, summed2, free2)
    return in_shape(make, make(ops.matmul, left, right), make.shape)


for _name, _op in REDUCTIONS.items():
    ROWS[_name] = lambda make, x, *, axes, out_sharding=None, op=_op: make(op, x, axis=tuple(axes)) if axes else x
for _name, _op in ELEMENTWISE.items():
    BROADCASTING[_name] = lambda make, *x, op=_op, **said: make(op, *x) if set(said.values()) <= {None} else None


def read_places(
    make: Maker, indices: Tensor, mode: Any, alone: Sequence[int], named: Sequence[int], batch: Sequence[int]
) -> list[Tensor]:
    """The indices of the first axes, an array for each; none where they are of other axes, or promise nothing."""
    count = indices.shape[-1]
    if mode.name != "PROMISE_IN_BOUNDS" or batch or not tuple(alone) == tuple(named) == tuple(range(count)):
        return []
    before = (slice(None),) * (indices.ndim - 1)
    return [
        make(ops.squeeze, take_part(make, indices, (*before, slice(axis, axis + 1))), axis=-1) for axis in range(count)
    ] if count > 1 else [make(ops.squeeze, indices, axis=-1)]  # fmt: skip


def all_rows(places: Sequence[Tensor]) -> Index:
    return Index([True] * len(places))


def move_axes(make: Maker, x: Tensor, axes: Sequence[int]) -> Tensor:
    axes = tuple(int(axis) % x.ndim for axis in axes)
    return x if axes == tuple(range(x.ndim)) else make(ops.transpose, x, axes=axes)


def as_matrices(make: Maker, x: Tensor, batch: Sequence[int], rows: Sequence[int], columns: Sequence[int]) -> Tensor:
    """A stack of matrices with these axes; where they lie the other way round, those transposed."""
    turned = (*batch, *columns, *rows) == tuple(range(x.ndim)) and len(rows) > 0 and len(columns) > 0
    first, second = (columns, rows) if turned else (rows, columns)
    lengths = ([x.shape[axis] for axis in axes] for axes in (batch, first, second))
    stack, *sizes = lengths
    matrices = in_shape(make, move_axes(make, x, (*batch, *first, *second)), (*stack, *map(math.prod, sizes)))
    return move_axes(make, matrices, (*range(len(batch)), -1, -2)) if turned else matrices


def in_shape(make: Maker, x: Tensor, shape: tuple[int, ...]) -> Tensor:
    return x if x.shape == shape else make(ops.reshape, x, shape=shape)


def take_part(make: Maker, x: Tensor, key: Sequence[slice | int]) -> Tensor:
    entries = (slice(None) if e == slice(0, n, 1) else e for e, n in zip(key, x.shape, strict=False))
    index, _ = parse_index(tuple(entries))
    return make(ops.getitem, x, index=index)


def flip(make: Maker, x: Tensor, axes: Sequence[int]) -> Tensor:
    return take_part(make, x, [slice(None, None, -1) if axis in axes else slice(None) for axis in range(x.ndim)])


def accumulate(make: Maker, op: Op, x: Tensor, axis: int, reverse: bool) -> Tensor:
    result = make(op, flip(make, x, [axis]) if reverse else x, axis=axis)
    return flip(make, result, [axis]) if reverse else result
