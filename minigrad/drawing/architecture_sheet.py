"""The picture of an architecture: parts enter, a `Sheet` leaves, upwards as in papers or to the right as on slides."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from math import hypot, inf
from typing import Literal

from minigrad.drawing.architecture_layout import GAP, SIGN, Frame, Place, Point, Size, lay_out
from minigrad.drawing.architecture_parts import Part, Parts
from minigrad.drawing.colours import INK
from minigrad.drawing.fonts import measure_text
from minigrad.drawing.sheet import Command, Element, Ellipse, Group, Ink, Path, Rectangle, Sheet, Text, Tiles

FILLS = {
    "attention": Ink("#fbdcb8", "#5c3f1d"),
    "norm": Ink("#f5efb5", "#4c471b"),
    "feed forward": Ink("#c3e4f0", "#1c4658"),
    "linear": Ink("#dcdaf2", "#3a3766"),
    "softmax": Ink("#cfe9cf", "#224c2b"),
    "activation": Ink("#cfe9cf", "#224c2b"),
    "embedding": Ink("#f8d3d9", "#5c303b"),
    "other": Ink("#e8eaed", "#30363d"),
}
FRAME, BORDER = Ink("#f6f7f8", "#161b22"), Ink("#8c959f", "#6e7681")
LINE, CIRCLE = Ink("#424a53", "#b1bac4"), Ink("#ffffff", "#0d1117")

FONT, ROW, MARGIN = 10.0, 12.0, 8.0
BOX, NARROW, DEEP = 104.0, 58.0, 56.0  # widths of boxes upwards and of lines to the right; height of boxes there
BETWEEN = {False: 150.0, True: 132.0}  # middles of columns: upwards, to the right
BEND, HEAD, SLENDER = 4.0, 5.5, 0.42  # radius of corners; arrow heads: length, half the width in lengths
WAVE = 10.0  # radius of the circle with a wave
STROKES: dict[str, list[tuple[float, float, float, float]]] = {
    "+": [(-4, 0, 4, 0), (0, -4, 0, 4)],
    "−": [(-4, 0, 4, 0)],
    "×": [(-3, -3, 3, 3), (-3, 3, 3, -3)],
    "÷": [(-2.5, 4, 2.5, -4)],
    "‖": [(-1.5, -4, -1.5, 4), (1.5, -4, 1.5, 4)],
}  # signs are drawn, as letters would not stand in the very middle
LARGEST = 2.0  # letters on slides are not more than twice as high
Anchor = Literal["start", "middle", "end"]
ANCHORS: dict[int, Anchor] = {1: "start", -1: "end"}  # of texts on a side
TEXTS = ("input", "parameter", "output")


def paint_architecture(parts: Parts, title: str, rightwards: bool) -> Sheet:
    """The picture in its natural size, its smallest letters 10 points high."""
    painter = _Painter(rightwards)
    layout = lay_out(parts, painter.measure, BETWEEN[rightwards])
    elements: list[Element] = []
    for frame in layout.frames:
        elements += painter.paint_frame(frame)
    for line in layout.lines:
        elements += painter.paint_line(line)
    for number, place in layout.places.items():
        side = layout.sides.get(number, 0)
        elements.append(Group(list(painter.paint_part(parts[number], place, side)), tooltip=parts[number].path))
    left, top, right, bottom = _find_bounds(elements)
    width, height = right - left + 2 * MARGIN, bottom - top + 2 * MARGIN
    moved = [move_element(element, 1.0, MARGIN - left, MARGIN - top) for element in elements]
    return Sheet(width, height, moved, title, describe_parts(parts))


def fit_sheet(sheet: Sheet, width: float, height: float | None) -> Sheet:
    """The picture in the middle of a page, as large as the page allows; in a column it is not enlarged."""
    scale = min(LARGEST if height else 1.0, width / sheet.width, (height or inf) / sheet.height)
    height = sheet.height * scale if height is None else height
    dx, dy = (width - sheet.width * scale) / 2, (height - sheet.height * scale) / 2
    children = [move_element(element, scale, dx, dy) for element in sheet.children]
    return replace(sheet, width=width, height=height, children=children)


def describe_parts(parts: Parts) -> str:
    """What is drawn, for those who do not see it: a line for each part."""
    titles = {number: part.title for number, part in parts.items()}
    lines = []
    for number, part in parts.items():
        times = "".join(f" ×{count}" for _, count in part.frames)
        entering = ", ".join(titles[source] for source in part.sources)
        lines.append(f"{titles[number]}{times}" + (f" ← {entering}" if entering else ""))
    return "\n".join(lines)


class _Painter:
    def __init__(self, rightwards: bool) -> None:
        self.rightwards = rightwards

    def measure(self, part: Part) -> Size:
        if part.sign:
            return Size(SIGN, SIGN)
        lines = wrap_text(part.title, NARROW if self.rightwards else BOX - 10)
        width, height = max(measure_text(line, FONT) for line in lines), ROW * len(lines)
        if part.kind in TEXTS:
            width, height = width + 4, height + 4
        else:
            width, height = (width + 14, DEEP) if self.rightwards else (BOX, height + 8)
        return Size(width, height) if self.rightwards else Size(height, width)

    def paint_frame(self, frame: Frame) -> Iterator[Element]:
        (x, y), (z, w) = sorted([self._turn(frame.low), self._turn(frame.high)])
        top, bottom = min(y, w), max(y, w)
        yield Rectangle(x, top, z - x, bottom - top, 10, fill=FRAME, stroke=BORDER)
        text = f"×{frame.count}"
        if self.rightwards:
            middle, edge = (x + z) / 2, bottom + 15 if frame.side > 0 else top - 6
            yield Text(middle, edge, text, FONT + 2, INK, "middle", bold=True)
        else:
            edge = z + 6 if frame.side > 0 else x - 6
            yield Text(edge, (top + bottom) / 2 + 4, text, FONT + 2, INK, ANCHORS[frame.side], bold=True)

    def paint_line(self, points: Sequence[Point]) -> Iterator[Element]:
        turned = [self._turn(point) for point in points]
        corners = [point for point, after in zip(turned, [*turned[1:], None], strict=True) if point != after]
        tip = corners[-1]
        neck = _go_towards(tip, corners[-2], HEAD)
        yield Path(list(_round_corners([*corners[:-1], neck])), stroke=LINE)
        dx, dy = (tip[0] - neck[0]) * SLENDER, (tip[1] - neck[1]) * SLENDER
        head = [("M", *tip), ("L", neck[0] + dy, neck[1] - dx), ("L", neck[0] - dy, neck[1] + dx), ("Z",)]
        yield Path(head, fill=LINE)

    def paint_part(self, part: Part, place: Place, side: int) -> Iterator[Element]:
        (x, y) = self._turn((place.middle, place.centre))
        if part.sign:
            yield from self._paint_sign(part, x, y, side)
            return
        size = self.measure(part)
        width, height = size if self.rightwards else size[::-1]
        if part.kind not in TEXTS:
            fill = FILLS.get(part.kind, FILLS["other"])
            yield Rectangle(x - width / 2, y - height / 2, width, height, 5, fill=fill, stroke=LINE)
        lines = wrap_text(part.title, NARROW if self.rightwards else BOX - 10)
        yield from _write_lines(lines, x, y, "middle")

    def _paint_sign(self, part: Part, x: float, y: float, side: int) -> Iterator[Element]:
        radius = SIGN / 2
        yield Ellipse(x, y, radius, radius, fill=CIRCLE, stroke=LINE)
        yield from _paint_symbol(part.sign, x, y)
        if part.kind != "positions":
            return
        reach = radius + GAP + WAVE  # from circle to circle
        across, down = (0.0, side * reach) if self.rightwards else (side * reach, 0.0)
        middle, low = x + across, y + down
        ux, uy = across / reach, down / reach
        line = [(middle - ux * WAVE, low - uy * WAVE), (x + ux * radius, y + uy * radius)]
        yield Path([("M", *line[0]), ("L", *line[1])], stroke=LINE)
        yield Ellipse(middle, low, WAVE, WAVE, fill=CIRCLE, stroke=LINE)
        wave = [("M", middle - 8, low), ("C", middle - 5, low - 9, middle - 3, low - 9, middle, low)]
        yield Path([*wave, ("C", middle + 3, low + 9, middle + 5, low + 9, middle + 8, low)], stroke=LINE)
        lines = wrap_text(part.title, NARROW)
        if self.rightwards:
            yield from _write_lines(lines, middle, low + side * (WAVE + 3 + ROW * len(lines) / 2), "middle")
        else:
            yield from _write_lines(lines, middle + side * (WAVE + 4), low, ANCHORS[side])

    def _turn(self, point: Point) -> Point:
        """From along and across to x and y."""
        along, across = point
        return (along, across) if self.rightwards else (across, -along)


def wrap_text(text: str, room: float) -> list[str]:
    """The words in lines that are not wider than `room`, where words allow it.

    >>> wrap_text("Masked Multi-Head Attention", 94)
    ['Masked Multi-', 'Head Attention']
    """
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if not lines[-1] or measure_text(longer, FONT) <= room:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def _write_lines(lines: Sequence[str], x: float, y: float, anchor: Anchor) -> Iterator[Text]:
    """Several lines around the height `y`."""
    for place, line in enumerate(lines):
        base = y + (place - (len(lines) - 1) / 2) * ROW + FONT * 0.35
        yield Text(x, base, line, FONT, INK, anchor)


def _paint_symbol(sign: str, x: float, y: float) -> Iterator[Element]:
    for x1, y1, x2, y2 in STROKES[sign]:
        yield Path([("M", x + x1, y + y1), ("L", x + x2, y + y2)], stroke=LINE)


def _round_corners(points: Sequence[Point]) -> Iterator[Command]:
    """The commands of a line through the points, each corner rounded as far as its sides are long enough."""
    yield ("M", *points[0])
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        radius = min(BEND, *(hypot(x - corner[0], y - corner[1]) / 2 for x, y in (before, after)))
        if radius:
            yield ("L", *_go_towards(corner, before, radius))
            yield ("C", *corner, *corner, *_go_towards(corner, after, radius))
    yield ("L", *points[-1])


def _go_towards(start: Point, end: Point, length: float) -> Point:
    (x, y), (z, w) = start, end
    share = length / hypot(z - x, w - y)
    return x + (z - x) * share, y + (w - y) * share


def move_element(element: Element, scale: float, dx: float, dy: float) -> Element:
    """The same larger or smaller, and then elsewhere."""
    match element:
        case Group(children):
            return replace(element, children=[move_element(child, scale, dx, dy) for child in children])
        case Path(commands):
            shifts = dx, dy
            moved = [(c[0], *(n * scale + shifts[i % 2] for i, n in enumerate(c[1:]))) for c in commands]
            return replace(element, commands=moved, stroke_width=element.stroke_width * scale)
        case Rectangle() | Ellipse() | Text() | Tiles():
            lengths = {name: getattr(element, name) * scale for name in SCALED if hasattr(element, name)}
            return replace(element, x=element.x * scale + dx, y=element.y * scale + dy, **lengths)


SCALED = ("width", "height", "radius", "rx", "ry", "size", "stroke_width")


def _find_bounds(elements: Sequence[Element]) -> tuple[float, float, float, float]:
    corners = [corner for element in elements for corner in _list_corners(element)]
    return (
        min(x for x, _ in corners), min(y for _, y in corners), max(x for x, _ in corners), max(y for _, y in corners),
    )  # fmt: skip


def _list_corners(element: Element) -> Iterator[Point]:
    match element:
        case Group(children):
            for child in children:
                yield from _list_corners(child)
        case Path(commands):
            for _, *numbers in commands:
                yield from zip(numbers[::2], numbers[1::2], strict=True)
        case Text(x, y, text, size):
            width = measure_text(text, size, element.bold)
            left = x - {"start": 0.0, "middle": 0.5, "end": 1.0}[element.anchor] * width
            yield from ((left, y - size), (left + width, y + 0.3 * size))
        case Rectangle(x, y, width, height):
            yield from ((x, y), (x + width, y + height))
        case Ellipse(x, y, rx, ry):
            yield from ((x - rx, y - ry), (x + rx, y + ry))
