"""What a page says of one node: texts, shapes, operands, its sampled arrays and their statistics, as plain data.

In come a `Node` and where its arrays are sampled, out goes a dictionary.
"""

from __future__ import annotations

import math
from typing import Any

from minigrad.drawing.explorer.samples import Arrays, Grid, Limits, Sampling, choose_grid, summarise
from minigrad.drawing.labels import describe_node
from minigrad.drawing.scopes import order_of
from minigrad.drawing.text import escape_hidden, format_number, shorten
from minigrad.graph import Node

LONGEST_TEXT = 1_000  # characters
LONGEST_LINE = 200  # characters of a line in a box
ATTENTION_NAMES = ("scores", "weights", "biased scores")  # of nodes of queries by keys
ATTENTION_OPS = ("softmax",)  # ops that make such nodes, in a scope of attention

Plain = dict[str, Any]


def write_node(node: Node, sampling: Sampling, arrays: Arrays) -> Plain:
    """The node as plain data; what is empty or false is left out."""
    written: Plain = {
        "op": make_text(node.op or ""),
        "name": make_text(node.name or ""),
        "scope": make_text(node.scope),
        "role": node.role,
        "order": order_of(node),
        "output": node.output,
        "shape": str(node.shape),
        "dtype": str(node.dtype),
        "bytes": node.dtype.itemsize * math.prod(node.shape),
        "expression": make_text(node.expression),
        "lines": [shorten(escape_hidden(line), LONGEST_LINE) for line in describe_node(node)],
        "purpose": make_text(node.purpose),
        "line": make_text((node.line or "").replace("\\", "/").rpartition("/")[2]),  # folders are of this machine
        "inputs": [_write_input(node, position) for position, x in enumerate(node.inputs) if x is not None],
        "grid": [[*axis] for axis in sampling.grid],
        "attention": is_attention(node),
    }
    if node.value is not None:
        written["value"] = arrays.add(sampling.grid.pick(node.value), sampling.digits)
        written["statistics"] = summarise(node.value)
    if node.gradient is not None:
        written["gradient"] = arrays.add(sampling.grid.pick(node.gradient), sampling.gradient_digits)
        written["gradientStatistics"] = summarise(node.gradient)
    return {name: x for name, x in written.items() if x is not False and x not in ("", [], {})}


def _write_input(node: Node, position: int) -> Plain:
    """An operand: the number of its node, or how it is written, with what broadcasting does to its shape."""
    assert node.function is not None
    x = node.inputs[position]
    written: Plain = {"position": position, "argument": make_text(node.function.argument(position))}
    if not isinstance(x, Node):
        return written | {"number": format_number(x)}
    stretched = node.function.elementwise and x.shape != node.shape
    return written | {"node": x.number} | ({"broadcast": f"{x.shape} → {node.shape}"} if stretched else {})


def choose_grid_of(node: Node, limits: Limits) -> Grid:
    """Where the arrays of a node are sampled: attention head by head, everything else as one matrix."""
    return choose_grid(node.shape, limits, sliced=is_attention(node))


def is_attention(node: Node) -> bool:
    """Are the last two axes queries and keys?"""
    named = node.name in ATTENTION_NAMES or (node.op in ATTENTION_OPS and "attention" in node.scope)
    return named and node.role == "op" and len(node.shape) >= 2 and order_of(node) == 0


def make_text(given: object) -> str:
    """Any text on one line, what cannot be seen made visible, cut at 1,000 characters."""
    return shorten(escape_hidden(str(given)), LONGEST_TEXT)
