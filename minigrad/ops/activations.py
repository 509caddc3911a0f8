"""Activations of networks: the relu family, sigmoid and its kin, and the smooth ones, x times a gate.

`gelu`, `silu` and `mish` have derivatives that are 0 at one negative x, where their formulas cancel. These derivatives
are ops of their own: `gelu_slope`, `silu_slope` and `mish_slope` are computed from the distance to that zero.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minigrad import ops
from minigrad.core.arrays import shape_of
from minigrad.core.op import Op, op
from minigrad.core.record import composition
from minigrad.ops.kernels import check_axis, curves, normal
from minigrad.ops.kernels.normal import ROOT_2_OVER_PI, ROOT_HALF, double_angle
from minigrad.ops.precision import rounded_once
from minigrad.ops.rows import check_number, row

__all__ = [
    "celu", "elu", "gelu", "gelu_slope", "glu", "hard_sigmoid", "hard_swish", "hard_tanh", "leaky_relu",
    "log_sigmoid", "mish", "mish_slope", "relu", "relu6", "selu", "sigmoid", "silu", "silu_slope", "softplus",
    "softsign",
]  # fmt: skip

# --- the relu family --------------------------------------------------------------------------------------------------

relu: Op = row(
    "relu", lambda x: np.maximum(x, 0), "max(x, 0)", lambda g, y, x: ops.where(y > 0, g, 0.0),
    definition=lambda x: ops.where(ops.greater(x, 0.0), x, ops.stop_gradient(ops.maximum(x, 0.0))),  # a NaN stays one
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
    return curves.leaky_relu(x, slope)


leaky_relu.vjp("x")(lambda g, y, x, *, slope: ops.where(x > 0, g, g * slope))


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
    return curves.elu(x, alpha)


elu.vjp("x")(lambda g, y, x, *, alpha: ops.where(x > 0, g, g * (ops.exp(not_positive(x)) * alpha)))


SELU_ALPHA, SELU_SCALE = 1.6732632423543772, 1.0507009873554805  # they keep mean 0 and variance 1


@composition(formula="scale · (x where x > 0, else alpha · (exp x − 1))")
def selu(x: Any) -> Any:
    """`elu` with the two constants that keep mean 0 and variance 1 (Klambauer et al., arXiv 1706.02515).

    >>> selu(Tensor([-1.0, 2.0])).numpy().round(4).tolist()
    [-1.1113, 2.1014]
    """
    return ops.elu(x, alpha=SELU_ALPHA) * SELU_SCALE


@composition(formula="min(max(x, −1), 1)")
def hard_tanh(x: Any) -> Any:
    """`x` limited to the range from −1 to 1.

    >>> hard_tanh(Tensor([-3.0, 0.5])).tolist()
    [-1.0, 0.5]
    """
    return ops.clip(x, -1.0, 1.0)


@composition(formula="min(max(x, 0), 6)")
def relu6(x: Any) -> Any:
    """`relu` that ends at 6 (Howard et al., arXiv 1704.04861).

    >>> relu6(Tensor([-1.0, 2.0, 8.0])).tolist()
    [0.0, 2.0, 6.0]
    """
    return ops.clip(x, 0.0, 6.0)


@composition(formula="min(max(x + 3, 0), 6) / 6")
@rounded_once
def hard_sigmoid(x: Any) -> Any:
    """`sigmoid` in three straight pieces: 0 up to −3, 1 from 3 on.

    >>> hard_sigmoid(Tensor([-4.0, 0.0, 1.5])).tolist()
    [0.0, 0.5, 0.75]
    """
    return ops.clip(ops.add(x, 3.0), 0.0, 6.0) / 6.0


@composition(formula="x · min(max(x + 3, 0), 6) / 6")
@rounded_once
def hard_swish(x: Any) -> Any:
    """`silu` with `hard_sigmoid` in place of the sigmoid (Howard et al., arXiv 1905.02244).

    >>> hard_swish(Tensor([-4.0, 3.0, 1.5])).tolist()
    [-0.0, 3.0, 1.125]
    """
    return ops.multiply(x, ops.hard_sigmoid(x))


@composition(formula="x where x > 0, else alpha · (exp(x / alpha) − 1)")
@rounded_once
def celu(x: Any, alpha: float = 1.0) -> Any:
    """`elu` whose slope is 1 at 0 for every `alpha` (Barron, arXiv 1704.07483).

    >>> celu(Tensor([-2.0, 3.0]), 2.0).numpy().round(4).tolist()
    [-1.2642, 3.0]
    """
    check_number(alpha=alpha)
    return ops.elu(ops.divide(x, alpha)) * alpha


# --- sigmoid and its kin ----------------------------------------------------------------------------------------------


def softplus_definition(x: Any) -> Any:
    """max(x, 0) + log(1 + exp(−|x|)), both choices as smooth pieces: nothing overflows, and 0 is no kink."""
    positive = ops.greater(x, 0.0)
    return ops.where(positive, x, 0.0) + ops.log1p(ops.exp(ops.where(positive, -x, x)))


sigmoid: Op = row(
    "sigmoid", lambda x: curves.sigmoid(x), "σ(x) = 1 / (1 + exp(−x))", lambda g, y, x: g * (y * ops.sigmoid(-x)),
    definition=lambda x: 1.0 / (1.0 + ops.exp(-x)),
)  # fmt: skip
softplus: Op = row(
    "softplus", lambda x: curves.softplus(x), "log(1 + exp x)", lambda g, y, x: g * ops.sigmoid(x),
    definition=softplus_definition,
)  # fmt: skip
log_sigmoid: Op = row(
    "log_sigmoid", lambda x: curves.log_sigmoid(x), "log σ(x) = −log(1 + exp(−x))",
    lambda g, y, x: g * ops.sigmoid(-x), definition=lambda x: -ops.softplus(-x),
)  # fmt: skip
softsign: Op = row(
    "softsign", lambda x: curves.softsign(x), "x / (1 + |x|)",
    lambda g, y, x: g * ops.square(1.0 / (ops.absolute(x) + 1.0)),
    definition=lambda x: x / (ops.absolute(x) + 1.0),
)  # fmt: skip


@composition(formula="a · σ(b), a and b the halves of x")
@rounded_once
def glu(x: Any, axis: int = -1) -> Any:
    """Gated linear unit: one half of `axis` times the sigmoid of the other (Dauphin et al., arXiv 1612.08083).

    >>> glu(Tensor([1.0, 2.0, 0.0, 0.0])).tolist()
    [0.5, 1.0]
    """
    check_axis("glu", axis, len(shape_of(x)))
    value, gate = ops.split(x, 2, axis)
    return value * ops.sigmoid(gate)


# --- gelu -------------------------------------------------------------------------------------------------------------


# In definitions the products of x and a gate are strong: at −∞ the gate is 0, and they are.


def gelu_definition(x: Any, *, approximate: str) -> Any:
    if approximate == "tanh":
        inside = ops.clip(x, -40.0, 40.0)  # beyond, tanh is ±1 already, and the angle would overflow
        angle = (inside + ops.number_power(inside, exponent=3) * 0.044715) * ROOT_2_OVER_PI
        return ops.strong_multiply(x * 0.5, ops.tanh(angle) + 1.0)
    return ops.strong_multiply(x * 0.5, ops.erfc(x * -ROOT_HALF))


@op(formula="x · Φ(x), Φ the normal distribution function", elementwise=True, definition=gelu_definition)
def gelu(x: Any, *, approximate: str = "none") -> Any:
    """Gaussian error linear unit, exact, or with approximate="tanh" (Hendrycks and Gimpel, arXiv 1606.08415).

    >>> gelu(Tensor([-1.0, 1.0])).numpy().round(4).tolist()
    [-0.1587, 0.8413]
    """
    if approximate not in ("none", "tanh"):
        raise ValueError(f"approximate={approximate!r}: expected 'none' or 'tanh'")
    return normal.gelu(x, approximate)


@gelu.vjp("x")
def _(g: Any, y: Any, x: Any, *, approximate: str) -> Any:
    if approximate == "none":
        return g * ops.gelu_slope(x)
    x = ops.clip(x, -40.0, 40.0)  # beyond, the slope is 0 or 1 already, and the angle would overflow
    square = ops.square(x)
    angle = double_angle(square, x)
    gate = ops.sigmoid(angle)
    inner = x * (square * (0.044715 * 6 * ROOT_2_OVER_PI) + 2 * ROOT_2_OVER_PI)
    return g * (gate + gate * ops.sigmoid(-angle) * inner)


def normal_density(x: Any) -> Any:
    return ops.gaussian(x) * (1 / math.sqrt(2 * math.pi))


@op(
    formula="Φ(x) + x φ(x), the derivative of gelu", elementwise=True,
    definition=lambda x: ops.erfc(x * -ROOT_HALF) * 0.5 + ops.strong_multiply(x, normal_density(x)),
)  # fmt: skip
def gelu_slope(x: Any) -> Any:
    """The derivative of `gelu`, accurate also around its zero at −0.75.

    >>> gelu_slope(Tensor([-1.0, 0.0, 1.0])).numpy().round(4).tolist()
    [-0.0833, 0.5, 1.0833]
    """
    return normal.gelu_slope(x)


gelu_slope.vjp("x")(lambda g, y, x: g * ops.strong_multiply(normal_density(x), 2.0 - ops.square(x)))


# --- silu and mish ----------------------------------------------------------------------------------------------------


@op(formula="x · σ(x)", elementwise=True, definition=lambda x: ops.strong_multiply(x, ops.sigmoid(x)))
def silu(x: Any) -> Any:
    """Sigmoid linear unit, also called swish (Elfwing, Uchibe and Doya, arXiv 1702.03118).

    >>> silu(Tensor([-1.0, 1.0])).numpy().round(4).tolist()
    [-0.2689, 0.7311]
    """
    return curves.silu(x)


@op(
    formula="σ(x) (1 + x σ(−x)), the derivative of silu", elementwise=True,
    definition=lambda x: ops.strong_multiply(ops.sigmoid(x), ops.strong_multiply(x, ops.sigmoid(-x)) + 1.0),
)  # fmt: skip
def silu_slope(x: Any) -> Any:
    """The derivative of `silu`, accurate also around its zero at −1.28.

    >>> silu_slope(Tensor([-1.0, 0.0, 1.0])).numpy().round(4).tolist()
    [0.0723, 0.5, 0.9277]
    """
    return curves.silu_slope(x)


silu.vjp("x")(lambda g, y, x: g * ops.silu_slope(x))


@silu_slope.vjp("x")
def _(g: Any, y: Any, x: Any) -> Any:
    gate, rest = ops.sigmoid(x), ops.sigmoid(-x)
    return g * (gate * rest * ((rest - gate) * x + 2.0))


@op(
    formula="x · tanh(softplus x)",
    elementwise=True,
    definition=lambda x: ops.strong_multiply(x, ops.tanh(ops.softplus(x))),
)
def mish(x: Any) -> Any:
    """Self-regularised activation (Misra, arXiv 1908.08681).

    >>> mish(Tensor([-1.0, 1.0])).numpy().round(4).tolist()
    [-0.3034, 0.8651]
    """
    return curves.mish(x)


def mish_slope_definition(x: Any) -> Any:
    softplus = ops.softplus(x)
    return ops.tanh(softplus) + ops.strong_multiply(x, ops.sigmoid(x) * ops.square(1.0 / ops.cosh(softplus)))


@op(
    formula="tanh s + x σ(x) / cosh² s with s = softplus x, the derivative of mish", elementwise=True,
    definition=mish_slope_definition,
)  # fmt: skip
def mish_slope(x: Any) -> Any:
    """The derivative of `mish`, accurate also around its zero at −1.19.

    >>> mish_slope(Tensor([-1.0, 0.0, 1.0])).numpy().round(4).tolist()
    [0.0592, 0.6, 1.049]
    """
    return curves.mish_slope(x)


mish.vjp("x")(lambda g, y, x: g * ops.mish_slope(x))


@mish_slope.vjp("x")
def _(g: Any, y: Any, x: Any) -> Any:
    gate, rest = ops.sigmoid(x), ops.sigmoid(-x)
    width = 1.0 / (ops.square(rest) + 1.0)
    t, root = gate * (rest + 1.0) * width, rest * 2.0 * width  # tanh and 1 / cosh of softplus x
    return g * (gate * ops.square(root) * ((rest - t * gate * 2.0) * x + 2.0))
