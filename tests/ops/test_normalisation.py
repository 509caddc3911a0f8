"""Normalisation of rows against plain NumPy: rows of one element, of equal elements, far from zero."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import Tensor


def value_and_gradients(function, inputs, g):
    value, gradients = mg.vjp(function, [np.asarray(x) for x in inputs], np.asarray(g, np.asarray(inputs[0]).dtype))
    return value.numpy(), *(gradient.numpy() for gradient in gradients)


def normal(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


def test_N32_layer_norm_over_an_axis_of_one_element():
    x, gain, bias = np.full((3, 1), 1e6, np.float32), np.float32([2.0]), np.float32([0.5])
    value, dx, dgain, dbias = value_and_gradients(mg.layer_norm, [x, gain, bias], np.float32([[1], [2], [3]]))
    assert value.tolist() == [[0.5]] * 3
    assert dx.tolist() == [[0.0]] * 3
    assert (dgain.tolist(), dbias.tolist()) == ([0.0], [6.0])


def test_N33_layer_norm_of_a_constant_row_is_exactly_the_bias():
    x, bias = np.full((2, 48), 1e6, np.float32), normal(48).astype(np.float32)
    value, dx, _, _ = value_and_gradients(mg.layer_norm, [x, np.ones(48, np.float32), bias], normal(2, 48, seed=1))
    assert (value == bias).all()
    assert np.isfinite(dx).all()


def test_N34_layer_norm_far_from_zero_in_float32():
    x = (1e4 + normal(4, 64)).astype(np.float32)
    exact = mg.layer_norm(x.astype(np.float64))
    assert np.abs(mg.layer_norm(x) - exact).max() < 3e-3


def test_layer_norm_against_numpy():
    x, gain, bias = normal(2, 3, 8), normal(8, seed=1), normal(8, seed=2)
    expected = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5) * gain + bias
    np.testing.assert_allclose(mg.layer_norm(Tensor(x), gain, bias).numpy(), expected, rtol=1e-13, atol=1e-14)
    expected = x / np.sqrt((x**2).mean(-1, keepdims=True) + 1e-6) * gain
    np.testing.assert_allclose(mg.rms_norm(Tensor(x), gain).numpy(), expected, rtol=1e-13)


def test_N32_N33_gradients_of_rows_without_variance_are_finite_to_second_order():
    for x in (np.full((3, 1), 1e6), np.full((2, 5), 1e6)):
        gain, g = np.full(x.shape[-1], 2.0), normal(*x.shape)
        t = Tensor(x, requires_grad=True)
        first = mg.grad(mg.layer_norm(t, gain), t, g, create_graph=True)
        second = mg.grad(first, t, np.ones(x.shape), unused="zero")
        assert np.isfinite(first.numpy()).all()
        assert np.isfinite(second.numpy()).all()
        assert first.numpy().any() == (x.shape[-1] > 1)


def test_N34_gradients_far_from_zero_in_float32():
    x, g = (1e4 + normal(4, 64)).astype(np.float32), normal(4, 64, seed=1).astype(np.float32)
    _, found = value_and_gradients(mg.standardize, [x], g)
    _, exact = value_and_gradients(mg.standardize, [x.astype(np.float64)], g)
    assert np.abs(found - exact).max() < 3e-3


@pytest.mark.parametrize("function", [mg.standardize, mg.layer_norm, mg.inverse_deviation, mg.rms_norm])
def test_D6_large_values_in_float16_neither_overflow_nor_leave_float16(function):
    x = (normal(2, 64) * 3000).astype(np.float16)
    value, gradient = value_and_gradients(function, [x], normal(*function(x).shape, seed=1))
    assert value.dtype == gradient.dtype == np.float16
    np.testing.assert_allclose(value, function(x.astype(np.float64)), atol=2e-3)
    assert np.isfinite(gradient).all()


@pytest.mark.parametrize("function", [mg.layer_norm, mg.rms_norm])
def test_a_gain_that_would_enlarge_the_rows_is_refused(function):
    for gain in (np.ones((3, 1, 4)), np.ones((3, 4)), np.ones(3)):
        with pytest.raises(ValueError, match=rf"{function.name}: gain of shape .* does not fit rows \(2, 4\)"):
            function(np.ones((2, 4)), gain)
    assert function(np.ones((2, 4)), np.ones((2, 1))).shape == (2, 4)
