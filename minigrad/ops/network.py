"""What networks are made of: softmax, embedding, dropout.

Composite ops have rules of their own, for speed and accuracy, and a definition in simpler ops, to be studied:
`graph.expand("softmax")`. Masks are True where something may be attended to, and act inside softmax.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from minigrad import ops
from minigrad.core.arrays import Shaped, shape_of
from minigrad.core.op import op
from minigrad.core.record import composition, registry
from minigrad.core.tensor import array_or_constant
from minigrad.ops.attention import check_mask
from minigrad.ops.extended import extended
from minigrad.ops.indexing import parse_index
from minigrad.ops.kernels import check_axes, check_axis, rows
from minigrad.ops.kernels.sums import Axis
from minigrad.ops.random import current_generator
from minigrad.ops.shape import inverse_permutation

__all__ = ["dropout", "embedding", "log_softmax", "one_hot", "softmax"]


def check_axis_and_mask(x: Any, where: Any, axis: Any) -> Any:
    """The axis; one that is not there is refused, and a mask that is no mask."""
    check_axis("axis", axis, max(np.ndim(x), 0 if where is None else where.ndim))
    check_mask("where", where)
    return axis


def shape_of_weights(x: Any, where: Any = None, *, axis: int) -> Shaped:
    """As `x`: these ops are not tried on zeros, since the scores of attention are the largest arrays of all."""
    check_mask("where", where)
    shape = np.broadcast_shapes(getattr(x, "shape", ()), () if where is None else where.shape)
    check_axis("axis", axis, len(shape))
    return Shaped(shape, np.result_type(getattr(x, "dtype", type(x)), np.float16))


def shift(x: Any, where: Any, axis: int) -> Any:
    """`x` less its largest element; −∞ where it is masked."""
    if where is not None:
        x = ops.where(where, x, -np.inf)
    largest = ops.stop_gradient(ops.max(x, axis=axis, keepdims=True))
    if where is not None:
        largest = ops.where(largest == -np.inf, 0.0, largest)
    return x - largest


def add_up(exponentials: Any, where: Any, axis: int) -> Any:
    """Their sum; 1 where everything is masked."""
    total = ops.sum(exponentials, axis=axis, keepdims=True)
    return total if where is None else ops.where(total == 0, 1.0, total)


def softmax_definition(x: Any, where: Any, *, axis: int) -> Any:
    exponentials = ops.exp(shift(x, where, axis))
    return exponentials / add_up(exponentials, where, axis)


def are_axes(axis: Axis) -> bool:
    """Whether it says several axes, or all."""
    return axis is None or isinstance(axis, (tuple, list))


def over_axes(name: str, x: Any, where: Any = None, axis: Axis = -1) -> Any:
    """The op of this name along several axes, or all: they are laid out as one, the last, and come back."""
    x = array_or_constant(x) if isinstance(x, (list, tuple)) else x
    shape = np.broadcast_shapes(shape_of(x), () if where is None else shape_of(where))
    axes = tuple(range(len(shape))) if axis is None else check_axes(f"{name}, axis", axis, len(shape))
    order = (*(i for i in range(len(shape)) if i not in axes), *axes)
    ordered = tuple(shape[i] for i in order)
    flat = (*ordered[: len(order) - len(axes)], math.prod(shape[i] for i in axes))

    def laid_out(values: Any) -> Any:
        return ops.reshape(ops.transpose(ops.broadcast_to(values, shape=shape), axes=order), shape=flat)

    result = registry[name](laid_out(x), None if where is None else laid_out(where))
    return ops.transpose(ops.reshape(result, shape=ordered), axes=inverse_permutation(order))


@extended(
    "axis", are_axes, functools.partial(over_axes, "softmax"),
    formula="yᵢ = exp(xᵢ) / Σⱼ exp(xⱼ)", definition=softmax_definition, infer=shape_of_weights,
)  # fmt: skip
def softmax(x: Any, where: Any = None, *, axis: Axis = -1) -> Any:
    """Positive weights that add up to 1 along `axis`, one or several, or all; 0 where the mask `where` is False.

    A row with nothing to attend to gives zeros, and zero gradients. Without a mask, a row of −∞ is 0/0: NaN.

    >>> softmax(Tensor([0.0, 1.0, 5.0]), where=[True, True, False]).numpy().round(4).tolist()
    [0.2689, 0.7311, 0.0]
    """
    return rows.softmax(x, where, check_axis_and_mask(x, where, axis))


softmax.vjp("x")(lambda g, y, x, where, *, axis: y * (g - ops.vecdot(g, y, axis=axis, keepdims=True)))


def log_softmax_definition(x: Any, where: Any, *, axis: int) -> Any:
    shifted = shift(x, where, axis)
    rest = ops.log(add_up(ops.exp(shifted), where, axis))
    if where is not None:
        rest = ops.where(where, rest, ops.stop_gradient(rest))  # no gradient comes from what is masked
    return shifted - rest


@extended(
    "axis", are_axes, functools.partial(over_axes, "log_softmax"),
    formula="yᵢ = xᵢ − log Σⱼ exp(xⱼ)", definition=log_softmax_definition, infer=shape_of_weights,
)  # fmt: skip
def log_softmax(x: Any, where: Any = None, *, axis: Axis = -1) -> Any:
    """The logarithm of softmax, computed without one; −∞ where the mask `where` is False.

    >>> log_softmax(Tensor([1e4, -1e4])).tolist()
    [0.0, -20000.0]
    """
    return rows.log_softmax(x, where, check_axis_and_mask(x, where, axis))


@log_softmax.vjp("x")
def _(g: Any, y: Any, x: Any, where: Any, *, axis: int) -> Any:
    if where is not None:
        g = ops.where(where, g, 0.0)
    return g - ops.exp(y) * ops.sum(g, axis=axis, keepdims=True)


# --- tokens -----------------------------------------------------------------------------------------------------------


@op(formula="the rows of weight at indices")
def embedding(weight: Any, indices: Any) -> Any:
    """One row of `weight` (count, width) for each index; indices outside 0 … count − 1 are refused.

    >>> embedding(Tensor([[1.0, 0.0], [0.0, 1.0]]), [1, 1]).tolist()
    [[0.0, 1.0], [0.0, 1.0]]
    """
    if weight.ndim != 2:
        raise ValueError(f"weight must be (count, width), got shape {weight.shape}")
    return np.take(weight, rows.check_classes("embedding", np.asarray(indices), weight.shape[0]), axis=0)


@embedding.vjp("weight")
def _(g: Any, y: Any, weight: Any, indices: Any) -> Any:
    static, arrays = parse_index(indices)
    return ops.scatter_add(g, *arrays, index=static, shape=weight.shape)


@op(formula="1 at the index, else 0", differentiable=False)
def one_hot(x: Any, *, classes: int, dtype: Any = "float32") -> Any:
    """A new last axis of length `classes`, 1 at the index and 0 elsewhere.

    >>> one_hot([1, 0], classes=2).tolist()
    [[0.0, 1.0], [1.0, 0.0]]
    """
    if classes < 1:
        raise ValueError(f"classes={classes} must be at least 1")
    return rows.one_hot(x, classes, dtype)


@composition(formula="x / (1 − rate) with probability 1 − rate, else 0")
def dropout(x: Any, rate: float, rng: np.random.Generator | None = None) -> Any:
    """Each element dropped with probability `rate`, the rest scaled up (Srivastava et al., 2014).

    Args:
        x: an array of any shape.
        rate: probability from 0 to 1.
        rng: the generator to draw from; by default that of the enclosing `with minigrad.generator(rng):`.

    Raises:
        ValueError: a rate outside 0 … 1.
        GraphError: no generator.

    >>> dropout(np.ones(4), 0.5, np.random.default_rng(0)).tolist()
    [2.0, 2.0, 2.0, 0.0]
    """
    if not 0 <= rate <= 1:
        raise ValueError(f"dropout: rate={rate} must be between 0 and 1")
    if rate == 0:
        return x
    draws = ops.random_uniform(shape=shape_of(x), dtype="float32", generator=current_generator(rng))
    return ops.where(draws >= rate, x * (1 / (1 - rate) if rate < 1 else 0.0), 0.0)
