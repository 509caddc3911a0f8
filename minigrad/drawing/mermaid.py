"""Mermaid text: a `Graph` enters, a flowchart leaves that GitHub and notebooks draw without any engine.

What it shows is decided in `view.py` and what its boxes say in `labels.py`, as for DOT. The text is the same on every
run.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Unpack

from minigrad.drawing.labels import arrow_notes, box_lines
from minigrad.drawing.look import Choices, Look, Mark, chosen, mark_of, sample, unexpected_option
from minigrad.drawing.style import LIGHT, SIGNS, cluster_attributes, node_attributes
from minigrad.drawing.text import LONGEST_LABEL_LINE, visible
from minigrad.drawing.view import Arrow, Box, Cluster, View, nested
from minigrad.graph import Graph


def mermaid_source(graph: Graph, **options: Unpack[Choices]) -> str:
    """The picture of `graph` as a Mermaid flowchart; `options` are those of `minigrad.drawing.look.Choices`.

    Raises:
        TypeError: an option that there is not.
        ValueError: a depth, order or direction that there is not.
        LookupError: a label or highlight for a node that there is not.

    >>> import minigrad as mg
    >>> x = mg.Tensor([1.0, 2.0], requires_grad=True, name="x")
    >>> print(mermaid_source((x - 1.0).graph()))
    flowchart LR
      n0[["x<br/>(2,)"]]
      n1["subtract(·, 1)<br/>(2,)"]
      n0 --> n1
      classDef parameter fill:#B2D5E8,stroke:#1F2328,color:#0D1117
      classDef op fill:#FFFFFF,stroke:#1F2328,color:#0D1117
      classDef output stroke-width:3px
      class n0 parameter
      class n1 op
      class n1 output
    <BLANKLINE>
    """
    for name in options:
        if name not in Choices.__annotations__:
            raise TypeError(unexpected_option(name, Choices.__annotations__))
    shown, look = chosen(graph, **options)
    return written(shown, look)


def written(shown: View, look: Look) -> str:
    """The flowchart of what is shown."""
    return "\n".join([*_lines(shown, look), ""])


def _lines(shown: View, look: Look) -> Iterator[str]:
    heading = [*([look.title] if look.title else []), *shown.notes]
    if heading:
        title = visible(" · ".join(heading)).translate(_IN_TITLES)
        yield from ("---", f"title: {json.dumps(title, ensure_ascii=False)}", "---")
    yield f"flowchart {look.direction_of(shown)}"
    texts = {box: _box(shown, box, look) for box in shown.boxes}
    inside = {box for cluster in _every(shown.clusters) for box in cluster.boxes}
    for line in (
        *(text for box, text in texts.items() if box not in inside),
        *_clusters(shown.clusters, texts),
        *map(_arrow, shown.arrows),
        *_classes(shown, look),
    ):
        yield f"  {line}"


# --- boxes and arrows -------------------------------------------------------------------------------------------------

# The two ends of a box, by its role; a failed one has those of "failed", an output those of "output".
SHAPES = {
    "input": ("([", "])"),
    "parameter": ("[[", "]]"),
    "state": ("[(", ")]"),
    "constant": ("[", "]"),
    "cotangent": ("[/", "/]"),
    "random": ("{{", "}}"),
    "op": ("(", ")"),
    "output": ("[", "]"),
    "scope": ("[", "]"),
    "stack": ("[[", "]]"),
    "group": ("[", "]"),
    "failed": ("{{", "}}"),
}


def _box(shown: View, box: Box, look: Look) -> str:
    lines = box_lines(shown, box, look.labels.get(box.nodes[0]) if box.node is not None else None, look.values)
    role, _, output = sample(box)
    mark = _mark(box, look)
    if mark is not None:
        lines[0] = f"{SIGNS[mark]} {lines[0]}"
    begin, end = SHAPES["failed" if mark == "failed" else "output" if output and role == "op" else role]
    return f"{box.id}{begin}{quoted(*lines)}{end}"


def _arrow(arrow: Arrow) -> str:
    """Dotted where a gradient graph takes something from the forward graph."""
    line = "-->" if arrow.target.order == arrow.source.order else "-.->"
    notes = arrow_notes(arrow)
    return " ".join([arrow.source.id, line + (f"|{quoted(' '.join(notes))}|" if notes else ""), arrow.target.id])


def _clusters(clusters: Iterable[Cluster], texts: Mapping[Box, str]) -> Iterator[str]:
    """Open scopes with the boxes in them."""
    numbers = itertools.count()
    for depth, cluster in nested(clusters):
        margin = "  " * depth
        if cluster is None:
            yield f"{margin}end"
            continue
        yield f"{margin}subgraph c{next(numbers)}[{quoted(cluster.heading)}]"
        yield from (f"{margin}  {texts[box]}" for box in cluster.boxes)


def _every(clusters: Iterable[Cluster]) -> Iterator[Cluster]:
    """The clusters and those inside them, in the order in which they are written."""
    return (cluster for _, cluster in nested(clusters) if cluster is not None)


# --- colours ----------------------------------------------------------------------------------------------------------

# What is laid over the colours of a box, one class each. Dashes in pixels.
LINES = {
    "constant": "stroke-dasharray:5 3",
    "group": "stroke-dasharray:2 2",
    "output": "stroke-width:3px",
    "added": "stroke-width:4px",
    "removed": "stroke-width:3px,stroke-dasharray:6 4",
    "changed": "stroke-width:3px,stroke-dasharray:1 2",
    "failed": "stroke-width:4px",
    "selected": "stroke-width:4px",
}


def _classes(shown: View, look: Look) -> Iterator[str]:
    """The colours, one class for each kind of box and scope that there is, then which are of that kind."""
    members: dict[str, list[str]] = {}
    styles: dict[str, str] = {}
    found = [(f"c{number}", *_open(cluster)) for number, cluster in enumerate(_every(shown.clusters))]
    found += [(box.id, name, style) for box in shown.boxes for name, style in _styles(box, look)]
    for id, name, style in found:
        members.setdefault(name, []).append(id)
        styles[name] = style
    yield from (f"classDef {name} {style}" for name, style in styles.items())
    yield from (f"class {','.join(ids)} {name}" for name, ids in members.items())


def _styles(box: Box, look: Look) -> Iterator[tuple[str, str]]:
    """The classes of a box with their styles, the one that counts last."""
    role, order, output = sample(box)
    colours = _colours(node_attributes(LIGHT, role, order))
    name = f"{role}{order}" if order and role not in LIGHT.roles else role
    yield name, f"{colours},{LINES[role]}" if role in LINES else colours
    if output and role == "op":
        yield "output", LINES["output"]
    mark = _mark(box, look)
    if mark is not None:
        yield mark, f"stroke:{LIGHT.marks[mark]},{LINES[mark]}"
    if any(node in look.highlight for node in box.nodes) and box.kind != "next":
        yield "selected", f"stroke:{LIGHT.selection},{LINES['selected']}"


def _open(cluster: Cluster) -> tuple[str, str]:
    """The class of an open scope with its style."""
    return f"open{cluster.order or ''}", _colours(cluster_attributes(LIGHT, cluster.order))


def _colours(look: Mapping[str, str]) -> str:
    return f"fill:{look['fillcolor']},stroke:{look['color']},color:{look['fontcolor']}"


def _mark(box: Box, look: Look) -> Mark | None:
    return mark_of(box, look.marks) if box.kind != "next" else None


# --- text -------------------------------------------------------------------------------------------------------------

# Characters that Mermaid, Markdown or HTML take for their own: some everywhere, an underscore at the end of a word, the
# first of a line where they begin a list or a heading, and the point of a web address.
_SPECIAL = re.compile(
    r"""["#&<>`*:;\\|{}\[\]~$%@]|(?<![^\W_])_|_(?![^\W_])|^[-+=]|^\d(?=\d*[.)])|(?<=www)\.""", re.IGNORECASE
)
_NAMED = {'"': "quot", "&": "amp", "<": "lt", ">": "gt"}

# What Mermaid finds even where it is written as a number: line ends, formulas, icons. Another character stands for it.
_TAKEN = re.compile(r"\\(?=n)|\$(?=\$)|:(?=fa)")
_STAND_INS = {"\\": "⧵", "$": "＄", ":": "："}
_IN_TITLES = str.maketrans({"<": "‹", ">": "›"})  # which are read as HTML, and know no numbers


def quoted(*lines: str) -> str:
    """A quoted Mermaid string which shows each of `lines` literally, one under the other.

    >>> print(quoted("scores", 'say "hi" <b>'))
    "scores<br/>say #quot;hi#quot; #lt;b#gt;"
    """
    return f'"{"<br/>".join(_literal(line) for line in lines)}"'


def _literal(line: str) -> str:
    text = visible(line).strip()
    if len(text) > LONGEST_LABEL_LINE:
        text = f"{text[: LONGEST_LABEL_LINE - 1]}…"
    text = _TAKEN.sub(lambda found: _STAND_INS[found[0]], text)
    return _SPECIAL.sub(lambda found: f"#{_NAMED.get(found[0], str(ord(found[0])))};", text) or "#160;"
