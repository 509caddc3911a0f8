"""Where everything lies: a `View` with the sizes of its boxes enters an engine, coordinates leave, y downwards.

The engine sees sizes, in points, and what is joined to what; it knows no text, so fonts that it lacks change nothing.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from minigrad.drawing.boxes import Box, Cluster, View, list_clusters
from minigrad.drawing.dot import Size, Sizes, write_dot
from minigrad.drawing.engines import TIMEOUT, LayoutError, layout
from minigrad.drawing.look import Look
from minigrad.drawing.outlines import Frame

Point = tuple[float, float]


@dataclass(frozen=True)
class Curve:
    """A Bézier curve, three points for each piece after the first; it ends where the head of the arrow begins."""

    points: tuple[Point, ...]
    tip: Point
    note: Point | None

    def move(self, x: float, y: float) -> Curve:
        points = tuple((left + x, top + y) for left, top in self.points)
        note = self.note and (self.note[0] + x, self.note[1] + y)
        return Curve(points, (self.tip[0] + x, self.tip[1] + y), note)


@dataclass(frozen=True)
class Places:
    """Frames and curves, in the order of what was laid out."""

    size: Size
    boxes: Mapping[Box, Frame]
    clusters: Sequence[tuple[Cluster, Frame]]
    arrows: Sequence[Curve]
    flows: Sequence[Curve]

    def move(self, x: float, y: float) -> Places:
        return Places(
            self.size,
            {box: frame.move(x, y) for box, frame in self.boxes.items()},
            [(cluster, frame.move(x, y)) for cluster, frame in self.clusters],
            [curve.move(x, y) for curve in self.arrows],
            [curve.move(x, y) for curve in self.flows],
        )


def find_places(shown: View, look: Look, sizes: Sizes, engine: str | None = None, timeout: float = TIMEOUT) -> Places:
    """Lay out what is shown; its errors are those of `layout`.

    An engine that fails is asked once more, within its time, for a layout in which notes have no room of their own:
    with room Graphviz gives up some loops with their gradients ("trouble in init_rank").
    """
    begin = time.monotonic()
    try:
        return read_places(shown, layout(write_dot(shown, look, sizes), engine=engine, timeout=timeout))
    except LayoutError:
        left = timeout - (time.monotonic() - begin)
        if left <= 0 or not any(sizes.notes) or not sizes.notes_have_room:
            raise
    return find_places(shown, look, replace(sizes, notes_have_room=False), engine, left)


def read_places(shown: View, written: Any) -> Places:
    """Places from what an engine has written, whose y runs upwards."""
    _, _, width, height = _read_numbers(written.get("bb", "0,0,0,0"))
    objects = {entry["name"]: entry for entry in written.get("objects", ())}
    edges = {entry["id"]: entry for entry in written.get("edges", ())}

    def place_box(number: int) -> Frame:
        entry = objects[f"b{number}"]
        x, y = _read_numbers(entry["pos"])
        w, h = float(entry["width"]) * 72, float(entry["height"]) * 72
        return Frame(x - w / 2, height - y - h / 2, w, h)

    def place_cluster(number: int) -> Frame:
        left, low, right, high = _read_numbers(objects[f"cluster{number}"]["bb"])
        return Frame(left, height - high, right - left, high - low)

    flows = [edges[f"f{number}"] for number in range(len(edges) - len(shown.arrows))]
    return Places(
        (width, height),
        {box: place_box(number) for number, box in enumerate(shown.boxes)},
        [(cluster, place_cluster(number)) for number, cluster in enumerate(list_clusters(shown.clusters))],
        [_read_curve(edges[f"a{number}"], height) for number in range(len(shown.arrows))],
        [_read_curve(entry, height) for entry in flows],
    )


def _read_curve(edge: Any, height: float) -> Curve:
    """The curve of an edge towards its arrow head; engines write the tip first, marked by the end where it is."""
    (end, *tip), *points = (part.split(",") for part in edge["pos"].split())
    if end == "s":
        points.reverse()

    def read_point(numbers: Iterable[str]) -> Point:
        x, y = map(float, numbers)
        return x, height - y

    note = edge.get("lp", edge.get("xlp"))
    return Curve(tuple(map(read_point, points)), read_point(tip), read_point(note.split(",")) if note else None)


def _read_numbers(written: str) -> list[float]:
    return [float(number) for number in written.split(",")]
