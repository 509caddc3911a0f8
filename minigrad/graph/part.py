"""Parts of a graph: what nodes depend on, and what lies on the paths between two of them, cut out."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from minigrad.core.arrays import Shaped
from minigrad.core.errors import GraphError
from minigrad.core.storage import held_by
from minigrad.core.tensor import Tensor, new_tensor
from minigrad.graph.arguments import flatten
from minigrad.graph.node import Node, Origin
from minigrad.graph.search import node_of

if TYPE_CHECKING:
    from minigrad.graph.graph import Graph

_LEAF: dict[str, Any] = {
    "op": None, "function": None, "inputs": (), "params": MappingProxyType({}), "role": "input", "origin": None,
    "of_gradient": False,
}  # fmt: skip


def find_needed(roots: Iterable[Node], follow: Callable[[Node], bool] = lambda node: True) -> list[Node]:
    """The roots and every node that they depend on, in order; none that is not to be followed, or only lies behind."""
    found: dict[int, Node] = {}
    stack = list(roots)
    while stack:
        node = stack.pop()
        if node.number not in found and follow(node):
            found[node.number] = node
            stack += [x for x in node.inputs if isinstance(x, Node)]
    return [found[number] for number in sorted(found)]


def between(graph: Graph, start: Node | str, end: Node | str) -> Graph:
    """The nodes on the paths from `start` to `end`, renumbered; see `Graph.between`."""
    first, last = node_of(graph, start), node_of(graph, end)
    on_paths = _on_paths(graph, first, last)
    nodes: dict[int, Node] = {}  # by their old number

    def add(node: Node, **changes: Any) -> None:
        nodes[node.number] = replace(node, number=len(nodes), output=node is last, **changes)

    def add_leaf(node: Node) -> None:
        if node.op is None:
            add(node)
        else:
            add(node, **_LEAF, _tensor=_input_like(node))

    for node in on_paths:
        if node is first:
            add_leaf(node)
            continue
        for x in node.inputs:
            if isinstance(x, Node) and x.number not in nodes:
                add_leaf(x)
        inputs = tuple(nodes[x.number] if isinstance(x, Node) else x for x in node.inputs)
        add(node, inputs=inputs, origin=_origin(node, nodes))
    return replace(
        graph,
        nodes=tuple(nodes.values()),
        outputs=(nodes[last.number],),
        inputs=tuple(node for node in nodes.values() if node.role == "input"),
        updates=MappingProxyType({}),
        effects=tuple(node for node in nodes.values() if node.role == "random"),
        returned=nodes[last.number],
        _given=(),
        _leaves=flatten,
        _last_uses={},
    )


def _input_like(node: Node) -> Tensor:
    """A leaf with the value of a node, or with its shape and dtype."""
    held = held_by(node._tensor)
    leaf = new_tensor(Shaped(node.shape, node.dtype) if held is None else held, role="input")
    leaf.name = node.name
    return leaf


def _on_paths(graph: Graph, first: Node, last: Node) -> list[Node]:
    """The nodes that depend on `first` and that `last` depends on, both included, in order."""
    window = graph.nodes[first.number : last.number + 1]
    dependent = {first.number}
    for node in window:
        if any(isinstance(x, Node) and x.number in dependent for x in node.inputs):
            dependent.add(node.number)
    if last.number not in dependent:
        raise GraphError(f"{last!r} does not depend on {first!r}: there is no path between them")
    needed = {last.number}
    for node in reversed(window):
        if node.number in needed:
            needed.update(x.number for x in node.inputs if isinstance(x, Node))
    return [node for node in window if node.number in dependent and node.number in needed]


def _origin(node: Node, nodes: dict[int, Node]) -> Origin | None:
    if node.origin is None or node.origin.node is None:
        return node.origin
    return node.origin._replace(node=nodes.get(node.origin.node.number))
