"""Second derivatives of elementwise ops against mpmath with 50 digits, far out in the tails too; losses in theirs.

Values and first derivatives are in tests/ops/test_accuracy.py, whose table says where to look.
"""

import numpy as np
import pytest
from mpmath import mp, mpf

import minigrad as mg
from minigrad import Tensor
from tests.ops.test_accuracy import (
    UNARY,
    Sized,
    angle,
    bell,
    error_of,
    fifty_digits,  # noqa: F401  # a fixture that pytest finds by its name
    magnified,
    mish_curvature,
    name_of,
    sech,
    sigmoid,
    total,
    zero,
)

ALLOWED = 8.0  # units in the last place: twice what is allowed of the first derivative
COUNT = 200
SMALLEST = 1024 * mpf(np.finfo(np.float64).tiny)  # a factor of what is less may have lost digits already


def gelu_tanh_curvature(x):
    c, k = 2 * mp.sqrt(2 / mp.pi), mpf("0.044715")
    a, slope = angle(x), c * (1 + 3 * k * x * x)
    s, t = bell(a), mp.tanh(a / 2)
    found = total(2 * s * slope, -x * s * t * slope**2, s * 6 * c * k * x * x)
    return Sized(found.value, magnified(found.size, a).size)


# the rows of the other table → the second derivative
CURVATURE = {
    **dict.fromkeys(
        ["absolute", "sign", "negative", "positive", "floor", "ceil", "rint", "trunc", "round", "astype", "copy",
         "deg2rad", "rad2deg", "relu", "leaky_relu"], zero),
    "square": lambda x: 2, "sqrt": lambda x: -1 / (4 * x * mp.sqrt(x)), "reciprocal": lambda x: 2 / x**3,
    "number_power": lambda x: 6 * x, "number_power b": lambda x: mpf(3.75) * x ** mpf(-3.5),
    "exp": mp.exp, "expm1": mp.exp, "exp2": lambda x: mp.log(2) ** 2 * mpf(2) ** x,
    "log": lambda x: -1 / x**2, "log1p": lambda x: -1 / (1 + x) ** 2,
    "log2": lambda x: -1 / (x**2 * mp.log(2)), "log10": lambda x: -1 / (x**2 * mp.log(10)),
    "sin": lambda x: -mp.sin(x), "cos": lambda x: -mp.cos(x), "tan": lambda x: 2 * mp.tan(x) / mp.cos(x) ** 2,
    "arcsin": lambda x: x / mp.sqrt(1 - x * x) ** 3, "arccos": lambda x: -x / mp.sqrt(1 - x * x) ** 3,
    "arctan": lambda x: -2 * x / (1 + x * x) ** 2,
    "sinh": mp.sinh, "cosh": mp.cosh, "tanh": lambda x: -2 * mp.tanh(x) * sech(x) ** 2,
    "arcsinh": lambda x: -x / mp.sqrt(1 + x * x) ** 3, "arccosh": lambda x: -x / mp.sqrt(x * x - 1) ** 3,
    "arctanh": lambda x: 2 * x / (1 - x * x) ** 2,
    "erf": lambda x: -4 * x / mp.sqrt(mp.pi) * mp.exp(-x * x),
    "erfc": lambda x: 4 * x / mp.sqrt(mp.pi) * mp.exp(-x * x),
    "gaussian": lambda x: total(x * x * mp.exp(-x * x / 2), -mp.exp(-x * x / 2)),
    "gaussian b": lambda x: total(4 * x * x * mp.exp(-x * x), -2 * mp.exp(-x * x)),
    "elu": lambda x: 0 if x > 0 else 2 * mp.exp(x),
    "sigmoid": lambda x: total(bell(x) * sigmoid(-x), -bell(x) * sigmoid(x)),
    "softplus": bell, "log_sigmoid": lambda x: -bell(x), "softsign": lambda x: -2 * mp.sign(x) / (1 + abs(x)) ** 3,
    "gelu": lambda x: total(2 * mp.npdf(x), -mp.npdf(x) * x * x), "gelu b": gelu_tanh_curvature,
    "gelu_slope": lambda x: total(mp.npdf(x) * x**3, -4 * mp.npdf(x) * x),
    "silu": lambda x: total(2 * bell(x), -bell(x) * x * mp.tanh(x / 2)),
    "silu_slope": lambda x: total(
        3 * bell(x) * sigmoid(-x), -3 * bell(x) * sigmoid(x), bell(x) * x * mp.tanh(x / 2) ** 2, -2 * x * bell(x) ** 2
    ),
    "mish": mish_curvature,
    "one_minus_square": lambda x: -2,
    "tanh_slope": lambda x: total(4 * sech(x) ** 2 * mp.tanh(x) ** 2, -2 * sech(x) ** 4),
}  # fmt: skip


def test_C4_every_elementwise_op_of_one_argument_has_its_curvature_here():
    """But the derivative of mish, whose second derivative is the third of mish."""
    assert CURVATURE.keys() == UNARY.keys() - {"mish_slope"}


@pytest.mark.parametrize("row", CURVATURE)
@pytest.mark.parametrize("run", [lambda f: f, mg.compile], ids=["eager", "compiled"])
def test_C4_second_derivatives_keep_their_digits_into_the_tails(row, run):
    _, _, at, *params = UNARY[row]
    function, at = mg.registry[name_of(row)], np.random.default_rng(1).permutation(at)[:COUNT]

    def curvature(x):
        y = function(x, **(params[0] if params else {}))
        slope = mg.grad(mg.sum(y), x, create_graph=True)
        return mg.grad(mg.sum(slope), x) if slope.requires_grad else mg.zeros_like(x)

    with np.errstate(all="ignore"):
        found = run(curvature)(Tensor(at, requires_grad=True)).numpy()
    worst = max((error(y, CURVATURE[row](mpf(x))), x) for x, y in zip(at.tolist(), found.tolist(), strict=True))
    assert worst[0] <= ALLOWED, f"{worst[0]:.1f} ulp at {worst[1]}"


def error(actual, exact):
    """In units in the last place, at least those of `SMALLEST`; what is too large is to be infinite."""
    exact = exact if isinstance(exact, Sized) else Sized(mpf(exact), abs(mpf(exact)))
    if abs(exact.value) > np.finfo(np.float64).max:
        return 0.0 if abs(actual) == np.inf else np.inf
    return np.inf if not np.isfinite(actual) else error_of(actual, Sized(exact.value, max(exact.size, SMALLEST)))
