"""Pictures of a given width, for print and slides: the DOT text whose layout keeps its smallest letters legible."""

from __future__ import annotations

import itertools
import re
import warnings
from collections.abc import Iterator, Mapping
from typing import Any

from minigrad.drawing.dot import dot_source
from minigrad.drawing.engines import layout
from minigrad.drawing.lengths import parse_length
from minigrad.graph import Graph

SMALLEST = 6.0  # points, of letters in print
LARGER_FONTS = (10.0, 13.0, 17.0)  # letters grow, the space between boxes does not


def fit_to_width(graph: Graph, width: str, engine: str | None, options: Mapping[str, Any]) -> str:
    """The DOT text of a picture that is `width` wide.

    Where the letters would be smaller than 6 points, other directions, fonts and depths are tried, those that `options`
    leave open; what shows most comes first. Warns when none is legible.
    """
    room = parse_length(width)
    largest, best = 0.0, ""
    for arrangement in _list_arrangements(graph, options):
        dot = dot_source(graph, **arrangement)
        smallest, natural = _measure(layout(dot, "svg", engine))
        letters = smallest * room / natural
        if letters > largest:
            largest, best = letters, dot
        if letters >= SMALLEST:
            break
    if largest < SMALLEST:
        warnings.warn(
            f"the smallest letters are {largest:.1f} pt in a picture {width} wide: draw a part, graph.between(start, "
            "end), or choose a smaller depth=",
            stacklevel=4,
        )
    # "!" enlarges as well; the height is whatever it takes.
    return best.replace("  graph [", f'  graph [size="{room / 72:.4f},1000!", ', 1)


def _list_arrangements(graph: Graph, options: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    deepest = max((node.scope.count("/") + 1 for node in graph if node.scope), default=0)
    depths = [options["depth"]] if options.get("depth") is not None else [None, *range(deepest - 1, -1, -1)]
    directions = [options["direction"]] if options.get("direction") else [None, "TB", "LR"]
    fonts = [options["font_size"]] if options.get("font_size") is not None else LARGER_FONTS
    for depth, direction, font_size in itertools.product(depths, directions, fonts):
        yield {**options, "depth": depth, "direction": direction, "font_size": font_size}


def _measure(svg: bytes) -> tuple[float, float]:
    """The size of the smallest letters and the width of the picture, in points."""
    width = re.search(rb'<svg width="([\d.]+)pt"', svg)
    sizes = [float(size) for size in re.findall(rb'font-size="([\d.]+)"', svg)]
    return min(sizes, default=SMALLEST), float(width[1]) if width else 1.0
