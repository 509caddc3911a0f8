"""Comparisons and truths, against what Python says of numbers."""

import math
import operator

import numpy as np
import pytest

import minigrad as mg

NUMBERS = [-1.0, 0.0, 2.0, math.inf, -math.inf, math.nan]
OF_TWO = {
    "equal": operator.eq, "not_equal": operator.ne, "less": operator.lt, "less_equal": operator.le,
    "greater": operator.gt, "greater_equal": operator.ge, "logical_and": lambda a, b: bool(a and b),
    "logical_or": lambda a, b: bool(a or b), "logical_xor": lambda a, b: bool(a) != bool(b),
}  # fmt: skip
OF_ONE = {
    "logical_not": operator.not_, "isfinite": math.isfinite, "isinf": math.isinf, "isnan": math.isnan,
}  # fmt: skip
OF_BITS = {"bitwise_and": operator.and_, "bitwise_or": operator.or_, "bitwise_xor": operator.xor}


@pytest.mark.parametrize("name", OF_TWO)
def test_two_numbers_are_compared_as_python_does(name):
    table = mg.registry[name](np.array(NUMBERS)[:, None], np.array(NUMBERS))
    assert table.tolist() == [[OF_TWO[name](a, b) for b in NUMBERS] for a in NUMBERS]
    assert table.dtype == bool


@pytest.mark.parametrize("name", OF_ONE)
def test_one_number_is_judged_as_python_does(name):
    assert mg.registry[name](np.array(NUMBERS)).tolist() == [OF_ONE[name](a) for a in NUMBERS]


@pytest.mark.parametrize("name", OF_BITS)
def test_bits_are_combined_as_python_does(name):
    bits = np.arange(8)
    expected = [[OF_BITS[name](a, b) for b in range(8)] for a in range(8)]
    assert mg.registry[name](bits[:, None], bits).tolist() == expected
    assert mg.invert(bits).tolist() == [~a for a in range(8)]
