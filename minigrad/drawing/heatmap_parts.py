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
from minigrad.drawing.heatmap_layout import GAP, LABEL_FONTS, LONGEST_LABEL, MARGIN, TITLE_FONT, Layout
from minigrad.drawing.room import fit_text
from minigrad.drawing.sheet import Command, Element, Group, Path, Rectangle, Text, Tiles, join_points
from minigrad.drawing.style import INKS
from minigrad.drawing.text import set_minus
from minigrad.drawing.tiles import Places
from minigrad.graph.numbers import format_number

VALUE_FONTS, HEAD_FONT = (8, 12), 12  # points
TO_MIDDLE = 0.35  # from the middle of letters down to their baseline, in font sizes
BAR, BAR_STEP, TICK = 12, 2, 4  # the width of the colour bar, the height of one colour, the length of a tick

Heads = npt.NDArray[np.float64]  # (heads, queries, keys)


def draw_title(title: str | None, width: float) -> Iterator[Element]:
    """The title, where there is one, at the top of a picture `width` wide."""
    if title:
        heading = Text(MARGIN, MARGIN + TITLE_FONT - 2, title, TITLE_FONT, INKS.text, bold=True)
        yield fit_text(heading, width - 2 * MARGIN)


def draw_frame(left: float, top: float, width: float, height: float) -> Rectangle:
    """A line around a surface."""
    return Rectangle(left - 0.5, top - 0.5, width + 1, height + 1, stroke=FRAME)


class HeatmapPainter:
    """Paints weights in the colours of a scale: with their values, where there is room for all of them."""

    def __init__(self, layout: Layout, heads: Heads, scale: Scale) -> None:
        self.layout, self.heads, self.scale = layout, heads, scale
        self.value_font = self._choose_value_font()

    def paint_captions(self) -> Iterator[Element]:
        """What the axes are."""
        layout, font = self.layout, LABEL_FONTS[1]
        left, top = layout.corners[0]
        x, y = (left + layout.right) / 2, (top + layout.bottom) / 2
        yield Text(x, layout.caption, layout.columns.caption, font, INKS.quiet, "middle")
        yield Text(MARGIN + font - 2, y, layout.rows.caption, font, INKS.quiet, "middle", turned=True)

    def paint_panels(self, panel: str) -> Iterator[Group]:
        """One panel per head, or whatever a `panel` is: labels, cells, and values where there is room."""
        width, height = self.layout.cell
        for number, ((left, top), values) in enumerate(zip(self.layout.corners, self.heads, strict=True)):
            xs = [left + (column + 0.5) * width for column in range(values.shape[1])]
            ys = [top + (row + 0.5) * height for row in range(values.shape[0])]
            parts: list[Element] = []
            if len(self.heads) > 1:
                parts.append(Text(left, top - 6, f"{panel} {number}", HEAD_FONT, INKS.text))
            if number % self.layout.per_line == 0:
                parts += self._paint_row_labels(left, ys)
            if number + self.layout.per_line >= len(self.heads):
                parts += self._paint_column_labels(xs, top + self.layout.panel[1])
            places = np.where(np.isfinite(values), self.scale.index(np.nan_to_num(values)), MISSING_INDEX)
            parts.append(Tiles(left, top, width, height, places, self.scale.inks))
            parts += self._paint_grid(left, top)
            if self.value_font:
                parts += self._paint_values(values, places, xs, ys)
            else:
                parts += self._paint_crosses(values, left, top)
            yield Group(parts)

    def _paint_row_labels(self, left: int, ys: list[float]) -> Iterator[Element]:
        labels, font = self.layout.rows, self.layout.font
        for y, text in [*zip(ys, labels.texts, strict=True)][:: labels.step]:
            yield fit_text(Text(left - 6, y + TO_MIDDLE * font, text, font, INKS.text, "end"), LONGEST_LABEL * font)

    def _paint_column_labels(self, xs: list[float], bottom: int) -> Iterator[Element]:
        labels, font, upright = self.layout.columns, self.layout.font, self.layout.upright
        across, down = (TO_MIDDLE, 0) if upright else (0, 0.8)
        for x, text in [*zip(xs, labels.texts, strict=True)][:: labels.step]:
            x, y = x + across * font, bottom + 6 + down * font
            label = Text(x, y, text, font, INKS.text, "end" if upright else "middle", turned=upright)
            yield fit_text(label, LONGEST_LABEL * font)

    def _paint_grid(self, left: int, top: int) -> Iterator[Element]:
        """Lines around the cells, and between them where they are large."""
        (width, height), (across, down) = self.layout.cell, self.layout.panel
        lines: list[Command] = []
        for x in range(left + width, left + across, width):
            lines += join_points((x, top), (x, top + down))
        for y in range(top + height, top + down, height):
            lines += join_points((left, y), (left + across, y))
        if lines and min(width, height) >= 14:
            yield Path(lines, stroke=INKS.background)
        yield draw_frame(left, top, across, down)

    def _paint_values(self, values: Heads, places: Places, xs: list[float], ys: list[float]) -> Iterator[Text]:
        inks, font = [choose_text_ink(ink) for ink in self.scale.inks], self.value_font
        for (row, column), value in np.ndenumerate(values):
            text, ink = _format_value(value, self.scale.limit), inks[places[row, column]]
            yield Text(xs[column], ys[row] + TO_MIDDLE * font, text, font, ink, "middle")

    def _paint_crosses(self, values: Heads, left: int, top: int) -> Iterator[Path]:
        width, height = self.layout.cell
        crosses: list[Command] = []
        for row, column in np.argwhere(~np.isfinite(values)).tolist():
            crosses += _cross(left + column * width, top + row * height, width, height)
        if crosses:
            yield Path(crosses, stroke=INKS.quiet)

    def _choose_value_font(self) -> int:
        """The size in which every value fits its cell, 0 where it would be too small to read."""
        width, height = self.layout.cell
        if width < 20 or height < 14:
            return 0
        texts = (_format_value(value, self.scale.limit) for value in self.heads.ravel().tolist())
        widest = max(measure_text(text, 1) for text in texts)
        size = min(VALUE_FONTS[1], int(0.88 * width / widest), int(0.6 * height))
        return size if size >= VALUE_FONTS[0] else 0

    def paint_colour_bar(self) -> Iterator[Element]:
        """The scale with its numbers; under it what a cross is, where there may be one."""
        left, top, high = self.layout.right + GAP, self.layout.corners[0][1], self.layout.bar
        shares = 1 - (np.arange(high // BAR_STEP) + 0.5) * BAR_STEP / high
        yield Tiles(left, top, BAR, BAR_STEP, np.round(255 * shares).astype(np.int64)[:, None], self.scale.inks)
        yield draw_frame(left, top, BAR, high)
        finite, font = self.heads[np.isfinite(self.heads)], LABEL_FONTS[1]
        for share in (0.0, 0.25, 0.5, 0.75, 1.0):
            value, y = self.scale.limit * (2 * share - 1 if self.scale.signed else share), top + (1 - share) * high
            below, above = share == 0 and (finite < value).any(), share == 1 and (finite > value).any()
            number = ("≤ " if below else "≥ " if above else "") + set_minus(f"{value:.3g}")
            yield Path(join_points((left + BAR + 0.5, y), (left + BAR + 0.5 + TICK, y)), stroke=FRAME)
            yield Text(left + 20, y + TO_MIDDLE * font, number, font, INKS.text)
        if finite.size < self.heads.size and not self.value_font:
            y = top + high + 12
            yield Rectangle(left, y, BAR, BAR, fill=MISSING)
            yield Path(_cross(left, y, BAR, BAR), stroke=INKS.quiet)
            yield Text(left + 20, y + 10, "not finite", font, INKS.text)


def _cross(x: float, y: float, width: float, height: float) -> list[Command]:
    return [*join_points((x, y), (x + width, y + height)), *join_points((x + width, y), (x, y + height))]


def _format_value(value: float, limit: float) -> str:
    """Two decimals for attention weights, fewer for larger numbers; never `-0.00`, and 0 is what is masked."""
    text = format_number(value)
    if value and math.isfinite(value) and 0.1 <= limit < 1000:
        text = f"{value:.{2 - max(0, math.floor(math.log10(limit)))}f}"
        text = text.lstrip("-") if float(text) == 0 else text
    return set_minus(text if len(text) <= 6 else f"{value:.2g}")


def describe_heatmap(heads: Heads, scale: Scale, axes: tuple[str, str, str]) -> str:
    """The picture in a few words, for those who do not see it."""
    count, rows, columns = heads.shape
    finite = heads[np.isfinite(heads)]
    size = f"{count} {axes[0]}{'s' if count > 1 else ''}, {rows} {axes[1]}, {columns} {axes[2]}"
    values = f"{format_number(finite.min())} to {format_number(finite.max())}" if finite.size else "none finite"
    colours = f"{format_number(-scale.limit) if scale.signed else 0} to {format_number(scale.limit)}"
    return f"{size}; values: {values}; colours: {colours}"
