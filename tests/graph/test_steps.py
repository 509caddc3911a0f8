"""Stepping through the forward and the backward pass."""

import numpy as np
import pytest

import minigrad as mg
from minigrad.graph import Backward, Forward, trace


def example():
    x = mg.Tensor(3.0, requires_grad=True, name="x")
    y = x * x + x
    y.name = "y"
    return x, y


def test_contributions_are_in_the_order_of_the_sweep_and_readable():
    _, y = example()
    y.backward(keep=True)
    steps = y.graph().steps()
    assert [type(step) for step in steps] == [Forward] * 2 + [Backward] * 4
    assert repr(steps[0]) == "%1 = multiply(%0, %0)\n    = 9"
    assert repr(steps[-1]).splitlines() == [
        "∂%1/∂x2 of multiply(%0, %0), to %0 x", "    from 1", "    +=   3", "    now  7",
    ]  # fmt: skip


def test_contributions_add_up_to_the_gradients():
    rng = np.random.default_rng(0)
    q, k, v = (mg.Tensor(rng.standard_normal((4, 3)), requires_grad=True, name=name) for name in "qkv")
    loss = mg.sum(mg.square(mg.scaled_dot_product_attention(q, k, v, causal=True) + v))
    loss.backward(keep=True)
    graph = loss.graph()
    sums = {}
    for step in graph.steps():
        if isinstance(step, Backward):
            sums[step.target] = sums.get(step.target, 0.0) + step.contribution
            assert np.array_equal(sums[step.target], step.total)
            assert np.array_equal(step.incoming, step.node.gradient)
            assert not step.contribution.flags.writeable
    received = {node for node in graph if node.gradient is not None} - set(graph.outputs)
    assert received == set(sums)
    assert all(np.array_equal(sums[node], node.gradient) for node in received)
    assert np.array_equal(sums[graph.find("q")], q.grad)


def test_without_a_backward_pass_there_are_only_forward_steps():
    _, y = example()
    assert [step.node.op for step in y.graph().steps()] == ["multiply", "add"]


def test_a_traced_graph_has_no_steps_and_says_what_to_do():
    with pytest.raises(mg.GraphError, match=r"backward\(keep=True\)"):
        trace(lambda x: x * x, np.ones(2)).steps()
