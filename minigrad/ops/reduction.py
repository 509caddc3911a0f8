"""Reductions over one axis, several, or all: NumPy's arguments `axis` and `keepdims`."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minigrad import ops
from minigrad.base.arrays import shape_of
from minigrad.base.record import call, composition, kink, refusal
from minigrad.core.op import op
from minigrad.ops.kernels import add_reduce, as_float, maximum_reduce, minimum_reduce, row_sums, sum_of_products
from minigrad.ops.samples import booleans, normal

__all__ = [
    "all", "any", "argmax", "argmin", "logsumexp", "max", "mean", "min", "prod", "std", "sum", "var", "vecdot",
]  # fmt: skip

Axis = int | tuple[int, ...] | None


samples = [
    call(normal(2, 3)), call(normal(2, 3), axis=0), call(normal(2, 3, 2), axis=(0, -1)),
    call(normal(2, 3), axis=-1, keepdims=True), call(normal(2, 3), axis=(), keepdims=False), call(normal()),
]  # fmt: skip


def kept_shape(shape: tuple[int, ...], axis: Axis) -> tuple[int, ...]:
    """The shape with the reduced axes kept as 1."""
    ndim = len(shape)
    reduced = range(ndim) if axis is None else (axis,) if isinstance(axis, int) else axis
    places = {i % ndim for i in reduced}
    return tuple(1 if i in places else n for i, n in enumerate(shape))


def spread(g: Any, x: Any, axis: Axis) -> Any:
    """`g`, one per reduced row, laid over the shape of `x` again."""
    return ops.broadcast_to(kept(g, x, axis), x.shape)


def kept(y: Any, x: Any, axis: Axis) -> Any:
    """A reduced array with its reduced axes back as 1."""
    shape = kept_shape(x.shape, axis)
    return y if y.shape == shape else ops.reshape(y, shape)


@op(formula="Σᵢ xᵢ", numpy=[np.sum], samples=samples)
def sum(x: Any, *, axis: Axis = None, keepdims: bool = False) -> Any:
    """The sum over `axis`.

    >>> sum(Tensor([[1.0, 2.0], [3.0, 4.0]]), 0).tolist()
    [4.0, 6.0]
    """
    return add_reduce(x, axis, None, None, keepdims)


@sum.vjp("x")
def _(g: Any, y: Any, x: Any, *, axis: Axis, keepdims: bool) -> Any:
    return spread(g, x, axis)


def count(x: Any, axis: Axis) -> int:
    """How many elements go into each result."""
    shape = shape_of(x)
    return math.prod(n for n, m in zip(shape, kept_shape(shape, axis), strict=True) if m == 1)


@op(
    formula="1/n Σᵢ xᵢ", numpy=[np.mean], samples=samples,
    definition=lambda x, *, axis, keepdims: ops.sum(x, axis=axis, keepdims=keepdims) / float(count(x, axis)),
)  # fmt: skip
def mean(x: Any, *, axis: Axis = None, keepdims: bool = False) -> Any:
    """The arithmetic mean over `axis`.

    >>> mean(Tensor([[1.0, 2.0], [3.0, 4.0]]), axis=1).tolist()
    [1.5, 3.5]
    """
    if axis == -1 and np.ndim(x) and x.dtype.char in "fd" and x.shape[-1]:
        means = row_sums(x) / x.shape[-1]
        return means if keepdims else means[..., 0]
    return np.mean(x, axis=axis, keepdims=keepdims)


@mean.vjp("x")
def _(g: Any, y: Any, x: Any, *, axis: Axis, keepdims: bool) -> Any:
    n = count(x, axis)
    return spread(g / float(n) if n else g, x, axis)


def chosen(g: Any, y: Any, x: Any, axis: Axis) -> Any:
    """`g` shared evenly among the entries of `x` equal to the extreme `y`; where there is a NaN, it takes all."""
    extreme = ops.logical_or(ops.equal(x, kept(y, x, axis)), ops.isnan(x))
    shares = ops.sum(extreme, axis=axis, keepdims=True)
    return ops.where(extreme, kept(g, x, axis) / ops.astype(shares, np.result_type(g.dtype, np.float32)), 0.0)


@op(
    formula="maxᵢ xᵢ", numpy=[np.max], samples=samples,
    refusals=[refusal(call(normal(2, 3), axis=2), np.exceptions.AxisError, "max", "axis 2", "dimension 2")],
    kinks=[kink(call(np.array([1.0, 1.0, 0.0])), [0.5, 0.5, 0.0])],
)  # fmt: skip
def max(x: Any, *, axis: Axis = None, keepdims: bool = False) -> Any:
    """The largest element over `axis`; equal ones share the gradient evenly."""
    return maximum_reduce(x, axis, None, None, keepdims)


@op(formula="minᵢ xᵢ", numpy=[np.min], samples=samples)
def min(x: Any, *, axis: Axis = None, keepdims: bool = False) -> Any:
    """The smallest element over `axis`; equal ones share the gradient evenly."""
    return minimum_reduce(x, axis, None, None, keepdims)


@max.vjp("x")
@min.vjp("x")
def _(g: Any, y: Any, x: Any, *, axis: Axis, keepdims: bool) -> Any:
    return chosen(g, y, x, axis)


@op(formula="Πᵢ xᵢ", numpy=[np.prod], samples=samples)
def prod(x: Any, *, axis: Axis = None, keepdims: bool = False) -> Any:
    """The product over `axis`; its gradient divides by nothing, so zeros are fine."""
    return np.prod(x, axis=axis, keepdims=keepdims)


@prod.vjp("x")
def _(g: Any, y: Any, x: Any, *, axis: Axis, keepdims: bool) -> Any:
    shape = kept_shape(x.shape, axis)
    reduced = tuple(i for i, n in enumerate(x.shape) if shape[i] == 1 and n != 1)
    others = tuple(i for i in range(x.ndim) if i not in reduced)
    rows = ops.transpose(x, axes=others + reduced)
    lengths = rows.shape
    n = int(np.prod(lengths[len(others) :], dtype=int))
    flat = ops.reshape(rows, (*lengths[: len(others)], n))
    rest = ops.reshape(products_of_others(flat), lengths)
    back = tuple(int(i) for i in np.argsort(others + reduced))
    return kept(g, x, axis) * ops.transpose(rest, axes=back)


def products_of_others(x: Any) -> Any:
    """At each place of the last axis, the product of all other places: all before it times all after it."""
    n = x.shape[-1]
    if n == 0:
        return x
    ones = ops.ones_like(ops.index(x, (..., slice(0, 1))))
    before = running_product(ops.concatenate([ones, ops.index(x, (..., slice(0, n - 1)))], axis=-1))
    backwards = ops.index(x, (..., slice(None, 0, -1)))
    after = ops.index(running_product(ops.concatenate([ones, backwards], axis=-1)), (..., slice(None, None, -1)))
    return before * after


def running_product(x: Any) -> Any:
    """The product of all places up to each: doubling the reach takes log₂ n steps (Hillis and Steele, 1986)."""
    n, reach = x.shape[-1], 1
    while reach < n:
        first = ops.ones_like(ops.index(x, (..., slice(0, reach))))
        x = x * ops.concatenate([first, ops.index(x, (..., slice(0, n - reach)))], axis=-1)
        reach *= 2
    return x


spread_samples = [
    call(normal(4, 3)), call(normal(4, 3), axis=0), call(normal(4, 3), axis=-1, ddof=1, keepdims=True),
    call(normal(2, 3, 2), axis=(0, 1)),
]  # fmt: skip


@composition(formula="1/(n − ddof) Σᵢ (xᵢ − mean x)²", numpy=[np.var], samples=spread_samples)
def var(x: Any, axis: Axis = None, ddof: float = 0, keepdims: bool = False) -> Any:
    """The variance over `axis`; `ddof=1` divides by n − 1.

    >>> float(var(Tensor([1.0, 2.0, 3.0]), ddof=1))
    1.0
    """
    deviation = ops.square(x - ops.mean(x, axis=axis, keepdims=True))
    if not ddof:
        return ops.mean(deviation, axis=axis, keepdims=keepdims)
    return ops.sum(deviation, axis=axis, keepdims=keepdims) / degrees_of_freedom(x, axis, ddof)


def degrees_of_freedom(x: Any, axis: Axis, ddof: float) -> float:
    """n − ddof, and NaN in place of a division by zero or less, as in NumPy."""
    degrees = count(x, axis) - ddof
    return float(degrees) if degrees > 0 else float("nan")


@op(
    formula="√(var x)", numpy=[np.std], samples=spread_samples,
    definition=lambda x, *, axis, ddof, keepdims: ops.sqrt(var(x, axis=axis, ddof=ddof, keepdims=keepdims)),
)  # fmt: skip
def std(x: Any, *, axis: Axis = None, ddof: float = 0, keepdims: bool = False) -> Any:
    """The standard deviation over `axis`; the gradient of equal elements is 0 by convention.

    >>> float(std(Tensor([1.0, 2.0, 3.0]), ddof=1))
    1.0
    """
    return np.sqrt(var.call(x, axis=axis, ddof=ddof, keepdims=keepdims))


@std.vjp("x")
def _(g: Any, y: Any, x: Any, *, axis: Axis, ddof: float, keepdims: bool) -> Any:
    degrees = degrees_of_freedom(x, axis, ddof)
    if np.isnan(degrees):
        return x * degrees
    slope = kept(g / degrees / y, x, axis)
    return ops.strong_multiply(x - ops.mean(x, axis=axis, keepdims=True), slope)


def shifted_logsumexp(x: Any, *, axis: Axis = None, keepdims: bool = False) -> Any:
    largest = ops.stop_gradient(ops.max(x, axis=axis, keepdims=True))
    total = ops.log(ops.sum(ops.exp(x - largest), axis=axis, keepdims=True)) + largest
    return total if keepdims else ops.reshape(total, ops.sum(x, axis=axis).shape)


@op(formula="log Σᵢ exp xᵢ", samples=samples, reference=shifted_logsumexp, definition=shifted_logsumexp)
def logsumexp(x: Any, *, axis: Axis = None, keepdims: bool = False) -> Any:
    """log(sum(exp(x))) over `axis`, shifted by the largest element so that nothing overflows.

    >>> float(logsumexp(Tensor([1000.0, 1001.0])))
    1001.3132616875182
    """
    x = as_float(x)
    largest = np.max(x, axis=axis, keepdims=True)
    finite = np.where(np.isfinite(largest), largest, 0)
    with np.errstate(divide="ignore", over="ignore"):  # log 0 = −∞ and exp ∞ = ∞ are the values meant
        total = np.log(np.sum(np.exp(x - finite), axis=axis, keepdims=True)) + finite
    return total if keepdims else total.reshape(np.sum(x, axis=axis).shape)


@logsumexp.vjp("x")
def _(g: Any, y: Any, x: Any, *, axis: Axis, keepdims: bool) -> Any:
    total = kept(y, x, axis)
    weights = ops.exp(x - ops.where(ops.isfinite(total), total, 0.0))  # by convention 0 where all are −∞
    infinite = ops.equal(total, np.inf)
    weights = ops.where(infinite, ops.astype(ops.equal(x, np.inf), x.dtype), weights)
    return ops.strong_multiply(kept(g, x, axis), weights)


position = [call(normal(2, 3)), call(normal(2, 3), axis=1), call(normal(2, 3), axis=-2, keepdims=True)]


@op(formula="the place of maxᵢ xᵢ", numpy=[np.argmax], samples=position, differentiable=False)
def argmax(x: Any, *, axis: int | None = None, keepdims: bool = False) -> Any:
    """The index of the first largest element along `axis`."""
    return np.argmax(x, axis=axis, keepdims=keepdims)


@op(formula="the place of minᵢ xᵢ", numpy=[np.argmin], samples=position, differentiable=False)
def argmin(x: Any, *, axis: int | None = None, keepdims: bool = False) -> Any:
    """The index of the first smallest element along `axis`."""
    return np.argmin(x, axis=axis, keepdims=keepdims)


truths = [call(booleans(2, 3)), call(booleans(2, 3), axis=-1, keepdims=True)]


@op(formula="xᵢ for some i", numpy=[np.any], samples=truths, differentiable=False)
def any(x: Any, *, axis: Axis = None, keepdims: bool = False) -> Any:
    """Whether some element along `axis` is true."""
    return np.any(x, axis=axis, keepdims=keepdims)


@op(formula="xᵢ for every i", numpy=[np.all], samples=truths, differentiable=False)
def all(x: Any, *, axis: Axis = None, keepdims: bool = False) -> Any:
    """Whether all elements along `axis` are true."""
    return np.all(x, axis=axis, keepdims=keepdims)


@op(
    formula="Σᵢ x₁ᵢ x₂ᵢ", numpy=[np.vecdot],
    samples=[call(normal(2, 3), normal(2, 3)), call(normal(2, 3), normal(3), keepdims=True),
             call(normal(2, 3), normal(2, 1), axis=0)],
    reference=lambda x1, x2, axis=-1, keepdims=False: np.sum(x1 * x2, axis=axis, keepdims=keepdims),
    definition=lambda x1, x2, *, axis, keepdims: ops.sum(x1 * x2, axis=axis, keepdims=keepdims),
)  # fmt: skip
def vecdot(x1: Any, x2: Any, *, axis: int = -1, keepdims: bool = False) -> Any:
    """The sum of products over one axis, in one pass.

    >>> vecdot(Tensor([[1.0, 2.0], [3.0, 4.0]]), Tensor([1.0, 10.0])).tolist()
    [21.0, 43.0]
    """
    if axis != -1:
        result = sum_of_products(x1, x2, axis=axis)
        return np.expand_dims(result, axis) if keepdims else result
    result = sum_of_products(x1, x2)
    return result[..., None] if keepdims else result


@vecdot.vjp("x1")
def _(g: Any, y: Any, x1: Any, x2: Any, *, axis: int, keepdims: bool) -> Any:
    return (g if keepdims else ops.expand_dims(g, axis)) * x2


@vecdot.vjp("x2")
def _(g: Any, y: Any, x1: Any, x2: Any, *, axis: int, keepdims: bool) -> Any:
    return (g if keepdims else ops.expand_dims(g, axis)) * x1
