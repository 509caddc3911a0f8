"""The steps of both passes, as a page takes them: every value, then the trail, with what begins each sweep.

In comes a `Graph`, out goes a list of `Step`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from minigrad.graph import Graph, Node
from minigrad.graph.node import Array


class Value(NamedTuple):
    """A node gets its value."""

    node: Node


class Seed(NamedTuple):
    """A sweep begins: the gradient of the output `node` is given."""

    node: Node
    gradient: Array


class Flow(NamedTuple):
    """What flows back from `node` to the operand at `position`, which is `target`."""

    node: Node
    position: int
    target: Node
    incoming: Array
    contribution: Array
    total: Array


Step = Value | Seed | Flow


def walk_steps(graph: Graph) -> list[Step]:
    """Every step in order; none for a graph that was captured on shapes.

    >>> import minigrad as mg
    >>> x = mg.Tensor(3.0, requires_grad=True, name="x")
    >>> y = x * x
    >>> y.backward(keep=True)
    >>> [(type(step).__name__, step.node.number) for step in walk_steps(y.graph())]
    [('Value', 1), ('Seed', 1), ('Flow', 1), ('Flow', 1)]
    """
    if graph.captured:
        return []
    values = [Value(node) for node in graph if node.op is not None and node.value is not None]
    return [*values, *_walk_sweeps(graph)]


def _walk_sweeps(graph: Graph) -> Iterator[Step]:
    by_id = {node.id: node for node in graph}
    previous: Node | None = None
    for step in graph.trail:
        node = by_id[step.node]
        # A sweep visits the newest node first, so it is over when a newer one follows.
        if previous is None or node.number > previous.number:
            yield Seed(node, step.incoming)
        previous = node
        yield Flow(node, step.argument, by_id[step.target], step.incoming, step.value, step.total)
