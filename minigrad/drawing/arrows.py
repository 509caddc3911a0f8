"""Arrows: a curve enters, its line and its head leave."""

from __future__ import annotations

import math
from collections.abc import Iterator

from minigrad.drawing.places import Curve
from minigrad.drawing.sheet import Command, Element, Ink, Path, join_points

DASH = (4.0, 2.6)  # of what flows back
SLIM = 0.4  # half the width of a head, in its lengths


def draw_arrow(curve: Curve, ink: Ink, width: float, dash: tuple[float, ...] = ()) -> Iterator[Element]:
    """The line, then the head, which fills what the layout leaves between the end of the line and its tip."""
    first, *others = curve.points
    commands: list[Command] = [("M", *first)]
    for number in range(0, len(others), 3):
        a, b, c = others[number : number + 3]
        commands.append(("C", *a, *b, *c))
    (x, y), (tip_x, tip_y) = curve.points[-1], curve.tip
    along, down = tip_x - x, tip_y - y
    grown = max(1.0, 0.55 * math.sqrt(width) + 0.5)  # so that the head of a wide line is wider than the line
    side = SLIM * grown
    corners = ((x - side * down, y + side * along), (tip_x, tip_y), (x + side * down, y - side * along))
    notch = (x + 0.2 * along, y + 0.2 * down)
    yield Path((*commands, ("L", *notch)), stroke=ink, stroke_width=width, dash=dash)
    yield Path(join_points(*corners, notch, closed=True), fill=ink)
