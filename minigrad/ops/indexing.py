"""Reading and writing by index. `getitem` and `scatter_add` are each other's gradient."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from minigrad import ops
from minigrad.core.arrays import Shaped, shape_of
from minigrad.core.errors import CaptureError
from minigrad.core.op import op
from minigrad.core.record import composition
from minigrad.core.tensor import Tensor, array_or_constant, constant
from minigrad.ops.kernels import cast_exactly, check_axis, places
from minigrad.wording.source import caller_line

__all__ = [
    "Index", "add_along_axis", "argsort", "getitem", "index", "partition", "scatter_add", "set_at", "setitem", "sort",
    "take", "take_along_axis",
]  # fmt: skip


class Slice(NamedTuple):
    """A slice that can be hashed, which Python's own cannot before 3.12."""

    start: int | None
    stop: int | None
    step: int | None

    def __repr__(self) -> str:
        ends = f"{'' if self.start is None else self.start}:{'' if self.stop is None else self.stop}"
        return ends if self.step is None else f"{ends}:{self.step}"


class Index(tuple[Any, ...]):
    """The static part of an index: integers, slices, None, `...`, and True where an index array has its place."""

    def __repr__(self) -> str:
        return f"[{', '.join('array' if e is True else '…' if e is ... else repr(e) for e in self)}]"

    def with_arrays(self, arrays: tuple[Any, ...]) -> tuple[Any, ...]:
        """The index as NumPy takes it."""
        following = iter(arrays)
        return tuple(next(following) if e is True else slice(*e) if isinstance(e, Slice) else e for e in self)


def parse_index(key: object) -> tuple[Index, list[Any]]:
    """What stands between the brackets, as a static index and its arrays."""
    entries: list[Any] = []
    arrays: list[Any] = []
    for entry in key if isinstance(key, tuple) else (key,):
        if isinstance(entry, slice):
            ends = (entry.start, entry.stop, entry.step)
            entries.append(Slice(*(None if end is None else end.__index__() for end in ends)))
        elif entry is None or entry is ...:
            entries.append(entry)
        elif isinstance(entry, (int, np.integer)) and not isinstance(entry, bool):
            entries.append(int(entry))
        elif isinstance(entry, (Tensor, np.ndarray, list, tuple, range, bool, np.bool_)):
            entry = [*entry] if isinstance(entry, (tuple, range)) else entry
            array = entry if isinstance(entry, Tensor) else array_or_constant(entry)
            if array.size == 0 and isinstance(entry, list):
                array = ops.astype(array, np.int64)
            if array.dtype.kind not in "biu":
                raise IndexError(f"an index must be integers or booleans, got {array.dtype} of shape {array.shape}")
            entries.append(True)
            arrays.append(array)
        else:
            raise IndexError(f"an index must be integers, slices, None, ... or arrays, got {type(entry).__name__}")
    return Index(entries), arrays


def known_shape(x: Any, *indices: Any, index: Index) -> Shaped:
    """The shape of `x[index]`, unless it depends on values."""
    arrays = tuple([np.broadcast_to(np.zeros((), getattr(i, "dtype", type(i))), shape_of(i)) for i in indices])
    if any(i.dtype.kind == "b" for i in arrays):
        raise CaptureError(
            f"x[mask] at {caller_line()}: how many elements a boolean index selects depends on its values, which are "
            "not known while a function is being captured; use where(mask, x, 0), or integer indices of a fixed number"
        )
    base = np.broadcast_to(np.zeros((), x.dtype), x.shape)
    return Shaped(np.shape(base[index.with_arrays(arrays)]), x.dtype)


@op(formula="x at an index", view=True, infer=known_shape)
def getitem(x: Any, *indices: Any, index: Index) -> Any:
    """`x[…]`, with the arrays of the index as inputs; see `index`.

    >>> getitem(Tensor([1.0, 2.0, 3.0]), np.array([2, 0]), index=Index([True])).tolist()
    [3.0, 1.0]
    """
    return x[index.with_arrays(indices)]


def add_to_part(total: Any, g: Any, *indices: Any, index: Index) -> bool:
    """Add to a part of a gradient in place; not where arrays say which, for they may name a place twice."""
    if not indices:
        total[index.with_arrays(())] += g
    return not indices


getitem.added = add_to_part


@op(formula="0, with values added at an index")
def scatter_add(values: Any, *indices: Any, index: Index, shape: tuple[int, ...]) -> Any:
    """An array of zeros with `values` added at the index; repeated places add up. Integers sum as in `numpy.sum`.

    >>> scatter_add([1.0, 2.0, 4.0], np.array([2, 0, 2]), index=Index([True]), shape=(3,)).tolist()
    [2.0, 0.0, 5.0]
    """
    rows = indices[0] if len(indices) == 1 and index == (True,) else None
    if isinstance(rows, np.ndarray) and rows.dtype.kind in "iu" and shape[0]:
        return places.add_at_rows(values, rows, shape)
    if any(e is True for e in index):
        return places.add_at_places(values, places.number_places(shape)[index.with_arrays(indices)], shape)
    result = np.zeros(shape, values.dtype)
    result[index.with_arrays(())] = values
    return result


getitem.vjp("x")(lambda g, y, x, *indices, index: ops.scatter_add(g, *indices, index=index, shape=x.shape))
scatter_add.vjp("values")(lambda g, y, values, *indices, index, shape: ops.getitem(g, *indices, index=index))


@composition(formula="x[key]")
def index(x: Any, key: object) -> Any:
    """`x[key]`: integers, slices, None, `...`, integer arrays (repeats add up in the gradient) and boolean arrays.

    >>> x = Tensor([1.0, 2.0, 3.0], requires_grad=True)
    >>> x[[0, 0, 2]].sum().backward()
    >>> x.grad
    array([2., 0., 1.])
    """
    static, arrays = parse_index(key)
    return ops.getitem(x, *arrays, index=static)


@op(formula="x with values written at an index")
def setitem(x: Any, values: Any, *indices: Any, index: Index) -> Any:
    """A copy of `x` with `values` written at the index; see `set_at`.

    >>> setitem(Tensor([1.0, 2.0, 3.0]), 9.0, index=Index([0])).tolist()
    [9.0, 2.0, 3.0]
    """
    return write_at(x, values if x.dtype.kind == "f" else cast_exactly(values, x.dtype), index.with_arrays(indices))


def write_at(x: Any, values: Any, key: Any) -> Any:
    result = np.array(x)  # also of a NumPy scalar, which a copy of it would be again
    result[key] = values
    return result


setitem.vjp("x")(lambda g, y, x, values, *indices, index: ops.setitem(g, 0.0, *indices, index=index))


@setitem.vjp("values")
def _(g: Any, y: Any, x: Any, values: Any, *indices: Any, index: Index) -> Any:
    read = ops.getitem(g, *indices, index=index)
    read = ops.reshape(read, (1,) * (np.ndim(values) - read.ndim) + read.shape) if np.ndim(values) > read.ndim else read
    if all(np.dtype(getattr(i, "dtype", type(i))).kind == "b" for i in indices):
        return read
    # Of the values written to one place only the last is still there: each place says which.
    numbers: Any = np.arange(read.size).reshape(read.shape)
    nobody: Any = np.full(x.shape, -1)
    if isinstance(g, Tensor):
        numbers, nobody = constant(numbers), constant(nobody)
    last = ops.getitem(ops.setitem(nobody, numbers, *indices, index=index), *indices, index=index)
    return ops.where(ops.equal(last, numbers), read, 0.0)  # with the 1s that `values` may have in front


@composition(formula="x with values written at key")
def set_at(x: Any, key: object, values: Any) -> Any:
    """A copy of `x` with `values` at `x[key]`: what item assignment would do, as a node of the graph.

    >>> set_at(Tensor([1.0, 2.0, 3.0]), 0, 9.0).tolist()
    [9.0, 2.0, 3.0]
    """
    static, arrays = parse_index(key)
    return ops.setitem(x, values, *arrays, index=static)


@composition(formula="the entries of x at indices along an axis", numpy=[np.take])
def take(x: Any, indices: Any, axis: int | None = None) -> Any:
    """The entries at `indices` along `axis`, or of the flattened array.

    >>> take(Tensor([[1.0, 2.0], [3.0, 4.0]]), [1, 1, 0], axis=1).tolist()
    [[2.0, 2.0, 1.0], [4.0, 4.0, 3.0]]
    """
    if axis is None:
        x, axis = ops.ravel(x), 0
    if isinstance(indices, (tuple, list, range)):
        empty, indices = not len(indices), array_or_constant([*indices])
        indices = ops.astype(indices, np.intp) if empty else indices
    if hasattr(indices, "dtype") and indices.dtype.kind == "b":  # 0 and 1 to NumPy; as an index they would be a mask
        indices = ops.astype(indices, np.int64)
    return ops.index(x, (slice(None),) * check_axis("take", axis, len(shape_of(x))) + (indices,))


@op(formula="x at one index per row", numpy=[np.take_along_axis])
def take_along_axis(x: Any, indices: Any, *, axis: int = -1) -> Any:
    """The entries that `indices` names along `axis`, row by row.

    >>> take_along_axis(Tensor([[1.0, 2.0], [3.0, 4.0]]), [[1], [0]]).tolist()
    [[2.0], [3.0]]
    """
    x, indices = np.asarray(x), np.asarray(indices)
    return np.take_along_axis(x, indices, check_axis("take_along_axis", axis, x.ndim))


@op(formula="0, with values added at one index per row")
def add_along_axis(values: Any, indices: Any, *, axis: int, shape: tuple[int, ...]) -> Any:
    """An array of zeros with `values` added where `indices` says along `axis`; repeated places add up.

    >>> add_along_axis([[1.0, 2.0]], [[2, 2]], axis=1, shape=(1, 3)).tolist()
    [[0.0, 0.0, 3.0]]
    """
    along = check_axis("add_along_axis", axis, len(shape))
    return places.add_along_axis(values, indices, along, shape)


take_along_axis.vjp("x")(lambda g, y, x, indices, *, axis: ops.add_along_axis(g, indices, axis=axis, shape=x.shape))
add_along_axis.vjp("values")(lambda g, y, values, indices, *, axis, shape: ops.take_along_axis(g, indices, axis=axis))


@op(formula="the order that sorts x", numpy=[np.argsort], differentiable=False)
def argsort(x: Any, *, axis: int | None = -1) -> Any:
    """The indices that would sort along `axis`; equal elements keep their order.

    >>> argsort([3.0, 1.0, 2.0]).tolist()
    [1, 2, 0]
    """
    return np.argsort(x, axis, kind="stable")


@composition(formula="x with its k-th smallest element at place k", numpy=[np.partition])
def partition(x: Any, kth: int | Sequence[int], axis: int | None = -1) -> Any:
    """Nothing larger before the places `kth`, nothing smaller after them: all in ascending order, as it happens.

    >>> partition(Tensor([3.0, 1.0, 2.0]), 1).tolist()
    [1.0, 2.0, 3.0]
    """
    shape = shape_of(x)
    length = math.prod(shape) if axis is None else shape[check_axis("partition", axis, len(shape))]
    for k in (kth,) if isinstance(kth, (int, np.integer)) else kth:
        if not -length <= k < length:
            raise ValueError(f"partition: kth={k} is out of bounds for an axis of length {length}")
    return ops.sort(x, axis)


@composition(formula="x in ascending order", numpy=[np.sort])
def sort(x: Any, axis: int | None = -1) -> Any:
    """The elements in ascending order along `axis`, or of the flattened array.

    >>> sort(Tensor([3.0, 1.0, 2.0])).tolist()
    [1.0, 2.0, 3.0]
    """
    if axis is None:
        x, axis = ops.ravel(x), 0
    axis = check_axis("sort", axis, len(shape_of(x)))
    return ops.take_along_axis(x, ops.argsort(x, axis=axis), axis=axis)
