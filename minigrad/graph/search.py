"""Finding nodes by what they are called: `attention/scores`, `scores`, `attention/softmax`, `softmax`."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import TYPE_CHECKING

from minigrad.core.errors import GraphError
from minigrad.graph.node import Node

if TYPE_CHECKING:
    from minigrad.graph.graph import Graph

_SHOWN = 8  # matches that a message lists


def find(graph: Graph, path: str) -> Node:
    """The one node at `path`; see `Graph.find`."""
    found = find_all(graph, path)
    if len(found) == 1:
        return found[0]
    if found:
        listed = "\n".join(f"  {node!r}" for node in found[:_SHOWN])
        more = f"\n  and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
        raise ValueError(
            f"{len(found)} nodes match {path!r}; write more of the path, or graph[number]:\n{listed}{more}"
        )
    known = {known for node in graph.nodes for known in (_named(node), node.name, _operation(node), node.op) if known}
    close = get_close_matches(path, sorted(known), _SHOWN, cutoff=0.5)
    hint = f"close to it: {', '.join(close)}" if close else "print(graph) shows what there is"
    raise LookupError(f"no node matches {path!r}; {hint}")


def find_all(graph: Graph, path: str) -> tuple[Node, ...]:
    """The nodes at exactly `path`; failing that, those whose path ends so; failing that, those of that operation."""
    end = f"/{path}"
    for called in (_named, _operation):
        exact = tuple(node for node in graph.nodes if called(node) == path)
        found = exact or tuple(node for node in graph.nodes if called(node).endswith(end))
        if found:
            return found
    return ()


def node_of(graph: Graph, given: Node | str) -> Node:
    """`given` itself, checked to be of this graph, or the node that it names."""
    if isinstance(given, str):
        return find(graph, given)
    if not isinstance(given, Node):
        raise TypeError(f"expected a Node or its name, got {type(given).__name__}")
    if given.number >= len(graph.nodes) or graph.nodes[given.number] is not given:
        raise GraphError(f"{given!r} is a node of another graph")
    return given


def find_users(nodes: Iterable[Node]) -> dict[Node, list[Node]]:
    """Who takes each node as an operand, as often as it does.

    >>> import minigrad as mg
    >>> x = mg.Tensor(3.0, requires_grad=True)
    >>> users = find_users((x * x + 1.0).graph())
    >>> [(node.number, [user.op for user in those]) for node, those in users.items()]
    [(0, ['multiply', 'multiply']), (1, ['add'])]
    """
    users: dict[Node, list[Node]] = {}
    for node in nodes:
        for x in node.inputs:
            if isinstance(x, Node):
                users.setdefault(x, []).append(node)
    return users


def _named(node: Node) -> str:
    return node.path if node.name else ""


def _operation(node: Node) -> str:
    name = node.op or node.role
    return f"{node.scope}/{name}" if node.scope else name
