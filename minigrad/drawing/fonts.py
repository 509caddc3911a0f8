"""How wide a text is in whichever font shows it: a text enters, points leave.

A picture does not know the fonts of its viewer. Each character counts as wide as in the widest of Arial (Liberation
Sans has its widths), DejaVu Sans and Noto Sans, so that a text stays inside its box in all of them.
"""

from __future__ import annotations

import json
import unicodedata
from functools import cache, lru_cache
from importlib.resources import files

WITHOUT_WIDTH = {"Mn", "Me", "Cf", "Cc"}  # what stands on the letter before it, and what nobody sees
WIDE, EMOJI, OTHER = 1.0, 1.3, 0.8  # in sizes of the font: Chinese among the wide ones
MOST_KNOWN = 4_096  # texts whose widths are kept: pages say the same in many views
BOLDER = 1.1  # letters that no bold font has are thickened


@lru_cache(MOST_KNOWN)
def measure_text(text: str, size: float, bold: bool = False) -> float:
    """The points that `text` needs at most, in letters of `size` points.

    >>> measure_text("softmax", 10), measure_text("softmax", 10, bold=True), measure_text("注意力", 10)
    (41.1, 45.9, 30.0)
    """
    table = _read_widths("bold" if bold else "regular")
    return round(size * sum(_measure_character(character, table, bold) for character in text), 2)


def _measure_character(character: str, table: dict[str, float], bold: bool) -> float:
    if character in table:
        return table[character]
    if unicodedata.category(character) in WITHOUT_WIDTH:
        return 0.0
    if unicodedata.east_asian_width(character) in "WF":
        return EMOJI if ord(character) > 0xFFFF and unicodedata.category(character) == "So" else WIDE
    return _read_widths("regular").get(character, OTHER) * BOLDER if bold else OTHER


@cache
def _read_widths(weight: str) -> dict[str, float]:
    """The table that tests/letter_widths.py made of font files."""
    groups = json.loads(files("minigrad.drawing").joinpath("letter_widths.json").read_text("utf-8"))[weight]
    return {character: int(hundredths) / 100 for hundredths, together in groups.items() for character in together}
