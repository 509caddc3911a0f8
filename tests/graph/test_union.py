"""Two graphs as one."""

import numpy as np

import minigrad as mg
from minigrad.graph import Node
from minigrad.graph.union import union


def chain(*steps):
    y = mg.Tensor([1.0, 2.0], requires_grad=True, name="x")
    for step in steps:
        y = step(y)
    return y.graph()


def test_every_node_of_both_is_there_once_and_in_order():
    before, after = chain(mg.exp, mg.tanh, mg.sin), chain(mg.tanh, mg.cos, mg.sin, mg.exp)
    difference = before.diff(after)
    whole = union(difference)
    assert len(whole.graph) == len(after) + len(difference.removed)
    assert [node.number for node in whole.graph] == list(range(len(whole.graph)))
    assert {whole.of[node] for node in (*before, *after)} == {*whole.graph}
    assert all(whole.of[x] is whole.of[y] for x, y in difference.matched.items())
    for node in whole.graph:
        assert all(x.number < node.number and whole.graph[x.number] is x for x in node.inputs if isinstance(x, Node))
    assert sorted(whole.marks.values()) == sorted(
        ["added"] * len(difference.added)
        + ["removed"] * len(difference.removed)
        + ["changed"] * len(difference.changed)
    )


def test_what_was_removed_keeps_its_operands_and_is_no_output():
    whole = union(chain(mg.tanh, mg.sin).diff(chain(mg.tanh)))
    assert [node.expression for node in whole.graph] == ["parameter", "tanh(%0)", "sin(%1)"]
    assert [node.output for node in whole.graph] == [False, True, False]
    assert whole.marks == {whole.graph[1]: "changed", whole.graph[2]: "removed"}


def test_the_union_runs_as_the_newer_graph_does():
    x = mg.Tensor([1.0, 2.0], requires_grad=True, name="x")
    before, after = mg.sum(mg.exp(x)).graph(gradients=True), mg.sum(mg.exp(x) * x).graph(gradients=True)
    whole = union(before.diff(after))
    for found, expected in zip(whole.graph.run()[1], after.run()[1], strict=True):
        np.testing.assert_array_equal(found, expected)
    assert [node.purpose for node in whole.graph] == [node.purpose for node in after]
