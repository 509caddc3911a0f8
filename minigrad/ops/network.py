"""What networks are made of: softmax, normalisation, embedding, dropout, losses.

Composite ops have rules of their own, for speed and accuracy, and a definition in simpler ops, to be studied:
`graph.expand("softmax", "standardize")`. Masks are True where something may be attended to, and act inside softmax.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad import ops
from minigrad.base.arrays import Shaped
from minigrad.base.record import call, composition
from minigrad.core.op import op
from minigrad.ops.indexing import Index
from minigrad.ops.kernels import (
    add_reduce,
    as_float,
    masked_and_shifted,
    maximum_reduce,
    minimum_reduce,
    row_sums,
    shifted,
    sum_of_products,
    sums,
)
from minigrad.ops.random import current_generator
from minigrad.ops.samples import booleans, integers, normal, positive

__all__ = [
    "cross_entropy", "dropout", "embedding", "inverse_deviation", "layer_norm", "log_softmax", "mse", "one_hot",
    "rms_norm", "softmax", "standardize",
]  # fmt: skip

MASKED = [call(normal(2, 3), booleans(2, 3)), call(normal(2, 3), booleans(3), axis=-1),
          call(normal(3, 2), [[True, False], [True, False], [True, False]], axis=0)]  # fmt: skip


def check_mask(where: Any) -> Any:
    """A mask is booleans; a float mask is usually an additive one."""
    if where is not None and where.dtype.kind != "b":
        raise TypeError(
            f"where: expected booleans (True = may attend), got {where.dtype}; values to add to the scores go to bias="
        )
    return where


def shape_of_weights(x: Any, where: Any = None, **params: Any) -> Shaped:
    """As `x`: these ops are not tried on zeros, since the scores of attention are the largest arrays of all."""
    shape = x.shape if where is None else np.broadcast_shapes(x.shape, where.shape)
    return Shaped(shape, np.result_type(x.dtype, np.float16))


def softmax_definition(x: Any, where: Any, *, axis: int) -> Any:
    if where is not None:
        x = ops.where(where, x, -np.inf)
    largest = ops.stop_gradient(ops.max(x, axis=axis, keepdims=True))
    if where is not None:
        largest = ops.where(ops.isfinite(largest), largest, 0.0)
    exponentials = ops.exp(x - largest)
    total = ops.sum(exponentials, axis=axis, keepdims=True)
    if where is not None:
        total = ops.where(total > 0, total, 1.0)
    return exponentials / total


@op(
    formula="yᵢ = exp(xᵢ) / Σⱼ exp(xⱼ)", latex=r"y_i = e^{x_i} / \sum_j e^{x_j}", definition=softmax_definition,
    infer=shape_of_weights,
    samples=[call(normal(2, 3)), call(normal(2, 3), axis=0), *MASKED],
    reference=lambda x, where=None, *, axis=-1: softmax_definition(x, where, axis=axis),
)  # fmt: skip
def softmax(x: Any, where: Any = None, *, axis: int = -1) -> Any:
    """Positive weights that add up to 1 along `axis`; 0 where the mask `where` is False.

    A row with nothing to attend to gives zeros, and zero gradients. Without a mask, a row of −∞ is 0/0: NaN.

    >>> softmax(Tensor([0.0, 1.0, 5.0]), where=[True, True, False]).numpy().round(4).tolist()
    [0.2689, 0.7311, 0.0]
    """
    y = shifted(x, axis) if check_mask(where) is None else masked_and_shifted(x, where, axis)
    np.exp(y, out=y)
    if where is None:
        y /= sums(y, axis)
    else:
        y *= where
        total = sums(y, axis)
        y /= np.where(total > 0, total, 1)
    return y


@softmax.vjp("x")
def _(g: Any, y: Any, x: Any, where: Any, *, axis: int) -> Any:
    return y * (g - ops.vecdot(g, y, axis=axis, keepdims=True))


def log_softmax_definition(x: Any, where: Any, *, axis: int) -> Any:
    if where is not None:
        x = ops.where(where, x, -np.inf)
    return x - ops.logsumexp(x, axis=axis, keepdims=True)


@op(
    formula="yᵢ = xᵢ − log Σⱼ exp(xⱼ)", latex=r"y_i = x_i - \log \sum_j e^{x_j}", definition=log_softmax_definition,
    infer=shape_of_weights,
    samples=[call(normal(2, 3)), call(normal(2, 3), axis=0), call(normal(2, 3), [True, True, True])],
    reference=lambda x, where=None, *, axis=-1: log_softmax_definition(x, where, axis=axis),
)  # fmt: skip
def log_softmax(x: Any, where: Any = None, *, axis: int = -1) -> Any:
    """The logarithm of softmax, computed without one; −∞ where the mask `where` is False.

    >>> log_softmax(Tensor([1e4, -1e4])).tolist()
    [0.0, -20000.0]
    """
    if check_mask(where) is None:
        y = shifted(x, axis)
        return y - np.log(sums(np.exp(y), axis))
    y = masked_and_shifted(x, where, axis)
    total = sums(np.exp(y) * where, axis)
    return np.where(where, y - np.log(np.where(total > 0, total, 1)), -np.inf)


@log_softmax.vjp("x")
def _(g: Any, y: Any, x: Any, where: Any, *, axis: int) -> Any:
    if where is not None:
        g = ops.where(where, g, 0.0)
    return g - ops.exp(y) * ops.sum(g, axis=axis, keepdims=True)


# --- normalisation ----------------------------------------------------------------------------------------------------


def centred(x: Any, epsilon: float) -> tuple[Any, Any]:
    """x minus its mean over the last axis, and 1 / √(variance + epsilon).

    The first entry is subtracted before averaging, so that a constant row is exactly zero at any size.
    """
    x, width = as_float(x), x.shape[-1]
    difference = x - x[..., :1]
    difference -= row_sums(difference) * (1 / width)
    variance = sum_of_products(difference, difference)[..., None] / width
    return difference, 1 / np.sqrt(variance + epsilon)


def floating(x: Any) -> Any:
    """`x` itself, or integers and booleans as floats, since unsigned ones wrap around."""
    dtype = getattr(x, "dtype", None)
    return x if dtype is None or dtype.kind == "f" else ops.astype(x, np.result_type(dtype, np.float16))


def centred_definition(x: Any) -> Any:
    return x - ops.mean(x, axis=-1, keepdims=True)


def inverse_deviation_definition(x: Any, *, epsilon: float) -> Any:
    return 1.0 / ops.sqrt(ops.mean(ops.square(centred_definition(x)), axis=-1, keepdims=True) + epsilon)


def standardize_definition(x: Any, *, epsilon: float) -> Any:
    return centred_definition(x) * inverse_deviation_definition(x, epsilon=epsilon)


ROWS = [call(normal(2, 4)), call(normal(2, 3, 4), epsilon=0.1), call(normal(4))]


@op(
    formula="(x − mean x) / √(var x + ε), over the last axis", samples=ROWS, definition=standardize_definition,
    infer=shape_of_weights,
    reference=lambda x, epsilon=1e-5: standardize_definition(x, epsilon=epsilon),
)  # fmt: skip
def standardize(x: Any, *, epsilon: float = 1e-5) -> Any:
    """Each row of the last axis moved to mean 0 and scaled to variance 1.

    >>> standardize(Tensor([[1.0, 3.0]])).numpy().round(4).tolist()
    [[-1.0, 1.0]]
    """
    difference, scale = centred(x, epsilon)
    difference *= scale
    return difference


@standardize.vjp("x")
def _(g: Any, y: Any, x: Any, *, epsilon: float) -> Any:
    along = ops.vecdot(g, y, keepdims=True) * (1.0 / x.shape[-1])
    return (g - ops.mean(g, axis=-1, keepdims=True) - y * along) * ops.inverse_deviation(x, epsilon=epsilon)


@op(
    formula="1 / √(var x + ε), over the last axis", samples=ROWS, definition=inverse_deviation_definition,
    reference=lambda x, epsilon=1e-5: inverse_deviation_definition(x, epsilon=epsilon),
)  # fmt: skip
def inverse_deviation(x: Any, *, epsilon: float = 1e-5) -> Any:
    """What `standardize` multiplies the rows by, (…, 1)."""
    return centred(x, epsilon)[1]


@inverse_deviation.vjp("x")
def _(g: Any, y: Any, x: Any, *, epsilon: float) -> Any:
    return ops.standardize(x, epsilon=epsilon) * (g * y * y * (-1.0 / x.shape[-1]))


@composition(
    formula="(x − mean x) / √(var x + ε) · gain + bias, over the last axis",
    samples=[call(normal(2, 4), positive(4), normal(4)), call(normal(2, 3, 4)), call(normal(4), positive(4)),
             call(normal(2, 4), None, normal(4), epsilon=0.1)],
    reference=lambda x, gain=None, bias=None, epsilon=1e-5: (
        standardize_definition(x, epsilon=epsilon) * (1 if gain is None else gain) + (0 if bias is None else bias)
    ),
)  # fmt: skip
def layer_norm(x: Any, gain: Any = None, bias: Any = None, epsilon: float = 1e-5) -> Any:
    """Layer normalisation over the last axis (Ba, Kiros and Hinton, arXiv 1607.06450).

    >>> layer_norm(Tensor([[1.0, 3.0]])).numpy().round(4).tolist()
    [[-1.0, 1.0]]
    """
    y = ops.standardize(x, epsilon=epsilon)
    y = y if gain is None else y * gain
    return y if bias is None else y + bias


@composition(
    formula="x / √(mean x² + ε) · gain, over the last axis",
    samples=[call(normal(2, 4), positive(4)), call(normal(2, 3, 4)), call(normal(4), epsilon=0.1)],
    reference=lambda x, gain=None, epsilon=1e-6: (
        x / np.sqrt(np.mean(x * x, -1, keepdims=True) + epsilon) * (1 if gain is None else gain)
    ),
)  # fmt: skip
def rms_norm(x: Any, gain: Any = None, epsilon: float = 1e-6) -> Any:
    """Root-mean-square normalisation over the last axis (Zhang and Sennrich, arXiv 1910.07467).

    >>> rms_norm(Tensor([[3.0, 4.0]])).numpy().round(4).tolist()
    [[0.8485, 1.1314]]
    """
    x = floating(x)
    mean_square = ops.vecdot(x, x, keepdims=True) * (1.0 / x.shape[-1])
    y = x * (1.0 / ops.sqrt(mean_square + epsilon))
    return y if gain is None else y * gain


# --- tokens -----------------------------------------------------------------------------------------------------------


def check_classes(function: str, indices: Any, count: int) -> Any:
    """Integers from 0 to `count` − 1, or an error that says which is not."""
    if indices.dtype.kind not in "iu":
        raise TypeError(f"{function}: indices must be integers, got {indices.dtype}")
    if indices.size and (minimum_reduce(indices, None) < 0 or maximum_reduce(indices, None) >= count):
        bad = np.flatnonzero((indices < 0) | (indices >= count))[0]
        place = tuple(int(i) for i in np.unravel_index(bad, indices.shape))
        raise IndexError(f"{function}: index {indices.flat[bad]} at {place} is outside 0 … {count - 1}")
    return indices


@op(
    formula="the rows of W at the indices", samples=[call(normal(4, 3), integers(4, 2, 5))],
    reference=lambda weight, indices: weight[indices],
)  # fmt: skip
def embedding(weight: Any, indices: Any) -> Any:
    """One row of `weight` (count, width) for each index; indices outside 0 … count − 1 are refused.

    >>> embedding(Tensor([[1.0, 0.0], [0.0, 1.0]]), [1, 1]).tolist()
    [[0.0, 1.0], [0.0, 1.0]]
    """
    return np.take(weight, check_classes("embedding", np.asarray(indices), weight.shape[0]), axis=0)


@embedding.vjp("weight")
def _(g: Any, y: Any, weight: Any, indices: Any) -> Any:
    return ops.scatter_add(g, indices, index=Index([True]), shape=weight.shape)


@op(
    formula="1 at the index, else 0", differentiable=False,
    samples=[call(integers(4, 2, 3), classes=4), call(integers(4, 3), classes=5, dtype="float64")],
    reference=lambda x, *, classes, dtype="float32": np.eye(classes, dtype=dtype)[x],
)  # fmt: skip
def one_hot(x: Any, *, classes: int, dtype: Any = "float32") -> Any:
    """A new last axis of length `classes`, 1 at the index and 0 elsewhere.

    >>> one_hot([1, 0], classes=2).tolist()
    [[0.0, 1.0], [1.0, 0.0]]
    """
    x = check_classes("one_hot", np.asarray(x), classes)
    return (x[..., None] == np.arange(classes)).astype(dtype)


@composition(formula="x / (1 − rate) with probability 1 − rate, else 0")
def dropout(x: Any, rate: float, rng: np.random.Generator | None = None) -> Any:
    """Each element dropped with probability `rate`, the rest scaled up (Srivastava et al., 2014).

    Args:
        rate: probability from 0 to 1.
        rng: the generator to draw from; by default that of the enclosing `with minigrad.generator(rng):`.
    """
    if not 0 <= rate <= 1:
        raise ValueError(f"dropout: rate={rate} must be between 0 and 1")
    if rate == 0:
        return x
    draws = ops.random_uniform(shape=x.shape, dtype="float32", generator=current_generator(rng))
    return ops.where(draws >= rate, x * (1 / (1 - rate) if rate < 1 else 0.0), 0.0)


# --- losses -----------------------------------------------------------------------------------------------------------


def checked_targets(logits: Any, targets: Any, ignore_index: int | None) -> Any:
    """The targets with the ignored ones made 0, or an error that says what does not fit."""
    if targets.shape != logits.shape[:-1]:
        raise ValueError(
            f"targets of shape {targets.shape} for logits {logits.shape}: expected {logits.shape[:-1]}, classes last"
        )
    classes = targets if ignore_index is None else np.where(targets == ignore_index, 0, targets)
    return check_classes("cross_entropy", classes, logits.shape[-1])


def counted(targets: Any, ignore_index: int | None) -> tuple[Any, Any, Any]:
    """Targets with the ignored ones made 0, which of them count (None for all), and how many."""
    if ignore_index is None:
        return targets, None, float(np.size(targets))
    counts = ops.not_equal(targets, ignore_index)
    return ops.where(counts, targets, 0), counts, ops.sum(counts)


def cross_entropy_definition(logits: Any, targets: Any, *, ignore_index: int | None, label_smoothing: float) -> Any:
    classes, counts, number = counted(targets, ignore_index)
    log_probabilities = ops.log_softmax(logits)
    losses = -ops.squeeze(ops.take_along_axis(log_probabilities, ops.expand_dims(classes, -1)), -1)
    if label_smoothing:
        losses = losses * (1 - label_smoothing) - ops.mean(log_probabilities, axis=-1) * label_smoothing
    if counts is None:
        return ops.mean(losses)
    return ops.sum(ops.where(counts, losses, 0.0)) / ops.astype(number, losses.dtype)


@op(
    formula="mean of −log softmax(logits) at the targets", definition=cross_entropy_definition,
    samples=[
        call(normal(4, 3), integers(3, 4)), call(normal(2, 3, 5), integers(5, 2, 3), label_smoothing=0.1),
        call(normal(4, 3), [0, -1, 2, 1], ignore_index=-1), call(normal(3), 2),
    ],
    reference=lambda logits, targets, *, ignore_index=None, label_smoothing=0.0: cross_entropy_definition(
        logits, np.asarray(targets), ignore_index=ignore_index, label_smoothing=label_smoothing),
)  # fmt: skip
def cross_entropy(logits: Any, targets: Any, *, ignore_index: int | None = None, label_smoothing: float = 0.0) -> Any:
    """The mean cross-entropy, in nats, of integer `targets` (…) under `logits` (…, classes).

    Args:
        ignore_index: targets of this value do not count; if all are ignored the value is NaN and the gradient 0.
        label_smoothing: this share of each target is spread evenly over all classes (arXiv 1512.00567).

    >>> float(cross_entropy(Tensor([[1e4, -1e4]]), [1]))
    20000.0
    """
    targets = np.asarray(targets)
    classes = checked_targets(logits, targets, ignore_index).ravel()
    rows = shifted(logits, -1).reshape(-1, logits.shape[-1])
    losses = np.log(row_sums(np.exp(rows)))[:, 0]
    if label_smoothing:
        losses -= rows[np.arange(len(rows)), classes] * (1 - label_smoothing) + rows.mean(-1) * label_smoothing
    else:
        losses -= rows[np.arange(len(rows)), classes]
    if ignore_index is not None:
        losses = losses[targets.ravel() != ignore_index]
    with np.errstate(invalid="ignore"):  # 0/0, the mean of no target, is NaN without noise
        return add_reduce(losses) / losses.dtype.type(losses.size)


@cross_entropy.vjp("logits")
def _(g: Any, y: Any, logits: Any, targets: Any, *, ignore_index: int | None, label_smoothing: float) -> Any:
    classes, counts, number = counted(targets, ignore_index)
    expected = ops.one_hot(classes, classes=logits.shape[-1], dtype=logits.dtype)
    if label_smoothing:
        expected = expected * (1 - label_smoothing) + label_smoothing / logits.shape[-1]
    if counts is None:
        return (ops.softmax(logits) - expected) * (g / number)
    scaled = (ops.softmax(logits) - expected) * (g / ops.astype(number, g.dtype))
    return ops.where(ops.expand_dims(counts, -1), scaled, 0.0)


@composition(
    formula="mean of (x − target)²", samples=[call(normal(2, 3), normal(2, 3)), call(normal(2, 3), normal(3))],
    reference=lambda x, target: np.mean((x - target) ** 2),
)  # fmt: skip
def mse(x: Any, target: Any) -> Any:
    """The mean squared error.

    >>> float(mse(Tensor([1.0, 3.0]), [0.0, 0.0]))
    5.0
    """
    return ops.mean(ops.square(floating(x) - floating(target)))
