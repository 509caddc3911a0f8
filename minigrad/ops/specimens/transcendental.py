"""Specimens of exponentials, logarithms, angles and the error function."""

from __future__ import annotations

import math

import numpy as np

from minigrad import ops
from minigrad.ops.kernels import as_float
from minigrad.ops.specimens.calls import call, kink, refusal, specimens
from minigrad.ops.specimens.draws import between, normal
from minigrad.ops.specimens.rows import one, pair, positives, refusals_of_pairs, wide

inside_one, above_one = (call(between(-0.9, 0.9, 2, 3)), call(between(-0.9, 0.9))), (call(between(1.2, 4, 2, 3)),)
both_infinite = [
    kink(call(np.array([-np.inf, np.inf]), np.array([-np.inf, np.inf])), [0.0, 1.0], [0.0, 1.0]),
    kink(call(np.array([0.0, -np.inf]), np.array([np.inf, 0.0])), [0.0, 0.0], [1.0, 1.0]),
]
at_the_origin = [kink(call(np.zeros(1), np.zeros(1)), 0.0, 0.0)]

for function in (ops.exp, ops.exp2, ops.expm1, ops.sin, ops.cos, ops.sinh, ops.cosh, ops.deg2rad, ops.rad2deg):
    function.specimens = specimens(*one)
for function in (ops.log, ops.log2, ops.log10, ops.log1p):
    function.specimens = specimens(*positives)
for function in (ops.tan, ops.arcsin, ops.arccos, ops.arctanh):
    function.specimens = specimens(*inside_one)
for function in (ops.arctan, ops.arcsinh):
    function.specimens = specimens(*wide)
for function in (ops.logaddexp, ops.logaddexp2):
    function.specimens = specimens(*pair, *refusals_of_pairs(function.name), *both_infinite)
for function in (ops.hypot, ops.arctan2):
    function.specimens = specimens(*pair, *refusals_of_pairs(function.name), *at_the_origin)

ops.arccosh.specimens = specimens(*above_one)
ops.one_minus_square.specimens = specimens(*inside_one, reference=lambda x: 1 - np.square(x))
ops.tanh.specimens = specimens(*wide, flat="it is saturated")
ops.tanh_slope.specimens = specimens(*wide, reference=lambda x: 1 / np.square(np.cosh(x)))
ops.gaussian.specimens = specimens(
    call(between(-4, 4, 2, 5)), call(between(-4, 4, 2, 5), rate=1.0), call(normal(3), rate=0.3), call(normal()),
    refusal(call(normal(3), rate=0.0), ValueError, "gaussian", "rate=0.0", "above 0"),
    reference=lambda x, *, rate=0.5: np.exp(-rate * np.square(as_float(x))),
)  # fmt: skip
ops.sinc.specimens = specimens(
    *wide, call(between(-3.0, 3.0, 4)), refusal(call(normal(2), 1.0), TypeError, "sinc"),
)  # fmt: skip
ops.erf.specimens = specimens(*wide, reference=np.vectorize(math.erf, otypes=[float]))
ops.erfc.specimens = specimens(*wide, reference=np.vectorize(math.erfc, otypes=[float]))
