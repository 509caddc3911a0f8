"""Which part of the data a batch takes: windows of a text, rows of a data set; and which rows are held out.

In come ids of a text, or numbers of examples; out go arrays with a row for each window, or rows to take.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator

import numpy as np
import numpy.typing as npt

from minigrad.core.arrays import real_array
from minigrad.data.arguments import check_generator, check_positive

Tokens = npt.NDArray[np.int64]

SORTED_TOGETHER = 8  # batches
HELD_OUT = 5  # one of so many


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


def row_batches(
    count: int, batch: int, rng: np.random.Generator, lengths: npt.ArrayLike | None = None
) -> Iterator[npt.NDArray[np.int64]]:
    """Endless batches of the rows of a data set: which of its `count` examples to take, int64 of shape (batch,).

    No example is in a batch twice, and all are drawn equally often. With `lengths`, one for each example, those of a
    batch are of similar length, so that padding has little to fill up: they are neighbours among eight times as many
    (fewer where there are not so many), sorted.

    As with `text_batches`, a batch is drawn when it is asked for and `rng` is all the iterator remembers.

    Raises TypeError when a size is not an integer or `rng` is not a generator, ValueError when a size is below 1,
    `batch` is larger than `count`, or `lengths` do not have shape (count,).

    >>> lengths, labels = [3, 1, 2, 4], np.array([0, 1, 1, 0])
    >>> rows = next(row_batches(4, batch=2, rng=np.random.default_rng(0), lengths=lengths))
    >>> rows, labels[rows]
    (array([1, 2]), array([1, 1]))
    """
    check_generator("row_batches", rng)
    check_positive("row_batches", count=count, batch=batch)
    if batch > count:
        raise ValueError(f"row_batches: batch must be at most count, the number of examples; got {batch} > {count}")
    sizes = None if lengths is None else np.asarray(lengths)
    if sizes is not None and sizes.shape != (count,):
        raise ValueError(f"row_batches: lengths must have shape (count,) = ({count},), got {sizes.shape}")
    drawn_at_once = 1 if sizes is None else min(SORTED_TOGETHER, count // batch)

    def batches() -> Iterator[npt.NDArray[np.int64]]:
        while True:
            rows = rng.choice(count, drawn_at_once * batch, replace=False)
            if sizes is not None:
                rows = rows[np.argsort(sizes[rows], kind="stable")]
                start = batch * rng.integers(drawn_at_once)
                rows = rows[start : start + batch]
            yield rows

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


def hold_out(labels: npt.ArrayLike) -> npt.NDArray[np.bool_]:
    """Which rows to measure on and never to learn from: every fifth of each class, booleans (count,).

    They are drawn by a generator of their own, and thus the same for every seed of a training. Of each class at least
    one is held out, where it has two, and at least one is left. For data without classes, all labels are the same.

    Args:
        labels: (count,), the class of each row.

    >>> hold_out(["cat", "dog", "cat", "dog", "cat"])
    array([False, False, False,  True,  True])
    """
    rng = np.random.default_rng(0)
    classes, numbers = np.unique(labels, return_inverse=True)
    held_out = np.zeros(len(numbers), dtype=np.bool_)
    for label in range(len(classes)):
        rows = rng.permutation(np.flatnonzero(numbers == label))
        held_out[rows[: min(len(rows) - 1, max(1, len(rows) // HELD_OUT))]] = True
    return held_out


def count_repeated(examples: Iterable[Hashable], held_out: npt.NDArray[np.bool_]) -> int:
    """How many of the examples that are held out also stand among the others.

    >>> count_repeated("abcab", np.array([True, True, True, False, False]))
    2
    """
    parts: tuple[list[Hashable], list[Hashable]] = [], []
    for example, is_held_out in zip(examples, held_out.tolist(), strict=True):
        parts[is_held_out].append(example)
    known = set(parts[False])
    return sum(example in known for example in parts[True])


def _check_ids(function: str, ids: npt.ArrayLike) -> Tokens:
    array = real_array(ids, what=f"{function}: ids: ")
    if array.ndim != 1:
        raise ValueError(f"{function}: ids must have shape (length,), got {array.shape}")
    if array.dtype.kind not in "iu" and array.size:
        raise TypeError(f"{function}: ids must be integers, as Vocabulary.encode gives them, got {array.dtype}")
    return array.astype(np.int64, copy=False)
