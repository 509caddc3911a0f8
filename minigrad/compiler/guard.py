"""Where a program looks whether its gradients are numbers.

Products in a program are plain, so that what a choice did not take may have become 0 · ∞, NaN. One statement, after the
last gradient and before anything is written, refuses that, and the call is computed by `minigrad.graph.run`, whose
products are strong.
"""

from __future__ import annotations

from minigrad.compiler.layouts import PARTS
from minigrad.graph import Graph, Node
from minigrad.graph.search import find_users


def guarded(graph: Graph) -> list[Node]:
    """The nodes that must hold no NaN: each gradient that is used for more than gradients, or what it is joined to."""
    users = find_users(graph)
    used = {*graph.outputs, *graph.updates.values()}

    def whole(gradient: Node) -> Node:
        following: Node | None = gradient
        while following is not None:
            gradient = following
            joined = (x for x in users.get(gradient, ()) if x.function in PARTS)
            following = next((x for x in joined if x.origin is None), None)
        return gradient

    gradients = [node for node in graph if node.origin is not None and node.op and node.dtype.kind == "f"]
    results = [x for x in gradients if x in used or any(user.origin is None for user in users.get(x, ()))]
    return sorted({whole(x) for x in results}, key=lambda node: node.number)
