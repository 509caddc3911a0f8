"""Specimens of comparisons, truths and bits."""

from __future__ import annotations

import numpy as np

from minigrad import ops
from minigrad.ops.specimens.calls import call, refusal, specimens
from minigrad.ops.specimens.draws import booleans, integers, normal
from minigrad.ops.specimens.reduction import refusals_of_axes
from minigrad.ops.specimens.rows import one, pair, refusals_of_pairs

# --- comparisons and truths -------------------------------------------------------------------------------------------

for function in (
    ops.equal, ops.not_equal, ops.less, ops.less_equal, ops.greater, ops.greater_equal, ops.logical_and,
    ops.logical_or, ops.logical_xor,
):  # fmt: skip
    function.specimens = specimens(*pair, *refusals_of_pairs(function.name))
for function in (ops.logical_not, ops.isfinite, ops.isinf, ops.isnan):
    function.specimens = specimens(*one)

# --- of an axis -------------------------------------------------------------------------------------------------------

for function in (ops.any, ops.all):
    function.specimens = specimens(
        call(booleans(2, 3)), call(booleans(2, 3), axis=-1, keepdims=True), call(booleans(2, 3, 2), axis=(0, -1)),
        call(booleans(0, 2), axis=0), call(booleans()), call(normal(2, 3), axis=()),
        *refusals_of_axes(function.name),
    )  # fmt: skip

# --- of two arrays ----------------------------------------------------------------------------------------------------

NEAR = np.array([1.0, 2.0, np.inf, -np.inf, np.nan, 1e-9]), np.array([1.0 + 1e-6, 2.1, np.inf, np.inf, np.nan, 0.0])

for function in (ops.isclose, ops.allclose):
    function.specimens = specimens(
        *pair, call(*NEAR), call(*NEAR, equal_nan=True), call(*NEAR, 0.1), call(*NEAR, rtol=0.0, atol=0.2),
        call(integers(8, 3), integers(8, 3)), *refusals_of_pairs(function.name),
    )  # fmt: skip
ops.array_equal.specimens = specimens(
    call(normal(2, 3), normal(2, 3)), call(NEAR[0], NEAR[0]), call(NEAR[0], NEAR[0], equal_nan=True),
    call(booleans(3), booleans(3)), call(normal(2, 3), normal(3)),
    refusal(call(normal(3), normal(3), rtol=0.1), TypeError, "array_equal", "rtol is not supported"),
)  # fmt: skip

# --- bit by bit -------------------------------------------------------------------------------------------------------

for function, logical in (
    (ops.bitwise_and, "logical_and"), (ops.bitwise_or, "logical_or"), (ops.bitwise_xor, "logical_xor"),
):  # fmt: skip
    function.specimens = specimens(
        call(integers(8, 2, 3), integers(8, 2, 3)), call(booleans(3, 1), booleans(2)), call(integers(8, 2, 3), 5),
        call(6, integers(8, 3)), call(booleans(2, 3), integers(8, 3)), call(booleans(), True),
        refusal(call(normal(2, 3), normal(2, 3)), TypeError, function.name, "booleans or integers", "float64", logical),
    )  # fmt: skip
ops.invert.specimens = specimens(
    call(integers(8, 2, 3)), call(booleans(2, 3)), call(booleans()),
    refusal(call(normal(2, 3)), TypeError, "invert", "booleans or integers", "float64", "logical_not"),
)  # fmt: skip
