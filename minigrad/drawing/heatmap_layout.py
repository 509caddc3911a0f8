"""Where the parts of a heat map go: sizes and places in points, and how many labels there is room for.

In come the shape of the weights and the labels, out goes a `Layout`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

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
    """The labels of one axis, what it is, and every how many there is one; those not given are the positions."""

    texts: list[str]
    given: bool
    axis: str
    step: int = 1

    @property
    def caption(self) -> str:
        return f"{self.axis}, 1 label in {self.step}" if self.given and self.step > 1 else self.axis

    def measure_widest(self, font: int) -> int:
        return math.ceil(max(min(measure_text(text, font), LONGEST_LABEL * font) for text in self.texts))

    def thin_out(self, needed: int, available: int) -> Labels:
        """Those for which there is room; positions are numbered in round steps, and further apart."""
        least = math.ceil(needed / available)
        round_steps = (digit * 10**power for power in range(9) for digit in (1, 2, 5))
        return replace(self, step=least if self.given else next(step for step in round_steps if step >= least))


class Layout:
    """Sizes and places in points, for weights of `shape` (heads, queries, keys)."""

    def __init__(self, shape: tuple[int, ...], rows: Labels, columns: Labels, title: str | None) -> None:
        count, queries, keys = shape
        tokens = max(queries, keys)
        side = MANY_PANELS if count > 1 else ONE_PANEL
        if count == 1 and (rows.given or columns.given):
            side = max(side, 10 * min(tokens, 100))  # room for every label
        square = max(1, min(LARGEST_CELL, side // tokens))
        self.cell = max(square, 24 // keys), max(square, 24 // queries)  # one row among many columns is no hairline
        self.panel = self.cell[0] * keys, self.cell[1] * queries

        self.font = _clamp(min(self.cell) - 2, LABEL_FONTS)  # of the labels
        column_width = columns.measure_widest(self.font)
        flat = columns.thin_out(column_width + (3 if columns.given else 8), self.cell[0])
        turned = columns.thin_out(self.font, self.cell[0])
        self.upright = columns.given and turned.step < flat.step  # whether the labels of the columns are turned
        self.columns = turned if self.upright else flat
        self.rows = rows.thin_out(self.font + (0 if rows.given else 4), self.cell[1])

        self.per_line = _choose_panels_per_line(count)
        head_line = LINE if count > 1 else 0
        left = MARGIN + LINE + rows.measure_widest(self.font) + 6
        top = MARGIN + (LINE + 8 if title else 0) + head_line
        across, down = self.panel[0] + GAP, self.panel[1] + GAP + head_line
        lines = (divmod(head, self.per_line) for head in range(count))
        self.corners = [(left + across * place, top + down * line) for line, place in lines]  # of each head's panel
        self.right = left + across * self.per_line - GAP
        self.bottom = self.corners[-1][1] + self.panel[1]
        self.caption = self.bottom + 6 + (column_width if self.upright else self.font) + LINE  # of the keys
        self.bar = _clamp(self.panel[1], BAR_HEIGHTS) // 2 * 2  # the height of the colour bar
        title_width = math.ceil(measure_text(escape_hidden(title or ""), TITLE_FONT, bold=True))
        self.width = max(self.right + GAP + BAR_WIDTH, MARGIN + min(title_width, WIDEST_TITLE)) + MARGIN
        self.height = max(self.caption, top + self.bar + 24) + MARGIN


def _choose_panels_per_line(count: int) -> int:
    """Up to three panels stand side by side; more form about a square, with the fewest empty places."""
    if count <= 3:
        return count
    square = math.isqrt(count - 1) + 1
    return min(range(square, square + square // 2 + 1), key=lambda number: (-count % number, number))


def _clamp(size: int, limits: tuple[int, int]) -> int:
    return max(limits[0], min(size, limits[1]))
