"""Which node is which: alignment in sequence against a plain definition, then the ways for what that leaves."""

import functools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad as mg
from minigrad.graph import graph_of
from minigrad.graph import matching as matching_module
from minigrad.graph.matching import WEIGHTS, _align, matching

SEQUENCES = st.lists(st.tuples(st.integers(0, 2), *[st.integers(0, 1)] * 3), max_size=9)


def weight_of_pair(a, b):
    return sum(w for w, x, y in zip(WEIGHTS, a, b, strict=True) if x == y) if a[0] == b[0] else 0


@functools.cache
def best_weight(first, second):
    """The definition: leave out the last of one or of the other, or pair them."""
    if not first or not second:
        return 0
    paired = best_weight(first[:-1], second[:-1]) + weight_of_pair(first[-1], second[-1])
    return max(best_weight(first[:-1], second), best_weight(first, second[:-1]), paired)


def aligned(first, second):
    return list(_align(*(np.array(codes, np.int32).reshape(-1, 4) for codes in (first, second))))


@pytest.mark.deep
@pytest.mark.parametrize("cells", [0, 12, 2**22], ids=["halves", "some halves", "one table"])
@settings(deadline=None, max_examples=50)
@given(first=SEQUENCES, second=SEQUENCES)
def test_the_alignment_is_in_order_and_as_heavy_as_any(cells, first, second):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(matching_module, "LARGEST_TABLE", cells)
        pairs = aligned(first, second)
    for rows in zip(*pairs, strict=True):
        assert list(rows) == sorted(set(rows))
    assert all(first[i][0] == second[j][0] for i, j in pairs)
    assert sum(weight_of_pair(first[i], second[j]) for i, j in pairs) == best_weight(tuple(first), tuple(second))


def chain(*steps, scope="", name=None):
    """A vector put through operations, one after another."""
    y = mg.Tensor([1.0, 2.0], requires_grad=True, name="x")
    for step in steps:
        with mg.scope(scope):
            y = step(y)
    y.name = name
    return y.graph()


def numbers(before, after):
    return [(x.number, y.number) for x, y in matching(before, after).items()]


def test_of_equal_operations_those_are_matched_that_compute_the_same():
    before = chain(mg.tanh, mg.tanh, mg.tanh)
    after = chain(mg.tanh, mg.tanh, mg.tanh, mg.tanh)
    assert numbers(before, after) == [(0, 0), (1, 1), (2, 2), (3, 3)]
    assert numbers(chain(mg.tanh, lambda x: x * 2.0, lambda x: x * 3.0), chain(mg.tanh, lambda x: x * 3.0)) == [
        (0, 0), (1, 1), (3, 2),
    ]  # fmt: skip


def test_what_comes_after_a_change_is_matched_from_the_end():
    steps = [mg.tanh] * 9
    changed = steps[:4] + [mg.sin] + steps[5:]
    assert numbers(chain(*steps), chain(*changed)) == [(i, i) for i in range(10)]
    shorter = chain(*steps[:8], mg.sin)
    assert numbers(chain(*steps, mg.sin), shorter)[-1] == (10, 9)


def test_nothing_of_another_scope_or_order_stands_in_sequence():
    """But the same expression may have moved to another scope."""
    assert numbers(chain(mg.exp, scope="a"), chain(mg.exp, scope="b")) == [(0, 0), (1, 1)]
    assert numbers(chain(mg.exp, scope="a"), chain(mg.tanh, scope="b")) == [(0, 0)]
    x = mg.Tensor(2.0, requires_grad=True, name="x")
    assert [n.order for pair in matching((x * x).graph(), (x * x).graph(gradients=True)).items() for n in pair] == [
        0
    ] * 4


def test_a_named_node_is_itself_whatever_computes_it():
    before, after = chain(mg.exp, mg.exp, name="y"), chain(mg.exp, mg.exp, mg.tanh, name="y")
    assert numbers(before, after) == [(0, 0), (1, 1), (2, 3)]


def test_operations_that_changed_places_are_still_matched():
    x = mg.Tensor([1.0, 2.0], requires_grad=True, name="x")

    before = graph_of([mg.exp(x), mg.tanh(x)])
    turned = graph_of([mg.tanh(x), mg.exp(x)])
    assert {(a.op, b.op) for a, b in matching(before, turned).items()} == {
        (None, None), ("exp", "exp"), ("tanh", "tanh"),
    }  # fmt: skip


def test_another_operation_in_the_same_place_is_a_changed_one():
    assert numbers(chain(mg.relu, mg.exp), chain(mg.tanh, mg.exp)) == [(0, 0), (1, 1), (2, 2)]
    assert numbers(chain(mg.exp, mg.relu), chain(mg.exp, mg.tanh)) == [(0, 0), (1, 1), (2, 2)]  # the output


def test_a_parameter_with_another_name_is_found_by_its_place():
    def product(name):
        x = mg.Tensor(np.ones((2, 2)), requires_grad=True, name="x")
        return (x @ mg.Tensor(np.ones((2, 2)), requires_grad=True, name=name)).graph()

    assert numbers(product("w"), product("weight")) == [(0, 0), (1, 1), (2, 2)]
