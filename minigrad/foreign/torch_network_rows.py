"""Rows beside those of `torch_rows.py`, of what networks are made of: products, attention, losses, derivatives."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad.foreign.torch_rows import ROWS as ROWS
from minigrad.foreign.torch_rows import Writer, cast, row

# --- along rows -------------------------------------------------------------------------------------------------------


@row("softmax.int", "_softmax")
def softmax(to: Writer, x: Any, axis: int, dtype: Any = None) -> Any:
    return to.softmax(cast(to, x), axis=axis)


@row("_safe_softmax")
def safe_softmax(to: Writer, x: Any, axis: int, dtype: Any = None) -> Any:
    """Softmax in which a row of −∞ gives zeros: with a mask, if anything was added that could make one."""
    may_be_masked = x.op is None or x.op.name in ("add", "where")
    return to.softmax(x, to.not_equal(x, -math.inf) if may_be_masked else None, axis=axis)


@row("log_softmax.int", "_log_softmax")
def log_softmax(to: Writer, x: Any, axis: int, dtype: Any = None) -> Any:
    return to.log_softmax(cast(to, x), axis=axis)


# --- products ---------------------------------------------------------------------------------------------------------


@row("matmul", "mm", "bmm", "mv", "dot")
def matmul(to: Writer, x: Any, y: Any) -> Any:
    return to.matmul(x, y)


@row("linear")
def linear(to: Writer, x: Any, weight: Any, bias: Any = None) -> Any:
    return to.linear(x, to.transpose(weight), bias) if weight.ndim == 2 else None


@row("addmm")
def addmm(to: Writer, bias: Any, x: Any, weight: Any, *, beta: float = 1, alpha: float = 1) -> Any:
    return to.linear(x, weight, bias) if alpha == beta == 1 else None


@row("baddbmm")
def baddbmm(to: Writer, bias: Any, x: Any, weight: Any, *, beta: float = 1, alpha: float = 1) -> Any:
    product = to.matmul(x, weight)
    product = product if alpha == 1 else to.multiply(product, alpha)
    return to.add(bias if beta == 1 else to.multiply(bias, beta), product)


@row("scaled_dot_product_attention")
def attention(
    to: Writer, queries: Any, keys: Any, values: Any, mask: Any = None, dropout: float = 0.0, causal: bool = False,
    *, scale: float | None = None, enable_gqa: bool = False,
) -> Any:  # fmt: skip
    """As PyTorch: nothing is attended to where there is nothing but −∞."""
    if enable_gqa:
        keys, values = (repeat_heads(to, x, queries.shape[-3]) for x in (keys, values))
    scale = 1 / math.sqrt(queries.shape[-1]) if scale is None else scale
    scores = to.multiply(to.matmul(queries, to.swapaxes(keys, axis1=-1, axis2=-2)), scale)
    if causal:
        mask = to.constant(np.tri(queries.shape[-2], keys.shape[-2], dtype=bool))
    elif mask is not None and mask.dtype != bool:
        scores = to.add(scores, mask)
        mask = to.not_equal(scores, -math.inf)
    weights = to.softmax(scores, mask)
    return to.matmul(to.dropout(weights, dropout) if dropout else weights, values)


def repeat_heads(to: Writer, x: Any, heads: int) -> Any:
    """Each head several times in a row, so that there are as many as of the queries."""
    *batch, own, length, width = x.shape
    apart = to.broadcast_to(to.expand_dims(x, axis=-3), shape=(*batch, own, heads // own, length, width))
    return to.reshape(apart, shape=(*batch, heads, length, width))


# --- normalisation ----------------------------------------------------------------------------------------------------


@row("layer_norm")
def layer_norm(
    to: Writer, x: Any, shape: Sequence[int], gain: Any = None, bias: Any = None, epsilon: float = 1e-5, *_: Any
) -> Any:
    if len(shape) != 1:
        return None
    y = to.standardize(x, epsilon=epsilon)
    y = y if gain is None else to.multiply(y, gain)
    return y if bias is None else to.add(y, bias)


@row("native_layer_norm")
def native_layer_norm(to: Writer, x: Any, shape: Sequence[int], gain: Any, bias: Any, epsilon: float) -> Any:
    if len(shape) != 1:
        return None
    return [
        functools.partial(layer_norm, to, x, shape, gain, bias, epsilon),
        functools.partial(to.mean, x, axis=-1, keepdims=True),
        functools.partial(to.inverse_deviation, x, epsilon=epsilon),
    ]


@row("native_layer_norm_backward")
def layer_norm_backward(
    to: Writer, g: Any, x: Any, shape: Sequence[int], mean: Any, scale: Any, gain: Any, bias: Any, wanted: Any
) -> Any:
    if len(shape) != 1:
        return None
    y = to.multiply(to.subtract(x, mean), scale)

    def gradient() -> Any:
        inner = g if gain is None else to.multiply(g, gain)
        along = to.multiply(to.vecdot(inner, y, keepdims=True), 1 / shape[0])
        centred = to.subtract(inner, to.mean(inner, axis=-1, keepdims=True))
        return to.multiply(to.subtract(centred, to.multiply(y, along)), scale)

    return [
        gradient,
        lambda: to.sum_to(to.multiply(g, y), shape=tuple(shape)),
        lambda: to.sum_to(g, shape=tuple(shape)),
    ]


@row("rms_norm")
def rms_norm(to: Writer, x: Any, shape: Sequence[int], gain: Any = None, epsilon: float | None = None) -> Any:
    if len(shape) != 1:
        return None
    epsilon = float(np.finfo(x.dtype).eps) if epsilon is None else epsilon
    mean_square = to.multiply(to.vecdot(x, x, keepdims=True), 1 / shape[0])
    y = to.multiply(x, to.reciprocal(to.sqrt(to.add(mean_square, epsilon))))
    return y if gain is None else to.multiply(y, gain)


@row("_native_batch_norm_legit_no_training")
def batch_norm_of_record(
    to: Writer, x: Any, gain: Any, bias: Any, mean: Any, variance: Any, momentum: float, epsilon: float
) -> Any:
    """In evaluation: by the mean and the variance of all batches so far."""
    scale = to.reciprocal(to.sqrt(to.add(variance, epsilon)))
    normal = to.multiply(to.subtract(x, by_channel(to, mean, x)), by_channel(to, scale, x))
    empty = to.constant(np.zeros(0, x.dtype))
    return [lambda: scale_and_shift(to, normal, gain, bias), lambda: empty, lambda: empty]


@row("_native_batch_norm_legit_functional")
def batch_norm(
    to: Writer, x: Any, gain: Any, bias: Any, mean: Any, variance: Any, training: bool, momentum: float, epsilon: float
) -> Any:
    """In training: by mean and variance of the batch, of which those of all batches take a share."""
    axes = other_axes(x)
    count = math.prod(x.shape[axis] for axis in axes)
    if not training or count < 2:
        return None
    own_mean = to.mean(x, axis=axes, keepdims=True)
    centred = to.subtract(x, own_mean)
    own_variance = to.mean(to.square(centred), axis=axes, keepdims=True)
    scale = to.reciprocal(to.sqrt(to.add(own_variance, epsilon)))

    def blend(record: Any, own: Any, share: float) -> Any:
        own = to.reshape(own, shape=record.shape)
        return to.add(to.multiply(record, 1 - momentum), to.multiply(own, share))

    return [
        lambda: scale_and_shift(to, to.multiply(centred, scale), gain, bias),
        lambda: to.reshape(own_mean, shape=x.shape[1:2]),
        lambda: to.reshape(scale, shape=x.shape[1:2]),
        lambda: blend(mean, own_mean, momentum),
        lambda: blend(variance, own_variance, momentum * count / (count - 1)),
    ]


@row("_native_batch_norm_legit.no_stats")
def batch_norm_without_record(
    to: Writer, x: Any, gain: Any, bias: Any, training: bool, momentum: float, epsilon: float
) -> Any:
    results = batch_norm(to, x, gain, bias, None, None, training, momentum, epsilon)
    return results and results[:3]


@row("native_batch_norm_backward")
def batch_norm_backward(
    to: Writer, g: Any, x: Any, gain: Any, record_mean: Any, record_variance: Any, mean: Any, scale: Any,
    training: bool, epsilon: float, wanted: Any,
) -> Any:  # fmt: skip
    axes = other_axes(x)
    if not training:
        mean, scale = record_mean, to.reciprocal(to.sqrt(to.add(record_variance, epsilon)))
    scale = by_channel(to, scale, x)
    normal = to.multiply(to.subtract(x, by_channel(to, mean, x)), scale)

    def gradient() -> Any:
        inner = g if gain is None else to.multiply(g, by_channel(to, gain, x))
        if training:
            along = to.mean(to.multiply(inner, normal), axis=axes, keepdims=True)
            centred = to.subtract(inner, to.mean(inner, axis=axes, keepdims=True))
            inner = to.subtract(centred, to.multiply(normal, along))
        return to.multiply(inner, scale)

    return [gradient, lambda: to.sum(to.multiply(g, normal), axis=axes), lambda: to.sum(g, axis=axes)]


def other_axes(x: Any) -> tuple[int, ...]:
    """All but that of the channels, the second."""
    return (0, *range(2, x.ndim))


def by_channel(to: Writer, value: Any, x: Any) -> Any:
    """One number for each channel, beside `x`."""
    return to.reshape(value, shape=(-1, *(1,) * (x.ndim - 2))) if x.ndim > 2 else value


def scale_and_shift(to: Writer, x: Any, gain: Any, bias: Any) -> Any:
    x = x if gain is None else to.multiply(x, by_channel(to, gain, x))
    return x if bias is None else to.add(x, by_channel(to, bias, x))


# --- losses -----------------------------------------------------------------------------------------------------------

REDUCTION = ("none", "mean", "sum")


@row("cross_entropy_loss")
def cross_entropy(
    to: Writer, logits: Any, targets: Any, weight: Any = None, reduction: int = 1, ignored: int = -100,
    smoothing: float = 0.0,
) -> Any:  # fmt: skip
    if logits.ndim > 2 or targets.dtype.kind != "i":  # the classes are the second axis, or their probabilities given
        return None
    return to.cross_entropy(
        logits, targets, weight, reduction=REDUCTION[reduction], ignore_index=ignored, label_smoothing=float(smoothing)
    )


@row("nll_loss_nd")
def nll(
    to: Writer, log_probabilities: Any, targets: Any, weight: Any = None, reduction: int = 1, ignored: int = -100
) -> Any:
    if log_probabilities.ndim > 2:
        return None
    return to.nll(log_probabilities, targets, weight, reduction=REDUCTION[reduction], ignore_index=ignored)


@row("mse_loss")
def mse_loss(to: Writer, x: Any, y: Any, reduction: int = 1) -> Any:
    squares = to.square(to.subtract(x, y))
    return getattr(to, REDUCTION[reduction])(squares) if reduction else squares


@row("mse_loss_backward")
def mse_loss_backward(to: Writer, g: Any, x: Any, y: Any, reduction: int) -> Any:
    factor = 2.0 / math.prod(to.shape) if REDUCTION[reduction] == "mean" else 2.0
    return to.multiply(to.multiply(to.subtract(x, y), factor), g)


# --- derivatives ------------------------------------------------------------------------------------------------------


@row("threshold_backward")
def threshold_backward(to: Writer, g: Any, y: Any, threshold: float) -> Any:
    return to.where(to.less_equal(y, threshold), 0.0, g)


@row("tanh_backward")
def tanh_backward(to: Writer, g: Any, y: Any) -> Any:
    return to.multiply(g, to.one_minus_square(y))


@row("sigmoid_backward")
def sigmoid_backward(to: Writer, g: Any, y: Any) -> Any:
    return to.multiply(g, to.multiply(y, to.subtract(1.0, y)))


@row("silu_backward")
def silu_backward(to: Writer, g: Any, x: Any) -> Any:
    return to.multiply(g, to.silu_slope(x))


@row("mish_backward")
def mish_backward(to: Writer, g: Any, x: Any) -> Any:
    return to.multiply(g, to.mish_slope(x))


@row("gelu_backward")
def gelu_backward(to: Writer, g: Any, x: Any, *, approximate: str = "none") -> Any:
    return to.multiply(g, to.gelu_slope(x)) if approximate == "none" else None


@row("_softmax_backward_data")
def softmax_backward(to: Writer, g: Any, y: Any, axis: int, dtype: Any) -> Any:
    return to.multiply(y, to.subtract(g, to.vecdot(g, y, axis=axis, keepdims=True)))


@row("_log_softmax_backward_data")
def log_softmax_backward(to: Writer, g: Any, y: Any, axis: int, dtype: Any) -> Any:
    return to.subtract(g, to.multiply(to.exp(y), to.sum(g, axis=axis, keepdims=True)))
