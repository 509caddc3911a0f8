"""Losses of integer targets: cross-entropy and the negative log-likelihood. The class axis is the last."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minigrad import ops
from minigrad.core.arrays import shape_of
from minigrad.core.op import op
from minigrad.core.structure import leaves
from minigrad.core.tensor import Tensor, array_or_constant, constant
from minigrad.ops.extended import extended
from minigrad.ops.kernels import rows
from minigrad.ops.losses import check_reduction, reduce
from minigrad.ops.precision import rounded_once

__all__ = ["cross_entropy", "nll"]


def definition_on_log_probabilities(
    log_probabilities: Any, targets: Any, weight: Any, *, reduction: str, ignore_index: int | None,
    label_smoothing: float = 0.0,
) -> Any:  # fmt: skip
    classes, counts = mark_ignored(targets, ignore_index)
    if weight is not None:
        weight = ops.astype(weight, log_probabilities.dtype)
    surprise = -log_probabilities if weight is None else ops.strong_multiply(-log_probabilities, weight)
    losses = ops.squeeze(ops.take_along_axis(surprise, ops.expand_dims(classes, -1)), -1)
    if label_smoothing:
        losses = losses * (1 - label_smoothing) + ops.mean(surprise, axis=-1) * label_smoothing
    if counts is not None:
        losses = ops.where(counts, losses, 0.0)
    if reduction == "none":
        return losses
    total = ops.sum(losses)
    if reduction == "sum":
        return total
    number = total_weight(classes, counts, weight, total.dtype)
    return total / (number if isinstance(number, float) else ops.astype(number, total.dtype))


def are_floats(targets: Any) -> bool:
    """Whether they are probabilities: floats in an array, a Tensor, or lists."""
    if hasattr(targets, "dtype"):
        return bool(targets.dtype.kind == "f")
    return any(isinstance(x, float) or getattr(x, "dtype", np.dtype(int)).kind == "f" for x in leaves(targets))


def cross_entropy_of_probabilities(
    logits: Any, targets: Any, weight: Any = None, reduction: str = "mean",
    ignore_index: int | None = None, label_smoothing: float = 0.0,
) -> Any:  # fmt: skip
    """The loss of targets that are distributions, (…, classes) as the logits are; None where their shape is another."""
    shape = shape_of(logits)
    if not shape or shape_of(targets) != shape:
        return None
    targets = targets if hasattr(targets, "dtype") else array_or_constant(targets)
    check_reduction("cross_entropy", reduction)
    if ignore_index is not None:
        raise ValueError("cross_entropy: ignore_index= is a class, and the targets are probabilities: leave it out")
    if weight is not None and shape_of(weight) != shape[-1:]:
        raise ValueError(f"cross_entropy: weight of shape {shape_of(weight)}, expected {shape[-1:]}, one per class")
    check_smoothing(label_smoothing)
    return expected_loss(logits, targets, weight, reduction, label_smoothing)


@rounded_once
def expected_loss(logits: Any, targets: Any, weight: Any, reduction: str, label_smoothing: float) -> Any:
    if label_smoothing:
        targets = targets * (1 - label_smoothing) + label_smoothing / targets.shape[-1]
    with np.errstate(invalid="ignore"):  # what is not expected costs nothing, also where the model excludes it
        losses = ops.strong_multiply(targets, ops.log_softmax(logits))
    return reduce(-ops.sum(losses if weight is None else losses * weight, axis=-1), reduction)


def check_smoothing(label_smoothing: float) -> None:
    if not 0 <= label_smoothing <= 1:
        raise ValueError(f"cross_entropy: label_smoothing={label_smoothing} must be between 0 and 1")


@extended(
    "targets",
    are_floats,
    cross_entropy_of_probabilities,
    formula="mean of −log softmax(logits) at the targets",
    definition=lambda logits, targets, weight, **params: definition_on_log_probabilities(
        ops.log_softmax(logits), targets, weight, **params
    ),
)
def cross_entropy(
    logits: Any, targets: Any, weight: Any = None, *, reduction: str = "mean", ignore_index: int | None = None,
    label_smoothing: float = 0.0,
) -> Any:  # fmt: skip
    """The cross-entropy, in nats, of integer `targets` (…) under `logits` (…, classes).

    Targets of floats (…, classes) are probabilities: the loss is −Σ target · log softmax(logits), and the mean is over
    all rows, whatever the weights.

    Args:
        weight: one number per class (classes,). The loss of a target is multiplied by the weight of its class, and the
            mean is the weighted one: Σ weight · loss / Σ weight.
        reduction: "mean" or "sum" over all targets, or "none": one loss each (…).
        ignore_index: targets of this value do not count; if all are ignored the mean is NaN and the gradient 0.
        label_smoothing: this share ε of each target is spread evenly over all classes (arXiv 1512.00567). With weights
            class c is expected with (1 − ε) · [c = target] + ε / classes, times its own weight; what the mean
            divides by stays the sum of the weights of the targets.

    Raises:
        IndexError: a target that is no class, with its place.
        TypeError: targets that are not integers.
        ValueError: shapes that do not fit, an unknown reduction, label smoothing outside 0 … 1.

    >>> float(cross_entropy(Tensor([[1e4, -1e4]]), [1]))
    20000.0
    """
    check_targets("cross_entropy", logits, targets, weight, reduction)
    check_smoothing(label_smoothing)
    return rows.cross_entropy(logits, targets, weight, reduction, ignore_index, label_smoothing)


@cross_entropy.vjp("logits")
def _(
    g: Any, y: Any, logits: Any, targets: Any, weight: Any, *, reduction: str, ignore_index: int | None,
    label_smoothing: float,
) -> Any:  # fmt: skip
    classes, counts = mark_ignored(targets, ignore_index)
    expected = smooth_targets(classes, logits, label_smoothing)
    probabilities = ops.softmax(logits)
    if weight is not None:
        weight = ops.astype(weight, logits.dtype)
        expected = expected * weight
        probabilities = probabilities * ops.sum(expected, axis=-1, keepdims=True)
    return clear_ignored((probabilities - expected) * cotangent_of_rows(g, classes, counts, weight, reduction), counts)


@cross_entropy.vjp("weight")
def _(g: Any, y: Any, logits: Any, targets: Any, weight: Any, **params: Any) -> Any:
    return cotangent_of_weight(g, y, ops.log_softmax(logits), targets, ops.astype(weight, logits.dtype), **params)


@op(formula="mean of −log_probabilities at the targets", definition=definition_on_log_probabilities)
def nll(
    log_probabilities: Any, targets: Any, weight: Any = None, *, reduction: str = "mean",
    ignore_index: int | None = None,
) -> Any:  # fmt: skip
    """The negative log-likelihood of integer `targets` (…) under `log_probabilities` (…, classes), as of `log_softmax`.

    Weights, reduction, ignored targets and errors are those of `cross_entropy`.

    >>> float(nll(Tensor([[-0.5, -2.0], [-3.0, -0.25]]), [0, 1], reduction="sum"))
    0.75
    """
    check_targets("nll", log_probabilities, targets, weight, reduction)
    return rows.nll(log_probabilities, targets, weight, reduction, ignore_index)


@nll.vjp("log_probabilities")
def _(
    g: Any, y: Any, log_probabilities: Any, targets: Any, weight: Any, *, reduction: str, ignore_index: int | None
) -> Any:
    classes, counts = mark_ignored(targets, ignore_index)
    expected = smooth_targets(classes, log_probabilities, 0.0)
    if weight is not None:
        weight = ops.astype(weight, log_probabilities.dtype)
        expected = expected * weight
    return clear_ignored(expected * -cotangent_of_rows(g, classes, counts, weight, reduction), counts)


@nll.vjp("weight")
def _(g: Any, y: Any, log_probabilities: Any, targets: Any, weight: Any, **params: Any) -> Any:
    return cotangent_of_weight(g, y, log_probabilities, targets, ops.astype(weight, log_probabilities.dtype), **params)


# --- forward, on arrays -----------------------------------------------------------------------------------------------


def check_targets(function: str, scores: Any, targets: Any, weight: Any, reduction: str) -> None:
    """Refuse shapes that do not fit, and an unknown reduction."""
    check_reduction(function, reduction)
    shape = shape_of(targets)
    if shape != scores.shape[:-1] or not scores.ndim:
        expected = f"expected {scores.shape[:-1]}, classes last" if scores.ndim else "expected an axis of classes"
        raise ValueError(f"{function}: targets of shape {shape} for scores {scores.shape}: {expected}")
    if weight is not None and shape_of(weight) != scores.shape[-1:]:
        raise ValueError(f"{function}: weight of shape {shape_of(weight)}, expected {scores.shape[-1:]}, one per class")


# --- in ops, for rules and definitions --------------------------------------------------------------------------------


def mark_ignored(targets: Any, ignore_index: int | None) -> tuple[Any, Any]:
    """Targets with the ignored ones made 0, and which of them count (None for all)."""
    if ignore_index is None:
        return targets, None
    counts = ops.not_equal(targets, ignore_index)
    return ops.where(counts, targets, 0), counts


def smooth_targets(classes: Any, scores: Any, label_smoothing: float) -> Any:
    """The distribution that the model is to have, one row per target."""
    count = scores.shape[-1]
    expected = one_hot_beside(scores, classes)
    return expected * (1 - label_smoothing) + label_smoothing / count if label_smoothing else expected


def one_hot_beside(scores: Any, classes: Any) -> Any:
    """One-hot rows of the type of `scores`; of a Python number too, which alone makes no node."""
    expected = ops.one_hot(classes, classes=scores.shape[-1], dtype=scores.dtype)
    return constant(expected) if isinstance(scores, Tensor) and not isinstance(expected, Tensor) else expected


def total_weight(classes: Any, counts: Any, weight: Any, dtype: Any) -> Any:
    """What a mean divides by: the number of targets that count, or the sum of their weights; at least a float32."""
    if weight is None and counts is None:
        return float(math.prod(shape_of(classes)))
    wide = np.result_type(dtype, np.float32)
    if weight is None:
        return ops.astype(ops.sum(counts), wide)
    weights = ops.index(ops.astype(weight, wide), classes)
    return ops.sum(weights if counts is None else ops.where(counts, weights, 0.0))


def cotangent_of_rows(g: Any, classes: Any, counts: Any, weight: Any, reduction: str) -> Any:
    """`g` as it reaches the loss of each row, to be broadcast over its classes."""
    if reduction != "mean":
        return g if reduction == "sum" else ops.expand_dims(g, -1)
    return g / total_weight(classes, counts, weight, g.dtype)


def clear_ignored(gradient: Any, counts: Any) -> Any:
    """The gradient, exactly 0 in rows that are ignored."""
    return gradient if counts is None else ops.where(ops.expand_dims(counts, -1), gradient, 0.0)


def cotangent_of_weight(
    g: Any, y: Any, log_probabilities: Any, targets: Any, weight: Any, reduction: str, ignore_index: int | None,
    label_smoothing: float = 0.0,
) -> Any:  # fmt: skip
    """The gradient of the class weights, one row per target."""
    classes, counts = mark_ignored(targets, ignore_index)
    losses = -ops.strong_multiply(smooth_targets(classes, log_probabilities, label_smoothing), log_probabilities)
    if reduction == "mean":  # y = Σ weight · loss / Σ weight
        losses = losses - one_hot_beside(log_probabilities, classes) * y
    return clear_ignored(losses * cotangent_of_rows(g, classes, counts, weight, reduction), counts)
