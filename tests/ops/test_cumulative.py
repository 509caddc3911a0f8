"""Running sums and products against NumPy, their derivatives at zeros, and the recurrence behind them."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import Tensor


def value_and_gradient(function, x, g):
    value, (gradient,) = mg.vjp(function, [np.asarray(x, float)], np.asarray(g, float))
    return value.numpy(), gradient.numpy()


# function, input → value and the gradient for a cotangent of ones
TABLE = {
    "N30 cumprod with a zero": (mg.cumprod, [2, 0, 3, 4], [2, 0, 0, 0], [1, 32, 0, 0]),
    "N30 cumprod with two zeros": (mg.cumprod, [2, 0, 0, 4], [2, 0, 0, 0], [1, 2, 0, 0]),
    "N30 cumprod of zeros": (mg.cumprod, [0, 0, 0], [0, 0, 0], [1, 0, 0]),
    "cumsum": (mg.cumsum, [1, 2, 3], [1, 3, 6], [3, 2, 1]),
    "cumsum of all, row by row": (mg.cumsum, [[1, 2], [3, 4]], [1, 3, 6, 10], [[4, 3], [2, 1]]),
    "S2 cumsum of nothing": (mg.cumsum, [], [], []),
    "S2 cumprod of nothing": (mg.cumprod, [], [], []),
    "S1 cumsum of a number": (mg.cumsum, 2, [2], 1),
    "S1 cumprod of a number": (mg.cumprod, 2, [2], 1),
    "S1 cumsum along axis 0 of a number": (lambda x: mg.cumsum(x, 0), 2, [2], 1),
    "S1 cumprod along axis -1 of a number": (lambda x: mg.cumprod(x, -1), 2, [2], 1),
}


@pytest.mark.parametrize(
    ("function", "x", "value", "gradient"), TABLE.values(), ids=[name.replace(" ", "_") for name in TABLE]
)
def test_value_and_gradient(function, x, value, gradient):
    found = value_and_gradient(function, x, np.ones(np.shape(value)))
    np.testing.assert_array_equal(found[0], np.asarray(value, float), strict=True)
    np.testing.assert_array_equal(found[1], np.asarray(gradient, float), strict=True)


@pytest.mark.parametrize("name", ["cumsum", "cumprod"])
@pytest.mark.parametrize("axis", [None, 0, 1, -1, -3])
@pytest.mark.parametrize("shape", [(2, 3, 4), (2, 0, 4), (1, 1, 1)])
def test_S8_axes_are_numpys(name, axis, shape):
    x = np.random.default_rng(0).standard_normal(shape)
    expected = getattr(np, name)(x, axis)
    g = np.random.default_rng(1).standard_normal(expected.shape)
    value, gradient = value_and_gradient(lambda x: getattr(np, name)(x, axis=axis), x, g)
    np.testing.assert_array_equal(value, expected, strict=True)
    assert gradient.shape == x.shape


@pytest.mark.parametrize("name", ["cumsum", "cumprod"])
def test_D5_integers_and_booleans_are_numpys(name):
    for x in (np.array([200, 2, 3], np.uint8), np.array([3, 4], np.int32), np.array([True, True])):
        found = getattr(mg, name)(Tensor(x)).numpy()
        np.testing.assert_array_equal(found, getattr(np, name)(x), strict=True)


def test_D6_sums_of_float16_are_kept_in_float32():
    assert mg.cumsum(np.ones(5_000, np.float16))[-1] == 5_000  # NumPy stops at 2,048


def test_N30_cumprod_with_zeros_is_right_to_third_order():
    x = np.array([[2.0, 0.0, 3.0, 4.0], [0.0, 1.0, 0.0, 2.0]])
    assert mg.check_gradients(lambda x: mg.cumprod(x, axis=1), [x], order=3, directions=2).passed


def test_N30_the_hessian_of_a_product_up_to_a_place_with_zeros():
    ((hessian,),) = mg.hessian(lambda x: mg.cumprod(x)[2], [[0.0, 0.0, 3.0]])
    assert hessian.tolist() == [[0.0, 3.0, 0.0], [3.0, 0.0, 0.0], [0.0, 0.0, 0.0]]


@pytest.mark.parametrize("reverse", [False, True])
def test_the_recurrence_backwards_is_the_transpose_of_the_recurrence(reverse):
    a = np.random.default_rng(0).standard_normal(5)
    forwards = np.stack([mg.linear_recurrence(a, row) for row in np.eye(5)], axis=1)
    backwards = np.stack([mg.linear_recurrence(a, row, reverse=True) for row in np.eye(5)], axis=1)
    np.testing.assert_allclose(forwards, backwards.T, rtol=1e-14)
    assert forwards[2, 0] == pytest.approx(a[1] * a[2])
    x = Tensor(np.ones(5), requires_grad=True)
    gradient = mg.grad(mg.linear_recurrence(a, x, reverse=reverse), x, np.eye(5)[1])
    np.testing.assert_allclose(gradient.numpy(), (backwards if reverse else forwards)[1], rtol=1e-14)


def test_the_recurrence_takes_numbers_and_sums_gradients_over_what_was_broadcast():
    x = Tensor(np.ones((2, 3), np.float32), requires_grad=True)
    decay = Tensor(np.float32(0.5), requires_grad=True)
    y = mg.linear_recurrence(decay, x)
    assert y.tolist() == [[1.0, 1.5, 1.75]] * 2
    y.sum().backward()
    assert (decay.grad.shape, decay.grad.dtype) == ((), np.float32)
    assert float(decay.grad) == 2 * (1.0 + (1.0 + 2 * 0.5))  # of 1 + a and 1 + a + a², twice
    assert mg.linear_recurrence(0.5, x).dtype == np.float32


def test_E9_arguments_that_are_not_supported_are_named():
    with pytest.raises(TypeError, match="cumprod: argument out is not supported"):
        mg.cumprod(Tensor([1.0]), out=np.zeros(1))
