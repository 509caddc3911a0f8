"""Comparisons, and what is made of their answers: truths, and bits. None of it is differentiable."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.core.op import Op, op
from minigrad.ops.kernels.sums import Axis
from minigrad.ops.rows import PAIR, row

__all__ = [
    "all", "any", "bitwise_and", "bitwise_or", "bitwise_xor", "equal", "greater", "greater_equal", "invert",
    "isfinite", "isinf", "isnan", "less", "less_equal", "logical_and", "logical_not", "logical_or", "logical_xor",
    "not_equal",
]  # fmt: skip

# --- comparisons and truths -------------------------------------------------------------------------------------------


def comparison(name: str, forward: Any, formula: str, arguments: tuple[str, ...] = PAIR, **record: Any) -> Op:
    return row(name, forward, formula, arguments=arguments, differentiable=False, **record)


equal: Op = comparison("equal", np.equal, "x₁ = x₂", commutative=True)
not_equal: Op = comparison("not_equal", np.not_equal, "x₁ ≠ x₂", commutative=True)
less: Op = comparison("less", np.less, "x₁ < x₂")
less_equal: Op = comparison("less_equal", np.less_equal, "x₁ ≤ x₂")
greater: Op = comparison("greater", np.greater, "x₁ > x₂")
greater_equal: Op = comparison("greater_equal", np.greater_equal, "x₁ ≥ x₂")
logical_and: Op = comparison("logical_and", np.logical_and, "x₁ and x₂", commutative=True)
logical_or: Op = comparison("logical_or", np.logical_or, "x₁ or x₂", commutative=True)
logical_xor: Op = comparison("logical_xor", np.logical_xor, "either x₁ or x₂", commutative=True)
logical_not: Op = comparison("logical_not", np.logical_not, "not x", ("x",))
isfinite: Op = comparison("isfinite", np.isfinite, "x is finite", ("x",))
isinf: Op = comparison("isinf", np.isinf, "x is ∞ or −∞", ("x",))
isnan: Op = comparison("isnan", np.isnan, "x is not a number", ("x",))

# --- of an axis ------------------------------------------------------------------------------------------------------


@op(formula="xᵢ for some i", numpy=[np.any], differentiable=False)
def any(x: Any, *, axis: Axis = None, keepdims: bool = False) -> Any:
    """Whether some element along `axis` is true.

    >>> any([[True, False], [False, False]], axis=1).tolist()
    [True, False]
    """
    return np.any(x, axis=axis, keepdims=keepdims)


@op(formula="xᵢ for every i", numpy=[np.all], differentiable=False)
def all(x: Any, *, axis: Axis = None, keepdims: bool = False) -> Any:
    """Whether all elements along `axis` are true.

    >>> all([[True, True], [True, False]], axis=1).tolist()
    [True, False]
    """
    return np.all(x, axis=axis, keepdims=keepdims)


# --- bit by bit, which of booleans is "and", "or", "either" and "not" -------------------------------------------------


def bitwise(name: str, ufunc: Any, logical: str, formula: str, arguments: tuple[str, ...] = PAIR, **record: Any) -> Op:
    """An op that takes booleans and integers only; `logical` is what also takes floats, as truths."""

    def forward(*arrays: Any) -> Any:
        for x in arrays:
            if np.asarray(x).dtype.kind not in "biu":
                raise TypeError(
                    f"expected booleans or integers, got {np.asarray(x).dtype}: compare first, as in x > 0, or use "
                    f"minigrad.{logical} for truths"
                )
        return ufunc(*arrays)

    return row(
        name, forward, formula, arguments=arguments, numpy=[ufunc], differentiable=False,
        commutative=arguments == PAIR,
        **record,
    )  # fmt: skip


bitwise_and: Op = bitwise("bitwise_and", np.bitwise_and, "logical_and", "the bits set in x₁ and in x₂", symbol="&")
bitwise_or: Op = bitwise("bitwise_or", np.bitwise_or, "logical_or", "the bits set in x₁ or in x₂", symbol="|")
bitwise_xor: Op = bitwise("bitwise_xor", np.bitwise_xor, "logical_xor", "the bits that differ in x₁ and x₂", symbol="^")
invert: Op = bitwise("invert", np.invert, "logical_not", "the bits not set in x", ("x",), symbol="~")
