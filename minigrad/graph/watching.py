"""What looks on while nodes are made: source lines, and several that look on at once."""

from __future__ import annotations

from typing import Any

from minigrad.core.modes import Watch, Within
from minigrad.wording.source import caller_line


class Lines(Watch):
    """Remembers, in `tensor.line`, the source line that made a node."""

    def node(self, tensor: Any, op: Any, inputs: tuple[Any, ...]) -> None:
        tensor.line = caller_line()


class Watches(Watch):
    """Several that look on, the outermost first."""

    def __init__(self, *watches: Watch) -> None:
        self.watches = watches

    def node(self, tensor: Any, op: Any, inputs: tuple[Any, ...]) -> None:
        for watch in self.watches:
            watch.node(tensor, op, inputs)

    def contribution(self, node: Any, position: int, incoming: Any, value: Any) -> None:
        for watch in self.watches:
            watch.contribution(node, position, incoming, value)

    def strong_zero(self, fired: Any) -> None:
        for watch in self.watches:
            watch.strong_zero(fired)


def join_watches(outer: Watch | None, inner: Watch, instead_of: type[Watch] | None = None) -> Watch:
    """`inner` and those that look on already, without those of the kind it takes the place of."""
    watches = outer.watches if isinstance(outer, Watches) else () if outer is None else (outer,)
    kept = [watch for watch in watches if instead_of is None or not isinstance(watch, instead_of)]
    return Watches(*kept, inner) if kept else inner


def trace_lines() -> Within:
    """Every node made inside remembers the source line that made it (`tensor.line`); costs some time per node."""
    return Within(lambda mode: mode._replace(watch=join_watches(mode.watch, Lines(), instead_of=Lines)))
