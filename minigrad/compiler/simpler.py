"""What some ops become before they are lowered: the same in simpler ops, which the rest of the compiler knows well.

Each function is called as the op is, and records ops; or it returns NotImplemented where the op stays as it is. Three
ops are made here that nobody else has.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad import ops
from minigrad.core.op import Op
from minigrad.core.tensor import constant
from minigrad.ops import (
    activations,
    attention,
    class_losses,
    elementwise,
    network,
    normalisation,
    product,
    reduction,
    shape,
    transcendental,
)
from minigrad.ops.internal import internal_op
from minigrad.ops.kernels import WIDE, find_maxima, make_ones, rows, sum_last_axis
from minigrad.ops.kernels.normal import double_angle
from minigrad.ops.kernels.rows import invert_root
from minigrad.ops.kernels.sums import keep_shape
from minigrad.ops.product import SHORT

Axis = int | tuple[int, ...] | None


def in_floats(lowering: Callable[..., Any]) -> Callable[..., Any]:
    """The lowering, of float32 and float64 alone."""
    return lambda x, *inputs, **params: lowering(x, *inputs, **params) if x.dtype.char in "fd" else NotImplemented


# --- products and sums ------------------------------------------------------------------------------------------------


def matmul(x1: Any, x2: Any) -> Any:
    """One large product instead of one per matrix of the batch."""
    if x1.ndim <= 2 or x2.ndim > 2:
        return NotImplemented
    return ops.reshape(ops.matmul(product.rows_of(x1), x2), shape=(*x1.shape[:-1], *x2.shape[1:]))


def linear(x: Any, weight: Any, bias: Any) -> Any:
    return NotImplemented if "e" in (x.dtype.char, weight.dtype.char) else product.linear_definition(x, weight, bias)


def vecdot(x1: Any, x2: Any, *, axis: int, keepdims: bool) -> Any:
    if keepdims:
        return ops.expand_dims(ops.vecdot(x1, x2, axis=axis), axis)
    short = axis == -1 and x1.shape == x2.shape and x1.ndim > 1 and 0 < x1.shape[-1] < SHORT
    return ops.sum(x1 * x2, axis=-1) if short and x1.dtype == x2.dtype and x1.dtype.char in "fd" else NotImplemented


def sum_rows(x: Any, *, axis: Axis, keepdims: bool) -> Any:
    """Over the last axis a product with ones, as in `sum_last_axis`."""
    if x.dtype.char not in "fd" or not x.size or not x.ndim:
        return NotImplemented
    if keepdims:
        return ops.reshape(ops.sum(x, axis=axis), shape=keep_shape(x.shape, axis))
    if axis not in (-1, x.ndim - 1, (x.ndim - 1,), (-1,)) or x.ndim < 2 or x.shape[-1] > WIDE:
        return NotImplemented
    matrix = ops.reshape(x, shape=(math.prod(x.shape[:-1]), x.shape[-1]))
    return ops.reshape(ops.matmul(matrix, constant(make_ones(x.shape[-1], x.dtype), name="ones")), shape=x.shape[:-1])


def sum_to(x: Any, *, shape: tuple[int, ...]) -> Any:
    if x.dtype.char == "e" or not x.size:
        return NotImplemented
    leading = x.ndim - len(shape)
    if leading and x.shape[leading:] == shape and x.dtype.char in "fd":
        matrix = ops.reshape(x, shape=(math.prod(x.shape[:leading]), math.prod(shape)))
        return ops.reshape(ops.matmul(constant(make_ones(matrix.shape[0], x.dtype), name="ones"), matrix), shape=shape)
    stretched = [leading + i for i, n in enumerate(shape) if n == 1 != x.shape[leading + i]]
    return ops.reshape(ops.sum(x, axis=(*range(leading), *stretched)), shape=shape)


# --- rows -------------------------------------------------------------------------------------------------------------


def softmax(x: Any, where: Any, *, axis: int) -> Any:
    """Rows as a matrix, which is faster to add up."""
    if where is not None or axis not in (-1, x.ndim - 1) or x.ndim == 2 or not x.ndim or x.dtype.char not in "fd":
        return NotImplemented
    matrix = ops.reshape(x, shape=(math.prod(x.shape[:-1]), x.shape[-1]))
    return ops.reshape(ops.softmax(matrix), shape=x.shape)


def centre(x: Any, epsilon: float) -> tuple[Any, Any]:
    """The deviations of rows from their means, and 1 / √(variance + epsilon)."""
    width = x.shape[-1]
    matrix = ops.reshape(x, shape=(math.prod(x.shape[:-1]), width))
    shifted = matrix - ops.index(matrix, (slice(None), slice(0, 1)))
    shares = np.full(width, 1 / width, x.dtype)
    if width < SHORT:
        deviations = ops.matmul(shifted, constant(np.eye(width, dtype=x.dtype) - shares, name="centring"))
    else:
        deviations = shifted - ops.expand_dims(ops.matmul(shifted, constant(shares, name="shares")), -1)
    squares = ops.matmul(ops.square(deviations), constant(shares, name="shares"))
    total = ops.expand_dims(squares, -1) + epsilon
    return deviations, invert_root(ops.sqrt(total), total, epsilon)


def standardize(x: Any, *, epsilon: float) -> Any:
    if x.dtype.char not in "fd" or x.ndim < 2 or not x.size or not epsilon:
        return NotImplemented
    deviations, scale = centre(x, epsilon)
    return ops.reshape(deviations * scale, shape=x.shape)


def inverse_deviation(x: Any, *, epsilon: float) -> Any:
    if x.dtype.char not in "fd" or x.ndim < 2 or not x.size or not epsilon:
        return NotImplemented
    return ops.reshape(centre(x, epsilon)[1], shape=(*x.shape[:-1], 1))


@internal_op(formula="xᵢⱼ, or xᵢⱼ − maxⱼ xᵢⱼ where exponentials might overflow or vanish")
def steady(x: Any) -> Any:
    """Rows, each moved by a number so that the sum of its exponentials is exact."""
    with np.errstate(invalid="ignore"):  # ∞ − ∞ is NaN: such a row has no distribution
        return x - find_maxima(x, -1)


@internal_op(formula="log Σⱼ exp(xᵢⱼ) of steady rows")
def log_total(x: Any) -> Any:
    """The logarithm of the sum of exponentials of each row, (rows, 1)."""
    return np.log(sum_last_axis(np.exp(x)))


@internal_op(formula="log Σⱼ exp(xᵢⱼ) − xᵢ at the target of row i")
def surprise(x: Any, total: Any, targets: Any) -> Any:
    """The loss of each row; programs take the difference where it has digits enough, since they know the total."""
    return rows.compute_losses(x, rows.check_classes("cross_entropy", targets, x.shape[1]).ravel())


divide_total = internal_op(name="divide_total", formula="x₁ / x₂, or NaN where x₂ is 0")(rows.divide_total)


def cross_entropy(
    logits: Any, targets: Any, weight: Any, *, reduction: str, ignore_index: Any, label_smoothing: float
) -> Any:
    """On rows as a matrix, where all targets that count weigh the same."""
    plain = weight is None and not label_smoothing and reduction in ("mean", "sum")
    if not plain or logits.dtype.char not in "fd" or not math.prod(logits.shape) or not logits.ndim > 1:
        return NotImplemented
    classes, counts = class_losses.mark_ignored(targets, ignore_index)
    matrix = steady(ops.reshape(logits, shape=(math.prod(targets.shape), logits.shape[-1])))
    losses = surprise(matrix, log_total(matrix), classes)
    if counts is not None:
        losses = ops.where(counts, ops.reshape(losses, shape=targets.shape), 0.0)
    total = ops.sum(losses)
    if reduction == "sum":
        return total
    number = class_losses.total_weight(classes, counts, None, total.dtype)
    return total / number if isinstance(number, float) else divide_total(total, number)


# --- elementwise ------------------------------------------------------------------------------------------------------


def number_power(x: Any, *, exponent: float) -> Any:
    """Powers that need no logarithm."""
    if x.dtype.kind != "f" or exponent not in (1, 2, 3, 0.5):
        return NotImplemented
    return ops.sqrt(x) if exponent == 0.5 else x if exponent == 1 else x * x if exponent == 2 else x * x * x


def sigmoid(x: Any) -> Any:
    with_x, without = ops.exp(ops.minimum(x, 0.0)), ops.exp(-ops.maximum(x, 0.0))
    return with_x / (with_x + without)


def softplus(x: Any) -> Any:
    return ops.maximum(x, 0.0) + ops.log1p(ops.exp(-ops.absolute(x)))


def gelu(x: Any, *, approximate: str) -> Any:
    if approximate != "tanh":
        return NotImplemented
    x = ops.maximum(x, -40.0)
    return x * ops.sigmoid(double_angle(ops.square(x), x))


def tanh_slope(x: Any) -> Any:
    t = ops.exp(ops.absolute(x) * -2.0)
    return t * 4.0 / ops.square(t + 1.0)


def fill(number: float) -> Callable[..., Any]:
    """A number in the shape of x."""
    return lambda x: ops.broadcast_to(constant(np.asarray(number, x.dtype)), shape=x.shape)


# --- shapes -----------------------------------------------------------------------------------------------------------


def placeholder(x: Any) -> Any:
    """An array of the shape of `x` that takes no memory: NumPy says what becomes of shapes."""
    return np.broadcast_to(np.zeros(()), x.shape)


def exchange_axes(ndim: int, axis1: int, axis2: int) -> tuple[int, ...]:
    """The order of axes in which two have changed places."""
    order = list(range(ndim))
    order[axis1], order[axis2] = order[axis2], order[axis1]
    return tuple(order)


SIMPLER: dict[Op, Callable[..., Any]] = {
    product.matmul: matmul,
    product.linear: linear,
    product.vecdot: vecdot,
    reduction.sum: sum_rows,
    reduction.mean: in_floats(reduction.mean_definition),
    shape.sum_to: sum_to,
    network.softmax: softmax,
    normalisation.standardize: standardize,
    normalisation.inverse_deviation: inverse_deviation,
    class_losses.cross_entropy: cross_entropy,
    elementwise.number_power: number_power,
    elementwise.zeros_like: fill(0),
    elementwise.ones_like: fill(1),
    activations.sigmoid: in_floats(sigmoid),
    activations.softplus: in_floats(softplus),
    activations.log_sigmoid: in_floats(lambda x: -ops.softplus(-x)),
    activations.gelu: in_floats(gelu),
    transcendental.tanh_slope: in_floats(tanh_slope),
    attention.split_heads: attention.split_definition,
    attention.merge_heads: attention.merge_definition,
    shape.swapaxes: lambda x, *, axis1, axis2: ops.transpose(x, axes=exchange_axes(x.ndim, axis1, axis2)),
    shape.expand_dims: lambda x, *, axis: ops.reshape(x, shape=np.expand_dims(placeholder(x), axis).shape),
    shape.squeeze: lambda x, *, axis: ops.reshape(x, shape=np.squeeze(placeholder(x), axis).shape),
}
