"""What stands around a graph: heading, caption and legend, each a block that is painted where it is told to be."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from minigrad.drawing.arrows import DASH, draw_arrow
from minigrad.drawing.boxes import name_order
from minigrad.drawing.fonts import measure_text
from minigrad.drawing.outlines import Frame, choose_outline, draw_outline
from minigrad.drawing.places import Curve
from minigrad.drawing.room import place_in_rows
from minigrad.drawing.sheet import Element, Text
from minigrad.drawing.style import ARROWS, INKS, LEGEND
from minigrad.drawing.text import LONGEST_LABEL_LINE, make_text

Sample = tuple[str, int, bool]  # role, order of derivative, whether it is an output
Drawing = Callable[[Frame], Iterable[Element]]

TITLE, SMALL = 12.0, 9.0  # sizes of letters
TITLE_LINE, LINE = 17.0, 12.5
GAP = 8.0  # between a block and the next
SWATCH, ITEM_GAP = (24.0, 13.0), 14.0  # of the legend
CAPTION_WIDTH = 300.0  # whatever it says, so that nothing moves from picture to picture


@dataclass(frozen=True)
class Block:
    """A part of a picture: its size, and what it is made of where its left upper corner is at a point."""

    width: float
    height: float
    paint: Callable[[float, float], Iterable[Element]]


def set_heading(title: str | None, notes: Sequence[str], scale: float) -> Block:
    """The title, then notes on what is shown."""
    lines = [(make_text(title, LONGEST_LABEL_LINE), TITLE * scale, TITLE_LINE * scale)] if title else []
    lines += [(make_text(note, LONGEST_LABEL_LINE), SMALL * scale, LINE * scale) for note in notes]

    def paint(x: float, y: float) -> Iterator[Element]:
        for number, (text, size, line) in enumerate(lines):
            bold = title is not None and number == 0
            yield Text(x, y + 0.76 * line, text, size, INKS.text if bold else INKS.quiet, bold=bold)
            y += line

    width = max(measure_text(text, size, bold=True) for text, size, _ in lines)
    return Block(width, sum(line for *_, line in lines) + GAP / 2, paint)


def set_caption(lines: Sequence[str], scale: float) -> Block:
    """Lines below a graph; as wide whatever they say, and cut where they are longer."""
    size, line = SMALL * scale, LINE * scale

    def paint(x: float, y: float) -> Iterator[Element]:
        for number, text in enumerate(lines):
            ink = INKS.quiet if number else INKS.text
            yield Text(x, y + GAP + (number + 0.76) * line, make_text(text), size, ink, bold=number == 0)

    return Block(CAPTION_WIDTH * scale, GAP + line * len(lines), paint)


def set_legend(
    samples: Iterable[Sample], marks: Iterable[str], arrows: Iterable[str], room: float, scale: float
) -> Block:
    """A sample of each kind of box, mark and arrow with its name, side by side as far as there is `room`."""
    roles = [*LEGEND]
    ordered = sorted(samples, key=lambda sample: (*sample[1:], roles.index(sample[0])))
    items: list[tuple[str, Drawing]] = [(name_sample(sample), partial(_draw_sample, sample)) for sample in ordered]
    items += [(mark, partial(_draw_mark, mark)) for mark in INKS.marks if mark in marks]
    items += [(text, partial(_draw_arrow, kind)) for kind, text in ARROWS.items() if kind in arrows]
    across, down = (length * scale for length in SWATCH)
    beside, line, size = across + 5 * scale, down + 6 * scale, SMALL * scale
    widths = [beside + measure_text(text, size) for text, _ in items]
    places = place_in_rows(widths, room, ITEM_GAP * scale)

    def paint(left: float, top: float) -> Iterator[Element]:
        for (text, draw), (x, row) in zip(items, places, strict=True):
            y = top + GAP + row * line
            yield from draw(Frame(left + x, y, across, down))
            yield Text(left + x + beside, y + down / 2 + 0.34 * size, text, size, INKS.text)

    widest = max(x + width for (x, _), width in zip(places, widths, strict=True))
    return Block(widest, GAP + line * (1 + places[-1][1]), paint)


def name_sample(sample: Sample) -> str:
    """What a legend calls a kind of box."""
    role, order, output = sample
    name = name_order(order) if role == "op" and order else LEGEND[role]
    return f"{name}, output" if output and order else "output" if output else name


def _draw_sample(sample: Sample, frame: Frame) -> Iterable[Element]:
    role, order, output = sample
    paint = INKS.paint_node(role, order)
    return draw_outline(choose_outline(role, output, None), frame, paint.fill, paint.outline, 1.0)


def _draw_mark(mark: str, frame: Frame) -> Iterable[Element]:
    return draw_outline(choose_outline("op", False, mark), frame, INKS.paint_node("op").fill, INKS.marks[mark], 2.4)


def _draw_arrow(kind: str, frame: Frame) -> Iterator[Element]:
    y, right = frame.y + frame.height / 2, frame.x + frame.width
    third = (frame.width - 6) / 3
    points = tuple((frame.x + number * third, y) for number in range(4))
    return draw_arrow(Curve(points, (right, y), None), INKS.edges[kind], 1.1, DASH if kind == "gradient" else ())
