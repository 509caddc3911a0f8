"""Multi-head attention, with its weights to look at."""

from __future__ import annotations

import functools
import math
import weakref
from typing import Any

import numpy as np

from minigrad import ops
from minigrad.base.arrays import Array
from minigrad.core.modes import current_mode
from minigrad.core.tensor import Tensor, constant, read
from minigrad.nn.layers import Dropout, Linear, check_sizes
from minigrad.nn.module import Module


class MultiHeadAttention(Module):
    """Several attentions side by side, each on its share of the width (Vaswani et al., 2017, section 3.2.2).

    Args:
        width: length of the last axis; a multiple of `heads`.
        dropout: probability with which a weight is dropped while training.

    The children `query`, `key`, `value` and `output` are linear maps. In the graph, `scores`, `weights` and `context`
    of all heads stand in the scope of the module: `blocks/0/attention/weights`.

    >>> attention = MultiHeadAttention(width=8, heads=2, rng=np.random.default_rng(0))
    >>> attention(np.ones((3, 5, 8), np.float32), causal=True).shape
    (3, 5, 8)
    >>> attention.weights.shape, attention.weights[0, 0, 1].numpy().round(2).tolist()
    ((3, 2, 5, 5), [0.5, 0.5, 0.0, 0.0, 0.0])
    """

    def __init__(
        self, width: int, heads: int, *, rng: np.random.Generator, bias: bool = True, dropout: float = 0.0,
        dtype: Any = np.float32,
    ) -> None:  # fmt: skip
        check_sizes("MultiHeadAttention", width=width, heads=heads)
        if width % heads:
            raise ValueError(f"MultiHeadAttention: width={width} must be a multiple of heads={heads}")
        self.heads = heads
        self.query = Linear(width, width, bias, rng=rng, dtype=dtype)
        self.key = Linear(width, width, bias, rng=rng, dtype=dtype)
        self.value = Linear(width, width, bias, rng=rng, dtype=dtype)
        self.output = Linear(width, width, bias, rng=rng, dtype=dtype)
        self.dropout = Dropout(dropout)
        self._node: weakref.ref[Tensor] | None = None
        self._values: Array | None = None

    def forward(
        self, x: Any, memory: Any = None, *, mask: Any = None, key_mask: Any = None, causal: bool = False
    ) -> Any:
        """Attention from the tokens of `x` to those of `memory`, or among themselves.

        Args:
            x: (…, queries, width).
            memory: (…, keys, width); `x` itself by default (self-attention).
            mask: booleans that broadcast to (…, queries, keys), or with an axis for the heads to (…, heads, queries,
                keys); True where a query may attend.
            key_mask: booleans (…, keys), True for a token and False for padding.
            causal: a query may attend to its own position and those before it.

        Returns:
            (…, queries, width). A query that may attend to nothing has context 0.
        """
        memory = x if memory is None else memory
        query = self._split(self.query(x))
        key = self._split(self.key(memory))
        value = self._split(self.value(memory))
        scores = ops.matmul(query * (1 / math.sqrt(query.shape[-1])), ops.swapaxes(key, -1, -2))
        weights = ops.softmax(scores, where=_allowed(mask, key_mask, causal, scores))
        context = ops.matmul(self.dropout(weights), value)
        scores.name, weights.name, context.name = "scores", "weights", "context"
        self._keep(weights)
        return self.output(ops.reshape(ops.swapaxes(context, -2, -3), x.shape))

    def _split(self, x: Any) -> Any:
        """(…, tokens, width) → (…, heads, tokens, width / heads)"""
        return ops.swapaxes(ops.reshape(x, (*x.shape[:-1], self.heads, x.shape[-1] // self.heads)), -2, -3)

    @property
    def weights(self) -> Tensor | None:
        """The weights of the last call, (…, heads, queries, keys); None before the first.

        As long as the graph of that call lives (somebody holds its loss), this is the node of the graph itself, and
        after `loss.backward(keep=True)` its `.grad` is there. Afterwards it is the values alone, since a module never
        keeps a graph alive. What is captured leaves no trace here.
        """
        node = None if self._node is None else self._node()
        if node is not None or self._values is None:
            return node
        return constant(self._values, name="weights")

    def _keep(self, weights: Any) -> None:
        if current_mode().capture is None:
            self._node = weakref.ref(weights)
            self._values = read(weights)

    def __getstate__(self) -> dict[str, Any]:
        return vars(self) | {"_node": None, "_values": None}


def _allowed(mask: Any, key_mask: Any, causal: bool, scores: Any) -> Any:
    """Where a query may attend: all masks as one that broadcasts to the scores, (…, heads, queries, keys), or None."""
    mask, key_mask = _checked_mask("mask", mask), _checked_mask("key_mask", key_mask)
    masks = []
    if mask is not None:
        masks.append(ops.expand_dims(mask, -3) if 2 <= mask.ndim < scores.ndim else mask)
    if key_mask is not None:
        masks.append(ops.expand_dims(key_mask, (-3, -2)))
    if causal:
        masks.append(constant(np.tri(*scores.shape[-2:], dtype=bool), name="causal mask"))
    return functools.reduce(ops.logical_and, masks) if masks else None


def _checked_mask(name: str, mask: Any) -> Any:
    if mask is None:
        return None
    mask = mask if isinstance(mask, Tensor) else np.asarray(mask)
    if mask.dtype.kind != "b":
        raise TypeError(
            f"MultiHeadAttention: {name} holds {mask.dtype}, expected booleans: True where a query may attend"
        )
    return mask
