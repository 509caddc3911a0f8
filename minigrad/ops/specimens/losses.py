"""Specimens of losses."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad import ops
from minigrad.ops.specimens.calls import Refusal, call, kink, refusal, specimens
from minigrad.ops.specimens.draws import between, booleans, integers, normal, positive

PAIRS = [
    call(normal(2, 3), normal(2, 3)), call(normal(2, 3), normal(3), reduction="sum"),
    call(normal(2, 0), normal(2, 0), reduction="none"), call(normal(), normal()), call(normal(2, 3), [1, 0, 2]),
]  # fmt: skip


def refusals_of_pairs(function: str) -> list[Refusal]:
    """What every loss of two arrays refuses; broadcasting (3,) with (3, 1) would compare all with all."""
    return [
        refusal(call(normal(3), normal(3, 1)), ValueError, function, "(3, 1)", "(3,)"),
        refusal(call(normal(2, 3), normal(2, 3), reduction="average"), ValueError, function, "average", "none"),
    ]


def reduce_in_numpy(losses: Any, reduction: str) -> Any:
    return losses if reduction == "none" else np.mean(losses) if reduction == "mean" else np.sum(losses)


def bce_in_numpy(logits: Any, targets: Any, positive_weight: Any = None, reduction: str = "mean") -> Any:
    p = 1 / (1 + np.exp(-logits))
    factor = 1 if positive_weight is None else positive_weight
    return reduce_in_numpy(
        -(factor * np.asarray(targets) * np.log(p) + (1 - np.asarray(targets)) * np.log(1 - p)), reduction
    )


def kl_in_numpy(log_probabilities: Any, target: Any, log_target: bool = False, reduction: str = "mean") -> Any:
    p = np.exp(target) if log_target else np.asarray(target)
    logarithm = target if log_target else np.log(np.where(p == 0, 1, p))
    return reduce_in_numpy(np.sum(p * (logarithm - log_probabilities), -1), reduction)


ops.mse.specimens = specimens(
    *PAIRS,
    *refusals_of_pairs("mse"),
    reference=lambda x, target, reduction="mean": reduce_in_numpy((x - np.asarray(target)) ** 2, reduction),
)
ops.l1.specimens = specimens(
    *PAIRS,
    *refusals_of_pairs("l1"),
    kink(call(np.array([1.0, 2.0]), np.array([1.0, 5.0]), reduction="sum"), [0.0, -1.0], [0.0, 1.0]),
    reference=lambda x, target, reduction="mean": reduce_in_numpy(np.abs(x - np.asarray(target)), reduction),
)
ops.huber.specimens = specimens(
    *PAIRS, call(normal(2, 3), normal(2, 3), delta=0.3),
    *refusals_of_pairs("huber"),
    refusal(call(normal(2), normal(2), delta=0.0), ValueError, "huber", "delta=0.0", "positive"),
    kink(call(np.array([2.0, -2.0, 0.0]), np.zeros(3), delta=2.0, reduction="sum"), [2, -2, 0], [-2, 2, 0]),
    reference=lambda x, target, delta=1.0, reduction="mean": reduce_in_numpy(
        np.where(np.abs(x - target) <= delta, (x - target) ** 2 / 2, delta * (np.abs(x - target) - delta / 2)),
        reduction,
    ),
)  # fmt: skip
ops.bce_with_logits.specimens = specimens(
    call(normal(2, 3), between(0.0, 1.0, 2, 3)), call(normal(2, 3), booleans(2, 3), reduction="sum"),
    call(normal(2, 3), integers(2, 2, 3), positive(3)), call(normal(2, 0), normal(2, 0), reduction="none"),
    call(normal(), 1, 2.0), call(normal(3), [1, 0, 1], positive_weight=[1, 2, 3]),
    *refusals_of_pairs("bce_with_logits"),
    refusal(call(normal(3), normal(3), normal(3, 1)), ValueError, "bce_with_logits", "positive_weight", "(3, 1)"),
    reference=bce_in_numpy,
)  # fmt: skip
ops.bce.specimens = specimens(
    call(between(0.1, 0.9, 2, 3), between(0.0, 1.0, 2, 3)), call(between(0.1, 0.9, 2, 3), booleans(2, 3), "sum"),
    call(between(0.1, 0.9, 3), [1, 0, 1], reduction="none"), call(between(0.1, 0.9), 1),
    *refusals_of_pairs("bce"),
    reference=lambda p, t, reduction="mean": reduce_in_numpy(
        -(np.asarray(t) * np.log(p) + (1 - np.asarray(t)) * np.log(1 - p)), reduction
    ),
)  # fmt: skip
ops.kl_div.specimens = specimens(
    call(normal(2, 3), positive(2, 3)), call(normal(2, 3), [0, 1, 0], reduction="sum"),
    call(normal(2, 2, 3), normal(2, 2, 3), log_target=True, reduction="none"), call(normal(3), positive(3)),
    call(normal(0, 3), positive(0, 3), reduction="none"), call(normal(2, 3), normal(3), True),
    *refusals_of_pairs("kl_div"),
    refusal(call(normal(), normal()), ValueError, "kl_div", "an axis of classes", "()"),
    kink(call(np.log([0.5, 0.5]), np.array([0.0, 1.0])), [0.0, -1.0], [np.log(2.0), 1.0 + np.log(2.0)]),
    reference=kl_in_numpy,
)  # fmt: skip
