import pytest

import minigrad as mg
from minigrad.graph.formula import formula_of


def named(name):
    return mg.Tensor([1.0, 2.0], requires_grad=True, name=name)


@pytest.mark.parametrize(
    ("make", "formula"),
    [
        (lambda a, b: -0.5, "−0.5"),
        (lambda a, b: 3, "3"),
        (lambda a, b: -a, "−a"),
        (lambda a, b: -(a + b), "−(a + b)"),
        (lambda a, b: a - (b - a), "a − (b − a)"),
        (lambda a, b: a / (b * a), "a / (b · a)"),
        (lambda a, b: mg.exp(a @ b), "exp(a @ b)"),
    ],
)
def test_a_formula_has_the_brackets_that_it_needs(make, formula):
    assert formula_of(make(named("a"), named("b"))) == formula
