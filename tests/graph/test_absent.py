"""Every gradient that is absent has its reason (PI5)."""

import numpy as np
import pytest

import minigrad as mg
from minigrad.core.modes import within
from minigrad.graph import Graph, graph_of
from minigrad.graph.absent import absent_gradients


def reasons(graph: Graph) -> dict[str, str]:
    """By the name of the node."""
    return {graph[number].name or str(graph[number].op): why for number, why in absent_gradients(graph).items()}


@pytest.fixture
def named() -> dict[str, mg.Tensor]:
    x = mg.Tensor([1.0, 2.0], requires_grad=True, name="x")
    integers = mg.Tensor([0, 1], name="integers")
    data = mg.Tensor([1.0, 2.0], name="data")
    with mg.trace_lines():
        detached = x.detach()
    with mg.no_grad():
        without_history = mg.exp(x)
    branch = mg.exp(x)
    unused = mg.Tensor(1.0, requires_grad=True, name="unused")
    loss = mg.sum(mg.take(x, integers) * data * without_history * detached * mg.constant([1.0, 2.0], "fixed"))
    found = {"x": x, "detached": detached, "without history": without_history, "branch": branch, "unused": unused,
             "loss": loss}  # fmt: skip
    for name, tensor in found.items():
        tensor.name = name
    return found


def test_PI5_before_backward_nothing_is_computed(named: dict[str, mg.Tensor]) -> None:
    graph = named["loss"].graph()
    assert absent_gradients(graph) == {node.number: "not computed" for node in graph}


def test_PI5_each_absent_gradient_has_its_reason(named: dict[str, mg.Tensor]) -> None:
    named["loss"].backward(keep=True)
    found = reasons(graph_of([named["loss"], named["branch"], named["unused"]]))
    line = found.pop("detached")
    assert line.startswith("detached at test_absent.py:")
    assert found == {
        "integers": "int64", "data": "not required", "without history": "result of exp without history",
        "fixed": "constant", "branch": "no path", "unused": "no path",
    }  # fmt: skip


def test_PI5_without_keep_interior_gradients_are_not_kept(named: dict[str, mg.Tensor]) -> None:
    named["loss"].backward()
    found = reasons(graph_of([named["loss"], named["unused"]]))
    assert (found["loss"], found["multiply"], found["unused"]) == ("not kept", "not kept", "no path")
    assert "x" not in found


def test_what_depends_on_no_parameter_is_not_required() -> None:
    x = mg.Tensor(np.ones(2), requires_grad=True, name="x")
    with within(record=True):
        loss = mg.sum(x * mg.exp(mg.Tensor([1.0, 2.0], name="data")))
    loss.backward(keep=True)
    assert reasons(loss.graph()) == {"data": "not required", "exp": "not required"}


def test_the_detached_keep_the_name_of_what_made_them(named: dict[str, mg.Tensor]) -> None:
    graph = named["loss"].graph()
    assert [graph.find(name).made_by for name in ("detached", "without history", "fixed", "x")] == [
        "stop_gradient", "exp", None, None,
    ]  # fmt: skip
