"""Parts of graphs."""

import numpy as np
import pytest

import minigrad as mg
from minigrad.graph import Node, trace


def attention(traced=False):
    rng = np.random.default_rng(0)
    arrays = [rng.standard_normal((3, 2)) for _ in range(3)]
    if traced:
        return trace(lambda q, k, v: mg.scaled_dot_product_attention(q, k, v), *arrays)
    q, k, v = (mg.Tensor(a, requires_grad=True, name=n) for a, n in zip(arrays, "qkv", strict=True))
    return mg.scaled_dot_product_attention(q, k, v).graph()


def test_between_keeps_the_paths_and_makes_leaves_of_what_enters():
    part = attention().between("scores", "context")
    assert [node.name for node in part] == ["scores", "weights", "v", "context"]
    assert [node.role for node in part] == ["input", "op", "parameter", "op"]
    assert part.find("weights").inputs[0] is part.find("scores")
    assert part.outputs == (part.find("context"),)


def test_a_part_runs_on_what_was_recorded_and_on_other_values():
    graph = attention()
    part = graph.between("scores", "context")
    assert np.array_equal(part.run(), graph.outputs[0].value)
    even = part.run(np.zeros((3, 3)))
    assert np.allclose(even, graph.find("v").value.mean(axis=0))


def test_a_part_of_a_traced_graph_takes_its_inputs_as_arguments():
    part = attention(traced=True).between("scores", "context")
    assert [node.name for node in part.inputs] == ["scores", "v"]
    assert part.run(np.zeros((3, 3)), np.ones((3, 2))).tolist() == [[1.0, 1.0]] * 3


def test_nodes_of_a_part_refer_to_nodes_of_the_part_only():
    x = mg.Tensor([1.0, 2.0], requires_grad=True, name="x")
    graph = mg.sum(mg.exp(x) * x).graph(gradients=True)
    part = graph.between("∂output", graph.outputs[1])
    members = set(part.nodes)
    for node in part:
        assert all(operand in members for operand in node.inputs if isinstance(operand, Node))
        assert node.origin is None or node.origin.node is None or node.origin.node in members
    assert np.array_equal(part.run(), graph.outputs[1].value)


def test_no_path_is_an_error():
    with pytest.raises(mg.GraphError, match="no path"):
        attention().between("context", "scores")
    with pytest.raises(mg.GraphError, match="no path"):
        attention().between("v", "weights")


def test_a_node_of_another_graph_is_refused():
    with pytest.raises(mg.GraphError, match="another graph"):
        attention().between(attention()[0], "context")
    with pytest.raises(TypeError, match="Node or its name"):
        attention().between(3, "context")


def test_between_leaves_out_what_leads_nowhere():
    x = mg.Tensor([1.0], requires_grad=True, name="x")
    y = mg.exp(x)
    aside = y * 3.0
    last = mg.sin(y)
    graph = mg.graph_of([aside, last])
    part = graph.between(graph.find("x"), graph.nodes[-1])
    assert [node.op for node in part] == [None, "exp", "sin"]
