"""Matrix products. A linear map on a batch is one product of two matrices, and so is the gradient of its weight."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minigrad import ops
from minigrad.base.arrays import Shaped
from minigrad.base.record import call
from minigrad.core.op import op
from minigrad.ops.samples import normal

__all__ = [
    "linear", "matmul",
]  # fmt: skip


def product_shape(x1: Any, x2: Any) -> Shaped:
    """The shape of a product without the product: the contracted axis is cut to nothing, which costs nothing."""
    if not x1.shape or not x2.shape:
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


@op(
    formula="Σₖ x₁ᵢₖ x₂ₖⱼ", numpy=[np.matmul], infer=product_shape,
    samples=[
        call(normal(3), normal(3)), call(normal(3), normal(3, 2)), call(normal(2, 3), normal(3)),
        call(normal(2, 3), normal(3, 4)), call(normal(2, 2, 3), normal(3, 2)), call(normal(2, 3), normal(2, 3, 4)),
        call(normal(2, 1, 3, 4), normal(5, 4, 2)), call(normal(4), normal(2, 3, 4, 2)),
        call(normal(2, 3, 4), normal(4)),
    ],
)  # fmt: skip
def matmul(x1: Any, x2: Any) -> Any:
    """The matrix product, as NumPy: vectors, matrices, and batches of matrices.

    >>> matmul(Tensor([[1.0, 2.0]]), Tensor([[3.0], [4.0]])).tolist()
    [[11.0]]
    """
    if x1.ndim > 2 and x2.ndim == 2:  # one large product is faster than one per matrix of the batch
        if x1.shape[-1] != x2.shape[0]:
            product_shape(x1, x2)
        return (rows_of(x1) @ x2).reshape(*x1.shape[:-1], x2.shape[-1])
    return np.matmul(x1, x2)


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


@op(
    formula="x W + b", definition=lambda x, weight, bias: ops.matmul(x, weight) + bias,
    infer=lambda x, weight, bias: product_shape(x, weight),
    samples=[call(normal(2, 3), normal(3, 4), normal(4)), call(normal(2, 2, 3), normal(3, 2), normal(2)),
             call(normal(3), normal(3, 2), normal(2))],
    reference=lambda x, weight, bias: x @ weight + bias,
)  # fmt: skip
def linear(x: Any, weight: Any, bias: Any) -> Any:
    """A linear map with a bias, `x @ weight + bias`, in one node.

    >>> linear(Tensor([1.0, 2.0]), [[1.0], [1.0]], [0.5]).tolist()
    [3.5]
    """
    y = matmul.forward(x, weight)
    return np.add(y, bias, out=y) if y.dtype is bias.dtype and y.ndim else y + bias


@linear.vjp("x")
def _(g: Any, y: Any, x: Any, weight: Any, bias: Any) -> Any:
    return ops.matmul(g, weight.T)


@linear.vjp("weight")
def _(g: Any, y: Any, x: Any, weight: Any, bias: Any) -> Any:
    return rows_of(x).T @ rows_of(g)


@linear.vjp("bias")
def _(g: Any, y: Any, x: Any, weight: Any, bias: Any) -> Any:
    return g
