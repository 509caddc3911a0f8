"""Windows that slide over an array: looked at without a copy, and added up where they lie over each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from minigrad.core.arrays import Array
from minigrad.ops.kernels import find_sum_dtype


class Sliding(NamedTuple):
    """How a window slides along one axis: its length, the step from one to the next, and that inside it."""

    axis: int
    length: int
    stride: int
    dilation: int

    @property
    def reach(self) -> int:
        """From its first element to its last one, with both."""
        return (self.length - 1) * self.dilation + 1 if self.length else 0

    def count(self, length: int) -> int:
        """How many windows an axis of this length has."""
        return (length - self.reach) // self.stride + 1


class Strided:
    """The memory of an array, `obj`, as NumPy is asked to see it; unlike `as_strided` it says whose memory it is."""

    def __init__(self, obj: Array, shape: Sequence[int], strides: Sequence[int], writeable: bool) -> None:
        self.obj = obj
        lies: Any = obj.__array_interface__
        place = lies["data"][0], not writeable
        self.__array_interface__ = {**lies, "shape": tuple(shape), "strides": tuple(strides), "data": place}


def read_numbers(
    function: str, name: str, given: Any, count: int, least: int, numbers: Any = None
) -> tuple[int, ...]:  # fmt: skip
    """One integer for each of `count` axes; one alone is for all. `numbers` are those read from what was given."""
    numbers = given if numbers is None else numbers
    numbers = tuple(numbers) if isinstance(numbers, (tuple, list)) else (numbers,) * count
    if any(isinstance(n, bool) or not isinstance(n, (int, np.integer)) for n in numbers):
        raise TypeError(f"{function}: {name}={given!r}: expected integers")
    if len(numbers) != count:
        raise ValueError(f"{function}: {name}={given!r} for {count} axes: expected a number for each")
    if min(numbers, default=least) < least:
        raise ValueError(f"{function}: {name}={given!r}: expected at least {least}")
    return tuple(int(n) for n in numbers)


def read_sliding(
    function: str, shape: tuple[int, ...], window_shape: Any, axis: Any, stride: Any, dilation: Any
) -> list[Sliding]:
    """How windows slide over an array of this shape, axis by axis; an error where none fits in."""
    lengths = window_shape if isinstance(window_shape, (tuple, list)) else (window_shape,)
    axes = range(len(shape)) if axis is None else normalize_axis_tuple(axis, len(shape), function, True)
    count = len(axes)
    columns = (
        axes,
        read_numbers(function, "window_shape", window_shape, count, 0, lengths),
        read_numbers(function, "stride", stride, count, 1),
        read_numbers(function, "dilation", dilation, count, 1),
    )
    found, left = [], list(shape)
    for one in (Sliding(*row) for row in zip(*columns, strict=True)):
        length = left[one.axis]
        if one.reach > length:
            dilated = f" with dilation {one.dilation}" if one.dilation > 1 else ""
            where = f"in axis {one.axis} of {shape}"
            raise ValueError(f"{function}: a window of {one.length}{dilated} does not fit {where}")
        left[one.axis] = one.count(length)
        beyond = length + 1  # as good as any larger step, and an address
        found.append(one._replace(stride=min(one.stride, beyond), dilation=min(one.dilation, beyond)))
    return found


def view_windows(
    x: Any, window_shape: Any, axis: Any = None, stride: Any = 1, dilation: Any = 1, writeable: bool = False
) -> Array:
    """Every window of `x`, as a view: where they begin along the axes of `x`, then along those of a window."""
    x = np.asarray(x)
    shape, strides = list(x.shape), list(x.strides)
    for one in read_sliding("sliding_window_view", x.shape, window_shape, axis, stride, dilation):
        shape.append(one.length)
        strides.append(strides[one.axis] * one.dilation)
        shape[one.axis] = one.count(shape[one.axis])
        strides[one.axis] *= one.stride
    return np.asarray(Strided(x, shape, strides, writeable))


def add_windows(
    values: Any, axis: Any, stride: Any, dilation: Any, shape: tuple[int, ...], out: Array | None = None
) -> Array:
    """Zeros of this shape, with `values` added where a window of it would read them: one sum for each place in it."""
    wide = find_sum_dtype(values.dtype)
    total = out if out is not None and out.dtype == wide else np.empty(shape, wide)
    total.fill(0)
    window_shape = values.shape[len(shape) :]
    windows = view_windows(total, window_shape, axis, stride, dilation, writeable=True)
    if windows.shape != values.shape:
        raise ValueError(f"values of shape {values.shape} are not windows of {shape}: expected {windows.shape}")
    for place in np.ndindex(window_shape):
        part = windows[(..., *place)]  # of which no two elements are one
        part += values[(..., *place)]
    if out is None:
        return total.astype(values.dtype, copy=False) if values.dtype.kind == "f" else total
    if total is not out:
        out[...] = total
    return out
