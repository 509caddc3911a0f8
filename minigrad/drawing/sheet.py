"""A picture as data: what is painted where, in which colours. Whoever draws makes a `Sheet`, whoever writes reads it.

Lengths are in points, x to the right and y downwards from the left upper corner. A colour is a pair, of the light theme
and of the dark one, so that one sheet serves both.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

Theme = Literal["light", "dark", "auto"]


class Ink(NamedTuple):
    """The two colours of one thing, `#rrggbb` each."""

    light: str
    dark: str


PAPER = Ink("#FFFFFF", "#0D1117")


@dataclass(frozen=True, kw_only=True)
class Shape:
    """What is filled or outlined or both; `dash` has the lengths of strokes and gaps in turn."""

    fill: Ink | None = None
    stroke: Ink | None = None
    stroke_width: float = 1.0
    dash: tuple[float, ...] = ()


@dataclass(frozen=True)
class Rectangle(Shape):
    x: float
    y: float
    width: float
    height: float
    radius: float = 0.0


@dataclass(frozen=True)
class Ellipse(Shape):
    """Around the point (x, y)."""

    x: float
    y: float
    rx: float
    ry: float


Command = tuple[Any, ...]
"""A letter and its numbers: ("M", x, y) begins at a point, ("L", x, y) goes straight to one, ("C", six numbers) along a
Bézier curve, ("Z",) back to the beginning."""


Point = tuple[float, float]


def join_points(first: Point, *others: Point, closed: bool = False) -> list[Command]:
    """Straight lines from each point to the next, and from the last to the first where `closed`.

    >>> join_points((0, 0), (3, 0), (3, 4), closed=True)
    [('M', 0, 0), ('L', 3, 0), ('L', 3, 4), ('Z',)]
    """
    return [("M", *first), *(("L", *point) for point in others), *([("Z",)] if closed else [])]


@dataclass(frozen=True)
class Path(Shape):
    commands: Sequence[Command]


@dataclass(frozen=True, eq=False)
class Tiles:
    """A grid of coloured cells that begins at (x, y); edges are sharp, so that no seam shows between neighbours.

    `width` and `height` are those of a cell; `places`, (rows, columns), has the place of each cell's colour in `inks`.
    """

    x: float
    y: float
    width: float
    height: float
    places: npt.NDArray[np.int64]
    inks: Sequence[Ink]


@dataclass(frozen=True)
class Text:
    """One line with its baseline at (x, y), which is its start, middle or end; `turned` reads upwards."""

    x: float
    y: float
    text: str
    size: float
    fill: Ink
    anchor: Literal["start", "middle", "end"] = "start"
    bold: bool = False
    turned: bool = False


@dataclass(frozen=True)
class Group:
    """What belongs together: `tooltip` shows where the pointer rests, `label` is read aloud, `id` is for scripts."""

    children: Sequence[Element]
    tooltip: str = ""
    id: str = ""
    label: str = ""


Element = Rectangle | Ellipse | Path | Tiles | Text | Group


@dataclass(frozen=True)
class Sheet:
    """A finished picture; `title` and `description` are for those who do not see it."""

    width: float
    height: float
    children: Sequence[Element]
    title: str
    description: str = ""
    background: Ink | None = PAPER


def walk_elements(children: Sequence[Element]) -> Iterator[Element]:
    """Everything on a sheet in the order of painting, each group before what is in it.

    >>> [type(element).__name__ for element in walk_elements([Group([Ellipse(0, 0, 5, 5)]), Rectangle(0, 0, 1, 1)])]
    ['Group', 'Ellipse', 'Rectangle']
    """
    for element in children:
        yield element
        if isinstance(element, Group):
            yield from walk_elements(element.children)
