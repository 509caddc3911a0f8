"""Every view that a page can show, laid out in advance: coordinates instead of pictures.

In comes a `Graph`, out goes plain data: for each view its boxes, arrows and clusters in whole points, y downwards.
Called by `explore.py`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from typing import Any

from minigrad.drawing.engines import GraphvizNotFoundError, LayoutError, layout
from minigrad.drawing.explorer.layered import layered
from minigrad.drawing.explorer.nodes import Plain, lines, text
from minigrad.drawing.scopes import Scopes, order_of
from minigrad.drawing.style import LIGHT, cluster_attributes, edge_attributes, graph_attributes, node_attributes
from minigrad.drawing.svg_text import ems
from minigrad.drawing.text import label
from minigrad.drawing.view import Arrow, Box, Cluster, View, view
from minigrad.graph import Graph, Node

MOST_BOXES = 1_000  # of a view
MOST_FOR_ENGINE = 2_500  # boxes and arrows of a view; larger ones are laid out here
TINY = 3  # nodes of a scope that needs no view of its own
SMALL = 25  # boxes; below, a view without gradient graphs runs from left to right
LARGE = 300  # boxes; from here on, engines are asked for less
AT_ONCE, TIMEOUT = 2, 10.0  # engines, and seconds for one
FONT, LINE = 10.0, 12.0  # points
COMMUTATIVE = frozenset(
    {"add", "multiply", "strong_multiply", "maximum", "minimum", "equal", "not_equal", "logical_and", "logical_or",
     "vecdot"}
)  # fmt: skip


def views(graph: Graph, engine: str | None = None) -> tuple[list[Plain], list[str]]:
    """The views of `graph`, the first one to be shown first, and notes on what is not drawn.

    `engine` is that of `minigrad.drawing.engines.layout`.
    """
    chosen, notes = _chosen(graph)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        found = list(pool.map(lambda shown: _places(shown, engine), chosen.values()))
    simple = sum(by_engine is None for by_engine, _ in found)
    if simple == len(found) and any(isinstance(error, GraphvizNotFoundError) for _, error in found):
        notes.append(
            "No layout engine was found, so boxes are in rows by depth: python -m pip install graphviz-pure for a "
            "better layout."
        )
    elif simple:
        notes.append(f"{simple} of {len(found)} views are too large for the layout engine: boxes are in rows by depth.")
    return [_written(key, shown, places) for (key, shown), (places, _) in zip(chosen.items(), found, strict=True)], notes


def _chosen(graph: Graph) -> tuple[dict[str, View], list[str]]:
    """The views by key: an overview, each depth, and each scope open by itself; what would show the same only once."""
    scopes = Scopes(graph)
    paths = list(dict.fromkeys(path for _, path in scopes.members))
    chosen = {"overview": view(graph)}
    known = {_boxes_of(chosen["overview"])}
    too_large: list[str] = []

    def add(key: str, opened: Iterable[str]) -> None:
        shown = view(graph, opened=frozenset(opened), limit=MOST_BOXES)
        if any(box.kind == "group" for box in shown.boxes):
            too_large.append(key)
        if _boxes_of(shown) not in known:
            known.add(_boxes_of(shown))
            chosen[key] = shown

    for depth in range(scopes.depth + 1):
        add(f"depth {depth}", (path for path in paths if path.count("/") < depth))
    tiny = _tiny(scopes)
    for path in paths:
        if path not in tiny:
            around = scopes.around(path)
            add(f"scope {path}", {*around, *(small for small in tiny if small.rpartition("/")[0] in around)})
    notes = []
    if too_large:
        notes.append(
            f"In {len(too_large)} views, which would have more than {MOST_BOXES:,} boxes, neighbours are grouped."
        )
    return chosen, notes


def _tiny(scopes: Scopes) -> list[str]:
    """Scopes so small that they are open whenever what is around them is open by itself, such as a linear layer."""
    small = (path for key, nodes in scopes.members.items() for path in [key[1]] if len(nodes) <= TINY and "/" in path)
    return [path for path in dict.fromkeys(small) if not any((order, path) in scopes.inside for order in range(9))]


def _boxes_of(shown: View) -> tuple[tuple[str, int, int], ...]:
    return tuple((box.id, box.count, len(box.nodes)) for box in shown.boxes)


# --- what is written of a view ------------------------------------------------------------------------------------------


def _written(key: str, shown: View, places: Plain) -> Plain:
    numbers = {box.id: number for number, box in enumerate(shown.boxes)}
    return {
        "key": key,
        "size": [round(x) for x in places["size"]],
        "notes": [text(note) for note in shown.notes],
        "boxes": [_box(box) | {"at": _rounded(places["boxes"][box.id])} for box in shown.boxes],
        "arrows": [
            [numbers[arrow.source.id], numbers[arrow.target.id], _rounded(points), *_note_place(arrow, note)]
            for arrow, points, note in zip(shown.arrows, places["arrows"], places["notes"], strict=True)
        ],
        "clusters": [
            {"title": text(cluster.title), "scope": text(cluster.scope), "order": cluster.order, "count": cluster.count,
             "at": _rounded(at)}
            for cluster, at in places["clusters"]
        ],
    }  # fmt: skip


def _box(box: Box) -> Plain:
    if box.kind == "node":
        return {"nodes": _ranges(box.nodes)}
    found: Plain = {"kind": box.kind, "title": text(box.title), "order": box.order, "lines": box_lines(box),
                    "nodes": _ranges(box.nodes)}  # fmt: skip
    if box.kind == "scope":
        found |= {"scope": text(box.scope), "count": box.count}
        if box.count > 1:
            depth = box.scope.count("/") + 1
            siblings = dict.fromkeys("/".join(node.scope.split("/")[:depth]) for node in box.nodes)
            found["siblings"] = [text(path) for path in siblings]
    return found


def _ranges(nodes: Iterable[Node]) -> list[list[int]]:
    """Numbers as runs, the first node's run first: `[[3, 7], [9, 9]]`."""
    numbers = [node.number for node in nodes]
    runs = groupby(enumerate(numbers), key=lambda item: item[1] - item[0])
    return [[run[0][1], run[-1][1]] for _, found in runs for run in [list(found)]]


def box_lines(box: Box) -> list[str]:
    """What stands in a box."""
    if box.node is not None:
        return lines(box.node)
    if box.kind == "scope":
        counted = len(box.nodes) // box.count
        return [text(box.title), f"{counted} nodes ×{box.count}" if box.count > 1 else f"{counted} nodes"]
    return [text(box.title), str(box.nodes[0].shape)] if box.kind == "next" else [text(box.title)]


def _rounded(numbers: Iterable[float]) -> list[int]:
    return [round(x) for x in numbers]


def _note_place(arrow: Arrow, place: tuple[float, float] | None) -> list[Any]:
    note = _note(arrow)
    return [note, *_rounded(place)] if note and place else []


def _note(arrow: Arrow) -> str:
    """Where it says something new: which operand it is, that it is broadcast."""
    if len(arrow.uses) != 1 or arrow.target.kind != "node":
        return ""
    ((node, position),) = arrow.uses
    x = node.inputs[position]
    assert node.function is not None
    assert isinstance(x, Node)
    slots = sum(isinstance(operand, Node) for operand in node.inputs) > 1 and node.op not in COMMUTATIVE
    slot = node.function.argument(position)
    notes = [slot] if slots and slot != x.name else []
    if node.function.elementwise and x.shape != node.shape:
        notes.append(f"{x.shape} → {node.shape}")
    return " ".join(notes)


# --- places ---------------------------------------------------------------------------------------------------------------


def _places(shown: View, engine: str | None) -> tuple[Plain, Exception | None]:
    """Places by an engine, or else by depth, and why there was no engine."""
    error: Exception | None = None
    if len(shown.boxes) + len(shown.arrows) <= MOST_FOR_ENGINE:
        try:
            written = layout(_dot(shown), "json0", engine, timeout=TIMEOUT)
            return _read(shown, json.loads(written)), None
        except (GraphvizNotFoundError, LayoutError) as problem:
            error = problem
    found = layered(shown, {box.id: _size(box) for box in shown.boxes})
    return {
        "size": found.size,
        "boxes": found.boxes,
        "arrows": found.arrows,
        "clusters": found.clusters,
        "notes": [None] * len(found.arrows),
    }, error


def _size(box: Box) -> tuple[float, float]:
    shown = box_lines(box)
    return max(36.0, max(ems(line) for line in shown) * FONT * 0.95 + 18), LINE * len(shown) + 14


def _read(shown: View, written: Any) -> Plain:
    """Places from what an engine has written, whose y runs upwards."""
    _, _, width, height = map(float, written["bb"].split(","))
    objects = {found["name"]: found for found in written.get("objects", ())}
    edges = {found["id"]: found for found in written.get("edges", ())}

    def box(id: str) -> tuple[float, float, float, float]:
        x, y = map(float, objects[id]["pos"].split(","))
        w, h = float(objects[id]["width"]) * 72, float(objects[id]["height"]) * 72
        return x - w / 2, height - y - h / 2, w, h

    def cluster(number: int) -> tuple[float, float, float, float]:
        left, low, right, high = map(float, objects[f"cluster{number}"]["bb"].split(","))
        return left, height - high, right - left, high - low

    def note(number: int) -> tuple[float, float] | None:
        place = edges[f"e{number}"].get("lp")
        if place is None:
            return None
        x, y = map(float, place.split(","))
        return x, height - y

    return {
        "size": (width, height),
        "boxes": {found.id: box(found.id) for found in shown.boxes},
        "arrows": [_points(edges[f"e{number}"]["pos"], height) for number in range(len(shown.arrows))],
        "clusters": [(found, cluster(number)) for number, found in enumerate(_all(shown.clusters))],
        "notes": [note(number) for number in range(len(shown.arrows))],
    }


def _points(written: str, height: float) -> list[float]:
    """The points of a curve from operand to operation, then the tip; engines write the tip first."""
    points: list[tuple[float, float]] = []
    tip: tuple[float, float] | None = None
    backwards = False
    for part in written.split():
        kind, *numbers = part.split(",") if part[0] in "se" else ("", *part.split(","))
        x, y = float(numbers[0]), height - float(numbers[1])
        if kind:
            tip, backwards = (x, y), kind == "s"
        else:
            points.append((x, y))
    if backwards:
        points.reverse()
    return [number for point in (*points, tip or points[-1]) for number in point]


# --- what an engine is given ------------------------------------------------------------------------------------------------


def _dot(shown: View) -> str:
    """The view in DOT, with nothing that does not matter for places."""
    differentiated = any(box.order for box in shown.boxes)
    settings = graph_attributes(LIGHT) | {
        "rankdir": "LR" if len(shown.boxes) < SMALL and not differentiated else "TB"
    }
    large = len(shown.boxes) >= LARGE
    if large:
        settings["nslimit"] = "1"
    written = ["digraph {", f"graph {_attributes(settings)};"]
    written += [f"{box.id} {_attributes(_look(box), label=label(*box_lines(box)))};" for box in shown.boxes]
    written += _clusters(shown)
    for number, arrow in enumerate(shown.arrows):
        low, high = arrow.source.order, arrow.target.order
        kind = "value" if not high else "backward" if low == high else "saved"
        ends = (arrow.target, arrow.source) if kind == "backward" else (arrow.source, arrow.target)
        note = _note(arrow)
        extra = {"label": label(f" {note}")} if note and not large else {}
        look = edge_attributes(LIGHT, kind) | {"id": f"e{number}"}
        written.append(f"{ends[0].id} -> {ends[1].id} {_attributes(look, **extra)};")
    return "\n".join([*written, "}", ""])


def _look(box: Box) -> dict[str, str]:
    if box.node is not None:
        return node_attributes(LIGHT, box.node.role, order_of(box.node), box.node.output)
    return node_attributes(LIGHT, "state" if box.kind == "next" else "op", box.order)


def _clusters(shown: View) -> Iterator[str]:
    numbers = {id(cluster): number for number, cluster in enumerate(_all(shown.clusters))}
    stack: list[Cluster | str] = list(reversed(shown.clusters))
    while stack:
        cluster = stack.pop()
        if isinstance(cluster, str):
            yield cluster
            continue
        yield f"subgraph cluster{numbers[id(cluster)]} {{"
        title = cluster.title + (f" ×{cluster.count}" if cluster.count > 1 else "")
        yield f"graph {_attributes(cluster_attributes(LIGHT, cluster.order), label=label(title))};"
        yield " ".join(f"{box.id};" for box in cluster.boxes)
        stack += ["}", *reversed(cluster.inside)]


def _all(clusters: Iterable[Cluster]) -> list[Cluster]:
    """The clusters and all inside them, outer ones first."""
    found: list[Cluster] = []
    pending = list(reversed(list(clusters)))
    while pending:
        found.append(pending.pop())
        pending += reversed(found[-1].inside)
    return found


def _attributes(look: dict[str, str], **quoted: str) -> str:
    written = [f'{key}="{value}"' for key, value in look.items()] + [f"{key}={value}" for key, value in quoted.items()]
    return f"[{', '.join(written)}]"
