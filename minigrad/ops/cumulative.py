"""Running sums and products along an axis, and the recurrence behind the derivatives of the latter.

Nothing is divided, so zeros are right to every order. The product over an axis (reduction.py) takes its rule from here.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from minigrad import ops
from minigrad.core.arrays import Shaped, is_half, shape_of
from minigrad.core.op import op
from minigrad.ops.kernels import HALF, check_axis, sums
from minigrad.ops.strong import strongly_multiplied

__all__ = ["cumprod", "cumsum", "linear_recurrence"]


@op(formula="yᵢ = x₁ + … + xᵢ", numpy=[np.cumsum])
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


@op(formula="yᵢ = x₁ · … · xᵢ", numpy=[np.cumprod])
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


# --- along one axis ---------------------------------------------------------------------------------------------------


def preceding(x: Any, axis: int, first: float) -> Any:
    """At each place of an axis what stands before it, and `first` at the first place."""
    before = (slice(None),) * (axis % x.ndim)
    start = ops.full_like(ops.index(x, (*before, slice(0, 1))), first)
    return ops.concatenate([start, ops.index(x, (*before, slice(0, -1)))], axis=axis)


def in_shape(x: Any, shape: tuple[int, ...]) -> Any:
    return x if x.shape == shape else ops.reshape(x, shape)
