"""Normalisation of rows, over the last axis. Composite ops have rules of their own and a definition in simpler ops."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad import ops
from minigrad.core.arrays import Shaped, shape_of
from minigrad.core.op import op
from minigrad.core.record import composition
from minigrad.core.tensor import array_or_constant
from minigrad.ops.kernels import broadcasts_to, rows
from minigrad.ops.precision import rounded_once

__all__ = ["inverse_deviation", "layer_norm", "rms_norm", "standardize"]


def floating(x: Any) -> Any:
    """`x` itself, or integers and booleans as floats, since unsigned ones wrap around."""
    dtype = getattr(x, "dtype", None)
    return x if dtype is None or dtype.kind == "f" else ops.astype(x, np.result_type(dtype, np.float16))


def check_rows(prefix: str, x: Any, epsilon: float) -> None:
    if not x.shape or not x.shape[-1]:
        raise ValueError(f"{prefix}the last axis of {x.shape} cannot be normalised: expected at least one element")
    if not epsilon >= 0:
        raise ValueError(f"{prefix}epsilon={epsilon} must not be negative")


def shape_of_rows(x: Any, *, epsilon: float) -> Shaped:
    """As `x`, which is not tried on zeros: rows are many."""
    check_rows("", x, epsilon)
    return Shaped(x.shape, np.result_type(x.dtype, np.float16))


def centred_definition(x: Any) -> Any:
    return x - ops.mean(x, axis=-1, keepdims=True)


def inverse_deviation_definition(x: Any, *, epsilon: float) -> Any:
    return 1.0 / ops.sqrt(ops.mean(ops.square(centred_definition(x)), axis=-1, keepdims=True) + epsilon)


def standardize_definition(x: Any, *, epsilon: float) -> Any:
    return centred_definition(x) * inverse_deviation_definition(x, epsilon=epsilon)


@op(formula="(x − mean x) / √(var x + ε), over the last axis", definition=standardize_definition, infer=shape_of_rows)
def standardize(x: Any, *, epsilon: float = 1e-5) -> Any:
    """Each row of the last axis moved to mean 0 and scaled to variance 1.

    >>> standardize(Tensor([[1.0, 3.0]])).numpy().round(4).tolist()
    [[-1.0, 1.0]]
    """
    check_rows("", x, epsilon)
    return rows.standardize(x, epsilon)


@standardize.vjp("x")
def _(g: Any, y: Any, x: Any, *, epsilon: float) -> Any:
    if isinstance(g, np.ndarray):  # where nobody sees the steps, a call of an op for each takes longer than they
        return rows.pull_back_standardized(g, y, x, epsilon)
    along = ops.vecdot(g, y, keepdims=True) * (1.0 / x.shape[-1])
    return (g - ops.mean(g, axis=-1, keepdims=True) - y * along) * ops.inverse_deviation(x, epsilon=epsilon)


@op(formula="1 / √(var x + ε), over the last axis", definition=inverse_deviation_definition)
def inverse_deviation(x: Any, *, epsilon: float = 1e-5) -> Any:
    """What `standardize` multiplies the rows by, (…, 1).

    >>> inverse_deviation(Tensor([[1.0, 5.0]]), epsilon=0.0).tolist()
    [[0.5]]
    """
    check_rows("", x, epsilon)
    return rows.inverse_deviation(x, epsilon)


@inverse_deviation.vjp("x")
def _(g: Any, y: Any, x: Any, *, epsilon: float) -> Any:
    return ops.standardize(x, epsilon=epsilon) * (g * y * y * (-1.0 / x.shape[-1]))


@composition(formula="(x − mean x) / √(var x + ε) · gain + bias, over the last axis")
@rounded_once
def layer_norm(x: Any, gain: Any = None, bias: Any = None, epsilon: float = 1e-5) -> Any:
    """Layer normalisation over the last axis (Ba, Kiros and Hinton, arXiv 1607.06450).

    >>> layer_norm(Tensor([[1.0, 3.0]])).numpy().round(4).tolist()
    [[-1.0, 1.0]]
    """
    y = ops.standardize(x, epsilon=epsilon)
    if gain is not None:
        y = ops.multiply(y, beside_rows("layer_norm", "gain", gain, y))
    if bias is not None:
        y = ops.add(y, beside_rows("layer_norm", "bias", bias, y))
    return y


def beside_rows(function: str, name: str, value: Any, y: Any) -> Any:
    """A gain or bias that fits rows such as `y`, (width,) as a rule; a larger one would broadcast the rows."""
    shape = shape_of(value)
    if shape != y.shape[-1:] and not broadcasts_to(shape, y.shape):
        raise ValueError(f"{function}: {name} of shape {shape} does not fit rows {y.shape}: expected {y.shape[-1:]}")
    return value


@composition(formula="x / √(mean x² + ε) · gain, over the last axis")
@rounded_once
def rms_norm(x: Any, gain: Any = None, epsilon: float = 1e-6) -> Any:
    """Root-mean-square normalisation over the last axis (Zhang and Sennrich, arXiv 1910.07467).

    >>> rms_norm(Tensor([[3.0, 4.0]])).numpy().round(4).tolist()
    [[0.8485, 1.1314]]
    """
    x = floating(x if hasattr(x, "dtype") else array_or_constant(x))
    check_rows("rms_norm: ", x, epsilon)
    mean_square = ops.vecdot(x, x, keepdims=True) * (1.0 / x.shape[-1])
    y = x * (1.0 / ops.sqrt(mean_square + epsilon))
    return y if gain is None else ops.multiply(y, beside_rows("rms_norm", "gain", gain, y))
