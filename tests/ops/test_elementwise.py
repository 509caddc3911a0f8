"""Hard cases of arithmetic, powers, choices and rounding, and what holds for elementwise ops of every family."""

import math

import numpy as np
import pytest

import minigrad as mg
from minigrad import Tensor
from minigrad.core.op import Op
from minigrad.core.record import by_numpy
from minigrad.graph.build import find_ancestors
from minigrad.ops.specimens import specimens_of
from minigrad.ops.specimens.draws import Draw, realise

inf, nan = math.inf, math.nan
OPS = [op for op in mg.registry.values() if isinstance(op, Op) and op.elementwise]
UNARY = [op for op in OPS if op.differentiable and op.arguments == ("x",)]


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


def required(op):
    """The parameters that have no default."""
    return {name: value for name, value in specimens_of(op).samples[0].params.items() if name in op.required}


# --- arithmetic and powers --------------------------------------------------------------------------------------------


def test_N18_one_divided_by_zero_has_its_limits():
    with np.errstate(divide="ignore"):  # NumPy's value
        assert derivatives(mg.reciprocal, 0.0) == derivatives(lambda x: 1.0 / x, 0.0) == [inf, -inf]
        assert derivatives(mg.reciprocal, -0.0) == [-inf, -inf]


def test_division_by_the_number_zero_passes_no_gradient_where_none_comes_in():
    with np.errstate(all="ignore"):
        for zero in (0.0, -0.0, 0):
            assert derivatives(lambda x, zero=zero: mg.where(False, x / zero, 0.0), 1.0, 2) == [0.0, 0.0, 0.0]
        assert derivatives(lambda x: x / -0.0, 1.0) == [-inf, -inf]


def test_strong_zero_decides_on_either_side_and_nowhere_else():
    left = np.array([0.0, inf, 0.0, nan, -inf, nan, 1.0, inf, inf, -0.0, 2.0])
    right = np.array([inf, 0.0, nan, 0.0, -0.0, 1.0, nan, -inf, nan, 5.0, 3.0])
    expected = np.array([0.0, 0.0, 0.0, 0.0, 0.0, nan, nan, -inf, nan, 0.0, 6.0])
    with np.errstate(invalid="ignore"):
        for dtype in (np.float32, np.float64):
            found = mg.strong_multiply(left.astype(dtype), right.astype(dtype))
            np.testing.assert_array_equal(found, expected.astype(dtype), strict=True)
        np.testing.assert_array_equal(mg.strong_multiply(np.array([[0.0], [1.0]]), [inf, nan]), [[0, 0], [inf, nan]])


@pytest.mark.parametrize("exponent", [-3, -2, 2, 3, 4, 5, 2.5])
def test_powers_are_numpys_for_every_exponent(exponent):
    x = np.array([0.5, 1.5, 3.0])
    np.testing.assert_allclose(mg.number_power(x, exponent=exponent), x**exponent, rtol=1e-15)
    np.testing.assert_allclose(derivatives(lambda x: x**exponent, 1.5)[1], exponent * 1.5 ** (exponent - 1), rtol=1e-14)


@pytest.mark.parametrize("exponent", [0.5, -1, -0.5])
def test_N16_nothing_comes_from_zero_to_a_power(exponent):
    with np.errstate(divide="ignore"):
        assert derivatives(lambda x: mg.where(False, x**exponent, 0.0), 0.0, 2) == [0.0, 0.0, 0.0]


@pytest.mark.parametrize("kind", [lambda n: n, Tensor], ids=["number", "tensor"])
@pytest.mark.parametrize(
    ("exponent", "expected"),
    [(0, [1, 0, 0, 0]), (1, [0, 1, 0, 0]), (2, [0, 0, 2, 0]), (3, [0, 0, 0, 6]), (2.0, [0, 0, 2, 0])],
)
def test_N23_powers_of_zero(exponent, expected, kind):
    assert derivatives(lambda x: x ** kind(exponent), 0.0, 3) == expected


@pytest.mark.parametrize(("exponent", "value"), [(0.0, 1.0), (1.0, 0.0), (2.0, 0.0)])
def test_N24_zero_to_a_power_has_no_slope_in_the_exponent(exponent, value):
    y, _, slope = gradients(lambda x, n: x**n, 0.0, exponent)
    assert (y, slope) == (value, 0.0)
    assert derivatives(lambda n: Tensor(0.0) ** n, exponent, 2) == [value, 0.0, 0.0]


def test_an_infinite_base_to_a_negative_power_has_no_slope():
    y, base, exponent = gradients(lambda x, n: x**n, inf, -1.0)
    assert (y, base, exponent) == (0.0, 0.0, 0.0)


def test_N25_negative_base_with_an_exponent_tensor():
    y, base, exponent = gradients(lambda x, n: x**n, -2.0, 3.0)
    assert (y, base) == (-8.0, 12.0)
    assert np.isnan(exponent)
    assert derivatives(lambda x: x**3, -2.0, 2) == [-8.0, 12.0, -12.0]
    x = Tensor(-2.0, requires_grad=True)
    first = mg.grad(x**3, x, create_graph=True)
    assert "log" not in {node.op.name for node in find_ancestors([mg.grad(first, x, create_graph=True)]) if node.op}


# --- choices ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("function", [mg.maximum, mg.minimum])
def test_N27_ties_share_evenly(function):
    _, gx, gy = gradients(function, [1.0, 2.0, 3.0], [1.0, 3.0, 2.0], g=[5.0, 7.0, 11.0])
    assert gx[0] == gy[0] == 2.5
    assert (gx + gy).tolist() == [5.0, 7.0, 11.0]
    assert (gx[1] == 0) == (function is mg.maximum)
    _, gx, gy = gradients(function, [inf, -inf, -0.0], [inf, -inf, 0.0], g=[inf, 2.0, 2.0])
    assert gx.tolist() == gy.tolist() == [inf, 1.0, 1.0]


@pytest.mark.parametrize("function", [mg.maximum, mg.minimum])
def test_N28_NaN_takes_the_gradient(function):
    y, gx, gy = gradients(function, [nan, 1.0, nan, 2.0], [1.0, nan, nan, 2.0], g=[3.0, 5.0, 7.0, 8.0])
    assert np.isnan(y).tolist() == [True, True, True, False]
    assert (gx.tolist(), gy.tolist()) == ([3.0, 0.0, 3.5, 4.0], [0.0, 5.0, 3.5, 4.0])


@pytest.mark.parametrize(
    ("function", "slope"),
    [(mg.absolute, 0.0), (mg.sign, 0.0), (lambda x: mg.clip(x, 0.0, 1.0), 1.0),
     (lambda x: mg.clip(x, -1.0, 0.0), 1.0), (lambda x: mg.clip(x, None, 0.0), 1.0)],
)  # fmt: skip
def test_N31_conventions_at_kinks(function, slope):
    assert derivatives(function, 0.0)[1] == slope


def test_clip_sends_the_gradient_to_the_bound_that_holds():
    _, gx, low, high = gradients(mg.clip, [-1.0, 0.5, 2.0], [0.0, 0.0, 0.0], 1.0, g=[3.0, 5.0, 7.0])
    assert (gx.tolist(), low.tolist(), high.tolist()) == ([0.0, 5.0, 0.0], [3.0, 0.0, 0.0], 7.0)


def test_stop_gradient_is_a_constant_to_every_order():
    assert derivatives(lambda x: x * mg.stop_gradient(x), 3.0, 2) == [9.0, 3.0, 0.0]


@pytest.mark.parametrize("shape", [(), (3,)])
@pytest.mark.parametrize("swap", [False, True])
def test_where_takes_any_condition_that_numpy_takes(shape, swap):
    x = np.full(shape, 1.5)
    for condition in (True, False, 2, 0, np.full(shape, 2), np.full(shape, 0.0), np.full(shape, True), np.True_):
        choices = (0.0, x) if swap else (x, 0.0)
        expected = np.where(condition, *choices)
        for result in (mg.where(condition, *choices), mg.where(condition, *map(Tensor, choices)).numpy()):
            np.testing.assert_array_equal(result, expected)


# --- rounding ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("function", [mg.floor, mg.ceil, mg.trunc, mg.rint, mg.round, lambda x: mg.round(x, 1)])
def test_rounding_is_flat_to_every_order(function):
    for x in (-1.0, -0.5, 0.0, 0.25, 3.0):
        assert derivatives(function, x, 2)[1:] == [0.0, 0.0]


def test_round_takes_decimals_as_numpy_does():
    x = np.array([-1.25, 0.5, 1.5, 123.456])
    for decimals in (-2, 0, 1, np.int64(2)):
        np.testing.assert_array_equal(np.round(Tensor(x), decimals).numpy(), np.round(x, decimals))
    assert mg.round(Tensor([15, 25]), -1).tolist() == np.round([15, 25], -1).tolist()


# --- every family -----------------------------------------------------------------------------------------------------

PLACES = [0.0, -0.0, 0.5, -0.5, 1.0, -1.0, 2.0, -2.0, 1e3, -1e3, 1e300, -1e300, 5e-324]


@pytest.mark.parametrize("op", UNARY, ids=lambda op: op.name)
def test_N16_nothing_comes_from_a_pole_or_from_outside_the_domain(op):
    infinite = [inf, -inf] if op.name in ("arcsin", "arccos", "arctanh", "log", "sqrt") else []
    for x in PLACES + infinite:
        with np.errstate(all="ignore"):
            assert derivatives(lambda x: mg.where(False, op(x, **required(op)), 0.0), x, 2) == [0.0, 0.0, 0.0]


@pytest.mark.parametrize("left", [0.0, -1.0, inf, -inf])
@pytest.mark.parametrize("right", [0.0, -1.0, inf, -inf])
@pytest.mark.parametrize("name", ["divide", "tensor_power", "hypot", "arctan2", "logaddexp"])
def test_N16_nothing_comes_from_a_pole_of_two_arguments(name, left, right):
    with np.errstate(all="ignore"):
        _, *found = gradients(lambda x, y: mg.where(False, mg.registry[name](x, y), 0.0), left, right)
    assert found == [0.0, 0.0]


SMALL = np.array([-0.0, 0.0, 5e-324, -5e-324, 1e-310, -1e-310])
SINGULAR = {"log", "log2", "log10", "sqrt", "reciprocal", "arccosh"}  # there is no derivative at 0


@pytest.mark.parametrize("op", [op for op in UNARY if op.name not in SINGULAR], ids=lambda op: op.name)
def test_N38_subnormal_inputs_have_finite_gradients_without_warnings(op):
    y, g = gradients(lambda x: op(x, **required(op)), SMALL)
    assert np.isfinite(y).all()
    assert np.isfinite(g).all()


@pytest.mark.parametrize(
    "function",
    [
        lambda x: mg.where(True, x, 1.0), lambda x: mg.where(x == x, x, 0.0), lambda x: mg.clip(x, -1, 1),
        lambda x: mg.negative(-x), lambda x: mg.maximum(x, -1.0), lambda x: mg.minimum(x, 1.0),
        lambda x: mg.astype(x, "float32"), mg.stop_gradient, mg.trunc, mg.round, lambda x: mg.leaky_relu(x, slope=1.0),
        lambda x: mg.reshape(x, (2, -1)).ravel(), lambda x: mg.broadcast_to(x, (2, 6))[0], lambda x: x[:],
        lambda x: mg.concatenate([x, x])[:6], lambda x: x + -0.0, lambda x: mg.multiply(x, 1.0),
        mg.sin, mg.tan, mg.arcsin, mg.arctan, mg.sinh, mg.tanh, mg.arcsinh, mg.arctanh, mg.expm1, mg.log1p, mg.erf,
        mg.softsign, mg.gelu, mg.silu, mg.mish,
    ],
)  # fmt: skip
def test_N38_the_sign_of_zero_survives(function):
    signs = np.signbit(SMALL)
    assert np.signbit(function(Tensor(SMALL)).numpy()).tolist() == signs.tolist()


@pytest.mark.parametrize("zero", [0.0, -0.0])
def test_N38_where_keeps_the_sign_of_the_zero_it_is_given(zero):
    x, condition = np.array([1.0, 2.0]), np.array([True, False])
    sign = np.signbit(zero)
    assert np.signbit(mg.where(condition, x, zero)).tolist() == [False, sign]
    assert np.signbit(mg.where(condition, zero, x)).tolist() == [sign, False]


@pytest.mark.parametrize("op", OPS, ids=lambda op: op.name)
def test_S1_zero_dimensional_inputs_give_zero_dimensional_arrays(op):
    rng = np.random.default_rng(0)
    inputs, params = op.bind(specimens_of(op).samples[0].args, dict(specimens_of(op).samples[0].params))
    values = [realise(x._replace(shape=()), rng) if isinstance(x, Draw) else x for x in inputs]
    given = [(x, isinstance(x, np.ndarray) and x.dtype.kind == "f") for x in values]
    xs = [Tensor(x, requires_grad=op.differentiable) if is_float else x for x, is_float in given]
    if not any(is_float for _, is_float in given):  # an op of integers alone
        xs = [Tensor(x) for x in values]
    y = op(*xs, **params)
    assert type(y._held) is np.ndarray
    assert y.shape == ()
    variables = [x for x in xs if isinstance(x, Tensor) and x.requires_grad]
    for x, g in zip(variables, mg.grad(y, variables) if variables else [], strict=True):
        assert (type(g._held), g.shape, g.dtype) == (np.ndarray, x.shape, x.dtype)


@pytest.mark.parametrize(
    ("left", "right"),
    [((3, 1), (1, 4)), ((5, 1), (5,)), ((), (2, 3)), ((10, 1, 5), (1, 10, 5)), ((0, 1, 3), (0, 4, 3))],
)
@pytest.mark.parametrize(
    "function", [mg.add, mg.subtract, mg.multiply, mg.divide, mg.maximum, mg.power, mg.hypot, mg.logaddexp]
)
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


def test_E1_shapes_that_do_not_broadcast_are_named():
    with pytest.raises(ValueError, match=r"add\(x1: float64 \(2, 3\), x2: float64 \(4,\)\)"):
        Tensor(np.ones((2, 3))) + Tensor(np.ones(4))


UFUNCS = [function for function, ours in by_numpy.items() if isinstance(function, np.ufunc) and ours in OPS]


@pytest.mark.parametrize("ufunc", UFUNCS, ids=lambda ufunc: ufunc.__name__)
def test_E9_keywords_that_are_not_supported_are_named(ufunc):
    values = [Tensor([0.5, 1.0])] * ufunc.nin
    for keyword, value in (("where", [True, False]), ("dtype", np.float32), ("casting", "no")):
        with pytest.raises(TypeError, match=f"{keyword}.* not supported"):
            ufunc(*values, **{keyword: value})


@pytest.mark.parametrize("ufunc", UFUNCS, ids=lambda ufunc: ufunc.__name__)
def test_E9_an_array_is_written_into_as_numpy_does_it_unless_a_gradient_would_be_lost(ufunc):
    arrays = [np.array([True, False] if ufunc.__name__.startswith(("bitwise", "invert")) else [0.5, 1.0])] * ufunc.nin
    out, expected = np.zeros(2), np.zeros(2)
    with np.errstate(all="ignore"):  # outside of the domain
        ufunc(*arrays, out=expected)
        assert ufunc(*map(Tensor, arrays), out=out) is out
    np.testing.assert_array_equal(out, expected)
    if arrays[0].dtype.kind == "f":
        with pytest.raises(TypeError, match="gradient"):
            ufunc(*(Tensor(array, requires_grad=True) for array in arrays), out=out)
        with pytest.raises(mg.GraphError, match="set_at"):
            ufunc(*arrays, out=Tensor(out))


def test_E9_the_functions_themselves_refuse_them_too():
    with pytest.raises(TypeError, match="add: argument out is not supported"):
        mg.add(Tensor([1.0]), 1.0, out=None)
    with pytest.raises(TypeError, match="round: argument out is not supported"):
        mg.round(Tensor([1.0]), out=np.zeros(1))
