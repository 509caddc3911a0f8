"""Finding nodes by path, name and operation."""

import numpy as np
import pytest

import minigrad as mg


@pytest.fixture
def graph():
    x = mg.Tensor(np.ones((2, 2)), requires_grad=True, name="x")
    with mg.scope("encoder"), mg.scope("attention"):
        scores = x @ x
        scores.name = "scores"
        weights = mg.softmax(scores)
        weights.name = "weights"
    with mg.scope("decoder"), mg.scope("attention"):
        other = mg.exp(weights)
        other.name = "weights"
    return mg.sum(other).graph()


@pytest.mark.parametrize(
    ("path", "op"),
    [
        ("encoder/attention/scores", "matmul"),
        ("attention/scores", "matmul"),
        ("scores", "matmul"),
        ("encoder/attention/weights", "softmax"),
        ("decoder/attention/weights", "exp"),
        ("softmax", "softmax"),
        ("attention/softmax", "softmax"),
        ("sum", "sum"),
    ],
)
def test_a_path_or_its_end_or_an_operation_finds_its_node(graph, path, op):
    assert graph.find(path).op == op


def test_ends_of_words_do_not_match(graph):
    with pytest.raises(LookupError):
        graph.find("ention/scores")


def test_an_ambiguous_name_lists_all_matches(graph):
    with pytest.raises(ValueError, match="2 nodes match 'weights'") as caught:
        graph.find("weights")
    assert "encoder/attention/weights" in str(caught.value)
    assert "decoder/attention/weights" in str(caught.value)
    assert [node.op for node in graph.find_all("weights")] == ["softmax", "exp"]


def test_an_unknown_name_lists_close_ones(graph):
    with pytest.raises(LookupError, match=r"close to it: .*scores"):
        graph.find("score")
    assert graph.find_all("score") == ()
