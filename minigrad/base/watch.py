"""What looks on while nodes are made and differentiated: `Mode.watch` holds one, or None. Called by the engine."""

from __future__ import annotations

from typing import Any

from minigrad.base.source import caller_line


class Watch:
    """Looks on and does nothing."""

    def node(self, tensor: Any, op: Any, inputs: tuple[Any, ...]) -> None:
        """A leaf was made (`op` is None), or the result of an op, recorded or not."""

    def contribution(self, node: Any, position: int, incoming: Any, value: Any) -> None:
        """The rule of `node` for the input at `position` made `value` of the gradient `incoming`."""

    def strong_zero(self, fired: Any) -> None:
        """`strong_multiply` put 0 in place of NaN where the array `fired` is True, if anywhere."""


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


def beside(outer: Watch | None, inner: Watch, instead_of: type[Watch] | None = None) -> Watch:
    """`inner` and those that look on already, without those of the kind it takes the place of."""
    watches = outer.watches if isinstance(outer, Watches) else () if outer is None else (outer,)
    kept = [watch for watch in watches if instead_of is None or not isinstance(watch, instead_of)]
    return Watches(*kept, inner) if kept else inner
