"""Hard cases of elementwise ops: input → right value and gradient, where careless formulas give NaN or lose digits."""

import math

import numpy as np
import pytest

import minigrad as mg
from minigrad import Tensor

inf, nan = math.inf, math.nan


def derivatives(function, x, order=1):
    """The value of a function of one number, and its derivatives up to `order`."""
    x = Tensor(float(x), requires_grad=True)
    found = [function(x)]
    for _ in range(order):
        found.append(mg.grad(found[-1], x, create_graph=True, unused="zero"))
    return [float(y) for y in found]


def gradients(function, *inputs, g=None):
    """The value, and one gradient per input, as arrays; `g` is the incoming gradient, ones where left out."""
    xs = [Tensor(np.asarray(x, float), requires_grad=True) for x in inputs]
    y = function(*xs)
    found = mg.grad(y, xs, np.ones(y.shape) if g is None else np.asarray(g, float), unused="zero")
    return y.numpy(), *(x.numpy() for x in found)


def assert_equal(actual, expected, relative=0.0):
    np.testing.assert_allclose(actual, expected, rtol=relative, atol=0.0)


# input → value and first derivative, within a relative error
ACCURACY = [
    ("N10", mg.sigmoid, 1000, 1, 0, 0), ("N10", mg.sigmoid, -1000, 0, 0, 0),
    ("N10", mg.tanh, 1000, 1, 0, 0), ("N10", mg.tanh, -1000, -1, 0, 0),
    ("N11", mg.softplus, -40, 4.248354255291589e-18, 4.248354255291589e-18, 1e-15),
    ("N11", mg.softplus, 25, 25.000000000013888, 0.9999999999861121, 1e-15),
    ("N12", mg.softplus, 1000, 1000, 1, 0), ("N12", mg.softplus, -1000, 0, 0, 0),
    ("N12", lambda x: -mg.softplus(-x), -1000, -1000, 1, 0),
    ("N13", mg.gelu, -6, -5.919525870226188e-9, -3.546870945390e-8, 1e-12),
    ("N13", lambda x: mg.gelu(x, approximate="tanh"), 1, 0.8411919906082768, 1.0829640838457826, 1e-14),
    ("N14", mg.gelu, 40, 40, 1, 0), ("N14", mg.gelu, -40, 0, 0, 0),
    ("N14", lambda x: mg.gelu(x, approximate="tanh"), 40, 40, 1, 0),
    ("N14", lambda x: mg.gelu(x, approximate="tanh"), -40, 0, 0, 0),
    ("N14", lambda x: x * mg.sigmoid(x), 1000, 1000, 1, 0), ("N14", lambda x: x * mg.sigmoid(x), -1000, 0, 0, 0),
    ("N15", mg.expm1, 1e-20, 1e-20, 1, 0), ("N15", mg.log1p, 1e-20, 1e-20, 1, 0),
    ("erf", mg.erf, 0.5, 0.5204998778130465, 0.8787825789354449, 1e-15),
    ("erfc", mg.erfc, 10, 2.088487583762545e-45, -2 / math.sqrt(math.pi) * math.exp(-100), 1e-14),
]  # fmt: skip


@pytest.mark.parametrize(("function", "x", "value", "slope", "relative"), [case[1:] for case in ACCURACY],
                         ids=[f"{case[0]}-{case[2]}" for case in ACCURACY])  # fmt: skip
def test_value_and_derivative_keep_their_digits(function, x, value, slope, relative):
    assert_equal(derivatives(function, x), [value, slope], relative)


def test_N16_the_branch_not_taken_contributes_nothing():
    assert derivatives(lambda x: mg.where(x > 0.0, mg.sqrt(x), 0.0), 0.0, 3) == [0.0, 0.0, 0.0, 0.0]
    with np.errstate(over="ignore"):  # NumPy's exp(1000) itself
        assert derivatives(lambda x: mg.where(x <= 0.0, mg.exp(x), 1.0 + x), 1000.0, 2) == [1001.0, 1.0, 0.0]


def test_N17_strong_zero_keeps_the_derivative_of_the_incoming_gradient():
    assert derivatives(lambda x: (mg.exp(x) - 1.0) ** 2, 0.0, 3) == [0.0, 0.0, 2.0, 6.0]
    assert derivatives(lambda x: mg.expm1(x) ** 2, 0.0, 3) == [0.0, 0.0, 2.0, 6.0]


@pytest.mark.parametrize(
    ("function", "value", "slope"), [(mg.sqrt, 0.0, inf), (mg.log, -inf, inf), (mg.reciprocal, inf, -inf)]
)
def test_N18_poles_have_their_limits(function, value, slope):
    with np.errstate(divide="ignore"):  # NumPy's value
        assert derivatives(function, 0.0) == [value, slope]


def test_strong_zero_is_a_convention_where_a_factor_is_infinite():
    assert derivatives(lambda x: mg.sqrt(x) ** 2, 0.0) == [0.0, 0.0]
    with np.errstate(divide="ignore"):
        assert derivatives(lambda x: mg.exp(mg.log(x)), 0.0) == [0.0, 0.0]


@pytest.mark.parametrize(
    ("exponent", "expected"),
    [(0, [1, 0, 0, 0]), (1, [0, 1, 0, 0]), (2, [0, 0, 2, 0]), (3, [0, 0, 0, 6]), (2.0, [0, 0, 2, 0])],
)
def test_N23_powers_of_zero(exponent, expected):
    assert derivatives(lambda x: x**exponent, 0.0, 3) == expected


@pytest.mark.parametrize(("exponent", "value"), [(0.0, 1.0), (1.0, 0.0), (2.0, 0.0)])
def test_N24_zero_to_a_power_has_no_slope_in_the_exponent(exponent, value):
    y, _, slope = gradients(lambda x, n: x**n, 0.0, exponent)
    assert (y, slope) == (value, 0.0)


def test_N25_negative_base_with_an_exponent_tensor():
    y, base, exponent = gradients(lambda x, n: x**n, -2.0, 3.0)
    assert (y, base) == (-8.0, 12.0)
    assert np.isnan(exponent)
    assert derivatives(lambda x: x**3, -2.0, 2) == [-8.0, 12.0, -12.0]


@pytest.mark.parametrize("function", [mg.maximum, mg.minimum])
def test_N27_ties_share_evenly(function):
    _, gx, gy = gradients(function, [1.0, 2.0, 3.0], [1.0, 3.0, 2.0], g=[5.0, 7.0, 11.0])
    assert gx[0] == gy[0] == 2.5
    assert (gx + gy).tolist() == [5.0, 7.0, 11.0]
    assert (gx[1] == 0) == (function is mg.maximum)


@pytest.mark.parametrize(
    ("function", "slope"),
    [(mg.absolute, 0.0), (mg.relu, 0.0), (mg.sign, 0.0), (lambda x: mg.clip(x, 0.0, 1.0), 1.0),
     (lambda x: mg.clip(x, -1.0, 0.0), 1.0), (lambda x: mg.clip(x, None, 0.0), 1.0)],
)  # fmt: skip
def test_N31_conventions_at_kinks(function, slope):
    assert derivatives(function, 0.0)[1] == slope


SMALL = np.array([-0.0, 0.0, 5e-324, -5e-324])


@pytest.mark.parametrize(
    "function",
    [mg.tanh, mg.sin, mg.expm1, mg.erf, mg.relu, mg.gelu, mg.sigmoid, mg.softplus, mg.square, mg.absolute, mg.cos],
)
def test_N38_subnormal_inputs_have_finite_gradients_without_warnings(function):
    y, g = gradients(function, SMALL)
    assert np.isfinite(y).all()
    assert np.isfinite(g).all()


@pytest.mark.parametrize(
    "function",
    [
        mg.tanh,
        mg.sin,
        mg.expm1,
        lambda x: mg.where(True, x, 1.0),
        lambda x: mg.clip(x, -1, 1),
        lambda x: mg.negative(-x),
    ],
)
def test_N38_the_sign_of_zero_survives(function):
    assert np.signbit(gradients(function, SMALL)[0]).tolist() == np.signbit(SMALL).tolist()


@pytest.mark.parametrize("name", [op.name for op in mg.registry.values() if getattr(op, "elementwise", False)])
def test_S1_zero_dimensional_inputs_give_zero_dimensional_arrays(name):
    op = mg.registry[name]
    params = {"number_power": {"exponent": 2}, "astype": {"dtype": "float64"}, "full_like": {"fill_value": 1.0}}
    xs = [Tensor(0.5, requires_grad=argument in op.rules) for argument in op.arguments]
    y = op(*xs, **params.get(name, {}))
    assert type(y._data) is np.ndarray
    assert y.shape == ()
    if y.requires_grad:
        variables = [x for x in xs if x.requires_grad]
        for x, g in zip(variables, mg.grad(y, variables), strict=True):
            assert (type(g._data), g.shape, g.dtype) == (np.ndarray, x.shape, x.dtype)


@pytest.mark.parametrize(
    ("left", "right"),
    [((3, 1), (1, 4)), ((5, 1), (5,)), ((), (2, 3)), ((10, 1, 5), (1, 10, 5)), ((0, 1, 3), (0, 4, 3))],
)
@pytest.mark.parametrize("function", [mg.add, mg.subtract, mg.multiply, mg.divide, mg.maximum, mg.power])
def test_S3_S4_broadcasting_is_undone(function, left, right):
    rng = np.random.default_rng(0)
    x, y = rng.uniform(0.5, 2, left), rng.uniform(0.5, 2, right)
    g = rng.standard_normal(np.broadcast_shapes(left, right))
    _, gx, gy = gradients(function, x, y, g=g)
    _, full_x, full_y = gradients(function, *np.broadcast_arrays(x, y), g=g)
    for narrow, full in ((gx, full_x), (gy, full_y)):
        axes = tuple(i for i in range(g.ndim) if ((1,) * (g.ndim - narrow.ndim) + narrow.shape)[i] != g.shape[i])
        np.testing.assert_allclose(narrow, full.sum(axis=axes).reshape(narrow.shape), rtol=1e-13)


def test_S6_where_reduces_each_gradient_to_its_operand():
    rng = np.random.default_rng(0)
    condition, x, y = rng.random((10, 10)) < 0.5, rng.random((10, 1, 10)), rng.random((10, 10, 1))
    g = rng.random((10, 10, 10))
    _, gx, gy = gradients(lambda x, y: mg.where(condition, x, y), x, y, g=g)
    np.testing.assert_allclose(gx, np.where(condition, g, 0).sum(1, keepdims=True), rtol=1e-14)
    np.testing.assert_allclose(gy, np.where(condition, 0, g).sum(2, keepdims=True), rtol=1e-14)


def test_clip_sends_the_gradient_to_the_bound_that_holds():
    _, gx, low, high = gradients(mg.clip, [-1.0, 0.5, 2.0], [0.0, 0.0, 0.0], 1.0, g=[3.0, 5.0, 7.0])
    assert (gx.tolist(), low.tolist(), high.tolist()) == ([0.0, 5.0, 0.0], [3.0, 0.0, 0.0], 7.0)


def test_stop_gradient_is_a_constant_to_every_order():
    assert derivatives(lambda x: x * mg.stop_gradient(x), 3.0, 2) == [9.0, 3.0, 0.0]


def test_unknown_form_of_gelu_is_refused():
    with pytest.raises(ValueError, match=r"gelu\(x: .*approximate='fast': expected 'none' or 'tanh'"):
        mg.gelu(Tensor([1.0]), approximate="fast")


def test_E1_shapes_that_do_not_broadcast_are_named():
    with pytest.raises(ValueError, match=r"add\(x1: float64 \(2, 3\), x2: float64 \(4,\)\)"):
        Tensor(np.ones((2, 3))) + Tensor(np.ones(4))


def test_E9_keywords_that_are_not_supported_are_named():
    with pytest.raises(TypeError, match="add: argument out is not supported"):
        mg.add(Tensor([1.0]), 1.0, out=None)
    with pytest.raises(TypeError, match="exp: argument where is not supported"):
        np.exp(Tensor([1.0]), where=[True])
