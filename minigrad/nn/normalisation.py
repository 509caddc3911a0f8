"""Normalisation over a batch, and over groups of channels."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minigrad import ops
from minigrad.core.arrays import shape_of
from minigrad.core.modes import no_grad
from minigrad.core.storage import assign
from minigrad.core.tensor import Tensor
from minigrad.nn.layers import check_sizes
from minigrad.nn.module import Module, check_precision, new_parameter
from minigrad.ops.kernels import check_axis
from minigrad.ops.windows import put_last


class BatchNorm(Module):
    """Each channel moved to mean 0 and scaled to variance 1 over the batch (Ioffe and Szegedy, arXiv 1502.03167).

    While training, mean and variance are those of the batch, over all axes but that of the channels, and the buffers
    `running_mean` and `running_variance` (channels,) follow them. After `eval()` these take their place.

    Args:
        channels: how many there are; `gain`, ones at first, and `bias`, zeros, are (channels,).
        axis: that of the channels.
        epsilon: is added to the variance.
        momentum: the share of a batch in the running mean and variance.

    Raises:
        ValueError: a number of channels that is not whole, at least 1; while training, one value for each channel.

    >>> norm = BatchNorm(2)
    >>> norm(np.array([[0.0, 5.0], [2.0, 9.0]], np.float32)).numpy().round(2).tolist()
    [[-1.0, -1.0], [1.0, 1.0]]
    >>> norm.running_mean.numpy().round(2)
    array([0.1, 0.7], dtype=float32)
    """

    def __init__(
        self, channels: int, axis: int = 1, epsilon: float = 1e-5, momentum: float = 0.1, dtype: Any = np.float32
    ) -> None:
        check_sizes("BatchNorm", channels=channels)
        self.gain = new_parameter(np.ones(channels), dtype, "gain")
        self.bias = new_parameter(np.zeros(channels), dtype, "bias")
        self.running_mean = Tensor(np.zeros(channels), dtype, name="running_mean")
        self.running_variance = Tensor(np.ones(channels), dtype, name="running_variance")
        self.axis, self.epsilon, self.momentum = axis, epsilon, momentum

    def forward(self, x: Any) -> Any:
        """`x`, normalised, in its own shape."""
        check_precision(x, self.gain)
        channels, shape = self.gain.size, shape_of(x)
        axis = check_axis("BatchNorm", self.axis, len(shape))
        if shape[axis] != channels:
            raise ValueError(f"BatchNorm: expected {channels} channels along axis {self.axis}, got x {shape}")
        first = put_last(x, axis)
        rows = ops.reshape(first, (channels, math.prod(first.shape[1:])))
        if self.training:
            self._follow(rows)
            y = ops.standardize(rows, epsilon=self.epsilon)
        else:
            scale = 1.0 / ops.sqrt(self.running_variance + self.epsilon)
            y = (rows - ops.expand_dims(self.running_mean, 1)) * ops.expand_dims(scale, 1)
        y = y * ops.expand_dims(self.gain, 1) + ops.expand_dims(self.bias, 1)
        return put_last(ops.reshape(y, first.shape), len(shape) - axis)

    def _follow(self, rows: Any) -> None:
        """Let the running mean and variance follow those of the batch, of which the latter is freed of its bias."""
        if rows.shape[1] < 2:
            raise ValueError(f"BatchNorm: {rows.shape[1]} values for each channel have no variance to train with")
        with no_grad():
            of_batch = ops.mean(rows, axis=1), ops.var(rows, axis=1, ddof=1)
            for running, new in zip((self.running_mean, self.running_variance), of_batch, strict=True):
                assign(running, running * (1 - self.momentum) + ops.astype(new, running.dtype) * self.momentum)


class GroupNorm(Module):
    """Each group of channels of each example moved to mean 0 and scaled to variance 1 (Wu and He, arXiv 1803.08494).

    Args:
        groups: into how many the channels are divided; 1 normalises all together, `channels` each by itself.
        channels: how many there are; `gain`, ones at first, and `bias`, zeros, are (channels,).
        epsilon: is added to the variance.

    Raises:
        ValueError: numbers that are not whole, at least 1, and channels that do not divide into the groups.

    >>> GroupNorm(1, 2)(np.array([[[0.0], [2.0]]], np.float32)).numpy().round(2).tolist()
    [[[-1.0], [1.0]]]
    """

    def __init__(self, groups: int, channels: int, epsilon: float = 1e-5, dtype: Any = np.float32) -> None:
        check_sizes("GroupNorm", groups=groups, channels=channels)
        if channels % groups:
            raise ValueError(f"GroupNorm: {channels} channels do not divide into groups={groups}")
        self.gain = new_parameter(np.ones(channels), dtype, "gain")
        self.bias = new_parameter(np.zeros(channels), dtype, "bias")
        self.groups, self.epsilon = groups, epsilon

    def forward(self, x: Any) -> Any:
        """`x` (batch, channels, …), normalised."""
        check_precision(x, self.gain)
        shape, channels = shape_of(x), self.gain.size
        if len(shape) < 2 or shape[1] != channels:
            raise ValueError(f"GroupNorm: expected x (batch, {channels}, …), got {shape}")
        rows = ops.reshape(x, (shape[0], self.groups, math.prod(shape[1:]) // self.groups))
        y = ops.reshape(ops.standardize(rows, epsilon=self.epsilon), shape)
        beside = (channels, *[1] * (len(shape) - 2))
        return y * ops.reshape(self.gain, beside) + ops.reshape(self.bias, beside)
