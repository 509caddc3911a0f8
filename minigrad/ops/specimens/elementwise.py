"""Specimens of elementwise ops: arithmetic, powers, choices, rounding."""

from __future__ import annotations

import numpy as np

from minigrad import ops
from minigrad.ops.specimens.calls import call, kink, refusal, specimens
from minigrad.ops.specimens.draws import between, booleans, normal, positive
from minigrad.ops.specimens.rows import one, pair, positives, refusals_of_pairs

# --- arithmetic -------------------------------------------------------------------------------------------------------

at_zero = [kink(call(np.zeros(1)), 0.0)]

for function in (ops.add, ops.subtract):
    function.specimens = specimens(*pair, *refusals_of_pairs(function.name))
for function in (ops.multiply, ops.strong_multiply):
    function.specimens = specimens(
        *pair, *refusals_of_pairs(function.name), reference=np.multiply, flat="the other factor is 0"
    )
ops.divide.specimens = specimens(
    call(normal(2, 3), positive(2, 3)), call(normal(2, 3), positive(3)), call(normal(3), 2.0),
    call(1.5, positive(2, 2)),
    *refusals_of_pairs("divide"),
)  # fmt: skip
ops.negative.specimens = specimens(*one)
ops.reciprocal.specimens = specimens(*positives)
ops.square.specimens = specimens(*one)
ops.absolute.specimens = specimens(*one, *at_zero)
ops.sign.specimens = specimens(*one, *at_zero, flat="it is flat everywhere")

# --- powers -----------------------------------------------------------------------------------------------------------

ops.sqrt.specimens = specimens(*positives)
ops.number_power.specimens = specimens(
    call(normal(2, 3), exponent=2), call(normal(3), exponent=3), call(positive(3), exponent=0.5),
    call(positive(3), exponent=-1.5), call(normal(3), exponent=1), call(normal(3), exponent=0),
    refusal(call(normal(3), exponent=np.arange(3)), TypeError, "number_power", "exponent=", "(3,)"),
    *[kink(call(np.zeros(1), exponent=n), float(n == 1)) for n in range(4)],
    reference=lambda x, *, exponent: np.power(x, exponent),
)  # fmt: skip
ops.tensor_power.specimens = specimens(
    call(positive(2, 3), normal(2, 3)), call(positive(3), normal(2, 1)), call(2.0, normal(3)),
    *refusals_of_pairs("tensor_power"),
    reference=np.power,
)  # fmt: skip
ops.power.specimens = specimens(
    call(normal(2, 3), 2), call(positive(2, 3), normal(3)), call(3.0, normal(2)),
    refusal(call(positive(2, 3), normal(4)), ValueError, "power", "(2, 3)", "(4,)"),
)  # fmt: skip

# --- choices ----------------------------------------------------------------------------------------------------------

ties = [
    kink(call(np.ones(1), np.ones(1)), 0.5, 0.5), kink(call(np.full(1, np.nan), np.ones(1)), 1.0, 0.0),
    kink(call(np.ones(1), np.full(1, np.nan)), 0.0, 1.0), kink(call(np.full(1, np.nan), np.full(1, np.nan)), 0.5, 0.5),
]  # fmt: skip

ops.maximum.specimens = specimens(*pair, *refusals_of_pairs("maximum"), *ties, flat="the other operand is larger")
ops.minimum.specimens = specimens(*pair, *refusals_of_pairs("minimum"), *ties, flat="the other operand is smaller")
beside_nan = [
    kink(call(np.ones(1), np.ones(1)), 0.5, 0.5), kink(call(np.full(1, np.nan), np.ones(1)), 0.0, 1.0),
    kink(call(np.ones(1), np.full(1, np.nan)), 1.0, 0.0), kink(call(np.full(1, np.nan), np.full(1, np.nan)), 0.0, 1.0),
]  # fmt: skip

ops.fmax.specimens = specimens(*pair, *refusals_of_pairs("maximum"), *beside_nan)
ops.fmin.specimens = specimens(*pair, *refusals_of_pairs("minimum"), *beside_nan)
ops.where.specimens = specimens(
    call(booleans(2, 3), normal(2, 3), normal(3)), call(booleans(3), normal(2, 3), 0.0),
    call(booleans(2, 1), -1.5, normal(3)),
    refusal(call(booleans(2, 3), normal(4), 0.0), ValueError, "where", "(2, 3)", "(4,)"),
    refusal(call(booleans(3), np.ones(3, np.uint8), -1), OverflowError, "where", "-1", "uint8"),
    flat="the other branch is taken",
)  # fmt: skip
ops.select.specimens = specimens(
    call([booleans(2, 3), booleans(2, 3)], [normal(2, 3), normal(2, 1)]), call([booleans(3)], [normal(3)], -1.5),
    call([booleans(2, 1), booleans(2, 1)], [normal(3), 0.5], normal(2, 3)),
    refusal(call([booleans(3)], []), ValueError, "select", "1 conditions", "0 choices"),
    refusal(call([], []), ValueError, "select", "at least one"),
    refusal(call([booleans(3)], [normal(2)]), ValueError, "where", "(3,)", "(2,)"),
)  # fmt: skip
ops.clip.specimens = specimens(
    call(normal(2, 5), -0.5, 0.7), call(normal(3), None, 0.2), call(normal(2, 3), between(-1, 0, 3), 0.4),
    call(normal(2, 3), 0.1, between(0.3, 1, 3)),
    refusal(call(normal(2, 3), normal(4)), ValueError, "clip", "(2, 3)", "(4,)"),
    kink(call(np.array([0.0, 1.0]), np.zeros(2), np.ones(2)), 1.0, 0.0, 0.0),
    kink(call(np.array([0.0, 1.0, 2.0]), np.ones(3), np.ones(3)), [0, 1, 0], [1, 0, 0], [0, 0, 1]),
    kink(call(np.array([0.0, 1.0, 2.0]), np.full(3, 2.0), np.ones(3)), 0.0, 0.0, 1.0),
    kink(call(np.array([0.0, 1.0, 2.0]), 2.0, 1.0), 0.0),
    flat="its input is outside the bounds",
)  # fmt: skip

ops.nan_to_num.specimens = specimens(
    call(normal(2, 3)), call(np.array([1, 2])), call(normal(3), True, 1.0, 2.0, -3.0), call(normal(), copy=1),
    refusal(call(normal(2), False), ValueError, "nan_to_num", "copy=False"),
    kink(call(np.array([1.0, np.nan, np.inf, -np.inf])), [1.0, 0.0, 0.0, 0.0]),
)  # fmt: skip

# --- rounding ---------------------------------------------------------------------------------------------------------

jumps = [kink(call(np.array([-1.0, 0.0, 0.5, 2.0])), 0.0)]

for function in (ops.floor, ops.ceil, ops.trunc, ops.rint):
    function.specimens = specimens(*one, *jumps, flat="it is flat everywhere")
ops.round.specimens = specimens(
    call(normal(2, 3)), call(normal(2, 3), decimals=1), call(normal()),
    refusal(call(normal(3), decimals=0.5), TypeError, "round", "decimals=0.5", "integer"),
    *jumps,
    flat="it is flat everywhere",
)  # fmt: skip

# --- what rules need --------------------------------------------------------------------------------------------------

ops.astype.specimens = specimens(
    call(normal(2, 3), dtype="float64"),
    refusal(call(normal(3), dtype="complex128"), TypeError, "astype", "complex128", "real"),
    reference=lambda x, *, dtype: np.asarray(x, dtype),
)
ops.stop_gradient.specimens = specimens(*one, reference=lambda x: x)
for function in (ops.copy, ops.zeros_like, ops.ones_like):
    function.specimens = specimens(*one)
ops.full_like.specimens = specimens(
    call(normal(2, 3), fill_value=2.5),
    refusal(call(normal(3), fill_value=np.ones(3)), TypeError, "full_like", "fill_value="),
)
