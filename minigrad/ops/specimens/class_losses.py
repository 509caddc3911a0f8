"""Specimens of losses over classes."""

from __future__ import annotations

import numpy as np

from minigrad import ops
from minigrad.ops.class_losses import definition_on_log_probabilities
from minigrad.ops.specimens.calls import Refusal, call, refusal, specimens
from minigrad.ops.specimens.draws import integers, normal, positive


def refusals_of_targets(function: str) -> list[Refusal]:
    """What `cross_entropy` and `nll` both refuse."""
    return [
        refusal(call(normal(2, 5), [0, 7]), IndexError, function, "index 7", "(1,)", "0 … 4"),
        refusal(call(normal(2, 5), [0, -1]), IndexError, function, "index -1", "(1,)", "0 … 4"),
        refusal(call(normal(2, 5), [0.0, 1.0]), TypeError, function, "integers", "float64"),
        refusal(call(normal(2, 5), [0, 1, 2]), ValueError, function, "(3,)", "(2, 5)", "classes last"),
        refusal(call(normal(), 0), ValueError, function, "an axis of classes"),
        refusal(call(normal(2, 5), [0, 1], positive(2, 1)), ValueError, function, "weight", "(2, 1)", "(5,)"),
        refusal(call(normal(2, 5), [0, 1], reduction="average"), ValueError, function, "average", "none"),
    ]


ops.cross_entropy.specimens = specimens(
    call(normal(4, 3), integers(3, 4)), call(normal(2, 3, 5), integers(5, 2, 3), label_smoothing=0.1),
    call(normal(4, 3), [0, -1, 2, 1], ignore_index=-1), call(normal(3), 2),
    call(normal(0, 3), integers(3, 0), reduction="sum"), call(normal(4, 3), integers(3, 4), positive(3)),
    call(normal(2, 2, 3), integers(3, 2, 2), reduction="none"),
    call(normal(4, 3), [0, -1, 2, 1], positive(3), ignore_index=-1, label_smoothing=0.2),
    call(normal(4, 3), [2, -1, 2, 1], positive(3), reduction="sum", ignore_index=-1, label_smoothing=0.2),
    call(normal(4, 3), [2, 0, 9, 1], [1, 0, 2], reduction="none", ignore_index=9),
    *refusals_of_targets("cross_entropy"),
    refusal(call(normal(2, 5), [0, 1], label_smoothing=1.5), ValueError, "label_smoothing=1.5", "0 and 1"),
    reference=lambda logits, targets, weight=None, *, reduction="mean", ignore_index=None, label_smoothing=0.0: (
        definition_on_log_probabilities(
            logits - np.log(np.sum(np.exp(logits), -1, keepdims=True)), np.asarray(targets, int),
            None if weight is None else np.asarray(weight), reduction=reduction, ignore_index=ignore_index,
            label_smoothing=label_smoothing)
    ),
)  # fmt: skip
ops.nll.specimens = specimens(
    call(normal(4, 3), integers(3, 4)), call(normal(2, 3, 5), integers(5, 2, 3), reduction="sum"),
    call(normal(4, 3), [0, -1, 2, 1], ignore_index=-1), call(normal(3), 2),
    call(normal(0, 3), integers(3, 0), reduction="none"), call(normal(4, 3), integers(3, 4), positive(3)),
    call(normal(4, 3), [0, -1, 2, 1], positive(3), reduction="none", ignore_index=-1),
    *refusals_of_targets("nll"),
)  # fmt: skip
