"""Attention block by block, in memory that grows with the length and not with its square.

Queries, keys and values enter as one array, one below the other, because an op returns one array: so one pass over the
scores gives the gradients of all three. `scaled_dot_product_attention(…, block=N)` puts the three together.

The gradient is an op too. Its own gradients are written in plain ops, and so are those of any higher order.
"""

from __future__ import annotations

import itertools
from typing import Any, NamedTuple

from minigrad import ops
from minigrad.core.arrays import Shaped
from minigrad.core.op import op
from minigrad.core.tensor import Tensor
from minigrad.ops.attention import causal_mask, check_beside, check_block, check_mask
from minigrad.ops.kernels import blocks as kernels

__all__ = ["blockwise_attention", "blockwise_attention_gradient"]


def parts(tokens: Any, queries: int) -> tuple[Any, Any, Any]:
    """Queries, keys and values."""
    keys = (tokens.shape[-2] - queries) // 2
    ends = 0, queries, queries + keys, queries + 2 * keys
    query, key, value = (ops.index(tokens, (..., slice(*pair), slice(None))) for pair in itertools.pairwise(ends))
    return query, key, value


def products(x1: Any, x2: Any) -> Any:
    """Of each row of `x1` with each row of `x2`."""
    return ops.matmul(x1, transpose_matrices(x2))


def transpose_matrices(x: Any) -> Any:
    return ops.swapaxes(x, axis1=-1, axis2=-2)


def below(query: Any, key: Any, value: Any) -> Any:
    return ops.concatenate(query, key, value, axis=-2)


# --- the same in plain ops --------------------------------------------------------------------------------------------


def weights_of(tokens: Any, mask: Any, bias: Any, queries: int, causal: bool) -> Any:
    query, key, _ = parts(tokens, queries)
    scores = products(query, key) if bias is None else products(query, key) + bias
    if causal:
        mask = causal_mask(query.shape[-2], key.shape[-2], mask, isinstance(scores, Tensor))
    return ops.softmax(scores, where=mask)


def attention_definition(tokens: Any, mask: Any, bias: Any, *, queries: int, block: int, causal: bool) -> Any:
    return ops.matmul(weights_of(tokens, mask, bias, queries, causal), parts(tokens, queries)[2])


def centre(pull: Any, weights: Any) -> Any:
    """What pulls on the weights less its mean over the row: times the weight, it pulls on the score."""
    return pull - ops.vecdot(pull, weights, keepdims=True)


def gradient_definition(g: Any, tokens: Any, mask: Any, bias: Any, *, queries: int, block: int, causal: bool) -> Any:
    query, key, value = parts(tokens, queries)
    weights = weights_of(tokens, mask, bias, queries, causal)
    to_scores = ops.multiply(weights, centre(products(g, value), weights))
    return below(
        ops.matmul(to_scores, key),
        ops.matmul(transpose_matrices(to_scores), query),
        ops.matmul(transpose_matrices(weights), g),
    )


# --- declarations -----------------------------------------------------------------------------------------------------


def check_sizes(tokens: Any, mask: Any, bias: Any, queries: int, block: int, g: Any = None) -> kernels.Sizes:
    """The sizes of a call, which may be one on shapes; what does not fit is named."""
    check_block("", block)
    if len(tokens.shape) < 2:
        raise ValueError(f"tokens of shape {tokens.shape}: expected (…, queries + 2 · keys, width)")
    *lead, length, width = tokens.shape
    if type(queries) is not int or not 0 <= queries <= length or (length - queries) % 2:
        raise ValueError(
            f"tokens of shape {tokens.shape} with queries={queries}: the other {length - queries} rows are to be keys "
            "and as many values"
        )
    check_mask("mask", mask)
    keys = (length - queries) // 2
    check_beside("", (*lead, queries, keys), mask, bias)
    if g is not None and g.shape != (*lead, queries, width):
        raise ValueError(f"g of shape {g.shape}: expected that of the context, {(*lead, queries, width)}")
    return kernels.measure_sizes(tokens, queries, bias, g)


def context_shape(tokens: Any, mask: Any, bias: Any, *, queries: int, block: int, causal: bool) -> Shaped:
    of = check_sizes(tokens, mask, bias, queries, block)
    return Shaped((*of.lead, of.queries, of.width), of.dtype)


def gradient_shape(g: Any, tokens: Any, mask: Any, bias: Any, *, queries: int, block: int, causal: bool) -> Shaped:
    of = check_sizes(tokens, mask, bias, queries, block, g)
    return Shaped(tokens.shape, of.dtype)


@op(formula="softmax(q kᵀ + bias) v, block by block", definition=attention_definition, infer=context_shape)
def blockwise_attention(
    tokens: Any, mask: Any = None, bias: Any = None, *, queries: int, block: int, causal: bool = False
) -> Any:
    """Attention of which no more than the scores of `block` queries are there at a time, in the backward pass too.

    Args:
        tokens: the scaled queries, the keys and the values, one below the other: (…, queries + 2 · keys, width).
        mask: booleans that broadcast to (…, queries, keys), True where a query may attend.
        bias: numbers added to the scores, same shape. Its gradient, as second derivatives, needs all scores at once.
        queries: how many of the tokens are queries.
        block: how many queries meet how many keys at a time.
        causal: a query may attend to its own position and those before it; blocks behind it are left out.

    Returns:
        The context, (…, queries, width).

    >>> blockwise_attention(Tensor([[1.0], [0.0], [0.0], [2.0], [4.0]]), queries=1, block=1).tolist()
    [[3.0]]
    """
    check_sizes(tokens, mask, bias, queries, block)
    return kernels.blockwise_attention(tokens, mask, bias, queries, block, causal)


@op(formula="what flows back from g to tokens, block by block", definition=gradient_definition, infer=gradient_shape)
def blockwise_attention_gradient(
    g: Any, tokens: Any, mask: Any = None, bias: Any = None, *, queries: int, block: int, causal: bool = False
) -> Any:
    """The gradient of `blockwise_attention` for its tokens, from the cotangent `g` of its result.

    >>> tokens = Tensor([[1.0], [0.0], [0.0], [2.0], [4.0]])
    >>> blockwise_attention_gradient([[1.0]], tokens, queries=1, block=1).tolist()
    [[0.0], [-0.5], [0.5], [0.5], [0.5]]
    """
    check_sizes(tokens, mask, bias, queries, block, g)
    return kernels.blockwise_attention_gradient(g, tokens, mask, bias, queries, block, causal)


blockwise_attention_gradient.strong = gradient_definition

# --- gradients --------------------------------------------------------------------------------------------------------


@blockwise_attention.vjp("tokens")
def _(g: Any, y: Any, tokens: Any, mask: Any, bias: Any, **params: Any) -> Any:
    return ops.blockwise_attention_gradient(g, tokens, mask, bias, **params)


@blockwise_attention.vjp("bias")
def _(g: Any, y: Any, tokens: Any, mask: Any, bias: Any, *, queries: int, block: int, causal: bool) -> Any:
    weights = weights_of(tokens, mask, bias, queries, causal)
    return weights * centre(products(g, parts(tokens, queries)[2]), weights)


class Flow(NamedTuple):
    """What the gradients of the gradient share: the gradient is made of `weights * centre(pull, weights)`, for scores.

    `h_…` is what flows back to the gradient of ….
    """

    query: Any
    key: Any
    value: Any
    weights: Any
    pull: Any
    h_query: Any
    h_key: Any
    h_value: Any
    h_scores: Any

    @property
    def to_pull(self) -> Any:
        return self.weights * centre(self.h_scores, self.weights)

    def to_scores(self, g: Any) -> Any:
        """What flows back to the scores, through the weights."""
        along = ops.vecdot(self.h_scores, self.weights, keepdims=True)
        to_weights = self.h_scores * centre(self.pull, self.weights) - along * self.pull + products(g, self.h_value)
        return self.weights * centre(to_weights, self.weights)


def flow(h: Any, g: Any, tokens: Any, mask: Any, bias: Any, *, queries: int, block: int, causal: bool) -> Flow:
    query, key, value = parts(tokens, queries)
    h_query, h_key, h_value = parts(h, queries)
    h_scores = products(h_query, key) + products(query, h_key)
    weights = weights_of(tokens, mask, bias, queries, causal)
    return Flow(query, key, value, weights, products(g, value), h_query, h_key, h_value, h_scores)


@blockwise_attention_gradient.vjp("g")
def _(h: Any, y: Any, g: Any, *inputs: Any, **params: Any) -> Any:
    f = flow(h, g, *inputs, **params)
    return ops.matmul(f.weights, f.h_value) + ops.matmul(f.to_pull, f.value)


@blockwise_attention_gradient.vjp("tokens")
def _(h: Any, y: Any, g: Any, *inputs: Any, **params: Any) -> Any:
    f = flow(h, g, *inputs, **params)
    first, second = f.weights * centre(f.pull, f.weights), f.to_scores(g)
    return below(
        ops.matmul(first, f.h_key) + ops.matmul(second, f.key),
        ops.matmul(transpose_matrices(first), f.h_query) + ops.matmul(transpose_matrices(second), f.query),
        ops.matmul(transpose_matrices(f.to_pull), g),
    )


blockwise_attention_gradient.vjp("bias")(lambda h, y, g, *inputs, **params: flow(h, g, *inputs, **params).to_scores(g))
