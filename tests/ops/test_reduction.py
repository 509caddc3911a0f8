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
    "N6 logsumexp of large numbers": (
        mg.logsumexp, [1000, 1001], 1001.3132616875182, [0.2689414213699951, 0.7310585786300049], 2e-14),
    "N21 std of equal elements": (mg.std, [3, 3, 3], 0, [0, 0, 0], 0),
    "N22 var of one element": (lambda x: mg.var(x, ddof=1), [3], nan, [nan], 0),
    "N22 std of one element": (lambda x: mg.std(x, ddof=1), [3], nan, [nan], 0),
    "N26 max with a tie": (mg.max, [1, 1, 0], 1, [0.5, 0.5, 0], 0),
    "N26 min with a tie": (mg.min, [1, 0, 0], 0, [0, 0.5, 0.5], 0),
    "N28 max with a NaN": (mg.max, [1, nan, 3], nan, [0, 1, 0], 0),
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
    "S1 logsumexp of a number": (mg.logsumexp, 2, 2, 1, 0),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore:Degrees of freedom:RuntimeWarning")
@pytest.mark.parametrize(("function", "x", "value", "gradient", "error"), TABLE.values(), ids=TABLE.keys())
def test_value_and_gradient(function, x, value, gradient, error):
    found = value_and_gradient(function, x)
    np.testing.assert_allclose(found[0], value, rtol=0, atol=error)
    np.testing.assert_allclose(found[1], np.asarray(gradient, float), rtol=0, atol=error, strict=True)


def test_N26_shares_of_ties_along_an_axis_add_up_to_the_incoming_gradient():
    x, g = [[1.0, 3.0, 3.0], [2.0, 2.0, 2.0]], np.array([6.0, 9.0])
    _, gradient = value_and_gradient(lambda x: mg.max(x, axis=1), x, g)
    assert gradient.tolist() == [[0.0, 3.0, 3.0], [3.0, 3.0, 3.0]]


def test_N29_second_derivatives_of_a_product_with_zeros():
    ((hessian,),) = mg.hessian(mg.prod, [[0.0, 0.0, 3.0]])
    assert hessian.tolist() == [[0.0, 3.0, 0.0], [3.0, 0.0, 0.0], [0.0, 0.0, 0.0]]


def test_S2_mean_of_nothing_is_nan_as_in_numpy():
    with pytest.warns(RuntimeWarning, match="(Mean of empty slice|invalid value)"):
        value, gradient = value_and_gradient(mg.mean, [])
    assert np.isnan(value)
    assert gradient.shape == (0,)


@pytest.mark.parametrize("function", [mg.max, mg.min, mg.logsumexp, mg.argmax])
def test_S2_the_largest_of_nothing_is_an_error_that_names_the_axis(function):
    with pytest.raises(ValueError, match=rf"{function.name}\(x: float64 \(2, 0\), axis=1"):
        function(Tensor(np.zeros((2, 0))), axis=1)


@pytest.mark.parametrize("function", [mg.sum, mg.mean, mg.max, mg.min, mg.prod, mg.var, mg.std])
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


@pytest.mark.parametrize("function", [mg.sum, mg.mean, mg.max, mg.prod, mg.var, mg.std, mg.logsumexp])
def test_S8_E2_wrong_axes_are_refused_as_in_numpy(function):
    x = Tensor(np.ones((2, 3)), requires_grad=True)
    with pytest.raises(ValueError, match="duplicate"):
        function(x, axis=(0, -2))
    with pytest.raises(np.exceptions.AxisError, match=r"axis 5 is out of bounds for array of dimension 2"):
        function(x, axis=5)


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


def test_D6_sums_of_float16_are_kept_in_float32_and_ties_counted_in_integers():
    ones = Tensor(np.ones(70_000, np.float16), requires_grad=True)
    assert float(mg.mean(ones)) == 1.0
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
