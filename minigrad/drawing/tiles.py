"""A grid of numbers as runs: neighbours in a row that have one colour are one surface, not a square per cell."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

Places = npt.NDArray[np.int64]


def list_runs(places: Places) -> Iterator[tuple[int, Places]]:
    """Each number in `places`, (rows, columns), with its runs, (count, 3): column, row, and cells to the right.

    >>> [(place, runs.tolist()) for place, runs in list_runs(np.array([[7, 7, 7], [7, 4, 4]]))]
    [(4, [[1, 1, 2]]), (7, [[0, 0, 3], [0, 1, 1]])]
    """
    new = np.ones(places.shape, np.bool_)
    new[:, 1:] = places[:, 1:] != places[:, :-1]
    starts = np.flatnonzero(new)
    rows, columns = np.divmod(starts, places.shape[1])
    runs = np.stack([columns, rows, np.diff(starts, append=places.size)], axis=1)
    found = places.ravel()[starts]
    order = found.argsort(kind="stable")
    numbers, firsts = np.unique(found[order], return_index=True)
    yield from zip(numbers.tolist(), np.split(runs[order], firsts[1:]), strict=True)
