"""Activations of networks: the relu family, sigmoid and its kin, and the smooth ones, x times a gate.

`gelu`, `silu` and `mish` have derivatives that are 0 at one negative x, where their formulas cancel. These derivatives
are ops of their own: `gelu_slope`, `silu_slope` and `mish_slope` are computed from the distance to that zero.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from minigrad import ops
from minigrad.core.op import Op, op
from minigrad.ops import programs
from minigrad.ops.kernels import as_float, widened
from minigrad.ops.rows import check_number, row
from minigrad.ops.transcendental import TWO_OVER_ROOT_PI, complementary_error_function, gaussian, halves

__all__ = [
    "elu", "gelu", "gelu_slope", "leaky_relu", "log_sigmoid", "mish", "mish_slope", "relu", "sigmoid", "silu",
    "silu_slope", "softplus", "softsign",
]  # fmt: skip

# --- the relu family --------------------------------------------------------------------------------------------------

relu: Op = row(
    "relu", lambda x: np.maximum(x, 0), "max(x, 0)", lambda g, y, x: ops.where(y > 0, g, 0.0),
    definition=lambda x: ops.where(ops.greater(x, 0.0), x, 0.0), code=programs.relu,
)  # fmt: skip


@op(
    formula="x where x > 0, else slope · x", elementwise=True,
    definition=lambda x, *, slope: ops.where(ops.greater(x, 0.0), x, x * slope),
)  # fmt: skip
def leaky_relu(x: Any, *, slope: float = 0.01) -> Any:
    """relu that lets a part of what is negative through (Maas, Hannun and Ng, 2013); at 0 its slope is `slope`.

    >>> leaky_relu(Tensor([-1.0, 2.0]), slope=0.1).tolist()
    [-0.1, 2.0]
    """
    check_number(slope=slope)
    x = as_float(x)
    return np.where(x > 0, x, x * slope)


@leaky_relu.vjp("x")
def _(g: Any, y: Any, x: Any, *, slope: float) -> Any:
    return ops.where(x > 0, g, g * slope)


def not_positive(x: Any) -> Any:
    """x where it is at most 0, else 0."""
    return ops.where(ops.greater(x, 0.0), 0.0, x)


@op(
    formula="x where x > 0, else alpha · (exp x − 1)", elementwise=True,
    definition=lambda x, *, alpha: ops.where(ops.greater(x, 0.0), x, ops.expm1(not_positive(x)) * alpha),
)  # fmt: skip
def elu(x: Any, *, alpha: float = 1.0) -> Any:
    """Exponential linear unit (Clevert, Unterthiner and Hochreiter, arXiv 1511.07289); at 0 its slope is `alpha`.

    >>> elu(Tensor([-1.0, 2.0])).numpy().round(4).tolist()
    [-0.6321, 2.0]
    """
    check_number(alpha=alpha)
    x, dtype = widened(as_float(x))
    return np.where(x > 0, x, np.expm1(np.minimum(x, 0)) * alpha).astype(dtype, copy=False)


@elu.vjp("x")
def _(g: Any, y: Any, x: Any, *, alpha: float) -> Any:
    return ops.where(x > 0, g, g * (ops.exp(not_positive(x)) * alpha))


# --- sigmoid and its kin ----------------------------------------------------------------------------------------------


def stable_sigmoid(x: Any) -> Any:
    x, dtype = widened(as_float(x))
    with_x, without = np.exp(np.minimum(x, 0)), np.exp(-np.maximum(x, 0))  # neither overflows, and one of them is 1
    return (with_x / (with_x + without)).astype(dtype, copy=False)


def lowered_sigmoid(x: Any) -> Any:
    if x.dtype.char not in "fd":
        return NotImplemented
    with_x, without = ops.exp(ops.minimum(x, 0.0)), ops.exp(-ops.maximum(x, 0.0))
    return with_x / (with_x + without)


def lowered_softplus(x: Any) -> Any:
    if x.dtype.char not in "fd":
        return NotImplemented
    return ops.maximum(x, 0.0) + ops.log1p(ops.exp(-ops.absolute(x)))


def stable_softplus(x: Any) -> Any:
    x, dtype = widened(as_float(x))
    return (np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))).astype(dtype, copy=False)


def softsigned(x: Any) -> Any:
    x, dtype = widened(as_float(x))
    return (x / (np.abs(x) + 1)).astype(dtype, copy=False)


sigmoid: Op = row(
    "sigmoid", stable_sigmoid, "σ(x) = 1 / (1 + exp(−x))", lambda g, y, x: g * (y * ops.sigmoid(-x)),
    definition=lambda x: 1.0 / (1.0 + ops.exp(-x)), lowering=lowered_sigmoid,
)  # fmt: skip
softplus: Op = row(
    "softplus", stable_softplus, "log(1 + exp x)", lambda g, y, x: g * ops.sigmoid(x),
    definition=lambda x: ops.log1p(ops.exp(x)), lowering=lowered_softplus,
)  # fmt: skip
log_sigmoid: Op = row(
    "log_sigmoid", lambda x: -stable_softplus(-as_float(x)), "log σ(x) = −log(1 + exp(−x))",
    lambda g, y, x: g * ops.sigmoid(-x), definition=lambda x: -ops.softplus(-x),
    lowering=lambda x: -ops.softplus(-x) if x.dtype.char in "fd" else NotImplemented,
)  # fmt: skip
softsign: Op = row(
    "softsign", softsigned, "x / (1 + |x|)", lambda g, y, x: g * ops.square(1.0 / (ops.absolute(x) + 1.0)),
    definition=lambda x: x / (ops.absolute(x) + 1.0),
)  # fmt: skip

# --- gelu -------------------------------------------------------------------------------------------------------------

ROOT_2_OVER_PI = math.sqrt(2 / math.pi)
ROOT_HALF, ROOT_HALF_REST = 0.7071067811865476, -4.833646656726457e-17  # √½ is the sum
HALVES_OF_ROOT_HALF = halves(np.float64(ROOT_HALF))


def gelu_definition(x: Any, *, approximate: str) -> Any:
    if approximate == "tanh":
        return x * 0.5 * (ops.tanh((x + ops.number_power(x, exponent=3) * 0.044715) * ROOT_2_OVER_PI) + 1.0)
    return x * 0.5 * ops.erfc(x * -ROOT_HALF)


def doubled_angle(square: Any, x: Any) -> Any:
    """2√(2/π) (x + 0.044715 x³): the form with tanh of half of it is x times the sigmoid of all of it."""
    return (square * (0.044715 * 2 * ROOT_2_OVER_PI) + 2 * ROOT_2_OVER_PI) * x


@op(
    formula="x · Φ(x), Φ the normal distribution function", elementwise=True, definition=gelu_definition,
    lowering=lambda x, *, approximate: lowered_gelu(x, approximate),
)  # fmt: skip
def gelu(x: Any, *, approximate: str = "none") -> Any:
    """Gaussian error linear unit, exact, or with approximate="tanh" (Hendrycks and Gimpel, arXiv 1606.08415).

    >>> gelu(Tensor([-1.0, 1.0])).numpy().round(4).tolist()
    [-0.1587, 0.8413]
    """
    x, dtype = widened(np.maximum(as_float(x), -40))  # where the result is 0 already: −∞ times 0 would be NaN
    if approximate not in ("none", "tanh"):
        raise ValueError(f"approximate={approximate!r}: expected 'none' or 'tanh'")
    share = normal_distribution(x) if approximate == "none" else stable_sigmoid(doubled_angle(x * x, x))
    return (x * share).astype(dtype, copy=False)


def lowered_gelu(x: Any, approximate: str) -> Any:
    if approximate != "tanh" or x.dtype.char not in "fd":
        return NotImplemented
    x = ops.maximum(x, -40.0)
    return x * ops.sigmoid(doubled_angle(ops.square(x), x))


@gelu.vjp("x")
def _(g: Any, y: Any, x: Any, *, approximate: str) -> Any:
    if approximate == "none":
        return g * ops.gelu_slope(x)
    x = ops.clip(x, -40.0, 40.0)  # beyond, the slope is 0 or 1 already, and the angle would overflow
    square = ops.square(x)
    angle = doubled_angle(square, x)
    gate = ops.sigmoid(angle)
    inner = x * (square * (0.044715 * 6 * ROOT_2_OVER_PI) + 2 * ROOT_2_OVER_PI)
    return g * (gate + gate * ops.sigmoid(-angle) * inner)


def normal_distribution(x: Any) -> Any:
    """Φ(x) = ½ erfc(−x √½) in float64; the rounding of −x √½, which erfc multiplies in the tail, is made up for."""
    x = np.clip(np.asarray(x, np.float64), -40, 40)
    scaled = x * ROOT_HALF
    (x_coarse, x_fine), (coarse, fine) = halves(x), HALVES_OF_ROOT_HALF
    rounding = x_coarse * coarse - scaled + x_coarse * fine + x_fine * coarse + x_fine * fine + x * ROOT_HALF_REST
    return 0.5 * (complementary_error_function(-scaled) + rounding * TWO_OVER_ROOT_PI * np.exp(-scaled * scaled))


GELU_SLOPE_ZERO, GELU_SLOPE_ZERO_REST = -0.7517915246935645, 1.4956759177009883e-17


def gelu_slope_near_its_zero(distance: Any) -> Any:
    """The integral of φ(t)(2 − t²), its derivative, by Gauss and Legendre's rule: nothing cancels."""
    nodes, weights = nodes_and_weights()
    t = GELU_SLOPE_ZERO + distance[..., None] * ((nodes + 1) / 2)
    slopes = np.exp(-0.5 * t * t) * (2 - t * t)
    middle = slopes[..., 4]  # where the distance is small, it is all that counts
    return (middle + (slopes - middle[..., None]) @ (weights / 2)) * (distance / math.sqrt(2 * math.pi))


@functools.cache
def nodes_and_weights() -> Any:
    """Those of the rule, 9 of each; computed when needed, because NumPy imports its polynomials only then."""
    return np.polynomial.legendre.leggauss(9)


def normal_density(x: Any) -> Any:
    return ops.gaussian(x) * (1 / math.sqrt(2 * math.pi))


@op(
    formula="Φ(x) + x φ(x), the derivative of gelu", elementwise=True,
    definition=lambda x: ops.erfc(x * -ROOT_HALF) * 0.5 + x * normal_density(x),
)  # fmt: skip
def gelu_slope(x: Any) -> Any:
    """The derivative of `gelu`, accurate also around its zero at −0.75."""
    x = as_float(x)
    inside = np.clip(np.asarray(x, np.float64), -40, 40)
    y = np.asarray(normal_distribution(inside) + inside * gaussian.call(inside) / math.sqrt(2 * math.pi))
    distance = inside - GELU_SLOPE_ZERO - GELU_SLOPE_ZERO_REST
    near = np.abs(distance) < 0.6
    y[near] = gelu_slope_near_its_zero(distance[near])
    return y.astype(x.dtype)


@gelu_slope.vjp("x")
def _(g: Any, y: Any, x: Any) -> Any:
    return g * ops.strong_multiply(normal_density(x), 2.0 - ops.square(x))


# --- silu and mish ----------------------------------------------------------------------------------------------------

SILU_SLOPE_ZERO, SILU_SLOPE_ZERO_REST = -1.2784645427610737, -1.0946994183093437e-16
EXP_OF_SILU_SLOPE_ZERO = 0.2784645427610738
MISH_SLOPE_ZERO, MISH_SLOPE_ZERO_REST = -1.1924312145154952, -4.8484829848031044e-17
EXP_OF_MISH_SLOPE_ZERO = 0.3034825352815289


@op(formula="x · σ(x)", elementwise=True, definition=lambda x: x * ops.sigmoid(x))
def silu(x: Any) -> Any:
    """Sigmoid linear unit, also called swish (Elfwing, Uchibe and Doya, arXiv 1702.03118).

    >>> silu(Tensor([-1.0, 1.0])).numpy().round(4).tolist()
    [-0.2689, 0.7311]
    """
    x, dtype = widened(np.maximum(as_float(x), -800))
    root, without = np.exp(np.minimum(x, 0) / 2), np.exp(-np.maximum(x, 0))
    result = x * root * root / (root * root + without)  # by the roots, exp x vanishes no earlier than the result
    return result.astype(dtype, copy=False)


@silu.vjp("x")
def _(g: Any, y: Any, x: Any) -> Any:
    return g * ops.silu_slope(x)


@op(
    formula="σ(x) (1 + x σ(−x)), the derivative of silu", elementwise=True,
    definition=lambda x: ops.sigmoid(x) * (x * ops.sigmoid(-x) + 1.0),
)  # fmt: skip
def silu_slope(x: Any) -> Any:
    """The derivative of `silu`, accurate also around its zero at −1.28."""
    x, dtype = widened(np.clip(as_float(x), -800, 800))  # beyond, it is 0 and 1
    # With e = exp x it is e (1 + x + e) / (1 + e)², and 1 + x + e = d + e₀ (exp d − 1), where d is the distance from
    # the zero x₀, and e₀ = exp x₀: two terms of one sign.
    e = np.exp(np.minimum(x, 0))
    distance = np.minimum(x, 0) - SILU_SLOPE_ZERO - SILU_SLOPE_ZERO_REST
    left = (distance + EXP_OF_SILU_SLOPE_ZERO * np.expm1(distance)) * e / (1 + e * (2 + e))
    t = np.exp(-np.maximum(x, 0))  # on the other side the same in terms of exp(−x), which cannot overflow
    right = (1 + t * (1 + x)) / (1 + t * (2 + t))
    return np.where(x < 0, left, right).astype(dtype, copy=False)


@silu_slope.vjp("x")
def _(g: Any, y: Any, x: Any) -> Any:
    gate, rest = ops.sigmoid(x), ops.sigmoid(-x)
    return g * (gate * rest * ((rest - gate) * x + 2.0))


@op(formula="x · tanh(softplus x)", elementwise=True, definition=lambda x: x * ops.tanh(ops.softplus(x)))
def mish(x: Any) -> Any:
    """Self-regularised activation (Misra, arXiv 1908.08681).

    >>> mish(Tensor([-1.0, 1.0])).numpy().round(4).tolist()
    [-0.3034, 0.8651]
    """
    x, dtype = widened(np.maximum(as_float(x), -800))
    return (x * np.tanh(stable_softplus(x))).astype(dtype, copy=False)


@mish.vjp("x")
def _(g: Any, y: Any, x: Any) -> Any:
    return g * ops.mish_slope(x)


def mish_slope_definition(x: Any) -> Any:
    softplus = ops.softplus(x)
    return ops.tanh(softplus) + x * ops.sigmoid(x) * ops.square(1.0 / ops.cosh(softplus))


@op(
    formula="tanh s + x σ(x) / cosh² s with s = softplus x, the derivative of mish", elementwise=True,
    definition=mish_slope_definition,
)  # fmt: skip
def mish_slope(x: Any) -> Any:
    """The derivative of `mish`, accurate also around its zero at −1.19."""
    x, dtype = widened(np.clip(as_float(x), -800, 800))
    # With e = exp x it is e ω / (e² + 2e + 2)², ω = 4(x + 1) + 4e² + e³ + e (4x + 6) (the paper's equation 5). Taking
    # from ω what it is at its zero, 0, leaves terms of one sign.
    e, e0 = np.exp(np.minimum(x, 0)), EXP_OF_MISH_SLOPE_ZERO
    distance = np.minimum(x, 0) - MISH_SLOPE_ZERO - MISH_SLOPE_ZERO_REST
    factor = 4 * (e + e0) + e * e + e * e0 + (e0 * e0 + 4 * MISH_SLOPE_ZERO + 6)
    omega = 4 * distance + (4 * distance * e + e0 * np.expm1(distance) * factor)
    left = e * omega / (4 + e * (8 + e * (8 + e * (4 + e))))
    t = np.exp(-np.maximum(x, 0))  # on the other side the same in terms of exp(−x), which cannot overflow
    width = 1 + 2 * t * (1 + t)
    right = (1 + 2 * t + 4 * x * t * t * (1 + t) / width) / width
    return np.where(x < 0, left, right).astype(dtype, copy=False)


@mish_slope.vjp("x")
def _(g: Any, y: Any, x: Any) -> Any:
    gate, rest = ops.sigmoid(x), ops.sigmoid(-x)
    width = 1.0 / (ops.square(rest) + 1.0)
    t, root = gate * (rest + 1.0) * width, rest * 2.0 * width  # tanh and 1 / cosh of softplus x
    return g * (gate * ops.square(root) * ((rest - t * gate * 2.0) * x + 2.0))
