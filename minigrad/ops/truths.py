"""Comparisons, and what is made of their answers: truths, and bits. None of it is differentiable."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad import ops
from minigrad.core.arrays import shape_of
from minigrad.core.op import Op, op
from minigrad.ops.kernels.sums import Axis
from minigrad.ops.rows import PAIR, row

__all__ = [
    "all", "allclose", "any", "array_equal", "bitwise_and", "bitwise_or", "bitwise_xor", "equal", "greater",
    "greater_equal", "invert", "isclose", "isfinite", "isinf", "isnan", "less", "less_equal", "logical_and",
    "logical_not", "logical_or", "logical_xor", "not_equal",
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


# --- of two arrays ----------------------------------------------------------------------------------------------------


def isclose_definition(a: Any, b: Any, *, rtol: float, atol: float, equal_nan: bool) -> Any:
    a, b = (ops.astype(x, np.float64) if hasattr(x, "dtype") and x.dtype.kind != "f" else x for x in (a, b))
    with np.errstate(invalid="ignore"):  # infinities are compared below
        near = ops.less_equal(ops.absolute(a - b), ops.absolute(b) * rtol + atol)
    close = ops.logical_or(ops.logical_and(near, ops.isfinite(b)), ops.equal(a, b))
    return ops.logical_or(close, ops.logical_and(ops.isnan(a), ops.isnan(b))) if equal_nan else close


@op(
    formula="|a − b| ≤ atol + rtol |b|", elementwise=True, numpy=[np.isclose], differentiable=False,
    definition=isclose_definition,
)  # fmt: skip
def isclose(a: Any, b: Any, *, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> Any:
    """Whether elements are equal within a tolerance; infinities where they are the same, NaN if `equal_nan` says so.

    >>> isclose(Tensor([1.0, 2.0]), [1.0, 2.1]).tolist()
    [True, False]
    """
    return np.isclose(a, b, rtol, atol, equal_nan)


@op(
    formula="|aᵢ − bᵢ| ≤ atol + rtol |bᵢ| for every i", numpy=[np.allclose], differentiable=False,
    definition=lambda a, b, **params: ops.all(ops.isclose(a, b, **params)),
)  # fmt: skip
def allclose(a: Any, b: Any, *, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> Any:
    """Whether all elements are equal within a tolerance, as `isclose` says.

    >>> bool(allclose(Tensor([1.0, 2.0]), [1.0, 2.1]))
    False
    """
    return np.bool_(np.allclose(a, b, rtol, atol, equal_nan))


def array_equal_definition(x1: Any, x2: Any, *, equal_nan: bool) -> Any:
    if shape_of(x1) != shape_of(x2):
        return ops.logical_and(ops.all(ops.isnan(x1)), False)
    same = ops.equal(x1, x2)
    return ops.all(ops.logical_or(same, ops.logical_and(ops.isnan(x1), ops.isnan(x2))) if equal_nan else same)


@op(
    formula="the shapes of x₁ and x₂ are equal, and so is every element", numpy=[np.array_equal], differentiable=False,
    definition=array_equal_definition,
)  # fmt: skip
def array_equal(x1: Any, x2: Any, *, equal_nan: bool = False) -> Any:
    """Whether two arrays have the same shape and the same elements; NaN is equal to NaN if `equal_nan` says so.

    >>> bool(array_equal(Tensor([1.0, 2.0]), [1.0, 2.0])), bool(array_equal(Tensor([1.0, 2.0]), [1.0]))
    (True, False)
    """
    return np.bool_(np.array_equal(x1, x2, equal_nan))


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
