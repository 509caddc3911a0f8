"""What the room there is asks for: a text that is cut, the whole of which shows where the pointer rests; rows."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable

from minigrad.drawing.fonts import measure_text
from minigrad.drawing.sheet import Group, Text
from minigrad.drawing.text import escape_hidden


def fit_text(text: Text, room: float) -> Text | Group:
    """`text`, what cannot be seen made visible; its beginning where it is wider than `room`, the whole as a tooltip."""
    shown = cut_to_room(escape_hidden(text.text), room, text.size, text.bold)
    cut = dataclasses.replace(text, text=shown)
    return cut if shown == escape_hidden(text.text) else Group([cut], tooltip=escape_hidden(text.text))


def cut_to_room(text: str, room: float, size: float, bold: bool = False) -> str:
    """`text`, or as much of its beginning as fits into `room` together with an ellipsis.

    >>> cut_to_room("attention", 60, 10), cut_to_room("attention", 30, 10), cut_to_room("注意力机制", 30, 10)
    ('attention', 'att…', '注意…')
    """
    if measure_text(text, size, bold) <= room:
        return text
    widths = itertools.accumulate(measure_text(character, size, bold) for character in text)
    room -= measure_text("…", size, bold)
    return text[: sum(1 for _ in itertools.takewhile(lambda width: width <= room, widths))] + "…"


def place_in_rows(widths: Iterable[float], room: float, gap: float) -> list[tuple[float, int]]:
    """Where things stand side by side as far as there is room: how far to the right, and in which row.

    >>> place_in_rows([30, 40, 50], room=100, gap=10)
    [(0.0, 0), (40.0, 0), (0.0, 1)]
    """
    places = []
    x, row = 0.0, 0
    for width in widths:
        if x and x + width > room:
            x, row = 0.0, row + 1
        places.append((x, row))
        x += width + gap
    return places
