"""docs/ops.md says what the declarations say; MINIGRAD_UPDATE_GOLDEN=1 writes it again."""

import os
from pathlib import Path

import numpy as np
import pytest

import minigrad as mg
from minigrad.reference import gradient_formulas, reference_page, reference_row

PAGE = Path(__file__).parent.parent / "docs" / "ops.md"


def test_the_page_is_what_the_declarations_say():
    page = reference_page()
    if os.environ.get("MINIGRAD_UPDATE_GOLDEN") == "1":
        PAGE.write_text(page, "utf-8")
    stale = f"{PAGE.name} is out of date; see the docstring of {__name__}"
    assert PAGE.read_text("utf-8") == page, stale


def test_every_function_has_a_row_and_every_rule_a_formula():
    page = reference_page()
    for function in mg.registry.values():
        assert f"\n| `{function.name}(" in page
        assert gradient_formulas(function).keys() == getattr(function, "rules", {}).keys()
    assert "None" not in "".join(formula for f in mg.registry.values() for formula in gradient_formulas(f).values())


@pytest.mark.parametrize(
    ("name", "argument", "formula"),
    [
        ("subtract", "x2", "−g"), ("multiply", "x1", "g · x2"), ("sqrt", "x", "g ⋆ 0.5 / y"),
        ("sin", "x", "g · cos(x)"),
        ("softmax", "x", "y · (g − vecdot(g, y, keepdims=True))"), ("where", "y", "where(condition, 0, g)"),
        ("matmul", "x1", "g @ transpose(x2)"),
    ],
)  # fmt: skip
def test_formulas_are_those_of_the_rules(name, argument, formula):
    assert gradient_formulas(mg.registry[name])[argument] == formula


def test_the_formula_follows_the_rule_that_runs():
    exp = mg.registry["exp"]
    right = exp.rules["x"]
    exp.vjp("x")(lambda g, y, x: g / (y - x) - (g - y))
    try:
        assert gradient_formulas(exp) == {"x": "g / (y − x) − (g − y)"}
    finally:
        exp.vjp("x")(right)


def test_an_op_of_ones_own_gets_a_row():
    @mg.op(formula="|x|³", samples=[mg.call(np.array([1.0, -2.0]))], kinks=[mg.kink(mg.call(np.zeros(1)), 0.0)])
    def cubed_size(x, *, power=3):
        return np.abs(x) ** power

    @cubed_size.vjp("x")
    def _(g, y, x, *, power):
        return g * (x * mg.absolute(x)) * 3.0

    try:
        row = reference_row(cubed_size)
        assert row == "| `cubed_size(x, power=3)` | \\|x\\|³ | x: `g · x · absolute(x) · 3` | [0.0] → 0.0 |\n"
    finally:
        del mg.registry["cubed_size"]
