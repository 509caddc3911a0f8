"""C2: norms, deviations and their kin where they have no derivative: 0 by convention, at every order."""

import numpy as np
import pytest

import minigrad as mg

ORDERS = (2, 3, 4, 1.5, 0.5, -0.5, -1, -2, 1, np.inf, -np.inf)


def derivatives(function, x, orders=3):
    """Of order 1, 2, …, each but the first along a direction."""
    x = mg.Tensor(np.array(x, float), requires_grad=True)
    with np.errstate(divide="ignore"):  # negative powers of 0 warn in NumPy too
        y, found = mg.sum(function(x)), []
    for _ in range(orders):
        gradient = mg.grad(y, x, create_graph=True, unused="zero")
        found.append(gradient.numpy())
        y = mg.sum(gradient * np.cos(1.0 + np.arange(x.size)).reshape(x.shape))
        if not y.requires_grad:
            break
    return found


@pytest.mark.parametrize("order", ORDERS)
def test_C2_a_norm_of_nothing_but_0_has_no_slope_and_no_curvature(order):
    for function in (lambda x: mg.norm(x, order), lambda x: mg.norm(x, order) ** 2):
        for derivative in derivatives(function, [0.0, 0.0]):
            assert derivative.tolist() == [0.0, 0.0]


@pytest.mark.parametrize("order", ORDERS)
def test_C2_one_element_of_0_does_not_disturb_the_others(order):
    found = derivatives(lambda x: mg.norm(x, order) + 0.0 * mg.sum(x), [0.0, 2.0, 1.0])
    assert all(np.isfinite(derivative).all() for derivative in found)
    if order in (2, 3, 4, 1.5):
        without = derivatives(lambda x: mg.norm(x, order), [2.0, 1.0])
        np.testing.assert_allclose(found[0], [0.0, *without[0]])


@pytest.mark.parametrize("order", [3, 4, 5, 2.5])
def test_C2_where_the_curvature_exists_it_is_right(order):
    def function(x):
        return mg.norm(x, order)

    (((found,),)) = mg.hessian(function, [[0.0, 2.0, 1.0]])
    (((beside,),)) = mg.hessian(function, [[1e-9, 2.0, 1.0]])
    np.testing.assert_allclose(found.numpy(), beside.numpy(), atol=1e-3)


def test_C2_clipping_a_length():
    found = derivatives(lambda a: a * (1.0 / mg.maximum(mg.norm(a), 1.0)), [0.0, 0.0])
    assert [derivative.tolist() for derivative in found] == [[1.0, 1.0], [0.0, 0.0], [0.0, 0.0]]


@pytest.mark.parametrize("function", [
    lambda x: mg.std(x, axis=1), lambda x: mg.std(x, axis=1) ** 2, lambda x: mg.std(x, axis=0) * 0.0,
    lambda x: mg.std(mg.concatenate([x, x], axis=1), axis=1, ddof=1), lambda x: mg.hypot(x - x, 0.0 * x),
    lambda x: mg.arctan2(x - x, 0.0 * x),
])  # fmt: skip
def test_C2_equal_elements_do_not_deviate(function):
    for derivative in derivatives(function, [[1.0], [2.0]]):
        assert derivative.tolist() == [[0.0], [0.0]]


def test_C2_the_hessian_of_a_squared_norm_at_0_is_0():
    ((found,),) = mg.hessian(lambda x: mg.norm(x) ** 2, [[0.0, 0.0]])
    ((smooth,),) = mg.hessian(lambda x: mg.sum(x**2), [[0.0, 0.0]])
    assert found.tolist() == [[0.0, 0.0], [0.0, 0.0]]
    assert smooth.tolist() == [[2.0, 0.0], [0.0, 2.0]]


def test_C2_a_variance_is_smooth():
    ((found,),) = mg.hessian(mg.var, [[3.0, 3.0, 3.0]])
    np.testing.assert_allclose(found.numpy(), 2 / 3 * (np.eye(3) - 1 / 3), atol=1e-15)
