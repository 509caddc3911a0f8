"""What is as constant in a captured function as a slice: lists of numbers, `arange`, `tri`; and what is refused."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import CaptureError, Tensor
from minigrad.core.structure import leaves

Q = np.arange(12.0).reshape(4, 3)
WITH_LISTS = {
    "an index": lambda q: (q[[0, 2]], q[[0, 2], [1, 1]], q[:, [0]], q[[]], q[[[0], [1]]]),
    "take": lambda q: (mg.take(q, [0, 2]), mg.take(q, (0, 2), axis=0), mg.take(q, []), np.take(q, [1, 1])),
    "operands": lambda q: (q + [1.0, 2.0, 3.0], [1, 2, 3] * q, q / (1, 2, 4), np.add(q, [1.0, 2.0, 3.0])),
    "classes": lambda q: (mg.cross_entropy(q, [0, 1, 2, 0]), mg.embedding(q, [[0, 1]]), mg.one_hot([0], 3) * q[0]),
    "weights": lambda q: mg.cross_entropy(q, [0, 1, 2, 0], [1.0, 2.0, 3.0]),
    "masks": lambda q: (mg.softmax(q, where=[True, False, True]), mg.where([True, False, True], q, 0.0)),
    "targets": lambda q: (mg.mse(q, [1.0, 2.0, 3.0]), mg.bce_with_logits(q, [0, 1, 1]), mg.huber(q, [1, 2, 3])),
    "joined": lambda q: (mg.stack([q[0], [1.0, 2.0, 3.0]]), mg.concatenate([q, [[1.0, 2.0, 3.0]]])),
    "products": lambda q: (mg.einsum("ij,j->i", q, [1.0, 2.0, 3.0]), q @ [1, 2, 3], mg.dot(q, [1.0, 0.0, 2.0])),
    "written": lambda q: (mg.set_at(q, [0, 1], [[1.0, 2.0, 3.0], [4, 5, 6]]), mg.set_at(q, 0, [7.0, 8.0, 9.0])),
    "numbers alone": lambda q: (q * mg.exp([1.0, 2, 3]), q + mg.stack([1.0, 2, 3]), mg.rms_norm([3.0, 4.0]) * q[0, 0]),
    "NumPy scalars": lambda q: q * mg.stack([np.float64(1.0), np.float64(2.0), np.sqrt(3.0)]),
    "counted": lambda q: (q * mg.arange(q.shape[1]), q[mg.arange(0, 4, 2)], q + mg.tri(4, 3), mg.take(q, mg.arange(3))),
    "causal": lambda q: mg.softmax(q @ q.T, where=mg.tri(q.shape[0], dtype=bool)),
}  # fmt: skip


@pytest.mark.parametrize("name", WITH_LISTS)
def test_A14_lists_of_numbers_are_constants(name):
    function = WITH_LISTS[name]

    def gradient(q):
        outputs = list(leaves(function(q)))
        return outputs, mg.grad(outputs, q, [mg.ones_like(y) for y in outputs])

    step, graph = mg.compile(gradient), mg.trace(gradient, Tensor(Q, requires_grad=True))
    for values in (Q, Q * -0.5 + 1.0):
        expected = list(leaves(gradient(Tensor(values, requires_grad=True))))
        actual = list(leaves(step(Tensor(values, requires_grad=True))))
        for ours, interpreted, exact in zip(actual, leaves(graph.run(values)), expected, strict=True):
            assert ours.dtype == interpreted.dtype == exact.dtype
            np.testing.assert_allclose(ours.numpy(), exact.numpy(), rtol=1e-12, atol=1e-14)
            np.testing.assert_allclose(interpreted, exact.numpy(), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(
    "enter",
    [
        lambda x: x + np.arange(3), lambda x: x + [np.float64(1.0), 2.0, 3.0], lambda x: x + [np.ones(3)],
        lambda x: x[np.array([0, 1])], lambda x: mg.take(x, [np.int64(0), 1]), lambda x: Tensor(np.ones(3)) * x,
        lambda x: mg.assign(STATE, np.ones(3)), lambda x: mg.grad(x * 1.0, x, np.ones(3)),
        lambda x: (x * 1.0).backward(np.ones(3)), lambda x: x * mg.stack([np.ones(())]),
    ],
)  # fmt: skip
def test_A14_arrays_made_inside_are_refused_and_the_way_is_named(enter):
    with pytest.raises(CaptureError, match=r"minigrad\.arange or minigrad\.tri, or say minigrad\.constant"):
        mg.compile(enter)(Tensor(np.ones(3), requires_grad=True))


STATE = Tensor(np.zeros(3), name="state")


def test_A14_arange_and_tri_are_those_of_numpy():
    for args, params in [((3,), {}), ((1, 3), {}), ((5, 0, -2), {}), ((0.0, 1.0, 0.25), {}), ((3,), {"dtype": "f4"})]:
        expected = np.arange(*args, **params)
        assert mg.arange(*args, **params).tolist() == expected.tolist()
        assert mg.compile(lambda: mg.arange(*args, **params))().dtype == expected.dtype  # noqa: B023  # called at once
    for args, params in [((3,), {}), ((2, 3), {}), ((3, 2, 1), {}), ((3,), {"k": -1, "dtype": bool})]:
        expected = np.tri(*args, **params)
        assert mg.tri(*args, **params).tolist() == expected.tolist()
        assert mg.compile(lambda: mg.tri(*args, **params))().dtype == expected.dtype  # noqa: B023  # called at once


@pytest.mark.parametrize("function", [lambda n: mg.arange(n), lambda n: mg.tri(3, n), lambda n: mg.arange(0, 3, n)])
def test_A14_numbers_that_are_not_known_are_refused(function):
    for n in (Tensor(3), np.array(3), [3]):
        with pytest.raises(TypeError, match="must be a number that is known when the function is captured"):
            function(n)
    with pytest.raises(TypeError, match=r"as `x\.shape\[0\]` is, got Tensor"):
        mg.compile(function)(np.int64(3))
    np.testing.assert_array_equal(np.asarray(function(np.int64(3))), function(3))
