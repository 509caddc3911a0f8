"""Multi-head attention, with its weights to look at, and pooling by it: one vector for a whole sequence."""

from __future__ import annotations

import weakref
from typing import Any

import numpy as np

from minigrad import ops
from minigrad.core.arrays import Array
from minigrad.core.modes import current_mode
from minigrad.core.storage import memory_of
from minigrad.core.tensor import Tensor, array_or_constant, constant
from minigrad.nn.cache import KeyValueCache
from minigrad.nn.layers import Dropout, Linear, check_sizes
from minigrad.nn.module import Module, new_parameter
from minigrad.ops.attention import attention_weights, check_block, context_by_blocks, give_name


class MultiHeadAttention(Module):
    """Several attentions side by side, each on its share of the width (Vaswani et al., 2017, section 3.2.2).

    Args:
        width: length of the last axis; a multiple of `heads`.
        heads: how many attentions there are.
        rng: draws the initial weights.
        bias: whether the linear maps have one.
        dropout: probability with which a weight is dropped while training.
        block: attend block by block, as `scaled_dot_product_attention` does, in memory that grows with the length and
            not with its square. Weights are then never there to look at, or to drop: `weights` is None.

    The children `query`, `key`, `value` and `output` are linear maps. In the graph, `scores`, `weights` and `context`
    of all heads stand in the scope of the module: `blocks/0/attention/weights`.

    Raises:
        ValueError: sizes that are not whole numbers, at least 1, or do not fit each other; dropout with `block`.

    >>> attention = MultiHeadAttention(width=8, heads=2, rng=np.random.default_rng(0))
    >>> attention(np.ones((3, 5, 8), np.float32), causal=True).shape
    (3, 5, 8)
    >>> attention.weights.shape, attention.weights[0, 0, 1].numpy().round(2).tolist()
    ((3, 2, 5, 5), [0.5, 0.5, 0.0, 0.0, 0.0])
    """

    def __init__(
        self, width: int, heads: int, *, rng: np.random.Generator, bias: bool = True, dropout: float = 0.0,
        dtype: Any = np.float32, block: int | None = None,
    ) -> None:  # fmt: skip
        check_sizes("MultiHeadAttention", width=width, heads=heads)
        if width % heads:
            raise ValueError(f"MultiHeadAttention: width={width} must be a multiple of heads={heads}")
        if block is not None:
            check_block("MultiHeadAttention: ", block)
            if dropout:
                raise ValueError(
                    f"MultiHeadAttention: dropout={dropout} drops weights, of which block={block} keeps none"
                )
        self.heads, self.block = heads, block
        maps = (Linear(width, width, bias, rng=rng, dtype=dtype) for _ in range(4))
        self.query, self.key, self.value, self.output = maps
        self.dropout = Dropout(dropout)
        self._node: weakref.ref[Tensor] | None = None
        self._values: Array | None = None

    def forward(
        self, x: Any, memory: Any = None, *, mask: Any = None, key_mask: Any = None, causal: bool = False,
        cache: KeyValueCache | None = None,
    ) -> Any:  # fmt: skip
        """Attention from the tokens of `x` to those of `memory`, or among themselves.

        Args:
            x: (…, queries, width).
            memory: (…, keys, width); `x` itself by default (self-attention).
            mask: booleans that broadcast to (…, queries, keys), or with an axis for the heads to (…, heads, queries,
                keys); True where a query may attend.
            key_mask: booleans (…, keys), True for a token and False for padding.
            causal: a query may attend to its own position and those before it.
            cache: keys and values of the tokens before those of `x`, to which these are added; the masks are for all
                keys then, in a cache of fixed size for all that it has room for. Only with `causal`, and without a
                memory.

        Returns:
            (…, queries, width). A query that may attend to nothing has context 0.

        Raises:
            TypeError: a mask that does not hold booleans.
            ValueError: a cache without `causal` or with a memory, and what `KeyValueCache.extend` raises.
        """
        if cache is not None and (memory is not None or not causal):
            raise ValueError(
                "MultiHeadAttention: a cache needs causal=True and no memory: only tokens that see nothing of what "
                "follows stay as they are"
            )
        memory = x if memory is None else memory
        query = ops.split_heads(self.query(x), heads=self.heads)
        key = ops.split_heads(self.key(memory), heads=self.heads)
        value = ops.split_heads(self.value(memory), heads=self.heads)
        mask = _join_masks(mask, key_mask, query.ndim)
        if cache is not None:
            key, value, visible = cache.extend(self, key, value)
            mask, causal = _combine_masks(mask, visible), False
        if self.block is None:
            weights = attention_weights(query, key, value, mask, causal=causal)
            self._keep_weights(weights)
            context = give_name(ops.matmul(self.dropout(weights), value), "context")
        else:
            context = context_by_blocks(query, key, value, mask, causal=causal, block=self.block)
        return self.output(ops.merge_heads(context))

    @property
    def weights(self) -> Tensor | None:
        """The weights of the last call, (…, heads, queries, keys); None before the first, and with `block`.

        As long as the graph of that call lives (somebody holds its loss), this is the node of the graph itself, and
        after `loss.backward(keep=True)` its `.grad` is there. Afterwards it is the values alone, since a module never
        keeps a graph alive. What is captured leaves no trace here.
        """
        node = None if self._node is None else self._node()
        if node is not None or self._values is None:
            return node
        return constant(self._values, name="weights")

    def _keep_weights(self, weights: Any) -> None:
        if current_mode().capture is None:
            vars(self).update(_node=weakref.ref(weights), _values=memory_of(weights))  # at every call, so at once

    def __getstate__(self) -> dict[str, Any]:
        return super().__getstate__() | {"_node": None, "_values": None}


class AttentionPooling(Module):
    """A trained query attends to all tokens; what it gets stands for the sequence (Lee et al., arXiv 1810.00825, 3.2).

    `pooling.attention.weights`, (…, heads, 1, tokens), say how much each token counts; `query` (1, width) is standard
    normal at first.

    Args:
        width, heads, rng, dropout: as `MultiHeadAttention` takes them.

    Raises:
        ValueError: what `MultiHeadAttention` raises.

    >>> pooling = AttentionPooling(width=8, heads=2, rng=np.random.default_rng(0))
    >>> pooling(np.ones((3, 5, 8), np.float32)).shape
    (3, 8)
    """

    def __init__(
        self, width: int, heads: int, *, rng: np.random.Generator, dropout: float = 0.0, dtype: Any = np.float32
    ) -> None:
        check_sizes("AttentionPooling", width=width, heads=heads)
        self.query = new_parameter(rng.standard_normal((1, width)), dtype, "query")
        self.attention = MultiHeadAttention(width, heads, rng=rng, dropout=dropout, dtype=dtype)

    def forward(self, x: Any, key_mask: Any = None) -> Any:
        """`x` (…, tokens, width) as (…, width).

        Args:
            key_mask: booleans (…, tokens), True for a token and False for padding.
        """
        query = ops.broadcast_to(self.query, (*x.shape[:-2], *self.query.shape))
        return ops.squeeze(self.attention(query, x, key_mask=key_mask), axis=-2)


def _join_masks(mask: Any, key_mask: Any, ndim: int) -> Any:
    """Both masks as one that broadcasts to the scores, (…, heads, queries, keys), or None."""
    mask, key_mask = _check_mask("mask", mask), _check_mask("key_mask", key_mask)
    if mask is not None and 2 <= mask.ndim < ndim:
        mask = ops.expand_dims(mask, axis=-3)
    return _combine_masks(mask, None if key_mask is None else ops.expand_dims(key_mask, axis=(-3, -2)))


def _combine_masks(mask: Any, other: Any) -> Any:
    """Where both allow it; None allows all."""
    return other if mask is None else mask if other is None else ops.logical_and(mask, other)


def _check_mask(name: str, mask: Any) -> Any:
    mask = mask if mask is None or isinstance(mask, Tensor) else array_or_constant(mask)
    if mask is not None and mask.dtype.kind != "b":
        raise TypeError(
            f"MultiHeadAttention: {name} holds {mask.dtype}, expected booleans: True where a query may attend"
        )
    return mask
