"""Hard cases of reductions: infinities, ties, zeros, nothing at all, and NumPy's conventions for axes."""

import math

import numpy as np
import pytest

import minigrad as mg
from minigrad import Tensor

inf, nan = math.inf, math.nan


def value_and_gradient(function, x, g=1.0):
    value, (gradient,) = mg.vjp(function, [np.asarray(x, float)], np.asarray(g, float))
    return value.numpy(), gradient.numpy()


# function, input → value, gradient, within an absolute error
TABLE = {
    "N4 logsumexp of nothing but -inf": (mg.logsumexp, [-inf, -inf], -inf, [0, 0], 0),
    "N5 logsumexp with +inf": (mg.logsumexp, [0, inf], inf, [0, 1], 0),
    "N5 logsumexp with several +inf": (mg.logsumexp, [inf, 0, inf, -inf, 1000], inf, [0.5, 0, 0.5, 0, 0], 0),
    "N6 logsumexp of large numbers": (
        mg.logsumexp, [1000, 1001], 1001.3132616875182, [0.2689414213699951, 0.7310585786300049], 2e-14),
    "N11 logsumexp of 0 and -40": (mg.logsumexp, [0, -40], 4.248354255291589e-18, [1, 4.248354255291589e-18], 0),
    "N21 std of equal elements": (mg.std, [3, 3, 3], 0, [0, 0, 0], 0),
    "N21 std of equal elements whose mean is rounded": (mg.std, [0.1, 0.1, 0.1], 0, [0, 0, 0], 0),
    "N22 var of one element": (lambda x: mg.var(x, ddof=1), [3], nan, [nan], 0),
    "N22 std of one element": (lambda x: mg.std(x, ddof=1), [3], nan, [nan], 0),
    "N22 var of one element, ddof 2": (lambda x: mg.var(x, ddof=2), [3], nan, [nan], 0),
    "N22 var of two elements, ddof 2": (lambda x: mg.var(x, ddof=2), [3, 1], inf, [nan, nan], 0),
    "N22 std of two elements, ddof 2": (lambda x: mg.std(x, ddof=2), [3, 1], inf, [nan, nan], 0),
    "N26 max with a tie": (mg.max, [1, 1, 0], 1, [0.5, 0.5, 0], 0),
    "N26 min with a tie": (mg.min, [1, 0, 0], 0, [0, 0.5, 0.5], 0),
    "N26 ptp with ties": (mg.ptp, [1, 1, 0, 0], 1, [0.5, 0.5, -0.5, -0.5], 0),
    "N28 max with a NaN": (mg.max, [1, nan, 3], nan, [0, 1, 0], 0),
    "N28 max with two NaN": (mg.max, [nan, nan, 3], nan, [0.5, 0.5, 0], 0),
    "N28 min with a NaN": (mg.min, [1, nan, 3], nan, [0, 1, 0], 0),
    "N29 prod with a zero": (mg.prod, [0, 2, 3], 0, [6, 0, 0], 0),
    "N29 prod with two zeros": (mg.prod, [0, 0, 3], 0, [0, 0, 0], 0),
    "max of -inf": (mg.max, [-inf, -inf], -inf, [0.5, 0.5], 0),
    "S2 sum of nothing": (mg.sum, [], 0, [], 0),
    "S2 prod of nothing": (mg.prod, [], 1, [], 0),
    "S2 logsumexp of one": (mg.logsumexp, [2], 2, [1], 0),
    "S1 sum of a number": (mg.sum, 2, 2, 1, 0),
    "S1 max of a number": (mg.max, 2, 2, 1, 0),
    "S1 prod of a number": (mg.prod, 2, 2, 1, 0),
    "S1 mean of a number": (mg.mean, 2, 2, 1, 0),
    "S1 std of a number": (mg.std, 2, 0, 0, 0),
    "S1 min of a number": (mg.min, 2, 2, 1, 0),
    "S1 ptp of a number": (mg.ptp, 2, 0, 0, 0),
    "S1 var of a number": (mg.var, 2, 0, 0, 0),
    "S1 logsumexp of a number": (mg.logsumexp, 2, 2, 1, 0),
    "S1 sum over axis 0 of a number": (lambda x: mg.sum(x, 0), 2, 2, 1, 0),
    "S1 max over axis -1 of a number": (lambda x: mg.max(x, -1, keepdims=True).reshape(()), 2, 2, 1, 0),
    "S1 prod over axis 0 of a number": (lambda x: mg.prod(x, 0), 2, 2, 1, 0),
    "S1 logsumexp over axis 0 of a number": (lambda x: mg.logsumexp(x, 0), 2, 2, 1, 0),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore:(divide by zero|invalid value) encountered:RuntimeWarning")  # as NumPy warns
@pytest.mark.parametrize(
    ("function", "x", "value", "gradient", "error"), TABLE.values(), ids=[name.replace(" ", "_") for name in TABLE]
)
def test_value_and_gradient(function, x, value, gradient, error):
    found = value_and_gradient(function, x)
    np.testing.assert_allclose(found[0], value, rtol=0, atol=error)
    np.testing.assert_allclose(found[1], np.asarray(gradient, float), rtol=0, atol=error, strict=True)


def test_N5_every_share_of_an_infinite_logsumexp_adds_up_to_the_incoming_gradient():
    x = [[inf, inf, 0.0], [inf, 1.0, 2.0], [0.0, 0.0, -inf]]
    _, gradient = value_and_gradient(lambda x: mg.logsumexp(x, axis=1), x, [3.0, 5.0, 8.0])
    assert gradient.tolist() == [[1.5, 1.5, 0.0], [5.0, 0.0, 0.0], [4.0, 4.0, 0.0]]


def test_N6_the_gradient_of_logsumexp_is_not_rounded_with_its_value():
    _, gradient = value_and_gradient(mg.logsumexp, [1e6, 1e6 + 1])
    weights = np.array([1.0, math.e]) / (1 + math.e)
    np.testing.assert_allclose(gradient, weights, rtol=4 * np.finfo(float).eps)


def test_the_definition_of_logsumexp_drops_the_reduced_axes_only():
    x = np.ones((1, 3, 1))
    with mg.expanded("logsumexp"):
        assert [mg.logsumexp(x, axis=axis).shape for axis in (1, (0, 1), None)] == [(1, 1), (1,), ()]


@pytest.mark.parametrize("size", [1.0, 1e6, 1e-6])
def test_N21_std_of_equal_elements_at_any_size_and_in_float32(size):
    for dtype in (np.float64, np.float32):
        x = np.full((48, 2), 0.7 * size, dtype)
        value, (gradient,) = mg.vjp(lambda x: mg.std(x, axis=0, ddof=1), [x], np.ones(2, dtype))
        assert not value.numpy().any()
        assert not gradient.numpy().any()


def test_N22_of_one_element_along_an_axis_is_nan_with_the_shape_kept():
    with pytest.warns(RuntimeWarning, match="invalid value"):
        value, gradient = value_and_gradient(lambda x: mg.std(x, 1, ddof=1, keepdims=True), [[1.0], [2.0]], [[1.0]] * 2)
    assert value.shape == gradient.shape == (2, 1)
    assert np.isnan(value).all()
    assert np.isnan(gradient).all()


def test_N26_shares_of_ties_along_an_axis_add_up_to_the_incoming_gradient():
    x, g = [[1.0, 3.0, 3.0], [2.0, 2.0, 2.0]], np.array([6.0, 9.0])
    _, gradient = value_and_gradient(lambda x: mg.max(x, axis=1), x, g)
    assert gradient.tolist() == [[0.0, 3.0, 3.0], [3.0, 3.0, 3.0]]


def test_N29_second_derivatives_of_a_product_with_zeros():
    ((hessian,),) = mg.hessian(mg.prod, [[0.0, 0.0, 3.0]])
    assert hessian.tolist() == [[0.0, 3.0, 0.0], [3.0, 0.0, 0.0], [0.0, 0.0, 0.0]]


def test_N29_a_product_with_zeros_is_right_to_third_order_over_several_axes():
    report = mg.check_gradients(lambda x: mg.prod(x, axis=(0, -1)), [zeros_in(2, 3, 2)], order=3, directions=2)
    assert report.passed


def zeros_in(*shape):
    """Numbers of which every third is 0."""
    x = np.random.default_rng(0).uniform(0.5, 1.5, shape)
    x.flat[::3] = 0.0
    return x


def test_N29_the_second_derivative_of_a_product_has_as_many_nodes_for_long_rows_as_for_short_ones():
    def nodes(length):
        x = Tensor(np.ones(length), requires_grad=True)
        first = mg.grad(mg.prod(x), x, create_graph=True)
        return len(mg.graph_of(mg.grad(first, x, np.ones(length), create_graph=True)))

    assert nodes(3) == nodes(300) < 50


def test_S2_mean_of_nothing_is_nan_as_in_numpy():
    with pytest.warns(RuntimeWarning, match="(Mean of empty slice|invalid value)"):
        value, gradient = value_and_gradient(mg.mean, [])
    assert np.isnan(value)
    assert gradient.shape == (0,)


@pytest.mark.parametrize("function", [mg.max, mg.min, mg.logsumexp, mg.argmax, mg.argmin])
def test_S2_the_largest_of_nothing_is_an_error_that_names_the_axis(function):
    with pytest.raises(ValueError, match=rf"{function.name}\(x: float64 \(2, 0\), axis=1"):
        function(Tensor(np.zeros((2, 0))), axis=1)
    with pytest.raises(ValueError, match=rf"{function.name}\(x: float64 \(0,\), axis=None"):
        function(Tensor(np.zeros(0)))


@pytest.mark.parametrize("function", [mg.sum, mg.prod, mg.max, mg.mean, mg.std, mg.logsumexp])
def test_S2_nothing_to_reduce_gives_nothing_and_has_a_gradient_of_its_shape(function):
    value, gradient = value_and_gradient(lambda x: function(x, axis=1), np.zeros((0, 3)), np.zeros(0))
    assert (value.shape, gradient.shape) == ((0,), (0, 3))


@pytest.mark.parametrize("function", [mg.sum, mg.mean, mg.max, mg.min, mg.prod, mg.var, mg.std, mg.ptp])
@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("axis", [None, 0, -1, (0, -1), (), (1,), (2, 0, 1)])
def test_S8_S9_axes_and_keepdims_are_numpys(function, axis, keepdims):
    x = np.random.default_rng(0).standard_normal((2, 3, 4))
    expected = getattr(np, function.name)(x, axis=axis, keepdims=keepdims)
    value, gradient = value_and_gradient(
        lambda x: function(x, axis=axis, keepdims=keepdims), x, np.random.default_rng(1).standard_normal(expected.shape)
    )
    np.testing.assert_allclose(value, expected, rtol=1e-14, atol=1e-15, strict=True)
    assert gradient.shape == x.shape


REDUCTIONS = [mg.sum, mg.mean, mg.max, mg.min, mg.prod, mg.var, mg.std, mg.logsumexp, mg.any, mg.all]


@pytest.mark.parametrize("function", REDUCTIONS, ids=lambda function: function.name)
def test_S8_E2_wrong_axes_are_refused_as_in_numpy(function):
    for x in (np.ones((2, 3)), Tensor(np.ones((2, 3)), requires_grad=True)):
        with pytest.raises(ValueError, match=f"{function.name}.*duplicate"):
            function(x, axis=(0, -2))
        with pytest.raises(np.exceptions.AxisError, match=f"{function.name}.*axis 5 .* array of dimension 2"):
            function(x, axis=5)
        with pytest.raises(np.exceptions.AxisError, match=f"{function.name}.*axis -3 .* array of dimension 2"):
            function(x, axis=(0, -3))


@pytest.mark.parametrize("function", [mg.argmax, mg.argmin, mg.cumsum, mg.cumprod], ids=lambda function: function.name)
def test_E2_wrong_axes_of_functions_along_one(function):
    with pytest.raises(np.exceptions.AxisError, match=f"{function.name}.*axis 5 .* array of dimension 2"):
        function(Tensor(np.ones((2, 3))), axis=5)


def test_positional_arguments_are_numpys():
    x = Tensor(np.arange(6.0).reshape(2, 3))
    assert mg.sum(x, 0).tolist() == x.sum(0).tolist() == [3.0, 5.0, 7.0]
    assert x.mean(1, keepdims=True).shape == (2, 1)


def test_D5_reductions_of_integers_and_booleans():
    integers, booleans = Tensor([[1, 2], [3, 5]]), Tensor([True, True, False])
    assert (mg.mean(integers).dtype, float(mg.mean(integers))) == (np.float64, 2.75)
    assert (mg.sum(booleans).dtype, int(mg.sum(booleans))) == (np.int64, 2)
    assert (mg.max(integers).dtype, mg.prod(integers).dtype) == (np.int64, np.int64)
    assert mg.var(integers).dtype == np.float64
    assert mg.mean(booleans).dtype == np.float64


@pytest.mark.parametrize("name", ["sum", "prod", "mean", "var", "std", "max", "ptp", "any", "all"])
def test_D5_small_unsigned_integers_wrap_only_where_numpys_do(name):
    x = np.array([[200, 100], [3, 255]], np.uint8)
    expected = getattr(np, name)(x, axis=1)
    found = getattr(mg, name)(Tensor(x), axis=1).numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-14, strict=True)


def test_D6_sums_of_float16_are_kept_in_float32_and_ties_counted_in_integers():
    ones = Tensor(np.ones(70_000, np.float16), requires_grad=True)
    assert float(mg.mean(ones)) == 1.0
    (gradient,) = mg.grad(mg.mean(ones), [ones])
    assert float(gradient.numpy().astype(np.float64).sum()) == pytest.approx(1.0, abs=0.02)  # 1/70,000 is subnormal
    columns = np.ones((5_000, 2), np.float16)
    assert mg.sum(columns, axis=0).tolist() == [5_000, 5_000]  # NumPy stops at 2,048
    assert float(mg.logsumexp(ones)) == pytest.approx(1 + math.log(70_000), abs=0.01)
    (gradient,) = mg.grad(mg.max(ones), [ones], np.float16(1.0))
    assert gradient.dtype == np.float16
    assert float(gradient.numpy().astype(np.float64).sum()) == pytest.approx(1.0, abs=0.02)  # 1/70,000 is subnormal


def test_argmax_takes_the_first_and_has_no_gradient():
    x = Tensor([[1.0, 3.0, 3.0], [5.0, 4.0, 5.0]], requires_grad=True)
    assert mg.argmax(x, axis=1).tolist() == [1, 0]
    assert mg.argmin(x, axis=-1).tolist() == [0, 1]
    assert not mg.argmax(x).requires_grad


def test_gradient_of_std_is_that_of_its_definition():
    x = np.random.default_rng(0).standard_normal((4, 5))
    _, gradient = value_and_gradient(lambda x: mg.std(x, axis=0, ddof=1), x, np.ones(5))
    expected = (x - x.mean(0)) / 3 / x.std(0, ddof=1)
    np.testing.assert_allclose(gradient, expected, rtol=1e-13)
