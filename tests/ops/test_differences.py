"""Special values of functions that are made of others: where they are not smooth, not finite, or equal."""

import math

import numpy as np
import pytest

import minigrad as mg
from minigrad import Tensor

BOTH = pytest.mark.parametrize("run", [lambda f: f, mg.compile], ids=["eager", "compiled"])


def derivatives(function, x, order):
    """The value and the derivatives up to an order, of an elementwise function."""
    found = [function(x)]
    for _ in range(order):
        found.append(mg.grad(mg.sum(found[-1]), x, create_graph=True))
    return found


@BOTH
def test_sinc_and_three_derivatives_are_those_of_mathematics_at_0_and_beside_it(run):
    mpmath = pytest.importorskip("mpmath")
    at = [0.0, 1e-9, 0.1, 1 / math.pi, 0.3184, -0.5, 1.0, 3.7]
    found = run(lambda x: derivatives(mg.sinc, x, 3))(Tensor(at, requires_grad=True))
    for order, values in enumerate(found):
        for x, y in zip(at, values.tolist(), strict=True):
            with mpmath.workdps(40):  # the integral of cos(πxt), differentiated
                phase = order * mpmath.pi / 2
                exact = mpmath.quad(
                    lambda t, x=x, n=order, phase=phase: (mpmath.pi * t) ** n * mpmath.cos(mpmath.pi * x * t + phase),
                    [0, 1],
                )
            assert abs(y - float(exact)) <= 2e-14 * math.pi**order, (order, x)


@BOTH
def test_equal_elements_of_a_running_maximum_share_evenly_and_a_nan_takes_all(run):
    slopes = run(lambda x, g: mg.grad(mg.cummax(x), x, g))
    g = Tensor([1.0, 2.0, 4.0, 8.0])
    shares = slopes(Tensor([3.0, 3.0, 1.0, 3.0], requires_grad=True), g)
    np.testing.assert_allclose(shares.numpy(), [1 + 1 + 2 + 8 / 3, 1 + 2 + 8 / 3, 0.0, 8 / 3])
    assert slopes(Tensor([1.0, np.nan, 2.0, 3.0], requires_grad=True), g).tolist() == [1.0, 14.0, 0.0, 0.0]
    np.testing.assert_array_equal(np.maximum.accumulate(Tensor([[1.0, 3.0], [2.0, 1.0]])).numpy(), [[1, 3], [2, 3]])


@BOTH
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_running_logsumexp_neither_overflows_nor_vanishes(run):
    at = [-np.inf, -1000.0, 1000.0, -1000.0, 1000.5]
    y, g = run(lambda x: (mg.logcumsumexp(x), mg.grad(mg.logcumsumexp(x)[-1], x)))(Tensor(at, requires_grad=True))
    np.testing.assert_allclose(y.numpy(), np.logaddexp.accumulate(at), rtol=1e-15)
    share = 1 / (1 + math.exp(0.5))
    np.testing.assert_allclose(g.numpy(), [0.0, 0.0, share, 0.0, 1 - share], rtol=1e-13)


@BOTH
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_what_is_not_finite_becomes_a_number_without_a_gradient(run):
    x = Tensor([1.0, np.nan, np.inf, -np.inf], requires_grad=True)
    y, g = run(lambda x: (np.nan_to_num(x), mg.grad(mg.sum(mg.nan_to_num(x * x, nan=5.0)), x)))(x)
    np.testing.assert_array_equal(y.numpy(), np.nan_to_num(x.numpy()))
    assert g.tolist() == [2.0, 0.0, 0.0, 0.0]


@BOTH
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_probabilities_of_0_and_1_cost_nothing_where_they_are_right(run):
    losses = run(lambda p, t: mg.bce(p, t, reduction="none"))
    assert losses(Tensor([1.0, 0.0, 0.0]), Tensor([1.0, 0.0, 1.0])).tolist() == [0.0, 0.0, np.inf]


@pytest.mark.parametrize("edge_order", [1, 2])
@pytest.mark.parametrize("steps", [(), (0.5,), (0.5, 2.0), (2.0, [0.0, 1.0, 1.5, 3.5]), ([0.0, 0.1, 0.3], 1.0)])
def test_gradient_is_numpys_to_the_last_digits(steps, edge_order):
    f = np.random.default_rng(0).standard_normal((3, 4))
    found, expected = (np.gradient(x, *steps, edge_order=edge_order) for x in (Tensor(f), f))
    for y, right in zip(found, expected, strict=True):
        np.testing.assert_allclose(y.numpy(), right, rtol=1e-12, atol=1e-13)


@BOTH
@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_gradient_is_of_the_type_of_its_samples_whatever_that_of_their_places(dtype, run):
    f, places = np.array([1, 4, 9, 16], dtype), np.array([0.0, 1.0, 1.5, 3.5])
    found = run(lambda x, at: np.gradient(x, at))(Tensor(f), Tensor(places))
    expected = np.gradient(f, places)
    assert found.dtype == expected.dtype == dtype
    np.testing.assert_allclose(found.numpy(), expected, rtol=2e-3 if dtype == np.float16 else 1e-6)
