"""Arrays side by side, taken apart, and with further axes: all by NumPy's names, and written in other ops."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad import ops
from minigrad.core.arrays import shape_of
from minigrad.core.record import composition
from minigrad.core.tensor import Tensor, array_or_constant
from minigrad.ops.kernels import check_axis

__all__ = [
    "append", "array_split", "atleast_1d", "atleast_2d", "atleast_3d", "column_stack", "dsplit", "dstack", "hsplit",
    "hstack", "split", "vsplit", "vstack",
]  # fmt: skip

# --- joining ----------------------------------------------------------------------------------------------------------


@composition(formula="the arrays one below another", numpy=[np.vstack])
def vstack(arrays: Sequence[Any]) -> Any:
    """The arrays joined along their first axis; one with a single axis is a row.

    >>> vstack([Tensor([1.0, 2.0]), [3.0, 4.0]]).tolist()
    [[1.0, 2.0], [3.0, 4.0]]
    """
    return ops.concatenate([ops.atleast_2d(x) for x in arrays], axis=0)


@composition(formula="the arrays side by side", numpy=[np.hstack])
def hstack(arrays: Sequence[Any]) -> Any:
    """The arrays joined along their second axis, or along the first where they have only one.

    >>> hstack([Tensor([1.0, 2.0]), [3.0]]).tolist()
    [1.0, 2.0, 3.0]
    """
    rows = [ops.atleast_1d(x) for x in arrays]
    return ops.concatenate(rows, axis=0 if rows and len(shape_of(rows[0])) == 1 else 1)


@composition(formula="the arrays one behind another", numpy=[np.dstack])
def dstack(arrays: Sequence[Any]) -> Any:
    """The arrays joined along their third axis, which `atleast_3d` gives those that have none.

    >>> dstack([Tensor([1.0, 2.0]), [3.0, 4.0]]).tolist()
    [[[1.0, 3.0], [2.0, 4.0]]]
    """
    return ops.concatenate([ops.atleast_3d(x) for x in arrays], axis=2)


@composition(formula="the arrays as columns of a matrix", numpy=[np.column_stack])
def column_stack(arrays: Sequence[Any]) -> Any:
    """The arrays joined along their second axis; one with fewer axes is a column.

    >>> column_stack([Tensor([1.0, 2.0]), [3.0, 4.0]]).tolist()
    [[1.0, 3.0], [2.0, 4.0]]
    """
    columns = [x if len(shape_of(x)) > 1 else ops.reshape(x, (-1, 1)) for x in arrays]
    return ops.concatenate(columns, axis=1)


@composition(formula="x, and values after it along an axis", numpy=[np.append])
def append(x: Any, values: Any, axis: int | None = None) -> Any:
    """A new array of `x` with `values` after it along `axis`, or of both flattened.

    >>> append(Tensor([[1.0], [2.0]]), [3.0]).tolist()
    [1.0, 2.0, 3.0]
    """
    if axis is not None:
        check_axis("append", axis, len(shape_of(x)))
    return ops.concatenate([x, values], axis=axis)


# --- taking apart -----------------------------------------------------------------------------------------------------


@composition(formula="the parts of x along an axis", numpy=[np.array_split])
def array_split(x: Any, indices_or_sections: int | Sequence[int], axis: int = 0) -> list[Any]:
    """`x` in so many sections, the first of them longer by one where it does not divide; or cut at the indices.

    >>> [part.tolist() for part in array_split(Tensor([1.0, 2.0, 3.0]), 2)]
    [[1.0, 2.0], [3.0]]
    """
    shape = shape_of(x)
    axis = check_axis("array_split", axis, len(shape))
    if isinstance(indices_or_sections, (int, np.integer)):
        sections = int(indices_or_sections)
        if sections < 1:
            raise ValueError(f"array_split: {sections} sections: expected at least one")
        length, longer = divmod(shape[axis], sections)
        cuts = [length * i + min(i, longer) for i in range(1, sections)]
    else:
        cuts = [int(i) for i in indices_or_sections]
    before = (slice(None),) * axis
    return [ops.index(x, (*before, slice(a, b))) for a, b in itertools.pairwise([0, *cuts, None])]


@composition(formula="the parts of x along an axis", numpy=[np.split])
def split(x: Any, indices_or_sections: int | Sequence[int], axis: int = 0) -> list[Any]:
    """`x` in equal sections, or cut at the indices: one slice, and one node, a part.

    >>> [part.tolist() for part in split(Tensor([1.0, 2.0, 3.0]), [1])]
    [[1.0], [2.0, 3.0]]
    """
    shape, sections = shape_of(x), indices_or_sections
    length = shape[check_axis("split", axis, len(shape))]
    if isinstance(sections, (int, np.integer)) and (sections < 1 or length % sections):
        raise ValueError(f"split: an axis of length {length} does not divide into {sections} equal sections")
    return [*ops.array_split(x, sections, axis)]


def split_along(name: str, x: Any, sections: int | Sequence[int], axis: int, fewest: int) -> list[Any]:
    """The parts along a fixed axis of an array that has at least so many."""
    shape = shape_of(x)
    if len(shape) < fewest:
        raise ValueError(f"{name}: an array of shape {shape}: expected at least {fewest} axes")
    return [*ops.split(x, sections, axis)]


@composition(formula="the parts of x along its first axis", numpy=[np.vsplit])
def vsplit(x: Any, indices_or_sections: int | Sequence[int]) -> list[Any]:
    """`split` along the first axis of at least two.

    >>> [part.tolist() for part in vsplit(Tensor([[1.0], [2.0]]), 2)]
    [[[1.0]], [[2.0]]]
    """
    return split_along("vsplit", x, indices_or_sections, 0, 2)


@composition(formula="the parts of x along its second axis, or its only one", numpy=[np.hsplit])
def hsplit(x: Any, indices_or_sections: int | Sequence[int]) -> list[Any]:
    """`split` along the second axis, or along the first where there is only one.

    >>> [part.tolist() for part in hsplit(Tensor([[1.0, 2.0]]), 2)]
    [[[1.0]], [[2.0]]]
    """
    return split_along("hsplit", x, indices_or_sections, min(1, len(shape_of(x)) - 1), 1)


@composition(formula="the parts of x along its third axis", numpy=[np.dsplit])
def dsplit(x: Any, indices_or_sections: int | Sequence[int]) -> list[Any]:
    """`split` along the third axis.

    >>> [part.tolist() for part in dsplit(Tensor([[[1.0, 2.0]]]), 2)]
    [[[[1.0]]], [[[2.0]]]]
    """
    return split_along("dsplit", x, indices_or_sections, 2, 3)


# --- further axes -----------------------------------------------------------------------------------------------------


def widen(arrays: Sequence[Any], ndim: int) -> Any:
    """Each array with at least so many axes, the new ones being where NumPy has them; of several arrays a tuple."""
    widened = []
    for x in (x if isinstance(x, Tensor) else array_or_constant(x) for x in arrays):
        shape = x.shape
        new = {0: (1,) * ndim, 1: (1, *shape, 1)[:ndim] if ndim > 1 else shape, 2: (*shape, 1)[:ndim]}
        widened.append(ops.reshape(x, new[len(shape)]) if len(shape) < ndim else x)
    return widened[0] if len(widened) == 1 else tuple(widened)


@composition(formula="x with at least one axis", numpy=[np.atleast_1d])
def atleast_1d(*arrays: Any) -> Any:
    """A number as an array of one; anything else as it is; of several arrays a tuple.

    >>> atleast_1d(Tensor(2.0)).tolist()
    [2.0]
    """
    return widen(arrays, 1)


@composition(formula="x with at least two axes", numpy=[np.atleast_2d])
def atleast_2d(*arrays: Any) -> Any:
    """A number or a vector as a matrix of one row; anything else as it is; of several arrays a tuple.

    >>> atleast_2d(Tensor([1.0, 2.0])).tolist()
    [[1.0, 2.0]]
    """
    return widen(arrays, 2)


@composition(formula="x with at least three axes", numpy=[np.atleast_3d])
def atleast_3d(*arrays: Any) -> Any:
    """A vector as (1, n, 1), a matrix as (m, n, 1); anything larger as it is; of several arrays a tuple.

    >>> atleast_3d(Tensor([1.0, 2.0])).shape
    (1, 2, 1)
    """
    return widen(arrays, 3)
