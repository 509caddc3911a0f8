"""Running sums, products and extremes along an axis, and the recurrence behind the derivatives of the latter.

Nothing is divided, so zeros are right to every order. The product over an axis (reduction.py) takes its rule from here.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from minigrad import ops
from minigrad.core.arrays import Shaped, is_half, shape_of
from minigrad.core.op import op
from minigrad.core.record import by_numpy, composition
from minigrad.core.tensor import array_or_constant
from minigrad.ops.extended import typed
from minigrad.ops.kernels import HALF, check_axis, sums
from minigrad.ops.normalisation import floating
from minigrad.ops.precision import rounded_once
from minigrad.ops.strong import strongly_multiplied

__all__ = ["cummax", "cummin", "cumprod", "cumsum", "linear_recurrence", "logcumsumexp"]


@typed(formula="yᵢ = x₁ + … + xᵢ", numpy=[np.cumsum])
def cumsum(x: Any, *, axis: int | None = None) -> Any:
    """The sum of all elements up to each, along `axis` or of the flattened array; of float16 in float32.

    >>> cumsum(Tensor([1.0, 2.0, 3.0])).tolist()
    [1.0, 3.0, 6.0]
    """
    if is_half(x):
        return np.cumsum(x, axis, np.float32).astype(HALF)
    return np.cumsum(x, axis)


@cumsum.vjp("x")
def _(g: Any, y: Any, x: Any, *, axis: int | None) -> Any:
    along = -1 if axis is None else axis
    return in_shape(ops.flip(ops.cumsum(ops.flip(g, along), axis=along), along), x.shape)


@typed(formula="yᵢ = x₁ · … · xᵢ", numpy=[np.cumprod])
def cumprod(x: Any, *, axis: int | None = None) -> Any:
    """The product of all elements up to each, along `axis` or of the flattened array; of float16 in float32.

    >>> cumprod(Tensor([1.0, 2.0, 3.0])).tolist()
    [1.0, 2.0, 6.0]
    """
    if is_half(x):
        return np.cumprod(x, axis, np.float32).astype(HALF)
    return np.cumprod(x, axis)


@cumprod.vjp("x")
def _(g: Any, y: Any, x: Any, *, axis: int | None) -> Any:
    along = -1 if axis is None else axis
    following = ops.linear_recurrence(in_shape(x, y.shape), g, axis=along, reverse=True)
    return in_shape(preceding(y, along, 1.0) * following, x.shape)


def products_of_others(x: Any, axis: int) -> Any:
    """At each place of an axis, the product of all other places: all before it times all after it."""
    before = preceding(ops.cumprod(x, axis=axis), axis, 1.0)
    after = preceding(ops.cumprod(ops.flip(x, axis), axis=axis), axis, 1.0)
    return before * ops.flip(after, axis)


def shape_of_recurrence(a: Any, b: Any, *, axis: int, reverse: bool) -> Shaped:
    shape = np.broadcast_shapes(shape_of(a), shape_of(b))
    check_axis("linear_recurrence", axis, len(shape))
    # With float16, integers become the floats that NumPy makes of them.
    return Shaped(shape, np.result_type(*(getattr(x, "dtype", x) for x in (a, b)), HALF))


@op(formula="yᵢ = aᵢ yᵢ₋₁ + bᵢ", infer=shape_of_recurrence)
def linear_recurrence(a: Any, b: Any, *, axis: int = -1, reverse: bool = False) -> Any:
    """y₀ = b₀ and yᵢ = aᵢ yᵢ₋₁ + bᵢ along `axis` of `a` and `b`, broadcast together; one step after another.

    With `reverse` it runs from the end, yᵢ = aᵢ₊₁ yᵢ₊₁ + bᵢ, which is the transpose of the map from b to y.

    >>> linear_recurrence(0.5, Tensor([1.0, 1.0, 1.0])).tolist()
    [1.0, 1.5, 1.75]
    """
    return sums.linear_recurrence(a, b, axis, reverse)


linear_recurrence.strong = functools.partial(sums.recur, strongly_multiplied)


@linear_recurrence.vjp("a")
def _(g: Any, y: Any, a: Any, b: Any, *, axis: int, reverse: bool) -> Any:
    transposed = ops.linear_recurrence(a, g, axis=axis, reverse=not reverse)
    return y * preceding(transposed, axis, 0.0) if reverse else transposed * preceding(y, axis, 0.0)


@linear_recurrence.vjp("b")
def _(g: Any, y: Any, a: Any, b: Any, *, axis: int, reverse: bool) -> Any:
    return ops.linear_recurrence(a, g, axis=axis, reverse=not reverse)


# --- the largest and the smallest up to each --------------------------------------------------------------------------


def extreme_definition(reduce: str) -> Any:
    """The extreme of each beginning of a row: of nothing else, for what is filled in would tie with it."""

    def definition(x: Any, *, axis: int) -> Any:
        rows, count = ops.moveaxis(x, axis, -1), x.shape[axis]
        if not count:
            return ops.copy(x)
        until = [getattr(ops, reduce)(ops.index(rows, (..., slice(0, end))), axis=-1) for end in range(1, count + 1)]
        return ops.stack(until, axis=axis)

    return definition


@op(formula="yᵢ = max(x₁, …, xᵢ)", definition=extreme_definition("max"))
def cummax(x: Any, *, axis: int = 0) -> Any:
    """The largest of all elements up to each along `axis`; equal ones share the gradient evenly.

    >>> cummax(Tensor([1.0, 3.0, 2.0])).tolist()
    [1.0, 3.0, 3.0]
    """
    return sums.cummax(x, axis)


@op(formula="yᵢ = min(x₁, …, xᵢ)", definition=extreme_definition("min"))
def cummin(x: Any, *, axis: int = 0) -> Any:
    """The smallest of all elements up to each along `axis`; equal ones share the gradient evenly.

    >>> cummin(Tensor([3.0, 1.0, 2.0])).tolist()
    [3.0, 1.0, 1.0]
    """
    return sums.cummin(x, axis)


by_numpy |= {np.maximum.accumulate: cummax, np.minimum.accumulate: cummin}


@cummax.vjp("x")
@cummin.vjp("x")
def _(g: Any, y: Any, x: Any, *, axis: int) -> Any:
    chosen = ops.logical_or(ops.equal(x, y), ops.isnan(x))
    before = preceding(y, axis, 0.0)
    same = ops.astype(ops.logical_or(ops.equal(y, before), ops.isnan(before)), g.dtype)  # in one run of equal results
    sharing = ops.linear_recurrence(same, ops.astype(chosen, g.dtype), axis=axis)
    return ops.where(chosen, ops.linear_recurrence(same, g / sharing, axis=axis, reverse=True), 0.0)


@composition(formula="yᵢ = log(exp x₁ + … + exp xᵢ)")
@rounded_once
def logcumsumexp(x: Any, axis: int = 0) -> Any:
    """log(cumsum(exp(x))) along `axis`, each sum shifted by the largest element so far, so that nothing overflows.

    >>> logcumsumexp(Tensor([1000.0, 1000.0])).tolist()
    [1000.0, 1000.6931471805599]
    """
    x = floating(x if hasattr(x, "dtype") else array_or_constant(x))
    check_axis("logcumsumexp", axis, len(x.shape))
    largest = ops.stop_gradient(ops.cummax(x, axis=axis))
    shift = ops.where(ops.isfinite(largest), largest, 0.0)
    fading = ops.exp(ops.minimum(preceding(shift, axis, 0.0) - shift, 0.0))
    return ops.log(ops.linear_recurrence(fading, ops.exp(x - shift), axis=axis)) + shift


# --- along one axis ---------------------------------------------------------------------------------------------------


def preceding(x: Any, axis: int, first: float) -> Any:
    """At each place of an axis what stands before it, and `first` at the first place."""
    before = (slice(None),) * (axis % x.ndim)
    start = ops.full_like(ops.index(x, (*before, slice(0, 1))), first)
    return ops.concatenate([start, ops.index(x, (*before, slice(0, -1)))], axis=axis)


def in_shape(x: Any, shape: tuple[int, ...]) -> Any:
    return x if x.shape == shape else ops.reshape(x, shape)
