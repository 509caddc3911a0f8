"""The listing of a graph: one aligned line per node, then what is returned and updated. The same bytes on every run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from minigrad.graph.node import printable

if TYPE_CHECKING:
    from minigrad.graph.graph import Graph

_WIDEST = 56  # characters; longer expressions push their own line to the right, and no other


def listing(graph: Graph) -> str:
    """`%7 = matmul(%3, %5)  (6, 8)  float32  attention/scores`, line by line."""
    digits = len(str(len(graph.nodes) - 1)) + 1
    rows = [
        (f"{f'%{node.number}':>{digits}} = {printable(node.expression)}", str(node.shape), node.dtype.name)
        for node in graph.nodes
    ]
    widths = [min(_WIDEST, max((len(row[column]) for row in rows), default=0)) for column in range(3)]
    lines = []
    for node, row in zip(graph.nodes, rows, strict=True):
        aligned = [f"{text:<{width}}" for text, width in zip(row, widths, strict=True)]
        lines.append("  ".join([*aligned, *node.notes()]).rstrip())
    for state, value in graph.updates.items():
        lines.append(f"%{state.number} ← %{value.number}  {printable(state.path)}".rstrip())
    if graph.outputs:
        lines.append("return " + ", ".join(f"%{node.number}" for node in graph.outputs))
    return "\n".join(lines)
