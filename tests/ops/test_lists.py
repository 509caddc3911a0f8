"""Lists that hold Tensors are operands: they are stacked, at every depth."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import Tensor

CALLS = {
    "sum": lambda t, u: mg.sum([t, u], 0), "add": lambda t, u: mg.add([t, u], 1.0), "beside": lambda t, u: t * [u, t],
    "nested": lambda t, u: mg.concatenate([[t, u], [u, u]]), "deep": lambda t, u: mg.mean([[t, u], [u, t]], axis=1),
    "with numbers": lambda t, u: mg.stack([[t[0], 2.0], [u[1], t[1]]]), "matmul": lambda t, u: mg.matmul([t, u], u),
    "reversed": lambda t, u: [t, u] + u * 1.0,
    "several axes": lambda t, u: mg.softmax([t, u], axis=(0, 1)),
    "all axes": lambda t, u: mg.log_softmax([t, u], None, axis=None),
    "classes": lambda t, u: mg.cross_entropy([t, u], [0, 1]),
}  # fmt: skip


@pytest.mark.parametrize("name", CALLS)
def test_a_list_of_tensors_is_the_array_of_them_with_its_gradients(name):
    arrays = [np.array([1.0, 2.0]), np.array([3.0, -4.0])]
    xs = [Tensor(a, requires_grad=True) for a in arrays]
    function = CALLS[name]
    expected = np.asarray(function(*arrays))
    for y in (function(*xs), mg.compile(function)(*xs)):
        np.testing.assert_allclose(y.numpy(), expected)
    assert mg.check_gradients(function, xs).passed
