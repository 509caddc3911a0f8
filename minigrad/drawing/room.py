"""A text cut to the room there is: what was cut off shows where the pointer rests."""

from __future__ import annotations

import dataclasses
import itertools

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
