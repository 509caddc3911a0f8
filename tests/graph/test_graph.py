"""What a graph and its nodes are as Python objects, and where their methods lead."""

import copy
import pickle

import pytest

import minigrad as mg
from minigrad.graph.steps import Backward


@pytest.fixture
def graph():
    x = mg.Tensor([1.0, 2.0], requires_grad=True, name="x")
    loss = mg.sum(x * x)
    loss.backward(keep=True)
    return loss.graph()


def test_a_graph_says_how_many_nodes_it_has(graph):
    assert repr(graph) == "<Graph of 3 nodes>"


@pytest.mark.parametrize("copied", [pickle.dumps, copy.copy, copy.deepcopy])
def test_graphs_and_nodes_look_into_live_tensors_and_are_not_copied(graph, copied):
    for one in (graph, graph[0]):
        with pytest.raises(TypeError, match=r"neither pickled nor copied: .*str\(graph\)"):
            copied(one)


def test_every_way_to_show_a_graph_shows_all_of_it(graph, tmp_path):
    assert all(node.op in graph.mermaid() for node in graph if node.op)
    assert graph.graphviz().source == graph.dot()
    page = graph.explore(tmp_path / "page.html")
    assert page is None
    assert "multiply" in (tmp_path / "page.html").read_text("utf-8")
    graph.draw(tmp_path / "picture.dot")
    assert (tmp_path / "picture.dot").read_text("utf-8") == graph.dot()
    contributions = [step for step in graph.steps() if isinstance(step, Backward)]
    assert len(graph.frames(tmp_path)) == len(contributions) + 1
