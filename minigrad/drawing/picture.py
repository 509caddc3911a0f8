"""Pictures of graphs: in files, in notebooks, and as an object of the `graphviz` package."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from minigrad.core.errors import MinigradError
from minigrad.drawing.convert import check_folder, save_sheet
from minigrad.drawing.dot import dot_source, write_dot
from minigrad.drawing.engines import TIMEOUT, LayoutError, save_text
from minigrad.drawing.fit import fit_to_width
from minigrad.drawing.lengths import parse_length
from minigrad.drawing.look import parse_options
from minigrad.drawing.painter import paint_picture, plan_picture
from minigrad.drawing.svg import write_svg

if TYPE_CHECKING:
    import graphviz

    from minigrad.graph import Graph

DOT = (".dot", ".gv")
FORMATS = (".svg", ".png", ".pdf", ".tex", *DOT)
MOST_LAID_OUT = 25_000  # boxes; engines take minutes for more, and pictures of fewer cannot be read either
DPI = 144  # pixels per inch of a bitmap: two for each point, which is legible on any screen
PATIENCE = 5.0  # seconds that a notebook waits for a picture


def draw(graph: Graph, path: str | os.PathLike[str], engine: str | None, options: Mapping[str, Any]) -> None:
    """Write the picture of `graph` to `path`; see `Graph.draw`."""
    place, options = Path(path), dict(options)
    ending = place.suffix.lower()
    if ending not in FORMATS:
        raise ValueError(f"draw: {place.name!r} must end in one of {', '.join(FORMATS)}")
    check_folder(place.parent, "draw")
    width, timeout = options.pop("width", None), _parse_timeout(options.pop("timeout", TIMEOUT))
    points = None if width is None else parse_length(width)
    if ending in DOT:
        place.write_text(dot_source(graph, **options), encoding="utf-8", newline="\n")
        return
    shown, look = parse_options(graph, options)
    if len(shown.boxes) > MOST_LAID_OUT:
        raise LayoutError(
            f"draw: {len(graph):,} nodes, an engine lays out at most {MOST_LAID_OUT:,} boxes in good time: leave depth "
            f"to the default, draw a part, graph.between(start, end), or the DOT text, {place.stem}.dot"
        )
    try:
        if points is None:
            sheet = paint_picture(plan_picture(shown, look, engine, timeout), look)
        else:
            sheet = fit_to_width(graph, points, width, engine, timeout, options)
    except MinigradError as error:
        save_text(write_dot(shown, look), _find_free_place(place.with_suffix(".dot")), error)
        raise
    save_sheet(sheet, place, look.theme, points, look.dpi or DPI)


def _parse_timeout(timeout: object) -> float:
    if isinstance(timeout, (int, float)) and timeout > 0:
        return float(timeout)
    raise ValueError(f"timeout={timeout!r}: expected a positive number of seconds")


def make_source(graph: Graph, **options: Any) -> graphviz.Source:
    """A `graphviz.Source` of the picture."""
    import graphviz

    return graphviz.Source(dot_source(graph, **options))


def make_mime_bundle(graph: Graph, text: str | None = None, **options: Any) -> dict[str, Any]:
    """What a notebook shows: the picture where an engine can draw it, and the listing or another text. Never raises.

    The picture is SVG alone: a PNG beside it would be most of the notebook's file. Where no SVG is shown, as in a
    notebook that is not trusted, the listing is.
    """
    shown: dict[str, Any] = {"text/plain": text or str(graph)}
    with suppress(Exception):  # whatever is wrong with the engine, the notebook goes on
        view, look = parse_options(graph, options)
        shown["image/svg+xml"] = write_svg(paint_picture(plan_picture(view, look, timeout=PATIENCE), look))
    return shown


def _find_free_place(place: Path) -> Path:
    """The place itself, or one beside it that is not taken: nobody's file is overwritten by a failure."""
    names = (place, *(place.with_name(f"{place.stem}-{number}{place.suffix}") for number in range(1, 1_000)))
    return next((name for name in names if not name.exists()), place)
