import re

import numpy as np
import pytest

import minigrad as mg
from minigrad import ops
from minigrad.drawing.explorer.walk import walk_steps
from minigrad.drawing.explorer.worked import LONGEST, work_out_flow, work_out_value
from minigrad.graph import Backward


def parameter(data, name="x"):
    return mg.Tensor(data, requires_grad=True, name=name)


def test_TX9_the_first_score_of_three_tokens_is_worked_out(lesson):
    scores = next(node for node in lesson if node.name == "scores")
    assert work_out_value(scores, "scores") == "scores[0] = 1 · 1 + 0 · 0 = 1"
    weights = next(node for node in lesson if node.name == "weights")
    assert work_out_value(weights, "weights") == "weights[0] = exp(1) / (exp(1) + exp(0) + exp(−1)) = 0.6652"


def evaluated(line):
    """Both sides of a line that has all of its terms."""
    _, text, result = line.replace("−", "-").replace("·", "*").split(" = ")
    return eval(text, {"exp": np.exp}), float(result)


SHAPES = [((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 2)), ((2, 3), (3, 2)), ((4, 2, 3), (3, 2)), ((4, 2, 3), (4, 3, 2)),
          ((3,), (4, 3, 2)), ((4, 2, 3), (3,))]  # fmt: skip


@pytest.mark.parametrize(("left", "right"), SHAPES)
def test_products_of_all_shapes_are_worked_out_right_forwards_and_backwards(left, right):
    rng = np.random.default_rng(0)
    y = ops.matmul(parameter(rng.standard_normal(left).round(1)), parameter(rng.standard_normal(right).round(1), "z"))
    loss = ops.sum(y * rng.standard_normal(y.shape).round(1))
    loss.backward(keep=True)
    graph = loss.graph()
    lines = [work_out_value(y_node, "y") for y_node in graph if y_node.op == "matmul"]
    lines += [
        work_out_flow(step, "x")
        for step in walk_steps(graph)
        if isinstance(step, Backward) and step.node.op == "matmul"
    ]
    checked = 0
    for line in lines:
        if line is not None and "…" not in line:
            found, expected = evaluated(line)
            assert found == pytest.approx(expected, rel=2e-3, abs=2e-3), line
            checked += 1
    assert checked > 0


@pytest.mark.parametrize(
    "make",
    [
        lambda x: ops.sum(x, axis=1), lambda x: ops.sum(x, axis=0, keepdims=True),
        lambda x: x + ops.sum(x, axis=(0, 1)),
        lambda x: ops.exp(x) * x - x / 2.0, lambda x: ops.linear(x, np.ones((2, 2)), np.ones(2)),
        lambda x: ops.vecdot(x, x, keepdims=True), lambda x: ops.vecdot(x, x, axis=0, keepdims=True),
        lambda x: ops.vecdot(x, x[:, :1], axis=0), lambda x: ops.linear(x, np.ones((2, 2)), 0.5),
        lambda x: ops.softmax(x), lambda x: ops.softmax(x, axis=0),
        lambda x: ops.softmax(x, np.array([[True, False], [True, True]])),
    ],
)  # fmt: skip
def test_what_is_worked_out_is_the_value(make):
    node = make(parameter([[0.5, -2.0], [1.5, 0.25]])).graph().outputs[0]
    line = work_out_value(node, "y")
    found, expected = evaluated(line)
    assert found == pytest.approx(expected, rel=2e-3)


def test_long_sums_begin_and_say_how_long_they_are():
    node = (parameter(np.ones((4, 50))) @ np.ones(50)).graph().outputs[0]
    assert work_out_value(node, "y") == "y[0] = 1 · 1 + 1 · 1 + … + 1 · 1 = 50"


def test_nothing_is_worked_out_of_what_no_line_can_hold(model):
    for step in walk_steps(model):
        if isinstance(step, Backward):
            line = work_out_flow(step, "target")
            assert line is None or (len(line) <= LONGEST and re.match(r"∂target(\[[\d, ]+\])? = .+ = .+", line))


def test_moved_elements_and_empty_arrays_have_nothing_to_work_out():
    x = parameter(np.ones((2, 3)))
    assert work_out_value(ops.swapaxes(x, 0, 1).graph().outputs[0], "y") is None
    assert work_out_value((parameter(np.ones((0, 3))) * 2.0).graph().outputs[0], "y") is None
    assert work_out_value(ops.standardize(x).graph().outputs[0], "y") is None


def test_a_gradient_that_comes_back_to_its_place_is_followed_there():
    x = parameter([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    loss = ops.sum(ops.matmul(np.array([[1.0, 10.0, 100.0]]), ops.swapaxes(x, 0, 1)))
    loss.backward(keep=True)
    lines = [work_out_flow(step, "t") for step in walk_steps(loss.graph()) if isinstance(step, Backward)]
    assert "∂t[0, 0] = 1 · 1 = 1" in lines
