"""A write between use and backward is an error, whichever way it was written; gradients share no memory."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import GraphError, Tensor


def leaf(values, **options):
    return Tensor(values, requires_grad=True, **options)


def test_M1_construction_copies():
    source = np.array([1.0, 2.0])
    x = leaf(source)
    y = (x * source).sum()
    source[:] = 100
    y.backward()
    assert x.grad.tolist() == [1.0, 2.0]


@pytest.mark.parametrize("write", ["data", "augmented", "assign", "view", "detached", "no_grad"])
def test_M1_a_write_between_use_and_backward_raises(write):
    x = leaf([1.0, 2.0], name="weights")
    looks_into = x.reshape(2, 1) if write == "view" else x
    with mg.no_grad():
        outside = x.detach() if write == "detached" else x.T if write == "no_grad" else x
    y = (looks_into * 2.0).sum()
    if write == "data":
        x.data = np.zeros(2)
    elif write == "augmented":
        x.data -= 1.0
    else:
        mg.assign(outside, np.zeros(2))
    with pytest.raises(GraphError, match=r"was written to after \w+ used it"):
        y.backward()
    with pytest.raises(GraphError, match="'weights'" if write in ("data", "augmented", "assign") else "written to"):
        mg.grad(y, x, create_graph=True)
    (x * 2.0).sum().backward()
    assert x.grad.tolist() == [2.0, 2.0]


def test_M2_after_backward_an_update_simply_works():
    p = leaf([1.0, 2.0])
    for _ in range(3):
        p.grad = None
        (p * p).sum().backward()
        p.data -= 0.25 * p.grad
    np.testing.assert_allclose(p.numpy(), np.array([1.0, 2.0]) / 8)


def test_M3_gradients_share_memory_with_nothing():
    a, b = leaf([1.0, 2.0]), leaf([3.0, 4.0])
    seed = np.array([1.0, 1.0])
    (a + b).backward(seed)
    arrays = [a.grad, b.grad, seed, a.data, b.data]
    for i, first in enumerate(arrays):
        for second in arrays[i + 1 :]:
            assert not np.shares_memory(first, second)
    seed[:] = 7  # M5
    assert a.grad.tolist() == [1.0, 1.0]


def test_M6_data_is_read_only_and_names_the_way():
    p = leaf([1.0, 2.0])
    with pytest.raises(ValueError, match="assign"):
        p.data[0] = 1.0
    with pytest.raises(ValueError, match="assign"):
        np.add(p.data, 1.0, out=p.data)
    with pytest.raises(ValueError, match="read-only"):
        p.data.fill(0)
    p.data = [5.0, 6.0]
    assert p.tolist() == [5.0, 6.0]


def test_M9_rebinding_a_trained_leaf_raises():
    p = leaf([1.0, 2.0], name="p")
    for operation in ("__iadd__", "__isub__", "__imul__", "__itruediv__"):
        with pytest.raises(GraphError, match=r"p\.data .= …"):
            getattr(p, operation)(1.0)
    with pytest.raises(GraphError, match="set_at"):
        p[0] = 1.0
    y = p * 2.0
    y += 1.0
    assert y.tolist() == [3.0, 5.0]


def test_assign_refuses_what_does_not_fit():
    p = leaf(np.ones(2, np.float32))
    with pytest.raises(ValueError, match=r"cannot take values of shape \(3,\)"):
        mg.assign(p, np.zeros(3))
    with pytest.raises(GraphError, match="result of multiply"):
        mg.assign(p * 2.0, np.zeros(2))
    mg.assign(p, np.zeros(2))
    assert p.dtype == np.float32
