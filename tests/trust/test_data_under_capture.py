"""`.data` of parameters and Tensors of arguments, while a function is captured."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import CaptureError, GraphError, Tensor


def trained(decorate):
    """Parameters after three steps as the README writes them, and the losses."""
    p = Tensor([1.0, 2.0], requires_grad=True, name="p")

    @decorate
    def step(x):
        p.grad = None
        loss = mg.sum((p - x) ** 2)
        loss.backward()
        p.data -= 0.1 * p.grad
        p.data *= 0.5
        p.data = mg.where(p.data > 0.2, p.data, mg.zeros_like(p.data))
        return loss, p.data.sum()

    return [[float(y) for y in step(np.array([1.0, 0.5]))] for _ in range(3)], p.tolist()


def eager(step):
    def call(x):
        loss, total = step(x)
        return loss, total

    return call


def test_A15_updates_in_place_work_as_eagerly(monkeypatch):
    assert trained(mg.compile) == trained(eager)
    assert trained(mg.compile(check=3)) == trained(eager)


def test_A15_a_traced_step_updates_in_place():
    p = Tensor([1.0, 2.0], requires_grad=True, name="p")

    def step(x):
        loss = mg.sum(p * x)
        (g,) = mg.grad(loss, [p])
        p.data -= 0.1 * g
        return loss

    graph = mg.trace(step, np.ones(2))
    assert float(graph.run(np.ones(2))) == 3.0
    assert p.tolist() == [0.9, 1.9]


def test_A15_data_is_cut_from_the_graph():
    p = Tensor([1.0, 2.0], requires_grad=True, name="p")

    def gradient(x):
        return mg.grad(mg.sum(p * p.data * x), p)

    assert mg.compile(gradient)(np.ones(2)).tolist() == gradient(np.ones(2)).tolist() == [1.0, 2.0]
    with pytest.raises(CaptureError, match="is read at"):
        mg.compile(lambda x: x * float(p.data.sum()))(np.ones(2))
    with pytest.raises(GraphError, match=r"minigrad\.assign"):
        mg.compile(lambda x: p.data.__setitem__(0, 1.0))(np.ones(2))


@pytest.mark.parametrize("make", [lambda x: Tensor(x, requires_grad=True), lambda x: Tensor(x * 2.0)])
def test_A15_a_leaf_made_of_an_argument_is_refused_naming_what_works(make):
    def gradient(x):
        x = make(x)
        return mg.grad(mg.sum(x * x), x)

    with pytest.raises(CaptureError, match="pass a Tensor that requires a gradient as the argument"):
        mg.compile(gradient)(np.ones(2))
    argument = Tensor([1.0, 2.0], requires_grad=True)
    assert mg.compile(lambda x: mg.grad(mg.sum(x * x), x))(argument).tolist() == [2.0, 4.0]


def test_A15_what_is_read_of_state_has_no_history_in_captured_functions_either():
    p = mg.Tensor([2.0, 3.0], requires_grad=True, name="p")

    def gradients(x):
        return mg.grad(mg.sum(mg.read(p) * x), [x, p], unused="zero")

    x = mg.Tensor([5.0, 7.0], requires_grad=True)
    expected = [[2.0, 3.0], [0.0, 0.0]]
    assert [g.tolist() for g in gradients(x)] == expected
    assert [g.tolist() for g in mg.compile(gradients)(x)] == expected
    assert [g.tolist() for g in mg.trace(gradients, x).run(x)] == expected


@pytest.mark.parametrize("of_state", [True, False])
def test_A2_what_was_assigned_before_is_not_differentiated_in_captured_functions(of_state):
    p = mg.Tensor(2.0, requires_grad=True, name="p")

    def gradient(x, y):
        mg.assign(p, x)
        return mg.grad(p, [y] if of_state else [x], unused="zero")

    x = mg.Tensor(5.0, requires_grad=True)
    assert float(gradient(x, p)[0]) == float(of_state)
    for captured in (mg.compile(gradient), lambda *args: mg.trace(gradient, *args)):
        with pytest.raises(CaptureError, match="'p' was updated before"):
            captured(x, p)


def test_A11_numbers_that_an_unsigned_type_cannot_hold_are_refused_by_name():
    with pytest.raises(OverflowError, match=r"bitwise_xor\(x1: uint32 \(3,\)"):
        mg.Tensor(np.ones(3, np.uint32)) ^ -2
