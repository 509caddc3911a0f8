"""Specimens of windows that slide, of convolution and of pooling."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.exceptions import AxisError

from minigrad import ops
from minigrad.ops.specimens.calls import call, kink, refusal, specimens
from minigrad.ops.specimens.draws import normal


def windows_of(x: Any, window_shape: Any, axis: Any = None, *, stride: Any = 1, dilation: Any = 1) -> Any:
    """NumPy's windows of every reach, and of these those that are meant."""
    lengths, axes = np.atleast_1d(window_shape), np.arange(x.ndim) if axis is None else np.atleast_1d(axis)
    steps, inside, every = np.broadcast_to(stride, axes.shape), np.broadcast_to(dilation, axes.shape), [1] * x.ndim
    for a, step in zip(axes, steps, strict=True):
        every[a] *= step
    reach = np.maximum((lengths - 1) * inside + 1, 0) if lengths.size else lengths
    found = np.lib.stride_tricks.sliding_window_view(x, tuple(reach.tolist()), tuple(axes.tolist()))
    return found[tuple(slice(None, None, step) for step in (*every, *inside))]


def added_windows(values: Any, *, axis: Any = None, stride: Any = 1, dilation: Any = 1, shape: tuple[int, ...]) -> Any:
    numbers = np.arange(np.prod(shape, dtype=int)).reshape(shape)
    places = windows_of(numbers, values.shape[len(shape) :], axis, stride=stride, dilation=dilation)
    result = np.zeros(numbers.size, values.dtype)
    np.add.at(result, places, values)
    return result.reshape(shape)


ops.sliding_window_view.specimens = specimens(
    call(normal(5), 3), call(normal(2, 7), 2, -1, stride=2, dilation=3), call(normal(3, 4), (2, 3)),
    call(normal(1, 6, 5), (3, 2), (1, 2), stride=(2, 1), dilation=(1, 2)), call(normal(3, 2, 4), (2, 2), axis=(2, 0)),
    call(normal(6), (2, 3), axis=(0, 0)), call(normal(), ()), call(normal(3), 3), call(normal(2), 0),
    call(normal(0, 3), 2, axis=1),
    refusal(call(normal(2, 3), 4, axis=1), ValueError, "sliding_window_view", "a window of 4", "axis 1", "(2, 3)"),
    refusal(call(normal(4), 3, dilation=2), ValueError, "sliding_window_view", "window of 3 with dilation 2", "(4,)"),
    refusal(call(normal(3, 3), 2), ValueError, "sliding_window_view", "window_shape=2", "2 axes"),
    refusal(call(normal(3), 2, stride=0), ValueError, "sliding_window_view", "stride=0", "at least 1"),
    refusal(call(normal(3), 2, dilation=(1, 1)), ValueError, "sliding_window_view", "dilation=(1, 1)", "1 axes"),
    refusal(call(normal(3), 1.5), TypeError, "sliding_window_view", "window_shape=1.5", "integers"),
    refusal(call(normal(3), -1), ValueError, "sliding_window_view", "window_shape=-1", "at least 0"),
    refusal(call(normal(3), 2, axis=1), AxisError, "sliding_window_view", "axis 1", "dimension 1"),
    reference=windows_of,
)  # fmt: skip
ops.add_windows.specimens = specimens(
    call(normal(3, 2), shape=(4,)), call(normal(2, 2, 2, 3), shape=(3, 4)),
    call(normal(2, 3, 2), axis=-1, stride=2, dilation=3, shape=(2, 8)),
    call(normal(3, 2, 3, 2, 2), axis=(2, 0), stride=(1, 2), shape=(6, 2, 4)), call(normal(), axis=(), shape=()),
    call(normal(0, 2, 2), axis=1, shape=(0, 3)),
    refusal(call(normal(3, 2), shape=(5,)), ValueError, "add_windows", "(3, 2)", "(4, 2)", "(5,)"),
    refusal(call(normal(3, 2), shape=(1,)), ValueError, "add_windows", "a window of 2", "(1,)"),
    reference=added_windows,
)  # fmt: skip


def correlated(
    x: Any, weight: Any, bias: Any = None, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1
) -> Any:
    """Every output by itself, from the places of its window in a padded copy."""
    window = weight.shape[2:]
    ndim = len(window)
    steps, inside = np.broadcast_to(stride, ndim), np.broadcast_to(dilation, ndim)
    sides = [(n // 2, n - n // 2) for n in (np.array(window) - 1) * inside] if padding == "same" else padding
    sides = [(0, 0)] * ndim if padding == "valid" else [side if np.ndim(side) else (side, side) for side in (
        sides if isinstance(sides, (list, tuple)) else [sides] * ndim
    )]  # fmt: skip
    x = np.pad(x, [(0, 0)] * (x.ndim - ndim) + sides)
    windows = windows_of(x, window, range(x.ndim - ndim, x.ndim), stride=steps, dilation=inside)
    parts = np.split(windows, groups, axis=x.ndim - ndim - 1)
    axes = [x.ndim - ndim - 1, *range(x.ndim, x.ndim + ndim)]
    ys = [np.tensordot(part, w, (axes, range(1, ndim + 2)))
          for part, w in zip(parts, np.split(weight, groups), strict=True)]  # fmt: skip
    y = np.moveaxis(np.concatenate(ys, -1), -1, x.ndim - ndim - 1)
    return y if bias is None else y + np.reshape(bias, (-1, *[1] * ndim))


def pooled(reduce: Any, x: Any, window: Any, stride: Any, padding: Any, dilation: Any = 1) -> Any:
    """NaN is put around, which counts for nothing."""
    lengths = window if isinstance(window, tuple) else (window,) * (x.ndim - 2)
    axes, before = range(x.ndim - len(lengths), x.ndim), [(0, 0)] * (x.ndim - len(lengths))
    x = np.pad(x, before + [(n, n) for n in np.broadcast_to(padding, len(lengths))], constant_values=np.nan)
    windows = windows_of(x, lengths, axes, stride=lengths if stride is None else stride, dilation=dilation)
    return reduce(windows, tuple(range(-len(lengths), 0)))


def averaged(x: Any, window: Any, stride: Any = None, padding: Any = 0, count_include_pad: bool = True) -> Any:
    mean = pooled(np.nanmean, x, window, stride, padding)
    share = pooled(lambda ones, axes: np.mean(~np.isnan(ones), axes), np.ones(x.shape), window, stride, padding)
    return mean * share if count_include_pad else mean


ops.conv1d.specimens = specimens(
    call(normal(2, 3, 6), normal(4, 3, 3), normal(4)), call(normal(2, 4, 7), normal(2, 2, 2), None, 2, 1, 2, 2),
    call(normal(3, 5), normal(2, 3, 2), padding=((1, 0),)), call(normal(0, 1, 4), normal(2, 1, 3)),
    call(normal(1, 1, 5), normal(1, 1, 4), padding="same"),
    refusal(call(normal(5), normal(2, 3, 2)), ValueError, "conv1d", "(…, channels, length)", "(5,)"),
    refusal(call(normal(2, 4, 5), normal(2, 3, 2)), ValueError, "conv1d", "(2, 3, 2)", "3 channels", "(2, 4, 5)"),
    refusal(call(normal(1, 3, 5), normal(2, 3, 2), normal(3)), ValueError, "conv1d", "bias", "(3,)", "(2,)"),
    refusal(call(normal(1, 3, 5), normal(2, 3, 2), padding=(1, 1)), ValueError, "conv1d", "(1, 1)", "1 axes"),
    refusal(call(normal(1, 3, 5), normal(2, 3, 6)), ValueError, "conv1d", "window of 6", "axis 2 of (1, 3, 5)"),
    reference=correlated,
)  # fmt: skip
ops.conv2d.specimens = specimens(
    call(normal(2, 3, 4, 5), normal(4, 3, 2, 3), normal(4)),
    call(normal(1, 4, 6, 5), normal(4, 2, 2, 3), None, (2, 1), (1, 2), (1, 2), 2),
    call(normal(3, 4, 4), normal(2, 3, 3, 3), normal(2), padding="same"),
    call(normal(2, 2, 2, 3, 3), normal(2, 1, 2, 2), padding=((1, 0), 1), groups=2),
    refusal(call(normal(3, 5), normal(2, 3, 2, 2)), ValueError, "conv2d", "(…, channels, height, width)", "(3, 5)"),
    refusal(call(normal(1, 4, 5, 5), normal(3, 2, 2, 2), groups=2), ValueError, "conv2d", "groups=2", "(3, 2, 2, 2)"),
    refusal(call(normal(1, 1, 5, 5), normal(1, 1, 3, 3), stride=2, padding="same"), ValueError, "same", "(2, 2)"),
    reference=correlated,
)  # fmt: skip
ops.max_pool.specimens = specimens(
    call(normal(2, 3, 4, 6), 2), call(normal(1, 2, 7), 3, 2, 1), call(normal(5, 6), (2, 3), (1, 2), (1, 0), 2),
    refusal(call(normal(1, 1, 3, 3), 4), ValueError, "a window of 4", "does not fit"),
    refusal(call(normal(3, 3), 2), ValueError, "max_pool", "window=2", "2 axes"),
    refusal(call(normal(1, 1, 4), 2, padding=2), ValueError, "max_pool", "padding=2", "nothing in them"),
    kink(call(np.array([[[1.0, 1.0]]]), 2), [[[0.5, 0.5]]]),
    reference=lambda x, window, stride=None, padding=0, dilation=1: pooled(
        np.nanmax, x, window, stride, padding, dilation
    ),
)  # fmt: skip
ops.average_pool.specimens = specimens(
    call(normal(2, 3, 4, 6), 2), call(normal(1, 2, 7), 3, 2, 1),
    call(normal(1, 2, 6), 3, 1, 1, count_include_pad=False), call(normal(4, 6), (2, 3), (1, 2), (1, 0), False),
    refusal(call(normal(1, 1, 4), 2, padding=2), ValueError, "average_pool", "padding=2", "nothing in them"),
    reference=averaged,
)  # fmt: skip
