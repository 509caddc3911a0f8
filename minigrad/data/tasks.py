"""Toy tasks: sequences of random tokens, and what becomes of them.

Each task takes a generator and sizes and returns `(tokens, targets)`, both int64 of shape (batch, length); a new call
draws new sequences. Attention shows how a task is solved: the weights of a reversal lie on the anti-diagonal.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from minigrad.data.arguments import check_generator, check_positive

Tokens = npt.NDArray[np.int64]
Task = Callable[[np.random.Generator, int, int, int], tuple[Tokens, Tokens]]


def reversal(rng: np.random.Generator, batch: int, length: int, vocabulary_size: int) -> tuple[Tokens, Tokens]:
    """Random tokens, and the same tokens from last to first.

    Args:
        rng: draws the tokens.
        batch: how many sequences there are.
        length: how many tokens each has.
        vocabulary_size: tokens are in [0, vocabulary_size).

    Returns:
        Tokens and targets, int64 (batch, length) each.

    Raises:
        TypeError: `rng` is not a generator, or a size is not an integer.
        ValueError: a size below 1.

    >>> tokens, targets = reversal(np.random.default_rng(0), batch=2, length=4, vocabulary_size=10)
    >>> tokens
    array([[8, 6, 5, 2],
           [3, 0, 0, 0]])
    >>> targets
    array([[2, 5, 6, 8],
           [0, 0, 0, 3]])
    """
    tokens = _draw_tokens("reversal", rng, batch, length, vocabulary_size)
    return tokens, np.ascontiguousarray(tokens[:, ::-1])


def copy(rng: np.random.Generator, batch: int, length: int, vocabulary_size: int) -> tuple[Tokens, Tokens]:
    """Random tokens, and the same tokens again; arguments, results and errors as of `reversal`.

    >>> tokens, targets = copy(np.random.default_rng(0), batch=1, length=4, vocabulary_size=10)
    >>> tokens, targets
    (array([[8, 6, 5, 2]]), array([[8, 6, 5, 2]]))
    """
    tokens = _draw_tokens("copy", rng, batch, length, vocabulary_size)
    return tokens, tokens.copy()


def sort(rng: np.random.Generator, batch: int, length: int, vocabulary_size: int) -> tuple[Tokens, Tokens]:
    """Random tokens, and the same tokens in ascending order; arguments, results and errors as of `reversal`.

    >>> tokens, targets = sort(np.random.default_rng(0), batch=1, length=4, vocabulary_size=10)
    >>> tokens, targets
    (array([[8, 6, 5, 2]]), array([[2, 5, 6, 8]]))
    """
    tokens = _draw_tokens("sort", rng, batch, length, vocabulary_size)
    return tokens, np.sort(tokens, axis=1)


TASKS: dict[str, Task] = {"reverse": reversal, "copy": copy, "sort": sort}
"""The tasks by the name that the command line knows them under."""


def _draw_tokens(
    function: str, rng: np.random.Generator, batch: int, length: int, vocabulary_size: int
) -> npt.NDArray[np.int64]:
    check_generator(function, rng)
    check_positive(function, batch=batch, length=length, vocabulary_size=vocabulary_size)
    return rng.integers(0, vocabulary_size, size=(batch, length), dtype=np.int64)
