"""The graph of one real call: inputs after the arguments, gradients of what was asked for, nothing left behind."""

import functools

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.graph.called import SUM, graph_of_call

X = np.array([[0.5, -1.0], [2.0, 0.25]])


def names(graph, role="input"):
    return [node.name for node in graph if node.role == role]


def test_inputs_are_called_after_the_parameters_of_the_function():
    graph = graph_of_call(lambda x, mask, scale: mg.sum(mg.where(mask, x, 0.0)) * scale, X, X > 0, 2.0)
    assert names(graph) == ["mask", "x"]
    assert [node.gradient is not None for node in graph if node.role == "input"] == [False, True]
    assert graph.find("x").gradient.tolist() == [[2.0, 0.0], [2.0, 2.0]]


def test_nested_arguments_have_a_name_each_and_those_not_used_are_there():
    def function(x, *xs, pair=None):
        return x * xs[1] * pair["w"] if pair else x * xs[1]

    graph = graph_of_call(function, X, X, X)
    assert [node.name for node in graph.inputs] == ["x", "xs[0]", "xs[1]"]
    assert [node.gradient is None for node in graph.inputs] == [False, True, False]
    graph = graph_of_call(lambda pair, weight: pair["w"] @ pair["b"][0], {"w": X, "b": [X, X > 0]}, mg.Tensor(X))
    assert [node.name for node in graph.inputs] == ["pair['w']", "pair['b'][0]", "pair['b'][1]", "weight"]
    assert [node.name for node in graph_of_call(lambda n, m: n + 1, np.arange(3), np.arange(2)).inputs] == ["n", "m"]


def test_a_module_is_called_as_its_forward_and_keeps_the_names_of_its_parameters():
    model = nn.Linear(2, 3, rng=np.random.default_rng(0), dtype=np.float64)
    graph = graph_of_call(model, X)
    assert names(graph) == ["x"]
    assert set(names(graph, "parameter")) == {"weight", "bias"}
    np.testing.assert_allclose(graph.find("weight").gradient, X.T @ np.ones((2, 3)))
    assert [node.name for node in mg.trace(model, X) if node.role == "input"] == ["x"]


def test_a_residual_has_one_input_with_two_uses():
    graph = graph_of_call(lambda x: mg.tanh(x) + x, X)
    (x,) = [node for node in graph if node.role == "input"]
    assert sum(operand is x for node in graph for operand in node.inputs) == 2


def test_a_scalar_is_differentiated_itself_and_all_else_is_summed():
    scalar = graph_of_call(lambda x: mg.sum(mg.square(x)), X)
    assert scalar.outputs[0].name is None
    np.testing.assert_allclose(scalar.find("x").gradient, 2 * X)
    several = graph_of_call(lambda x: {"a": mg.square(x), "b": [x * 3.0], "integers": mg.argmax(x)}, X)
    assert several.outputs[0].name == SUM
    np.testing.assert_allclose(several.find("x").gradient, 2 * X + 3)


def test_what_requires_no_gradient_has_no_backward_pass():
    graph = graph_of_call(lambda x: x + 1, np.arange(3))
    assert [node.gradient for node in graph] == [None, None]
    assert graph.outputs[0].value.tolist() == [1, 2, 3]


def test_nothing_is_left_behind():
    weight, given = mg.Tensor(X, requires_grad=True, name="weight"), mg.Tensor([1.0, 1.0], requires_grad=True)
    weight.grad = np.ones((2, 2))
    graph = graph_of_call(lambda x: weight @ x, given)
    assert weight.grad.tolist() == [[1.0, 1.0], [1.0, 1.0]]
    assert (given.grad, given.name) == (None, None)
    assert graph.find("x").gradient.tolist() == X.sum(axis=0).tolist()
    assert graph.find("weight").gradient.tolist() == [[1.0, 1.0], [1.0, 1.0]]


def test_it_is_called_once_and_for_real():
    calls = []

    def function(x):
        calls.append(float(mg.sum(x)))
        return x * 2.0

    graph = graph_of_call(function, np.ones(3))
    assert calls == [3.0]
    assert graph[0].value.tolist() == [1.0, 1.0, 1.0]


@pytest.mark.parametrize("returned", [3.0, X, ["text"]], ids=["number", "array", "text"])
def test_what_is_no_tensor_is_refused(returned):
    def careless(x):
        return returned

    with pytest.raises(TypeError, match=r"careless returned .*: expected Tensors"):
        graph_of_call(careless, X)


def test_arguments_that_it_does_not_take_are_refused():
    with pytest.raises(TypeError, match=r"^<lambda>: too many positional arguments; it takes \(x\)"):
        graph_of_call(lambda x: x, X, X)

    def scaled(x, *, by):
        return x * by

    with pytest.raises(TypeError, match=r"^scaled: missing a required argument: 'by'; it takes \(x, by=\)"):
        graph_of_call(scaled, X)


def test_numbers_and_lists_become_no_tensors_and_the_error_says_so():
    with pytest.raises(
        TypeError, match="returned float64: expected Tensors, which arrays become; numbers and lists stay"
    ):
        graph_of_call(lambda x: mg.sum(mg.tanh(x)), [1.0, 2.0])


def test_names_of_what_has_none_of_its_own():
    with pytest.raises(TypeError, match=r"^partial returned"):
        graph_of_call(functools.partial(lambda x: 1.0), X)


def test_gradients_of_results_that_are_given_are_those_of_this_call_alone():
    a = mg.Tensor([1.0, 2.0], requires_grad=True, name="a")
    h = a * 2.0
    mg.sum(h * h).backward(keep=True)
    before = h.grad.tolist()
    for _ in range(2):
        graph = graph_of_call(lambda q: mg.sum(q * 3.0), h)
        assert graph.find("q").gradient.tolist() == [3.0, 3.0]
        assert graph.find("a").gradient.tolist() == [6.0, 6.0]
        assert len(graph.trail) == 3
    assert h.grad.tolist() == before
    w = mg.Tensor([1.0, 1.0], requires_grad=True, name="w")
    cut = graph_of_call(lambda q: mg.sum(mg.stop_gradient(q) * w), h)
    assert {node.name for node in cut if node.gradient is not None and node.role != "op"} == {"w"}


def test_a_function_that_differentiates_by_itself_is_differentiated_once():
    def function(a):
        y = mg.sum(a * a)
        y.backward(keep=True)
        return y

    graph = graph_of_call(function, np.array([1.0, 2.0]))
    assert graph.outputs[0].gradient == 1.0
    assert graph.find("a").gradient.tolist() == [2.0, 4.0]
    assert len(graph.trail) == 3


def test_what_needs_no_gradient_stands_beside():
    graph = graph_of_call(lambda x: (mg.exp(x), mg.argmax(x), mg.stop_gradient(x) * 3.0), np.ones(3))
    assert [node.op for node in graph.outputs] == ["sum", "argmax", "multiply"]
    assert {"exp", "argmax", "stop_gradient", "multiply"} <= {node.op for node in graph}


def test_a_training_step_is_refused_with_the_way_to_draw_it():
    w = mg.Tensor([1.0], requires_grad=True, name="w")

    def step(x):
        loss = mg.sum(w * x)
        w.data -= 0.1
        return loss

    with pytest.raises(mg.GraphError, match=r"step cannot be differentiated: .*trace\(function"):
        graph_of_call(step, np.ones(1))


def test_functions_that_return_nothing_or_tell_nothing_of_their_arguments_are_refused():
    with pytest.raises(TypeError, match="returned nothing"):
        graph_of_call(lambda x: (), X)
    with pytest.raises(TypeError, match="write a function around it"):
        graph_of_call(max, X)
