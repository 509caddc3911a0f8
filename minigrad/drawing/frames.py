"""The backward pass as numbered pictures on one fixed layout: a `Graph` enters, files leave. See `Graph.frames`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from minigrad.core.errors import GraphError
from minigrad.drawing.convert import check_folder, save_sheet
from minigrad.drawing.flows import Flow
from minigrad.drawing.look import parse_options
from minigrad.drawing.painter import paint_picture, plan_picture
from minigrad.drawing.picture import DPI
from minigrad.drawing.text import shorten
from minigrad.graph import Graph

FORMATS = ("svg", "png", "pdf")
LONGEST = 64  # characters of a line of the caption, about as many as its box has room for


def draw_frames(
    graph: Graph, folder: str | os.PathLike[str], format: str, engine: str | None, options: Mapping[str, Any]
) -> list[Path]:
    """Write a picture before the first contribution and one after each; see `Graph.frames`."""
    place = Path(folder)
    if format not in FORMATS:
        raise ValueError(f"frames: format={format!r}, expected one of {', '.join(FORMATS)}")
    check_folder(place, "frames")
    shown, look = parse_options(graph, {"direction": "TB", **options})
    plan = plan_picture(shown, replace(look, played=0), engine)
    flows = plan.flows
    if not flows:
        raise GraphError("frames: nothing has flowed back through this graph; call loss.backward(keep=True) first")
    places = []
    for number, flow in enumerate([None, *flows]):
        highlight = look.highlight if flow is None else look.highlight | {flow.steps[-1].target}
        frame = replace(look, played=number, caption=_write_caption(number, flows, flow), highlight=highlight)
        places.append(place / f"{number:0{len(str(len(flows)))}}.{format}")
        save_sheet(paint_picture(plan, frame), places[-1], look.theme, dpi=look.dpi or DPI)
    return places


def _write_caption(number: int, flows: list[Flow], flow: Flow | None) -> tuple[str, ...]:
    """As many lines in every picture, so that each has the same layout."""
    lines = [f"contribution {number} of {len(flows)}"]
    if flow is None:
        lines = [f"before the first of {len(flows)} contributions"]
    elif len(flow.steps) == 1:
        lines += repr(flow.steps[0]).split("\n")
    else:
        lines += [f"{len(flow.steps)} contributions to {flow.source.title or flow.steps[-1].target.path}"]
    return tuple(shorten(line.strip(), LONGEST) for line in (*lines, *[""] * 5)[:5])
