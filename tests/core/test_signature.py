"""Calls that a function does not take, and errors that are its own."""

import inspect

import numpy as np
import pytest

import minigrad as mg
from minigrad import Tensor, nn
from minigrad.wording.calls import check_call
from minigrad.wording.misuse import explain_misuse


@explain_misuse
def joined(first, *others, end="", **options):
    """Doc."""
    if first is None:
        raise TypeError("my own")
    return first, others, end, options


def test_a_checked_function_is_the_function():
    assert joined(1, 2, end="x", other=3) == (1, (2,), "x", {"other": 3})
    assert (joined.__name__, joined.__doc__) == ("joined", "Doc.")
    assert list(inspect.signature(joined).parameters) == ["first", "others", "end", "options"]


def test_its_own_type_errors_come_through():
    with pytest.raises(TypeError, match=r"^my own$"):
        joined(None)
    with pytest.raises(TypeError, match="holds float64, expected booleans"):
        nn.MultiHeadAttention(4, 2, rng=np.random.default_rng(0))(np.ones((3, 4), np.float32), mask=np.ones((3, 3)))


def test_what_is_missing_is_named_beside_what_is_taken():
    with pytest.raises(
        TypeError, match=r"^joined: missing .*'first'; it takes \(first, \*others, end=, \*\*options\)$"
    ):
        joined(end="x")
    with pytest.raises(
        TypeError, match=r"^Linear: missing .*'rng'; it takes \(inputs, outputs, bias=, rng=, dtype=\)$"
    ):
        nn.Linear(2, 3)
    with pytest.raises(TypeError, match=r"^take: too many positional arguments; it takes \(x, indices, axis=\)$"):
        mg.take(Tensor([1.0]), 0, 0, 0)


def test_the_error_does_not_drag_pythons_own_along():
    with pytest.raises(TypeError) as caught:
        mg.var(Tensor([1.0]), nonsense=1)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_a_call_that_fits_passes():
    assert check_call("joined", joined, (1, 2), {"other": 3}) is None


def test_a_missing_argument_that_was_given_by_its_name_in_pytorch_is_named():
    with pytest.raises(TypeError, match=r"'x' is missing; it takes \(x, axis=, keepdims=\); .*`input` is `x` here"):
        mg.sum(input=Tensor([1.0]))


def test_more_arguments_than_an_op_takes_are_counted():
    with pytest.raises(TypeError, match=r"softmax: 4 arguments given; it takes \(x, where, axis=\)"):
        mg.softmax(np.ones(2), None, 0, "1")


def test_an_argument_that_is_given_twice_is_named():
    with pytest.raises(TypeError, match=r"softmax: argument axis is given twice"):
        mg.softmax(np.ones(2), None, 0, axis=0)
