import numpy as np

import minigrad as mg
from minigrad import ops
from minigrad.drawing.explorer.walk import Seed, walk_steps
from minigrad.graph import Backward, Forward


def parameter(data):
    return mg.Tensor(data, requires_grad=True)


def flows(graph):
    return [step for step in walk_steps(graph) if isinstance(step, Backward)]


def test_values_come_first_then_each_sweep_with_its_seed():
    x = parameter([1.0, 2.0])
    loss = ops.sum(x * x)
    loss.backward(keep=True)
    kinds = [type(step) for step in walk_steps(loss.graph())]
    assert kinds == [Forward, Forward, Seed, Backward, Backward, Backward]


def test_an_operand_that_is_used_twice_has_two_positions():
    x = parameter(3.0)
    y = x * x
    y.backward(keep=True)
    assert [(step.position, float(step.contribution)) for step in flows(y.graph())] == [(0, 3.0), (1, 3.0)]


def test_a_variadic_argument_has_a_position_for_each_operand():
    x, z = parameter([1.0]), parameter([2.0])
    y = ops.sum(ops.concatenate([x, z, x]) * np.array([1.0, 10.0, 100.0]))
    y.backward(keep=True)
    found = [step for step in flows(y.graph()) if step.node.op == "concatenate"]
    assert [(step.position, float(step.contribution[0])) for step in found] == [(0, 1.0), (1, 10.0), (2, 100.0)]


def test_two_outputs_make_two_sweeps_each_with_its_seed():
    x = parameter([1.0, 2.0])
    first, second = ops.sum(x * 2.0), ops.sum(x * x)
    first.backward(keep=True)
    second.backward(keep=True)
    graph = mg.graph_of((first, second))
    seeds = [step.node for step in walk_steps(graph) if isinstance(step, Seed)]
    assert seeds == list(graph.outputs)
    target = next(node for node in graph if node.role == "parameter")
    total = sum(step.contribution for step in flows(graph) if step.target is target)
    assert np.array_equal(total, target.gradient)


def test_without_kept_gradients_there_are_values_only():
    x = parameter([1.0, 2.0])
    assert [type(step) for step in walk_steps(ops.sum(x * x).graph())] == [Forward, Forward]


def test_a_captured_graph_has_no_steps():
    assert walk_steps(mg.trace(lambda x: ops.sum(x * x), np.ones(3))) == []
