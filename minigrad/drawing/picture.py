"""Pictures of graphs: in files, in notebooks, and as an object of the `graphviz` package."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from minigrad.drawing.dot import dot_source
from minigrad.drawing.engines import LayoutError, layout

if TYPE_CHECKING:
    import graphviz

    from minigrad.graph import Graph

FORMATS = {".svg": "svg", ".png": "png", ".pdf": "pdf", ".dot": "dot", ".gv": "dot"}
MOST_LAID_OUT = 25_000  # nodes; engines take minutes for more, and pictures of fewer cannot be read either
MOST_IN_NOTEBOOKS = 500  # nodes; a larger graph is shown as text there


def draw(graph: Graph, path: str | os.PathLike[str], engine: str | None, options: Mapping[str, Any]) -> None:
    """Write the picture of `graph` to `path`; see `Graph.draw`."""
    place = Path(path)
    format = FORMATS.get(place.suffix.lower())
    if format is None:
        raise ValueError(f"draw: {place.name!r} must end in one of {', '.join(FORMATS)}")
    if not place.parent.is_dir():
        raise FileNotFoundError(f"draw: there is no folder {os.fspath(place.parent)!r}; make it first")
    if format != "dot" and len(graph) > MOST_LAID_OUT:
        raise LayoutError(
            f"draw: {len(graph):,} nodes, an engine lays out at most {MOST_LAID_OUT:,} in good time: draw a part, "
            f"graph.between(start, end), or the DOT text, {place.with_suffix('.dot').name!r}"
        )
    dot = dot_source(graph, **options)
    if format == "dot":
        place.write_text(dot, encoding="utf-8", newline="\n")
    else:
        place.write_bytes(layout(dot, format, engine, save_dot=place.with_suffix(".dot")))


def source(graph: Graph, **options: Any) -> graphviz.Source:
    """A `graphviz.Source` of the picture."""
    import graphviz

    return graphviz.Source(dot_source(graph, **options))


def mime_bundle(graph: Graph) -> dict[str, str]:
    """What a notebook shows: the listing, and the picture where an engine can draw it. Never raises."""
    shown = {"text/plain": str(graph)}
    if len(graph) <= MOST_IN_NOTEBOOKS:
        with suppress(Exception):  # whatever is wrong with the engine, the notebook goes on
            shown["image/svg+xml"] = layout(dot_source(graph), "svg").decode("utf-8")
    return shown
