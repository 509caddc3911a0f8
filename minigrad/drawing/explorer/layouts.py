"""Every view that a page can show, laid out in advance: coordinates instead of pictures.

In comes a `Graph`, out goes plain data: for each view its boxes, arrows and clusters in whole points, y downwards.
Called by `explore.py`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import groupby
from typing import Any

from minigrad.drawing.dot import written as dot_of
from minigrad.drawing.engines import GraphvizNotFoundError, LayoutError, layout
from minigrad.drawing.explorer.layered import layered, within
from minigrad.drawing.explorer.nodes import Plain, text
from minigrad.drawing.labels import arrow_notes, box_lines
from minigrad.drawing.look import Look
from minigrad.drawing.scopes import Scopes
from minigrad.drawing.svg_text import ems
from minigrad.drawing.view import Arrow, Box, View, view
from minigrad.graph import Graph, Node

MOST_BOXES = 1_000  # of a view
MOST_FOR_ENGINE, DEEPEST_FOR_ENGINE = 2_500, 64  # boxes and arrows, and open scopes around one; others are done here
EVERY_DEPTH = 12  # down to this one each depth has a view, and each scope one of its own
MOST_OF_SCOPES, MOST_VISITS = 64, 30_000  # views of scopes, and more of them where each visits few nodes
TINY = 3  # nodes of a scope that needs no view of its own
AT_ONCE, TIMEOUT = 2, 10.0  # engines, and seconds for one
FONT, LINE = 10.0, 12.0  # points


def views(graph: Graph, engine: str | None = None) -> tuple[list[Plain], list[str]]:
    """The views of `graph`, the first one to be shown first, and notes on what is not drawn.

    `engine` is that of `minigrad.drawing.engines.layout`.
    """
    with ThreadPoolExecutor(AT_ONCE) as pool:
        pending = [(key, shown, pool.submit(_places, shown, engine)) for key, shown in _chosen(graph)]
    found = [(key, shown, *future.result()) for key, shown, future in pending]
    written = [_written(key, shown, places) for key, shown, places, _ in found]
    return written, [*_grouped(written), *_simple([why for *_, why in found])]


def _grouped(found: list[Plain]) -> list[str]:
    count = sum(any(box.get("kind") == "group" for box in shown["boxes"]) for shown in found[1:])
    return [f"In {count} views of more than {MOST_BOXES:,} boxes, neighbours are grouped."] if count else []


def _simple(reasons: list[str]) -> list[str]:
    if "missing" in reasons:
        return [
            "No layout engine was found, so boxes are in rows by depth: python -m pip install graphviz-pure for a "
            "better layout."
        ]
    count = sum(why != "" for why in reasons)
    failed = f"The layout engine did not manage {count} of {len(reasons)} views: there, boxes are in rows by depth."
    return [failed] if count else []


def _chosen(graph: Graph) -> Iterator[tuple[str, View]]:
    """The views with their keys: an overview, each depth, and each scope open by itself; none that shows the same.

    What grows faster than the graph is left out: far down there are not all depths, and where there are very many
    scopes the inner ones have no view of their own. Each is open in that of the greatest depth.
    """
    scopes = Scopes(graph)
    levels = {path: path.count("/") for _, path in scopes.members}
    tiny: dict[str, list[str]] = {}
    for small in _tiny(scopes):
        tiny.setdefault(small.rpartition("/")[0], []).append(small)
    inner = {small for found in tiny.values() for small in found}
    opened = {f"depth {depth}": {p for p in levels if levels[p] < depth} for depth in _depths(scopes.depth)}
    own = [path for path in levels if path not in inner and levels[path] < EVERY_DEPTH]
    outermost = set(sorted(own, key=levels.__getitem__)[: MOST_OF_SCOPES + MOST_VISITS // max(1, len(graph))])
    for path in (path for path in own if path in outermost):
        around = scopes.around(path)
        opened[f"scope {text(path)}"] = {*around, *(small for outer in around for small in tiny.get(outer, ()))}
    overview = view(graph, scopes=scopes)
    known = {_boxes_of(overview)}
    yield "overview", overview
    for key, inside in opened.items():
        shown = view(graph, opened=inside, limit=MOST_BOXES, scopes=scopes)
        if _boxes_of(shown) not in known:
            known.add(_boxes_of(shown))
            yield key, shown


def _depths(deepest: int) -> list[int]:
    """The depths that have views: the first ones, then each half as deep again as the one before, and the last.

    >>> _depths(3), _depths(50)
    ([0, 1, 2, 3], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 18, 27, 40, 50])
    """
    found = list(range(min(deepest, EVERY_DEPTH) + 1))
    while found[-1] < deepest:
        found.append(min(deepest, found[-1] * 3 // 2))
    return found


def _tiny(scopes: Scopes) -> list[str]:
    """Scopes so small that they are open whenever what is around them is open by itself, such as a linear layer."""
    small = (path for key, nodes in scopes.members.items() for path in [key[1]] if len(nodes) <= TINY and "/" in path)
    return [path for path in dict.fromkeys(small) if not any((order, path) in scopes.inside for order in range(9))]


def _boxes_of(shown: View) -> tuple[tuple[str, int, int], ...]:
    return tuple((box.id, box.count, len(box.nodes)) for box in shown.boxes)


# --- what is written of a view ----------------------------------------------------------------------------------------


def _written(key: str, shown: View, places: Plain) -> Plain:
    numbers = {box.id: number for number, box in enumerate(shown.boxes)}
    return {
        "key": key,
        "size": [round(x) for x in places["size"]],
        "notes": [text(note) for note in shown.notes],
        "boxes": [_box(shown, box) | {"at": _rounded(places["boxes"][box.id])} for box in shown.boxes],
        "arrows": [
            [numbers[arrow.source.id], numbers[arrow.target.id], _differences(_rounded(points)), *_note(arrow, note)]
            for arrow, points, note in zip(shown.arrows, places["arrows"], places["notes"], strict=True)
        ],
        "clusters": [
            {"title": text(cluster.title), "scope": text(cluster.scope), "order": cluster.order, "count": cluster.count,
             "at": _rounded(at)}
            for cluster, at in places["clusters"]
        ],
    }  # fmt: skip


def _box(shown: View, box: Box) -> Plain:
    if box.kind == "node":
        return {"nodes": _ranges(box.nodes)}
    found: Plain = {
        "kind": box.kind,
        "title": text(box.title),
        "order": box.order,
        "lines": [text(line) for line in box_lines(shown, box)],
        "nodes": _ranges(box.nodes),
    }
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


def _rounded(numbers: Iterable[float]) -> list[int]:
    return [round(x) for x in numbers]


def _differences(points: list[int]) -> list[int]:
    """Each point from the one before, which packs to half the size."""
    return [*points[:2], *(after - before for before, after in zip(points, points[2:], strict=False))]


def _note(arrow: Arrow, place: tuple[float, float] | None) -> list[Any]:
    note = text(" ".join(arrow_notes(arrow)))
    return [note, *_rounded(place)] if note and place else []


# --- places -----------------------------------------------------------------------------------------------------------


def _places(shown: View, engine: str | None) -> tuple[Plain, str]:
    """Places by an engine, or else by depth, and why the engine did not do it: "missing", "failed" or ""."""
    why = "failed"
    deepest = max((box.scope.count("/") for box in shown.boxes), default=0)
    if len(shown.boxes) + len(shown.arrows) <= MOST_FOR_ENGINE and deepest <= DEEPEST_FOR_ENGINE:
        try:
            places = layout(dot_of(replace(shown, notes=()), Look()), "json0", engine, timeout=TIMEOUT)
            return _read(shown, json.loads(places)), ""
        except GraphvizNotFoundError:
            why = "missing"
        except LayoutError:
            pass
    found = layered(shown, {box.id: _size(box_lines(shown, box)) for box in shown.boxes})
    return {
        "size": found.size,
        "boxes": found.boxes,
        "arrows": found.arrows,
        "clusters": found.clusters,
        "notes": [None] * len(found.arrows),
    }, why


def _size(shown: list[str]) -> tuple[float, float]:
    return max(36.0, max(ems(line) for line in shown) * FONT * 0.95 + 18), LINE * len(shown) + 14


def _read(shown: View, written: Any) -> Plain:
    """Places from what an engine has written, whose y runs upwards."""
    _, _, width, height = map(float, written["bb"].split(","))
    objects = {found["name"]: found for found in written.get("objects", ())}
    edges = _edges(shown, written)

    def box(id: str) -> tuple[float, float, float, float]:
        x, y = map(float, objects[id]["pos"].split(","))
        w, h = float(objects[id]["width"]) * 72, float(objects[id]["height"]) * 72
        return x - w / 2, height - y - h / 2, w, h

    def cluster(number: int) -> tuple[float, float, float, float]:
        left, low, right, high = map(float, objects[f"cluster{number}"]["bb"].split(","))
        return left, height - high, right - left, high - low

    def note(number: int) -> tuple[float, float] | None:
        place = edges[number].get("lp")
        if place is None:
            return None
        x, y = map(float, place.split(","))
        return x, height - y

    return {
        "size": (width, height),
        "boxes": {found.id: box(found.id) for found in shown.boxes},
        "arrows": [_points(edges[number]["pos"], height) for number in range(len(shown.arrows))],
        "clusters": [(found, cluster(number)) for number, found in enumerate(within(shown.clusters))],
        "notes": [note(number) for number in range(len(shown.arrows))],
    }


def _edges(shown: View, written: Any) -> list[Any]:
    """The edge of each arrow. Engines keep the order of edges between the same two boxes, and only that."""
    names = {found["_gvid"]: found["name"] for found in written.get("objects", ())}
    between: dict[tuple[str, str], list[Any]] = {}
    for found in written.get("edges", ()):
        between.setdefault((names[found["tail"]], names[found["head"]]), []).append(found)
    ordered = []
    for arrow in shown.arrows:
        source, target = arrow.source, arrow.target
        in_gradient = target.order and source.order == target.order  # these are written against their direction
        ends = (target.id, source.id) if in_gradient else (source.id, target.id)
        ordered.append(between[ends].pop(0))
    return ordered


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
