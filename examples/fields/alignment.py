"""How far apart two sequences are that do not go at the same pace: sounds that are stretched, signs that are missing.

Called by `recognise_speech.py`: they measure what it writes, and make its baseline.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from rows import pad


def edit_distance(first: Sequence[object], second: Sequence[object]) -> int:
    """The fewest signs to put in, leave out or exchange that make one sequence the other.

    Source: V. I. Levenshtein, Binary codes capable of correcting deletions, insertions, and reversals, 1966.

    >>> edit_distance([3, 1, 4, 1], [3, 4, 1]), edit_distance("five", "nine"), edit_distance("", "six")
    (1, 2, 3)
    """
    previous = list(range(len(second) + 1))
    for row, sign in enumerate(first, start=1):
        costs = [row]
        for column, other in enumerate(second):
            costs.append(min(previous[column] + (sign != other), previous[column + 1] + 1, costs[column] + 1))
        previous = costs
    return previous[-1]


def share_right(written: Sequence[Sequence[object]], meant: Sequence[Sequence[object]]) -> float:
    """One minus the edits from what is written to what is meant, for each sign that is meant; below 0 for far too many.

    >>> share_right([[3, 1], [4, 1, 5]], [[3, 1, 4], [4, 1]])
    0.6
    """
    edits = sum(edit_distance(each, other) for each, other in zip(written, meant, strict=True))
    return 1 - edits / sum(map(len, meant))


def warped_distances(
    query: npt.NDArray[np.floating], references: Sequence[npt.NDArray[np.floating]]
) -> npt.NDArray[np.float64]:
    """How far `query` is from each reference, where both may be stretched: float64 of shape (references,).

    `query` has shape (length, features), each reference a length of its own. A way leads from the first frames of both
    to the last, a frame on in one of them or in both at each step; the distance is the sum of the Euclidean distances
    along the shortest one, divided by the sum of both lengths.

    Raises ValueError when a sequence is empty or has other features than the query.

    Source: H. Sakoe and S. Chiba, Dynamic programming algorithm optimization for spoken word recognition, 1978,
    https://doi.org/10.1109/TASSP.1978.1163055.

    >>> low, high = np.zeros((1, 2)), np.ones((1, 2))
    >>> slow = np.concatenate([low, low, low, high])
    >>> warped_distances(np.concatenate([low, high]), [slow, slow[::-1]]).round(3)
    array([0.   , 0.471])
    """
    if query.ndim != 2 or not all(each.ndim == 2 and each.shape[1] == query.shape[1] for each in references):
        shapes = sorted({each.shape for each in references})
        raise ValueError(f"warped_distances: all have shape (length, features), got {query.shape} and {shapes}")
    lengths = np.array([len(each) for each in references])
    if min(len(query), *lengths) == 0:
        raise ValueError("warped_distances: a sequence without frames is nowhere near another")
    padded, _ = pad(references)
    products = np.tensordot(query, padded, axes=(1, 2))  # (length, references, longest reference)
    squares = (query**2).sum(axis=-1)[:, None, None] + (padded**2).sum(axis=-1) - 2 * products
    steps = np.sqrt(np.maximum(squares, 0)).transpose(0, 2, 1)  # rounding may leave less than nothing
    costs = np.full((steps.shape[1] + 1, len(references)), np.inf)  # the first row stands before all references
    costs[0] = 0
    for step in steps:
        previous, costs = costs, np.full_like(costs, np.inf)
        for place, further in enumerate(step):
            costs[place + 1] = further + np.minimum(np.minimum(previous[place], previous[place + 1]), costs[place])
    distances: npt.NDArray[np.float64] = costs[lengths, np.arange(len(references))] / (len(query) + lengths)
    return distances


def warping_baseline(
    sounds: Sequence[npt.NDArray[np.floating]],
    labels: npt.ArrayLike,
    new_sounds: Sequence[npt.NDArray[np.floating]],
    new_labels: npt.ArrayLike,
) -> float:
    """The share of new sounds that have the label of the nearest known one, by `warped_distances`.

    >>> rise, fall = np.arange(6.0)[:, None], np.arange(6.0)[::-1, None]
    >>> warping_baseline([rise, fall], [0, 1], [rise[::2], fall[::2], rise[3:]], [0, 1, 1])
    0.6666666666666666
    """
    nearest = [warped_distances(sound, sounds).argmin() for sound in new_sounds]
    return float((np.asarray(labels)[nearest] == np.asarray(new_labels)).mean())
