"""A model from tokens to logits: the one that the command line trains on text and on the toy tasks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt

from minigrad.core.arrays import real_array
from minigrad.core.modes import no_grad
from minigrad.nn.cache import KeyValueCache
from minigrad.nn.layers import Dropout, Embedding, Linear, check_sizes
from minigrad.nn.module import Module
from minigrad.nn.positions import SinusoidalPositions
from minigrad.nn.transformer import Decoder, Encoder


class LanguageModel(Module):
    """Embedding, positions, transformer blocks, and a linear map to one logit per token of the vocabulary.

    Args:
        vocabulary: how many tokens there are.
        width, heads, hidden: as `TransformerBlock` takes them.
        layers: how many blocks there are.
        context: how many tokens it is trained on at a time; `generate` looks back no further.
        causal: True to predict each token from those before it; False where every token may see every other, as in
            reversing or sorting.
        rng: draws the initial weights.
        dropout: rate, also on the embedding.
        options: those of `TransformerBlock`.

    Raises:
        ValueError: what the parts raise, for sizes that are not whole numbers, at least 1, or do not fit each other.

    >>> model = LanguageModel(vocabulary=10, width=8, heads=2, layers=1, context=16, rng=np.random.default_rng(0))
    >>> model(np.array([[1, 2, 3]])).shape
    (1, 3, 10)
    """

    def __init__(
        self, vocabulary: int, width: int, heads: int, layers: int, context: int, *, rng: np.random.Generator,
        hidden: int | None = None, causal: bool = True, dropout: float = 0.0, dtype: Any = np.float32, **options: Any,
    ) -> None:  # fmt: skip
        check_sizes("LanguageModel", context=context)
        self.context = context
        self.embedding = Embedding(vocabulary, width, rng, dtype=dtype)
        self.positions = SinusoidalPositions(width, dtype=dtype)
        self.dropout = Dropout(dropout)
        stack = Decoder if causal else Encoder
        self.transformer = stack(layers, width, heads, hidden, rng=rng, dropout=dropout, dtype=dtype, **options)
        self.readout = Linear(width, vocabulary, rng=rng, dtype=dtype)

    def forward(self, tokens: Any, cache: KeyValueCache | None = None, **masks: Any) -> Any:
        """Logits (…, tokens, vocabulary).

        Args:
            tokens: integers (…, tokens).
            cache: of the tokens before these.
            masks: as `TransformerBlock` takes them.
        """
        embedded = self.embedding(tokens)
        start = 0 if cache is None else cache.begin(embedded.shape[-2])
        x = self.dropout(self.positions(embedded, start=start))
        return self.readout(self.transformer(x, cache=cache, **masks))

    def generate(
        self, prompt: npt.ArrayLike, count: int, rng: np.random.Generator, temperature: float = 1.0,
        top_k: int | None = None, cached: bool = True,
    ) -> npt.NDArray[np.int64]:  # fmt: skip
        """Continue `prompt`, token by token, without dropout.

        Args:
            prompt: integers (…, tokens), at least one; of several prompts each goes on by itself.
            count: how many tokens to add.
            rng: draws them.
            temperature: below 1 likely tokens become likelier; 0 always takes the likeliest.
            top_k: draw among the likeliest so many only.
            cached: remember keys and values, so that each step computes one token, instead of all again. Beyond the
                context it is of no use: with each token the window moves on, and all places change.

        Returns:
            The prompt and what follows, (…, tokens + count).

        Raises:
            ValueError: a prompt that is not of integers or empty, a temperature below 0, a `top_k` below 1, and logits
                that are NaN or infinite, as those of a model whose training has diverged.

        >>> model = LanguageModel(vocabulary=5, width=8, heads=2, layers=1, context=16, rng=np.random.default_rng(0))
        >>> model.generate([1, 2], count=6, rng=np.random.default_rng(0), temperature=0).shape
        (8,)
        """
        with evaluating(self.modules()):
            added = [token[..., None] for token in self.stream(prompt, count, rng, temperature, top_k, cached)]
        return np.concatenate([real_array(prompt), *added], axis=-1).astype(np.int64)

    def stream(
        self, prompt: npt.ArrayLike, count: int, rng: np.random.Generator, temperature: float = 1.0,
        top_k: int | None = None, cached: bool = True,
    ) -> Iterator[npt.NDArray[np.int64]]:  # fmt: skip
        """The tokens that `generate` adds, integers (…), one after the other: each is drawn when it is asked for.

        >>> model = LanguageModel(vocabulary=5, width=8, heads=2, layers=1, context=16, rng=np.random.default_rng(0))
        >>> whole = model.generate([1, 2], count=6, rng=np.random.default_rng(0))
        >>> tokens = model.stream([1, 2], count=6, rng=np.random.default_rng(0))
        >>> int(next(tokens)) == whole[2].item(), [int(token) for token in tokens] == whole[3:].tolist()
        (True, True)
        """
        ids = real_array(prompt, what="LanguageModel: prompt: ")
        if not ids.ndim or not ids.size or ids.dtype.kind not in "iu":
            raise ValueError(
                f"LanguageModel: prompt must be integers (…, tokens), at least one; got {ids.dtype} {ids.shape}"
            )
        if not temperature >= 0:
            raise ValueError(f"LanguageModel: temperature={temperature} must be 0 or more")
        if top_k is not None and top_k < 1:
            raise ValueError(f"LanguageModel: top_k={top_k} must be at least 1")
        cache = KeyValueCache() if cached and self.transformer.causal else None
        parts = list(self.modules())

        def tokens(ids: npt.NDArray[Any]) -> Iterator[npt.NDArray[np.int64]]:
            for _ in range(count):
                last = self._read_last(ids, cache, parts)
                following = np.apply_along_axis(draw_token, -1, last, rng, temperature, top_k)
                yield following
                ids = np.concatenate([ids, following[..., None]], axis=-1)

        return tokens(ids)

    @no_grad()
    def _read_last(
        self, ids: npt.NDArray[Any], cache: KeyValueCache | None, parts: list[Module]
    ) -> npt.NDArray[np.float64]:
        """The logits (…, vocabulary) after the last token."""
        with evaluating(parts):
            if cache is None or ids.shape[-1] > self.context:
                logits = self(ids[..., -self.context :])
            else:
                logits = self(ids[..., cache.tokens :], cache=cache)
        last: npt.NDArray[np.float64] = logits.numpy()[..., -1, :].astype(np.float64)
        if not np.isfinite(last.max(axis=-1)).all():
            raise ValueError("LanguageModel: the largest logit is NaN or infinite: the training has diverged")
        return last


@contextmanager
def evaluating(modules: Iterable[Module]) -> Iterator[None]:
    """Within the block none of `modules` is in training; those that were are again after it."""
    training = [module for module in modules if module.training]
    for module in training:
        module.training = False
    try:
        yield
    finally:
        for module in training:
            module.training = True


def draw_token(logits: npt.NDArray[np.float64], rng: np.random.Generator, temperature: float, top_k: int | None) -> int:
    """One token, drawn from softmax(logits / temperature) over the `top_k` largest."""
    likeliest = np.argsort(-logits, kind="stable")[: 1 if temperature == 0 else top_k]
    with np.errstate(over="ignore"):  # of a temperature near 0
        cumulative = np.cumsum(np.exp((logits[likeliest] - logits[likeliest[0]]) / (temperature or 1.0)))
    return int(likeliest[np.searchsorted(cumulative, rng.random() * cumulative[-1], side="right")])
