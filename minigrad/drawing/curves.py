"""Numbers along an axis as a picture of lines, each with its name above them.

In come points by the name of their line, out goes a file.
"""

from __future__ import annotations

import math
import os
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain

import numpy as np
import numpy.typing as npt

from minigrad.core.arrays import real_array
from minigrad.drawing.axes import Axis, Numbers, fit_axis, format_tick
from minigrad.drawing.colours import FRAME
from minigrad.drawing.convert import save_sheet
from minigrad.drawing.fonts import measure_text
from minigrad.drawing.lengths import PIXEL
from minigrad.drawing.room import fit_text, place_in_rows
from minigrad.drawing.sheet import Command, Element, Group, Ink, Path, Sheet, Text, Theme, join_points
from minigrad.drawing.style import INKS
from minigrad.graph.numbers import format_number


@dataclass(frozen=True)
class Look:
    """Of a line: it differs in colour, and in dashes or marks too, so that lines can be told apart in grey.

    A mark is a polygon: how many corners it has, and by how many degrees it is turned.
    """

    ink: Ink
    dash: tuple[float, ...] = ()
    mark: tuple[int, int] | None = None


LOOKS = (
    Look(Ink("#0072b2", "#4aa8f0"), mark=(16, 0)),
    Look(Ink("#767676", "#9198a1"), dash=(6, 4)),
    Look(Ink("#b54708", "#ff9a4d"), mark=(4, 45)),
    Look(Ink("#1a1a1a", "#e6edf3"), dash=(8, 3, 2, 3), mark=(3, -90)),
    Look(Ink("#007a5a", "#3fbf94"), mark=(4, 0)),
    Look(Ink("#a3488a", "#e58cce"), dash=(6, 4), mark=(3, 90)),
    Look(Ink("#3d97cf", "#8ecbf5"), mark=(3, 0)),
    Look(Ink("#8a6d00", "#d6b540"), dash=(2, 3)),
)
LEVEL = LOOKS[2].ink
GRID = Ink("#e6e6e6", "#21262d")
MARKS, MARK = 32, 3.4  # about so many on a line of many points, and the radius of a round one
MOST_POINTS = 2_000  # of a line that is drawn point by point
MOST_OWN_TICKS = 12  # of a logarithmic axis with the points themselves as ticks

# Lengths in points; screens take a point of a picture as a pixel.
WIDTH, PLOT_HEIGHT, MARGIN = 720, 300, 12
FONT, SMALL = 13, 12
TICK, GAP, LINE = 5, 6, 20
SAMPLE = 30  # the piece of line before its name
LONGEST_LABEL = 180  # of a level or a line


def draw_curves(
    path: str | os.PathLike[str],
    curves: Mapping[str, tuple[npt.ArrayLike, npt.ArrayLike]],
    across: str,
    up: str,
    levels: Mapping[str, float] | None = None,
    logarithmic: Collection[str] = (),
    theme: Theme = "light",
) -> None:
    """Draw lines into a file, svg, png, pdf or tex by its ending, each with its name above them.

    Args:
        curves: x and y by the name of the line, at most eight; y that is not finite leaves a gap.
        across: what x is, with its unit.
        up: what y is, with its unit.
        levels: heights by name, drawn as dotted lines from side to side: baselines. One that has no place has no line,
            and its height is written.
        logarithmic: which axes are: "x", "y", "xy" or none. There, what is not positive leaves a gap.
        theme: "light", "dark", or "auto": an SVG that is light or dark as its page or the reader's system is.

    The same numbers give the same bytes.

    Raises:
        TypeError: x or y are no real numbers.
        ValueError: no curve or more than eight, one whose x and y are not as many numbers, a number of more than 250
            digits, another axis, theme or ending.
        FileNotFoundError: there is no folder for it.
        ModuleNotFoundError: png and pdf need the extras `dot` and `pdf`; the message says how to install them.

    >>> draw_curves("squares.svg", {"x²": ([1, 2, 3], [1, 4])}, across="x", up="y", levels={"five": 5})
    Traceback (most recent call last):
    ValueError: draw_curves: x² has x (3,) and y (2,), expected as many numbers of both
    """
    save_sheet(lay_out_curves(curves, across, up, levels, logarithmic), path, theme, unit=PIXEL)


def lay_out_curves(
    curves: Mapping[str, tuple[npt.ArrayLike, npt.ArrayLike]], across: str, up: str,
    levels: Mapping[str, float] | None = None, logarithmic: Collection[str] = (),
) -> Sheet:  # fmt: skip
    """The sheet of that picture."""
    if not 1 <= len(curves) <= len(LOOKS):
        raise ValueError(f"draw_curves: {len(curves)} curves, expected 1 to {len(LOOKS)}")
    points: Points = {}
    for name, given in curves.items():
        x, y = (real_array(numbers, np.float64, what=f"draw_curves: {name}: ") for numbers in given)
        if x.ndim != 1 or x.shape != y.shape:
            raise ValueError(f"draw_curves: {name} has x {x.shape} and y {y.shape}, expected as many numbers of both")
        points[name] = x, y
    if not {*logarithmic} <= {"x", "y"}:
        raise ValueError(f'draw_curves: logarithmic={logarithmic!r}, expected "x", "y", "xy" or nothing')
    return _lay_out(points, across, up, dict(levels or {}), logarithmic)


Points = dict[str, tuple[Numbers, Numbers]]


@dataclass(frozen=True)
class Plot:
    """The rectangle in which lines run, and its axes."""

    left: float
    top: float
    right: float
    bottom: float
    across: Axis
    up: Axis

    def x(self, numbers: npt.ArrayLike) -> Numbers:
        return self.left + self.across.place(numbers) * (self.right - self.left)

    def y(self, numbers: npt.ArrayLike) -> Numbers:
        return self.bottom - self.up.place(numbers) * (self.bottom - self.top)


def _lay_out(points: Points, across: str, up: str, levels: dict[str, float], logarithmic: Collection[str]) -> Sheet:
    x_axis = fit_axis((x for x, _ in points.values()), "x" in logarithmic)
    y_axis = fit_axis([*(y for _, y in points.values()), *levels.values()], "y" in logarithmic, margin=0.05)
    up_ticks = y_axis.list_ticks(8)
    levels = {_name_level(name, height, y_axis): height for name, height in levels.items()}
    left = MARGIN + FONT + GAP + _measure_widest(up_ticks.values()) + GAP + TICK
    legend, top = _draw_legend([*points], left)
    right = WIDTH - MARGIN - max(_measure_widest(levels), SMALL)
    plot = Plot(left, top, right, top + PLOT_HEIGHT, x_axis, y_axis)
    foot, middle = plot.bottom + TICK + SMALL + GAP + LINE, (top + plot.bottom) / 2
    parts = [
        *_draw_axes(plot, _choose_ticks(plot, [x for x, _ in points.values()]), up_ticks),
        fit_text(Text((left + right) / 2, foot, across, FONT, INKS.text, "middle"), right - left),
        fit_text(Text(MARGIN + FONT - 2, middle, up, FONT, INKS.text, "middle", turned=True), PLOT_HEIGHT),
        *_draw_levels(plot, levels),
        *(_draw_line(plot, name, *points[name], look) for name, look in zip(points, LOOKS, strict=False)),
        *legend,
    ]
    described = f"{up} by {across}: {', '.join(points)}"
    return Sheet(WIDTH, foot + MARGIN, parts, f"{up} by {across}", described)


def _name_level(name: str, height: float, axis: Axis) -> str:
    """With its height where that has no place on the axis."""
    return name if math.isfinite(axis.place(height)) else f"{name}: {format_number(height)}, no place"


def _measure_widest(texts: Iterable[str]) -> float:
    return max((min(measure_text(text, SMALL), LONGEST_LABEL) for text in texts), default=0.0)


def _draw_legend(names: list[str], left: float) -> tuple[list[Element], float]:
    """A sample of each line and its name, in as many rows as they need, and where the plot begins below them."""
    parts: list[Element] = []
    widths = [SAMPLE + GAP + min(measure_text(name, FONT), LONGEST_LABEL) for name in names]
    places = place_in_rows(widths, WIDTH - MARGIN - left, 3 * GAP)
    for name, look, (x, row) in zip(names, LOOKS, places, strict=False):
        x, middle = left + x, MARGIN + (row + 0.5) * LINE
        mark = np.array([x + SAMPLE / 2] if look.mark else [])
        parts += _draw_strokes(join_points((x, middle), (x + SAMPLE, middle)), look)
        parts += _draw_marks(mark, np.full_like(mark, middle), look)
        parts.append(fit_text(Text(x + SAMPLE + GAP, middle + 0.35 * FONT, name, FONT, INKS.text), LONGEST_LABEL))
    return parts, MARGIN + (places[-1][1] + 1) * LINE + GAP


def _choose_ticks(plot: Plot, numbers: list[Numbers]) -> dict[float, str]:
    """As many as stand side by side; few points of a logarithmic axis are its ticks, as they are and not 3 × 10²."""
    longest = max(numbers, key=len)
    ticks = [plot.across.list_ticks(most) for most in range(9, 1, -1)]
    if plot.across.logarithmic and len(longest) <= MOST_OWN_TICKS:
        ticks.insert(0, {x: format_tick(x) for x in longest.tolist() if math.isfinite(plot.across.place(x))})
    return next((some for some in ticks if _stand_apart(plot, some)), ticks[-1])


def _stand_apart(plot: Plot, ticks: dict[float, str]) -> bool:
    middles = plot.x(list(ticks))
    halves = np.array([measure_text(label, SMALL) / 2 for label in ticks.values()])
    order = middles.argsort()
    return bool((np.diff(middles[order]) >= halves[order][1:] + halves[order][:-1] + GAP).all())


def _draw_axes(plot: Plot, across: dict[float, str], up: dict[float, str]) -> list[Element]:
    """Lines at the left and below, with ticks and numbers, and a faint line through the plot at each height."""
    corner = join_points((plot.left, plot.top), (plot.left, plot.bottom), (plot.right, plot.bottom))
    grid, numbers = list[Command](), list[Text]()
    for y, label in zip(plot.y(list(up)).tolist(), up.values(), strict=True):
        grid += join_points((plot.left, y), (plot.right, y))
        corner += join_points((plot.left - TICK, y), (plot.left, y))
        numbers.append(Text(plot.left - TICK - GAP, y + 0.35 * SMALL, label, SMALL, INKS.quiet, "end"))
    for y in plot.y(plot.up.list_minor()).tolist():
        corner += join_points((plot.left - TICK / 2, y), (plot.left, y))
    for x, label in zip(plot.x(list(across)).tolist(), across.values(), strict=True):
        corner += join_points((x, plot.bottom), (x, plot.bottom + TICK))
        numbers.append(Text(x, plot.bottom + TICK + GAP / 2 + SMALL, label, SMALL, INKS.quiet, "middle"))
    return [Path(grid, stroke=GRID), Path(corner, stroke=FRAME), *numbers]


def _draw_levels(plot: Plot, levels: dict[str, float]) -> Iterator[Element]:
    """Dotted lines with their names at the right, one below the other where they would stand on each other."""
    heights, free = plot.y([*levels.values()]), plot.top - SMALL - 1
    for name, y in ((list(levels)[at], heights[at]) for at in heights.argsort(kind="stable")):  # NaN comes last
        if math.isfinite(y):
            yield Path(join_points((plot.left, y), (plot.right, y)), stroke=LEVEL, dash=(1.5, 3))
        free = np.fmax(y, free + SMALL + 1)
        yield fit_text(Text(plot.right + GAP, free + 0.35 * SMALL, name, SMALL, LEVEL), LONGEST_LABEL)


def _draw_line(plot: Plot, name: str, x: Numbers, y: Numbers, look: Look) -> Group:
    x, y = plot.x(x), plot.y(y)
    there = np.isfinite(x) & np.isfinite(y)
    before, after = np.append(False, there[:-1]), np.append(there[1:], False)
    marked = there & ~before & ~after  # a point by itself has no line
    if look.mark:
        marked[:: 1 + len(x) // MARKS] |= there[:: 1 + len(x) // MARKS]
    commands: list[Command] = [("L" if joined else "M", *point) for *point, joined in _thin(x, y, there & before)]
    return Group([*_draw_strokes(commands, look), *_draw_marks(x[marked], y[marked], look)], tooltip=name)


def _thin(x: Numbers, y: Numbers, joined: npt.NDArray[np.bool_]) -> Iterator[tuple[float, float, bool]]:
    """The points that can be told apart, and whether each is joined to the one before.

    Of many in one column of pixels these are the first and the last, the lowest and the highest.
    """
    gap = ~(np.isfinite(x) & np.isfinite(y))
    kept = np.flatnonzero(~gap)
    if len(x) > MOST_POINTS:
        column = np.where(gap, -1, np.nan_to_num(x) // 1)
        new = np.append(True, column[1:] != column[:-1])
        starts = np.flatnonzero(new)
        stops = np.append(starts[1:], len(x)) - 1
        order = np.lexsort((y, new.cumsum()))
        kept = np.unique(np.concatenate([starts, stops, order[starts], order[stops]]))
        kept = kept[~gap[kept]]
    return zip(x[kept].tolist(), y[kept].tolist(), joined[kept].tolist(), strict=True)


def _draw_strokes(commands: list[Command], look: Look) -> list[Element]:
    return [Path(commands, stroke=look.ink, stroke_width=1.8, dash=look.dash)] if commands else []


def _draw_marks(x: Numbers, y: Numbers, look: Look) -> list[Element]:
    corners, turn = look.mark or (16, 0)
    angles = np.radians(turn + 360 / corners * np.arange(corners))
    radius = MARK * math.sqrt(2 * math.pi / (corners * math.sin(2 * math.pi / corners)))  # of a circle's area
    around = radius * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    polygons = [join_points(*(middle + around).tolist(), closed=True) for middle in np.stack([x, y], axis=1)]
    commands = [*chain(*polygons)]
    return [Path(commands, fill=look.ink, stroke=INKS.background, stroke_width=0.8)] if commands else []
