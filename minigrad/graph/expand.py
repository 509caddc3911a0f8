"""Expanding composite operations: the graph is recorded again, with their definitions in their place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from minigrad.core.capture import Capture
from minigrad.core.modes import expanded, within
from minigrad.core.structure import map_leaves
from minigrad.graph.build import build
from minigrad.graph.node import Node
from minigrad.graph.run import interpret

if TYPE_CHECKING:
    from minigrad.core.tensor import Tensor
    from minigrad.graph.graph import Graph


def expand(graph: Graph, names: Sequence[str]) -> Graph:
    """The graph with the operations `names` replaced by their definition; see `Graph.expand`."""
    composite = {node.op for node in graph if node.function is not None and node.function.definition is not None}
    for name in names:
        if name not in composite:
            listed = ", ".join(sorted(str(known) for known in composite)) or "none"
            raise ValueError(f"expand: no composite operation {name!r} in this graph; composite ones: {listed}")

    values: list[Any] = [None if node.op else tensor for node, tensor in zip(graph, graph._tensors, strict=True)]

    def record(node: Node, operands: list[Any]) -> Any:
        assert node.function is not None
        place = graph._tensors[node.number].place
        with within(place=place):
            result = node.function(*operands, **node.params)
        if all(result is not x for x in operands):
            result.name, result.line = node.name, node.line
            if node.name:  # it stays where it is found
                result.place = place
        return result

    recording = Capture(began=0) if graph._captured else None
    with within(grad=True, record=True, capture=recording), expanded(*names):
        interpret(graph.nodes, values, record, last_uses={})

    def value_of(node: Node) -> Tensor:
        tensor: Tensor = values[node.number]
        return tensor

    replaced: dict[int, int] = {}
    for node, tensor in zip(graph, graph._tensors, strict=True):
        if node.origin is not None and node.origin.node is not None and tensor.origin is not None:
            replaced[tensor.origin.node.id] = value_of(node.origin.node).id
    return build(
        returned=map_leaves(lambda x: value_of(x) if isinstance(x, Node) else x, graph._returned),
        arguments=[value_of(node) for node in graph._given],
        updates={value_of(state): value_of(node) for state, node in graph.updates.items()},
        effects=[value_of(node) for node in graph.effects],
        captured=graph._captured,
        scopes={value_of(node).id: node.scope for node in graph if node.op is None},
        replaced=replaced,
    )
