"""Windows of a text, drawn at random to learn from, or one after the other to measure on.

In come the ids that `Vocabulary.encode` gives, out go arrays of one shape with a row for each window.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from minigrad.core.arrays import real_array
from minigrad.data.arguments import check_generator, check_positive

Tokens = npt.NDArray[np.int64]


def text_batches(
    ids: npt.ArrayLike, batch: int, tokens: int, rng: np.random.Generator
) -> Iterator[tuple[Tokens, Tokens]]:
    """Endless batches of `(inputs, targets)`, windows drawn at random from a text; both int64 of shape (batch, tokens).

    `targets` are the ids that follow: `targets[:, :-1]` equals `inputs[:, 1:]`. A batch is drawn when it is asked for
    and `rng` is all the iterator remembers: whoever saves and restores the state of `rng`
    (`minigrad.io.generator_state`) continues with the very batches that would have followed.

    Args:
        ids: integers (length,), the text; longer than `tokens`.
        batch: how many windows a batch has.
        tokens: how long a window is.
        rng: draws where the windows begin.

    Raises:
        TypeError: `ids` or a size are not integers, or `rng` is not a generator.
        ValueError: a size below 1, or a text that is too short.

    >>> inputs, targets = next(text_batches(np.arange(100), batch=2, tokens=5, rng=np.random.default_rng(0)))
    >>> inputs
    array([[80, 81, 82, 83, 84],
           [60, 61, 62, 63, 64]])
    >>> targets
    array([[81, 82, 83, 84, 85],
           [61, 62, 63, 64, 65]])
    """
    check_generator("text_batches", rng)
    check_positive("text_batches", batch=batch, tokens=tokens)
    text = _check_ids("text_batches", ids)
    if len(text) <= tokens:
        raise ValueError(
            f"text_batches: a window needs tokens + 1 = {tokens + 1} ids, but ids has only {len(text)}; "
            "take fewer tokens or a longer text"
        )
    every_window = np.lib.stride_tricks.sliding_window_view(text, tokens + 1)

    def batches() -> Iterator[tuple[Tokens, Tokens]]:
        while True:
            rows = every_window[rng.integers(0, len(every_window), size=batch)]
            yield np.ascontiguousarray(rows[:, :-1]), np.ascontiguousarray(rows[:, 1:])

    return batches()


def windows(ids: npt.ArrayLike, tokens: int, batch: int = 64) -> list[tuple[Tokens, Tokens]]:
    """The windows of a text one after the other: a list of `(inputs, targets)`, int64 of shape (≤ batch, tokens).

    Every id of the text but the first is a target exactly once. What does not fill a window is a last pair of
    its own, shape (1, rest). The loss of the text is therefore the mean of the losses weighted by `targets.size`.
    All are views of one array.

    Args:
        ids: integers (length,), the text; at least two.
        tokens: how long a window is.
        batch: how many windows a pair has at most.

    Raises:
        TypeError: `ids` or a size are not integers.
        ValueError: a size below 1, or a text that is too short.

    >>> for inputs, targets in windows([10, 11, 12, 13, 14, 15, 16, 17], tokens=3, batch=2):
    ...     print(inputs.tolist(), targets.tolist())
    [[10, 11, 12], [13, 14, 15]] [[11, 12, 13], [14, 15, 16]]
    [[16]] [[17]]
    """
    check_positive("windows", tokens=tokens, batch=batch)
    text = _check_ids("windows", ids)
    if len(text) < 2:
        raise ValueError(f"windows: a text needs at least 2 ids, one to read and one to predict, got {len(text)}")
    inputs, targets = text[:-1], text[1:]
    whole = len(inputs) // tokens * tokens
    pairs = [
        (inputs[start:stop].reshape(-1, tokens), targets[start:stop].reshape(-1, tokens))
        for start in range(0, whole, batch * tokens)
        for stop in [min(start + batch * tokens, whole)]
    ]
    if whole < len(inputs):
        pairs.append((inputs[None, whole:], targets[None, whole:]))
    return pairs


def _check_ids(function: str, ids: npt.ArrayLike) -> Tokens:
    array = real_array(ids, what=f"{function}: ids: ")
    if array.ndim != 1:
        raise ValueError(f"{function}: ids must have shape (length,), got {array.shape}")
    if array.dtype.kind not in "iu" and array.size:
        raise TypeError(f"{function}: ids must be integers, as Vocabulary.encode gives them, got {array.dtype}")
    return array.astype(np.int64, copy=False)
