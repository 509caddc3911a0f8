"""Functions on record as methods of Tensor."""

import pytest

import minigrad as mg
from minigrad import Tensor
from minigrad.ops.methods import takes_array_first


def test_a_function_that_is_taken_off_the_record_is_no_method_any_more():
    def doubled(x):
        return x * 2.0

    mg.op(formula="2 x")(doubled)
    assert Tensor([1.0]).doubled().tolist() == [2.0]
    del mg.registry["doubled"]
    with pytest.raises(AttributeError, match="a Tensor has no attribute 'doubled'"):
        Tensor([1.0]).doubled  # that is what is tried
    del Tensor.doubled


def test_a_function_without_arguments_is_no_method():
    nothing = mg.composition(formula="1", name="nothing")(lambda: Tensor(1.0))
    try:
        assert not takes_array_first(nothing)
        assert not hasattr(Tensor(1.0), "nothing")
    finally:
        del mg.registry["nothing"]


def test_a_function_that_is_declared_again_without_an_array_first_is_no_method_any_more():
    mg.composition(formula="2 x", name="scaled")(lambda x: x * 2.0)
    assert Tensor([1.0]).scaled().tolist() == [2.0]

    def scaled(factor: float, x: Tensor) -> Tensor:
        return x * factor

    mg.composition(formula="a x")(scaled)
    try:
        assert not hasattr(Tensor, "scaled")
    finally:
        del mg.registry["scaled"]
