"""Products of vectors, matrices and arrays with more axes.

A linear map on a batch is one product of two matrices, and so is the gradient of its weight. The products of arrays
with many axes (`tensordot`, and `einsum` in a file of its own) are brought into the form of one such product.
"""

from __future__ import annotations

import functools
import math
import string
from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad import ops
from minigrad.core.arrays import Shaped, shape_of
from minigrad.core.modes import current_mode
from minigrad.core.op import op
from minigrad.core.record import composition
from minigrad.core.tensor import Tensor
from minigrad.ops.kernels import check_axes, sum_of_products, sums
from minigrad.ops.strong import strong_sums
from minigrad.wording.clashes import refuse_clash

__all__ = ["dot", "inner", "linear", "matmul", "outer", "tensordot", "vecdot"]


def product_shape(x1: Any, x2: Any) -> Shaped:
    """The shape of a product without the product: the contracted axis is cut to nothing, which costs nothing."""
    if not shape_of(x1) or not shape_of(x2):
        raise ValueError("matmul needs at least one axis on both sides; use multiply for numbers")
    if x1.shape[-1] != x2.shape[max(-2, -len(x2.shape))]:
        raise ValueError(f"the last axis of {x1.shape} and the {'second to ' * (len(x2.shape) > 1)}last of {x2.shape} "
                         "must have the same length")  # fmt: skip
    rows, columns = x1.shape[:-1], x2.shape[-1:] if len(x2.shape) > 1 else ()
    batch = np.broadcast_shapes(x1.shape[:-2], x2.shape[:-2])
    dtype = np.result_type(np.zeros(0, x1.dtype), np.zeros(0, x2.dtype))
    return Shaped((*batch, *rows[-1:], *columns), dtype)


def rows_of(x: Any) -> Any:
    """All rows of a batch of matrices as one matrix; without −1, which an empty array leaves open."""
    return x if x.ndim == 2 else x.reshape((math.prod(x.shape[:-1]), x.shape[-1]))


@op(formula="Σₖ x₁ᵢₖ x₂ₖⱼ", symbol="@", numpy=[np.matmul, np.linalg.matmul], infer=product_shape)
def matmul(x1: Any, x2: Any) -> Any:
    """The matrix product, as NumPy: vectors, matrices, and batches of matrices.

    >>> matmul(Tensor([[1.0, 2.0]]), Tensor([[3.0], [4.0]])).tolist()
    [[11.0]]
    """
    if x1.ndim > 2 and x2.ndim == 2 and x1.shape[-1] != x2.shape[0]:
        product_shape(x1, x2)
    return sums.multiply_matrices(x1, x2)


matmul.strong = functools.partial(strong_sums, np.matmul)


@matmul.vjp("x1")
def _(g: Any, y: Any, x1: Any, x2: Any) -> Any:
    if x2.ndim == 1:
        return ops.expand_dims(g, axis=-1) * x2
    if x1.ndim == 1:
        return ops.matmul(x2, ops.expand_dims(g, axis=-1)).reshape(x2.shape[:-1])
    return ops.matmul(g, x2.T if x2.ndim == 2 else ops.swapaxes(x2, axis1=-1, axis2=-2))


@matmul.vjp("x2")
def _(g: Any, y: Any, x1: Any, x2: Any) -> Any:
    if x1.ndim == 1:
        return g * x1 if x2.ndim == 1 else ops.expand_dims(x1, axis=-1) * ops.expand_dims(g, axis=-2)
    if x2.ndim == 1:
        return ops.matmul(g.reshape((-1,)), rows_of(x1))
    if x2.ndim == 2:
        return rows_of(x1).T @ rows_of(g)
    return ops.matmul(ops.swapaxes(x1, axis1=-1, axis2=-2), g)


def shape_of_linear(x: Any, weight: Any, bias: Any = None) -> Shaped:
    product = product_shape(x, weight)
    if bias is None:
        return product
    dtype = np.result_type(product.dtype, getattr(bias, "dtype", bias))
    return Shaped(np.broadcast_shapes(product.shape, shape_of(bias)), dtype)


def linear_definition(x: Any, weight: Any, bias: Any) -> Any:
    product = ops.matmul(x, weight)
    return product if bias is None else product + bias


@op(formula="x · weight + bias", symbol="@", definition=linear_definition, infer=shape_of_linear)
def linear(x: Any, weight: Any, bias: Any = None) -> Any:
    """A linear map, `x @ weight`, with a bias where there is one, `x @ weight + bias`, in one node.

    >>> linear(Tensor([1.0, 2.0]), [[1.0], [1.0]], [0.5]).tolist()
    [3.5]
    """
    return sums.linear(x, weight, bias)


linear.vjp("x")(lambda g, y, x, weight, bias: ops.matmul(g, weight.T))
linear.vjp("weight")(lambda g, y, x, weight, bias: rows_of(x).T @ rows_of(g))
linear.vjp("bias")(lambda g, y, x, weight, bias: g)


SHORT = 24  # elements: rows for which one product of matrices is faster than a loop over rows


def vecdot_definition(x1: Any, x2: Any, *, axis: int, keepdims: bool) -> Any:
    return ops.sum(x1 * x2, axis=axis, keepdims=keepdims)


@op(formula="Σᵢ x₁ᵢ x₂ᵢ", numpy=[np.vecdot], definition=vecdot_definition, commutative=True)
def vecdot(x1: Any, x2: Any, *, axis: int = -1, keepdims: bool = False) -> Any:
    """The sum of products over one axis, in one pass.

    >>> vecdot(Tensor([[1.0, 2.0], [3.0, 4.0]]), Tensor([1.0, 10.0])).tolist()
    [21.0, 43.0]
    """
    try:
        result = sum_of_products(x1, x2) if axis == -1 else sum_of_products(x1, x2, axis=axis)
    except ValueError:
        refuse_clash(("x1", shape_of(x1)), ("x2", shape_of(x2)))
        raise
    if not keepdims:
        return result
    return result[..., None] if axis == -1 else np.expand_dims(result, axis)


vecdot.strong = lambda x1, x2, **params: strong_sums(functools.partial(vecdot.forward, **params), x1, x2)


vecdot.vjp("x1")(lambda g, y, x1, x2, *, axis, keepdims: (g if keepdims else ops.expand_dims(g, axis)) * x2)
vecdot.vjp("x2")(lambda g, y, x1, x2, *, axis, keepdims: (g if keepdims else ops.expand_dims(g, axis)) * x1)


# --- arrays with any number of axes -----------------------------------------------------------------------------------


@composition(formula="x₁ᵢ x₂ⱼ", numpy=[np.outer])
def outer(x1: Any, x2: Any) -> Any:
    """Every element of `x1` times every element of `x2`, both flattened: a matrix.

    >>> outer(Tensor([1.0, 2.0]), [3.0, 4.0]).tolist()
    [[3.0, 4.0], [6.0, 8.0]]
    """
    column, row = (math.prod(shape_of(x1)), 1), (1, math.prod(shape_of(x2)))
    return ops.multiply(arrange(x1, "", "", column), arrange(x2, "", "", row))


@composition(formula="Σₖ x₁ᵢₖ x₂ⱼₖ", numpy=[np.inner])
def inner(x1: Any, x2: Any) -> Any:
    """The sum of products over the last axis of both, for every pair of the other places; numbers multiply.

    >>> inner(Tensor([[1.0, 2.0], [3.0, 4.0]]), [1.0, 10.0]).tolist()
    [21.0, 43.0]
    """
    return contraction("inner", x1, x2, (-1,), (-1,)) if shape_of(x1) and shape_of(x2) else ops.multiply(x1, x2)


@composition(formula="Σₖ x₁ᵢₖ x₂ₖⱼ", numpy=[np.dot])
def dot(x1: Any, x2: Any) -> Any:
    """The sum of products over the last axis of `x1` and the last but one of `x2`; numbers multiply.

    Up to two axes it is `matmul`; with more, every matrix of `x1` meets every matrix of `x2`.

    >>> dot(Tensor([[1.0, 2.0]]), [[3.0], [4.0]]).tolist()
    [[11.0]]
    """
    ndim = len(shape_of(x2))
    return contraction("dot", x1, x2, (-1,), (-min(ndim, 2),)) if shape_of(x1) and ndim else ops.multiply(x1, x2)


@composition(formula="Σₖₗ x₁ᵢₖₗ x₂ₖₗⱼ", numpy=[np.tensordot])
def tensordot(x1: Any, x2: Any, axes: int | Sequence[Any] = 2) -> Any:
    """The sum of products over pairs of axes; the other axes of `x1` come first, then those of `x2`.

    Args:
        x1: an array.
        x2: another.
        axes: how many of the last axes of `x1` meet as many of the first of `x2`; or two lists, of axes of `x1` and of
            those of `x2` that they meet.

    >>> tensordot(Tensor([[1.0, 2.0], [3.0, 4.0]]), [[1.0, 0.0], [0.0, 1.0]]).tolist()
    5.0
    """
    ndim1, ndim2 = len(shape_of(x1)), len(shape_of(x2))
    if isinstance(axes, int):
        if not 0 <= axes <= min(ndim1, ndim2):
            raise ValueError(f"tensordot: axes={axes} of arrays with {ndim1} and {ndim2} axes")
        axes = (tuple(range(ndim1 - axes, ndim1)), tuple(range(axes)))
    axes1, axes2 = ((one,) if isinstance(one, int) else tuple(one) for one in axes)
    return contraction("tensordot", x1, x2, axes1, axes2)


def contraction(function: str, x1: Any, x2: Any, axes1: tuple[int, ...], axes2: tuple[int, ...]) -> Any:
    """The sum of products over pairs of axes, in the name of `function`."""
    shape1, shape2 = shape_of(x1), shape_of(x2)
    places1, places2 = check_axes(function, axes1, len(shape1)), check_axes(function, axes2, len(shape2))
    if len(places1) != len(places2):
        raise ValueError(f"{function}: {len(places1)} axes of x1, {axes1}, for {len(places2)} of x2, {axes2}")
    for i, j, axis1, axis2 in zip(places1, places2, axes1, axes2, strict=True):
        if shape1[i] != shape2[j]:
            raise ValueError(
                f"{function}: x1 {shape1} and x2 {shape2}: axis {axis1} of x1 is {shape1[i]} and axis {axis2} of x2 is "
                f"{shape2[j]}: they must be equal"
            )
    labels1 = string.ascii_letters[: len(shape1)]
    labels2 = list(string.ascii_letters[len(shape1) : len(shape1) + len(shape2)])
    for i, j in zip(places1, places2, strict=True):
        labels2[j] = labels1[i]
    wanted = [one for one in [*labels1, *labels2] if (one in labels1) != (one in labels2)]
    return labelled_product(x1, labels1, x2, "".join(labels2), "".join(wanted))[0]


def labelled_product(x1: Any, labels1: str, x2: Any, labels2: str, wanted: str) -> tuple[Any, str]:
    """The sum of products over the labels that both arrays have and nobody wants, and the labels of its axes.

    Every axis has a label. Equal labels mean equal lengths, and a label that only one array has is wanted.
    """
    lengths = dict(zip(labels1 + labels2, shape_of(x1) + shape_of(x2), strict=True))
    batch = "".join(one for one in labels1 if one in labels2 and one in wanted)
    summed = "".join(one for one in labels1 if one in labels2 and one not in wanted)
    rows = "".join(one for one in labels1 if one not in labels2)
    columns = "".join(one for one in labels2 if one not in labels1)

    def shape(labels: str) -> tuple[int, ...]:
        return tuple(lengths[one] for one in labels)

    def as_one(labels: str) -> tuple[int, ...]:
        return (math.prod(shape(labels)),)

    if not summed:
        x1 = arrange(x1, labels1, batch + rows, shape(batch + rows) + (1,) * len(columns))
        x2 = arrange(x2, labels2, batch + columns, shape(batch) + (1,) * len(rows) * bool(batch) + shape(columns))
        return ops.multiply(x1, x2), batch + rows + columns
    if not rows and not columns:
        x1 = arrange(x1, labels1, batch + summed, shape(batch) + as_one(summed))
        x2 = arrange(x2, labels2, batch + summed, shape(batch) + as_one(summed))
        return ops.vecdot(x1, x2), batch
    left = as_one(rows) if batch else shape(rows)  # matmul takes many rows, but pairs the axes of a batch
    right = as_one(columns) if batch or columns else ()
    x1 = arrange(x1, labels1, batch + rows + summed, shape(batch) + left + as_one(summed))
    x2 = arrange(x2, labels2, batch + summed + columns, shape(batch) + as_one(summed) + right)
    labels = batch + rows + columns
    return arrange(ops.matmul(x1, x2), labels, labels, shape(labels)), labels


def arrange(x: Any, labels: str, order: str, shape: tuple[int, ...]) -> Any:
    """`x` with its labelled axes in another order and then in another shape; itself where nothing is to be done."""
    if labels != order:
        x = ops.transpose(x, tuple(labels.index(one) for one in order))
    return x if is_number(x) or shape_of(x) == shape else ops.reshape(x, shape)


def is_number(x: Any) -> bool:
    """Whether `x` is a number, or acts as one: a NumPy scalar, or what stands for one in a captured function."""
    capture = current_mode().capture
    return isinstance(x, (int, float, np.generic)) or (
        capture is not None and isinstance(x, Tensor) and x in capture.weak
    )
