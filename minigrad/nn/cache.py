"""What attention remembers between calls, so that each new token of a sequence is computed alone.

In come the keys and values of new tokens, out go those of all tokens so far. `MultiHeadAttention` fills a cache,
`LanguageModel.generate` and scripts that write token by token make one per sequence.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from minigrad import ops

if TYPE_CHECKING:
    from minigrad.nn.attention import MultiHeadAttention


class KeyValueCache:
    """The keys and values of the tokens so far, for every self-attention that a call passes through.

    A causal token never changes when others follow, so its keys and values are computed once. A call with `cache=`
    takes the new tokens alone and returns what a call with all tokens returns for them, to rounding. The cache is for
    one sequence, or one batch of them, of one model with one set of weights; the next gets a cache of its own.

    >>> import numpy as np
    >>> from minigrad.nn import LanguageModel
    >>> model = LanguageModel(vocabulary=10, width=8, heads=2, layers=1, context=16, rng=np.random.default_rng(0))
    >>> cache = KeyValueCache()
    >>> first, second = model(np.array([1, 2]), cache=cache), model(np.array([3]), cache=cache)
    >>> cache.tokens, second.shape
    (3, (1, 10))
    >>> np.allclose(second.numpy(), model(np.array([1, 2, 3])).numpy()[2:], atol=1e-5)
    True
    """

    def __init__(self) -> None:
        self._entries: dict[MultiHeadAttention, tuple[Any, Any]] = {}

    @property
    def tokens(self) -> int:
        """How many tokens there are so far."""
        return next((int(key.shape[-2]) for key, _ in self._entries.values()), 0)

    def extended(self, attention: MultiHeadAttention, key: Any, value: Any) -> tuple[Any, Any]:
        """All keys and values of `attention`, (…, tokens, width): those so far, then the new ones, which are kept."""
        if attention in self._entries:
            keys, values = self._entries[attention]
            if keys.shape[:-2] != key.shape[:-2]:
                raise ValueError(
                    f"KeyValueCache: the tokens so far have keys {keys.shape}, the new ones {key.shape}: a cache is "
                    "for one batch of sequences; make another for the next"
                )
            key, value = ops.concatenate([keys, key], axis=-2), ops.concatenate([values, value], axis=-2)
        self._entries[attention] = key, value
        return key, value
