"""The explorer: a `Graph` enters, one HTML page leaves on which it is read, searched and stepped through.

The page needs nothing else: no network, no other file. Its data is JSON, packed; its script and its style are allowed
by their hash and nothing else is.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import html
import json
import os
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from string import Template

from minigrad.drawing.colours import NEGATIVE, POSITIVE, SEQUENTIAL
from minigrad.drawing.convert import check_folder
from minigrad.drawing.explorer.layouts import lay_out_views
from minigrad.drawing.explorer.lessons import Lesson, read_lesson
from minigrad.drawing.explorer.payload import Plain, make_payload, write_said
from minigrad.drawing.explorer.samples import Number
from minigrad.drawing.explorer.still import write_still
from minigrad.drawing.explorer.walk import walk_steps
from minigrad.drawing.look import Direction
from minigrad.drawing.phrases import WRITTEN, Phrase
from minigrad.drawing.style import INKS
from minigrad.drawing.text import make_text
from minigrad.graph import Graph

WARN_ABOVE, REFUSE_ABOVE = 5_000_000, 25_000_000  # bytes of a page
MOST_NODES = 50_000
FRAME_HEIGHT = 720  # pixels, in notebooks
PACKING = 7  # the level of gzip; 9 takes twice the time for 1.5 % less
SCRIPTS = (  # what is used at the top comes first
    "texts.js", "elements.js", "data.js", "gradients.js", "heatmap.js", "camera.js", "drawing.js", "formulas.js",
    "panel.js", "attention.js", "scopepanel.js", "graphpanel.js", "stepcard.js", "stepbar.js", "walk.js", "search.js",
    "main.js",
)  # fmt: skip


@dataclass(frozen=True)
class Page:
    """A finished page: `html` is its text; notebooks show it in a frame that can reach nothing outside of it."""

    html: str

    def _repr_html_(self) -> str:
        return (
            f'<iframe srcdoc="{html.escape(self.html)}" sandbox="allow-scripts" title="minigrad explorer" '
            f'style="width: 100%; height: {FRAME_HEIGHT}px; border: 1px solid #8884; border-radius: 8px"></iframe>'
        )

    def __repr__(self) -> str:
        return f"<Page of {len(self.html.encode()):,} bytes>"


def explore(
    graph: Graph, path: str | os.PathLike[str] | None = None, *, title: str | None = None,
    tokens: Sequence[object] = (), lesson: Lesson | None = None, depth: int | None = None,
    direction: Direction | None = None, engine: str | None = None,
) -> Page | None:  # fmt: skip
    """Write the page of `graph` to `path`, or return it where there is no path; see `Graph.explore`."""
    place = None if path is None else _check_place(Path(path))
    if not isinstance(tokens, Iterable):
        raise TypeError(f"explore: tokens must be the texts of tokens, got {type(tokens).__name__}")
    texts = [str(token) for token in tokens]
    page = write_page(graph, title=title, tokens=texts, lesson=lesson, depth=depth, direction=direction, engine=engine)
    if place is None:
        return Page(page)
    place.write_text(page, encoding="utf-8", newline="\n")
    return None


def write_page(
    graph: Graph, *, title: str | None = None, tokens: Sequence[str] = (), lesson: Lesson | None = None,
    depth: int | None = None, direction: Direction | None = None, engine: str | None = None,
) -> str:  # fmt: skip
    """The text of the page."""
    if len(graph) > MOST_NODES:
        raise ValueError(f"explore: {len(graph):,} nodes, a page shows at most {MOST_NODES:,}: {_SMALLER}")
    data = make_payload(graph, tokens)
    views, notes = lay_out_views(graph, engine, depth, direction)
    palettes = {"signed": [*NEGATIVE[:0:-1], *POSITIVE], "sequential": list(SEQUENTIAL)}
    stops = read_lesson(lesson, graph, walk_steps(graph), [shown["key"] for shown in views])
    heading = title or _make_title(graph)
    data |= {"lesson": stops, "views": views, "notes": [*data["notes"], *notes], "palettes": palettes}
    data["title"] = write_said(heading)
    style = _write_colours() + _read("explorer.css")
    script = "\n".join([f"const PHRASES = {WRITTEN};", *(_read(name) for name in SCRIPTS)])
    policy = f"default-src 'none'; script-src {_hash(script)}; style-src {_hash(style)}; img-src data:"
    maps = _pack(_take_maps(data))
    data["mapBytes"] = len(maps) if data["maps"] else 0
    page = Template(_read("explorer.html")).substitute(
        policy=policy, title=html.escape(make_text(heading)), style=style, script=script,
        still=write_still(data["nodes"], views[0]), data=_pack(data), maps=maps,
    )  # fmt: skip
    size = len(page.encode())
    if size > REFUSE_ABOVE:
        raise ValueError(f"explore: the page has {size / 1e6:.1f} MB, at most {REFUSE_ABOVE / 1e6:g} MB: {_SMALLER}")
    if size > WARN_ABOVE:
        warnings.warn(f"the page of {len(graph):,} nodes has {size / 1e6:.1f} MB: {_SMALLER}", stacklevel=4)
    return page


_SMALLER = "explore a part of it, graph.between(start, end).explore(…), or fewer layers"


def _check_place(place: Path) -> Path:
    if place.suffix.lower() not in (".html", ".htm"):
        raise ValueError(f"explore: {place.name!r} must end in .html")
    check_folder(place.parent, "explore")
    return place


def _make_title(graph: Graph) -> str:
    names = [name for node in graph.outputs[:3] if (name := node.name or node.op)]
    return Phrase("graph of", ", ".join(names)) if names else Phrase("graph")


def _take_maps(data: Plain) -> list[list[Number]]:
    """Moves the maps of attention out of the arrays: they are packed apart, so that what they add can be said."""
    maps = [data["arrays"][place] for place in data["maps"]]
    for place in data["maps"]:
        data["arrays"][place] = []
    return maps


def _pack(data: Plain | list[list[Number]]) -> str:
    """JSON, gzip, base64: no character of it means anything to HTML."""
    written = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return base64.b64encode(gzip.compress(written.encode("utf-8"), PACKING, mtime=0)).decode("ascii")


def _hash(content: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(content.encode('utf-8')).digest()).decode('ascii')}'"


@cache
def _read(name: str) -> str:
    return files("minigrad.drawing.explorer").joinpath("page", name).read_text("utf-8")


def _write_colours() -> str:
    """The colours of the static pictures as variables of the style sheet, light and dark."""
    paints = {**INKS.roles, **{f"order-{order}": paint for order, paint in enumerate(INKS.orders)}}
    paints |= zip(("cluster", "cluster-gradient"), INKS.clusters, strict=True)
    inks = {"canvas": INKS.background, "selection": INKS.selection}
    for name, paint in paints.items():
        inks |= {f"{name}-fill": paint.fill, f"{name}-outline": paint.outline, f"{name}-text": paint.text}
    inks |= {f"edge-{kind}": ink for kind, ink in INKS.edges.items()}
    return ":root {\n" + "".join(f"  --{name}: light-dark({i.light}, {i.dark});\n" for name, i in inks.items()) + "}\n"
