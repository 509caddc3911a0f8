"""Ops that are there for programs alone: nobody finds them on record."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from minigrad.core.op import Op


class InternalOp(Op):
    """An op that is not on record."""

    def _enter(self, stands_for: Any) -> None:
        """Stay off the record."""


def internal_op(**record: Any) -> Callable[[Callable[..., Any]], InternalOp]:
    """Declare an internal op: a decorator for its forward function, as `op`."""
    return lambda forward: InternalOp(forward, **record)
