"""Exponentials, logarithms, trigonometric and hyperbolic functions, and the error function.

Derivatives keep their digits in the tails: no rule subtracts what cancels, such as 1 − y² for tanh, and the Gaussian is
computed from an exact square, since exp turns an error of its argument into a relative one.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minigrad import ops
from minigrad.core.op import Op, op
from minigrad.core.record import composition
from minigrad.ops.kernels import curves, normal
from minigrad.ops.kernels.normal import TWO_OVER_ROOT_PI
from minigrad.ops.precision import rounded_once
from minigrad.ops.rows import PAIR, check_number, row

__all__ = [
    "arccos", "arccosh", "arcsin", "arcsinh", "arctan", "arctan2", "arctanh", "cos", "cosh", "deg2rad", "erf", "erfc",
    "exp", "exp2", "expm1", "gaussian", "hypot", "log", "log1p", "log2", "log10", "logaddexp", "logaddexp2",
    "one_minus_square", "rad2deg", "sin", "sinc", "sinh", "tan", "tanh", "tanh_slope",
]  # fmt: skip

# --- exponentials and logarithms --------------------------------------------------------------------------------------

exp: Op = row("exp", np.exp, "exp x", lambda g, y, x: ops.strong_multiply(g, y))
exp2: Op = row("exp2", np.exp2, "2^x", lambda g, y, x: ops.strong_multiply(g, y * math.log(2)))
expm1: Op = row("expm1", np.expm1, "exp x − 1", lambda g, y, x: ops.strong_multiply(g, ops.exp(x)))
log: Op = row("log", np.log, "log x", lambda g, y, x: ops.strong_multiply(g, 1.0 / x))
log2: Op = row("log2", np.log2, "log x / log 2", lambda g, y, x: ops.strong_multiply(g, (1 / math.log(2)) / x))
log10: Op = row("log10", np.log10, "log x / log 10", lambda g, y, x: ops.strong_multiply(g, (1 / math.log(10)) / x))
log1p: Op = row("log1p", np.log1p, "log(1 + x)", lambda g, y, x: ops.strong_multiply(g, 1.0 / (x + 1.0)))


def share(x1: Any, x2: Any, y: Any, scale: float = 1.0) -> Any:
    """The part of exp x₁ in exp x₁ + exp x₂; where both are −∞ it is 0 by convention, where both are ∞ it is 1."""
    both = ops.logical_and(ops.equal(x1, x2), ops.isinf(y))
    return ops.sigmoid(ops.where(both, y, x1 - x2) * scale)


logaddexp: Op = row(
    "logaddexp", np.logaddexp, "log(exp x₁ + exp x₂)", lambda g, y, x1, x2: g * share(x1, x2, y),
    lambda g, y, x1, x2: g * share(x2, x1, y), arguments=PAIR, commutative=True,
)  # fmt: skip
logaddexp2: Op = row(
    "logaddexp2", np.logaddexp2, "log₂(2^x₁ + 2^x₂)", lambda g, y, x1, x2: g * share(x1, x2, y, math.log(2)),
    lambda g, y, x1, x2: g * share(x2, x1, y, math.log(2)), arguments=PAIR, commutative=True,
)  # fmt: skip

# --- trigonometric ----------------------------------------------------------------------------------------------------

sin: Op = row("sin", np.sin, "sin x", lambda g, y, x: g * ops.cos(x))
cos: Op = row("cos", np.cos, "cos x", lambda g, y, x: -(g * ops.sin(x)))
tan: Op = row("tan", np.tan, "tan x", lambda g, y, x: g * (ops.square(y) + 1.0))


# The product of 1 − x and 1 + x, where nothing cancels; from the rule of a product the derivative would cancel at 0.
one_minus_square: Op = row(
    "one_minus_square", lambda x: curves.one_minus_square(x), "1 − x²",
    lambda g, y, x: ops.strong_multiply(g, x) * -2.0, definition=lambda x: (1.0 - x) * (x + 1.0),
)  # fmt: skip
arcsin: Op = row(
    "arcsin", np.arcsin, "arcsin x", lambda g, y, x: ops.strong_multiply(g, 1.0 / ops.sqrt(ops.one_minus_square(x))),
)  # fmt: skip
arccos: Op = row(
    "arccos", np.arccos, "arccos x", lambda g, y, x: -ops.strong_multiply(g, 1.0 / ops.sqrt(ops.one_minus_square(x))),
)  # fmt: skip
arctan: Op = row("arctan", np.arctan, "arctan x", lambda g, y, x: g * ops.square(1.0 / ops.hypot(x, 1.0)))
deg2rad: Op = row(
    "deg2rad", np.deg2rad, "x · π / 180", lambda g, y, x: g * (math.pi / 180), numpy=[np.deg2rad, np.radians],
)  # fmt: skip
rad2deg: Op = row(
    "rad2deg", np.rad2deg, "x · 180 / π", lambda g, y, x: g * (180 / math.pi), numpy=[np.rad2deg, np.degrees],
)  # fmt: skip


def ratio(x: Any, length: Any) -> Any:
    """x / length, and by convention 0 where the length is 0."""
    return ops.where(ops.equal(length, 0.0), 0.0, x / length)


def angle_slope(g: Any, x: Any, x1: Any, x2: Any) -> Any:
    """g · x / (x₁² + x₂²), without the squares, which could overflow."""
    length = ops.hypot(x1, x2)
    return ops.strong_multiply(g, ratio(x / length, length))


hypot: Op = row(
    "hypot", np.hypot, "√(x₁² + x₂²)", lambda g, y, x1, x2: ops.strong_multiply(g, ratio(x1, y)),
    lambda g, y, x1, x2: ops.strong_multiply(g, ratio(x2, y)), arguments=PAIR, commutative=True,
)  # fmt: skip
arctan2: Op = row(
    "arctan2", np.arctan2, "the angle of the point (x₂, x₁)", lambda g, y, x1, x2: angle_slope(g, x2, x1, x2),
    lambda g, y, x1, x2: -angle_slope(g, x1, x1, x2), arguments=PAIR,
)  # fmt: skip

# --- hyperbolic -------------------------------------------------------------------------------------------------------


sinh: Op = row("sinh", np.sinh, "sinh x", lambda g, y, x: ops.strong_multiply(g, ops.cosh(x)))
cosh: Op = row("cosh", np.cosh, "cosh x", lambda g, y, x: ops.strong_multiply(g, ops.sinh(x)))
tanh: Op = row("tanh", np.tanh, "tanh x", lambda g, y, x: g * ops.tanh_slope(x))
tanh_slope: Op = row(
    "tanh_slope", lambda x: curves.tanh_slope(x), "1 / cosh² x, the derivative of tanh",
    lambda g, y, x: g * (y * ops.tanh(x) * -2.0), definition=lambda x: 1.0 / ops.square(ops.cosh(x)),
)  # fmt: skip
arcsinh: Op = row("arcsinh", np.arcsinh, "arsinh x", lambda g, y, x: g * (1.0 / ops.hypot(x, 1.0)))
arccosh: Op = row(
    "arccosh", np.arccosh, "arcosh x",
    lambda g, y, x: ops.strong_multiply(g, 1.0 / ops.sqrt(x - 1.0) / ops.sqrt(x + 1.0)),
)  # fmt: skip
arctanh: Op = row(
    "arctanh", np.arctanh, "artanh x", lambda g, y, x: ops.strong_multiply(g, 1.0 / ops.one_minus_square(x)),
)  # fmt: skip

SERIES = [(-1) ** k / math.factorial(2 * k + 1) for k in range(12, -1, -1)]  # of sin(u) / u in u², the last first


@composition(formula="sin(πx) / (πx)", numpy=[np.sinc])
@rounded_once
def sinc(x: Any) -> Any:
    """sin(πx) / (πx), and 1 at 0. Up to |πx| = 1 it is a series, so that its derivatives are right at 0 too.

    >>> sinc(Tensor([0.0, 0.5])).numpy().round(4).tolist()
    [1.0, 0.6366]
    """
    angle = ops.multiply(x, math.pi)
    near = ops.less(ops.absolute(angle), 1.0)
    square = ops.square(ops.where(near, angle, 0.0))
    series: Any = SERIES[0]
    for coefficient in SERIES[1:]:
        series = square * series + coefficient
    away = ops.where(near, 1.0, angle)
    return ops.where(near, series, ops.sin(away) / away)


# --- the Gaussian and its integrals -----------------------------------------------------------------------------------


@op(formula="exp(−rate · x²)", elementwise=True, definition=lambda x, *, rate: ops.exp(ops.square(x) * -rate))
def gaussian(x: Any, *, rate: float = 0.5) -> Any:
    """The bell curve, 1 at 0; accurate in the tails, where an error in x² would be multiplied by its size.

    >>> gaussian(Tensor([0.0, 40.0])).tolist()
    [1.0, 0.0]
    """
    check_number(rate=rate)
    if not rate > 0:
        raise ValueError(f"rate={rate}: expected a number above 0")
    return normal.gaussian(x, rate)


gaussian.vjp("x")(lambda g, y, x, *, rate: ops.strong_multiply(g, ops.strong_multiply(y, x * (-2.0 * rate))))


erf: Op = row(
    "erf", lambda x: normal.erf(x), "2/√π ∫₀ˣ exp(−t²) dt",
    lambda g, y, x: g * (ops.gaussian(x, rate=1.0) * TWO_OVER_ROOT_PI),
)  # fmt: skip
erfc: Op = row(
    "erfc", lambda x: normal.erfc(x), "1 − erf x",
    lambda g, y, x: g * (ops.gaussian(x, rate=1.0) * -TWO_OVER_ROOT_PI),
)  # fmt: skip
