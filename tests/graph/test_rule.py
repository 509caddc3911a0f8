import numpy as np
import pytest

import minigrad as mg
from minigrad import ops
from minigrad.graph import Node
from minigrad.graph.rule import rule_of_use


def parameter(*shape):
    return mg.Tensor(np.ones(shape), requires_grad=True)


def last(result):
    return result.graph().outputs[0]


@pytest.mark.parametrize(
    ("make", "position", "formula", "reads", "reads_result"),
    [
        (lambda: parameter(2) + parameter(2), 0, "g", (), False),
        (lambda: parameter(2) * parameter(2), 1, "g · x1", (0,), False),
        (lambda: ops.exp(parameter(2)), 0, "g ⋆ y", (), True),
        (lambda: ops.softmax(parameter(2)), 0, "y · (g − vecdot(g, y, keepdims=True))", (), True),
        (lambda: parameter(2, 3) @ parameter(3, 4), 0, "g @ transpose(x2)", (1,), False),
        (lambda: parameter(2) * 3.0, 0, "g · 3", (), False),
    ],
)
def test_the_rule_of_a_use_names_what_it_reads(make, position, formula, reads, reads_result):
    rule = rule_of_use(last(make()), position)
    assert (rule.reads, rule.reads_result) == (reads, reads_result)
    assert rule.formula == formula


def test_shapes_in_a_rule_are_those_of_the_node():
    assert "(5, 7)" in rule_of_use(last(ops.reshape(parameter(5, 7), (35,))), 0).formula


def test_leaves_and_operands_without_a_rule_have_none():
    x = parameter(3)
    assert rule_of_use(x.graph()[0], 0) is None
    chosen = last(ops.where(np.array([True, False, True]), x, 0.0))
    assert [rule_of_use(chosen, i) is None for i, y in enumerate(chosen.inputs) if isinstance(y, Node)] == [True, False]


def test_what_is_read_twice_is_one_position_each():
    x = parameter(2)
    square = last(x * x)
    assert rule_of_use(square, 0).reads == (1,)


def test_no_value_is_computed():
    huge = np.broadcast_to(np.float32(1.0), (10**6, 10**6))
    graph = mg.trace(lambda x: ops.exp(x), huge)
    assert rule_of_use(graph.outputs[0], 0).formula == "g ⋆ y"


def test_a_rule_that_reads_values_has_no_formula():
    @mg.op(formula="y = x")
    def looked_at(x):
        return np.array(x)

    @looked_at.vjp("x")
    def _(g, y, x):
        return g if float(mg.sum(x)) > 0 else -g

    try:
        assert rule_of_use(last(looked_at(parameter(2))), 0) is None
    finally:
        del mg.registry["looked_at"]
