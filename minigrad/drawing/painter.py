"""The picture of a graph: what is shown and where it lies enters, a `Sheet` leaves.

A picture is planned once and can be painted several times: the frames of a backward pass differ in their look alone.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from minigrad.drawing.arrows import DASH, draw_arrow
from minigrad.drawing.boxes import Arrow, Box, Cluster, View, list_clusters
from minigrad.drawing.contents import Contents, set_label
from minigrad.drawing.dot import Size, Sizes
from minigrad.drawing.engines import TIMEOUT
from minigrad.drawing.flows import Flow, choose_widths, find_flows
from minigrad.drawing.fonts import measure_text
from minigrad.drawing.labels import Label, describe_arrow, describe_missing_gradients, label_box
from minigrad.drawing.look import Look, classify_arrow, classify_box
from minigrad.drawing.margins import Block, set_caption, set_heading, set_legend
from minigrad.drawing.outlines import STEP, Frame, choose_outline, draw_outline
from minigrad.drawing.phrases import ENGLISH, say
from minigrad.drawing.places import Curve, Places, find_places
from minigrad.drawing.sheet import Element, Group, Rectangle, Sheet, Text
from minigrad.drawing.style import INKS
from minigrad.drawing.text import LONGEST_LABEL_LINE, LONGEST_TOOLTIP, escape_hidden, make_text, shorten
from minigrad.drawing.tooltips import explain_box, explain_flow
from minigrad.graph.absent import absent_gradients

MARGIN = 8.0  # around everything
BESIDE, ABOVE, NARROWEST = 8.0, 4.5, 40.0  # between the outline of a box and its text, and how wide a box is at least
SCOPE, SEVERAL, NOTE = 9.5, 11.5, 8.5  # sizes of letters: of scopes, of several equal ones, of notes on arrows
LINE, SAVED, CURRENT = 0.9, 0.7, 2.6  # widths of lines: arrows, to a gradient graph, and the contribution of a frame
LEGEND_WIDTH = 260.0  # at least


@dataclass(frozen=True)
class Plan:
    """A picture whose parts have their places; `name` is different in pictures that say something different."""

    shown: View
    scale: float
    labels: Mapping[Box, Label]
    contents: Mapping[Box, Contents]
    flows: list[Flow]
    missing: str | None
    places: Places
    name: str


def plan_picture(shown: View, look: Look, engine: str | None = None, timeout: float = TIMEOUT) -> Plan:
    """Set the contents of the boxes, and have an engine find places for these; its errors are those of `layout`."""
    scale = (look.font_size or 10) / 10
    reasons = absent_gradients(shown.graph) if look.gradients else {}
    flows = find_flows(shown) if look.gradients or look.played is not None else []
    labels = {box: label_box(shown, box, look, reasons) for box in shown.boxes}
    contents = {box: set_label(labels[box], INKS.paint_node(*classify_box(box)[:2]), scale) for box in shown.boxes}
    sizes = Sizes(
        {box: _measure_box(box, contents[box], look, scale) for box in shown.boxes},
        [measure_heading(cluster, scale) for cluster in list_clusters(shown.clusters)],
        [measure_note(arrow, scale) for arrow in shown.arrows],
        flows,
    )
    places = find_places(shown, look, sizes, engine, timeout)
    name = hashlib.sha256(repr([*labels.values()]).encode("utf-8", "backslashreplace")).hexdigest()[:6]
    return Plan(shown, scale, labels, contents, flows, describe_missing_gradients(reasons), places, name)


def paint_picture(plan: Plan, look: Look) -> Sheet:
    """The finished picture: heading, graph, caption and legend, one below the other."""
    painter, graph = _Painter(plan, look), plan.shown.graph
    width, height = plan.places.size
    notes = [*([plan.missing] if plan.missing else []), *plan.shown.notes]
    blocks = [set_heading(look.title, notes, plan.scale)] if look.title or notes else []
    blocks.append(Block(width, height, painter.paint))
    if look.caption:
        blocks.append(set_caption(look.caption, plan.scale))
    if look.legend:
        samples = {classify_box(box) for box in plan.shown.boxes}
        marks = {mark for box in plan.shown.boxes if (mark := look.mark_of(box))}
        arrows = {classify_arrow(arrow) for arrow in plan.shown.arrows} | ({"gradient"} if plan.flows else set())
        blocks.append(set_legend(samples, marks, arrows, max(width, LEGEND_WIDTH * plan.scale), plan.scale))
    children: list[Element] = []
    y = MARGIN
    for block in blocks:
        children += block.paint(MARGIN, y)
        y += block.height
    outputs = ", ".join(node.name or node.op or node.role for node in graph.outputs[:3])
    return Sheet(
        max(block.width for block in blocks) + 2 * MARGIN,
        y + MARGIN,
        children,
        make_text(look.title or (f"Graph of {outputs}" if outputs else "Graph")),
        f"{len(plan.shown.boxes):,} boxes, {len(plan.shown.arrows):,} arrows",
        INKS.background,
    )


# --- sizes ------------------------------------------------------------------------------------------------------------


def _measure_box(box: Box, contents: Contents, look: Look, scale: float) -> Size:
    role, _, output = classify_box(box)
    outline = choose_outline(role, output and role == "op", look.mark_of(box))
    width = max(contents.width + 2 * (BESIDE + outline.beside), NARROWEST * scale)
    return math.ceil(width), math.ceil(contents.height + 2 * ABOVE + outline.above + outline.below)


def _write_heading(cluster: Cluster, language: str = ENGLISH) -> str:
    return make_text(say(cluster.heading, language), LONGEST_LABEL_LINE)


def measure_heading(cluster: Cluster, scale: float, languages: Sequence[str] = (ENGLISH,)) -> Size:
    """The room that the heading of an open scope needs, in each of some languages."""
    size = (SEVERAL if cluster.count > 1 else SCOPE) * scale
    widths = [measure_text(_write_heading(cluster, language), size, bold=True) for language in languages]
    return max(widths) + 4, size + 3


def _write_note(arrow: Arrow, language: str = ENGLISH) -> str:
    return make_text(" ".join(say(note, language) for note in describe_arrow(arrow)), LONGEST_LABEL_LINE)


def measure_note(arrow: Arrow, scale: float, languages: Sequence[str] = (ENGLISH,)) -> Size | None:
    """The room that the note of an arrow needs, where it has one."""
    width = max(measure_text(_write_note(arrow, language), NOTE * scale) for language in languages)
    return (width + 6, NOTE * scale + 2) if width else None


# --- paint ------------------------------------------------------------------------------------------------------------


class _Painter:
    """Paints the graph: open scopes, boxes, over them arrows with their notes, headings and what flows back."""

    def __init__(self, plan: Plan, look: Look) -> None:
        self.plan, self.look, self.scale = plan, look, plan.scale

    def paint(self, x: float, y: float) -> Iterator[Element]:
        places = self.plan.places.move(x, y)
        for cluster, frame in places.clusters:
            yield self._paint_cluster(cluster, frame)
        for box in self.plan.shown.boxes:
            said = ", ".join(part for part in (self.plan.labels[box].title, *self.plan.labels[box].lines) if part)
            yield self._name(
                box.id, list(self._paint_box(box, places.boxes[box])), explain_box(self.plan.shown, box), said
            )
        for number, (arrow, curve) in enumerate(zip(self.plan.shown.arrows, places.arrows, strict=True)):
            yield self._name(f"a{number}", list(self._paint_arrow(arrow, curve, places.boxes.values())))
        for number, (cluster, frame) in enumerate(places.clusters):
            yield self._name(f"c{number}", list(self._paint_heading(cluster, frame)), label=_write_heading(cluster))
        yield from self._paint_flows(places)

    def _name(self, id: str, children: list[Element], told: list[str] | None = None, label: str = "") -> Group:
        tooltip = shorten("\n".join(escape_hidden(line) for line in told or ()), LONGEST_TOOLTIP)
        return Group(children, tooltip, f"{self.plan.name}-{id}", label)

    def _paint_cluster(self, cluster: Cluster, frame: Frame) -> Rectangle:
        paint, width = INKS.paint_cluster(cluster.order), 1.8 if cluster.count > 1 else 0.8
        return Rectangle(
            frame.x, frame.y, frame.width, frame.height, 8, fill=paint.fill, stroke=paint.outline, stroke_width=width
        )

    def _paint_heading(self, cluster: Cluster, frame: Frame) -> Iterator[Element]:
        """On a ground of its own, as arrows run through the room above boxes."""
        paint, (width, _) = INKS.paint_cluster(cluster.order), measure_heading(cluster, self.scale)
        size = (SEVERAL if cluster.count > 1 else SCOPE) * self.scale
        yield Rectangle(frame.x + 7, frame.y + 4.5, width, size + 1.5, fill=paint.fill)
        yield Text(frame.x + 9, frame.y + size + 5, _write_heading(cluster), size, paint.text, bold=True)

    def _paint_box(self, box: Box, frame: Frame) -> Iterator[Element]:
        role, order, output = classify_box(box)
        look, mark, paint = self.look, self.look.mark_of(box), INKS.paint_node(role, order)
        stroke, width = paint.outline, 1.2 if output else 0.9
        if look.alarms(box):
            stroke, width = INKS.alarm, 2.4
        if mark is not None:
            stroke, width = INKS.marks[mark], 2.4
        if look.highlights(box):
            stroke, width = INKS.selection, 3.0
        outline = choose_outline(role, output and role == "op", mark)
        yield from draw_outline(outline, frame, paint.fill, stroke, width)
        contents = self.plan.contents[box]
        room = frame.height - outline.above - outline.below - contents.height
        middle = frame.x + frame.width / 2 - (STEP if outline.stacked else 0)
        yield from contents.move(middle, frame.y + outline.above + room / 2)

    def _paint_arrow(self, arrow: Arrow, curve: Curve, boxes: Collection[Frame]) -> Iterator[Element]:
        """A note that stands on a box has a ground of its own."""
        kind = classify_arrow(arrow)
        yield from draw_arrow(curve, INKS.edges[kind], SAVED if kind == "saved" else LINE)
        if curve.note is not None:
            x, y = curve.note
            size, (width, height) = NOTE * self.scale, measure_note(arrow, self.scale) or (0.0, 0.0)
            ground = Frame(x - width / 2, y - height / 2, width, height)
            if any(ground.meets(box) for box in boxes):
                yield Rectangle(ground.x, ground.y, width, height, 2, fill=INKS.background)
            yield Text(x, y + 0.34 * size, _write_note(arrow), size, INKS.edges[kind], "middle")

    def _paint_flows(self, places: Places) -> Iterator[Element]:
        """What flows back along the arrows, wider where it is larger; in a frame, as far as it has come."""
        played = len(self.plan.flows) if self.look.played is None else self.look.played
        widths = choose_widths(self.plan.flows)
        for number, (flow, curve) in enumerate(zip(self.plan.flows[:played], places.flows, strict=False)):
            if self.look.played == number + 1:
                drawn = draw_arrow(curve, INKS.selection, CURRENT)
            else:
                drawn = draw_arrow(curve, INKS.edges["gradient"], widths[number], DASH)
            yield self._name(f"f{number}", list(drawn), explain_flow(flow))
