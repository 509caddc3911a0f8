"""Comparing a saved state with what is there: every difference in one message, before anything is written.

A state is a dictionary of arrays by path.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from minigrad.core.arrays import means_more


def list_differences(expected: Mapping[str, Any], given: Mapping[str, Any]) -> list[str]:
    """One line per key that is missing, unexpected, or of another shape or dtype, sorted by key.

    >>> import numpy as np
    >>> list_differences({"bias": np.zeros(2), "weight": np.zeros(3)}, {"weight": np.zeros(4), "wieght": np.zeros(3)})
    ['bias: missing', 'weight: float64 (4,), expected float64 (3,)', 'wieght: unexpected']
    """
    lines = []
    for key in sorted(expected.keys() | given.keys()):
        if key not in given:
            lines.append(f"{key}: missing")
        elif key not in expected:
            lines.append(f"{key}: unexpected")
        elif _describe_array(given[key]) != _describe_array(expected[key]):
            lines.append(f"{key}: {_describe_array(given[key])}, expected {_describe_array(expected[key])}")
    return lines


def check_state(what: str, expected: Mapping[str, Any], given: Mapping[str, Any]) -> None:
    """Raise ValueError that lists all differences, if there are any."""
    differences = list_differences(expected, given)
    if differences:
        lines = "\n  ".join(differences)
        raise ValueError(f"{what}: the state does not fit, and nothing was changed:\n  {lines}")


def _describe_array(array: Any) -> str:
    is_plain = isinstance(getattr(array, "shape", None), tuple) and not means_more(array)
    return f"{array.dtype} {array.shape}" if is_plain else type(array).__name__
