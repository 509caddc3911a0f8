"""Graphs from recorded tensors and from traced functions."""

import numpy as np
import pytest

import minigrad as mg
from minigrad.graph import graph_of, trace


def parameter(*shape, name=None):
    return mg.Tensor(np.arange(1.0, 1.0 + np.prod(shape)).reshape(shape), requires_grad=True, name=name)


def test_nodes_are_numbered_in_an_order_in_which_they_can_be_computed():
    x = parameter(2, 3, name="x")
    graph = mg.sum(mg.softmax(x * 2.0) * x).graph(gradients=True)
    assert [node.number for node in graph] == list(range(len(graph)))
    for node in graph:
        assert all(operand.number < node.number for operand in node.inputs if isinstance(operand, mg.graph.Node))


def test_a_leaf_stands_right_before_its_first_user():
    a, b = parameter(2, name="a"), parameter(2, name="b")
    graph = ((a * 2.0) + b).graph()
    assert [node.name or node.op for node in graph] == ["a", "multiply", "b", "add"]


def test_repeated_operands_and_python_numbers_are_kept():
    x = parameter(2)
    graph = mg.where(x > 0.0, x * x, 1.0).graph()
    square = graph.find("multiply")
    assert square.inputs == (graph[0], graph[0])
    where = graph.find("where")
    assert where.inputs[2] == 1.0
    assert type(where.inputs[2]) is float


def test_params_are_complete_and_read_only():
    node = mg.sum(parameter(2, 2), axis=0).graph().find("sum")
    assert node.params["axis"] == 0
    assert node.params["keepdims"] is False
    with pytest.raises(TypeError):
        node.params["axis"] = 1


def test_roles_of_recorded_leaves():
    weight, data = parameter(2, name="weight"), mg.Tensor([1.0, 2.0], name="data")
    graph = graph_of(mg.sum(weight * data + np.ones(2)), gradients=True)
    roles = {node.role: node.name for node in graph if node.op is None}
    assert roles == {"parameter": "weight", "input": "data", "constant": None, "cotangent": "∂output"}


def test_order_and_origin_of_gradient_nodes():
    x = parameter(3, name="x")
    y = mg.softmax(x)
    first = mg.grad(y, x, cotangents=np.array([1.0, 2.0, 3.0]), create_graph=True)
    second = mg.grad(first, x, cotangents=np.array([3.0, 2.0, 1.0]), create_graph=True)
    graph = graph_of([y, first, second])
    forward = graph.find("softmax")
    assert forward.order == 0
    assert forward.origin is None
    of_softmax = [node for node in graph if node.origin is not None and node.origin.node is forward]
    assert {node.order for node in of_softmax} == {1, 2}
    assert {node.origin.argument for node in of_softmax} == {"x"}
    assert [node.order for node in graph.outputs] == [0, 1, 2]


@pytest.mark.parametrize("several", [False, True])
def test_gradients_of_all_orders_are_called_differently(several):
    """Also where what is differentiated has no name."""
    x = parameter(3, name="x")
    y = mg.tanh(x) * x
    y.name = "y"
    outputs = []
    for _ in range(3):
        outputs.append(mg.sum(mg.square(outputs[-1] if outputs else y)))
        outputs.append(mg.grad((outputs[-1], outputs[-1]) if several else outputs[-1], x, create_graph=True))
    names = [node.name for node in graph_of(outputs) if node.name and (node.order or node.role == "cotangent")]
    names = [name for name in names if "/" in name] if several else names  # the two seeds of one sweep are alike
    assert {"∂outputs3/∂y", "∂outputs/∂x"} <= set(names) if several else {"∂output3/∂y", "∂output/∂x"} <= set(names)
    assert sorted(names) == sorted(set(names))


def test_an_origin_outside_of_the_graph_is_none():
    x = parameter(3)
    gradient = mg.grad(mg.sum(x * x), x, create_graph=True)
    (made_for_sum,) = {node.origin for node in graph_of(gradient) if node.origin and node.origin.argument == "x"}
    assert made_for_sum.node is None


def test_a_parameter_belongs_to_the_scope_that_uses_it_first_and_an_input_to_none():
    weight, data = parameter(2, name="weight"), mg.Tensor([1.0, 2.0], name="data")
    with mg.scope("first"):
        y = data * weight
    with mg.scope("second"):
        y = y * weight
    graph = y.graph()
    assert [node.path for node in graph if node.name == "weight"] == ["first/weight"]
    assert graph.find("data").path == "data"


def test_values_and_gradients_are_read_only_views():
    x = parameter(2)
    loss = mg.sum(x * x)
    loss.backward(keep=True)
    graph = loss.graph()
    assert all(node.value is not None and node.gradient is not None for node in graph)
    assert np.shares_memory(graph[0].value, x.data)
    with pytest.raises(ValueError, match="read-only"):
        graph[0].value[0] = 1.0
    with pytest.raises(ValueError, match="read-only"):
        graph[0].gradient[0] = 1.0


def test_a_graph_and_its_nodes_do_not_change():
    graph = parameter(2).exp().graph()
    with pytest.raises(AttributeError):
        graph.nodes = ()
    with pytest.raises(AttributeError):
        graph[0].name = "other"


def test_source_lines_are_kept():
    with mg.trace_lines():
        y = mg.exp(parameter(2))
    assert y.graph().find("exp").line.startswith("test_build.py:")


def test_gradients_of_nothing_are_refused():
    with pytest.raises(mg.GraphError, match="requires a gradient"):
        graph_of(mg.Tensor(1.0), gradients=True)
    with pytest.raises(TypeError, match="ndarray"):
        graph_of(np.ones(2))


@pytest.mark.deep
def test_a_long_chain_is_built_without_recursion_and_freed():
    x = y = parameter()
    for _ in range(100_000):
        y = y + x
    graph = y.graph()
    assert len(graph) == 100_001
    assert graph.outputs[0].number == 100_000


# --- traced functions -------------------------------------------------------------------------------------------------


def test_tracing_computes_assigns_and_draws_nothing():
    total, rng = mg.Tensor([1.0], name="total"), np.random.default_rng(0)
    before = rng.bit_generator.state

    def step(x):
        mg.assign(total, mg.read(total) + mg.dropout(x, 0.5, rng=rng))
        return mg.read(total)

    graph = trace(step, np.ones(1))
    assert total.tolist() == [1.0]
    assert rng.bit_generator.state == before
    assert [node.role for node in graph.effects] == ["random"]
    assert {state.name: value.op for state, value in graph.updates.items()} == {"total": "add"}
    assert graph.find("total").role == "state"
    assert all(node.value is None for node in graph if node.op is not None)


def test_every_array_argument_is_an_input_in_the_order_of_the_signature():
    def function(a, pair, factor, *, key):
        return pair["second"] * factor + key

    arrays = [mg.Tensor(np.ones(2)), {"first": np.zeros(3), "second": np.zeros(2)}]
    graph = trace(function, arrays[0], arrays[1], 3.0, key=np.ones(2, np.float32))
    assert [(node.name, node.shape) for node in graph.inputs] == [
        ("a", (2,)), ("pair['first']", (3,)), ("pair['second']", (2,)), ("key", (2,)),
    ]  # fmt: skip
    assert 3.0 in graph.find("multiply").inputs


def test_what_was_computed_outside_is_a_leaf_with_its_value():
    outside = mg.exp(parameter(2))
    graph = trace(lambda x: x + outside, np.ones(2))
    assert [node.op for node in graph] == [None, None, "add"]
    assert graph[1].role == "state"
    assert np.array_equal(graph[1].value, outside.data)


def test_state_that_is_written_without_being_read_is_a_node():
    state = mg.Tensor([0.0], name="latest")
    graph = trace(lambda x: mg.assign(state, x), np.ones(1))
    ((written, value),) = graph.updates.items()
    assert (written.name, written.role, value.name) == ("latest", "state", "x")
    assert graph.outputs == ()


def test_an_argument_is_called_as_its_tensor_or_else_as_the_parameter():
    graph = mg.trace(lambda x, y: x * y, mg.Tensor([1.0], name="weights"), np.ones(1))
    assert [node.name for node in graph.inputs] == ["weights", "y"]
