"""Hard cases of exponentials, logarithms, trigonometric and hyperbolic functions: poles, limits, strong zeros."""

import math

import numpy as np
import pytest

import minigrad as mg
from minigrad import Tensor

inf = math.inf


def derivatives(function, x, order=1):
    """The value of a function of one number, and its derivatives up to `order`."""
    x = Tensor(float(x), requires_grad=True)
    found = [function(x)]
    for _ in range(order):
        found.append(mg.grad(found[-1], x, create_graph=True, unused="zero"))
    return [float(y) for y in found]


@pytest.mark.parametrize(("x", "value"), [(1000.0, 1.0), (-1000.0, -1.0)])
def test_N10_tanh_far_out_is_flat(x, value):
    assert derivatives(mg.tanh, x, 3) == [value, 0.0, 0.0, 0.0]


@pytest.mark.parametrize("function", [mg.expm1, mg.log1p])
def test_N15_near_zero_the_argument_itself(function):
    assert derivatives(function, 1e-20) == [1e-20, 1.0]


def test_N16_the_branch_not_taken_contributes_nothing():
    assert derivatives(lambda x: mg.where(x > 0.0, mg.sqrt(x), 0.0), 0.0, 3) == [0.0, 0.0, 0.0, 0.0]
    with np.errstate(over="ignore"):  # NumPy's exp(1000) itself
        assert derivatives(lambda x: mg.where(x <= 0.0, mg.exp(x), 1.0 + x), 1000.0, 3) == [1001.0, 1.0, 0.0, 0.0]


@pytest.mark.parametrize(
    ("function", "outside"),
    [(mg.exp, 1000.0), (mg.exp2, 2000.0), (mg.expm1, 1000.0), (mg.sinh, 1000.0), (mg.cosh, -1000.0), (mg.sqrt, 0.0),
     (mg.sqrt, -1.0), (mg.log, 0.0), (mg.log, -1.0), (mg.log2, 0.0), (mg.log10, 0.0), (mg.log1p, -1.0),
     (mg.reciprocal, 0.0), (lambda x: 1.0 / x, 0.0), (lambda x: x**-1.5, 0.0), (mg.arcsin, 1.0), (mg.arccos, -2.0),
     (mg.arccosh, 1.0), (mg.arccosh, 0.0), (mg.arctanh, -1.0)],
)  # fmt: skip
def test_N16_to_order_3_at_poles_and_outside_domains(function, outside):
    with np.errstate(all="ignore"):
        found = derivatives(lambda x: mg.where(x == outside, 3.0 * mg.exp(-x * x), function(x)), outside, 3)
        expected = derivatives(lambda x: 3.0 * mg.exp(-x * x), outside, 3)
    assert found == expected
    with np.errstate(all="ignore"):
        assert derivatives(lambda x: mg.where(False, function(x), 0.0), outside, 3) == [0.0, 0.0, 0.0, 0.0]


@pytest.mark.parametrize(
    "function", [lambda x: mg.exp(x) - 1.0, mg.expm1, mg.sinh, lambda x: mg.exp2(x / np.log(2)) - 1.0]
)
def test_N17_strong_zero_keeps_the_derivative_of_the_incoming_gradient(function):
    expected = [0.0, 0.0, 2.0, 0.0 if function is mg.sinh else 6.0]
    np.testing.assert_allclose(derivatives(lambda x: function(x) ** 2, 0.0, 3), expected, rtol=1e-15)


@pytest.mark.parametrize(
    ("function", "x", "value", "slope"),
    [(mg.sqrt, 0.0, 0.0, inf), (mg.log, 0.0, -inf, inf), (mg.log2, 0.0, -inf, inf), (mg.log10, 0.0, -inf, inf),
     (mg.log1p, -1.0, -inf, inf), (mg.arcsin, 1.0, math.pi / 2, inf), (mg.arccos, -1.0, math.pi, -inf),
     (mg.arccosh, 1.0, 0.0, inf), (mg.arctanh, 1.0, inf, inf)],
)  # fmt: skip
def test_N18_poles_have_their_limits(function, x, value, slope):
    with np.errstate(divide="ignore"):  # NumPy's value
        assert derivatives(function, x) == [value, slope]


def test_strong_zero_is_a_convention_where_a_factor_is_infinite():
    assert derivatives(lambda x: mg.sqrt(x) ** 2, 0.0) == [0.0, 0.0]
    with np.errstate(divide="ignore"):
        assert derivatives(lambda x: mg.exp(mg.log(x)), 0.0) == [0.0, 0.0]


@pytest.mark.parametrize("scale", [1e-200, 1.0, 1e200])
def test_lengths_and_angles_neither_overflow_nor_vanish(scale):
    x1, x2 = (Tensor(n * scale, requires_grad=True) for n in (3.0, 4.0))
    slopes = [float(g) for g in mg.grad(mg.hypot(x1, x2), (x1, x2))]
    np.testing.assert_allclose(slopes, [0.6, 0.8], rtol=1e-15)
    slopes = [float(g) for g in mg.grad(mg.arctan2(x1, x2), (x1, x2))]
    np.testing.assert_allclose(slopes, [4 / 25 / scale, -3 / 25 / scale], rtol=1e-15)


def test_at_the_origin_lengths_and_angles_have_gradient_0_by_convention():
    for function in (mg.hypot, mg.arctan2):
        assert derivatives(lambda x, function=function: function(x, 0.0 * x), 0.0, 2) == [0.0, 0.0, 0.0]


@pytest.mark.parametrize(
    ("x1", "x2", "shares"),
    [(0.0, inf, (0.0, 1.0)), (-inf, 0.0, (0.0, 1.0)), (-inf, -inf, (0.0, 0.0)), (2.0, 2.0, (0.5, 0.5)),
     (1000.0, -1000.0, (1.0, 0.0)), (1e300, 1e300, (0.5, 0.5))],
)  # fmt: skip
@pytest.mark.parametrize("function", [mg.logaddexp, mg.logaddexp2])
def test_logaddexp_shares_as_logsumexp_does(function, x1, x2, shares):
    a, b = Tensor(x1, requires_grad=True), Tensor(x2, requires_grad=True)
    assert tuple(float(g) for g in mg.grad(function(a, b), (a, b))) == shares


def test_erf_and_erfc_keep_their_digits():
    np.testing.assert_allclose(derivatives(mg.erf, 0.5), [0.5204998778130465, 0.8787825789354449], rtol=1e-15)
    slope = -2 / math.sqrt(math.pi) * math.exp(-100)
    np.testing.assert_allclose(derivatives(mg.erfc, 10.0), [2.088487583762545e-45, slope], rtol=1e-15)


def test_the_gaussian_has_the_rate_it_is_given():
    x = np.array([-3.0, 0.0, 0.7, 60.0, 1e300, inf])
    for rate in (0.5, 1.0, 2.3):
        np.testing.assert_allclose(mg.gaussian(x, rate=rate), np.exp(-rate * np.minimum(x, 1e3) ** 2), rtol=1e-14)
