"""What is chosen about a picture: options enter; what is shown, and how, leave."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from typing import Any, Literal, get_args

import numpy as np

from minigrad.core.arrays import Array
from minigrad.drawing.boxes import Arrow, Box, View
from minigrad.drawing.sheet import Theme
from minigrad.drawing.view import make_view
from minigrad.graph import Graph, Node
from minigrad.graph.search import node_of

Direction = Literal["TB", "LR", "BT", "RL"]
Mark = Literal["added", "removed", "changed", "failed"]

GRAPHVIZ_NAMES = {"rankdir": "direction", "size": "width"}  # of options, to ours
SMALL = 25  # boxes; below, a picture without gradient graphs runs from left to right

# The options of every picture, and those of one that an engine lays out; see `minigrad.drawing.dot.dot_source`.
CHOICES = (
    "depth", "hide_constants", "order", "between", "values", "direction", "title", "labels", "highlight", "marks",
)  # fmt: skip
OPTIONS = (*CHOICES, "gradients", "legend", "theme", "font_size", "dpi")


def parse_options(graph: Graph, options: Mapping[str, Any], known: Collection[str] = OPTIONS) -> tuple[View, Look]:
    """What is shown of `graph` and how, see `dot_source`."""
    for name in options:
        if name not in known:
            close = [GRAPHVIZ_NAMES[name]] if name in GRAPHVIZ_NAMES else get_close_matches(name, known, 1)
            hint = f"; did you mean {close[0]!r}?" if close else f", there are {', '.join(known)}"
            raise TypeError(f"pictures have no option {name!r}{hint}")
    given = dict(options)
    start_and_end = given.pop("between", None)
    if start_and_end is not None:
        if isinstance(start_and_end, str) or not isinstance(start_and_end, Sequence) or len(start_and_end) != 2:
            raise ValueError(f"between={start_and_end!r}: expected two nodes or names, as between=('query', 'scores')")
        graph = graph.between(*start_and_end)
    check_labels(given.get("labels"))
    highlight = given.get("highlight") or ()
    if isinstance(highlight, str) or not isinstance(highlight, Collection):
        raise TypeError(f"highlight={highlight!r}: expected a list of nodes or names, as highlight=['scores']")
    if not isinstance(given.get("marks") or {}, Mapping):
        raise TypeError(f"marks={given['marks']!r}: expected a dictionary from nodes to what became of them")
    failed = {node: "failed" for node in graph if node.failure is not None}
    given["marks"] = failed | dict(given.get("marks") or {})
    of_view = {name: given.pop(name) for name in ("depth", "hide_constants", "order") if name in given}
    labels = {node_of(graph, node): text for node, text in (given.get("labels") or {}).items()}
    highlight = frozenset(node_of(graph, node) for node in highlight)
    own = {node: (given["marks"].get(node), labels.get(node)) for node in (*given["marks"], *labels, *highlight)}
    shown = make_view(graph, marks=own, **of_view)  # a node of which something of its own is told is not folded
    if of_view.get("depth") is not None:  # what was asked for needs no note
        shown = replace(shown, notes=())
    return shown, Look(**given | {"labels": labels, "highlight": highlight})


def check_labels(labels: object) -> None:
    """Raise for labels that are no texts by node, name or module."""
    if labels and not (isinstance(labels, Mapping) and all(isinstance(text, str) for text in labels.values())):
        raise TypeError(f"labels={labels!r}: expected a dictionary of texts, as labels={{'scores': 'how alike'}}")


@dataclass(frozen=True, kw_only=True)
class Look:
    """What is chosen about a picture, see `dot_source`.

    `played` is for one picture of a series on the same layout: how many contributions have flowed back, the last of
    them being the current one; `caption` are lines beside the graph whose length changes no layout.
    """

    theme: Theme = "light"
    direction: Direction | None = None
    title: str | None = None
    legend: bool = False
    font_size: float | None = None
    dpi: float | None = None
    values: bool = False
    gradients: bool = False
    labels: Mapping[Node, str] = field(default_factory=dict)
    highlight: frozenset[Node] = frozenset()
    marks: Mapping[Node, Mark] = field(default_factory=dict)
    played: int | None = None
    caption: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        allowed = {"theme": get_args(Theme), "direction": (None, "TB", "LR", "BT", "RL")}
        for name, values in allowed.items():
            if getattr(self, name) not in values:
                expected = ", ".join(repr(value) for value in values if value)
                raise ValueError(f"{name}={getattr(self, name)!r}: expected one of {expected}")
        for name in ("font_size", "dpi"):
            size = getattr(self, name)
            if size is not None and not (isinstance(size, (int, float)) and 0 < size < math.inf):
                raise ValueError(f"{name}={size!r}: expected a positive number")

    def direction_of(self, shown: View) -> Direction:
        """The direction that was chosen, or the one that suits the graph."""
        small = len(shown.boxes) < SMALL and not any(box.order for box in shown.boxes)
        return self.direction or ("LR" if small else "TB")

    def mark_of(self, box: Box) -> Mark | None:
        """What became of a box: of several nodes, what became of all, or of the one that failed."""
        if box.kind == "next":
            return None
        marks = {self.marks.get(node) for node in box.nodes}
        if len(marks) == 1:
            return marks.pop()
        return "failed" if "failed" in marks else "changed"

    def alarms(self, box: Box) -> bool:
        """Is there NaN or infinity in what the box shows?"""
        node = box.node if len(box.nodes) == 1 else None
        if node is None:
            return False
        return (self.values and _is_odd(node.value)) or (self.gradients and _is_odd(node.gradient))

    def highlights(self, box: Box) -> bool:
        """Is one of the nodes of the box to be seen first?"""
        return box.kind != "next" and any(node in self.highlight for node in box.nodes)


def _is_odd(array: Array | None) -> bool:
    return array is not None and array.dtype.kind == "f" and not bool(np.isfinite(array).all())


def classify_box(box: Box) -> tuple[str, int, bool]:
    """Role, order of derivative and whether it is an output: what decides the look of a box."""
    node = box.node
    if node is None:
        roles = {"scope": "stack" if box.count > 1 else "scope", "next": box.nodes[0].role}
        return roles.get(box.kind, box.kind), box.order, False
    return node.role, box.order if node.role == "op" else 0, any(x.output for x in box.nodes)


def classify_arrow(arrow: Arrow) -> str:
    """Which of `style.EDGES` an arrow is."""
    return "value" if not arrow.target.order else "backward" if arrow.source.order == arrow.target.order else "saved"
