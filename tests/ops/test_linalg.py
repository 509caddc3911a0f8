"""Norms and traces against NumPy; norms of nothing, of zeros, and of numbers whose squares do not exist."""

import math

import numpy as np
import pytest

import minigrad as mg
from minigrad import Tensor

inf, nan = math.inf, math.nan


def value_and_gradient(function, x, g=1.0):
    value, (gradient,) = mg.vjp(function, [np.asarray(x, float)], np.asarray(g, float))
    return value.numpy(), gradient.numpy()


# function, input → value, gradient
TABLE = {
    "N19 norm of zeros": (mg.norm, [0, 0, 0], 0, [0, 0, 0]),
    "N19 norm of a matrix of zeros": (mg.norm, [[0, 0], [0, 0]], 0, [[0, 0], [0, 0]]),
    "N19 norm of zeros, order 1": (lambda x: mg.norm(x, 1), [0, 0], 0, [0, 0]),
    "N19 norm of zeros, order inf": (lambda x: mg.norm(x, inf), [0, 0], 0, [0, 0]),
    "N19 norm of zeros, order 3": (lambda x: mg.norm(x, 3), [0, 0], 0, [0, 0]),
    "N19 norm of zeros, order 1.5": (lambda x: mg.norm(x, 1.5), [0, 0], 0, [0, 0]),
    "N19 norm of zeros, order 0.5": (lambda x: mg.norm(x, 0.5), [0, 0], 0, [0, 0]),
    "N19 norm of one zero": (lambda x: mg.norm(x, 1.5), [0, 4], 4, [0, 1]),
    "N20 norm of nothing": (mg.norm, [], 0, []),
    "N20 norm of nothing, order 3": (lambda x: mg.norm(x, 3), [], 0, []),
    "N20 norm of nothing, order inf": (lambda x: mg.norm(x, inf), [], 0, []),
    "N26 norm of order inf with a tie": (lambda x: mg.norm(x, inf), [2, -2, 1], 2, [0.5, -0.5, 0]),
    "S1 norm of a number": (mg.norm, -2, 2, -1),
    "order 0 counts": (lambda x: mg.norm(x, 0), [0, 3, -1], 2, [0, 0, 0]),
    "squares that overflow": (mg.norm, [3e200, 4e200], 5e200, [0.6, 0.8]),
    "squares that vanish": (mg.norm, [3e-200, 4e-200], 5e-200, [0.6, 0.8]),
    "powers that overflow": (lambda x: mg.norm(x, 4), [1e100, -1e100], 1e100 * 2**0.25, [2**-0.75, -(2**-0.75)]),
    "near the largest number": (mg.norm, [1.7e308, 0], 1.7e308, [1, 0]),
    "near the smallest number": (mg.norm, [3e-308, 0], 3e-308, [1, 0]),
    "a NaN": (mg.norm, [nan, 1], nan, [nan, nan]),
}


@pytest.mark.parametrize(
    ("function", "x", "value", "gradient"), TABLE.values(), ids=[name.replace(" ", "_") for name in TABLE]
)
def test_value_and_gradient(function, x, value, gradient):
    found = value_and_gradient(function, x)
    np.testing.assert_allclose(found[0], value, rtol=1e-15)
    np.testing.assert_allclose(found[1], np.asarray(gradient, float), rtol=1e-15, strict=True)


@pytest.mark.parametrize("order", [None, 1, 3, 1.5, inf])
@pytest.mark.parametrize("shape", [(0,), (3,)])
def test_N19_N20_the_gradient_of_a_norm_of_zeros_does_not_depend_on_what_comes_in(order, shape):
    x, g = Tensor(np.zeros(shape), requires_grad=True), Tensor(2.0, requires_grad=True)
    first = mg.grad(mg.norm(x, order), x, g, create_graph=True)
    assert first.tolist() == [0.0] * shape[0]
    assert mg.grad(first, g, np.ones(shape), unused="zero").item() == 0.0


VECTORS = [(order, axis) for order in (None, 1, 2, 3, -1, 0.5, 0, inf, -inf) for axis in (0, -1, (1,))]
MATRICES = [(order, axes) for order in (None, "fro", "f", 1, -1, inf, -inf) for axes in ((0, 2), (2, 0), (-1, -2))]


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize(("order", "axis"), VECTORS + MATRICES)
def test_S8_S9_norms_are_numpys(order, axis, keepdims):
    x = np.random.default_rng(0).standard_normal((2, 3, 4))
    expected = np.linalg.norm(x, order, axis, keepdims)
    value, gradient = value_and_gradient(lambda x: np.linalg.norm(x, order, axis, keepdims), x, np.ones(expected.shape))
    np.testing.assert_allclose(value, expected, rtol=1e-14, strict=True)
    assert gradient.shape == x.shape


@pytest.mark.parametrize("count", [1, 1023, 1024, 1025, 1_000_000])
@pytest.mark.parametrize("scale", [1.0, 1e-25, 1e25])
def test_the_norm_of_a_long_vector_is_exact_to_rounding_at_every_scale(count, scale):
    x = (np.random.default_rng(0).standard_normal((1, count)) * scale).astype(np.float32)
    norm = mg.vector_norm(x, keepdims=True)
    assert (norm.dtype, norm.shape) == (np.float32, (1, 1))
    np.testing.assert_allclose(norm, np.linalg.norm(x.astype(float)), rtol=3e-7)


@pytest.mark.parametrize("order", [2, -2, "nuc"])
def test_norms_by_singular_values_are_refused_by_name(order):
    with pytest.raises(ValueError, match=rf"norm: ord={order!r} of a matrix, .* singular value.* not supported"):
        np.linalg.norm(Tensor(np.eye(2)), order)


def test_the_axes_of_the_newer_functions_of_numpy_are_the_last_two():
    x = np.random.default_rng(0).standard_normal((2, 3, 4))
    t = Tensor(x, requires_grad=True)
    for found, expected in (
        (np.linalg.matrix_norm(t), np.linalg.matrix_norm(x)),
        (np.linalg.matrix_norm(t, ord=1, keepdims=True), np.linalg.matrix_norm(x, ord=1, keepdims=True)),
        (np.linalg.vector_norm(t, axis=(0, 2)), np.linalg.vector_norm(x, axis=(0, 2))),
        (np.linalg.trace(t), np.linalg.trace(x)),
        (np.linalg.trace(t, offset=1), np.linalg.trace(x, offset=1)),
        (np.trace(t), np.trace(x)),
        (np.trace(t, 1, -1, 0), np.trace(x, 1, -1, 0)),
    ):
        np.testing.assert_allclose(found.numpy(), expected, rtol=1e-15, strict=True)
        assert found.requires_grad


@pytest.mark.parametrize("offset", [-7, -1, 0, 1, 7])
@pytest.mark.parametrize("shape", [(3, 4), (3, 0), (4, 3, 2)])
def test_traces_are_numpys(shape, offset):
    x = np.random.default_rng(0).standard_normal(shape)
    expected = np.trace(x, offset)
    g = np.random.default_rng(1).standard_normal(expected.shape)
    value, gradient = value_and_gradient(lambda x: np.trace(x, offset), x, g)
    np.testing.assert_allclose(value, expected, rtol=1e-15, atol=0, strict=True)
    mask = np.eye(*shape[:2], k=offset).reshape(shape[:2] + (1,) * (len(shape) - 2))
    np.testing.assert_array_equal(gradient, mask * g)


def test_D5_norms_and_traces_of_integers_and_booleans():
    for x in (np.array([[200, 100], [3, 255]], np.uint8), np.array([[True, False], [True, True]])):
        for name in ("norm", "trace"):
            numpys = getattr(np.linalg, name)
            np.testing.assert_allclose(numpys(Tensor(x)).numpy(), numpys(x), rtol=1e-14, strict=True)


def test_D6_norms_of_float16_do_not_overflow_on_the_way():
    x = Tensor(np.full(10_000, 300.0, np.float16), requires_grad=True)
    y = mg.norm(x)
    assert (y.dtype, float(y)) == (np.float16, 30_000)
    assert mg.grad(y, x).numpy() == pytest.approx(0.01, rel=1e-2)


def test_norms_of_subnormal_and_infinite_numbers():
    assert mg.norm(np.array([5e-324, 0.0])) == 5e-324
    assert mg.norm(np.array([-inf, 1.0])) == inf
    assert mg.norm(np.array([1e-310, 1e-310]), 3) == pytest.approx(1e-310 * 2 ** (1 / 3), rel=1e-9)


def test_an_even_order_is_smooth_at_zeros():
    x = Tensor(0.0, requires_grad=True)
    derivatives = [mg.norm(mg.stack([x, Tensor(1.0)]), 4)]  # (1 + x⁴) to the power ¼ is 1 + x⁴/4 − …
    for _ in range(4):
        derivatives.append(mg.grad(derivatives[-1], x, create_graph=True))
    assert [float(y) for y in derivatives] == [1, 0, 0, 0, 6]


LENGTHS = [lambda x, order=order: mg.vector_norm(x, ord=order) for order in (2, 3, 4, 1.5, 0.5, -2)]


@pytest.mark.parametrize("length", [*LENGTHS, mg.std, lambda x: mg.std(x, ddof=1)])
@pytest.mark.parametrize(
    ("dtype", "scale"), [("f4", 1e-18), ("f4", 1e18), ("f8", 1e-140), ("f8", 1e140), ("f8", 1e-150)]
)
def test_derivatives_of_lengths_scale_as_lengths_do(length, dtype, scale):
    """Of c x the gradient is that of x, and the second derivative that of x divided by c; no square stands alone."""
    x = np.array([3.0, -4.0, 1.0], dtype)
    scaled = x * x.dtype.type(scale)
    tolerance = {"rtol": 2e-5, "atol": 2e-6} if dtype == "f4" else {"rtol": 1e-12, "atol": 1e-13}
    one, other = (mg.vjp(length, [each])[1][0].numpy() for each in (x, scaled))
    np.testing.assert_allclose(other, one, **tolerance)
    one, other = (np.array([row.numpy() for row in mg.hessian(length, [each])[0][0]]) for each in (x, scaled))
    np.testing.assert_allclose(other * x.dtype.type(scale), one, **tolerance)
