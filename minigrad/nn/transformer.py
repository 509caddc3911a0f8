"""Transformer blocks, and the two stacks made of them: encoder and decoder."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np

from minigrad.nn.attention import MultiHeadAttention
from minigrad.nn.cache import KeyValueCache
from minigrad.nn.layers import Dropout, FeedForward, LayerNorm, RMSNorm, check_sizes
from minigrad.nn.module import Module

NORMALISATIONS: dict[str, Callable[[int, bool, Any], Module]] = {
    "layer": lambda width, bias, dtype: LayerNorm(width, dtype=dtype, bias=bias),
    "rms": lambda width, bias, dtype: RMSNorm(width, dtype=dtype),
}


class TransformerBlock(Module):
    """Self-attention, attention to a memory where wanted, and a feed-forward part, each with a residual connection.

    Args:
        width: length of the last axis; a multiple of `heads`.
        heads: of each attention.
        hidden: width of the hidden layer of the feed-forward part; 4 · width by default.
        norm: "pre" normalises what enters each part (Xiong et al., arXiv 2002.04745), "post" the sum after it
            (Vaswani et al., 2017).
        normalisation: "layer" or "rms".
        causal: a token may attend to itself and those before it.
        cross: a part between the two attends to a memory.
        dropout: rate of dropout on the result of each part; its draws come from the enclosing
            `with minigrad.generator(rng):`.
        activation: of the feed-forward part; one of `minigrad.nn.layers.ACTIVATIONS`.
        rng: draws the initial weights.
        bias: whether linear maps and layer normalisations have one.

    Raises:
        ValueError: another `norm`, `normalisation` or `activation`, and what `MultiHeadAttention` raises.

    >>> block = TransformerBlock(width=8, heads=2, rng=np.random.default_rng(0))
    >>> block(np.ones((3, 5, 8), np.float32)).shape
    (3, 5, 8)
    """

    def __init__(
        self, width: int, heads: int, hidden: int | None = None, *, rng: np.random.Generator,
        norm: Literal["pre", "post"] = "pre", normalisation: Literal["layer", "rms"] = "layer",
        causal: bool = False, cross: bool = False, dropout: float = 0.0, activation: str = "relu",
        dtype: Any = np.float32, bias: bool = True,
    ) -> None:  # fmt: skip
        if norm not in ("pre", "post"):
            raise ValueError(f'TransformerBlock: norm={norm!r}, expected "pre" or "post"')
        self.norm, self.causal = norm, causal
        self.attention_norm = new_norm(normalisation, width, bias, dtype)
        self.attention = MultiHeadAttention(width, heads, rng=rng, bias=bias, dtype=dtype)
        self.cross_norm = new_norm(normalisation, width, bias, dtype) if cross else None
        self.cross_attention = MultiHeadAttention(width, heads, rng=rng, bias=bias, dtype=dtype) if cross else None
        self.feed_forward_norm = new_norm(normalisation, width, bias, dtype)
        self.feed_forward = FeedForward(width, hidden or 4 * width, activation, rng=rng, dtype=dtype, bias=bias)
        self.dropout = Dropout(dropout)

    def forward(
        self, x: Any, memory: Any = None, *, mask: Any = None, key_mask: Any = None, memory_mask: Any = None,
        cache: KeyValueCache | None = None,
    ) -> Any:  # fmt: skip
        """`x` (…, tokens, width) after the block.

        Args:
            memory: (…, keys, width), what the cross-attention attends to.
            mask, key_mask: for the self-attention, as `MultiHeadAttention` takes them.
            memory_mask: booleans (…, keys), True for a token of the memory and False for padding.
            cache: of the tokens before those of `x`, for the self-attention of a causal block.

        Raises:
            ValueError: a memory for a block without cross-attention, or none for one with it, and what
                `MultiHeadAttention` raises.
        """
        if (memory is None) != (self.cross_attention is None):
            raise ValueError(
                "TransformerBlock: a memory needs a block made with cross=True, and such a block needs a memory"
            )
        x = self._residual(
            x, self.attention_norm,
            lambda y: self.attention(y, mask=mask, key_mask=key_mask, causal=self.causal, cache=cache),
        )  # fmt: skip
        attend, normalise = self.cross_attention, self.cross_norm
        if attend is not None and normalise is not None:
            x = self._residual(x, normalise, lambda y: attend(y, memory, key_mask=memory_mask))
        return self._residual(x, self.feed_forward_norm, self.feed_forward)

    def _residual(self, x: Any, normalise: Module, part: Callable[[Any], Any]) -> Any:
        if self.norm == "pre":
            return x + self.dropout(part(normalise(x)))
        return normalise(x + self.dropout(part(x)))


class Encoder(Module):
    """Blocks in which every token sees every other; after pre-norm blocks, a last normalisation.

    Args:
        layers: how many blocks there are.
        width, heads, hidden, options: those of `TransformerBlock`.

    Raises:
        ValueError: a number of layers that is not whole, at least 1, and what `TransformerBlock` raises.

    >>> encoder = Encoder(layers=2, width=8, heads=2, rng=np.random.default_rng(0))
    >>> encoder(np.ones((3, 5, 8), np.float32)).shape
    (3, 5, 8)
    """

    causal = False

    def __init__(
        self, layers: int, width: int, heads: int, hidden: int | None = None, *, rng: np.random.Generator,
        norm: Literal["pre", "post"] = "pre", normalisation: Literal["layer", "rms"] = "layer",
        dtype: Any = np.float32, bias: bool = True, **options: Any,
    ) -> None:  # fmt: skip
        check_sizes(type(self).__name__, layers=layers)
        self.blocks = [
            TransformerBlock(
                width, heads, hidden, rng=rng, norm=norm, normalisation=normalisation, causal=self.causal, dtype=dtype,
                bias=bias, **options,
            )
            for _ in range(layers)
        ]  # fmt: skip
        self.norm = new_norm(normalisation, width, bias, dtype) if norm == "pre" else None

    def forward(self, x: Any, memory: Any = None, **options: Any) -> Any:
        """`x` (…, tokens, width) after all blocks.

        Args:
            memory, options: the memory, masks and cache, as `TransformerBlock` takes them.
        """
        for block in self.blocks:
            x = block(x, memory, **options)
        return x if self.norm is None else self.norm(x)


class Decoder(Encoder):
    """Blocks in which a token sees itself and those before it; with `cross=True` they attend to a memory as well.

    Arguments and errors are those of `Encoder`.

    >>> rng = np.random.default_rng(0)
    >>> encoder = Encoder(layers=1, width=8, heads=2, rng=rng)
    >>> decoder = Decoder(layers=1, width=8, heads=2, rng=rng, cross=True)
    >>> source, target = np.ones((3, 7, 8), np.float32), np.ones((3, 5, 8), np.float32)
    >>> decoder(target, encoder(source)).shape
    (3, 5, 8)
    """

    causal = True


def new_norm(normalisation: str, width: int, bias: bool, dtype: Any) -> Module:
    if normalisation not in NORMALISATIONS:
        raise ValueError(f"normalisation={normalisation!r}, expected one of {', '.join(NORMALISATIONS)}")
    return NORMALISATIONS[normalisation](width, bias, dtype)
