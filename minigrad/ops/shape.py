"""Ops that rearrange elements: reshape, transpose, broadcasting and its reverse, joining and splitting, triangles."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad import ops
from minigrad.core.arrays import shape_of
from minigrad.core.op import op
from minigrad.core.record import by_numpy, composition
from minigrad.core.tensor import array_or_constant
from minigrad.ops.kernels import check_axis, sums
from minigrad.wording.clashes import refuse_clash

__all__ = [
    "broadcast_to", "concatenate", "expand_dims", "reshape", "squeeze", "stack", "sum_to", "swapaxes",
    "transpose", "tril", "triu",
]  # fmt: skip


LARGEST = 2**36  # elements of a broadcast view, which takes no memory itself; a sum over so many takes about a minute


@op(formula="the elements of x in another shape", numpy=[np.reshape], view=True)
def reshape(x: Any, *, shape: int | tuple[int, ...]) -> Any:
    """The same elements, row by row, in another shape; one length may be −1.

    >>> Tensor([1.0, 2.0, 3.0, 4.0]).reshape(2, -1).tolist()
    [[1.0, 2.0], [3.0, 4.0]]
    """
    return np.asarray(x).reshape(shape)


reshape.vjp("x")(lambda g, y, x, *, shape: ops.reshape(g, shape=x.shape))


@op(formula="x with its axes permuted", numpy=[np.transpose], view=True)
def transpose(x: Any, *, axes: int | tuple[int, ...] | None = None) -> Any:
    """The axes in another order; all reversed where `axes` is None.

    >>> Tensor([[1.0, 2.0]]).transpose().shape
    (2, 1)
    """
    return np.asarray(x).transpose(axes)


@transpose.vjp("x")
def _(g: Any, y: Any, x: Any, *, axes: int | tuple[int, ...] | None) -> Any:
    return g.T if axes is None or isinstance(axes, int) else ops.transpose(g, axes=inverse_permutation(axes))


@functools.cache
def inverse_permutation(axes: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(sorted(range(len(axes)), key=lambda i: axes[i] % len(axes)))


@op(formula="x with two axes exchanged", numpy=[np.swapaxes], view=True)
def swapaxes(x: Any, *, axis1: int, axis2: int) -> Any:
    """Two axes exchanged: `swapaxes(x, -1, -2)` transposes matrices in a batch.

    >>> swapaxes(Tensor([[1.0, 2.0], [3.0, 4.0]]), -1, -2).tolist()
    [[1.0, 3.0], [2.0, 4.0]]
    """
    return np.asarray(x).swapaxes(axis1, axis2)


swapaxes.vjp("x")(lambda g, y, x, *, axis1, axis2: ops.swapaxes(g, axis1=axis1, axis2=axis2))


@op(formula="x with new axes of length 1", numpy=[np.expand_dims], view=True)
def expand_dims(x: Any, *, axis: int | tuple[int, ...]) -> Any:
    """New axes of length 1 at the places `axis` of the result.

    >>> expand_dims(Tensor([1.0, 2.0]), (0, -1)).shape
    (1, 2, 1)
    """
    return np.expand_dims(x, axis)


@op(formula="x without axes of length 1", numpy=[np.squeeze], view=True)
def squeeze(x: Any, *, axis: int | tuple[int, ...] | None = None) -> Any:
    """Without its axes of length 1, or without those named.

    >>> squeeze(Tensor([[[1.0], [2.0]]]), 0).shape
    (2, 1)
    """
    return np.squeeze(x, axis)


@expand_dims.vjp("x")
@squeeze.vjp("x")
def _(g: Any, y: Any, x: Any, *, axis: Any) -> Any:
    return ops.reshape(g, shape=x.shape)


@op(formula="x repeated along new axes and axes of length 1", numpy=[np.broadcast_to], view=True)
def broadcast_to(x: Any, *, shape: int | tuple[int, ...]) -> Any:
    """`x` repeated to fill `shape`, as broadcasting does; at most 2³⁶ elements, for the next op has to compute them.

    >>> broadcast_to(Tensor([1.0, 2.0]), (2, 2)).tolist()
    [[1.0, 2.0], [1.0, 2.0]]
    """
    try:
        result = np.broadcast_to(x, shape)
    except ValueError:
        refuse_clash(("x", shape_of(x)), ("shape=", (shape,) if isinstance(shape, int) else shape))
        raise
    if result.size > LARGEST:
        raise ValueError(f"the result would have {result.size:,} elements, at most {LARGEST:,} are allowed")
    return result


@op(formula="x summed over the axes along which a smaller shape would be broadcast", view=True)
def sum_to(x: Any, *, shape: tuple[int, ...]) -> Any:
    """`x` summed down to `shape`: what undoes broadcasting in a gradient.

    >>> sum_to(Tensor([[1.0, 2.0], [3.0, 4.0]]), (2,)).tolist()
    [4.0, 6.0]
    """
    return sums.sum_to(x, shape)


broadcast_to.vjp("x")(lambda g, y, x, *, shape: ops.sum_to(g, shape=x.shape))
sum_to.vjp("x")(lambda g, y, x, *, shape: ops.broadcast_to(g, shape=x.shape))


@op(formula="arrays one after another along an axis", numpy=[np.concatenate])
def concatenate(*arrays: Any, axis: int | None = 0) -> Any:
    """The arrays joined along an existing axis, or flattened and joined where `axis` is None.

    >>> concatenate([Tensor([1.0]), [2.0, 3.0]]).tolist()
    [1.0, 2.0, 3.0]
    """
    return np.concatenate(arrays, axis)


def rules_of_joined(*arrays: Any, axis: int | None) -> dict[int, Any]:
    """For each array the rule that reads its part of the gradient; found for all at once, in one pass."""
    shapes = [shape_of(x) for x in arrays]
    lengths = [math.prod(shape) if axis is None else shape[axis] for shape in shapes]
    before = (slice(None),) * (0 if axis is None else axis % len(shapes[0]))
    places = [(*before, slice(end - n, end)) for n, end in zip(lengths, itertools.accumulate(lengths), strict=True)]

    def rule(place: Any, shape: tuple[int, ...]) -> Any:
        if axis is None:
            return lambda g, y: ops.reshape(ops.index(g, place), shape)
        return lambda g, y: ops.index(g, place)

    return {i: rule(*part) for i, part in enumerate(zip(places, shapes, strict=True))}


concatenate.joined = rules_of_joined


concatenate.vjp("arrays")(lambda g, y, *arrays, axis, argument: rules_of_joined(*arrays, axis=axis)[argument](g, y))


@composition(formula="the arrays along a new axis", numpy=[np.stack])
def stack(arrays: Sequence[Any], axis: int = 0) -> Any:
    """The arrays joined along a new axis at place `axis` of the result.

    >>> stack([Tensor([1.0, 2.0]), Tensor([3.0, 4.0])], axis=1).tolist()
    [[1.0, 3.0], [2.0, 4.0]]
    """
    arrays = [array_or_constant(x) if isinstance(x, (list, tuple)) else x for x in arrays]
    shapes = sorted({shape_of(x) for x in arrays})
    if len(shapes) != 1:
        raise ValueError(f"stack: expected at least one array, all of one shape, got {', '.join(map(str, shapes))}")
    place = check_axis("stack", axis, len(shapes[0]) + 1)
    return ops.concatenate([ops.expand_dims(x, place) for x in arrays], axis=place)


def check_matrix(x: Any) -> Any:
    if not x.ndim:
        raise ValueError("a number has no triangles: expected at least one axis, got shape ()")
    return x


@op(formula="x on and below a diagonal, else 0", numpy=[np.tril])
def tril(x: Any, *, k: int = 0) -> Any:
    """The lower triangle of each matrix: zero above the `k`-th diagonal.

    >>> tril(Tensor([[1.0, 2.0], [3.0, 4.0]])).tolist()
    [[1.0, 0.0], [3.0, 4.0]]
    """
    return np.tril(check_matrix(x), k)


@op(formula="x on and above a diagonal, else 0", numpy=[np.triu])
def triu(x: Any, *, k: int = 0) -> Any:
    """The upper triangle of each matrix: zero below the `k`-th diagonal.

    >>> triu(Tensor([[1.0, 2.0], [3.0, 4.0]]), 1).tolist()
    [[0.0, 2.0], [0.0, 0.0]]
    """
    return np.triu(check_matrix(x), k)


tril.vjp("x")(lambda g, y, x, *, k: ops.tril(g, k=k))
triu.vjp("x")(lambda g, y, x, *, k: ops.triu(g, k=k))


# Facts about a Tensor that NumPy has functions for.
by_numpy |= {np.shape: lambda t: t.shape, np.ndim: lambda t: t.ndim, np.size: lambda t: t.size}
# All numbers are real.
by_numpy |= {
    np.real: lambda t: t, np.conjugate: lambda t: t, np.imag: lambda t: ops.zeros_like(t),
    np.isrealobj: lambda t: True, np.iscomplexobj: lambda t: False,
}  # fmt: skip
