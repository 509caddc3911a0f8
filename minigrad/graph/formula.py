"""A recorded computation as one line of mathematics: `y · (g − vecdot(g, y, keepdims=True))`.

In come Tensors, out goes text. Leaves are shown by their names, and what is used more than once gets a letter.
Called by `minigrad/reference.py` for the gradient formulas of ops, which are derived by running the rules.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import count
from typing import Any

from minigrad.core.tensor import Tensor
from minigrad.graph.build import build
from minigrad.graph.node import Node

_STRENGTH = {"+": 1, "-": 1, "*": 2, "⋆": 2, "/": 2, "@": 2}
_SHOWN = {"-": "−", "*": "·"}
ATOM = 9
_LETTERS = "abcdefhijklmnpqrstu"


def formula_of(result: Any) -> str:
    """How `result`, a Tensor or a number, is computed from the leaves behind it.

    >>> x = Tensor([1.0, 2.0], requires_grad=True, name="x")
    >>> formula_of((x * 2.0 - 1.0) * x.sum())
    '(x · 2 − 1) · sum(x)'
    >>> square = x * x
    >>> formula_of(square / square.sum())
    'a / sum(a), a = x · x'
    """
    if not isinstance(result, Tensor):
        return _write_number(result)
    graph = build(result)
    uses = Counter(x for node in graph for x in node.inputs if isinstance(x, Node))
    written: dict[Node, tuple[str, int]] = {}
    fresh = _make_letters({node.name for node in graph if node.function is None})
    letters: list[str] = []
    for node in graph:
        text, strength = write_operation(node, written)
        if node.function is not None and uses[node] > 1:
            letter = next(fresh)
            letters.append(f"{letter} = {text}")
            text, strength = letter, ATOM
        written[node] = (text, strength)
    return ", ".join([written[graph.outputs[0]][0], *letters])


def _make_letters(taken: set[str | None]) -> Iterator[str]:
    """a, b, …, u, a2, b2, …, without those that are names of leaves."""
    names = (f"{letter}{number if number > 1 else ''}" for number in count(1) for letter in _LETTERS)
    return (name for name in names if name not in taken)


def write_operation(node: Node, written: Mapping[Node, tuple[str, int]]) -> tuple[str, int]:
    """The text of a node, of those `written` for its operands, and how strongly it binds; an `ATOM` is never split."""
    if node.function is None:
        return node.name or node.role, ATOM
    operands = [written[x] if isinstance(x, Node) else (_write_number(x), ATOM) for x in node.inputs if x is not None]
    symbol = node.function.symbol
    if symbol and len(operands) == 2:
        strength = _STRENGTH.get(symbol, 0)
        around = strength or ATOM  # of an operator of the user's own nobody knows how strongly it binds
        left, right = _put_inside(operands[0], around), _put_inside(operands[1], around + (symbol in "-/@"))
        return f"{left} {_SHOWN.get(symbol, symbol)} {right}", strength
    if symbol and len(operands) == 1:
        return f"{_SHOWN.get(symbol, symbol)}{_put_inside(operands[0], 2)}", 1
    return f"{node.op}({', '.join([text for text, _ in operands] + node.settings())})", ATOM


def _write_number(x: Any) -> str:
    text = f"{x:.6g}" if isinstance(x, float) else str(x)
    return text.replace("-", "−", 1) if text.startswith("-") else text


def _put_inside(operand: tuple[str, int], strength: int) -> str:
    text, own = operand
    return text if own >= strength else f"({text})"
