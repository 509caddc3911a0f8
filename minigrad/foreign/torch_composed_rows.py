"""Rows beside those of `torch_rows.py`, of convolution, pooling and linear algebra, by minigrad's own functions.

What PyTorch gives beside the result (the places of the largest, factors that its own backward pass takes) no op says:
operations that return it stay PyTorch's, and so do the derivatives that take it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from minigrad import ops
from minigrad.core.autodiff import grad
from minigrad.foreign.torch_network_rows import ROWS as ROWS
from minigrad.foreign.torch_rows import Writer, row

Function = Callable[..., Any]


def along(ndim: int, sizes: int | Sequence[int]) -> tuple[int, ...]:
    """One number for each axis; PyTorch takes a list of one for all of them."""
    return (sizes,) * ndim if isinstance(sizes, int) else tuple(sizes) * (ndim if len(sizes) == 1 else 1)


def pull_back(function: Function, position: int, to: Writer, g: Any, *inputs: Any) -> Any:
    """What flows back from `g` through a function to one of its inputs."""

    def derivative(g: Any, *inputs: Any) -> Any:
        return grad(function(*inputs), inputs[position], g)

    return to.compose(derivative, g, *inputs)


# --- convolution ------------------------------------------------------------------------------------------------------


def convolution_of(
    ndim: int, stride: Sequence[int], padding: str | Sequence[int], dilation: Sequence[int], groups: int
) -> Function | None:
    """The function of x, a weight and perhaps a bias."""
    if ndim not in (1, 2):
        return None
    around = padding if isinstance(padding, str) else along(ndim, padding)
    options = {"stride": along(ndim, stride), "padding": around, "dilation": along(ndim, dilation), "groups": groups}
    return functools.partial((ops.conv1d, ops.conv2d)[ndim - 1], **options)


@row("conv1d", "conv2d")
def convolution(
    to: Writer, x: Any, weight: Any, bias: Any = None, stride: Sequence[int] = (1,), padding: Any = (0,),
    dilation: Sequence[int] = (1,), groups: int = 1,
) -> Any:  # fmt: skip
    function = convolution_of(weight.ndim - 2, stride, padding, dilation, groups)
    return function and to.compose(function, x, weight, *(() if bias is None else (bias,)))


@row("convolution")
def convolution_in_core(
    to: Writer, x: Any, weight: Any, bias: Any, stride: Sequence[int], padding: Sequence[int],
    dilation: Sequence[int], transposed: bool, more: Sequence[int], groups: int,
) -> Any:  # fmt: skip
    return None if transposed else convolution(to, x, weight, bias, stride, padding, dilation, groups)


@row("convolution_backward")
def convolution_backward(
    to: Writer, g: Any, x: Any, weight: Any, bias_shape: Any, stride: Sequence[int], padding: Sequence[int],
    dilation: Sequence[int], transposed: bool, more: Sequence[int], groups: int, wanted: Sequence[bool],
) -> Any:  # fmt: skip
    function = convolution_of(weight.ndim - 2, stride, padding, dilation, groups)
    if transposed or function is None:
        return None
    others = (*range(g.ndim - weight.ndim + 1), *range(g.ndim - weight.ndim + 2, g.ndim))
    return [
        functools.partial(pull_back, function, 0, to, g, x, weight),
        functools.partial(pull_back, function, 1, to, g, x, weight),
        functools.partial(to.sum, g, axis=others),
    ]


# --- pooling ----------------------------------------------------------------------------------------------------------


def max_pool(
    ndim: int, to: Writer, x: Any, window: Sequence[int], stride: Sequence[int] = (), padding: Any = (0,),
    dilation: Any = (1,), rounds_up: bool = False,
) -> Any:  # fmt: skip
    step = along(ndim, stride or window)
    options = (along(ndim, window), step, along(ndim, padding), along(ndim, dilation))
    return None if rounds_up else to.compose(lambda x: ops.max_pool(x, *options), x)


def average_of(
    ndim: int, window: Sequence[int], stride: Sequence[int] = (), padding: Any = (0,), rounds_up: bool = False,
    counts_padding: bool = True, divisor: int | None = None,
) -> Function | None:  # fmt: skip
    """The function of x."""
    if rounds_up or divisor is not None:
        return None
    options = along(ndim, window), along(ndim, stride or window), along(ndim, padding)
    return lambda x: ops.average_pool(x, *options, count_include_pad=counts_padding)


def average_pool(ndim: int, to: Writer, x: Any, *options: Any) -> Any:
    function = average_of(ndim, *options)
    return function and to.compose(function, x)


def average_pool_backward(ndim: int, to: Writer, g: Any, x: Any, *options: Any) -> Any:
    function = average_of(ndim, *options)
    return function and pull_back(function, 0, to, g, x)


def adaptive_average_of(ndim: int, x: Any, sizes: Sequence[int]) -> Function | None:
    """The function of `x`, where all windows are equally large."""
    lengths, sizes = x.shape[-ndim:], along(ndim, sizes)
    if any(size < 1 or length % size for length, size in zip(lengths, sizes, strict=True)):
        return None
    return average_of(ndim, [length // size for length, size in zip(lengths, sizes, strict=True)])


def adaptive_average_pool(ndim: int, to: Writer, x: Any, sizes: Sequence[int]) -> Any:
    function = adaptive_average_of(ndim, x, sizes)
    return function and to.compose(function, x)


@row("_adaptive_avg_pool2d_backward")
def adaptive_average_pool_backward(to: Writer, g: Any, x: Any) -> Any:
    function = adaptive_average_of(2, x, g.shape[-2:])
    return function and pull_back(function, 0, to, g, x)


for ndim in (1, 2):
    ROWS[f"max_pool{ndim}d"] = functools.partial(max_pool, ndim)
    ROWS[f"avg_pool{ndim}d"] = functools.partial(average_pool, ndim)
    ROWS[f"adaptive_avg_pool{ndim}d"] = functools.partial(adaptive_average_pool, ndim)
ROWS["_adaptive_avg_pool2d"] = functools.partial(adaptive_average_pool, 2)
ROWS["avg_pool2d_backward"] = functools.partial(average_pool_backward, 2)


# --- linear algebra ---------------------------------------------------------------------------------------------------


@row("linalg_inv", "inverse")
def inv(to: Writer, a: Any) -> Any:
    return to.inv(a)


@row("linalg_solve")
def solve(to: Writer, a: Any, b: Any, *, left: bool = True) -> Any:
    """Where b has the shape of a batch of vectors it is one, for PyTorch; for NumPy vectors have one axis."""
    if not left:
        return None
    if b.ndim > 1 and b.shape == a.shape[:-1]:
        return to.squeeze(to.solve(a, to.expand_dims(b, axis=-1)), axis=-1)
    return to.solve(a, b)


@row("linalg_det")
def det(to: Writer, a: Any) -> Any:
    return to.det(a)


@row("linalg_slogdet")
def slogdet(to: Writer, a: Any) -> Any:
    return [lambda: to.det_sign(a), lambda: to.logabsdet(a)]


@row("logdet")
def logdet(to: Writer, a: Any) -> Any:
    """The logarithm of a negative number is none."""
    return to.add(to.logabsdet(a), to.log(to.det_sign(a)))


def mirror(to: Writer, a: Any, upper: bool) -> Any:
    """The symmetric matrix of which one triangle is given; PyTorch looks at no other."""
    triangle, rest = (to.triu(a), to.triu(a, k=1)) if upper else (to.tril(a), to.tril(a, k=-1))
    return to.add(triangle, to.swapaxes(rest, axis1=-1, axis2=-2))


@row("linalg_cholesky")
def cholesky(to: Writer, a: Any, *, upper: bool = False) -> Any:
    return to.cholesky(mirror(to, a, upper), upper=upper)


@row("linalg_eigvalsh")
def eigvalsh(to: Writer, a: Any, UPLO: str = "L") -> Any:  # noqa: N803  # PyTorch's name
    return to.eigenvalues(mirror(to, a, UPLO == "U"))
