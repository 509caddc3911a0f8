"""What a box says, set in type: a `Label` enters, texts with their places and the room that they take leave.

A box is laid out around its contents, so they are measured before an engine places it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import zip_longest

from minigrad.drawing.fonts import measure_text
from minigrad.drawing.labels import Label, Numbers
from minigrad.drawing.outlines import Frame
from minigrad.drawing.sheet import Element, Ink, Rectangle, Text
from minigrad.drawing.style import INKS, Paint
from minigrad.drawing.text import LONGEST_LABEL_LINE, make_text

TITLE, SMALL = 10.0, 9.0  # sizes of letters, in points
TITLE_LINE, LINE, ROW = 13.0, 11.5, 12.5  # heights of lines
COLUMN_GAP, PANEL, PANEL_GAP = 8.0, 4.0, 5.0  # between columns of numbers, around them, and between such panels
EN_SPACE = "\N{EN SPACE}"  # between an operation and its shape: half as wide as letters are high, in every font
DIGIT = 0.59  # of a digit, between those of Arial and DejaVu Sans: places the points of a column one under the other
HEADINGS = ("value", "gradient")


@dataclass(frozen=True)
class Contents:
    """Texts and panels around the point (0, 0), the middle of their upper edge."""

    width: float
    height: float
    elements: tuple[Rectangle | Text, ...]

    def move(self, x: float, y: float) -> Iterator[Element]:
        return (replace(element, x=element.x + x, y=element.y + y) for element in self.elements)


def set_label(label: Label, paint: Paint, scale: float) -> Contents:
    """The contents of a box, with letters `scale` times as large as usual.

    The name is bold, operation and shape are quiet. Value and gradient are rows of one table where each is a single
    row, so that an element stands above its gradient, and tables side by side where they have several; why there is
    no gradient stands below a value of several rows.
    """
    stack = _Stack(scale)
    stack.add_text(label.title, TITLE, TITLE_LINE, paint.text, bold=label.named)
    for line in label.lines[:-1]:
        stack.add_text(line, SMALL, LINE, paint.quiet)
    last = EN_SPACE.join(part for part in (*label.lines[-1:], label.shape) if part)
    if last:
        stack.add_text(last, SMALL, LINE, paint.quiet)
    arrays = [(heading, array) for heading, array in zip(HEADINGS, (label.value, label.gradient), strict=True) if array]
    if all(len(array.rows) <= 1 for _, array in arrays):
        stack.add_tables([_Table(scale, arrays)] if arrays else [])
    else:
        tables = [_Table(scale, [each]) for each in arrays]
        stack.add_tables([table for table in tables if table.above])
        stack.add_tables([table for table in tables if not table.above])
    for remark in label.remarks:
        stack.add_text(remark, SMALL, LINE, paint.quiet)
    return Contents(stack.width, stack.height, tuple(stack.elements))


class _Stack:
    """Lines below each other, each in the middle."""

    def __init__(self, scale: float) -> None:
        self.scale, self.width, self.height = scale, 0.0, 0.0
        self.elements: list[Rectangle | Text] = []

    def add_text(self, text: str, size: float, line: float, ink: Ink, bold: bool = False) -> None:
        size, line = size * self.scale, line * self.scale
        shown = make_text(text, LONGEST_LABEL_LINE)
        self.width = max(self.width, measure_text(shown, size, bold))
        self.elements.append(Text(0, self.height + 0.78 * line, shown, size, ink, "middle", bold=bold))
        self.height += line

    def add_tables(self, tables: list[_Table]) -> None:
        """Side by side."""
        if not tables:
            return
        gap = PANEL_GAP * self.scale
        x, top = -(sum(table.width for table in tables) + gap * (len(tables) - 1)) / 2, self.height + 2 * self.scale
        self.width = max(self.width, -2 * x)
        for table in tables:
            self.elements += table.set_at(Frame(x, top, table.width, max(other.height for other in tables)))
            x += table.width + gap
        self.height = top + max(table.height for table in tables)


class _Table:
    """Arrays in a panel: their headings at the left of a single row each, or above several rows of one."""

    def __init__(self, scale: float, arrays: list[tuple[str, Numbers]]) -> None:
        self.size, self.row, self.gap, self.pad = (scale * length for length in (SMALL, ROW, COLUMN_GAP, PANEL))
        self.arrays = arrays
        self.above = any(len(array.rows) > 1 for _, array in arrays)
        rows = [row for _, array in arrays for row in array.rows]
        columns = list(zip_longest(*rows, fillvalue=""))
        self.columns = [_Column(column, self.size) for column in columns]
        numbers = sum(column.width for column in self.columns) + self.gap * max(0, len(columns) - 1)
        remarks = [measure_text(line, self.size) for _, array in arrays for line in array.remarks]
        headings = [measure_text(heading, self.size) for heading, _ in arrays]
        self.left = 0.0 if self.above else max(headings) + self.gap
        self.width = max(self.left + max([numbers, *remarks]), *headings) + 2 * self.pad
        lines = sum(max(1, len(array.rows) + len(array.remarks)) for _, array in arrays)
        self.height = self.row * (lines + self.above * len(arrays)) + 0.8 * self.pad

    def set_at(self, frame: Frame) -> Iterator[Rectangle | Text]:
        yield Rectangle(
            frame.x, frame.y, frame.width, frame.height, 3, fill=INKS.background, stroke=INKS.frame, stroke_width=0.6
        )
        y = frame.y + 0.4 * self.pad + 0.74 * self.row
        for heading, array in self.arrays:
            ink = INKS_OF[heading]
            yield Text(frame.x + self.pad, y, heading, self.size, QUIET_OF[heading])
            y += self.row * self.above
            for row in array.rows:
                yield from self._set_row(row, frame, y, ink)
                y += self.row
            for line in array.remarks:
                yield Text(frame.x + self.pad + self.left, y, line, self.size, ink)
                y += self.row

    def _set_row(self, row: tuple[str, ...], frame: Frame, y: float, ink: Ink) -> Iterator[Text]:
        numbers = sum(column.width for column in self.columns) + self.gap * (len(self.columns) - 1)
        right = frame.x + frame.width - self.pad if not self.above else frame.x + (frame.width + numbers) / 2
        x = right - numbers
        for number, column in zip(row, self.columns, strict=False):
            yield Text(x + column.width - column.measure_rest(number), y, number, self.size, ink, "end")
            x += column.width + self.gap


class _Column:
    """Numbers one below the other, their points too."""

    def __init__(self, numbers: tuple[str, ...], size: float) -> None:
        self.digit = DIGIT * size
        self.digits = max(_count_after_point(number) for number in numbers)
        self.width = max(measure_text(number, size) + self.measure_rest(number) for number in numbers)

    def measure_rest(self, number: str) -> float:
        """The room that longer ones take at its right."""
        return (self.digits - _count_after_point(number)) * self.digit


def _count_after_point(number: str) -> float:
    """How many digits wide the end of a number is, its point counting half; nothing for what has an exponent.

    >>> [_count_after_point(number) for number in ("−0.09003", "12", "1.5e−09", "NaN")]
    [5.5, 0, 0, 0]
    """
    _, point, digits = number.partition(".")
    return len(digits) + 0.5 if point and digits.isdigit() else 0


INKS_OF = {"value": INKS.text, "gradient": INKS.edges["gradient"]}
QUIET_OF = {"value": INKS.quiet, "gradient": INKS.edges["gradient"]}
