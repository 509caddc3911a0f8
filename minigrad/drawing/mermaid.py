"""Mermaid text: a `Graph` enters, a flowchart leaves that GitHub and notebooks draw without any engine.

What it shows is decided in `view.py` and what its boxes say in `labels.py`, as for DOT. The text is the same on every
run.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from minigrad.drawing.boxes import Arrow, Box, Cluster, View, list_clusters, walk_clusters
from minigrad.drawing.labels import describe_arrow, describe_box
from minigrad.drawing.look import CHOICES, Look, classify_box, parse_options
from minigrad.drawing.style import INKS, Paint
from minigrad.drawing.text import LONGEST_LABEL_LINE, escape_hidden, shorten
from minigrad.graph import Graph

MOST_ARROWS = 500  # that Mermaid draws unless its page is told otherwise


def mermaid_source(graph: Graph, **options: Any) -> str:
    """The picture of `graph` as a Mermaid flowchart; `options` are those of `minigrad.drawing.look.CHOICES`.

    Raises:
        TypeError: an option that there is not.
        ValueError: a depth, order or direction that there is not, or more than 500 arrows.
        LookupError: a label or highlight for a node that there is not.

    >>> import minigrad as mg
    >>> x = mg.Tensor([1.0, 2.0], requires_grad=True, name="x")
    >>> print(mermaid_source((x - 1.0).graph()))
    flowchart LR
      n0[["x<br/>(2,)"]]
      n1["subtract(·, 1)<br/>(2,)"]
      n0 --> n1
      classDef parameter fill:#B9DBFA,stroke:#24588A,color:#0D1117
      classDef op fill:#FFFFFF,stroke:#57606A,color:#0D1117
      classDef output stroke-width:3px
      class n0 parameter
      class n1 op
      class n1 output
    <BLANKLINE>
    """
    return write_mermaid(*parse_options(graph, options, CHOICES))


def write_mermaid(shown: View, look: Look) -> str:
    """The flowchart of what is shown."""
    if len(shown.arrows) > MOST_ARROWS:
        raise ValueError(
            f"mermaid: {len(shown.arrows):,} arrows, and readers of Mermaid refuse more than {MOST_ARROWS}: choose a "
            "smaller depth=, draw a part, graph.between(start, end), or draw() a picture"
        )
    return "\n".join([*_write_lines(shown, look), ""])


def _write_lines(shown: View, look: Look) -> Iterator[str]:
    heading = [*([look.title] if look.title else []), *shown.notes]
    if heading:
        title = escape_hidden(" · ".join(heading)).translate(_IN_TITLES)
        yield from ("---", f"title: {json.dumps(title, ensure_ascii=False)}", "---")
    yield f"flowchart {look.direction_of(shown)}"
    texts = {box: _write_box(shown, box, look) for box in shown.boxes}
    inside = {box for cluster in list_clusters(shown.clusters) for box in cluster.boxes}
    for line in (
        *(text for box, text in texts.items() if box not in inside),
        *_write_clusters(shown.clusters, texts),
        *map(_write_arrow, shown.arrows),
        *_write_classes(shown, look),
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


def _write_box(shown: View, box: Box, look: Look) -> str:
    role, _, output = classify_box(box)
    failed = look.mark_of(box) == "failed"
    begin, end = SHAPES["failed" if failed else "output" if output and role == "op" else role]
    return f"{box.id}{begin}{quote_lines(*describe_box(shown, box, look))}{end}"


def _write_arrow(arrow: Arrow) -> str:
    """Dotted where a gradient graph takes something from the forward graph."""
    line = "-->" if arrow.target.order == arrow.source.order else "-.->"
    notes = describe_arrow(arrow)
    return " ".join([arrow.source.id, line + (f"|{quote_lines(' '.join(notes))}|" if notes else ""), arrow.target.id])


def _write_clusters(clusters: Iterable[Cluster], texts: Mapping[Box, str]) -> Iterator[str]:
    """Open scopes with the boxes in them."""
    numbers = itertools.count()
    for depth, cluster in walk_clusters(clusters):
        margin = "  " * depth
        if cluster is None:
            yield f"{margin}end"
            continue
        yield f"{margin}subgraph c{next(numbers)}[{quote_lines(cluster.heading)}]"
        yield from (f"{margin}  {texts[box]}" for box in cluster.boxes)


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


def _write_classes(shown: View, look: Look) -> Iterator[str]:
    """The colours, one class for each kind of box and scope that there is, then which are of that kind."""
    members: dict[str, list[str]] = {}
    styles: dict[str, str] = {}
    orders = [cluster.order for cluster in list_clusters(shown.clusters)]
    classes = [(f"c{i}", f"open{k or ''}", _write_colours(INKS.paint_cluster(k))) for i, k in enumerate(orders)]
    classes += [(box.id, name, style) for box in shown.boxes for name, style in _style_box(box, look)]
    for id, name, style in classes:
        members.setdefault(name, []).append(id)
        styles[name] = style
    yield from (f"classDef {name} {style}" for name, style in styles.items())
    yield from (f"class {','.join(ids)} {name}" for name, ids in members.items())


def _style_box(box: Box, look: Look) -> Iterator[tuple[str, str]]:
    """The classes of a box with their styles, the one that counts last."""
    role, order, output = classify_box(box)
    colours = _write_colours(INKS.paint_node(role, order))
    name = f"{role}{order}" if order and role not in INKS.roles else role
    yield name, f"{colours},{LINES[role]}" if role in LINES else colours
    if output and role == "op":
        yield "output", LINES["output"]
    mark = look.mark_of(box)
    if mark is not None:
        yield mark, f"stroke:{INKS.marks[mark].light},{LINES[mark]}"
    if look.highlights(box):
        yield "selected", f"stroke:{INKS.selection.light},{LINES['selected']}"


def _write_colours(paint: Paint) -> str:
    return f"fill:{paint.fill.light},stroke:{paint.outline.light},color:{paint.text.light}"


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


def quote_lines(*lines: str) -> str:
    """A quoted Mermaid string which shows each of `lines` literally, one under the other.

    >>> print(quote_lines("scores", 'say "hi" <b>'))
    "scores<br/>say #quot;hi#quot; #lt;b#gt;"
    """
    return f'"{"<br/>".join(_escape_line(line) for line in lines)}"'


def _escape_line(line: str) -> str:
    text = shorten(escape_hidden(line).strip(), LONGEST_LABEL_LINE)
    text = _TAKEN.sub(lambda match: _STAND_INS[match[0]], text)
    return _SPECIAL.sub(lambda match: f"#{_NAMED.get(match[0], str(ord(match[0])))};", text) or "#160;"
