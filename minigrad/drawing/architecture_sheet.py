"""The picture of an architecture: parts enter, a `Sheet` leaves, upwards as in papers or to the right as on slides."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from math import hypot

from minigrad.drawing.architecture_layout import SIGN, Frame, Layout, Place, Point, Size
from minigrad.drawing.architecture_parts import Part, Parts
from minigrad.drawing.fonts import measure_text
from minigrad.drawing.sheet import Command, Element, Ellipse, Group, Ink, Path, Rectangle, Sheet, Text, join_points
from minigrad.drawing.style import INKS

FILLS = {
    "attention": Ink("#fbdcb8", "#5c3f1d"),
    "norm": Ink("#f5efb5", "#4c471b"),
    "feed forward": Ink("#c3e4f0", "#1c4658"),
    "linear": Ink("#dcdaf2", "#3a3766"),
    "activation": Ink("#cfe9cf", "#224c2b"),
    "embedding": Ink("#f8d3d9", "#5c303b"),
    "other": Ink("#e8eaed", "#30363d"),
}
FRAME, BORDER = Ink("#f6f7f8", "#161b22"), Ink("#8c959f", "#6e7681")
LINE, CIRCLE = Ink("#424a53", "#b1bac4"), Ink("#ffffff", "#0d1117")

FONT, ROW, MARGIN = 10.0, 12.0, 8.0
BOX, DEEP = 104.0, 56.0  # the width of a box upwards, its height to the right
BETWEEN = {False: 46.0, True: 76.0}  # columns: upwards, to the right
LETTERS = {False: 14, True: 9}  # of a line
BEND, HEAD, SLENDER = 4.0, 5.5, 0.42  # radius of corners; arrow heads: length, half the width in lengths
WAVE = 10.0  # radius of the circle with a wave
STROKES: dict[str, list[tuple[float, float, float, float]]] = {
    "+": [(-4, 0, 4, 0), (0, -4, 0, 4)],
    "−": [(-4, 0, 4, 0)],
    "×": [(-3, -3, 3, 3), (-3, 3, 3, -3)],
    "÷": [(-2.5, 4, 2.5, -4)],
    "‖": [(-1.5, -4, -1.5, 4), (1.5, -4, 1.5, 4)],
}  # signs are drawn, as letters would not stand in the very middle


def paint_architecture(
    parts: Parts, title: str, rightwards: bool, narrowest: float = 0.0, ratio: float | None = None
) -> Sheet:
    """The picture, its letters 10 points high, in the middle of a page.

    Args:
        narrowest: the least width of the page.
        ratio: of the sides of the page; by default it is as high as the picture.
    """
    painter = _Painter(rightwards)
    layout = Layout(parts, painter.measure, BETWEEN[rightwards])
    corners = [painter.turn(corner) for corner in layout.list_corners()]
    (left, right), (top, bottom) = ((min(sides), max(sides)) for sides in zip(*corners, strict=True))
    width, height = max(right - left + 2 * MARGIN, narrowest), bottom - top + 2 * MARGIN
    if ratio is not None:
        width = max(width, height * ratio)
        height = width / ratio
    painter.origin = (width - left - right) / 2, (height - top - bottom) / 2
    elements = [element for frame in layout.frames for element in painter.paint_frame(frame)]
    elements += [element for line in layout.lines for element in painter.paint_line(line)]
    for number, place in layout.places.items():
        elements.append(Group(list(painter.paint_part(parts[number], place)), tooltip=parts[number].path))
    return Sheet(width, height, elements, title, describe_parts(parts))


def describe_parts(parts: Parts) -> str:
    """What is drawn, for those who do not see it: a line for each part, as graphs are listed."""
    names = {number: f"%{place}" for place, number in enumerate(parts)}
    lines = []
    for number, part in parts.items():
        entering = ", ".join(names[source] for source, arrows in part.sources.items() for _ in range(arrows))
        times = "".join(f"  ×{count}" for _, count in part.frames)
        lines.append(
            f"{names[number]} = {' '.join(part.title.split())}" + (f"({entering})" if entering else "") + times
        )
    return "\n".join(lines)


class _Painter:
    def __init__(self, rightwards: bool) -> None:
        self.rightwards, self.origin = rightwards, (0.0, 0.0)

    def turn(self, point: Point) -> Point:
        """From along and across to x and y."""
        x, y = point if self.rightwards else (point[1], -point[0])
        return x + self.origin[0], y + self.origin[1]

    def measure(self, part: Part) -> Size:
        if part.kind == "sign":
            return Size(SIGN, SIGN)
        lines = self._wrap(part)
        width, height = max(measure_text(line, FONT) for line in lines) + 4, ROW * len(lines) + 4
        if part.kind == "wave":
            width, height = (width, height + 2 * WAVE) if self.rightwards else (width + 2 * WAVE, height)
        elif part.boxed:
            width, height = (width + 10, DEEP) if self.rightwards else (max(BOX, width + 4), height + 4)
        return Size(width, height) if self.rightwards else Size(height, width)

    def paint_frame(self, frame: Frame) -> Iterator[Element]:
        (x, y), (z, w) = self.turn(frame.low), self.turn(frame.high)
        yield Rectangle(x, min(y, w), z - x, abs(w - y), 10, fill=FRAME, stroke=BORDER)
        edge = frame.high[1] if frame.side > 0 else frame.low[1]
        text = f"×{frame.count}"
        away = 11.0 if self.rightwards else 5 + measure_text(text, FONT + 2, bold=True) / 2
        x, y = self.turn(((frame.low[0] + frame.high[0]) / 2, edge + frame.side * away))
        yield Text(x, y + 4, text, FONT + 2, INKS.text, "middle", bold=True)

    def paint_line(self, points: Sequence[Point]) -> Iterator[Element]:
        turned = [self.turn(point) for point in points]
        corners = [point for point, after in zip(turned, [*turned[1:], None], strict=True) if point != after]
        tip = corners[-1]
        neck = _go_towards(tip, corners[-2], HEAD)
        yield Path(list(_round_corners([*corners[:-1], neck])), stroke=LINE)
        dx, dy = (tip[0] - neck[0]) * SLENDER, (tip[1] - neck[1]) * SLENDER
        sides = (neck[0] + dy, neck[1] - dx), (neck[0] - dy, neck[1] + dx)
        yield Path(join_points(tip, *sides, closed=True), fill=LINE)

    def paint_part(self, part: Part, place: Place) -> Iterator[Element]:
        x, y = self.turn((place.middle, place.centre))
        if part.kind == "sign":
            yield Ellipse(x, y, SIGN / 2, SIGN / 2, fill=CIRCLE, stroke=LINE)
            for x1, y1, x2, y2 in STROKES[part.title]:
                yield Path(join_points((x + x1, y + y1), (x + x2, y + y2)), stroke=LINE)
            return
        lines = self._wrap(part)
        if part.kind == "wave":
            inner = place.centre - place.side * (place.half - WAVE)
            yield from _paint_wave(*self.turn((place.middle, inner)))
            x, y = self.turn((place.middle, place.centre + place.side * WAVE))
        elif part.boxed:
            (left, low), (right, high) = (self.turn(corner) for corner in place.corners)
            fill = FILLS.get(part.kind, FILLS["other"])
            yield Rectangle(left, min(low, high), right - left, abs(high - low), 5, fill=fill, stroke=LINE)
        for number, line in enumerate(lines):
            base = y + (number - (len(lines) - 1) / 2) * ROW + FONT * 0.35
            yield Text(x, base, line, FONT, INKS.text, "middle")

    def _wrap(self, part: Part) -> list[str]:
        if "\n" in part.title:
            return part.title.split("\n")
        letters = LETTERS[self.rightwards]
        return textwrap.wrap(part.title, letters, break_long_words=False, break_on_hyphens=False) or [""]


def _paint_wave(x: float, y: float) -> Iterator[Element]:
    yield Ellipse(x, y, WAVE, WAVE, fill=CIRCLE, stroke=LINE)
    first, second = (("C", x + a, y + b, x + c, y + b, x + d, y) for a, b, c, d in ((-5, -9, -3, 0), (3, 9, 5, 8)))
    yield Path([("M", x - 8, y), first, second], stroke=LINE)


def _round_corners(points: Sequence[Point]) -> Iterator[Command]:
    """The commands of a line through the points, each corner rounded as far as its sides are long enough."""
    yield ("M", *points[0])
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        radius = min(BEND, *(hypot(x - corner[0], y - corner[1]) / 2 for x, y in (before, after)))
        yield ("L", *_go_towards(corner, before, radius))
        yield ("C", *corner, *corner, *_go_towards(corner, after, radius))
    yield ("L", *points[-1])


def _go_towards(start: Point, end: Point, length: float) -> Point:
    (x, y), (z, w) = start, end
    share = length / hypot(z - x, w - y)
    return x + (z - x) * share, y + (w - y) * share
