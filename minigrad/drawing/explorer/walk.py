"""The steps of both passes, as a page takes them: those of `Graph.steps`, and what begins each sweep.

In comes a `Graph`, out goes a list of `Step`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from minigrad.graph import Backward, Forward, Graph, Node
from minigrad.graph.node import Array


class Seed(NamedTuple):
    """A sweep begins: the gradient of the output `node` is given."""

    node: Node
    gradient: Array


Step = Forward | Seed | Backward


def walk_steps(graph: Graph) -> list[Step]:
    """Every step in order; none for a graph that was captured on shapes.

    >>> import minigrad as mg
    >>> x = mg.Tensor(3.0, requires_grad=True, name="x")
    >>> y = x * x
    >>> y.backward(keep=True)
    >>> [(type(step).__name__, step.node.number) for step in walk_steps(y.graph())]
    [('Forward', 1), ('Seed', 1), ('Backward', 1), ('Backward', 1)]
    """
    return [] if graph.captured else list(_add_seeds(graph.steps()))


def _add_seeds(steps: list[Forward | Backward]) -> Iterator[Step]:
    previous: Node | None = None
    for step in steps:
        if isinstance(step, Backward):
            # A sweep visits the newest node first, so it is over when a newer one follows.
            if previous is None or step.node.number > previous.number:
                yield Seed(step.node, step.incoming)
            previous = step.node
        yield step
