"""Pictures of a given width, for print and slides: the arrangement that keeps the smallest letters legible."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Iterator, Mapping
from typing import Any

from minigrad.drawing.look import parse_options
from minigrad.drawing.painter import paint_picture, plan_picture
from minigrad.drawing.sheet import Sheet, Text, walk_elements
from minigrad.graph import Graph

SMALLEST = 6.0  # points, of letters in print
LARGER_FONTS = (10.0, 13.0, 17.0)  # letters grow, the space between boxes does not
MOSTLY = 0.5  # of the nodes, in closed scopes: then a picture shows little


def fit_to_width(
    graph: Graph, points: float, width: str, engine: str | None, timeout: float, options: Mapping[str, Any]
) -> Sheet:
    """The picture to be shown at `width`, which is `points` wide.

    Where the letters would be smaller than 6 points, other directions, fonts and depths are tried, those that `options`
    leave open; what shows most comes first. Warns when none is legible, and when most is in scopes that were closed.
    """
    largest, best = 0.0, None
    for arrangement in _list_arrangements(graph, options):
        shown, look = parse_options(graph, arrangement)
        sheet = paint_picture(plan_picture(shown, look, engine, timeout), look)
        letters = _find_smallest(sheet) * points / sheet.width
        if letters > largest:
            largest, best = letters, (sheet, shown)
        if letters >= SMALLEST:
            break
    assert best is not None
    sheet, shown = best
    if largest < SMALLEST:
        warnings.warn(
            f"the smallest letters are {largest:.1f} pt in a picture {width} wide: draw a part, graph.between(start, "
            "end), or choose a smaller depth=",
            stacklevel=4,
        )
    elif options.get("depth") is None and (
        hidden := sum(len(box.nodes) for box in shown.boxes if box.kind == "scope")
    ) > MOSTLY * len(shown.box_of):
        warnings.warn(
            f"{hidden:,} of {len(shown.box_of):,} nodes are in closed scopes, so that letters are legible in a picture "
            f"{width} wide: make it wider, draw a part, graph.between(start, end), or choose depth= or order=",
            stacklevel=4,
        )
    return sheet


def _list_arrangements(graph: Graph, options: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    deepest = max((node.scope.count("/") + 1 for node in graph if node.scope), default=0)
    depths = [options["depth"]] if options.get("depth") is not None else [None, *range(deepest - 1, -1, -1)]
    directions = [options["direction"]] if options.get("direction") else [None, "TB", "LR"]
    fonts = [options["font_size"]] if options.get("font_size") is not None else LARGER_FONTS
    for depth, direction, font_size in itertools.product(depths, directions, fonts):
        yield {**options, "depth": depth, "direction": direction, "font_size": font_size}


def _find_smallest(sheet: Sheet) -> float:
    """The size of the smallest letters."""
    sizes = (element.size for element in walk_elements(sheet.children) if isinstance(element, Text))
    return min(sizes, default=SMALLEST)
