"""What a page says of one node: texts, shapes, operands, its sampled arrays and their statistics, as plain data.

In come a `Node` and where its arrays are sampled, out goes a dictionary. Called by `payload.py`.
"""

from __future__ import annotations

from typing import Any

from minigrad.drawing.explorer.samples import Arrays, Grid, Limits, Sampling, grid_of, statistics
from minigrad.drawing.labels import node_lines
from minigrad.drawing.scopes import order_of
from minigrad.drawing.text import format_number, visible
from minigrad.graph import Node

LONGEST_TEXT = 1_000  # characters
LONGEST_LINE = 200  # characters of a line in a box

Plain = dict[str, Any]


def described(node: Node, sampling: Sampling, arrays: Arrays) -> Plain:
    """The node as plain data; what is empty or false is left out."""
    found: Plain = {
        "op": None if node.op is None else text(node.op),
        "name": text(node.name or ""),
        "scope": text(node.scope),
        "role": node.role,
        "order": order_of(node),
        "output": node.output,
        "shape": str(node.shape),
        "dtype": str(node.dtype),
        "bytes": node.dtype.itemsize * _size(node),
        "expression": text(node.expression),
        "lines": [_cut(visible(line), LONGEST_LINE) for line in node_lines(node)],
        "purpose": text(node.purpose),
        "line": _file_and_line(node.line or ""),
        "inputs": [_input(node, position) for position, x in enumerate(node.inputs) if x is not None],
        "grid": [[*axis] for axis in sampling.grid],
        "attention": is_attention(node),
    }
    if node.value is not None:
        found["value"] = arrays.add(node.value, sampling.grid, sampling.digits)
        found["statistics"] = statistics(node.value)
    if node.gradient is not None:
        found["gradient"] = arrays.add(node.gradient, sampling.grid, sampling.gradient_digits)
        found["gradientStatistics"] = statistics(node.gradient)
    return {name: x for name, x in found.items() if x is not None and x is not False and x not in ("", [], {})}


def _input(node: Node, position: int) -> Plain:
    """An operand: the number of its node, or how it is written, with what broadcasting does to its shape."""
    assert node.function is not None
    x = node.inputs[position]
    found: Plain = {"position": position, "argument": text(node.function.argument(position))}
    if not isinstance(x, Node):
        return found | {"number": format_number(x)}
    stretched = node.function.elementwise and x.shape != node.shape
    return found | {"node": x.number} | ({"broadcast": f"{x.shape} → {node.shape}"} if stretched else {})


def grid_for(node: Node, limits: Limits) -> Grid:
    """Where the arrays of a node are sampled: attention head by head, everything else as one matrix."""
    return grid_of(node.shape, limits, sliced=is_attention(node))


def is_attention(node: Node) -> bool:
    """Are the last two axes queries and keys?"""
    named = node.name in ("scores", "weights", "biased scores")
    softmax_of_attention = node.op == "softmax" and "attention" in node.scope
    return node.role == "op" and len(node.shape) >= 2 and order_of(node) == 0 and (named or softmax_of_attention)


def text(shown: object) -> str:
    """Any text on one line, what cannot be seen made visible, cut at 1,000 characters."""
    return _cut(visible(str(shown)), LONGEST_TEXT)


def _cut(whole: str, length: int) -> str:
    return whole if len(whole) <= length else whole[: length - 1] + "…"


def _file_and_line(line: str) -> str:
    """Without the folders, which are of this machine."""
    return text(line.replace("\\", "/").rpartition("/")[2])


def _size(node: Node) -> int:
    count = 1
    for length in node.shape:
        count *= length
    return count
