"""Graphs of programs that nobody recorded: what a reader describes is what they say."""

import numpy as np
import pytest

import minigrad as mg
from minigrad.graph.made import make_leaf, make_operation


def describe():
    """A softmax that is scaled, its slope as a gradient, and a total that takes it up."""
    x = make_leaf("input", (2,), "float64", name="x")
    scale = make_leaf("parameter", (), "float64", name="scale", scope="layer", value=np.array(2.0))
    total = make_leaf("state", (2,), "float64", name="total", value=np.zeros(2))
    half = make_leaf("constant", (), "float64", value=np.array(0.5))
    y = make_operation(mg.softmax, [x], (2,), "float64", scope="layer", name="weights")
    slope = make_operation(mg.multiply, [y, scale], (2,), "float64", scope="layer", order=1)
    unused = make_operation(mg.exp, [y], (2,), "float64")
    following = make_operation(mg.add, [total, slope], (2,), "float64")
    return mg.Graph.of([x, scale, total, half, y, slope, unused, following], [y, half, None], {total: following})


def test_it_lists_what_is_needed_and_invents_no_purpose():
    assert (
        str(describe())
        == """\
%0 = input             (2,)  float64  x
%1 = softmax(%0)       (2,)  float64  layer/weights
%2 = parameter         ()    float64  layer/scale
%3 = multiply(%1, %2)  (2,)  float64  layer
%4 = state             (2,)  float64  total
%5 = add(%4, %3)       (2,)  float64
%6 = constant          ()    float64
%4 ← %5  total
return %1, %6"""
    )


def test_it_runs_and_writes_its_updates():
    graph = describe()
    for times in (1, 2):
        y, half, none = graph.run(np.zeros(2))
        assert (y.tolist(), half, none) == ([0.5, 0.5], 0.5, None)
        assert graph.find("total").cell.tolist() == [times, times]


@pytest.mark.parametrize("expand", [False, True])
def test_orders_are_those_that_were_said(expand):
    graph = describe().expand("softmax") if expand else describe()
    gradients = [node for node in graph if node.of_gradient]
    assert [(node.op, node.order, node.purpose) for node in gradients] == [("multiply", 1, "")]
    assert graph.run(np.zeros(2))[0].tolist() == [0.5, 0.5]


def test_nan_is_no_strong_zero_where_nobody_knows_the_derivative():
    x = make_leaf("input", (), "float64")
    graph = mg.Graph.of([x, y := make_operation(mg.multiply, [x, 0.0], (), "float64", order=1)], y)
    assert np.isnan(graph.run(np.inf))  # and no warning, for it is of a gradient


def test_arguments_are_walked_as_the_reader_says():
    a, b = (make_leaf("input", (), "float64", name=name) for name in "ab")
    y = make_operation(mg.subtract, [a, b], (), "float64")
    graph = mg.Graph.of([a, b, y], y, leaves=lambda arguments: [value for _, value in sorted(arguments[0].items())])
    assert graph.run({"b": 1.0, "a": 3.0}) == 2.0


def test_values_make_steps():
    x = make_leaf("input", (), "float64", value=np.array(2.0))
    y = make_operation(mg.exp, [x], (), "float64", value=np.array(7.0))
    graph = mg.Graph.of([x, y], y)
    assert not graph.captured
    assert graph[1].value == 7.0
    assert len(graph.steps()) == 1
    with pytest.raises(mg.GraphError, match="has no values"):
        describe().steps()
