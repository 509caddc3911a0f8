"""A fault that this project once had, to be put back by patching."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple


class Fault(NamedTuple):
    """`name` begins with the id of the case; `plant()` patches the mended code; each of `laws` fails then.

    As in Fault("A1", "large constants by their identity", by_identity, ("tests/trust/test_law5_keys.py",)).
    """

    name: str
    what: str
    plant: Callable[[], None]
    laws: tuple[str, ...]
