"""What a heat map is made of: captions, panels of cells, the colour bar.

In come the weights, where everything goes, and the scale; out go primitives.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from minigrad.drawing.colours import FRAME, MISSING, MISSING_INDEX, Scale, choose_text_ink
from minigrad.drawing.fonts import measure_text
from minigrad.drawing.heatmap_layout import GAP, LABEL_FONTS, LONGEST_LABEL, MARGIN, TITLE_FONT, Labels, Layout
from minigrad.drawing.room import fit_text
from minigrad.drawing.sheet import Command, Element, Group, Path, Rectangle, Text, Tiles
from minigrad.drawing.style import INKS
from minigrad.drawing.text import set_minus
from minigrad.drawing.tiles import Places
from minigrad.graph.numbers import format_number

VALUE_FONTS, HEAD_FONT = (8, 12), 12  # points
TO_MIDDLE = 0.35  # from the middle of letters down to their baseline, in font sizes
BAR, BAR_STEP, TICK = 12, 2, 4  # the width of the colour bar, the height of one colour, the length of a tick

Heads = npt.NDArray[np.float64]  # (heads, queries, keys)


def draw_captions(layout: Layout, title: str | None) -> Iterator[Element]:
    """The title, and what the axes are."""
    left, top = layout.panels[0]
    right = layout.bar_left - GAP
    bottom = layout.panels[-1][1] + layout.panel[1]
    if title:
        heading = Text(MARGIN, MARGIN + TITLE_FONT - 2, title, TITLE_FONT, INKS.text, bold=True)
        yield fit_text(heading, layout.width - 2 * MARGIN)
    font = LABEL_FONTS[1]
    keys = _describe_axis(layout.columns, layout.column_step)
    yield Text((left + right) / 2, bottom + layout.below, keys, font, INKS.quiet, anchor="middle")
    queries = _describe_axis(layout.rows, layout.row_step)
    yield Text(MARGIN + font - 2, (top + bottom) / 2, queries, font, INKS.quiet, anchor="middle", turned=True)


def _describe_axis(labels: Labels, step: int) -> str:
    return f"{labels.axis}, 1 label in {step}" if labels.given and step > 1 else labels.axis


def draw_panels(layout: Layout, heads: Heads, scale: Scale, panel: str) -> Iterator[Group]:
    """One panel per head, or whatever a `panel` is: labels, cells, and values where there is room."""
    value_font = _choose_value_font(layout, heads, scale)
    for number, ((left, top), values) in enumerate(zip(layout.panels, heads, strict=True)):
        places = np.where(np.isfinite(values), scale.index(np.nan_to_num(values)), MISSING_INDEX)
        parts: list[Element] = []
        if len(heads) > 1:
            parts.append(Text(left, top - 6, f"{panel} {number}", HEAD_FONT, INKS.text))
        if number % layout.per_line == 0:
            parts += _draw_row_labels(layout, left, top)
        if number + layout.per_line >= len(heads):
            parts += _draw_column_labels(layout, left, top)
        parts += _draw_cells(layout, places, scale, left, top)
        if value_font:
            parts += _draw_values(layout, values, places, value_font, scale, left, top)
        else:
            parts += _draw_crosses(layout, values, left, top)
        yield Group(parts)


def _draw_row_labels(layout: Layout, left: int, top: int) -> Iterator[Element]:
    for row in range(0, len(layout.rows.texts), layout.row_step):
        y = top + (row + 0.5) * layout.cell[1] + TO_MIDDLE * layout.font
        label = Text(left - 6, y, layout.rows.texts[row], layout.font, INKS.text, anchor="end")
        yield fit_text(label, LONGEST_LABEL * layout.font)


def _draw_column_labels(layout: Layout, left: int, top: int) -> Iterator[Element]:
    across, down = (TO_MIDDLE, 0) if layout.upright else (0, 0.8)
    for column in range(0, len(layout.columns.texts), layout.column_step):
        label = Text(
            left + (column + 0.5) * layout.cell[0] + across * layout.font,
            top + layout.panel[1] + 6 + down * layout.font,
            layout.columns.texts[column],
            layout.font,
            INKS.text,
            anchor="end" if layout.upright else "middle",
            turned=layout.upright,
        )
        yield fit_text(label, LONGEST_LABEL * layout.font)


def _draw_cells(layout: Layout, places: Places, scale: Scale, left: int, top: int) -> Iterator[Element]:
    yield Tiles(left, top, *layout.cell, places, scale.inks)
    (width, height), (right, bottom) = layout.cell, (left + layout.panel[0], top + layout.panel[1])
    if min(layout.cell) >= 14 and places.size > 1:
        lines: list[Command] = []
        for x in range(left + width, right, width):
            lines += [("M", x, top), ("L", x, bottom)]
        for y in range(top + height, bottom, height):
            lines += [("M", left, y), ("L", right, y)]
        yield Path(lines, stroke=INKS.background)
    yield draw_frame(left, top, *layout.panel)


def draw_frame(left: float, top: float, width: float, height: float) -> Rectangle:
    """A line around a surface."""
    return Rectangle(left - 0.5, top - 0.5, width + 1, height + 1, stroke=FRAME)


def _draw_crosses(layout: Layout, values: Heads, left: int, top: int) -> Iterator[Path]:
    width, height = layout.cell
    crosses: list[Command] = []
    for row, column in np.argwhere(~np.isfinite(values)).tolist():
        crosses += _cross(left + column * width, top + row * height, width, height)
    if crosses:
        yield Path(crosses, stroke=INKS.quiet)


def _cross(x: float, y: float, width: float, height: float) -> list[Command]:
    return [("M", x, y), ("L", x + width, y + height), ("M", x + width, y), ("L", x, y + height)]


def _choose_value_font(layout: Layout, heads: Heads, scale: Scale) -> int:
    """The size in which every value fits its cell, 0 where it would be too small to read."""
    width, height = layout.cell
    if width < 20 or height < 14:
        return 0
    widest = max(measure_text(_format_value(value, scale.limit), 1) for value in heads.ravel().tolist())
    size = min(VALUE_FONTS[1], int(0.88 * width / widest), int(0.6 * height))
    return size if size >= VALUE_FONTS[0] else 0


def _draw_values(
    layout: Layout, values: Heads, places: Places, font: int, scale: Scale, left: int, top: int
) -> Iterator[Text]:
    inks = [choose_text_ink(ink) for ink in scale.inks]
    for (row, column), value in np.ndenumerate(values):
        x = left + (column + 0.5) * layout.cell[0]
        y = top + (row + 0.5) * layout.cell[1] + TO_MIDDLE * font
        yield Text(x, y, _format_value(value, scale.limit), font, inks[places[row, column]], anchor="middle")


def _format_value(value: float, limit: float) -> str:
    """Two decimals for attention weights, fewer for larger numbers; never `-0.00`, and 0 is what is masked."""
    text = format_number(value)
    if value and math.isfinite(value) and 0.1 <= limit < 1000:
        text = f"{value:.{2 - max(0, math.floor(math.log10(limit)))}f}"
        text = text.lstrip("-") if float(text) == 0 else text
    return set_minus(text if len(text) <= 6 else f"{value:.2g}")


def draw_colour_bar(layout: Layout, heads: Heads, scale: Scale) -> Iterator[Element]:
    """The scale with its numbers; under it what a cross is, where there may be one."""
    left, top = layout.bar_left, layout.panels[0][1]
    shares = 1 - (np.arange(layout.bar // BAR_STEP) + 0.5) * BAR_STEP / layout.bar
    yield Tiles(left, top, BAR, BAR_STEP, np.round(255 * shares).astype(np.int64)[:, None], scale.inks)
    yield draw_frame(left, top, BAR, layout.bar)
    finite, font = heads[np.isfinite(heads)], LABEL_FONTS[1]
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        value, y = scale.limit * (2 * share - 1 if scale.signed else share), top + (1 - share) * layout.bar
        below, above = share == 0 and (finite < value).any(), share == 1 and (finite > value).any()
        number = ("≤ " if below else "≥ " if above else "") + set_minus(f"{value:.3g}")
        yield Path([("M", left + BAR + 0.5, y), ("L", left + BAR + 0.5 + TICK, y)], stroke=FRAME)
        yield Text(left + 20, y + TO_MIDDLE * font, number, font, INKS.text)
    if finite.size < heads.size and not _choose_value_font(layout, heads, scale):
        y = top + layout.bar + 12
        yield Rectangle(left, y, BAR, BAR, fill=MISSING)
        yield Path(_cross(left, y, BAR, BAR), stroke=INKS.quiet)
        yield Text(left + 20, y + 10, "not finite", font, INKS.text)


def describe_heatmap(heads: Heads, scale: Scale, axes: tuple[str, str, str]) -> str:
    """The picture in a few words, for those who do not see it."""
    count, rows, columns = heads.shape
    finite = heads[np.isfinite(heads)]
    size = f"{count} {axes[0]}{'s' if count > 1 else ''}, {rows} {axes[1]}, {columns} {axes[2]}"
    values = f"{format_number(finite.min())} to {format_number(finite.max())}" if finite.size else "none finite"
    colours = f"{format_number(-scale.limit) if scale.signed else 0} to {format_number(scale.limit)}"
    return f"{size}; values: {values}; colours: {colours}"
