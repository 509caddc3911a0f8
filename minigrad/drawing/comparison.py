"""The picture of a difference: a `Difference` enters; the graph to draw leaves, with the options to draw it with.

What is in both graphs is drawn once, and marked where it changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from minigrad.graph import Graph, Node
from minigrad.graph.diff import Change, Difference
from minigrad.graph.union import union

# Facts that a box tells by a text of its own; the others are told by its arrows, its place or its outline.
FACTS = ("op", "params", "shape", "dtype", "name")


def merge_graphs(difference: Difference, options: Mapping[str, Any]) -> tuple[Graph, dict[str, Any]]:
    """Both graphs as one, and the options of `Graph.dot` that mark what is different; those that are given win.

    Nodes among the options may be of either graph.

    Raises:
        ValueError: `between`, which cuts a part out of one graph.
    """
    if options.get("between") is not None:
        raise ValueError("between: of a difference there is no part; take the difference of the parts, a.between(…)")
    whole = union(difference)

    def find_merged(node: Node | str) -> Node | str:
        return whole.of.get(node, node) if isinstance(node, Node) else node

    labels = {find_merged(change.after): text for change in difference.changed if (text := _describe_change(change))}
    labels |= {find_merged(node): text for node, text in (options.get("labels") or {}).items()}
    highlight = [find_merged(node) for node in options.get("highlight") or ()]
    marked = {"marks": whole.marks, "title": difference.counts(), **options}
    return whole.graph, marked | {"labels": labels, "highlight": highlight}


def _describe_change(change: Change) -> str:
    """`weights: softmax → divide`: the name that it keeps, or the operation, and what else a box can tell."""
    facts = {fact: texts for fact, texts in change.what.items() if fact in FACTS}
    if not facts:
        return ""
    name = "" if "name" in facts else change.after.name or ("" if "op" in facts else change.after.op)
    changes = ", ".join(f"{old or 'none'} → {new or 'none'}" for old, new in facts.values())
    return f"{name}: {changes}" if name else changes
