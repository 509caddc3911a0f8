"""What is chosen about a picture: options enter; what is shown, and how, leave. The writers of pictures call it."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from typing import Any, Literal, TypedDict, Unpack

from minigrad.drawing.style import THEMES
from minigrad.drawing.view import Arrow, Box, View, view
from minigrad.graph import Graph, Node
from minigrad.graph.search import node_of

Direction = Literal["TB", "LR", "BT", "RL"]
Mark = Literal["added", "removed", "changed", "failed"]

SMALL = 25  # boxes; below, a picture without gradient graphs runs from left to right


class Choices(TypedDict, total=False):
    """What can be chosen about every picture, see `minigrad.drawing.dot.dot_source`."""

    depth: int | None
    hide_constants: bool
    order: int | None
    between: tuple[Node | str, Node | str] | None
    values: bool
    direction: Direction | None
    title: str | None
    labels: Mapping[Node | str, str] | None
    highlight: Collection[Node | str]
    marks: Mapping[Node, Mark]


class Options(Choices, total=False):
    """What can be chosen about a picture that an engine lays out."""

    gradients: bool
    legend: bool
    theme: Literal["light", "dark", "auto"]
    font_size: float | None
    dpi: float | None


def chosen(graph: Graph, **options: Unpack[Options]) -> tuple[View, Look]:
    """What is shown of `graph` and how, see `dot_source`."""
    for name in options:
        if name not in Options.__annotations__:
            raise TypeError(unexpected_option(name, Options.__annotations__))
    given: dict[str, Any] = dict(options)
    start_and_end = given.pop("between", None)
    if start_and_end is not None:
        graph = graph.between(*start_and_end)
    asked_for = given.get("depth") is not None
    given["marks"] = marks = _failed(graph) | dict(given.get("marks") or {})
    chosen_view = {name: given.pop(name) for name in ("depth", "hide_constants", "order") if name in given}
    shown = view(graph, apart=marks, **chosen_view)
    if asked_for:  # what was asked for needs no note
        shown = replace(shown, notes=())
    given["labels"] = {node_of(graph, node): text for node, text in (given.get("labels") or {}).items()}
    given["highlight"] = frozenset(node_of(graph, node) for node in given.get("highlight") or ())
    return shown, Look(**given)


def unexpected_option(name: str, known: Collection[str]) -> str:
    """The message for an option that there is not."""
    close = get_close_matches(name, known, 1)
    hint = f"; did you mean {close[0]!r}?" if close else f", there are {', '.join(known)}"
    return f"pictures have no option {name!r}{hint}"


@dataclass(frozen=True, kw_only=True)
class Look:
    """What is chosen about a picture, see `dot_source`.

    `played` is for one picture of a series on the same layout: how many contributions have flowed back, the last of
    them being the current one; `caption` are lines beside the graph whose length changes no layout.
    """

    theme: Literal["light", "dark", "auto"] = "light"
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
        allowed = {"theme": (*THEMES, "auto"), "direction": (None, "TB", "LR", "BT", "RL")}
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


def sample(box: Box) -> tuple[str, int, bool]:
    """Role, order of derivative and whether it is an output: what decides the look of a box."""
    node = box.node
    if node is None:
        roles = {"scope": "stack" if box.count > 1 else "scope", "next": box.nodes[0].role}
        return roles.get(box.kind, box.kind), box.order, False
    return node.role, box.order if node.role == "op" else 0, any(x.output for x in box.nodes)


def mark_of(box: Box, marks: Mapping[Node, Mark]) -> Mark | None:
    """What became of a box: of several nodes, what became of all, or of the one that failed."""
    found = {marks.get(node) for node in box.nodes}
    if len(found) == 1:
        return found.pop()
    return "failed" if "failed" in found else "changed"


def _failed(graph: Graph) -> dict[Node, Mark]:
    return {node: "failed" for node in graph if node.failure is not None}


def kind_of(arrow: Arrow) -> str:
    """Which of `style.EDGES` an arrow is."""
    return "value" if not arrow.target.order else "backward" if arrow.source.order == arrow.target.order else "saved"
