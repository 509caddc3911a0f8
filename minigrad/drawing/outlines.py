"""The outlines of boxes: a role enters, primitives leave. Roles differ in shape and line, as they do in colour."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from minigrad.drawing.sheet import Ellipse, Ink, Path, Point, Rectangle, join_points

Shape = Path | Rectangle | Ellipse


@dataclass(frozen=True)
class Frame:
    """A rectangle by its left upper corner, its width and its height."""

    x: float
    y: float
    width: float
    height: float

    @property
    def corners(self) -> tuple[float, float, float, float]:
        """Left, top, right and low sides."""
        return self.x, self.y, self.x + self.width, self.y + self.height

    def meets(self, other: Frame) -> bool:
        (left, top, right, low), (x, y, far, deep) = self.corners, other.corners
        return left < far and x < right and top < deep and y < low

    def move(self, x: float, y: float) -> Frame:
        return Frame(self.x + x, self.y + y, self.width, self.height)

    def shrink(self, by: float) -> Frame:
        return Frame(self.x + by, self.y + by, self.width - 2 * by, self.height - 2 * by)


@dataclass(frozen=True)
class Outline:
    """How a box is drawn, and the room beside and above its text that its shape takes, in points."""

    draw: Callable[[Frame], Shape]
    beside: float = 0.0
    above: float = 0.0
    below: float = 0.0
    dash: tuple[float, ...] = ()
    double: bool = False
    stacked: bool = False
    weight: float = 1.0  # of its line


def draw_outline(outline: Outline, frame: Frame, fill: Ink, stroke: Ink, stroke_width: float) -> list[Shape]:
    """The outline around `frame`, filled; a double one has its second line inside."""
    shapes: list[Shape] = []
    if outline.stacked:
        front = Frame(frame.x, frame.y + 2 * STEP, frame.width - 2 * STEP, frame.height - 2 * STEP)
        frames = [replace(front, x=front.x + step, y=front.y - step) for step in (2 * STEP, STEP, 0.0)]
    else:
        frames = [frame]
    for place in frames:
        shape = outline.draw(place)
        shapes.append(
            replace(shape, fill=fill, stroke=stroke, stroke_width=stroke_width * outline.weight, dash=outline.dash)
        )
    if outline.double:
        inner = outline.draw(frames[-1].shrink(GAP))
        shapes.append(replace(inner, stroke=stroke, stroke_width=0.8))
    return shapes


STEP, GAP = 3.0, 2.6  # between stacked boxes, and between the lines of a double outline


def _round_by(radius: float, part: int = 3) -> Callable[[Frame], Shape]:
    """Rectangles with round corners, which take a part of low ones at most."""
    return lambda frame: Rectangle(frame.x, frame.y, frame.width, frame.height, min(radius, frame.height / part))


_draw_square = _round_by(1)


def _draw_polygon(*corners: Point) -> Shape:
    return Path(join_points(*corners, closed=True))


def _draw_octagon(frame: Frame) -> Shape:
    (x, y, right, low), cut = frame.corners, min(7.0, frame.height / 3)
    return _draw_polygon(
        (x + cut, y), (right - cut, y), (right, y + cut), (right, low - cut),
        (right - cut, low), (x + cut, low), (x, low - cut), (x, y + cut),
    )  # fmt: skip


def _draw_hexagon(frame: Frame) -> Shape:
    (x, y, right, low), middle = frame.corners, frame.y + frame.height / 2
    return _draw_polygon((x + 8, y), (right - 8, y), (right, middle), (right - 8, low), (x + 8, low), (x, middle))


def _draw_folder(frame: Frame) -> Shape:
    """A sheet with a tab at its upper right, which hides something."""
    x, y, right, low = frame.corners
    tab = min(26.0, frame.width / 2)
    return _draw_polygon(
        (x, y + 5), (right - tab, y + 5), (right - tab + 3, y), (right - 3, y), (right, y + 5), (right, low), (x, low)
    )


def _draw_cylinder(frame: Frame) -> Shape:
    (x, y, right, low), rise = frame.corners, 4.0
    middle, bend = frame.x + frame.width / 2, 0.2761 * frame.width  # of a Bézier curve that is nearly an ellipse
    return Path((
        ("M", x, y + rise),
        ("C", x, y + rise / 2, middle - bend, y, middle, y),
        ("C", middle + bend, y, right, y + rise / 2, right, y + rise),
        ("L", right, low - rise),
        ("C", right, low - rise / 2, middle + bend, low, middle, low),
        ("C", middle - bend, low, x, low - rise / 2, x, low - rise),
        ("L", x, y + rise),
        ("C", x, y + 1.5 * rise, middle - bend, y + 2 * rise, middle, y + 2 * rise),
        ("C", middle + bend, y + 2 * rise, right, y + 1.5 * rise, right, y + rise),
    ))  # fmt: skip


OUTLINES = {
    "input": Outline(_round_by(16, 2), beside=3),
    "parameter": Outline(_round_by(6), beside=2, above=2, below=2, double=True),
    "state": Outline(_draw_cylinder, above=8, below=3),
    "constant": Outline(_draw_square, dash=(4, 2.5)),
    "cotangent": Outline(_draw_octagon, beside=2),
    "random": Outline(_draw_hexagon, beside=5),
    "op": Outline(_round_by(6)),
    "scope": Outline(_draw_folder, above=5, weight=1.4),
    "stack": Outline(_draw_square, beside=3, above=6, stacked=True, weight=1.8),
    "group": Outline(_draw_square, dash=(1.5, 2.5)),
}
OUTPUT = Outline(_draw_square, beside=2, above=2, below=2, double=True)
MARKED = {"removed": {"dash": (5, 3)}, "changed": {"double": True}, "failed": {"draw": _draw_octagon}}


def choose_outline(role: str, output: bool, mark: str | None) -> Outline:
    """That of a role, changed for outputs and by what became of the box.

    >>> choose_outline("op", False, None) is OUTLINES["op"], choose_outline("op", False, "changed").double
    (True, True)
    """
    outline = OUTPUT if output else OUTLINES[role]
    return replace(outline, **MARKED[mark]) if mark in MARKED else outline  # type: ignore[arg-type]  # by field
