"""Convolutions over one and two axes, with a trained weight for every place of a window."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad import ops
from minigrad.nn.layers import check_sizes
from minigrad.nn.module import Module, check_precision, new_parameter


class Conv1d(Module):
    """A convolution along the last axis: `minigrad.conv1d` with a weight and a bias of its own.

    `weight` (outputs, inputs / groups, *window) is uniform in ±√(6 / (fan in + fan out)), counted per place of the
    result (Glorot and Bengio, 2010, eq. 16); `bias` (outputs,) is zero.

    Args:
        inputs, outputs: how many channels there are, before and after.
        window: its length, along each axis where there are several.
        stride, padding, dilation, groups: those of `minigrad.conv1d`.
        bias: False for the sums alone.
        rng: draws the initial weight.

    Raises:
        ValueError: a size that is not a whole number, at least 1, or channels that do not divide into the groups.

    >>> layer = Conv1d(3, 4, 5, padding="same", rng=np.random.default_rng(0))
    >>> layer(np.ones((2, 3, 9), np.float32)).shape
    (2, 4, 9)
    """

    ndim = 1
    function: Callable[..., Any] = ops.conv1d

    def __init__(
        self, inputs: int, outputs: int, window: int | tuple[int, ...], stride: int | tuple[int, ...] = 1,
        padding: Any = 0, dilation: int | tuple[int, ...] = 1, groups: int = 1, bias: bool = True, *,
        rng: np.random.Generator, dtype: Any = np.float32,
    ) -> None:  # fmt: skip
        name = type(self).__name__
        lengths = tuple(window) if isinstance(window, (tuple, list)) else (window,) * self.ndim
        check_sizes(name, inputs=inputs, outputs=outputs, groups=groups, window=min(lengths, default=0))
        if len(lengths) != self.ndim:
            raise ValueError(f"{name}: window={window!r}, expected a number or {self.ndim} of them")
        if inputs % groups or outputs % groups:
            raise ValueError(f"{name}: {inputs} inputs and {outputs} outputs do not divide into groups={groups}")
        limit = math.sqrt(6 * groups / ((inputs + outputs) * math.prod(lengths)))
        self.weight = new_parameter(rng.uniform(-limit, limit, (outputs, inputs // groups, *lengths)), dtype, "weight")
        self.bias = new_parameter(np.zeros(outputs), dtype, "bias") if bias else None
        self.stride, self.padding, self.dilation, self.groups = stride, padding, dilation, groups

    def forward(self, x: Any) -> Any:
        """`x` (…, inputs, length), for `Conv2d` (…, inputs, height, width), as (…, outputs, …)."""
        check_precision(x, self.weight)
        convolve = type(self).function
        return convolve(x, self.weight, self.bias, self.stride, self.padding, self.dilation, self.groups)


class Conv2d(Conv1d):
    """A convolution over the last two axes: `minigrad.conv2d` with a weight and a bias of its own.

    Arguments and errors are those of `Conv1d`; `window`, `stride` and `dilation` are one number or one for each axis.

    >>> layer = Conv2d(3, 4, 3, stride=2, rng=np.random.default_rng(0))
    >>> layer(np.ones((2, 3, 9, 7), np.float32)).shape
    (2, 4, 4, 3)
    """

    ndim = 2
    function = ops.conv2d
