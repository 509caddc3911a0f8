"""Losses of numbers against numbers: what is made smaller in training. Those of integer targets are in class_losses.py.

Every loss takes a `reduction`: the "mean" or the "sum" of all losses, or "none".
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad import ops
from minigrad.core.arrays import shape_of
from minigrad.core.record import composition
from minigrad.core.tensor import array_or_constant
from minigrad.ops.kernels import broadcasts_to
from minigrad.ops.normalisation import floating
from minigrad.ops.precision import rounded_once

__all__ = ["bce", "bce_with_logits", "huber", "kl_div", "l1", "mse"]

REDUCTIONS = ("mean", "sum", "none")


def check_reduction(function: str, reduction: str) -> None:
    if reduction not in REDUCTIONS:
        raise ValueError(f'{function}: reduction={reduction!r}, expected "mean", "sum" or "none"')


def prepare_pair(function: str, x: Any, target: Any, reduction: str) -> tuple[Any, Any]:
    """Both sides as floats, lists as arrays; an error where the target would make more of `x` than there is."""
    check_reduction(function, reduction)
    if not broadcasts_to(shape_of(target), shape_of(x)):
        raise ValueError(f"{function}: a target of shape {shape_of(target)} does not fit {shape_of(x)}")
    x = floating(x if hasattr(x, "dtype") else array_or_constant(x))
    return x, cast_beside(x, target)


def cast_beside(x: Any, values: Any) -> Any:
    """`values` as floats; integers and booleans in the precision of `x`, which they are to leave as it is."""
    if isinstance(values, (int, float)):
        return values
    values = values if hasattr(values, "dtype") else array_or_constant(values)
    return values if values.dtype.kind == "f" else ops.astype(values, x.dtype)


def reduce(losses: Any, reduction: str) -> Any:
    return losses if reduction == "none" else ops.mean(losses) if reduction == "mean" else ops.sum(losses)


@composition(formula="mean of (x − target)²")
@rounded_once
def mse(x: Any, target: Any, reduction: str = "mean") -> Any:
    """The mean squared error; the target broadcasts to the shape of `x`. Reductions are "mean", "sum" and "none".

    >>> float(mse(Tensor([1.0, 3.0]), [0.0, 0.0]))
    5.0
    """
    x, target = prepare_pair("mse", x, target, reduction)
    return reduce(ops.square(x - target), reduction)


@composition(formula="mean of |x − target|")
@rounded_once
def l1(x: Any, target: Any, reduction: str = "mean") -> Any:
    """The mean absolute error, as `mse`; where both sides are equal the gradient is 0 by convention.

    >>> float(l1(Tensor([1.0, -3.0]), [0.0, 0.0]))
    2.0
    """
    x, target = prepare_pair("l1", x, target, reduction)
    return reduce(ops.absolute(x - target), reduction)


@composition(formula="mean of d²/2 where |d| ≤ δ, else δ (|d| − δ/2); d = x − target")
@rounded_once
def huber(x: Any, target: Any, delta: float = 1.0, reduction: str = "mean") -> Any:
    """Squared error for small differences, absolute error for large ones (Huber, 1964); smooth where they meet.

    Args:
        delta: the difference from which on the loss grows linearly; positive.

    >>> huber(Tensor([0.5, 3.0]), [0.0, 0.0], reduction="none").tolist()
    [0.125, 2.5]
    """
    x, target = prepare_pair("huber", x, target, reduction)
    if not delta > 0:
        raise ValueError(f"huber: delta={delta} must be positive")
    difference = x - target
    small = ops.clip(difference, -delta, delta)
    return reduce(small * (difference - small * 0.5), reduction)


@composition(formula="mean of −target · log σ(x) − (1 − target) · log(1 − σ(x))")
@rounded_once
def bce_with_logits(logits: Any, targets: Any, positive_weight: Any = None, reduction: str = "mean") -> Any:
    """The cross-entropy of yes or no, in nats: `targets` from 0 to 1 under the probabilities sigmoid(logits).

    Args:
        positive_weight: factor of the losses of yes; it broadcasts to the shape of the logits.

    >>> bce_with_logits(Tensor([1000.0, 1000.0]), [1, 0], reduction="none").tolist()
    [0.0, 1000.0]
    """
    logits, targets = prepare_pair("bce_with_logits", logits, targets, reduction)
    yes, no = targets, 1.0 - targets
    if positive_weight is not None:
        if not broadcasts_to(shape_of(positive_weight), logits.shape):
            raise ValueError(f"bce_with_logits: a positive_weight of shape {shape_of(positive_weight)} does not fit "
                             f"{logits.shape}")  # fmt: skip
        yes = yes * cast_beside(logits, positive_weight)
    with np.errstate(invalid="ignore"):  # an infinite logit that is right costs nothing: 0 · ∞ is 0 here
        losses = ops.strong_multiply(yes, ops.softplus(-logits)) + ops.strong_multiply(no, ops.softplus(logits))
    return reduce(losses, reduction)


@composition(formula="mean of −target · log p − (1 − target) · log(1 − p)")
@rounded_once
def bce(probabilities: Any, targets: Any, reduction: str = "mean") -> Any:
    """The cross-entropy of yes or no, in nats: `targets` from 0 to 1 under `probabilities`; ∞ where one was excluded.

    Of logits, `bce_with_logits` is exact where probabilities are rounded to 0 or 1.

    >>> bce(Tensor([0.5, 1.0]), [1, 1], reduction="none").numpy().round(4).tolist()
    [0.6931, 0.0]
    """
    probabilities, targets = prepare_pair("bce", probabilities, targets, reduction)
    with np.errstate(divide="ignore", invalid="ignore"):  # what is not expected costs nothing: 0 · ∞ is 0 here
        yes = ops.strong_multiply(targets, -ops.log(probabilities))
        no = ops.strong_multiply(1.0 - targets, -ops.log1p(-probabilities))
    return reduce(yes + no, reduction)


@composition(formula="mean of Σⱼ targetⱼ · (log targetⱼ − log_probabilitiesⱼ)")
@rounded_once
def kl_div(log_probabilities: Any, target: Any, log_target: bool = False, reduction: str = "mean") -> Any:
    """The Kullback–Leibler divergence KL(target ‖ model), in nats: the sum over the last axis, then reduced.

    Args:
        log_probabilities: of the model (…, classes), as of `log_softmax`.
        target: probabilities, same shape; 0 · log 0 is 0, and so is its gradient by convention.
        log_target: the target holds log-probabilities too.
        reduction: "mean" or "sum" over all distributions, or "none": one divergence each (…).

    >>> float(kl_div(mg.log(Tensor([0.5, 0.5])), [0.0, 1.0])).__round__(4)
    0.6931
    """
    log_probabilities, target = prepare_pair("kl_div", log_probabilities, target, reduction)
    if not log_probabilities.ndim:
        raise ValueError("kl_div: log_probabilities of shape (): expected an axis of classes, the last")
    probabilities = ops.exp(target) if log_target else target
    logarithms = target if log_target else ops.log(ops.where(ops.equal(target, 0), 1.0, target))
    with np.errstate(invalid="ignore"):  # what is not expected costs nothing, also where the model excludes it
        each = ops.strong_multiply(probabilities, logarithms - log_probabilities)
    return reduce(ops.sum(each, axis=-1), reduction)
