"""DOT text: a `Graph` enters, the description of its picture leaves; layout engines and the `graphviz` package read it.

What a picture shows is decided in `view.py`, what its boxes say in `labels.py`, how they look in `style.py`. The text
is the same on every run.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Unpack

import numpy as np

from minigrad.core.arrays import Array
from minigrad.drawing import style
from minigrad.drawing.backward import Flow, flows_back, widths
from minigrad.drawing.labels import about_gradients, arrow_notes, box_lines, gradient_lines
from minigrad.drawing.look import Look, Options, chosen, kind_of, mark_of, sample
from minigrad.drawing.style import ARROWS, LEGEND, LIGHT, MARKS, THEMES, Theme
from minigrad.drawing.text import array_lines, label, tooltip
from minigrad.drawing.view import ORDERS, Arrow, Box, View, nested
from minigrad.graph import Graph
from minigrad.graph.absent import absent_gradients

LARGE = 300  # boxes; from here on, engines are asked for less
MOST_LISTED = 12  # nodes in the tooltip of a closed scope, contributions in that of an arrow


def dot_source(graph: Graph, **options: Unpack[Options]) -> str:
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
        legend: explain boxes and arrows beside the graph.
        theme: "light" (the default) and "dark" are opaque; an SVG in "auto" is transparent and follows the reader's
            setting.
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
    return written(*chosen(graph, **options))


def written(shown: View, look: Look) -> str:
    """The picture of what is shown."""
    return "\n".join(["digraph {", *(f"  {line}" for line in _Writer(shown, look).lines()), "}", ""])


class _Writer:
    """Writes the parts of a picture, each line without its outermost indentation."""

    def __init__(self, shown: View, look: Look) -> None:
        self.shown, self.look = shown, look
        self.theme: Theme = THEMES.get(look.theme, LIGHT)
        self.large = len(shown.boxes) >= LARGE
        self.scale = (look.font_size or 10) / 10
        self.reasons = absent_gradients(shown.graph) if look.gradients else {}
        self.flows = flows_back(shown) if look.gradients or look.played is not None else []
        self.plain_node = self._sized(style.node_attributes(self.theme, "op"))
        self.plain_edge = self._edge_look("value")
        self.direction = look.direction_of(shown)

    def lines(self) -> Iterator[str]:
        yield f"graph {_attributes(self._graph_look(), label=self._heading())};"
        yield f"node {_attributes(self.plain_node)};"
        yield f"edge {_attributes(self.plain_edge)};"
        yield from (f"{box.id} {self._box(box)};" for box in self.shown.boxes)
        yield from self._clusters()
        yield from (self._arrow(arrow) for arrow in self.shown.arrows)
        yield from self._flowing_back()
        if self.look.caption:
            yield from self._caption()
        if self.look.legend:
            yield from self._legend()

    def _graph_look(self) -> dict[str, str]:
        settings = self._sized(style.graph_attributes(self.theme)) | {"rankdir": self.direction}
        if self.large:
            settings["nslimit"] = "1"
        if self.look.theme == "auto":
            settings |= {"bgcolor": "transparent", "class": "picture"}
        if self.look.dpi:
            settings["dpi"] = f"{self.look.dpi:g}"
        return settings

    def _heading(self) -> str | None:
        title = [self.look.title] if self.look.title else []
        missing = about_gradients(self.reasons)
        heading = [*title, *([missing] if missing else []), *self.shown.notes]
        if heading and any(box.kind == "scope" for box in self.shown.boxes):
            heading.append("")  # room for the tabs of closed scopes, of which engines know nothing
        return label(*heading) if heading else None

    # --- boxes --------------------------------------------------------------------------------------------------------

    def _box(self, box: Box) -> str:
        look, node = self.look, box.node
        lines = box_lines(self.shown, box, look.labels.get(box.nodes[0]) if node is not None else None, look.values)
        own = self._node_look(*sample(box))
        alarming = False
        if node is not None and len(box.nodes) == 1:
            if look.gradients and not box.order:
                lines += gradient_lines(node.gradient, node.shape, self.reasons.get(node.number))
            alarming = (look.values and _is_odd(node.value)) or (look.gradients and _is_odd(node.gradient))
        mark = mark_of(box, look.marks)
        if mark is not None and box.kind != "next":
            lines[0] = f"{style.SIGNS[mark]} {lines[0]}"
        emphasis = [
            (alarming, style.ALARM | {"color": self.theme.alarm}),
            (mark is not None, MARKS.get(mark or "", {}) | {"color": self.theme.marks.get(mark or "", "")}),
            (any(x in look.highlight for x in box.nodes), style.SELECTED | {"color": self.theme.selection}),
        ]
        for applies, changed in emphasis:
            if applies and box.kind != "next":
                own |= changed
                own.pop("class", None)  # the colours of an emphasis suit both themes
        return _attributes(own, self.plain_node, label=label(*lines), tooltip=self._about(box))

    def _about(self, box: Box) -> str:
        if box.kind == "next":
            state = box.nodes[0]
            return tooltip(f"the value of %{state.number} {state.path} after the step")
        node = box.node
        if node is not None:
            formula = [node.function.formula] if node.function is not None and node.function.formula else []
            return tooltip(repr(node), *formula)
        more = [f"and {len(box.nodes) - MOST_LISTED:,} more"] if len(box.nodes) > MOST_LISTED else []
        named = box.scope if box.kind == "scope" else "neighbours"
        return tooltip(f"{named}: {len(box.nodes):,} nodes", *(repr(x) for x in box.nodes[:MOST_LISTED]), *more)

    # --- arrows -------------------------------------------------------------------------------------------------------

    def _arrow(self, arrow: Arrow) -> str:
        """With a note where it says something new."""
        source, target, kind = arrow.source, arrow.target, kind_of(arrow)
        ends, end = ((target, source), "taillabel") if kind == "backward" else ((source, target), "headlabel")
        notes = arrow_notes(arrow)
        # A label in the middle gets room of its own, which takes an engine twice the time.
        extra = {end if self.large else "label": label(" " + " ".join(notes))} if notes else {}
        attributes = _attributes(self._edge_look(kind), self.plain_edge, **extra)
        return f"{ends[0].id} -> {ends[1].id}{f' {attributes}' if attributes else ''};"

    def _flowing_back(self) -> Iterator[str]:
        """What flows back along each arrow of the forward pass, wider where it is larger, by orders of magnitude."""
        current = None if self.look.played is None else self.look.played - 1
        for position, (flow, width) in enumerate(zip(self.flows, widths(self.flows), strict=True)):
            own = self._edge_look("gradient") | {"penwidth": f"{width:.2g}"}
            if current is not None and position > current:
                own["style"] = "invis"
            elif position == current:
                own |= {"color": self.theme.selection, "penwidth": "2.6", "style": "solid"}
                own.pop("class", None)
            attributes = _attributes(own, self.plain_edge, tooltip=_about_flow(flow))
            yield f"{flow.source.id} -> {flow.target.id} {attributes};"

    # --- clusters -----------------------------------------------------------------------------------------------------

    def _clusters(self) -> Iterator[str]:
        numbers = itertools.count()
        for depth, cluster in nested(self.shown.clusters):
            margin = "  " * depth
            if cluster is None:
                yield f"{margin}}}"
                continue
            own = self._sized(style.cluster_attributes(self.theme, cluster.order, cluster.count > 1))
            if self.look.theme == "auto":
                own["class"] = f"cluster-{min(cluster.order, 1)}"
            yield f"{margin}subgraph cluster{next(numbers)} {{"
            yield f"{margin}  graph {_attributes(own, label=label(cluster.heading))};"
            if cluster.boxes:
                yield f"{margin}  {'; '.join(box.id for box in cluster.boxes)};"

    # --- beside the graph ---------------------------------------------------------------------------------------------

    def _caption(self) -> Iterator[str]:
        """Lines in a box of fixed size, so that longer ones move nothing."""
        own = {"shape": "plaintext", "style": "", "fixedsize": "true", "width": "4", "fontcolor": self.theme.text}
        own["height"] = f"{0.19 * self.scale * len(self.look.caption):.2f}"
        yield f"caption {_attributes(own, label=label(*self.look.caption, left=True))};"
        if self.shown.boxes:
            yield f"caption -> {self.shown.boxes[0].id} {_attributes({'style': 'invis'})};"

    def _legend(self) -> Iterator[str]:
        """A sample of each kind of box and arrow that the picture has, one below the other."""
        samples = sorted(
            {sample(box) for box in self.shown.boxes}, key=lambda sample: (sample[1], LEGEND[sample[0]][1])
        )
        arrows = {kind_of(arrow) for arrow in self.shown.arrows} | ({"gradient"} if self.flows else set())
        yield "subgraph cluster_legend {"
        yield f"  graph {_attributes(self._sized(style.cluster_attributes(self.theme)), label=label('legend'))};"
        names: list[str] = []
        unseen = _attributes({"style": "invis"})
        for role, order, output in sorted(samples, key=lambda sample: (*sample[1:], LEGEND[sample[0]][1])):
            own = self._node_look(role, order, output)
            text = "output" if output else ORDERS[min(order, 3)] if role == "op" and order else LEGEND[role][0]
            names.append(f"legend{len(names)}")
            yield f"  {names[-1]} {_attributes(own, self.plain_node, label=label(text))};"
        across = self.direction in ("LR", "RL")
        if across:
            yield from (f"  {first} -> {second} {unseen};" for first, second in itertools.pairwise(names))
        else:
            rows = names, [f"{end}_{kind}" for kind in ARROWS if kind in arrows for end in ("from", "to")]
            for position, row in enumerate(rows):
                yield f"  subgraph legend_row{position} {{ rank=same; {'; '.join(row)}; }}"
        text_only = {"shape": "plaintext", "style": "", "fontcolor": self.theme.text, "height": "0.2", "width": "0.2"}
        for kind, text in ARROWS.items():
            if kind in arrows:
                words = _attributes(self._sized(text_only), label=label(text))
                look = _attributes(self._edge_look(kind) | {"constraint": "true"}, self.plain_edge)
                yield f'  from_{kind} [shape="point", style="invis", width="0.01"];'
                yield f"  to_{kind} {words};"
                yield f"  from_{kind} -> to_{kind}{f' {look}' if look else ''};"
                if names:
                    yield f"  {names[-1 if across else 0]} -> from_{kind} {unseen};"
        yield "}"

    # --- looks --------------------------------------------------------------------------------------------------------

    def _node_look(self, role: str, order: int, output: bool) -> dict[str, str]:
        own = self._sized(style.node_attributes(self.theme, role, order, output))
        if self.look.theme == "auto":
            own["class"] = f"role-{role}" if role in self.theme.roles else f"order-{min(order, len(ORDERS) - 1)}"
        return own

    def _edge_look(self, kind: str) -> dict[str, str]:
        own = self._sized(style.edge_attributes(self.theme, kind))
        return own | {"class": f"edge-{kind}"} if self.look.theme == "auto" else own

    def _sized(self, attributes: Mapping[str, str]) -> dict[str, str]:
        return style.enlarged(attributes, self.scale)


def _is_odd(array: Array | None) -> bool:
    return array is not None and array.dtype.kind == "f" and not np.isfinite(array).all()


def _about_flow(flow: Flow) -> str:
    if len(flow.steps) == 1:
        (step,) = flow.steps
        return tooltip(
            f"∂%{step.node.number}/∂{step.argument}, added to the gradient of %{step.target.number}",
            *array_lines(step.contribution),
        )
    more = [f"and {len(flow.steps) - MOST_LISTED} more"] if len(flow.steps) > MOST_LISTED else []
    named = (f"∂%{step.node.number}/∂{step.argument} to %{step.target.number}" for step in flow.steps[:MOST_LISTED])
    return tooltip(f"{len(flow.steps)} contributions, norm {flow.norm:.4g}", *named, *more)


def _attributes(look: Mapping[str, str], known: Mapping[str, str] | None = None, **quoted: str | None) -> str:
    """`[key="value", …]` of what differs from `known`; those in `quoted` are DOT strings already."""
    written = [f'{key}="{value}"' for key, value in look.items() if (known or {}).get(key) != value]
    written += [f"{key}={value}" for key, value in quoted.items() if value is not None]
    return f"[{', '.join(written)}]" if written else ""
