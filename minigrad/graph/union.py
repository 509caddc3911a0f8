"""Two graphs as one, for the picture of their difference: a `Difference` enters, a graph and its marks leave."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from minigrad.core.structure import map_leaves
from minigrad.graph.arguments import flatten
from minigrad.graph.diff import Difference, Kind
from minigrad.graph.graph import Graph
from minigrad.graph.node import Node


@dataclass(frozen=True, slots=True, eq=False)
class Union:
    """The newer graph with the removed nodes among the others.

    `of` has the node of the union for every node of both graphs, `marks` what became of those that are not the same.
    """

    graph: Graph
    of: Mapping[Node, Node]
    marks: Mapping[Node, Kind]


def union(difference: Difference) -> Union:
    """What is in either graph, once. What was removed keeps its operands and loses its users."""
    before, after, matched = difference.before, difference.after, difference.matched
    of: dict[Node, Node] = {}
    marks: dict[Node, Kind] = {}
    for kind, node in difference.merged():
        removed = kind == "removed"
        given = (matched.get(x, x) if removed and isinstance(x, Node) else x for x in node.inputs)
        origin = node.origin
        if origin is not None and origin.node is not None:
            made_for = matched.get(origin.node, origin.node) if removed else origin.node
            origin = origin._replace(node=of.get(made_for))
        inputs = tuple(of[x] if isinstance(x, Node) else x for x in given)
        of[node] = new = replace(node, number=len(of), inputs=inputs, origin=origin, output=node.output and not removed)
        if kind != "same":
            marks[new] = kind
    graph = replace(
        after,
        nodes=tuple(of.values()),
        outputs=tuple(of[node] for node in after.outputs),
        inputs=tuple(of[node] for node in after.inputs),
        updates=MappingProxyType({of[state]: of[value] for state, value in after.updates.items()}),
        effects=tuple(of[node] for node in after.effects),
        returned=map_leaves(lambda x: of[x] if isinstance(x, Node) else x, after.returned),
        captured=before.captured or after.captured,
        _given=(),
        _leaves=flatten,
        _last_uses={},
    )
    return Union(graph, of | {x: of[y] for x, y in matched.items()}, marks)
