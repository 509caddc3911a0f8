"""E8: the explorer makes a page of any rule that works on arrays."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad as mg
from minigrad import ops
from minigrad.graph.formula import formula_of
from minigrad.graph.rule import rule_of_use


def shared(count):
    """A rule in which `count` results are used twice."""

    def rule(g, y, x):
        total = g
        for _ in range(count):
            total = ops.sin(total)
            total = total * (total + x)
        return total

    return rule


RULES = {
    "none shared": shared(0), "19 shared": shared(19), "20 shared": shared(20), "90 shared": shared(90),
    "a function Tensors lack": lambda g, y, x: g * np.fft.fft(x).real,
    "a method Tensors lack": lambda g, y, x: g * x.byteswap(),
    "an array": lambda g, y, x: np.ones(x.shape),
    "a number": lambda g, y, x: 0.0 * g + 1.0,
    "values": lambda g, y, x: g if float(np.max(np.asarray(x))) > 0 else -g,
    "memory": lambda g, y, x: np.multiply(g, 2.0, out=np.empty(g.shape)),
    "an index that is not there": lambda g, y, x: g * x[7],
}  # fmt: skip


def use(rule, plant):
    """A node whose operand has that rule."""
    plant("sin", "x", rule)
    return ops.sin(mg.Tensor([1.0, 2.0], requires_grad=True, name="x"))


@pytest.mark.parametrize("name", RULES)
def test_E8_every_rule_that_works_on_arrays_has_a_page(name, plant, tmp_path):
    y = use(RULES[name], plant)
    mg.sum(y).graph().explore(tmp_path / "page.html")
    assert (tmp_path / "page.html").read_text("utf-8").startswith("<!DOCTYPE html>")


def test_E8_what_is_shared_has_a_letter_each(plant):
    text = rule_of_use(use(RULES["90 shared"], plant).graph().outputs[0], 0).formula
    letters = [part.split(" = ")[0] for part in text.split(", ")[1:]]
    assert len(set(letters)) == len(letters) == 90
    assert letters[18:21] == ["u", "a2", "b2"]
    assert not {"g", "x", "y"} & set(letters)


def test_E8_a_letter_is_not_the_name_of_an_argument():
    a = mg.Tensor([1.0, 2.0], requires_grad=True, name="a")
    square = a * a
    assert formula_of(square / square.sum()) == "b / sum(b), b = a · a"


def test_E8_an_operator_of_the_users_own_is_put_in_brackets(monkeypatch):
    x = mg.Tensor([1.0, 2.0], requires_grad=True, name="x")
    monkeypatch.setattr(mg.registry["maximum"], "symbol", "⊔")
    assert formula_of(mg.maximum(x + 1.0, 2.0) * 3.0) == "((x + 1) ⊔ 2) · 3"


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(["shared", "sum", "norm"]), max_size=60), st.integers(0, 5))
def test_every_rule_has_a_formula_or_none(parts, names):
    """The law: whatever a rule records can be written down, and what cannot be recorded has no formula."""
    x = mg.Tensor([1.0, 2.0], requires_grad=True, name="abcdefg"[names])
    total = x
    for part in parts:
        total = ops.sin(total) if part == "shared" else total - ops.sum(total)
        total = ops.tanh(total * (total + x))
    text = formula_of(total)
    assert len({part.split(" = ")[0] for part in text.split(", ") if " = " in part}) == text.count(" = ")
