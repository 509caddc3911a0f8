"""Walking through a computation: the forward pass node by node, then the backward pass contribution by contribution.

Terminals print the steps; pictures and the explorer read them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from minigrad.core.arrays import read_only
from minigrad.core.errors import GraphError
from minigrad.graph.node import Array, Node, printable
from minigrad.graph.numbers import format_number

if TYPE_CHECKING:
    from minigrad.graph.graph import Graph


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Forward:
    """A node gets its value."""

    node: Node
    value: Array

    def __repr__(self) -> str:
        called = f"  {self.node.path}" if self.node.path else ""
        return printable(f"%{self.node.number} = {self.node.expression}{called}") + f"\n    = {_show(self.value)}"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Backward:
    """A contribution flows back from `node` to its operand at `position`, the `target`, and is added to its gradient.

    `incoming` is the gradient of `node`, `total` that of `target` after this step.
    """

    node: Node
    position: int
    target: Node
    incoming: Array
    contribution: Array
    total: Array

    @property
    def argument(self) -> str:
        """The name of the argument that the target is."""
        assert self.node.function is not None
        return self.node.function.argument(self.position)

    def __repr__(self) -> str:
        target = f"%{self.target.number}" + (f" {self.target.path}" if self.target.path else "")
        return "\n".join(
            (
                printable(f"∂%{self.node.number}/∂{self.argument} of {self.node.expression}, to {target}"),
                f"    from {_show(self.incoming)}",
                f"    +=   {_show(self.contribution)}",
                f"    now  {_show(self.total)}",
            )
        )


Step = Forward | Backward


def steps(graph: Graph) -> list[Step]:
    """Every step in the order it was taken; see `Graph.steps`."""
    forward = [Forward(node, node.value) for node in graph if node.op is not None and node.value is not None]
    if graph.captured:
        raise GraphError(
            "this graph was captured on shapes and has no values to step through: call the function itself, "
            "loss.backward(keep=True), then loss.graph().steps()"
        )
    by_id = {node.id: node for node in graph}
    backward = [
        Backward(
            by_id[step.node], step.argument, by_id[step.target],
            *(read_only(array) for array in (step.incoming, step.value, step.total)),
        )
        for step in graph.trail
    ]  # fmt: skip
    return [*forward, *backward]


def _show(array: Array) -> str:
    text = np.array2string(
        array, threshold=24, edgeitems=3, max_line_width=1_000_000, formatter={"float_kind": format_number}
    )
    shape = f"  {array.shape}" if array.size > 24 else ""
    return " ".join(text.split()).replace("[ ", "[").replace(" ]", "]") + shape
