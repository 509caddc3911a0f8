"""Which node of one graph is which node of another. Two graphs enter, pairs of their nodes leave; see `diff.py`.

Nodes of the same scope and order of derivative are aligned in sequence, by op and name. What that leaves is matched by
its path, then by the expression it computes, then by its place among the operands of nodes that are matched already.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from minigrad.graph.node import Array, Node, Operand

if TYPE_CHECKING:
    from minigrad.graph.graph import Graph

LARGEST_TABLE = 2**22  # cells; longer sequences are aligned in two halves
WEIGHTS = (1, 2, 1, 1)  # of what may be equal in two nodes: what they must be, settings, operands, the whole expression


def matching(before: Graph, after: Graph) -> dict[Node, Node]:
    """The nodes of `before` that have a counterpart in `after`, in order; the other way round it is the same pairs."""
    first, second = _content(before), _content(after)
    if first == second:
        return dict(zip(before, after, strict=True))
    if second < first:
        pairs = {x: y for y, x in _Matching(after, before).found.items()}
    else:
        pairs = _Matching(before, after).found
    return {node: pairs[node] for node in before if node in pairs}


def _content(graph: Graph) -> list[tuple[str, ...]]:
    """Everything that is compared of a graph, as text that can be sorted."""
    lines = [(str(_key(node)), node.expression, f"{node.shape} {node.dtype}") for node in graph]
    updates = [f"{state.number} {value.number}" for state, value in graph.updates.items()]
    return [*lines, tuple(updates), tuple(str(node.number) for node in graph.outputs)]


def _key(node: Node) -> tuple[str, int, str, str]:
    return node.scope, node.order, node.op or node.role, node.name or ""


class _Matching:
    """The pairs found so far, `found` from the first graph and `back` from the second."""

    def __init__(self, before: Graph, after: Graph) -> None:
        self.before, self.after = before, after
        self.found: dict[Node, Node] = {}
        self.back: dict[Node, Node] = {}
        self._known: dict[Hashable, int] = {}  # the numbers that stand for keys, signatures and expressions
        self._expressions: dict[Node, int] = {}
        for node in (*before, *after):
            self._expressions[node] = self._number(_expression(node, self._expressions))
        self._in_sequence()
        self._by_key(lambda node: (node.path, node.order, node.op is None) if node.name else None)
        self._by_key(lambda node: (self._expressions[node], node.order))
        self._by_place()

    def _number(self, key: Hashable) -> int:
        return self._known.setdefault(key, len(self._known))

    def _pair(self, x: Node, y: Node) -> None:
        self.found[x], self.back[y] = y, x

    def _in_sequence(self) -> None:
        """Align what is of one scope and order: equal op and name, preferably with equal settings and operands."""
        groups: dict[Hashable, tuple[list[Node], list[Node]]] = {}
        for side, graph in enumerate((self.before, self.after)):
            for node in graph:
                groups.setdefault((node.scope, node.order), ([], []))[side].append(node)
        for first, second in groups.values():
            if first and second:
                codes = [np.array([self._codes(node) for node in nodes], np.int32) for nodes in (first, second)]
                for i, j in _align(codes[0], codes[1]):
                    self._pair(first[i], second[j])

    def _codes(self, node: Node) -> tuple[int, ...]:
        """The numbers to compare a node by; see `WEIGHTS`."""
        return self._number(_key(node)), *(self._number(part) for part in _near(node)), self._expressions[node]

    def _by_key(self, key: Callable[[Node], Hashable]) -> None:
        """Pair what is left and has the same key, in order; a key of None is none."""
        waiting: dict[Hashable, list[Node]] = {}
        for node in self.before:
            if node not in self.found:
                waiting.setdefault(key(node), []).append(node)
        waiting.pop(None, None)
        for queue in waiting.values():
            queue.reverse()
        for node in self.after:
            if node not in self.back and (queue := waiting.get(key(node), [])):
                self._pair(queue.pop(), node)

    def _by_place(self) -> None:
        """Pair what is left and is the same output, or the same operand of two nodes that are matched."""
        self._pair_beside(self.before.outputs, self.after.outputs)
        for x in reversed(self.before.nodes):
            if x in self.found:
                self._pair_beside(x.inputs, self.found[x].inputs)

    def _pair_beside(self, first: Iterable[Operand], second: Iterable[Operand]) -> None:
        for a, b in zip(first, second, strict=False):
            if not isinstance(a, Node) or not isinstance(b, Node) or a in self.found or b in self.back:
                continue
            if _could_be(a, b):
                self._pair(a, b)


def _could_be(a: Node, b: Node) -> bool:
    """Whether two nodes in the same place are one that was changed: the same op, or another in the same scope."""
    if a.order != b.order or (a.op is None) != (b.op is None):
        return False
    return (a.op or a.role) == (b.op or b.role) or (a.scope == b.scope and a.shape == b.shape)


def _expression(node: Node, numbers: dict[Node, int]) -> Hashable:
    """What a node computes, whatever it is called; a leaf is told by its name."""
    if node.op is None:
        return node.role, node.name, node.shape, str(node.dtype)
    given = tuple(numbers[x] if isinstance(x, Node) else repr(x) for x in node.given)
    return node.op, given, tuple(node.settings())


def _near(node: Node) -> tuple[Hashable, Hashable]:
    """What a node looks like from close by: its settings, and what kind of operands it has."""
    numbers = tuple(None if isinstance(x, Node) else repr(x) for x in node.given)
    kinds = tuple((x.op or x.role, x.name) if isinstance(x, Node) else None for x in node.given)
    made_for = node.origin and node.origin.argument
    return (numbers, *node.settings(), node.shape, str(node.dtype)), (kinds, made_for)


# --- sequences --------------------------------------------------------------------------------------------------------


def _align(first: Array, second: Array, i: int = 0, j: int = 0) -> Iterator[tuple[int, int]]:
    """The positions of a heaviest common subsequence of two sequences of codes, which begin at `i` and `j`."""
    same = 0
    while same < min(len(first), len(second)) and (first[same] == second[same]).all():
        yield i + same, j + same
        same += 1
    first, second, i, j = first[same:], second[same:], i + same, j + same
    if len(first) * len(second) > LARGEST_TABLE and len(first) > 1:
        middle = len(first) // 2
        *_, above = _weights(first[:middle], second)
        *_, below = _weights(first[middle:][::-1], second[::-1])
        split = int(np.argmax(above + below[::-1]))
        yield from _align(first[:middle], second[:split], i, j)
        yield from _align(first[middle:], second[split:], i + middle, j + split)
    elif len(first) and len(second):
        yield from reversed(
            [(i + p, j + q) for p, q in _traced_back(np.stack([*_weights(first, second)]), first, second)]
        )


def _weights(first: Array, second: Array) -> Iterator[Array]:
    """Row by row, the largest weight of a common subsequence of all that came before and the first of `second`."""
    columns = np.ascontiguousarray(second.T)
    row = np.zeros(len(second) + 1, np.int32)
    yield row
    for codes in first:
        equal = [column == code for column, code in zip(columns, codes, strict=True)]
        gain = equal[0] * sum(np.int8(weight) * found for weight, found in zip(WEIGHTS, equal, strict=True))
        row = np.append(row[:1], np.maximum.accumulate(np.maximum(row[1:], row[:-1] + gain)))
        yield row


def _traced_back(table: Array, first: Array, second: Array) -> Iterator[tuple[int, int]]:
    """The pairs that make up the weight in the last corner of the table, the last pair first, and as late as can be."""
    p, q = len(first), len(second)
    while p and q:
        equal = first[p - 1] == second[q - 1]
        if equal[0] and table[p, q] == table[p - 1, q - 1] + equal @ WEIGHTS:
            p, q = p - 1, q - 1
            yield p, q
        elif table[p, q] == table[p - 1, q]:
            p -= 1
        else:
            q -= 1
