"""What fixed places achieve at translating: each character of the result is looked up by one character of the source.

In come pairs of texts, out goes the share of new sources that are translated without a mistake, to stand beside that of
a model which finds its places by attention. Called by `translate_dates.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Codes = npt.NDArray[Any]


def fixed_places_baseline(
    sources: Sequence[str], targets: Sequence[str], new_sources: Sequence[str], new_targets: Sequence[str]
) -> float:
    """The share of new texts that fixed places translate without a mistake.

    For each length of the source and each place of the target, a table says which character of the target goes with
    which character at one place of the source: the most frequent one, at the place that leaves the fewest mistakes in
    `sources` and `targets`. A source of a length that was never seen is wrong.

    Raises ValueError when there are not as many targets as sources, or no new ones.

    >>> sources, targets = ["1 May", "2 May", "1 July"], ["May 1", "May 2", "July 1"]
    >>> fixed_places_baseline(sources, targets, ["2 May", "2 July"], ["May 2", "July 2"])
    0.5
    """
    if len(sources) != len(targets) or len(new_sources) != len(new_targets) or not new_sources:
        raise ValueError(
            f"fixed_places_baseline: needs a target for each source and at least one new source, got {len(sources)} "
            f"sources, {len(targets)} targets, {len(new_sources)} new sources and {len(new_targets)} new targets"
        )
    width = max(map(len, [*targets, *new_targets]))
    right = 0
    for length in {len(source) for source in new_sources} & {len(source) for source in sources}:
        source, target = _codes(sources, targets, length, width)
        new_source, new_target = _codes(new_sources, new_targets, length, width)
        found = [_looked_up(source, target[:, place], new_source) for place in range(width)]
        right += int((np.stack(found, axis=1) == new_target).all(axis=1).sum())
    return right / len(new_sources)


def _codes(sources: Sequence[str], targets: Sequence[str], length: int, width: int) -> tuple[Codes, Codes]:
    """The code points of all sources of a length and of their targets; 0 after a target's end."""
    chosen = [(source, target) for source, target in zip(sources, targets, strict=True) if len(source) == length]
    codes = np.array([list(map(ord, source + target.ljust(width, "\0"))) for source, target in chosen])
    return codes[:, :length], codes[:, length:]


def _looked_up(source: Codes, wanted: Codes, new_source: Codes) -> Codes:
    """What a table of `wanted` (texts,) by the best place of `source` (texts, length) says of `new_source`."""
    written, columns = np.unique(wanted, return_inverse=True)
    best, fewest = new_source[:, 0], len(wanted) + 1
    for place in range(source.shape[1]):
        read, rows = np.unique(source[:, place], return_inverse=True)
        table = np.bincount(rows * len(written) + columns, minlength=len(read) * len(written)).reshape(len(read), -1)
        mistakes = len(wanted) - int(table.max(axis=1).sum())
        if mistakes < fewest:
            fewest = mistakes
            nearest = np.searchsorted(read, new_source[:, place]).clip(max=len(read) - 1)
            known = read[nearest] == new_source[:, place]
            best = np.where(known, written[table.argmax(axis=1)][nearest], -1)
    return best
