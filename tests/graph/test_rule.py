import numpy as np
import pytest

import minigrad as mg
from minigrad import ops
from minigrad.graph import Node
from minigrad.graph.rule import rule_of_use, trace_rule


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


def test_a_traced_rule_has_the_values_of_the_step_behind_it():
    x = mg.Tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    bias = mg.Tensor([1.0, 1.0], requires_grad=True)
    node = last(ops.exp(x) * bias)
    contribution = trace_rule(node, 1, np.ones((2, 2)))
    assert contribution.op == "sum_to"
    np.testing.assert_allclose(contribution.value, np.exp([[1.0, 2.0], [3.0, 4.0]]).sum(axis=0))
    assert trace_rule(last(x * 3.0), 0, np.ones((2, 2))).value.tolist() == [[3.0, 3.0], [3.0, 3.0]]


def test_without_values_no_rule_is_traced():
    graph = mg.trace(lambda x: ops.exp(x), np.ones(2))
    assert trace_rule(graph.outputs[0], 0, np.ones(2)) is None


def test_arguments_that_are_called_as_the_result_and_what_comes_in_are_told_from_them():
    @mg.op(formula="the product of all")
    def mixed(y, g, *others):
        return y * g * others[0] * others[1]

    mixed.vjp("y")(lambda c, result, y, g, *others: c * g * others[1] * others[0])
    mixed.vjp("g")(lambda c, result, y, g, *others: c * (result / g) + y)
    try:
        node = last(mixed(*(parameter(2) for _ in range(4))))
        assert rule_of_use(node, 0) == ("incoming · g · others[1] · others[0]", (1, 2, 3), False)
        assert rule_of_use(node, 1) == ("incoming · result / g + y", (0, 1), True)
    finally:
        del mg.registry["mixed"]


@pytest.mark.parametrize("rule", [lambda g, y, x: np.ones(2), lambda g, y, x: np.linalg.det(g)])
def test_a_rule_that_records_nothing_is_not_traced(rule):
    @mg.op(formula="y = x")
    def unrecorded(x):
        return np.array(x)

    unrecorded.vjp("x")(rule)
    try:
        assert trace_rule(last(unrecorded(parameter(2))), 0, np.ones(2)) is None
    finally:
        del mg.registry["unrecorded"]
