"""The picture for readers without scripts: the first view as SVG, drawn by the style sheet of the page.

In come the plain data of the nodes and of one view, out goes SVG text.
"""

from __future__ import annotations

from html import escape
from itertools import accumulate
from typing import Any

from minigrad.drawing.explorer.payload import Plain
from minigrad.drawing.phrases import Phrase

LINE, BASELINE = 12, 3.6  # points


def write_still(nodes: list[Plain], shown: Plain) -> str:
    """The view `shown` as an SVG element."""
    width, height = shown["size"]
    parts = [
        f'<svg class="still" viewBox="-8 -8 {width + 16} {height + 16}" role="img" aria-label="Computation graph">',
        *(_write_frame(cluster) for cluster in shown["clusters"]),
        *(_write_arrow(points) for _, _, points, *_ in shown["arrows"]),
        *(_write_box(nodes, box) for box in shown["boxes"]),
        "</svg>",
    ]
    return "".join(parts)


def _write_frame(cluster: Plain) -> str:
    x, y, width, height = cluster["at"]
    kind = " gradient" if cluster["order"] else ""
    return (
        f'<rect class="frame-area{kind}" x="{x}" y="{y}" width="{width}" height="{height}" rx="7"/>'
        f'<g class="frame-title{kind}"><text x="{x + 9}" y="{y + 13}">{escape(_say(cluster["title"]))}</text></g>'
    )


def _write_arrow(points: list[int]) -> str:
    """Through points that are given from one to the next."""
    places = zip(accumulate(points[::2]), accumulate(points[1::2]), strict=True)
    start, *rest = (f"{x} {y}" for x, y in places)
    curves = [" ".join(rest[at : at + 3]) for at in range(0, len(rest) - 1, 3)]
    return f'<g class="arrow"><path d="M{start}C{" ".join(curves)}L{rest[-1]}"/></g>'


def _write_box(nodes: list[Plain], box: Plain) -> str:
    x, y, width, height = box["at"]
    node = nodes[box["nodes"][0][0]] if "kind" not in box else None
    lines = box["lines"] if "lines" in box else nodes[box["nodes"][0][0]]["lines"]
    kind = box["kind"] if node is None else f"{node['role']} order-{min(node['order'], 3)}"
    if node is not None and node["role"] != "op":
        kind = node["role"]
    radius = height / 2 if kind == "input" else 6
    first = y + height / 2 + BASELINE - (len(lines) - 1) * LINE / 2
    texts = "".join(
        f'<text x="{x + width / 2:g}" y="{first + number * LINE:g}">{escape(_say(line))}</text>'
        for number, line in enumerate(lines)
    )
    outline = f'<rect class="outline" x="{x}" y="{y}" width="{width}" height="{height}" rx="{radius:g}"/>'
    return f'<g class="box {kind}">{outline}{texts}</g>'


def _say(said: str | list[Any]) -> str:
    """What the page would say in English."""
    return said if isinstance(said, str) else Phrase(said[0], *map(_say, said[1:]))
