"""Windows that slide over an array, and what is made of them: convolution and pooling.

`sliding_window_view` is the one primitive; `add_windows` is its transpose.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from minigrad import ops
from minigrad.core.arrays import shape_of
from minigrad.core.op import op
from minigrad.core.record import composition
from minigrad.core.tensor import Tensor, array_or_constant, constant
from minigrad.ops.indexing import Index, Slice
from minigrad.ops.kernels import windows
from minigrad.ops.precision import rounded_once

__all__ = ["add_windows", "average_pool", "conv1d", "conv2d", "max_pool", "sliding_window_view"]

Sizes = int | tuple[int, ...]


def taken(x: Any, *, window_shape: Any, axis: Any, stride: Any, dilation: Any) -> Any:
    """The windows as entries that are taken along one axis after the other."""
    for one in windows.read_sliding("sliding_window_view", x.shape, window_shape, axis, stride, dilation):
        x = ops.moveaxis(ops.take(x, places_of(one, x, x.shape[one.axis]), one.axis), one.axis + 1, -1)
    return x


def places_of(one: windows.Sliding, like: Any, length: int) -> Any:
    """Where along its axis each element of each window is found, (windows, length of a window)."""
    places: Any = np.arange(one.count(length))[:, None] * one.stride + np.arange(one.length) * one.dilation
    return constant(places) if isinstance(like, Tensor) else places


@op(
    formula="every window of x", numpy=[np.lib.stride_tricks.sliding_window_view], view=True, definition=taken,
)  # fmt: skip
def sliding_window_view(
    x: Any, *, window_shape: Sizes, axis: Sizes | None = None, stride: Sizes = 1, dilation: Sizes = 1
) -> Any:
    """Every window of a shape, as a view: the axes of `x` say where it begins, new ones at the end what stands in it.

    Args:
        window_shape: the length of a window along each of `axis`.
        axis: along which axes it slides; by default all of them.
        stride: the step from one window to the next; as `dilation`, one number or one for each axis.
        dilation: the step from one element of a window to the next.

    >>> sliding_window_view(Tensor([1.0, 2.0, 3.0, 4.0]), 2).tolist()
    [[1.0, 2.0], [2.0, 3.0], [3.0, 4.0]]
    >>> sliding_window_view(Tensor([1.0, 2.0, 3.0, 4.0]), 2, stride=2).tolist()
    [[1.0, 2.0], [3.0, 4.0]]
    """
    return windows.view_windows(x, window_shape, axis, stride, dilation)


def scattered(values: Any, *, axis: Any, stride: Any, dilation: Any, shape: tuple[int, ...]) -> Any:
    """The windows added up along one axis after the other, the last first."""
    window_shape, before = tuple(values.shape[len(shape) :]), [list(shape)]
    sliding = windows.read_sliding("add_windows", shape, window_shape, axis, stride, dilation)
    for one in sliding:
        before.append([*before[-1], one.length])
        before[-1][one.axis] = one.count(before[-1][one.axis])
    for one, target in zip(reversed(sliding), reversed(before[:-1]), strict=True):
        places = places_of(one, values, target[one.axis])
        index = Index([Slice(None, None, None)] * one.axis + [True])
        values = ops.scatter_add(ops.moveaxis(values, -1, one.axis + 1), places, index=index, shape=tuple(target))
    return values


@op(formula="0, with the elements of windows added where they were read", definition=scattered)
def add_windows(
    values: Any, *, axis: Sizes | None = None, stride: Sizes = 1, dilation: Sizes = 1, shape: tuple[int, ...]
) -> Any:
    """An array of zeros with `values` added, the windows of an array of this `shape`; where they overlap they add up.

    >>> add_windows([[1.0, 2.0], [4.0, 8.0]], shape=(3,)).tolist()
    [1.0, 6.0, 8.0]
    """
    return windows.add_windows(values, axis, stride, dilation, shape)


@sliding_window_view.vjp("x")
def _(g: Any, y: Any, x: Any, *, window_shape: Any, axis: Any, stride: Any, dilation: Any) -> Any:
    return ops.add_windows(g, axis=axis, stride=stride, dilation=dilation, shape=x.shape)


@add_windows.vjp("values")
def _(g: Any, y: Any, values: Any, *, axis: Any, stride: Any, dilation: Any, shape: tuple[int, ...]) -> Any:
    window_shape = values.shape[len(shape) :]
    return ops.sliding_window_view(g, window_shape=window_shape, axis=axis, stride=stride, dilation=dilation)


# --- convolution ------------------------------------------------------------------------------------------------------


@composition(formula="yₒ,ₜ = Σ꜀ₖ weightₒ꜀ₖ x꜀,ₜ₊ₖ + biasₒ")
@rounded_once
def conv1d(
    x: Any, weight: Any, bias: Any = None, stride: Sizes = 1, padding: Any = 0, dilation: Sizes = 1, groups: int = 1
) -> Any:
    """Cross-correlation along the last axis, which networks call convolution: `x` (…, channels, length).

    Args:
        weight: (outputs, channels / groups, length of the window).
        bias: (outputs,).
        stride: the step from one window to the next.
        padding: how many zeros to put at both ends, or a pair ((before, after),); "same" for as many as keep the
            length, "valid" for none.
        dilation: the step from one element of a window to the next.
        groups: the channels lie in so many groups, each with outputs of its own.

    >>> conv1d(Tensor([[1.0, 2.0, 4.0]]), Tensor([[[-1.0, 1.0]]])).tolist()
    [[1.0, 2.0]]
    """
    return convolve("conv1d", 1, x, weight, bias, stride, padding, dilation, groups)


@composition(formula="yₒ,ᵢⱼ = Σ꜀ₖₗ weightₒ꜀ₖₗ x꜀,ᵢ₊ₖ,ⱼ₊ₗ + biasₒ")
@rounded_once
def conv2d(
    x: Any, weight: Any, bias: Any = None, stride: Sizes = 1, padding: Any = 0, dilation: Sizes = 1, groups: int = 1
) -> Any:
    """Cross-correlation over the last two axes, which networks call convolution: `x` (…, channels, height, width).

    Args:
        weight: (outputs, channels / groups, height and width of the window).
        bias: (outputs,).
        stride: the step from one window to the next; one number, or one for each axis.
        padding: how many zeros to put around: a number, one for each axis, or pairs (before, after); "same" for as many
            as keep the lengths, "valid" for none.
        dilation: the step from one element of a window to the next; one number, or one for each axis.
        groups: the channels lie in so many groups, each with outputs of its own.

    >>> conv2d(np.ones((5, 3, 8, 8)), np.ones((4, 3, 3, 3)), padding="same").shape
    (5, 4, 8, 8)
    """
    return convolve("conv2d", 2, x, weight, bias, stride, padding, dilation, groups)


def convolve(
    function: str, ndim: int, x: Any, weight: Any, bias: Any, stride: Any, padding: Any, dilation: Any, groups: int
) -> Any:
    """One product of the weight and all windows as columns, with the batch last."""
    shape, (outputs, channels, *window) = shape_of(x), check_weight(function, ndim, x, weight, bias, groups)
    batch, space = len(shape) - ndim - 1, tuple(range(1, ndim + 1))
    stride = windows.read_numbers(function, "stride", stride, ndim, 1)
    dilation = windows.read_numbers(function, "dilation", dilation, ndim, 1)
    around = read_padding(function, padding, window, stride, dilation)
    check_fit(function, shape, window, stride, padding, around, dilation)
    x = pad_axes(put_last(x, batch), space, around, 0.0)
    x = ops.sliding_window_view(x, window_shape=tuple(window), axis=space, stride=stride, dilation=dilation)
    places, inside = x.shape[1 : len(shape)], range(len(shape), x.ndim)
    x = ops.transpose(x, axes=(0, *inside, *range(1, len(shape))))
    apart = () if groups == 1 else (groups,)
    columns = ops.reshape(x, shape=(*apart, channels * math.prod(window), math.prod(places)))
    rows = ops.reshape(weight, shape=(*apart, outputs // groups, channels * math.prod(window)))
    y = ops.reshape(ops.matmul(rows, columns), shape=(outputs, *places))
    if bias is not None:
        y = ops.add(y, ops.reshape(bias, shape=(outputs, *[1] * len(places))))
    return put_last(y, ndim + 1)


def put_last(x: Any, count: int) -> Any:
    """`x` with its first axes behind the others. With the batch last, one place of all windows lies in long rows."""
    ndim = len(shape_of(x))
    return ops.transpose(x, axes=(*range(count, ndim), *range(count))) if 0 < count < ndim else x


def check_weight(function: str, ndim: int, x: Any, weight: Any, bias: Any, groups: int) -> tuple[int, ...]:
    """The shape of the weight, where all others fit it."""
    shape, kernel = shape_of(x), shape_of(weight)
    axes = ("length",) if ndim == 1 else ("height", "width")
    if len(shape) <= ndim or len(kernel) != ndim + 2:
        raise ValueError(
            f"{function}: expected x (…, channels, {', '.join(axes)}) and weight (outputs, channels / groups, "
            f"{', '.join(axes)}), got {shape} and {kernel}"
        )
    channels, (groups,) = shape[-ndim - 1], windows.read_numbers(function, "groups", groups, 1, 1)
    if groups < 1 or channels != kernel[1] * groups or kernel[0] % groups:
        raise ValueError(
            f"{function}: weight {kernel} with groups={groups} takes {kernel[1] * groups} channels to a multiple of "
            f"{groups}; x {shape} has {channels}"
        )
    if bias is not None and shape_of(bias) != kernel[:1]:
        raise ValueError(f"{function}: bias of shape {shape_of(bias)}, expected {kernel[:1]}, one for each output")
    return kernel


def read_padding(
    function: str, padding: Any, window: Sequence[int], stride: Sequence[int], dilation: Sequence[int]
) -> list[tuple[int, int]]:
    """How much is put before and after each axis of a window."""
    if isinstance(padding, str):
        if padding not in ("same", "valid") or (padding == "same" and max(stride) > 1):
            raise ValueError(
                f'{function}: padding={padding!r} with stride={stride!r}: expected numbers, "valid", or with a stride '
                'of 1 "same"'
            )
        reach = [(n - 1) * d if padding == "same" else 0 for n, d in zip(window, dilation, strict=True)]
        return [(n // 2, n - n // 2) for n in reach]
    sides = padding if isinstance(padding, (tuple, list)) else [padding] * len(window)
    around = [tuple(side) if isinstance(side, (tuple, list)) else (side, side) for side in sides]
    if len(sides) != len(window) or any(len(side) != 2 for side in around):
        raise ValueError(
            f"{function}: padding={padding!r} for {len(window)} axes: expected a number or a pair for each"
        )
    flat = windows.read_numbers(function, "padding", padding, 2 * len(window), 0, list(itertools.chain(*around)))
    return list(zip(flat[::2], flat[1::2], strict=True))


def check_fit(
    function: str, shape: tuple[int, ...], window: Any, stride: Any, padding: Any, around: Any, dilation: Any
) -> None:
    """Refuse windows of which none fits into the padded array, and padding for which no memory has addresses."""
    count = len(window)
    padded = (*shape[:-count], *(n + sum(side) for n, side in zip(shape[-count:], around, strict=True)))
    if math.prod(padded) >= 2**47:  # the addresses that processors have
        raise ValueError(f"{function}: padding={padding!r} makes {padded} of {shape}, which no memory holds")
    windows.read_sliding(function, padded, tuple(window), tuple(range(-count, 0)), stride, dilation)


def pad_axes(x: Any, axes: Sequence[int], around: Sequence[Any], value: Any) -> Any:
    if not any(n for side in around for n in side):
        return x
    widths = [(0, 0)] * len(shape_of(x))
    for axis, side in zip(axes, around, strict=True):
        widths[axis] = side
    return ops.pad(x, pad_width=tuple(widths), constant_values=value)


# --- pooling ----------------------------------------------------------------------------------------------------------


@composition(formula="the largest element of each window")
def max_pool(x: Any, window: Sizes, stride: Sizes | None = None, padding: Any = 0, dilation: Sizes = 1) -> Any:
    """The largest element of each window that slides over the last axes of `x`.

    Args:
        window: a length for each of the last axes; one number is for all axes after the first two, which are those of
            the batch and of the channels.
        stride: the step from one window to the next; as long as the window by default.
        padding: how much is put around, which is never the largest, in the forms of `conv2d`.
        dilation: the step from one element of a window to the next.

    >>> max_pool(Tensor([[[1.0, 5.0, 2.0, 3.0]]]), 2).tolist()
    [[[5.0, 3.0]]]
    """
    x = x if hasattr(x, "dtype") else array_or_constant(x)
    sliding = read_pooling("max_pool", x, window, stride, padding, dilation)
    y = reduce_windows(ops.max, x, sliding, lowest(x.dtype))
    if not sliding.is_padded or x.dtype.kind != "f":
        return y
    # Where −∞ is the largest, those put around it have their part of the gradient: the others get that, too.
    return y * ops.where(ops.equal(y, -np.inf), excess(x, sliding, y), 1.0)


@composition(formula="the mean of each window")
@rounded_once
def average_pool(
    x: Any, window: Sizes, stride: Sizes | None = None, padding: Any = 0, count_include_pad: bool = True
) -> Any:
    """The mean of each window that slides over the last axes of `x`.

    Args:
        window, stride: as `max_pool` takes them.
        padding: how many zeros to put around, in the forms of `conv2d`.
        count_include_pad: whether these zeros count as elements of a window.

    >>> average_pool(Tensor([[[1.0, 5.0, 2.0, 3.0]]]), 2).tolist()
    [[[3.0, 2.5]]]
    """
    if not isinstance(count_include_pad, (bool, np.bool_)):
        raise TypeError(f"average_pool: count_include_pad={count_include_pad!r}: expected True or False")
    x = x if hasattr(x, "dtype") else array_or_constant(x)
    sliding = read_pooling("average_pool", x, window, stride, padding, 1)
    y = reduce_windows(ops.mean, x, sliding, 0)
    return y if count_include_pad or not sliding.is_padded else y * excess(x, sliding, y)


class Pooling(NamedTuple):
    """How windows slide over the last axes: one number of each kind for each of them."""

    lengths: tuple[int, ...]
    stride: tuple[int, ...]
    dilation: tuple[int, ...]
    around: list[tuple[int, int]]

    @property
    def is_padded(self) -> bool:
        return any(n for side in self.around for n in side)


def read_pooling(function: str, x: Any, window: Any, stride: Any, padding: Any, dilation: Any) -> Pooling:
    lengths = tuple(window) if isinstance(window, (tuple, list)) else (window,) * (x.ndim - 2)
    if not 0 < len(lengths) <= x.ndim:
        raise ValueError(f"{function}: window={window!r} for {x.ndim} axes: expected a length for one of them or more")
    count = len(lengths)
    windows.read_numbers(function, "window", window, count, 1, lengths)
    stride = lengths if stride is None else windows.read_numbers(function, "stride", stride, count, 1)
    dilation = windows.read_numbers(function, "dilation", dilation, count, 1)
    around = read_padding(function, padding, lengths, stride, dilation)
    for length, d, side in zip(lengths, dilation, around, strict=True):
        if max(side) > (length - 1) * d:
            raise ValueError(f"{function}: padding={padding!r} leaves windows of {window!r} with nothing in them")
    check_fit(function, x.shape, lengths, stride, padding, around, dilation)
    return Pooling(lengths, stride, dilation, around)


def lowest(dtype: np.dtype[Any]) -> Any:
    """What is larger than nothing of this type."""
    return -np.inf if dtype.kind == "f" else np.iinfo(dtype).min if dtype.kind in "iu" else False


def reduce_windows(reduce: Any, x: Any, sliding: Pooling, fill: Any) -> Any:
    """What `reduce` makes of each window, computed with the batch last, as convolutions are."""
    lengths, stride, dilation, around = sliding
    batch, count = max(x.ndim - len(lengths) - 1, 0), x.ndim
    axes = tuple(range(count - len(lengths) - batch, count - batch))
    x = pad_axes(put_last(x, batch), axes, around, fill)
    x = ops.sliding_window_view(x, window_shape=lengths, axis=axes, stride=stride, dilation=dilation)
    places = put_last(x, count)  # the axes of a window are first: its places are whole arrays
    return put_last(reduce(places, axis=tuple(range(x.ndim - count))), count - batch)


def excess(x: Any, sliding: Pooling, y: Any) -> Any:
    """How many times as large as what it holds of `x` each window is, beside `y`."""
    lengths, stride, dilation, around = sliding
    ones = np.pad(np.ones(shape_of(x)[-len(lengths) :]), around)
    inside = windows.view_windows(ones, lengths, None, stride, dilation)
    with np.errstate(divide="ignore"):  # a window of nothing but padding
        times: Any = (1 / inside.mean(tuple(range(ones.ndim, inside.ndim)))).astype(y.dtype)
    return constant(times) if isinstance(y, Tensor) else times
