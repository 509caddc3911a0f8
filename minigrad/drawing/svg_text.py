"""SVG text elements out of any text: made visible, cut to the room there is, escaped.

In come labels and titles, none of them trusted; out go strings that stay well-formed XML.
"""

from __future__ import annotations

import html
import itertools
import math
import unicodedata

from minigrad.drawing.text import escape_hidden

LONGEST_TOOLTIP = 1_000  # characters


def write_text(
    text: str,
    place: tuple[float, float],
    font: int,
    style: str = "",
    *,
    room: float = math.inf,
    turned: bool = False,
) -> str:
    """A text with its baseline at `place`, in pixels; `style` is more attributes, `turned` reads upwards.

    What is longer than `room`, in font sizes, is cut, and its whole text shown where the pointer rests on it.

    >>> write_text("a < b", (3, 4.25), 11)
    '<text x="3" y="4.2" font-size="11">a &lt; b</text>'
    """
    x, y = map(format_pixels, place)
    where = f'transform="translate({x} {y}) rotate(-90)"' if turned else f'x="{x}" y="{y}"'
    shown = cut_to_room(escape_hidden(text), room)
    whole = "" if shown == escape_hidden(text) else f"<title>{escape_text(text)}</title>"
    return f'<text {where} font-size="{font}"{style and " " + style}>{html.escape(shown)}{whole}</text>'


def escape_text(text: str) -> str:
    """`text` as XML, what cannot be seen made visible, cut at 1,000 characters."""
    return html.escape(cut_to_room(escape_hidden(text), LONGEST_TOOLTIP * 0.6))


def cut_to_room(text: str, room: float) -> str:
    """`text`, or as much of its beginning as fits into `room` (in font sizes) together with an ellipsis.

    >>> cut_to_room("attention", 9), cut_to_room("attention", 3), cut_to_room("注意力", 3), cut_to_room("注意力机制", 3)
    ('attention', 'att…', '注意力', '注意…')
    """
    if measure_text(text) <= room:
        return text
    widths = itertools.accumulate(_measure_character(character) for character in text)
    return text[: sum(1 for _ in itertools.takewhile(lambda width: width <= room - 1, widths))] + "…"


def measure_text(text: str) -> float:
    """About how wide a text is, in font sizes, whichever font the viewer has: Chinese characters 1, others 0.6."""
    return sum(_measure_character(character) for character in text)


def _measure_character(character: str) -> float:
    if unicodedata.combining(character):
        return 0.0
    return 1.0 if unicodedata.east_asian_width(character) in "WF" else 0.6


def format_pixels(length: float) -> str:
    """A length to a tenth of a pixel."""
    return f"{round(length, 1):g}"
