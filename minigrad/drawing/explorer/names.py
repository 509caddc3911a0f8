"""How nodes are called in formulas and chapters: by their own name, or by what they are a result of.

In comes a `Graph`, out go texts. Nothing is made up: a node without a name of its own is the result of a scope, the
elements of another node in other places, or has its number.
"""

from __future__ import annotations

import math
from collections import Counter

from minigrad.drawing.phrases import Phrase
from minigrad.graph import Graph, Node
from minigrad.graph.called import SUM

LONGEST_LETTER = 2  # an argument called x1 says nothing


def call_nodes(graph: Graph) -> list[str | None]:
    """What each node is called, in order; None where nothing but its number tells it from others.

    >>> import minigrad as mg
    >>> x = mg.Tensor([[1.0, 2.0]], requires_grad=True, name="x")
    >>> with mg.scope("layer"):
    ...     y = mg.exp(x) * mg.exp(-x)
    >>> call_nodes((y.T + 1.0).graph())
    ['x', None, 'negative', None, 'layer', 'layer', 'add']
    """
    results = _find_results(graph)
    parts = _find_parts(graph)
    alike = Counter((node.scope, node.op) for node in graph)
    called: list[str | None] = []
    for node in graph:
        moved = find_moved(node)
        if node.name:
            called.append(Phrase(f"name {SUM}") if node.name == SUM else node.name)
        elif moved is not None and called[moved.number]:
            called.append(called[moved.number])
        elif node.number in results:
            called.append(results[node.number])
        elif node.op is not None and alike[node.scope, node.op] == 1:
            called.append(node.op)
        else:
            called.append(parts.get(node.number) if node.op is None else None)
    return called


def find_moved(node: Node) -> Node | None:
    """The operand whose elements an operation only moves, all of them: a view that is not smaller."""
    if node.function is None or not node.function.view:
        return None
    operand = next((x for x in node.inputs if isinstance(x, Node)), None)
    return operand if operand is not None and math.prod(node.shape) >= math.prod(operand.shape) else None


def _find_results(graph: Graph) -> dict[int, str]:
    """The last operation inside each scope whose name is more than a number, by its number: what the scope returns."""
    last: dict[str, int] = {}
    for node in graph:
        if node.op is not None and not node.order:
            path, _, name = node.scope, "", ""
            while path:
                last[path] = node.number if not name.isdigit() else -1  # a row of blocks returns nothing of its own
                path, _, name = path.rpartition("/")
    inner = sorted(last, key=lambda path: path.count("/"))
    return {last[path]: name for path in inner if not (name := path.rpartition("/")[2]).isdigit()}


def _find_parts(graph: Graph) -> dict[int, str]:
    """The argument as which a node is used first, where its name says what it is: indices, targets."""
    parts: dict[int, str] = {}
    for node in graph:
        for position, x in enumerate(node.inputs):
            if isinstance(x, Node) and x.number not in parts and node.function is not None:
                parts[x.number] = node.function.argument(position)
    return {number: argument for number, argument in parts.items() if len(argument) > LONGEST_LETTER}
