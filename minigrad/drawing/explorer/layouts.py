"""Every view that a page can show, laid out in advance: coordinates instead of pictures.

In comes a `Graph`, out goes plain data: for each view its boxes, arrows and clusters in whole points, y downwards.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain, groupby
from typing import Any

from minigrad.drawing.boxes import Arrow, Box, View, list_clusters
from minigrad.drawing.dot import Size, Sizes, write_dot
from minigrad.drawing.engines import GraphvizNotFoundError, LayoutError, layout_together
from minigrad.drawing.explorer.payload import LONGEST_LINE, Plain, write_said
from minigrad.drawing.explorer.rows import lay_out_in_rows
from minigrad.drawing.explorer.samples import Note
from minigrad.drawing.fonts import measure_text
from minigrad.drawing.labels import describe_arrow, describe_box, describe_node
from minigrad.drawing.look import Direction, Look
from minigrad.drawing.outlines import Frame
from minigrad.drawing.painter import measure_heading, measure_note
from minigrad.drawing.phrases import LANGUAGES, say
from minigrad.drawing.places import Curve, Places, read_places
from minigrad.drawing.scopes import Scopes, is_drawn, name_repeats, run_of
from minigrad.drawing.text import make_text
from minigrad.drawing.view import LIMIT, check_level, make_view
from minigrad.graph import Graph, Node

MOST_BOXES = 1_000  # of a view
MOST_AT_FIRST, MOST_TOGETHER = 8, 60  # of the first one, and where there are no scopes to close
MOST_BETWEEN = LIMIT  # of one that is neither the first nor has everything open
MOST_FOR_ENGINE, DEEPEST_FOR_ENGINE = 2_500, 64  # boxes and arrows, and open scopes around one; others are done here
EVERY_DEPTH = 12  # down to this one each depth has a view, and each scope one of its own
MOST_OF_SCOPES, MOST_VISITS = 64, 30_000  # views of scopes, and more of them where each visits few nodes
TINY = 3  # nodes of a scope that needs no view of its own
AT_ONCE, TIMEOUT = 2, 10.0  # engines, and seconds for one
MOST_IN_A_RUN = 100_000  # characters of the texts that an engine is given at once
FONT, LINE = 10.0, 12.0  # points
EVERY_TURN = "turns"  # the view in which nothing that is repeated is drawn once
DOWNWARDS: Direction = "TB"  # fills tall screens and wide ones, and the next view runs as the one before


def lay_out_views(
    graph: Graph, engine: str | None = None, depth: int | None = None, direction: Direction | None = None
) -> tuple[list[Plain], list[Note]]:
    """The views of `graph`, the first one to be shown first, and notes on what is not drawn, as `samples.Note`.

    `engine` is that of `minigrad.drawing.engines.layout`; scopes of the first view are open down to `depth`.
    What an engine fails at is tried once more with notes that have no room of their own, and else put in rows.
    """
    look = Look(direction=direction or DOWNWARDS)
    plans = [_plan_view(key, shown, look) for key, shown in _choose_views(graph, depth)]
    try:
        placed, is_missing = _lay_out(plans, engine), False
        plans = [x if placed.get(x.text, True) else _plan_view(x.key, x.shown, look, False) for x in plans]
        placed |= _lay_out([plan for plan in plans if plan.text not in placed], engine)
    except GraphvizNotFoundError:
        placed, is_missing = {}, True
    views = [_write_view(plan, _find_places(plan, placed.get(plan.text))) for plan in plans]
    failed = sum(placed.get(plan.text) is None for plan in plans)
    return views, _write_notes(views, failed, is_missing)


def _write_notes(views: list[Plain], failed: int, is_missing: bool) -> list[Note]:
    grouped = sum(any(box.get("kind") == "group" for box in shown["boxes"]) for shown in views[1:])
    notes: list[Note] = [["groupedViews", grouped, MOST_BOXES]] if grouped else []
    if is_missing:
        return [*notes, ["noEngine"]]
    return [*notes, ["engineFailed", failed, len(views)]] if failed else notes


def _choose_views(graph: Graph, depth: int | None) -> Iterator[tuple[str, View]]:
    """The views with their keys: an overview, each depth, and each scope open by itself; none that shows the same.

    What grows faster than the graph is left out. Far down there are not all depths, and no large one but the last;
    where there are very many scopes, the inner ones have no view of their own, and are open in that of the last depth.
    """
    given = Scopes(graph)
    overview = _make_overview(graph, given, depth)
    scopes = overview.scopes  # where there are none, what loops repeat
    levels = {path: path.count("/") for _, path in scopes.members if is_drawn(path)}
    tiny: dict[str, list[str]] = {}  # by the scope around them
    for small in _find_tiny(scopes, levels):
        tiny.setdefault(small.rpartition("/")[0], []).append(small)
    inner = {small for together in tiny.values() for small in together}
    depths = _choose_depths(max(levels.values(), default=-1) + 1)
    opened = {f"depth {deep}": {p for p in levels if levels[p] < deep} for deep in depths}
    between = {f"depth {deep}" for deep in depths[:-1]}
    larger = [path for path in levels if path not in inner and levels[path] < EVERY_DEPTH]
    outermost = set(sorted(larger, key=levels.__getitem__)[: MOST_OF_SCOPES + MOST_VISITS // max(1, len(graph))])
    for path in (path for path in larger if path in outermost):
        around = scopes.list_around(path)
        inside = {*around, *(small for outer in around for small in tiny.get(outer, ()))}
        opened[f"scope {make_text(name_repeats(path))}"] = inside
    if scopes is not given:
        opened[EVERY_TURN] = set()
    known = {_identify(overview)}
    yield "overview", overview
    for key, inside in opened.items():
        shown = make_view(graph, opened=inside, limit=MOST_BOXES, scopes=given if key == EVERY_TURN else scopes)
        if _identify(shown) not in known and (key not in between or len(shown.boxes) <= MOST_BETWEEN):
            known.add(_identify(shown))
            yield key, shown


def _make_overview(graph: Graph, scopes: Scopes, depth: int | None) -> View:
    """The greatest depth with so few boxes that they are taken in at a glance; neighbours together where none has.

    Without scopes there may be loops at least. A `depth` that is asked for is another matter.
    """
    if depth is not None:
        check_level("depth", depth)
        inside = {path for _, path in scopes.members if path.count("/") < depth}
        return make_view(graph, opened=inside, limit=MOST_BOXES, scopes=scopes)
    if not scopes.members:
        return make_view(graph, limit=MOST_TOGETHER, scopes=scopes)
    shown = make_view(graph, opened=(), limit=MOST_AT_FIRST, scopes=scopes)
    for level in range(1, scopes.depth + 1):
        deeper = make_view(graph, depth=level, scopes=scopes)
        if len(deeper.boxes) > MOST_AT_FIRST:
            break
        shown = deeper
    return shown


def _choose_depths(deepest: int) -> list[int]:
    """The depths that have views: the first ones, then each half as deep again as the one before, and the last.

    >>> _choose_depths(3), _choose_depths(50)
    ([0, 1, 2, 3], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 18, 27, 40, 50])
    """
    depths = list(range(min(deepest, EVERY_DEPTH) + 1))
    while depths[-1] < deepest:
        depths.append(min(deepest, depths[-1] * 3 // 2))
    return depths


def _find_tiny(scopes: Scopes, paths: Collection[str]) -> list[str]:
    """Scopes so small that they are open whenever what is around them is open by itself, such as a linear layer."""
    members = scopes.members.items()
    small = (path for (_, path), nodes in members if len(nodes) <= TINY and "/" in path and path in paths)
    return [path for path in dict.fromkeys(small) if not any((order, path) in scopes.inside for order in range(9))]


def _identify(shown: View) -> tuple[tuple[str, int, int], ...]:
    return tuple((box.id, box.count, len(box.nodes)) for box in shown.boxes)


# --- what is written of a view ----------------------------------------------------------------------------------------


def _write_view(plan: Plan, places: Places) -> Plain:
    shown = plan.shown
    numbers = {box: number for number, box in enumerate(shown.boxes)}
    return {
        "key": plan.key,
        "size": _round(places.size),
        "boxes": [_write_box(box, plan.lines[box]) | {"at": _write_frame(places.boxes[box])} for box in shown.boxes],
        "arrows": [
            [numbers[arrow.source], numbers[arrow.target], _write_points(curve), *_write_note(arrow, curve.note)]
            for arrow, curve in zip(shown.arrows, places.arrows, strict=True)
        ],
        "clusters": [
            {"title": write_said(cluster.title), "order": cluster.order, "count": cluster.count,
             "at": _write_frame(frame), **_write_scope(cluster.path)}
            for cluster, frame in places.clusters
        ],
    }  # fmt: skip


def _write_scope(path: str) -> Plain:
    """By which name the page knows a scope or a repeat, and that it is one."""
    scope = make_text(name_repeats(path))
    return {"scope": scope} if run_of(path) is None else {"scope": scope, "repeated": True}


def _write_box(box: Box, lines: Sequence[str]) -> Plain:
    nodes, written_lines = _write_ranges(box.nodes), [write_said(line, LONGEST_LINE) for line in lines]
    if box.kind == "node":
        # A hub or a repeated node says more than the node.
        own = [make_text(line, LONGEST_LINE) for line in describe_node(box.nodes[0])]
        return {"nodes": nodes} if written_lines == own else {"nodes": nodes, "lines": written_lines}
    written: Plain = {
        "kind": box.kind, "title": write_said(box.title), "order": box.order, "lines": written_lines, "nodes": nodes
    }  # fmt: skip
    if box.kind == "scope":
        written |= {"count": box.count, **_write_scope(box.path)}
    return written


def _write_ranges(nodes: Iterable[Node]) -> list[list[int]]:
    """Numbers as runs, the first node's run first: `[[3, 7], [9, 9]]`."""
    numbers = [node.number for node in nodes]
    runs = groupby(enumerate(numbers), key=lambda item: item[1] - item[0])
    return [[run[0][1], run[-1][1]] for run in (list(run) for _, run in runs)]


def _round(numbers: Iterable[float]) -> list[int]:
    return [round(x) for x in numbers]


def _write_frame(frame: Frame) -> list[int]:
    return _round((frame.x, frame.y, frame.width, frame.height))


def _write_points(curve: Curve) -> list[int]:
    """The first point, x before y, then each less the one before, which packs to half the size; the tip is the last."""
    points = _round(chain(*curve.points, curve.tip))
    return [*points[:2], *(after - before for before, after in zip(points, points[2:], strict=False))]


def _write_note(arrow: Arrow, place: tuple[float, float] | None) -> list[Any]:
    notes = [write_said(note) for note in describe_arrow(arrow)]
    return [notes, *_round(place)] if notes and place else []


# --- places -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Plan:
    """A view with what its boxes say, and its text for an engine; empty where it is too large for one."""

    key: str
    shown: View
    lines: Mapping[Box, list[str]]
    text: str


def _plan_view(key: str, shown: View, look: Look, notes_have_room: bool = True) -> Plan:
    lines = {box: describe_box(shown, box) for box in shown.boxes}
    deepest = max((box.scope.count("/") for box in shown.boxes), default=0)
    if len(shown.boxes) + len(shown.arrows) > MOST_FOR_ENGINE or deepest > DEEPEST_FOR_ENGINE:
        return Plan(key, shown, lines, "")
    sizes = Sizes(
        {box: _measure_box(lines[box]) for box in shown.boxes},
        [measure_heading(cluster, 1.0, LANGUAGES) for cluster in list_clusters(shown.clusters)],
        [measure_note(arrow, 1.0, LANGUAGES) for arrow in shown.arrows],
        notes_have_room=notes_have_room,
    )
    return Plan(key, shown, lines, write_dot(shown, look, sizes))


def _measure_box(lines: Sequence[str]) -> Size:
    said = {make_text(say(line, language), LONGEST_LINE) for line in lines for language in LANGUAGES}
    return max(36.0, max(measure_text(line, FONT, bold=True) for line in said) + 18), LINE * len(lines) + 14


def _lay_out(plans: Sequence[Plan], engine: str | None) -> dict[str, Any]:
    """What an engine makes of each text, or None: of small ones together, as starting it takes longer than those."""
    texts = dict.fromkeys(plan.text for plan in plans if plan.text)  # those of equal scopes are often the same
    batches: list[list[str]] = []
    room = 0
    for text in texts:
        if len(text) > room:
            batches.append([])
            room = MOST_IN_A_RUN
        batches[-1].append(text)
        room -= len(text)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        placed = pool.map(lambda batch: _lay_out_batch(batch, engine), batches)
        return dict(zip(chain.from_iterable(batches), chain.from_iterable(placed), strict=True))


def _lay_out_batch(texts: Sequence[str], engine: str | None) -> list[Any]:
    try:
        return layout_together(texts, engine, timeout=TIMEOUT)
    except LayoutError:
        return [None] if len(texts) == 1 else [_lay_out_batch([text], engine)[0] for text in texts]


def _find_places(plan: Plan, placed: Any) -> Places:
    """Places by an engine, or else in rows by depth."""
    if placed is None:
        return lay_out_in_rows(plan.shown, {box: _measure_box(lines) for box, lines in plan.lines.items()})
    return read_places(plan.shown, placed)
