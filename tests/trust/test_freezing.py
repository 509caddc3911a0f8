"""`requires_grad` may be set where it is a choice, for leaves, and nowhere else."""

import numpy as np
import pytest

import minigrad as mg

T = mg.Tensor


@pytest.mark.parametrize("function", [mg.exp, mg.sum, lambda x: x * 2.0, lambda x: x[0], mg.copy])
def test_E2_a_result_cannot_be_cut_out_of_its_graph(function):
    x = T([1.0, 2.0], requires_grad=True)
    y = function(x)
    with pytest.raises(mg.GraphError, match=r"\.detach\(\)"):
        y.requires_grad = False
    y.requires_grad = True  # as it is
    mg.sum(y).backward()
    assert np.all(x.grad[:1] != 0)


def test_E2_a_leaf_is_frozen_and_thawed():
    p = T([1.0], requires_grad=True)
    p.requires_grad = False
    assert not (p * 2.0).requires_grad
    p.requires_grad = True
    assert (p * 2.0).requires_grad


def test_E2_a_result_without_history_becomes_a_leaf():
    x = T([1.0], requires_grad=True)
    with mg.no_grad():
        y = x * 2.0
    y.requires_grad = True
    mg.sum(y * y).backward()
    assert y.grad.tolist() == [4.0]


@pytest.mark.parametrize("dtype", [bool, int, np.uint8])
def test_E2_integers_require_no_gradient_later_either(dtype):
    with pytest.raises(TypeError, match="cannot require a gradient"):
        T(np.ones(2, dtype)).requires_grad = True
