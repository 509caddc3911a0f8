"""Recording a graph again, with something else in the place of some operations: expanding does it, and compiling."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from minigrad.core.modes import within
from minigrad.core.structure import map_leaves
from minigrad.graph.build import build
from minigrad.graph.node import Node
from minigrad.graph.run import interpret

if TYPE_CHECKING:
    from minigrad.core.tensor import Tensor
    from minigrad.graph.graph import Graph


def record_again(
    graph: Graph,
    record: Callable[[Node, list[Any]], Tensor],
    inputs_only: bool = False,
    effects: Iterable[Tensor] = (),
) -> Graph:
    """The graph of what `record(node, operands)` makes in the place of each operation; the leaves are the same.

    Args:
        record: called in the order of the nodes, each time where the node was recorded: in its scope, and for what it
            is the gradient of.
        inputs_only: the new graph is given its inputs and no state.
        effects: what more must not be dropped; read when all is recorded.
    """
    values: list[Any] = [node.cell for node in graph]

    def record_in_place(node: Node, operands: list[Any]) -> Tensor:
        with within(place=node._tensor.place):
            return record(node, operands)

    def value_of(node: Node) -> Tensor:
        tensor: Tensor = values[node.number]
        return tensor

    interpret(graph.nodes, values, record_in_place, last_uses={})
    replaced = {
        made_for.id: value_of(node.origin.node).id
        for node in graph
        if node.origin is not None and node.origin.node is not None
        if (origin := node._tensor.origin) is not None and (made_for := origin.node) is not None
    }
    return build(
        returned=map_leaves(lambda x: value_of(x) if isinstance(x, Node) else x, graph.returned),
        arguments=[value_of(node) for node in (graph.inputs if inputs_only else graph._given)],
        updates={value_of(state): value_of(node) for state, node in graph.updates.items()},
        effects=[*(value_of(node) for node in graph.effects), *effects],
        captured=graph.captured,
        scopes={node.id: node.scope for node in graph if node.function is None},
        replaced=replaced,
    )
