"""Elementwise ops and their derivatives, in float64, against mpmath with 50 digits: within 4 units in the last place.

The tables hold what mathematics says of each op: value, derivatives, and where to look, tails included. The registry
says which ops there are; one without a row fails.
"""

import math
from typing import NamedTuple

import numpy as np
import pytest
from mpmath import mp, mpf

import minigrad as mg
from minigrad import Tensor
from minigrad.core.op import Op

ALLOWED = 4.0  # units in the last place
POINTS = 1000
ops = [op for op in mg.registry.values() if isinstance(op, Op) and op.elementwise and op.differentiable]
unary = {op.name for op in ops if op.arguments == ("x",)}
binary = {op.name for op in ops if op.arguments == ("x1", "x2")}


@pytest.fixture(autouse=True)
def fifty_digits():
    with mp.workdps(50):
        yield


# --- where to look ----------------------------------------------------------------------------------------------------


def points(low, high, tiny=True, huge=0, near=(), count=POINTS):
    """Numbers between `low` and `high`, and of these some tiny ones, some very close to the places `near`.

    Where `huge` is not 0, it is the power of 10 to which further numbers of those signs go.
    """
    rng = np.random.default_rng(0)
    parts = [place + sign * 10 ** rng.uniform(-15, -1, 100) for place in near for sign in (-1, 1)]
    parts += [sign * 10.0 ** rng.uniform(-307, 0, 100) for sign in (-1, 1) if tiny]
    parts = [part[(low < part) & (part < high)] for part in parts]
    parts += [sign * 10.0 ** rng.uniform(0, huge, 100) for sign in (-1, 1) if huge and (sign > 0 or low < 0)]
    found = np.concatenate(parts) if parts else np.empty(0)
    return np.concatenate([found, rng.uniform(low, high, count - len(found))])


line, positive = points(-10, 10, huge=300), points(0, 10, huge=300)
unit, tail = points(-1, 1, near=[-1, 1]), points(-700, 700)


def sigmoid(x):
    return 1 / (1 + mp.exp(-x))


def sech(x):
    return 1 / mp.cosh(x)


def silu_slope(x):
    return sigmoid(x) * (1 + x * sigmoid(-x))


def angle(x):
    return 2 * mp.sqrt(2 / mp.pi) * (x + mpf("0.044715") * x**3)


def gelu_tanh(x):
    return magnified(x * sigmoid(angle(x)), angle(x))


def gelu_tanh_slope(x):
    inner = 2 * mp.sqrt(2 / mp.pi) * (x + 3 * mpf("0.044715") * x**3)
    slope = total(sigmoid(angle(x)), inner * bell(angle(x)))
    return Sized(slope.value, magnified(slope.size, angle(x)).size)


def gelu_slope(x):
    return mp.ncdf(x) + x * mp.npdf(x)


def mish_slope(x):
    s = mp.log1p(mp.exp(x))
    return mp.tanh(s) + x * sigmoid(x) * sech(s) ** 2


def mish_curvature(x):
    s = mp.log1p(mp.exp(x))
    part = sigmoid(x) * sech(s) ** 2
    return total(2 * part, part * x * sigmoid(-x), -part * x * 2 * mp.tanh(s) * sigmoid(x))


def bell(x):
    return sigmoid(x) * sigmoid(-x)


class Sized(NamedTuple):
    """An exact value, and the size of what was rounded on the way: the error is measured in units of its last place."""

    value: mpf
    size: mpf


def total(*terms):
    """Where a sum cancels, its own zero makes the condition infinite: what is rounded is its largest term."""
    return Sized(mp.fsum(terms), max(map(abs, terms)))


def magnified(value, argument):
    """exp, or a power, of a rounded argument: that rounding comes out multiplied by the size of the argument."""
    return Sized(value, abs(value) * max(1, abs(argument)))


def zero(*xs):
    return 0


def one(*xs):
    return 1


def to_power(n):
    return lambda x: x**n, lambda x: n * x ** (n - 1)


# op, and a letter where it has several rows → value, derivative, points; the parameters
UNARY = {
    "absolute": (abs, mp.sign, line), "sign": (mp.sign, zero, line), "negative": (lambda x: -x, lambda x: -1, line),
    "floor": (mp.floor, zero, line), "ceil": (mp.ceil, zero, line), "rint": (mp.nint, zero, line),
    "trunc": (lambda x: whole(x), zero, line), "round": (mp.nint, zero, line),
    "astype": (lambda x: x, one, line, {"dtype": "float64"}),
    "copy": (lambda x: x, one, line),
    "deg2rad": (mp.radians, lambda x: mp.pi / 180, line), "rad2deg": (mp.degrees, lambda x: 180 / mp.pi, points(-9, 9)),
    "positive": (lambda x: x, one, line),
    "square": (*to_power(2), points(-1e150, 1e150)), "sqrt": (mp.sqrt, lambda x: 1 / (2 * mp.sqrt(x)), positive),
    "reciprocal": (lambda x: 1 / x, lambda x: -1 / x**2, points(-10, 10, tiny=False, huge=150, near=[0])),
    "number_power": (*to_power(3), points(-1e90, 1e90, huge=90), {"exponent": 3}),
    "number_power b": (*to_power(mpf(-1.5)), points(0, 10, tiny=False, huge=100, near=[0]), {"exponent": -1.5}),
    "exp": (mp.exp, mp.exp, points(-745, 709.7)), "expm1": (mp.expm1, mp.exp, points(-745, 709.7)),
    "exp2": (lambda x: mpf(2) ** x, lambda x: mp.log(2) * mpf(2) ** x, points(-1074, 1023.9)),
    "log": (mp.log, lambda x: 1 / x, positive), "log1p": (mp.log1p, lambda x: 1 / (1 + x), points(-1, 10, near=[-1])),
    "log2": (lambda x: mp.log(x, 2), lambda x: 1 / (x * mp.log(2)), points(0, 10, huge=300, near=[1])),
    "log10": (mp.log10, lambda x: 1 / (x * mp.log(10)), points(0, 10, huge=300, near=[1])),
    "sin": (mp.sin, mp.cos, line), "cos": (mp.cos, lambda x: -mp.sin(x), line),
    "tan": (mp.tan, lambda x: 1 / mp.cos(x) ** 2, points(-10, 10, huge=300, near=[math.pi / 2])),
    "arcsin": (mp.asin, lambda x: 1 / mp.sqrt(1 - x * x), unit),
    "arccos": (mp.acos, lambda x: -1 / mp.sqrt(1 - x * x), unit),
    "arctan": (mp.atan, lambda x: 1 / (1 + x * x), points(-10, 10, huge=150)),
    "sinh": (mp.sinh, mp.cosh, points(-710, 710)), "cosh": (mp.cosh, mp.sinh, points(-710, 710)),
    "tanh": (mp.tanh, lambda x: sech(x) ** 2, points(-354, 354)),
    "tanh_slope": (lambda x: sech(x) ** 2, lambda x: -2 * mp.tanh(x) * sech(x) ** 2, points(-354, 354)),
    "one_minus_square": (lambda x: 1 - x * x, lambda x: -2 * x, unit),
    "arcsinh": (mp.asinh, lambda x: 1 / mp.sqrt(1 + x * x), line),
    "arccosh": (mp.acosh, lambda x: 1 / mp.sqrt(x * x - 1), points(1, 10, tiny=False, huge=300, near=[1])),
    "arctanh": (mp.atanh, lambda x: 1 / (1 - x * x), unit),
    "erf": (mp.erf, lambda x: 2 / mp.sqrt(mp.pi) * mp.exp(-x * x), points(-27, 27)),
    "erfc": (mp.erfc, lambda x: -2 / mp.sqrt(mp.pi) * mp.exp(-x * x), points(-27, 26.5)),
    "gaussian": (lambda x: mp.exp(-x * x / 2), lambda x: -x * mp.exp(-x * x / 2), points(-37, 37)),
    "gaussian b": (lambda x: mp.exp(-x * x), lambda x: -2 * x * mp.exp(-x * x), points(-26, 26), {"rate": 1.0}),
    "relu": (lambda x: max(x, 0), lambda x: x > 0, line),
    "leaky_relu": (lambda x: x if x > 0 else mpf(0.3) * x, lambda x: 1 if x > 0 else mpf(0.3), line, {"slope": 0.3}),
    "elu": (lambda x: x if x > 0 else 2 * mp.expm1(x), lambda x: 1 if x > 0 else 2 * mp.exp(x), points(-745, 9),
            {"alpha": 2.0}),
    "sigmoid": (sigmoid, lambda x: sigmoid(x) * sigmoid(-x), tail),
    "softplus": (lambda x: mp.log1p(mp.exp(x)), sigmoid, tail),
    "log_sigmoid": (lambda x: -mp.log1p(mp.exp(-x)), lambda x: sigmoid(-x), tail),
    "softsign": (lambda x: x / (1 + abs(x)), lambda x: 1 / (1 + abs(x)) ** 2, points(-10, 10, huge=150)),
    "gelu": (lambda x: x * mp.ncdf(x), gelu_slope, points(-37, 37, near=[-0.7517915246935645])),
    "gelu b": (gelu_tanh, gelu_tanh_slope, points(-10, 10), {"approximate": "tanh"}),
    "gelu_slope": (gelu_slope, lambda x: total(2 * mp.npdf(x), -mp.npdf(x) * x * x),
                   points(-37, 37, near=[-0.7517915246935645])),
    "silu": (lambda x: x * sigmoid(x), silu_slope, points(-700, 700, near=[-1.2784645427610737])),
    "silu_slope": (silu_slope, lambda x: total(2 * bell(x), -bell(x) * x * mp.tanh(x / 2)),
                   points(-700, 700, near=[-1.2784645427610737])),
    "mish": (lambda x: x * mp.tanh(mp.log1p(mp.exp(x))), mish_slope, points(-700, 700, near=[-1.1924312145154952])),
    "mish_slope": (mish_slope, mish_curvature, points(-700, 340, near=[-1.1924312145154952])),
}  # fmt: skip


def name_of(row):
    return row.split()[0]


def test_every_elementwise_op_of_one_argument_has_a_row():
    assert {name_of(row) for row in UNARY} == unary


# --- the measure ------------------------------------------------------------------------------------------------------


def error_of(actual, exact):
    """In units in the last place of the exact value."""
    exact = exact if isinstance(exact, Sized) else Sized(mpf(exact), mpf(exact))
    return float(abs(mpf(actual) - exact.value)) / np.spacing(abs(float(exact.size)))


def check(actual, function, *inputs, allowed=ALLOWED):
    """The function takes the numbers at one place of all inputs."""
    places = list(zip(*(x.ravel().tolist() for x in inputs), strict=True))
    exact = [function(*map(mpf, xs)) for xs in places]
    errors = [error_of(y, e) for y, e in zip(actual.ravel().tolist(), exact, strict=True)]
    worst = int(np.argmax(errors))
    assert errors[worst] <= allowed, (
        f"{errors[worst]:.1f} ulp at {places[worst]}: {actual.ravel()[worst]!r}, exactly {exact[worst]}"
    )


def value_and_slopes(name, inputs, params):
    xs = [Tensor(x, requires_grad=True) for x in inputs]
    with np.errstate(all="ignore"):
        y = mg.registry[name](*xs, **params)
        return y.numpy(), *(g.numpy() for g in mg.grad(y, xs, np.ones(y.shape)))


@pytest.mark.parametrize("row", UNARY)
def test_values_and_derivatives_are_within_4_ulp(row):
    value, slope, at, *params = UNARY[row]
    y, g = value_and_slopes(name_of(row), [at], *params or [{}])
    check(y, value, at)
    check(g, slope, at, allowed=2 * ALLOWED if row.endswith("_slope") else ALLOWED)  # that one is a second derivative


# --- two arguments ----------------------------------------------------------------------------------------------------


def pairs(*args, **kwargs):
    """Points beside the same in reverse."""
    x = points(*args, **kwargs)
    return x, x[::-1].copy()


def logaddexp(base):
    log = mp.log(base)

    def value(x1, x2):
        rest = magnified(mp.log1p(mp.exp(-abs(x1 - x2) * log)) / log, x1 - x2)
        return Sized(max(x1, x2) + rest.value, max(abs(max(x1, x2)), rest.size))

    def share(x1, x2):
        return magnified(sigmoid((x1 - x2) * log), x1 - x2)

    return value, share, lambda x1, x2: share(x2, x1)


def whole(x):
    return mp.sign(x) * mp.floor(abs(x))


def remains(of_dividend):
    """What remains, with the sign of the dividend or of the divisor; what the latter adds up is rounded."""
    return lambda x1, x2: total(x1, -x2 * (whole if of_dividend else mp.floor)(x1 / x2))


# op → value, derivatives by both arguments, points
anywhere = pairs(-10, 10, huge=100)
BINARY = {
    "add": (lambda x1, x2: x1 + x2, one, one, anywhere),
    "subtract": (lambda x1, x2: x1 - x2, one, lambda x1, x2: -1, anywhere),
    "multiply": (lambda x1, x2: x1 * x2, lambda x1, x2: x2, lambda x1, x2: x1, pairs(-10, 10, tiny=False, huge=150)),
    "strong_multiply": (lambda x1, x2: x1 * x2, lambda x1, x2: x2, lambda x1, x2: x1, pairs(-10, 10, tiny=False)),
    "divide": (lambda x1, x2: x1 / x2, lambda x1, x2: 1 / x2, lambda x1, x2: -x1 / x2**2,
               pairs(-10, 10, tiny=False, huge=100)),
    "fmod": (remains(1), one, lambda x1, x2: -whole(x1 / x2), pairs(-10, 10, tiny=False)),
    "remainder": (remains(0), one, lambda x1, x2: -mp.floor(x1 / x2), pairs(-10, 10, tiny=False)),
    "floor_divide": (lambda x1, x2: mp.floor(x1 / x2), zero, zero, pairs(-10, 10, tiny=False)),
    "copysign": (lambda x1, x2: abs(x1) * mp.sign(x2), lambda x1, x2: mp.sign(x1) * mp.sign(x2), zero, anywhere),
    "maximum": (max, lambda x1, x2: x1 > x2, lambda x1, x2: x2 > x1, anywhere),
    "minimum": (min, lambda x1, x2: x1 < x2, lambda x1, x2: x2 < x1, anywhere),
    "tensor_power": (lambda x1, x2: x1**x2, lambda x1, x2: magnified(x2 * x1 ** (x2 - 1), mp.log(x1)),
                     lambda x1, x2: x1**x2 * mp.log(x1), pairs(0, 10, tiny=False, near=[1])),
    "hypot": (mp.hypot, lambda x1, x2: x1 / mp.hypot(x1, x2), lambda x1, x2: x2 / mp.hypot(x1, x2),
              pairs(-10, 10, tiny=False, huge=150)),
    "arctan2": (mp.atan2, lambda x1, x2: x2 / (x1 * x1 + x2 * x2), lambda x1, x2: -x1 / (x1 * x1 + x2 * x2),
                pairs(-10, 10, tiny=False, huge=100)),
    "logaddexp": (*logaddexp(mp.e), pairs(-300, 300)), "logaddexp2": (*logaddexp(2), pairs(-300, 300)),
}  # fmt: skip


def test_every_elementwise_op_of_two_arguments_has_a_row():
    assert BINARY.keys() == binary


@pytest.mark.parametrize("name", BINARY)
def test_values_and_derivatives_of_two_arguments_are_within_4_ulp(name):
    *functions, at = BINARY[name]
    for actual, function in zip(value_and_slopes(name, at, {}), functions, strict=True):
        check(actual, function, *at)


# --- rows -------------------------------------------------------------------------------------------------------------


def logsumexp(xs):
    largest = max(xs)
    return total(largest, mp.log(mp.fsum(mp.exp(x - largest) for x in xs)))


def softmax(xs):
    """Each weight is exp of a difference."""
    return [magnified(mp.exp(x - logsumexp(xs).value), max(xs) - x) for x in xs]


def log_softmax(xs):
    """A sum of exponentials is rounded that is at least 1."""
    return [Sized(x - logsumexp(xs).value, max(max(xs) - x, 1)) for x in xs]


@pytest.fixture(scope="module")
def rows():
    """Rows of five numbers, close together and far apart, around 0 and far from it."""
    rng = np.random.default_rng(0)
    return np.concatenate(
        [rng.standard_normal((50, 5)) * scale + shift for scale in (1, 30, 1e4) for shift in (0, 1e6)]
    )


@pytest.mark.parametrize("function", [softmax, log_softmax])
def test_softmax_and_its_logarithm_are_within_4_ulp(function, rows):
    for i, y in enumerate(mg.registry[function.__name__](rows, axis=-1).T):
        check(y, lambda *xs, i=i: function(xs)[i], *rows.T)


def test_logsumexp_and_its_derivative_are_within_4_ulp(rows):
    x = Tensor(rows, requires_grad=True)
    y = mg.logsumexp(x, axis=-1)
    check(y.numpy(), lambda *xs: logsumexp(xs), *rows.T)
    slopes = mg.grad(mg.sum(y), x).numpy().T
    for i, slope in enumerate(slopes):
        check(slope, lambda *xs, i=i: softmax(xs)[i], *rows.T)
