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
