"""DOT text: a `Graph` enters, the description of its picture leaves; layout engines and the `graphviz` package read it.

What a picture shows is decided in `view.py`, what its boxes say in `labels.py`, how they look in `style.py`. The text
is the same on every run.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from minigrad.drawing import style
from minigrad.drawing.boxes import Arrow, Box, Cluster, View, walk_clusters
from minigrad.drawing.flows import Flow, choose_widths, find_flows
from minigrad.drawing.labels import describe_arrow, describe_box, describe_gradient, describe_missing_gradients
from minigrad.drawing.look import Look, classify_arrow, classify_box, parse_options
from minigrad.drawing.sheet import Ink
from minigrad.drawing.style import INKS, Attributes
from minigrad.drawing.text import quote_label, quote_tooltip
from minigrad.drawing.tooltips import explain_box, explain_flow
from minigrad.graph import Graph
from minigrad.graph.absent import absent_gradients

LARGE = 300  # boxes; from here on, engines are asked for less
Size = tuple[float, float]


def dot_source(graph: Graph, **options: Any) -> str:
    """The picture of `graph` in the DOT language.

    Args:
        depth: scopes are open down to this depth. By default all are, up to 150 boxes; beyond that, equal siblings are
            folded (`block ×12`) and scopes closed from the inside.
        hide_constants: leave constants out.
        order: the highest order of derivative that is drawn.
        between: draw only the paths from the first to the second of two nodes, as `Graph.between`.
        values: show in each node its value, where the graph has one.
        gradients: show in each node its gradient or why there is none, and along each edge what flows back, where
            `backward(keep=True)` left them.
        direction: the side where results are: bottom ("TB"), right ("LR"), top ("BT") or left ("RL").
        title: a line above the picture.
        legend: explain boxes and arrows below the graph; not in DOT text, which has shapes of its own.
        theme: "light" (the default), "dark", or "auto": an SVG that follows its page or the reader's setting.
        font_size: of nodes, in points; 10 by default.
        dpi: pixels per inch of a bitmap.
        labels: texts in place of name and operation, by node or by what `Graph.find` takes.
        highlight: nodes with a thick outline in a colour of its own, given likewise.
        marks: what became of a node: "added", "removed", "changed" or "failed"; the last is told of itself.

    Raises:
        TypeError: an option that there is not.
        ValueError: a depth, order, direction, theme or size that there is not.
        LookupError: a label or highlight for a node that there is not.

    Scopes are clusters; the gradient graph of each order has a cluster of its own beside them. An edge is one use.

    >>> import minigrad as mg
    >>> x = mg.Tensor([1.0, 2.0], requires_grad=True, name="x")
    >>> lines = dot_source((x * x).graph()).splitlines()
    >>> [line.strip() for line in lines if "->" in line]
    ['n0 -> n1;', 'n0 -> n1;']
    """
    shown, look = parse_options(graph, options)
    if look.legend:
        raise ValueError("legend: DOT text has none; pictures as svg, png and pdf do")
    return write_dot(shown, look)


@dataclass(frozen=True)
class Sizes:
    """What takes room: boxes, the headings of clusters in the order of `list_clusters`, the notes of arrows, flows.

    Where notes have no room, they are put where there is some.
    """

    boxes: Mapping[Box, Size]
    headings: Sequence[Size]
    notes: Sequence[Size | None]
    flows: Sequence[Flow] = ()
    notes_have_room: bool = True


def write_dot(shown: View, look: Look, sizes: Sizes | None = None) -> str:
    """The picture of what is shown; with `sizes`, only these and what is joined to what, for who paints it otherwise.

    Then boxes have the names b0, b1, …, arrows a0, a1, …, and those of what flows back f0, f1, …: views in which only
    texts of the same size differ have the same text.
    """
    if sizes is None:
        writer = _Writer(shown, look, find_flows(shown) if look.gradients else [])
    else:
        writer = _Skeleton(shown, look, sizes)
    return "\n".join(["digraph {", *(f"  {line}" for line in writer.write()), "}", ""])


class _Writer:
    """Writes the parts of a picture, each line without its outermost indentation."""

    def __init__(self, shown: View, look: Look, flows: Sequence[Flow]) -> None:
        self.shown, self.look, self.flows = shown, look, flows
        self.large = len(shown.boxes) >= LARGE
        self.notes_have_room = not self.large
        self.scale = (look.font_size or 10) / 10
        self.plain_node, self.plain_edge = style.style_node("op"), style.style_edge("value")
        self.names = {box: box.id for box in shown.boxes}

    def write(self) -> Iterator[str]:
        yield f"graph {self._write_attributes(self._style_graph(), label=self._write_heading())};"
        yield f"node {self._write_attributes(self.plain_node)};"
        yield f"edge {self._write_attributes(self.plain_edge)};"
        yield from (f"{self.names[box]} {self._write_box(box)};" for box in self.shown.boxes)
        yield from self._write_clusters()
        for number, arrow in enumerate(self.shown.arrows):
            kind, note = classify_arrow(arrow), self._write_note(number, arrow)
            ends = (arrow.target, arrow.source) if kind == "backward" else (arrow.source, arrow.target)
            # A label in the middle gets room of its own, which takes an engine twice the time.
            place = "label" if self.notes_have_room else "xlabel"
            attributes = self._write_arrow(f"a{number}", kind, {place: note} if note else {})
            source, target = (self.names[box] for box in ends)
            yield f"{source} -> {target}{attributes and f' {attributes}'};"
        for number, (flow, width) in enumerate(zip(self.flows, choose_widths(self.flows), strict=True)):
            source, target = self.names[flow.source], self.names[flow.target]
            yield f"{source} -> {target} {self._write_flow(f'f{number}', flow, width)};"

    @cached_property
    def reasons(self) -> dict[int, str]:
        """Why nodes have no gradient."""
        return absent_gradients(self.shown.graph) if self.look.gradients else {}

    def _style_graph(self) -> Attributes:
        settings = style.style_graph() | {"rankdir": self.look.direction_of(self.shown)}
        if self.large:
            settings["nslimit"] = "1"
        if self.look.theme == "auto":
            settings["bgcolor"] = "transparent"
        if self.look.dpi:
            settings["dpi"] = f"{self.look.dpi:g}"
        return settings

    def _write_heading(self) -> str | None:
        heading = [line for line in (self.look.title, describe_missing_gradients(self.reasons)) if line]
        heading += self.shown.notes
        if heading and any(box.kind == "scope" for box in self.shown.boxes):
            heading.append("")  # room for the tabs of closed scopes, of which engines know nothing
        return quote_label(*heading) if heading else None

    def _write_box(self, box: Box) -> str:
        look, node, mark = self.look, box.node, self.look.mark_of(box)
        lines = describe_box(self.shown, box, look)
        attributes = style.style_node(*classify_box(box))
        if node is not None and len(box.nodes) == 1 and look.gradients and not box.order:
            lines += describe_gradient(node.gradient, self.reasons.get(node.number))
        if look.alarms(box):
            attributes |= style.ALARM | {"color": INKS.alarm}
        if mark is not None:
            attributes |= style.MARKS[mark] | {"color": INKS.marks[mark]}
        if look.highlights(box):
            attributes |= style.SELECTED | {"color": INKS.selection}
        label, tooltip = quote_label(*lines), quote_tooltip(*explain_box(self.shown, box))
        return self._write_attributes(attributes, self.plain_node, label=label, tooltip=tooltip)

    def _write_note(self, number: int, arrow: Arrow) -> str | None:
        notes = describe_arrow(arrow)
        return quote_label(" " + " ".join(notes)) if notes else None

    def _write_arrow(self, name: str, kind: str, note: dict[str, str]) -> str:
        return self._write_attributes(style.style_edge(kind), self.plain_edge, **note)

    def _write_flow(self, name: str, flow: Flow, width: float) -> str:
        """What flows back along an arrow of the forward pass, wider where it is larger, by orders of magnitude."""
        attributes = style.style_edge("gradient") | {"penwidth": f"{width:.2g}"}
        return self._write_attributes(attributes, self.plain_edge, tooltip=quote_tooltip(*explain_flow(flow)))

    def _write_clusters(self) -> Iterator[str]:
        numbers = itertools.count()
        # Engines turn clusters upside down with the graph, and their labels with them.
        above = ' labelloc="b";' if self.look.direction_of(self.shown) == "BT" else ""
        for depth, cluster in walk_clusters(self.shown.clusters):
            margin = "  " * depth
            if cluster is None:
                yield f"{margin}}}"
                continue
            number = next(numbers)
            yield f"{margin}subgraph cluster{number} {{{above}"
            yield f"{margin}  graph {self._write_cluster(number, cluster)};"
            if cluster.boxes:
                yield f"{margin}  {'; '.join(self.names[box] for box in cluster.boxes)};"

    def _write_cluster(self, number: int, cluster: Cluster) -> str:
        attributes = style.style_cluster(cluster.order, cluster.count > 1)
        return self._write_attributes(attributes, label=quote_label(cluster.heading))

    def _write_attributes(self, look: Attributes, known: Attributes | None = None, **quoted: str | None) -> str:
        """`[key="value", …]` of what differs from `known`; those in `quoted` are DOT strings already."""
        plain = self._resolve(known or {})
        pairs = [f'{key}="{value}"' for key, value in self._resolve(look).items() if plain.get(key) != value]
        pairs += [f"{key}={value}" for key, value in quoted.items() if value is not None]
        return f"[{', '.join(pairs)}]" if pairs else ""

    def _resolve(self, look: Attributes) -> dict[str, str]:
        """The same in the theme of the picture, and in its size."""
        theme = int(self.look.theme == "dark")
        resolved = {key: value[theme] if isinstance(value, Ink) else value for key, value in look.items()}
        if "fontsize" in resolved:
            resolved["fontsize"] = f"{float(resolved['fontsize']) * self.scale:g}"
        return resolved


class _Skeleton(_Writer):
    """Writes sizes in place of texts."""

    def __init__(self, shown: View, look: Look, sizes: Sizes) -> None:
        super().__init__(shown, look, sizes.flows)
        self.sizes = sizes
        self.notes_have_room &= sizes.notes_have_room
        self.names = {box: f"b{number}" for number, box in enumerate(shown.boxes)}
        self.plain_node |= {"shape": "box", "fixedsize": "true", "label": ""}

    def _write_heading(self) -> str | None:
        return None

    def _write_box(self, box: Box) -> str:
        width, height = self.sizes.boxes[box]
        return f"[width={width / 72:.5f}, height={height / 72:.5f}]"

    def _write_note(self, number: int, arrow: Arrow) -> str | None:
        size = self.sizes.notes[number]
        return _write_room(size) if size else None

    def _write_arrow(self, name: str, kind: str, note: dict[str, str]) -> str:
        return self._write_attributes({"id": name, **style.EDGES[kind]}, None, **note)

    def _write_flow(self, name: str, flow: Flow, width: float) -> str:
        return self._write_attributes({"id": name, **style.EDGES["gradient"]})

    def _write_cluster(self, number: int, cluster: Cluster) -> str:
        room = _write_room(self.sizes.headings[number])
        return self._write_attributes({"labeljust": "l", "margin": "9"}, label=room)


def _write_room(size: Size) -> str:
    """An empty label of a given size."""
    return (
        '<<TABLE BORDER="0" CELLBORDER="0" CELLPADDING="0" CELLSPACING="0" FIXEDSIZE="TRUE" '
        f'WIDTH="{round(size[0])}" HEIGHT="{round(size[1])}"><TR><TD></TD></TR></TABLE>>'
    )
