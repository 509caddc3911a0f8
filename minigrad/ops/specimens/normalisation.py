"""Specimens of normalisation."""

from __future__ import annotations

import numpy as np

from minigrad import ops
from minigrad.ops.normalisation import standardize_definition
from minigrad.ops.specimens.calls import Refusal, call, refusal, specimens
from minigrad.ops.specimens.draws import normal, positive

ROWS = [call(normal(2, 4)), call(normal(2, 3, 4), epsilon=0.1), call(normal(4)), call(normal(0, 4)), call(normal(2, 1))]


def refusals_of_rows(function: str) -> list[Refusal]:
    """What every normalisation refuses."""
    return [
        refusal(call(normal()), ValueError, function, "()", "last axis"),
        refusal(call(normal(2, 0)), ValueError, function, "(2, 0)", "last axis"),
        refusal(call(normal(2, 3), epsilon=-1.0), ValueError, function, "epsilon=-1.0", "negative"),
    ]


for function in (ops.standardize, ops.inverse_deviation):
    function.specimens = specimens(*ROWS, *refusals_of_rows(function.name))
ops.layer_norm.specimens = specimens(
    call(normal(2, 4), positive(4), normal(4)), call(normal(2, 3, 4)), call(normal(4), positive(4)),
    call(normal(2, 4), None, normal(4), epsilon=0.1), call(normal(0, 4), positive(4), normal(4)),
    *refusals_of_rows(""),
    refusal(call(normal(2, 4), normal(3)), ValueError, "layer_norm", "gain", "(3,)", "(2, 4)"),
    refusal(call(normal(2, 4), None, normal(2, 2, 4)), ValueError, "layer_norm", "bias", "(2, 2, 4)", "(2, 4)"),
    reference=lambda x, gain=None, bias=None, epsilon=1e-5: (
        standardize_definition(x, epsilon=epsilon) * (1 if gain is None else gain) + (0 if bias is None else bias)
    ),
)  # fmt: skip
ops.rms_norm.specimens = specimens(
    call(normal(2, 4), positive(4)), call(normal(2, 3, 4)), call(normal(4), epsilon=0.1), call(normal(0, 4)),
    *refusals_of_rows("rms_norm"),
    refusal(call(normal(2, 4), normal(3)), ValueError, "rms_norm", "gain", "(3,)", "(2, 4)"),
    reference=lambda x, gain=None, epsilon=1e-6: (
        x / np.sqrt(np.mean(x * x, -1, keepdims=True) + epsilon) * (1 if gain is None else gain)
    ),
)  # fmt: skip
