"""Comparing a saved state with what is there: every difference in one message, before anything is written.

Called by modules, optimisers and checkpoints, whose states are dictionaries of arrays by path.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def differences(expected: Mapping[str, Any], given: Mapping[str, Any]) -> list[str]:
    """One line per key that is missing, unexpected, or of another shape or dtype, sorted by key.

    >>> import numpy as np
    >>> differences({"bias": np.zeros(2), "weight": np.zeros(3)}, {"weight": np.zeros(4), "wieght": np.zeros(3)})
    ['bias: missing', 'weight: float64 (4,), expected float64 (3,)', 'wieght: unexpected']
    """
    found = []
    for key in sorted(expected.keys() | given.keys()):
        if key not in given:
            found.append(f"{key}: missing")
        elif key not in expected:
            found.append(f"{key}: unexpected")
        elif _described(given[key]) != _described(expected[key]):
            found.append(f"{key}: {_described(given[key])}, expected {_described(expected[key])}")
    return found


def check_state(what: str, expected: Mapping[str, Any], given: Mapping[str, Any]) -> None:
    """Raise ValueError that lists all differences, if there are any."""
    found = differences(expected, given)
    if found:
        lines = "\n  ".join(found)
        raise ValueError(f"{what}: the state does not fit, and nothing was changed:\n  {lines}")


def _described(array: Any) -> str:
    shape = getattr(array, "shape", None)
    return f"{array.dtype} {shape}" if isinstance(shape, tuple) else type(array).__name__
