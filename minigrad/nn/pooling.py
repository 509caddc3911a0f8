"""One vector for a whole sequence, by attention: for classifiers that read sequences of any length."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad import ops
from minigrad.nn.attention import MultiHeadAttention
from minigrad.nn.layers import check_sizes
from minigrad.nn.module import Module, new_parameter


class AttentionPooling(Module):
    """A trained query attends to all tokens; what it gets stands for the sequence (Lee et al., arXiv 1810.00825, 3.2).

    `pooling.attention.weights`, (…, heads, 1, tokens), say how much each token counts.

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
        """`x` (…, tokens, width) as (…, width); `key_mask` (…, tokens) is True for a token and False for padding."""
        query = ops.broadcast_to(self.query, (*x.shape[:-2], *self.query.shape))
        return ops.squeeze(self.attention(query, x, key_mask=key_mask), axis=-2)
