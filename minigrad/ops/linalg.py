"""Norms of vectors and matrices, and traces: what numpy.linalg has and the other families have not."""

from __future__ import annotations

from math import inf
from typing import Any

import numpy as np

from minigrad import ops
from minigrad.core.arrays import shape_of
from minigrad.core.op import op
from minigrad.core.record import by_numpy, composition
from minigrad.ops.kernels import sums
from minigrad.ops.kernels.sums import Axis
from minigrad.ops.reduction import keep_axes, places, share_among_extremes, unless_zero

__all__ = ["matrix_trace", "norm", "vector_norm"]


@op(formula="(Σᵢ |xᵢ|ᵖ)^(1/p)", numpy=[np.linalg.vector_norm])
def vector_norm(x: Any, *, axis: Axis = None, keepdims: bool = False, ord: float = 2) -> Any:
    """The `ord`-norm of the elements over `axis`, as one vector; 0 counts those that are not 0.

    The gradient at 0 is 0 by convention. Elements are scaled before they are squared, so that the squares neither
    overflow nor vanish.

    >>> float(vector_norm(Tensor([1e200, 0.0])))
    1e+200
    """
    if isinstance(ord, str) or ord != ord:
        raise ValueError(f"ord={ord!r}: the order of a vector norm is a number, or ±inf")
    return sums.vector_norm(x, axis, keepdims, ord)


@vector_norm.vjp("x")
def _(g: Any, y: Any, x: Any, *, axis: Axis, keepdims: bool, ord: float) -> Any:
    if ord == 0:
        return ops.zeros_like(x)
    if ord in (inf, -inf):
        return share_among_extremes(g, y, ops.absolute(x), axis) * ops.sign(x)
    if ord == 1:
        return keep_axes(g, x, axis) * ops.sign(x)
    ratio = x / keep_axes(unless_zero(y, y, 1.0), x, axis)  # first, so that no square of the length stands alone
    slope = keep_axes(unless_zero(y, g), x, axis)
    if ord == 2:
        return ratio * slope
    if ord % 2 == 0 and ord > 0:
        powers = ops.power(ratio, ord - 2)
    else:  # of a |xᵢ| with a kink at 0
        powers = unless_zero(x, ops.power(ops.absolute(unless_zero(x, ratio, 1.0)), ord - 2))
    return ratio * (slope * powers)


SINGULAR = {2: "the largest singular value", -2: "the smallest singular value", "nuc": "the sum of the singular values"}


@composition(formula="(Σᵢ |xᵢ|ᵖ)^(1/p)", numpy=[np.linalg.norm])
def norm(x: Any, ord: float | str | None = None, axis: Axis = None, keepdims: bool = False) -> Any:
    """The norm of vectors, along one axis, or of matrices, in two; `ord` and the meaning of None are NumPy's.

    Args:
        x: the array.
        ord: of a vector any number, 2 by default; of a matrix None or "fro" for the square root of the sum of squares,
            1 and −1 for the largest and smallest sum of a column, ±inf for those of a row.
        axis: one axis or a pair; by default all there are, or with `ord=None` all elements as one vector.
        keepdims: keep the axes with length 1.

    Raises:
        ValueError: norms by singular values, which are not supported; an `ord` or a number of axes that do not fit.

    >>> float(norm(Tensor([[3.0, 0.0], [0.0, 4.0]])))
    5.0
    """
    ndim = len(shape_of(x))
    if ord is None and axis is None:
        return ops.vector_norm(x, keepdims=keepdims)
    axes = places("norm", axis, ndim)
    if len(axes) == 1 and not isinstance(ord, str):
        return ops.vector_norm(x, axis=axes, keepdims=keepdims, ord=2 if ord is None else ord)
    if len(axes) != 2:
        what = "vector" if len(axes) == 1 else f"array with {len(axes)} axes"
        raise ValueError(f"norm: ord={ord!r} of a {what}: a norm is along one axis with a number, or in two axes")
    if ord in (None, "fro", "f"):
        return ops.vector_norm(x, axis=axes, keepdims=keepdims)
    if ord in SINGULAR:
        raise ValueError(f"norm: ord={ord!r} of a matrix, {SINGULAR[ord]}, has no derivative here and is not supported")
    if ord not in (1, -1, inf, -inf):
        raise ValueError(f"norm: ord={ord!r} of a matrix: expected None, 'fro', 1, -1, inf or -inf")
    rows, columns = axes
    sums = ops.sum(ops.absolute(x), axis=rows if abs(ord) == 1 else columns, keepdims=True)
    return ops.vector_norm(sums, axis=axes, keepdims=keepdims, ord=inf if ord > 0 else -inf)


@composition(formula="Σᵢ xᵢᵢ", numpy=[np.trace])
def matrix_trace(x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """np.trace, the sum along a diagonal of each matrix; `minigrad.trace` records graphs.

    >>> float(matrix_trace(Tensor([[1.0, 2.0], [3.0, 4.0]])))
    5.0
    """
    return ops.sum(ops.diagonal(x, offset=offset, axis1=axis1, axis2=axis2), axis=-1)


# --- the newer functions of numpy.linalg, in which matrices lie in the last two axes ----------------------------------


def norm_of_last_two(x: Any, *, keepdims: bool = False, ord: Any = "fro") -> Any:
    return norm(x, ord, (-2, -1), keepdims)


def trace_of_last_two(x: Any, *, offset: int = 0) -> Any:
    return matrix_trace(x, offset, -2, -1)


by_numpy |= {np.linalg.matrix_norm: norm_of_last_two, np.linalg.trace: trace_of_last_two}
