"""Where everything lies: a `View` with the sizes of its boxes enters an engine, coordinates leave, y downwards.

The engine sees sizes, in points, and what is joined to what; it knows no text, so fonts that it lacks change nothing.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from minigrad.drawing.engines import TIMEOUT, layout
from minigrad.drawing.look import Direction, classify_arrow
from minigrad.drawing.outlines import Frame
from minigrad.drawing.style import EDGES, GRAPH
from minigrad.drawing.view import Arrow, Box, Cluster, View, list_clusters, walk_clusters

LARGE = 300  # boxes; from here on, engines are asked for less
Point = tuple[float, float]
Size = tuple[float, float]


@dataclass(frozen=True)
class Sizes:
    """What takes room: boxes, the headings of clusters in the order of `list_clusters`, and the notes of arrows."""

    boxes: Mapping[Box, Size]
    headings: Sequence[Size]
    notes: Sequence[Size | None]


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


def find_places(
    shown: View, sizes: Sizes, flows: Iterable[tuple[Box, Box]], direction: Direction,
    engine: str | None = None, timeout: float = TIMEOUT,
) -> Places:  # fmt: skip
    """Lay out what is shown, with an arrow back for each of `flows` (source and target), which moves no box."""
    dot = "\n".join(["digraph {", *_write_skeleton(shown, sizes, flows, direction), "}", ""])
    return _read_places(shown, json.loads(layout(dot, "json0", engine, timeout=timeout)))


# --- what the engine reads --------------------------------------------------------------------------------------------


def _write_skeleton(shown: View, sizes: Sizes, flows: Iterable[tuple[Box, Box]], direction: Direction) -> Iterator[str]:
    large = len(shown.boxes) >= LARGE
    limits = ", nslimit=1" if large else ""
    yield f"graph [rankdir={direction}, nodesep={GRAPH['nodesep']}, ranksep={GRAPH['ranksep']}{limits}];"
    yield 'node [shape=box, fixedsize=true, label=""];'
    yield "edge [arrowsize=0.6];"
    for box in shown.boxes:
        width, height = sizes.boxes[box]
        yield f"{box.id} [width={width / 72:.5f}, height={height / 72:.5f}];"
    headings, numbers = iter(sizes.headings), itertools.count()
    for _, cluster in walk_clusters(shown.clusters):
        if cluster is None:
            yield "}"
            continue
        yield f"subgraph cluster{next(numbers)} {{"
        yield f"graph [label={_write_room(next(headings))}, labeljust=l, margin=9];"
        yield from (f"{box.id};" for box in cluster.boxes)
    for number, (arrow, note) in enumerate(zip(shown.arrows, sizes.notes, strict=True)):
        yield _write_edge(f"a{number}", arrow, note, large)
    for number, (source, target) in enumerate(flows):
        yield f'{source.id} -> {target.id} [id="f{number}", {_write_attributes(EDGES["gradient"])}];'


def _write_edge(name: str, arrow: Arrow, note: Size | None, large: bool) -> str:
    kind = classify_arrow(arrow)
    backward = kind == "backward"
    ends = (arrow.target, arrow.source) if backward else (arrow.source, arrow.target)
    attributes = [f'id="{name}"', *([_write_attributes(EDGES[kind])] if EDGES[kind] else [])]
    if note is not None:
        # A label in the middle gets room of its own, which takes an engine twice the time.
        place = ("taillabel" if backward else "headlabel") if large else "label"
        attributes.append(f"{place}={_write_room(note)}")
    return f"{ends[0].id} -> {ends[1].id} [{', '.join(attributes)}];"


def _write_attributes(attributes: Mapping[str, str]) -> str:
    return ", ".join(f'{name}="{value}"' for name, value in attributes.items())


def _write_room(size: Size) -> str:
    """An empty label of a given size."""
    return (
        '<<TABLE BORDER="0" CELLBORDER="0" CELLPADDING="0" CELLSPACING="0" FIXEDSIZE="TRUE" '
        f'WIDTH="{round(size[0])}" HEIGHT="{round(size[1])}"><TR><TD></TD></TR></TABLE>>'
    )


# --- what it writes ---------------------------------------------------------------------------------------------------


def _read_places(shown: View, written: Any) -> Places:
    """Places from what an engine has written, whose y runs upwards."""
    _, _, width, height = _read_numbers(written.get("bb", "0,0,0,0"))
    objects = {entry["name"]: entry for entry in written.get("objects", ())}
    edges = {entry["id"]: entry for entry in written.get("edges", ())}

    def place_box(box: Box) -> Frame:
        entry = objects[box.id]
        x, y = _read_numbers(entry["pos"])
        w, h = float(entry["width"]) * 72, float(entry["height"]) * 72
        return Frame(x - w / 2, height - y - h / 2, w, h)

    def place_cluster(number: int) -> Frame:
        left, low, right, high = _read_numbers(objects[f"cluster{number}"]["bb"])
        return Frame(left, height - high, right - left, high - low)

    flows = [edges[f"f{number}"] for number in range(len(edges) - len(shown.arrows))]
    return Places(
        (width, height),
        {box: place_box(box) for box in shown.boxes},
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

    note = next((edge[place] for place in ("lp", "head_lp", "tail_lp") if place in edge), None)
    return Curve(tuple(map(read_point, points)), read_point(tip), read_point(note.split(",")) if note else None)


def _read_numbers(written: str) -> list[float]:
    return [float(number) for number in written.split(",")]
