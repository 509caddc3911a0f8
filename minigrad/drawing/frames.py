"""The backward pass as numbered pictures on one fixed layout: a `Graph` enters, files leave. See `Graph.frames`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from minigrad.core.errors import GraphError
from minigrad.drawing.automatic import with_both_themes
from minigrad.drawing.backward import Flow, flows_back
from minigrad.drawing.dot import written
from minigrad.drawing.engines import layout
from minigrad.drawing.look import chosen
from minigrad.drawing.picture import DPI

if TYPE_CHECKING:
    from minigrad.graph import Graph

FORMATS = ("svg", "png", "pdf")
LONGEST = 64  # characters of a line of the caption, about as many as its box has room for


def frames(
    graph: Graph, folder: str | os.PathLike[str], format: str, engine: str | None, options: Mapping[str, Any]
) -> list[Path]:
    """Write a picture before the first contribution and one after each; see `Graph.frames`."""
    place = Path(folder)
    if format not in FORMATS:
        raise ValueError(f"frames: format={format!r}, expected one of {', '.join(FORMATS)}")
    if not place.is_dir():
        raise FileNotFoundError(f"frames: there is no folder {os.fspath(place)!r}; make it first")
    if format == "png":
        options = {"dpi": DPI, **options}
    shown, look = chosen(graph, **{"direction": "TB", **options})
    flows = flows_back(shown)
    if not flows:
        raise GraphError("frames: nothing has flowed back through this graph; call loss.backward(keep=True) first")
    places = []
    for number, flow in enumerate([None, *flows]):
        current = look.highlight if flow is None else look.highlight | {flow.steps[-1].target}
        caption = _caption(number, flows, flow)
        picture = layout(
            written(shown, replace(look, played=number, caption=caption, highlight=current)), format, engine
        )
        if look.theme == "auto" and format == "svg":
            picture = with_both_themes(picture)
        places.append(place / f"{number:0{len(str(len(flows)))}}.{format}")
        places[-1].write_bytes(picture)
    return places


def _caption(number: int, flows: list[Flow], flow: Flow | None) -> tuple[str, ...]:
    """As many lines in every picture, so that each has the same layout."""
    lines = [f"contribution {number} of {len(flows)}"]
    if flow is None:
        lines = [f"before the first of {len(flows)} contributions"]
    elif len(flow.steps) == 1:
        lines += repr(flow.steps[0]).split("\n")
    else:
        lines += [f"{len(flow.steps)} contributions to {flow.source.title or flow.steps[-1].target.path}"]
    return tuple(_cut(line.strip()) for line in (*lines, *[""] * 5)[:5])


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
