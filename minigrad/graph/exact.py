"""Keys that tell apart what Python calls equal: 1, 1.0 and True are three values, and −0.0 is not 0.0."""

from __future__ import annotations

from typing import Any

import numpy as np

_PLAIN = frozenset({int, bool, str})


class Exact:
    """A value as a key of caches: equal to another only if they are the same in kind and in value, part by part."""

    __slots__ = ("key", "value")

    def __init__(self, value: Any) -> None:
        self.value, self.key = value, exact_key(value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Exact) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)


def exact_key(value: Any) -> Any:
    """What can be hashed and stands for `value` alone.

    >>> exact_key((1, 0.0)) == exact_key((True, 0.0)), exact_key({0.0}) == exact_key({-0.0})
    (False, False)
    """
    kind = type(value)
    if kind in _PLAIN:
        return kind, value
    if isinstance(value, (tuple, list)):
        return kind, tuple([exact_key(part) for part in value])
    if isinstance(value, (set, frozenset)):
        return kind, frozenset(map(exact_key, value))
    if isinstance(value, (float, np.generic)):
        return kind, repr(value)
    if isinstance(value, np.dtype):
        return kind, value
    return kind, id(value), value  # itself alone, which lives as long as the key
