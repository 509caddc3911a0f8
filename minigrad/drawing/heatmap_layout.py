"""Where the parts of a heat map go: sizes and places in points, and how many labels there is room for.

In come the shape of the weights and the labels, out goes a `Layout`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from minigrad.drawing.fonts import measure_text
from minigrad.drawing.text import escape_hidden

# Lengths in points of the picture's own size, which viewers scale.
LARGEST_CELL = 44
ONE_PANEL, MANY_PANELS = 360, 288  # the side that a panel is given
LABEL_FONTS, TITLE_FONT = (9, 11), 15
MARGIN, GAP, LINE = 16, 20, 18
BAR_WIDTH, BAR_HEIGHTS = 76, (96, 288)  # the colour bar with its numbers
WIDEST_TITLE = 480  # what the picture is widened for

LONGEST_LABEL = 9.6  # in font sizes: about 16 Latin or 9 Chinese characters


@dataclass(frozen=True)
class Labels:
    """The labels of one axis, and what it is; those not given are the positions."""

    texts: list[str]
    given: bool
    axis: str

    def measure_widest(self, font: int) -> int:
        return math.ceil(max(min(measure_text(text, font), LONGEST_LABEL * font) for text in self.texts))


@dataclass(frozen=True)
class Layout:
    """Sizes and places in points."""

    rows: Labels
    columns: Labels
    row_step: int  # every how many rows there is room for a label
    column_step: int
    upright: bool  # whether the labels of the columns are turned
    font: int  # of the labels
    cell: tuple[int, int]  # width and height
    panel: tuple[int, int]
    panels: list[tuple[int, int]]  # the left upper corner for each head
    per_line: int
    below: int  # the room for labels and caption under the last line
    bar: int  # the height of the colour bar
    width: int
    height: int

    @property
    def bar_left(self) -> int:
        return self.panels[self.per_line - 1][0] + self.panel[0] + GAP


def lay_out(shape: tuple[int, ...], rows: Labels, columns: Labels, title: str | None) -> Layout:
    """Where everything goes, for weights of `shape` (heads, queries, keys)."""
    count, queries, keys = shape
    tokens = max(queries, keys)
    side = MANY_PANELS if count > 1 else ONE_PANEL
    if count == 1 and (rows.given or columns.given):
        side = max(side, 10 * min(tokens, 100))  # room for every label
    square = max(1, min(LARGEST_CELL, side // tokens))
    cell = max(square, 24 // keys), max(square, 24 // queries)  # one row among many columns is no hairline
    panel = cell[0] * keys, cell[1] * queries

    font = _clamp(min(cell) - 2, LABEL_FONTS)
    column_width = columns.measure_widest(font)
    flat_step = _choose_label_step(column_width + (3 if columns.given else 8), cell[0], columns.given)
    upright_step = _choose_label_step(font, cell[0], columns.given)
    upright = columns.given and upright_step < flat_step

    per_line = _choose_panels_per_line(count)
    head_line = LINE if count > 1 else 0
    left = MARGIN + LINE + rows.measure_widest(font) + 6
    top = MARGIN + (LINE + 8 if title else 0) + head_line
    step = panel[0] + GAP, panel[1] + GAP + head_line
    panels = [(left + step[0] * (head % per_line), top + step[1] * (head // per_line)) for head in range(count)]
    below = 6 + (column_width if upright else font) + LINE
    bar = _clamp(panel[1], BAR_HEIGHTS) // 2 * 2
    title_width = math.ceil(measure_text(escape_hidden(title or ""), TITLE_FONT, bold=True))
    return Layout(
        rows=rows,
        columns=columns,
        row_step=_choose_label_step(font + (0 if rows.given else 4), cell[1], rows.given),
        column_step=upright_step if upright else flat_step,
        upright=upright,
        font=font,
        cell=cell,
        panel=panel,
        panels=panels,
        per_line=per_line,
        below=below,
        bar=bar,
        width=max(
            panels[per_line - 1][0] + panel[0] + GAP + BAR_WIDTH + MARGIN,
            MARGIN + min(title_width, WIDEST_TITLE) + MARGIN,
        ),
        height=max(panels[-1][1] + panel[1] + below, top + bar + 24) + MARGIN,
    )


def _choose_panels_per_line(count: int) -> int:
    """Up to three panels stand side by side; more form about a square, with the fewest empty places."""
    if count <= 3:
        return count
    square = math.isqrt(count - 1) + 1
    return min(range(square, square + square // 2 + 1), key=lambda number: (-count % number, number))


def _choose_label_step(needed: int, available: int, given: bool) -> int:
    """Every how many cells there is room for a label; positions are numbered in round steps."""
    least = math.ceil(needed / available)
    round_steps = (digit * 10**power for power in range(9) for digit in (1, 2, 5))
    return least if given else next(step for step in round_steps if step >= least)


def _clamp(size: int, limits: tuple[int, int]) -> int:
    return max(limits[0], min(size, limits[1]))
