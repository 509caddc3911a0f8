"""Reductions over one axis, several, or all: NumPy's arguments `axis` and `keepdims`."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minigrad import ops
from minigrad.core.arrays import is_half, shape_of
from minigrad.core.op import op
from minigrad.core.record import composition
from minigrad.ops.cumulative import products_of_others
from minigrad.ops.extended import typed
from minigrad.ops.kernels import HALF, check_axis, maximum_reduce, minimum_reduce, sum_over, sums
from minigrad.ops.kernels.sums import Axis, count_degrees_of_freedom, count_reduced, keep_shape
from minigrad.ops.precision import rounded_once
from minigrad.ops.shape import inverse_permutation

__all__ = [
    "amax", "amin", "argmax", "argmin", "logsumexp", "max", "mean", "min", "prod", "ptp", "std", "sum", "var",
]  # fmt: skip


def places(name: str, axis: Axis, ndim: int) -> tuple[int, ...]:
    """The axes counted from 0; what is out of range or named twice is refused in the name of the function."""
    if axis is None:
        return tuple(range(ndim))
    found = tuple(check_axis(name, i, ndim) for i in ((axis,) if isinstance(axis, int) else axis))
    if len(set(found)) < len(found):
        raise ValueError(f"{name}: duplicate value in axis={axis} of an array with {ndim} axes")
    return found


def spread(g: Any, x: Any, axis: Axis) -> Any:
    """`g`, one per reduced row, laid over the shape of `x` again."""
    return ops.broadcast_to(keep_axes(g, x, axis), x.shape)


def keep_axes(y: Any, x: Any, axis: Axis) -> Any:
    """A reduced array with its reduced axes back as 1."""
    shape = keep_shape(x.shape, axis)
    return y if y.shape == shape else ops.reshape(y, shape)


@typed(formula="Σᵢ xᵢ", numpy=[np.sum])
def sum(x: Any, *, axis: Axis = None, keepdims: bool = False) -> Any:
    """The sum over `axis`; of float16 in float32, rounded at the end; `dtype=` is the type to add up in.

    >>> sum(Tensor([[1.0, 2.0], [3.0, 4.0]]), 0).tolist()
    [4.0, 6.0]
    """
    return sum_over(x, axis, keepdims)


sum.vjp("x")(lambda g, y, x, *, axis, keepdims: spread(g, x, axis))


def mean_definition(x: Any, *, axis: Axis, keepdims: bool) -> Any:
    return ops.sum(x, axis=axis, keepdims=keepdims) / float(count_reduced(shape_of(x), axis))


@typed(formula="1/n Σᵢ xᵢ", numpy=[np.mean], definition=mean_definition)
def mean(x: Any, *, axis: Axis = None, keepdims: bool = False) -> Any:
    """The arithmetic mean over `axis`.

    >>> mean(Tensor([[1.0, 2.0], [3.0, 4.0]]), axis=1).tolist()
    [1.5, 3.5]
    """
    return sums.mean(x, axis, keepdims)


@mean.vjp("x")
def _(g: Any, y: Any, x: Any, *, axis: Axis, keepdims: bool) -> Any:
    n = count_reduced(x.shape, axis)
    return spread(g / float(n) if n else g, x, axis)


# --- the largest and the smallest -------------------------------------------------------------------------------------


def share_among_extremes(g: Any, y: Any, x: Any, axis: Axis) -> Any:
    """`g` shared evenly among the entries of `x` equal to the extreme `y`; where there is a NaN, it takes all."""
    extreme = ops.logical_or(ops.equal(x, keep_axes(y, x, axis)), ops.isnan(x))
    shares = ops.sum(extreme, axis=axis, keepdims=True)
    return ops.where(extreme, keep_axes(g, x, axis) / ops.astype(shares, np.result_type(g.dtype, np.float32)), 0.0)


@op(formula="maxᵢ xᵢ", numpy=[np.max])
def max(x: Any, *, axis: Axis = None, keepdims: bool = False) -> Any:
    """The largest element over `axis`; equal ones share the gradient evenly.

    >>> x = Tensor([1.0, 3.0, 3.0], requires_grad=True)
    >>> max(x).backward()
    >>> x.grad
    array([0. , 0.5, 0.5])
    """
    return maximum_reduce(x, axis, None, None, keepdims)


@op(formula="minᵢ xᵢ", numpy=[np.min])
def min(x: Any, *, axis: Axis = None, keepdims: bool = False) -> Any:
    """The smallest element over `axis`; equal ones share the gradient evenly.

    >>> min(Tensor([[1.0, 2.0], [4.0, 3.0]]), axis=1).tolist()
    [1.0, 3.0]
    """
    return minimum_reduce(x, axis, None, None, keepdims)


@max.vjp("x")
@min.vjp("x")
def _(g: Any, y: Any, x: Any, *, axis: Axis, keepdims: bool) -> Any:
    return share_among_extremes(g, y, x, axis)


@composition(formula="maxᵢ xᵢ", numpy=[np.amax])
def amax(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """`max`, by its other name.

    >>> float(amax(Tensor([1.0, 3.0])))
    3.0
    """
    return ops.max(x, axis=places("amax", axis, len(shape_of(x))), keepdims=keepdims)


@composition(formula="minᵢ xᵢ", numpy=[np.amin])
def amin(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """`min`, by its other name.

    >>> float(amin(Tensor([1.0, 3.0])))
    1.0
    """
    return ops.min(x, axis=places("amin", axis, len(shape_of(x))), keepdims=keepdims)


@composition(formula="maxᵢ xᵢ − minᵢ xᵢ", numpy=[np.ptp])
def ptp(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """From the smallest to the largest element over `axis`, peak to peak.

    >>> float(ptp(Tensor([3.0, 1.0, 2.0])))
    2.0
    """
    return ops.max(x, axis=axis, keepdims=keepdims) - ops.min(x, axis=axis, keepdims=keepdims)


@op(formula="the place of maxᵢ xᵢ", numpy=[np.argmax], differentiable=False)
def argmax(x: Any, *, axis: int | None = None, keepdims: bool = False) -> Any:
    """The index of the first largest element along `axis`.

    >>> argmax([[1.0, 3.0, 3.0], [2.0, 0.0, 1.0]], axis=1).tolist()
    [1, 0]
    """
    return np.argmax(x, axis=axis, keepdims=keepdims)


@op(formula="the place of minᵢ xᵢ", numpy=[np.argmin], differentiable=False)
def argmin(x: Any, *, axis: int | None = None, keepdims: bool = False) -> Any:
    """The index of the first smallest element along `axis`.

    >>> argmin([[1.0, 3.0, 1.0], [2.0, 0.0, 1.0]], axis=1).tolist()
    [0, 1]
    """
    return np.argmin(x, axis=axis, keepdims=keepdims)


# --- products ---------------------------------------------------------------------------------------------------------


@typed(formula="Πᵢ xᵢ", numpy=[np.prod])
def prod(x: Any, *, axis: Axis = None, keepdims: bool = False) -> Any:
    """The product over `axis`; its gradient divides by nothing, so zeros are fine.

    >>> x = Tensor([0.0, 2.0, 3.0], requires_grad=True)
    >>> prod(x).backward()
    >>> x.grad
    array([6., 0., 0.])
    """
    if is_half(x):
        return np.prod(x, axis=axis, dtype=np.float32, keepdims=keepdims).astype(HALF)
    return np.prod(x, axis=axis, keepdims=keepdims)


@prod.vjp("x")
def _(g: Any, y: Any, x: Any, *, axis: Axis, keepdims: bool) -> Any:
    if isinstance(axis, int) and x.ndim:
        return keep_axes(g, x, axis) * products_of_others(x, axis)
    reduced = tuple(sorted(places("prod", axis, x.ndim))) if x.ndim else ()
    order = tuple(i for i in range(x.ndim) if i not in reduced) + reduced
    shape = tuple(x.shape[i] for i in order)
    leading = x.ndim - len(reduced)
    rows = ops.reshape(permute(x, order), (*shape[:leading], math.prod(shape[leading:])))
    others = ops.reshape(products_of_others(rows, -1), shape)
    return keep_axes(g, x, axis) * permute(others, inverse_permutation(order))


def permute(x: Any, order: tuple[int, ...]) -> Any:
    return x if order == tuple(range(x.ndim)) else ops.transpose(x, axes=order)


# --- how far elements lie apart ---------------------------------------------------------------------------------------


@composition(formula="1/(n − ddof) Σᵢ (xᵢ − mean x)²", numpy=[np.var])
@rounded_once
def var(x: Any, axis: Axis = None, ddof: float = 0, keepdims: bool = False) -> Any:
    """The variance over `axis`; `ddof=1` divides by n − 1.

    >>> float(var(Tensor([1.0, 2.0, 3.0]), ddof=1))
    1.0
    """
    places("var", axis, len(shape_of(x)))
    if not count_degrees_of_freedom(shape_of(x), axis, ddof):  # 0 / 0 or ∞, whose gradient is no number either
        return ops.square(ops.std(x, axis=axis, ddof=ddof, keepdims=keepdims))
    return mean_square(x - ops.mean(x, axis=axis, keepdims=True), axis, ddof, keepdims)


def mean_square(deviation: Any, axis: Axis, ddof: float, keepdims: bool) -> Any:
    squares = ops.square(deviation)
    if not ddof:
        return ops.mean(squares, axis=axis, keepdims=keepdims)
    return ops.sum(squares, axis=axis, keepdims=keepdims) / count_degrees_of_freedom(deviation.shape, axis, ddof)


def centre(x: Any, axis: Axis) -> Any:
    """x minus its mean. The first entry is subtracted before: means are rounded, and equal elements give exactly 0."""
    first = tuple(slice(0, 1) if n == 1 else slice(None) for n in keep_shape(x.shape, axis))
    shifted = x - ops.stop_gradient(ops.index(x, first))
    return shifted - ops.mean(shifted, axis=axis, keepdims=True)


def std_definition(x: Any, *, axis: Axis, ddof: float, keepdims: bool) -> Any:
    variance = var(x, axis=axis, ddof=ddof, keepdims=keepdims)
    return unless_zero(variance, ops.sqrt(unless_zero(variance, variance, 1.0)))


@op(formula="√(var x)", numpy=[np.std], definition=std_definition)
def std(x: Any, *, axis: Axis = None, ddof: float = 0, keepdims: bool = False) -> Any:
    """The standard deviation over `axis`; the gradient of equal elements is 0 by convention.

    >>> float(std(Tensor([1.0, 2.0, 3.0]), ddof=1))
    1.0
    """
    places("std", axis, np.ndim(x))
    return sums.std(x, axis, ddof, keepdims)


@std.vjp("x")
def _(g: Any, y: Any, x: Any, *, axis: Axis, ddof: float, keepdims: bool) -> Any:
    degrees = count_degrees_of_freedom(x.shape, axis, ddof)
    if not degrees:
        return x * math.nan
    ratio = centre(x, axis) / keep_axes(unless_zero(y, y, 1.0), x, axis)  # first, as for `vector_norm`
    return ratio * keep_axes(unless_zero(y, g / degrees), x, axis)


def unless_zero(y: Any, value: Any, otherwise: float = 0.0) -> Any:
    """`value` where `y` is not 0. Where a length is 0, its derivatives of every order are 0 by convention."""
    return ops.where(ops.equal(y, 0.0), otherwise, value)


def logsumexp_definition(x: Any, *, axis: Axis = None, keepdims: bool = False) -> Any:
    largest = ops.max(x, axis=axis, keepdims=True)
    shift = ops.stop_gradient(ops.where(ops.isfinite(largest), largest, 0.0))
    finite = ops.log(ops.sum(ops.exp(x - shift), axis=axis, keepdims=True)) + shift
    total = ops.where(ops.equal(largest, np.inf), largest, finite)
    return total if keepdims else ops.squeeze(total, axis=axis)


@op(formula="log Σᵢ exp xᵢ", definition=logsumexp_definition)
def logsumexp(x: Any, *, axis: Axis = None, keepdims: bool = False) -> Any:
    """log(sum(exp(x))) over `axis`, shifted by the largest element so that nothing overflows.

    The largest are counted, not summed, so that what the others add is not lost beside them: log(1 + exp(−40)).

    >>> float(logsumexp(Tensor([1000.0, 1001.0])))
    1001.3132616875182
    """
    return sums.logsumexp(x, axis, keepdims)


@logsumexp.vjp("x")
def _(g: Any, y: Any, x: Any, *, axis: Axis, keepdims: bool) -> Any:
    # The exponentials add up to 1 but for the rounding of y, which is undone by their sum.
    total = ops.stop_gradient(keep_axes(y, x, axis))
    weights = ops.exp(x - ops.where(ops.isfinite(total), total, 0.0))
    scale = keep_axes(g, x, axis) / ops.sum(weights, axis=axis, keepdims=True)
    finite = ops.strong_multiply(weights, scale)  # by convention 0 where all are −∞
    return ops.where(ops.equal(total, np.inf), share_among_extremes(g, y, x, axis), finite)
