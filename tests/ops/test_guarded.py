"""Declarations of ops of one's own: what they may say, in one call."""

import inspect

import numpy as np
import pytest

import minigrad as mg
from minigrad.core.op import Op
from minigrad.core.record import Function
from minigrad.ops.guarded import OF_FUNCTIONS, OF_OPS, SPECIMENS
from minigrad.ops.specimens.calls import Specimens


@pytest.fixture
def declared():
    """Declares an op for the length of a test."""
    names = []

    def declare(forward, **record):
        op = mg.op(**record)(forward)
        names.append(op.name)
        return op

    yield declare
    for name in names:
        del mg.registry[name]


def size(x):
    return np.abs(x)


def fields_of(kind):
    parameters = inspect.signature(kind).parameters.values()
    return {p.name for p in parameters if p.default is not p.empty} - {"guarded"}


def test_what_a_declaration_may_say_is_what_functions_and_ops_take():
    assert fields_of(Function) == {*OF_FUNCTIONS}
    assert fields_of(Op) == {*OF_OPS}
    assert Specimens._fields == SPECIMENS


def test_a_declaration_of_an_op_has_at_most_twelve_fields():
    assert len({*OF_FUNCTIONS, *OF_OPS}) <= 12


@pytest.mark.parametrize(
    ("declare", "decorator"),
    [(lambda: mg.op(size), "op"), (lambda: mg.composition(size), "composition"),
     (lambda: mg.op(size, formula="|x|"), "op")],
)  # fmt: skip
def test_without_parentheses_it_is_refused(declare, decorator):
    with pytest.raises(TypeError, match=rf"^size: write @minigrad\.{decorator}\(\) .*parentheses.* name, formula, "):
        declare()


def test_what_is_no_function_is_named_as_it_is():
    with pytest.raises(TypeError, match=r"^'size': write @minigrad\.op\(\)"):
        mg.op("size")


@pytest.mark.parametrize(
    ("declare", "name", "field"),
    [
        (lambda: mg.op(nmae="length")(size), "size", "nmae="),
        (lambda: mg.op(name="length", colour="red", shape=3)(size), "length", "colour=, shape="),
        (lambda: mg.op(guarded=size)(size), "size", "guarded="),
        (lambda: mg.composition(view=True)(size), "size", "view="),
        (lambda: mg.composition(colour="red")(3), "3", "colour="),
    ],
)
def test_a_field_that_does_not_exist_is_refused_and_named_beside_those_that_do(declare, name, field):
    with pytest.raises(TypeError, match=f"^{name}: a declaration has no {field}; it may say name, formula, .*kinks"):
        declare()
    assert name not in mg.registry


@pytest.mark.parametrize(
    ("said", "flops"), [({}, 6), ({"flops": 0}, 0), ({"flops": lambda out, x: 5 * out.shape[0]}, 10)]
)
def test_an_op_says_what_it_costs(declared, said, flops):
    op = declared(size, **said)
    op.vjp("x")(lambda g, y, x: g * mg.sign(x))
    assert op(mg.Tensor(np.ones((2, 3)), requires_grad=True)).graph().cost().total.flops == flops


def test_attributes_are_said_in_one_call(declared):
    def strong(x):
        return x

    op = declared(size, strong=strong, independent=True, latex="|x|")
    assert (op.strong, op.joined, op.added, op.independent, op.latex) == (strong, None, None, True, "|x|")


@pytest.mark.parametrize(
    "record", [{"samples": 3}, {"samples": [3]}, {"refusals": "x"}, {"kinks": [1]}, {"numpy": np.exp}], ids=str
)
@pytest.mark.parametrize("declare", [mg.op, mg.composition])
def test_a_list_of_something_else_is_refused_by_its_name(declare, record):
    (field,) = record
    with pytest.raises(TypeError, match=rf"^size: {field}= is a list of "):
        declare(**record)(size)
    assert "size" not in mg.registry
