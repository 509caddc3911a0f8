"""Rows beside those of `jax_rows.py`, of convolution and pooling."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from minigrad import ops
from minigrad.core.op import Op
from minigrad.core.tensor import Tensor
from minigrad.foreign.jax_rows import ROWS as ROWS
from minigrad.foreign.jax_rows import Made, Maker, move_axes, row
from minigrad.ops.windows import lowest


@row("conv_general_dilated")
def convolution(
    make: Maker, x: Tensor, weight: Tensor, *, window_strides: Any, padding: Any, lhs_dilation: Any, rhs_dilation: Any,
    dimension_numbers: Any, feature_group_count: int, batch_group_count: int, **precision: Any,
) -> Made:  # fmt: skip
    of_x, of_weight, of_result = dimension_numbers
    if len(of_x) not in (3, 4) or {*lhs_dilation, batch_group_count} != {1}:
        return None
    function = functools.partial(
        (ops.conv1d, ops.conv2d)[len(of_x) - 3], stride=tuple(window_strides), padding=tuple(map(tuple, padding)),
        dilation=tuple(rhs_dilation), groups=feature_group_count,
    )  # fmt: skip
    y = make.compose(function, move_axes(make, x, of_x), move_axes(make, weight, of_weight))
    return move_axes(make, y, np.argsort(of_result).tolist())


def reduce_windows(
    reduce: Op, make: Maker, x: Tensor, *, window_dimensions: Any, window_strides: Any, padding: Any,
    base_dilation: Any, window_dilation: Any,
) -> Made:  # fmt: skip
    if {*base_dilation} - {1}:
        return None
    if any(map(any, padding)):
        fill = lowest(x.dtype) if reduce is ops.max else 0
        x = make(ops.pad, x, pad_width=tuple(map(tuple, padding)), constant_values=fill)
    steps = {"stride": tuple(window_strides), "dilation": tuple(window_dilation)}
    windows = make(ops.sliding_window_view, x, window_shape=tuple(window_dimensions), **steps)
    return make(reduce, windows, axis=tuple(range(x.ndim, 2 * x.ndim)))


ROWS["reduce_window_max"] = functools.partial(reduce_windows, ops.max)
ROWS["reduce_window_sum"] = functools.partial(reduce_windows, ops.sum)
