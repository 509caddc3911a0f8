"""Scaled dot-product attention, as named nodes that everybody can find in the graph."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minigrad import ops
from minigrad.core.arrays import shape_of
from minigrad.core.modes import scope
from minigrad.core.op import op
from minigrad.core.record import composition
from minigrad.core.storage import widen_operand
from minigrad.core.tensor import Tensor, array_or_constant, constant
from minigrad.ops.kernels import HALF, broadcasts_to
from minigrad.ops.precision import rounded_once

__all__ = ["merge_heads", "scaled_dot_product_attention", "split_heads"]

HERE = "scaled_dot_product_attention: "  # how messages begin


@composition(formula="softmax(q kᵀ · scale + bias) v")
@rounded_once
def scaled_dot_product_attention(
    query: Any, key: Any, value: Any, mask: Any = None, bias: Any = None, causal: bool = False,
    scale: float | None = None, block: int | None = None,
) -> Any:  # fmt: skip
    """Each query's average of the values, weighted by how well it matches the keys (Vaswani et al., 2017, eq. 1).

    Args:
        query: (…, queries, width).
        key: (…, keys, width).
        value: (…, keys, value width).
        mask: booleans that broadcast to (…, queries, keys), True where a query may attend.
        bias: numbers added to the scores, same shape.
        causal: a query may attend to its own position and those before it.
        scale: factor of the scores; 1 / √width by default.
        block: how many queries meet how many keys at a time; 512 is fast. Then neither scores nor weights are kept, and
            are computed again for the gradient: memory grows with the length and not with its square (Dao et al., arXiv
            2205.14135). The gradient of a bias, and second derivatives, do need all scores at once.

    Returns:
        The context, (…, queries, value width). The graph has `attention/scores`, `…/weights` and `…/context`; with
        `block`, `attention/tokens` (scaled queries, keys and values) and `…/context`.

    Raises:
        TypeError: a mask that is not boolean.
        ValueError: shapes that do not fit, named.

    >>> keys = Tensor([[1.0, 0.0], [0.0, 1.0], [-1.0, -1.0]])
    >>> scaled_dot_product_attention(Tensor([[1.0, 0.0]]), keys, keys, scale=1.0).numpy().round(4).tolist()
    [[0.5752, 0.1547]]
    """
    query, key, value = (x if isinstance(x, Tensor) else array_or_constant(x) for x in (query, key, value))
    with scope("attention"):
        if block is not None:
            return context_by_blocks(query, key, value, mask, bias, causal, scale, block)
        weights = attention_weights(query, key, value, mask, bias, causal, scale)
        return give_name(ops.matmul(weights, value), "context")


def attention_weights(
    query: Any, key: Any, value: Any, mask: Any = None, bias: Any = None, causal: bool = False,
    scale: float | None = None,
) -> Any:  # fmt: skip
    """The nodes `scores` and `weights` in the scope in force; for modules, whose scope is their own name."""
    check_shapes(query, key, value, scale)
    mask = read_mask(mask)
    scaled = widen_operand(query) * scale_of(query, scale)  # sums of products overflow float16 early
    scores = give_name(ops.matmul(scaled, ops.swapaxes(key, axis1=-1, axis2=-2)), "scores")
    check_beside(HERE, scores.shape, mask, bias)
    if bias is not None:
        scores = give_name(ops.add(scores, bias), "biased scores")
    if causal:
        mask = causal_mask(query.shape[-2], key.shape[-2], mask, isinstance(scores, Tensor))
    weights = ops.softmax(scores, mask)
    if query.dtype.char == key.dtype.char == "e":
        weights = ops.astype(weights, HALF)
    return give_name(weights, "weights")


def context_by_blocks(
    query: Any, key: Any, value: Any, mask: Any = None, bias: Any = None, causal: bool = False,
    scale: float | None = None, block: int = 512,
) -> Any:  # fmt: skip
    """The nodes `tokens` and `context`, in the scope in force: attention without weights to look at."""
    check_shapes(query, key, value, scale)
    check_block(HERE, block)
    lead = common_lead(query, key, value)
    mask = read_mask(mask)
    check_beside(HERE, (*lead, query.shape[-2], key.shape[-2]), mask, bias)
    width = max(query.shape[-1], value.shape[-1])
    alike = [extend_to(x, (*lead, x.shape[-2], width)) for x in (query * scale_of(query, scale), key, value)]
    tokens = give_name(ops.concatenate(*alike, axis=-2), "tokens")
    context = ops.blockwise_attention(tokens, mask, bias, queries=query.shape[-2], block=block, causal=causal)
    if value.shape[-1] < width:
        context = ops.index(context, (..., slice(0, value.shape[-1])))
    return give_name(context, "context")


def common_lead(query: Any, key: Any, value: Any) -> tuple[int, ...]:
    """The leading axes that the three broadcast to."""
    leads = [(name, x.shape[:-2]) for name, x in (("query", query), ("key", key), ("value", value))]
    try:
        return np.broadcast_shapes(*(lead for _, lead in leads))
    except ValueError:
        listed = ", ".join(f"{name} {lead}" for name, lead in leads)
        raise ValueError(f"{HERE}leading axes do not broadcast: {listed}") from None


def extend_to(x: Any, shape: tuple[int, ...]) -> Any:
    """`x` with zeros behind its rows, which change no product, and repeated along leading axes that it lacks."""
    missing = shape[-1] - x.shape[-1]
    if missing:
        x = ops.pad(x, pad_width=((0, 0),) * (x.ndim - 1) + ((0, missing),))
    return x if x.shape == shape else ops.broadcast_to(x, shape=shape)


def scale_of(query: Any, scale: float | None) -> float:
    return 1 / math.sqrt(query.shape[-1]) if scale is None else scale


def read_mask(mask: Any) -> Any:
    """A mask as a Tensor or an array of booleans."""
    return check_mask("mask", mask if mask is None or isinstance(mask, Tensor) else array_or_constant(mask))


def check_mask(name: str, mask: Any) -> Any:
    """A mask is booleans; a float mask is usually an additive one."""
    if mask is not None and mask.dtype.kind != "b":
        raise TypeError(
            f"{name}: expected booleans (True = may attend), got {mask.dtype}; values to add to the scores go to bias="
        )
    return mask


def check_block(prefix: str, block: Any) -> None:
    expected = "expected an integer, at least 1: how many queries meet how many keys at a time"
    if isinstance(block, bool) or not isinstance(block, (int, np.integer)):
        raise TypeError(f"{prefix}block={block!r}: {expected}")
    if block < 1:
        raise ValueError(f"{prefix}block={block}: {expected}")


def check_beside(prefix: str, scores: tuple[int, ...], mask: Any, bias: Any) -> None:
    """A mask and a bias are as large as the scores, or broadcast to them."""
    for name, beside in (("mask", mask), ("bias", bias)):
        if beside is not None and not broadcasts_to(shape_of(beside), scores):
            raise ValueError(f"{prefix}{name} of shape {shape_of(beside)} does not broadcast to the scores {scores}, "
                             "(…, queries, keys)")  # fmt: skip


def give_name(value: Any, name: str) -> Any:
    """`value`, with a name for listings where it is a Tensor."""
    if isinstance(value, Tensor):
        value.name = name
    return value


def causal_mask(queries: int, keys: int, mask: Any, as_tensor: bool) -> Any:
    """True where the key is not after the query, and where `mask` allows it."""
    causal: Any = np.tri(queries, keys, dtype=bool)
    if as_tensor:
        causal = constant(causal, name="causal mask")
    return causal if mask is None else ops.logical_and(mask, causal)


def split_definition(x: Any, *, heads: int) -> Any:
    return ops.swapaxes(ops.reshape(x, shape=head_shape(x, heads)), axis1=-2, axis2=-3)


def merge_definition(x: Any) -> Any:
    return ops.reshape(ops.swapaxes(x, axis1=-2, axis2=-3), shape=merged_shape(x))


@op(formula="(…, tokens, width) as (…, heads, tokens, width / heads)", view=True, definition=split_definition)
def split_heads(x: Any, *, heads: int) -> Any:
    """The width shared out among heads, which become an axis before the tokens.

    >>> split_heads(Tensor([[1.0, 2.0, 3.0, 4.0]]), heads=2).tolist()
    [[[1.0, 2.0]], [[3.0, 4.0]]]
    """
    return x.reshape(head_shape(x, heads)).swapaxes(-2, -3)


@op(formula="(…, heads, tokens, width) as (…, tokens, heads · width)", view=True, definition=merge_definition)
def merge_heads(x: Any) -> Any:
    """The heads side by side again: undoes `split_heads`.

    >>> merge_heads(Tensor([[[1.0, 2.0]], [[3.0, 4.0]]])).tolist()
    [[1.0, 2.0, 3.0, 4.0]]
    """
    shape = merged_shape(x)
    return x.swapaxes(-2, -3).reshape(shape)


split_heads.vjp("x")(lambda g, y, x, *, heads: ops.merge_heads(g))
merge_heads.vjp("x")(lambda g, y, x: ops.split_heads(g, heads=x.shape[-3]))


def head_shape(x: Any, heads: int) -> tuple[int, ...]:
    width = x.shape[-1] if x.ndim else 0
    if x.ndim < 2 or heads < 1 or width % heads:
        raise ValueError(f"a width of {width} in {x.shape} cannot be shared among {heads} heads, (…, tokens, width)")
    return (*x.shape[:-1], heads, width // heads)


def merged_shape(x: Any) -> tuple[int, ...]:
    if x.ndim < 3:
        raise ValueError(f"expected (…, heads, tokens, width), got {x.shape}")
    return (*x.shape[:-3], x.shape[-2], x.shape[-3] * x.shape[-1])


def check_shapes(query: Any, key: Any, value: Any, scale: float | None) -> None:
    problem = (
        "need at least two axes, (…, tokens, width)" if min(query.ndim, key.ndim, value.ndim) < 2
        else "query and key differ in width" if query.shape[-1] != key.shape[-1]
        else "key and value differ in length" if key.shape[-2] != value.shape[-2]
        else "a width of 0 has no 1 / √width: pass scale=" if not query.shape[-1] and scale is None
        else ""
    )  # fmt: skip
    if problem:
        raise ValueError(f"{HERE}{problem}: query {query.shape}, key {key.shape}, value {value.shape}")
