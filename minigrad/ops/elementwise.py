"""Elementwise ops of arithmetic, powers, choices and rounding, and what gradient rules need.

Each is one table row, see `rows`, unless it has parameters or optional arguments.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minigrad import ops
from minigrad.core.op import Op, op
from minigrad.core.record import composition
from minigrad.core.tensor import Tensor, array_or_constant
from minigrad.ops.kernels import is_zero, raise_to, select_where
from minigrad.ops.rows import PAIR, check_number, row
from minigrad.ops.strong import strongly_divided, strongly_multiplied

__all__ = [
    "absolute", "add", "astype", "ceil", "clip", "copy", "divide", "floor", "fmax", "fmin", "full_like",
    "maximum", "minimum", "multiply", "nan_to_num", "negative", "number_power", "ones_like", "power", "reciprocal",
    "rint", "round", "select", "sign", "sqrt", "square", "stop_gradient", "strong_multiply", "subtract",
    "tensor_power", "trunc", "where", "zeros_like",
]  # fmt: skip

# --- arithmetic -------------------------------------------------------------------------------------------------------


def divide_strongly(g: Any, x: Any) -> Any:
    """g / x, strongly: 0 where g is 0."""
    if not isinstance(x, (int, float)):
        return ops.strong_multiply(g, 1.0 / x)
    return g / x if x else ops.strong_multiply(g, math.copysign(math.inf, x))


add: Op = row(
    "add", np.add, "x₁ + x₂", lambda g, y, x1, x2: g, lambda g, y, x1, x2: g, arguments=PAIR, symbol="+",
    commutative=True,
)  # fmt: skip
subtract: Op = row(
    "subtract", np.subtract, "x₁ − x₂", lambda g, y, x1, x2: g, lambda g, y, x1, x2: -g, arguments=PAIR, symbol="-",
)  # fmt: skip
multiply: Op = row(
    "multiply", np.multiply, "x₁ · x₂", lambda g, y, x1, x2: g * x2, lambda g, y, x1, x2: g * x1, arguments=PAIR,
    symbol="*", commutative=True,
)  # fmt: skip
strong_multiply: Op = row(
    "strong_multiply", strongly_multiplied, "x₁ ⋆ x₂: the product, but 0 where that is NaN and a factor is 0",
    lambda g, y, x1, x2: ops.strong_multiply(g, x2), lambda g, y, x1, x2: ops.strong_multiply(g, x1), arguments=PAIR,
    symbol="⋆", commutative=True,
)  # fmt: skip
divide: Op = row(
    "divide", np.divide, "x₁ / x₂", lambda g, y, x1, x2: divide_strongly(g, x2),
    lambda g, y, x1, x2: -ops.strong_multiply(g, y / x2), arguments=PAIR, symbol="/",
)  # fmt: skip
multiply.strong, divide.strong = strongly_multiplied, strongly_divided
negative: Op = row("negative", np.negative, "−x", lambda g, y, x: -g, symbol="-")
reciprocal: Op = row(
    "reciprocal", np.reciprocal, "1 / x", lambda g, y, x: -ops.strong_multiply(g, ops.strong_multiply(y, y)),
)  # fmt: skip
square: Op = row("square", np.square, "x²", lambda g, y, x: g * x * 2.0)
absolute: Op = row("absolute", np.absolute, "|x|", lambda g, y, x: g * ops.sign(x))
sign: Op = row("sign", np.sign, "sign x", lambda g, y, x: ops.zeros_like(g))


# --- powers -----------------------------------------------------------------------------------------------------------

sqrt: Op = row("sqrt", np.sqrt, "√x", lambda g, y, x: ops.strong_multiply(g, 0.5 / y))


@op(formula="xⁿ for a number n", elementwise=True)
def number_power(x: Any, *, exponent: float) -> Any:
    """x to a fixed power: `x ** 2`. No logarithm is involved, so negative bases are fine.

    >>> number_power(Tensor([-1.0, 2.0]), exponent=3).tolist()
    [-1.0, 8.0]
    """
    check_number(exponent=exponent)
    x = np.asarray(x)
    if x.dtype.kind != "f":
        return np.power(x, exponent)  # of booleans, ** makes int8
    if exponent == 3:
        return x * x * x  # NumPy has a fast way for squares only
    return np.sqrt(x) if exponent == 0.5 else x**exponent


@number_power.vjp("x")
def _(g: Any, y: Any, x: Any, *, exponent: float) -> Any:
    if exponent == 0:
        return ops.zeros_like(g)
    return g if exponent == 1 else ops.strong_multiply(g, ops.number_power(x, exponent=exponent - 1) * exponent)


@op(formula="x₁ to the power x₂", elementwise=True, numpy=[np.float_power])
def tensor_power(x1: Any, x2: Any) -> Any:
    """x₁ to the power x₂, which C's `pow` is; NumPy's `power` takes the root where one 0.5 is the exponent of them all.

    >>> tensor_power(Tensor([2.0, -0.0]), [3.0, 0.5]).tolist()
    [8.0, 0.0]
    """
    return raise_to(x1, x2)


@tensor_power.vjp("x1")
def _(g: Any, y: Any, x1: Any, x2: Any) -> Any:
    return ops.strong_multiply(g, ops.strong_multiply(x2, ops.tensor_power(x1, x2 - 1.0)))


@tensor_power.vjp("x2")
def _(g: Any, y: Any, x1: Any, x2: Any) -> Any:
    logarithm = ops.log(ops.where(ops.equal(x1, 0.0), 1.0, x1))  # by convention 0 where the base is 0
    return ops.strong_multiply(g, ops.strong_multiply(y, logarithm))


@composition(formula="x₁ to the power x₂", numpy=[np.power])
def power(x1: Any, x2: Any) -> Any:
    """x1 ** x2, elementwise; a number as exponent needs no logarithm.

    >>> power(Tensor([1.0, 2.0, -3.0]), 2).tolist()
    [1.0, 4.0, 9.0]
    """
    numpys = isinstance(x2, np.number) and not isinstance(x1, Tensor)  # where the scalar's type counts
    if isinstance(x2, (int, float, np.number)) and not numpys:
        return ops.number_power(x1, exponent=x2)
    return ops.tensor_power(x1, x2)


# --- choices ----------------------------------------------------------------------------------------------------------


def share_of_chosen(g: Any, y: Any, mine: Any, other: Any) -> Any:
    """The gradient where `mine` was chosen, half of it where both were; NaN is chosen over numbers."""
    this, that = is_chosen(y, mine), is_chosen(y, other)
    alone = ops.where(ops.logical_and(this, ops.logical_not(that)), g, 0.0)
    return alone + ops.where(ops.logical_and(this, that), g * 0.5, 0.0)


def is_chosen(y: Any, x: Any) -> Any:
    return ops.logical_or(ops.equal(x, y), ops.isnan(x))


maximum: Op = row(
    "maximum", np.maximum, "max(x₁, x₂)", lambda g, y, x1, x2: share_of_chosen(g, y, x1, x2),
    lambda g, y, x1, x2: share_of_chosen(g, y, x2, x1), arguments=PAIR, commutative=True,
)  # fmt: skip
minimum: Op = row(
    "minimum", np.minimum, "min(x₁, x₂)", lambda g, y, x1, x2: share_of_chosen(g, y, x1, x2),
    lambda g, y, x1, x2: share_of_chosen(g, y, x2, x1), arguments=PAIR, commutative=True,
)  # fmt: skip


@composition(formula="max(x₁, x₂), and of a number and NaN the number", numpy=[np.fmax])
def fmax(x1: Any, x2: Any) -> Any:
    """The larger of two, which NaN never is beside a number: as the result, the gradient goes to the number alone.

    >>> fmax(Tensor([1.0, 2.0]), [3.0, np.nan]).tolist()
    [3.0, 2.0]
    """
    return unless_nan(ops.maximum, x1, x2)


@composition(formula="min(x₁, x₂), and of a number and NaN the number", numpy=[np.fmin])
def fmin(x1: Any, x2: Any) -> Any:
    """The smaller of two, which NaN never is beside a number: as the result, the gradient goes to the number alone.

    >>> fmin(Tensor([1.0, 2.0]), [3.0, np.nan]).tolist()
    [1.0, 2.0]
    """
    return unless_nan(ops.minimum, x1, x2)


def unless_nan(extreme: Any, x1: Any, x2: Any) -> Any:
    return ops.where(ops.isnan(x1), x2, ops.where(ops.isnan(x2), x1, extreme(x1, x2)))


@op(formula="x where the condition holds, else y", elementwise=True, numpy=[np.where])
def where(condition: Any, x: Any, y: Any) -> Any:
    """`x` where `condition` holds, else `y`; the branch not taken gets a gradient of exactly 0.

    >>> where(Tensor([True, False]), Tensor([1.0, 2.0]), 0.0).tolist()
    [1.0, 0.0]
    """
    if is_zero(y) and is_like(x, condition):
        return select_where(condition, x)
    if is_zero(x) and is_like(y, condition):
        return select_where(np.logical_not(condition), y)
    check_held(x, y)
    check_held(y, x)
    return np.where(condition, x, y)


def check_held(number: Any, beside: Any) -> None:
    """Raise OverflowError for a number that the integers beside it cannot hold: `np.where` would wrap it around."""
    if type(number) is int and isinstance(beside, np.ndarray) and beside.dtype.kind in "iu":
        beside.dtype.type(number)


def is_like(x: Any, condition: Any) -> bool:
    """Whether `x` is an array of floats, and the condition one of booleans in the same shape."""
    arrays = type(x) is type(condition) is np.ndarray
    return arrays and x.dtype.kind == "f" and condition.dtype.kind == "b" and x.shape == condition.shape


where.vjp("x")(lambda g, result, condition, x, y: ops.where(condition, g, 0.0))
where.vjp("y")(lambda g, result, condition, x, y: ops.where(condition, 0.0, g))


@composition(formula="the choice of the first condition that holds", numpy=[np.select])
def select(condlist: Sequence[Any], choicelist: Sequence[Any], default: Any = 0) -> Any:
    """At each place the element of `choicelist` whose condition is the first to hold; `default` where none does.

    >>> x = Tensor([-2.0, 0.5, 3.0])
    >>> select([x < 0, x > 1], [0.0 * x, x * x], x).tolist()
    [-0.0, 0.5, 9.0]
    """
    if not len(condlist) == len(choicelist) > 0:
        raise ValueError(
            f"select: {len(condlist)} conditions, {len(choicelist)} choices: expected as many, and at least one"
        )
    for condition, choice in zip(condlist[::-1], choicelist[::-1], strict=True):
        default = ops.where(condition, choice, default)
    return default


@op(formula="min(max(x, a_min), a_max)", elementwise=True, numpy=[np.clip])
def clip(x: Any, a_min: Any = None, a_max: Any = None) -> Any:
    """`x` limited to the range from `a_min` to `a_max`; at a bound the gradient goes to `x`.

    Where `a_min` is above `a_max` the result is `a_max`, whatever `x` is, and so goes the gradient.

    >>> clip(Tensor([-2.0, 0.5, 2.0]), -1.0, 1.0).tolist()
    [-1.0, 0.5, 1.0]
    """
    return np.clip(x, a_min, a_max)


clip.vjp("x")(lambda g, y, x, a_min, a_max: ops.where(where_bounds_are_in_order(ops.equal(x, y), a_min, a_max), g, 0.0))


@clip.vjp("a_min")
def _(g: Any, y: Any, x: Any, a_min: Any, a_max: Any) -> Any:
    return ops.where(where_bounds_are_in_order(ops.less(x, a_min), a_min, a_max), g, 0.0)


@clip.vjp("a_max")
def _(g: Any, y: Any, x: Any, a_min: Any, a_max: Any) -> Any:
    above = ops.greater(x, a_max)
    return ops.where(above if a_min is None else ops.logical_or(above, ops.greater(a_min, a_max)), g, 0.0)


def where_bounds_are_in_order(condition: Any, a_min: Any, a_max: Any) -> Any:
    """The condition, and False where `a_min` is above `a_max`; of two numbers it is known once and for all."""
    if a_min is None or a_max is None:
        return condition
    if isinstance(a_min, (int, float)) and isinstance(a_max, (int, float)):
        return ops.zeros_like(condition) if a_min > a_max else condition
    return ops.logical_and(condition, ops.logical_not(ops.greater(a_min, a_max)))


@composition(formula="x with numbers in place of NaN and ±∞", numpy=[np.nan_to_num])
def nan_to_num(x: Any, copy: bool = True, nan: Any = 0.0, posinf: Any = None, neginf: Any = None) -> Any:
    """`x` with finite numbers for what is not finite, for ±∞ the largest there are by default; their gradient is 0.

    >>> nan_to_num(Tensor([1.0, np.nan, np.inf]), posinf=9.0).tolist()
    [1.0, 0.0, 9.0]
    """
    if not copy:
        raise ValueError("nan_to_num: copy=False would write into x: the result is a new array here")
    x = x if hasattr(x, "dtype") else array_or_constant(x)
    if x.dtype.kind != "f":
        return ops.copy(x)
    most = float(np.finfo(x.dtype).max)
    for found, number in (
        (ops.isnan(x), nan), (ops.equal(x, np.inf), most if posinf is None else posinf),
        (ops.equal(x, -np.inf), -most if neginf is None else neginf),
    ):  # fmt: skip
        x = ops.where(found, number, x)
    return x


# --- rounding: the gradient is 0, also at the jumps -------------------------------------------------------------------


def step(name: str, forward: Any, formula: str) -> Op:
    return row(name, forward, formula, lambda g, y, x: ops.zeros_like(g))


floor: Op = step("floor", np.floor, "⌊x⌋, the largest integer up to x")
ceil: Op = step("ceil", np.ceil, "⌈x⌉, the smallest integer from x")
trunc: Op = step("trunc", np.trunc, "x without its fraction")
rint: Op = step("rint", np.rint, "the integer nearest to x, the even one of two")


@op(formula="x to a number of decimals", elementwise=True, numpy=[np.round, np.around])
def round(x: Any, *, decimals: int = 0) -> Any:
    """`x` rounded to `decimals`, a half to the even neighbour; the gradient is 0.

    >>> round(Tensor([0.5, 1.5, 2.26]), 1).tolist()
    [0.5, 1.5, 2.3]
    """
    return np.round(x, decimals)


round.vjp("x")(lambda g, y, x, *, decimals: ops.zeros_like(g))


# --- what rules need --------------------------------------------------------------------------------------------------


@op(formula="x as another type", elementwise=True, view=True)
def astype(x: Any, *, dtype: Any) -> Any:
    """`x` as another dtype; the gradient comes back in the dtype of `x`.

    >>> astype(Tensor([1.0]), "float32").dtype
    dtype('float32')
    """
    if isinstance(dtype, tuple) or np.dtype(dtype).kind not in "biuf":
        raise TypeError(f"dtype={dtype}: expected a type of real numbers")
    return np.asarray(x).astype(dtype, copy=False)


astype.vjp("x")(lambda g, y, x, *, dtype: g)  # the engine casts a gradient to the type of its argument


@op(formula="x, without its gradient", elementwise=True, view=True, differentiable=False)
def stop_gradient(x: Any) -> Any:
    """The same values; nothing before it receives a gradient through it.

    >>> x = Tensor(3.0, requires_grad=True)
    >>> (x * stop_gradient(x)).backward()
    >>> x.grad
    array(3.)
    """
    return np.asarray(x)


@op(formula="x in memory of its own", elementwise=True, numpy=[np.copy])
def copy(x: Any) -> Any:
    """The same values in an array of their own, row by row.

    >>> copy(Tensor([1.0, 2.0])).tolist()
    [1.0, 2.0]
    """
    return np.array(x, order="C")


copy.vjp("x")(lambda g, y, x: g)
copy.independent = True


def like(name: str, forward: Callable[..., Any], formula: str) -> Op:
    return row(name, forward, formula, numpy=[getattr(np, name)], differentiable=False)


zeros_like: Op = like("zeros_like", lambda x: np.zeros_like(x), "0 in the shape of x")
ones_like: Op = like("ones_like", lambda x: np.ones_like(x), "1 in the shape of x")


@op(formula="a number in the shape of x", elementwise=True, numpy=[np.full_like], differentiable=False)
def full_like(x: Any, *, fill_value: float) -> Any:
    """An array of the shape and type of `x`, filled with `fill_value`.

    >>> full_like(Tensor([1.0, 2.0]), 7.0).tolist()
    [7.0, 7.0]
    """
    check_number(fill_value=fill_value)
    return np.full_like(x, fill_value)
