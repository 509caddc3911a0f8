"""The steps of both passes, as a page takes them: `graph.steps()`, with what begins each sweep and which use it is.

In comes a `Graph`, out goes a list of `Step`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from minigrad.core.errors import GraphError
from minigrad.graph import Backward, Forward, Graph, Node
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
    try:
        steps = graph.steps()
    except GraphError:
        return []
    values = [Value(step.node) for step in steps if isinstance(step, Forward)]
    return [*values, *_begin_sweeps(step for step in steps if isinstance(step, Backward))]


def _begin_sweeps(steps: Iterable[Backward]) -> Iterator[Step]:
    previous: Node | None = None
    taken: set[int] = set()  # positions of the node whose operands are being served
    for step in steps:
        # A sweep visits the newest node first, so it is over when a newer one follows.
        if previous is None or step.node.number > previous.number:
            yield Seed(step.node, step.incoming)
        if step.node is not previous:
            taken = set()
        previous = step.node
        position = _find_position(step, taken)
        taken.add(position)
        yield Flow(step.node, position, step.target, step.incoming, step.contribution, step.total)


def _find_position(step: Backward, taken: set[int]) -> int:
    """Which operand it is: a node may use its target several times, a variadic argument has one name for all."""
    assert step.node.function is not None
    return next(
        position
        for position, x in enumerate(step.node.inputs)
        if x is step.target and position not in taken and step.node.function.argument(position) == step.argument
    )
