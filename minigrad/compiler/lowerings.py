"""What each op becomes in a program: a table of lowerings, each a function of (out, *operands, **params).

A lowering returns instructions that write `out`, or None where the function in `CALLED` is to be called. Operands are
values, numbers and None. A ufunc of NumPy needs no row, and the op of a user is called by its forward function. How
values lie in each other is said in `layouts.py`, and `scalars.py` is for what is computed of numbers alone.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from minigrad.compiler import simpler
from minigrad.compiler.expressions import Bound, Call, Item, Method, Number, Value
from minigrad.compiler.instructions import (
    Instruction,
    call_check,
    call_method,
    compute_into,
    copy_into,
    is_ufunc,
    store_at,
)
from minigrad.compiler.layouts import VIEWS, key_of
from minigrad.core.arrays import Array
from minigrad.core.op import Op
from minigrad.ops import (
    activations,
    blockwise,
    class_losses,
    cumulative,
    elementwise,
    indexing,
    kernels,
    linalg,
    matrices,
    network,
    normalisation,
    product,
    random,
    rearrange,
    reduction,
    shape,
    strong,
    transcendental,
    truths,
    windows,
)
from minigrad.ops.kernels import blocks, curves, normal, places, rows, sums
from minigrad.ops.kernels import matrices as squares
from minigrad.ops.kernels.windows import add_windows
from minigrad.ops.places import first_free, write_rows

MOST_PLACES = 512  # whose identity matrix is kept: for one-hot rows, and for rows that one product adds up
ALL = ...  # the key of a whole array
FLOAT32 = np.dtype(np.float32)


def lower(op: Op, out: Value, operands: Sequence[Any], params: dict[str, Any]) -> Iterable[Instruction]:
    """The instructions that write what `op` makes of these operands."""
    if op in VIEWS:  # as one it would have to be a copy; an index that is an array may be out of range
        return [store_at(out, ALL, VIEWS[op](*operands, **params), may_raise=len(operands) > 1)]
    if op in LOWERINGS:
        found = LOWERINGS[op](out, *operands, **params)
        if found is not None:
            return found
    elif is_ufunc(op.forward):
        return compute_ufunc(op.forward)(out, *operands) or ()
    keywords = [(name, value if is_plain(value) else Bound(name, value)) for name, value in params.items()]
    call = Call(CALLED.get(op) or Bound(op.name, op.forward), tuple(operands), tuple(keywords))
    if op.guarded:  # what a user's op gave for zeros says nothing of other values
        call = Call(kernels.check_fit, (op.name, call, out))
    return [store_at(out, ALL, call, may_raise=True)]


def is_plain(value: Any) -> bool:
    """Whether a param can be written so that Python can read it again."""
    if type(value) is tuple:
        return all(map(is_plain, value))
    return type(value) in (type(None), bool, int, float, str) or isinstance(value, np.dtype)


# --- elementwise ------------------------------------------------------------------------------------------------------

Lowering = Callable[..., "list[Instruction] | None"]


def as_array(number: Any, like: Value) -> Any:
    """A number beside `like` as an array of no axes, or as it is where `like` has none."""
    return Number(number, like.dtype) if like.ndim else number


def fits(number: float, dtype: np.dtype[Any]) -> bool:
    """Whether it stays finite, and stays true or false, in this type."""
    return abs(number) <= float(np.finfo(dtype).max) and bool(dtype.type(number)) == bool(number)


def compute_ufunc(ufunc: Any) -> Lowering:
    """A ufunc, numbers among its operands being arrays of no axes where that makes no difference but to the time."""

    def lowering(out: Value, *operands: Any) -> list[Instruction]:
        arrays = [x for x in operands if isinstance(x, Value)]
        like = arrays[0]
        alike = like.dtype.char in "fd" and out.ndim and all(x.dtype == like.dtype for x in arrays)
        return [
            compute_into(ufunc, out, *(
                as_array(x, like) if alike and type(x) in (int, float) and fits(x, like.dtype) else x for x in operands
            ))
        ]  # fmt: skip

    return lowering


def relu(out: Value, x: Value) -> list[Instruction]:
    return [compute_into(np.maximum, out, x, as_array(0.0, out) if out.dtype.kind == "f" else 0)]


def write_by(kernel: Any) -> Lowering:
    """A kernel that writes what it makes of one array."""
    return lambda out, x, **params: [compute_into(kernel, out, x, sure=True, **params)]


def number_power(out: Value, x: Value, *, exponent: Any) -> list[Instruction]:
    if x.dtype.kind == "f" == out.dtype.kind:
        return [compute_into(np.power, out, x, exponent)]
    return [store_at(out, ALL, Call(np.power, (x, exponent)))]


def where(out: Value, condition: Any, x: Any, y: Any) -> list[Instruction]:
    """Beside 0, the bits as integers times the condition: `where=` branches at every element, and 0 · ∞ is NaN."""
    for chosen, other, inverted in ((x, y, False), (y, x, True)):
        alike = getattr(chosen, "shape", None) == out.shape == getattr(condition, "shape", None)
        if kernels.is_zero(other) and alike and chosen.dtype == out.dtype and condition.dtype.kind == "b":
            mask = scratch("mask_of_{}", out.shape, np.dtype(bool), out, beside=condition) if inverted else condition
            bits, place = (Method("view", one, (np.dtype(f"i{out.dtype.itemsize}"),)) for one in (chosen, out))
            product = compute_into(np.multiply, out, bits, mask)
            call = product.statement._replace(keywords=(("out", place),))
            first = [compute_into(np.logical_not, mask, condition)] if inverted else []
            return [*first, product._replace(statement=call)]
    if not isinstance(condition, Value):
        return [copy_into(out, y), copy_into(out, x, where=bool(condition))]
    if condition.dtype.kind == "b":
        return [copy_into(out, y), copy_into(out, x, where=condition)]
    mask = scratch("mask_of_{}", condition.shape, np.dtype(bool), out, beside=condition)
    return [copy_into(out, y), compute_into(np.not_equal, mask, condition, 0), copy_into(out, x, where=mask)]


def write_in_places(out: Value, x: Any, rows: Any, among: Any) -> list[Instruction]:
    return [copy_into(out, x), store_at(out, (..., among, slice(None)), rows)]


def check_room(out: Value, taken: Any, *, count: int, context: int) -> list[Instruction]:
    return [call_check(places.check_room, taken, count, context), copy_into(out, taken)]


def draw(name: str) -> Lowering:
    """Random numbers, by a method of the generator."""
    return lambda out, *, shape, dtype, generator: [
        call_method(name, Bound("generator", generator), out, dtype=out.dtype)
    ]


# --- sums, softmax and losses -----------------------------------------------------------------------------------------


def reduce_by(ufunc: Any) -> Lowering:
    """The reduction of a ufunc; sums and products of float16 are computed in float32."""

    def lowering(out: Value, x: Value, *, axis: Any, keepdims: bool) -> list[Instruction]:
        keywords = {"axis": axis, "keepdims": True} if keepdims else {"axis": axis}
        if x.dtype.char != "e" or ufunc not in (np.add, np.multiply):
            return [call_method("reduce", ufunc, out, x, **keywords)]
        return [store_at(out, ALL, Method("reduce", ufunc, (x,), (*keywords.items(), ("dtype", FLOAT32))))]

    return lowering


def accumulate(function: Any) -> Lowering:
    """Running sums and products; those of float16 are computed in float32."""

    def lowering(out: Value, x: Value, *, axis: Any) -> list[Instruction]:
        if x.dtype.char != "e":
            return [compute_into(function, out, x, axis=axis)]
        return [store_at(out, ALL, Call(function, (x,), (("axis", axis), ("dtype", FLOAT32))))]

    return lowering


def vecdot(out: Value, x1: Any, x2: Any, *, axis: int, keepdims: bool) -> list[Instruction]:
    keywords: dict[str, Any] = {} if axis == -1 else {"axis": axis}
    return [compute_into(np.vecdot, out, x1, x2, **keywords)]


def softmax(out: Value, x: Any, mask: Any, *, axis: int) -> list[Instruction] | None:
    """Exponentials as they come; where they overflow or vanish, once more from the largest of each row."""
    if (
        not isinstance(x, Value) or axis not in (-1, x.ndim - 1) or x.dtype.char not in "fd" or not out.size
        or x.shape != out.shape
    ):  # fmt: skip
        return None
    totals = scratch("totals_of_{}", (math.prod(out.shape[:-1]), 1), out.dtype, out, beside=out)
    factor = mask
    if mask is not None and mask.array is not None:
        factor = constant("mask", mask.array.astype(out.dtype), beside=mask)
    return [
        compute_into(
            rows.write_softmax, out, x, mask, factor, column_of_ones(out.shape[-1], out.dtype), scratch=(totals,),
            sure=True,
        )
    ]  # fmt: skip


def steady(out: Value, x: Value) -> list[Instruction]:
    return [compute_into(rows.steady_rows, out, x, sure=True)]


def log_total(out: Value, x: Value) -> list[Instruction]:
    exponentials = scratch("exponentials_of_{}", x.shape, x.dtype, out)
    return [
        compute_into(np.exp, exponentials, x),
        compute_into(np.matmul, out, exponentials, column_of_ones(x.shape[1], x.dtype)),
        compute_into(np.log, out, out),
    ]


def surprise(out: Value, x: Value, total: Value, targets: Value) -> list[Instruction]:
    return [
        call_check(rows.check_classes, "cross_entropy", targets, x.shape[1]),
        compute_into(rows.write_losses, out, x, total, targets, numbers_of_rows(x.shape[0]), sure=True),
    ]


# --- indexing ---------------------------------------------------------------------------------------------------------


def setitem(out: Value, x: Any, values: Any, *indices: Any, index: Any) -> list[Instruction]:
    key = key_of(index, indices)
    if out.dtype.kind == "f":
        return [copy_into(out, x), store_at(out, key, values, may_raise=bool(indices))]
    return [compute_into(places.write_exactly, out, x, values, key)]


def scatter_add(out: Value, values: Any, *indices: Any, index: Any, shape: tuple[int, ...]) -> list[Instruction]:
    """Rows are added up by a product with their one-hot vectors, where there are few places for them."""
    if not any(e is True for e in index):
        return [store_at(out, ALL, 0), store_at(out, key_of(index, indices), values)]
    if index != (True,) or not isinstance(indices[0], Value) or indices[0].dtype.kind not in "iu":
        numbers = Item(Call(places.number_places, (shape,)), key_of(index, indices))
        return [store_at(out, ALL, Call(places.add_at_places, (values, numbers, shape)), may_raise=True)]
    count, number, width = shape[0], math.prod(indices[0].shape), math.prod(shape[1:])
    if values.dtype.char not in "fd" or not values.size == number * width > 0 or count > MOST_PLACES:
        return [store_at(out, ALL, Call(places.add_at_rows, (values, indices[0], shape)), may_raise=True)]
    hot = scratch("hot_of_{}", (number, count), values.dtype, out)
    return [
        compute_into(places.add_hot_rows, out, values, indices[0], identity_matrix(count, values.dtype), scratch=(hot,))
    ]


def embedding(out: Value, weight: Any, indices: Any) -> list[Instruction]:
    if isinstance(indices, int):
        index = Call(rows.check_classes, ("embedding", Call(np.asarray, (indices,)), weight.shape[0]))
        return [store_at(out, ALL, Call(np.take, (weight, index), (("axis", 0),)), may_raise=True)]
    return [
        call_check(rows.check_classes, "embedding", indices, weight.shape[0]),
        compute_into(np.take, out, weight, indices, axis=0, mode="clip"),
    ]


def one_hot(out: Value, x: Any, *, classes: int, dtype: Any) -> list[Instruction] | None:
    """Rows of the identity matrix, where that is small."""
    if not 0 < classes <= MOST_PLACES or isinstance(x, int):
        return None
    return [
        call_check(rows.check_classes, "one_hot", x, classes),
        compute_into(np.take, out, identity_matrix(classes, out.dtype), x, axis=0, mode="clip"),
    ]


# --- what lowerings make beside instructions --------------------------------------------------------------------------


def scratch(
    label: str, shape: tuple[int, ...], dtype: np.dtype[Any], owner: Value, beside: Value | None = None
) -> Value:
    """Memory that is needed meanwhile."""
    return Value(shape, dtype, label=label, owner=owner, beside=beside)


def constant(label: str, array: Array, beside: Value | None = None) -> Value:
    """An array that never changes; a plan makes equal ones one."""
    return Value(array.shape, array.dtype, label=label, array=array, beside=beside)


@functools.lru_cache(maxsize=64)
def column_of_ones(count: int, dtype: np.dtype[Any]) -> Value:
    return constant("column", kernels.make_ones(count, dtype)[:, None])


@functools.lru_cache(maxsize=64)
def identity_matrix(count: int, dtype: np.dtype[Any]) -> Value:
    return constant("identity", np.eye(count, dtype=dtype))


@functools.lru_cache(maxsize=64)
def numbers_of_rows(count: int) -> Value:
    return constant("numbers", np.arange(count))


# --- the tables -------------------------------------------------------------------------------------------------------

LOWERINGS: dict[Op, Lowering] = {
    elementwise.where: where,
    elementwise.number_power: number_power,
    elementwise.tensor_power: lambda out, x1, x2: [compute_into(kernels.raise_to, out, x1, x2)],
    elementwise.clip: lambda out, x, a_min, a_max: [compute_into(np.clip, out, x, a_min, a_max)],
    elementwise.astype: lambda out, x, *, dtype: [copy_into(out, x, casting="unsafe")],
    elementwise.full_like: lambda out, x, *, fill_value: [copy_into(out, fill_value, casting="unsafe")],
    elementwise.copy: lambda out, x: [copy_into(out, x)],
    elementwise.strong_multiply: lambda out, x1, x2: [compute_into(sums.write_strong_product, out, x1, x2)],
    truths.bitwise_and: compute_ufunc(np.bitwise_and),
    truths.bitwise_or: compute_ufunc(np.bitwise_or),
    truths.bitwise_xor: compute_ufunc(np.bitwise_xor),
    truths.invert: compute_ufunc(np.invert),
    activations.relu: relu,
    activations.gelu: write_by(normal.gelu),
    activations.gelu_slope: write_by(normal.gelu_slope),
    transcendental.gaussian: write_by(normal.gaussian),
    transcendental.erf: write_by(normal.erf),
    transcendental.erfc: write_by(normal.erfc),
    product.matmul: lambda out, x1, x2: [compute_into(np.matmul, out, x1, x2)],
    product.vecdot: vecdot,
    reduction.sum: reduce_by(np.add),
    reduction.max: reduce_by(np.maximum),
    reduction.min: reduce_by(np.minimum),
    reduction.prod: reduce_by(np.multiply),
    cumulative.cumsum: accumulate(np.cumsum),
    cumulative.cumprod: accumulate(np.cumprod),
    network.softmax: softmax,
    network.embedding: embedding,
    network.one_hot: one_hot,
    simpler.steady: steady,
    simpler.log_total: log_total,
    simpler.surprise: surprise,
    indexing.argsort: lambda out, x, *, axis: [
        store_at(out, ALL, Call(np.argsort, (x,), (("axis", axis), ("kind", "stable"))))
    ],
    indexing.setitem: setitem,
    indexing.scatter_add: scatter_add,
    windows.add_windows: lambda out, values, **params: [
        compute_into(add_windows, out, values, *params.values(), sure=True)
    ],
    random.random_uniform: draw("random"),
    random.random_normal: draw("standard_normal"),
    first_free: check_room,
    write_rows: write_in_places,
    strong.check_numbers: lambda out, *gradients: [call_check(kernels.check_numbers, *gradients)],
}

CALLED: dict[Op, Any] = {
    elementwise.round: np.round,
    truths.any: np.any,
    truths.all: np.all,
    cumulative.cummax: sums.cummax,
    cumulative.cummin: sums.cummin,
    truths.isclose: np.isclose,
    truths.allclose: np.allclose,
    truths.array_equal: np.array_equal,
    shape.tril: np.tril,
    shape.triu: np.triu,
    shape.sum_to: sums.sum_to,
    rearrange.roll: np.roll,
    rearrange.pad: sums.pad,
    reduction.argmax: np.argmax,
    reduction.argmin: np.argmin,
    reduction.mean: sums.mean,
    reduction.std: sums.std,
    reduction.logsumexp: sums.logsumexp,
    linalg.vector_norm: sums.vector_norm,
    **{op: getattr(squares, op.name) for op in vars(matrices).values() if isinstance(op, Op)},
    cumulative.linear_recurrence: sums.linear_recurrence,
    product.linear: sums.linear,
    indexing.take_along_axis: np.take_along_axis,
    indexing.add_along_axis: places.add_along_axis,
    transcendental.one_minus_square: curves.one_minus_square,
    transcendental.tanh_slope: curves.tanh_slope,
    activations.leaky_relu: curves.leaky_relu,
    activations.elu: curves.elu,
    activations.sigmoid: curves.sigmoid,
    activations.softplus: curves.softplus,
    activations.log_sigmoid: curves.log_sigmoid,
    activations.softsign: curves.softsign,
    activations.silu: curves.silu,
    activations.silu_slope: curves.silu_slope,
    activations.mish: curves.mish,
    activations.mish_slope: curves.mish_slope,
    network.softmax: rows.softmax,
    network.log_softmax: rows.log_softmax,
    network.one_hot: rows.one_hot,
    class_losses.cross_entropy: rows.cross_entropy,
    class_losses.nll: rows.nll,
    simpler.divide_total: rows.divide_total,
    normalisation.standardize: rows.standardize,
    normalisation.inverse_deviation: rows.inverse_deviation,
    blockwise.blockwise_attention: blocks.blockwise_attention,
    blockwise.blockwise_attention_gradient: blocks.blockwise_attention_gradient,
}

# Whose instructions may need all elements of the result side by side; those of elementwise ops never do.
SIDE_BY_SIDE = {*LOWERINGS, *VIEWS} - {cumulative.cumsum, cumulative.cumprod, reduction.prod, indexing.argsort}
MATRICES = {product.matmul}  # whose results are matrices, of which BLAS takes those with one axis side by side


def may_write(op: Op, array: Array) -> bool:
    """Whether the instructions of an op may write their result into memory that lies like this."""
    if op.elementwise or op not in SIDE_BY_SIDE or array.flags.c_contiguous:
        return True
    return op in MATRICES and min(array.shape[-2:]) > 1 and array.itemsize in array.strides[-2:]
