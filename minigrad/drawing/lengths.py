"""Lengths on paper: "8.4cm" enters, points leave."""

from __future__ import annotations

import re

POINTS = {"pt": 1.0, "in": 72.0, "cm": 72 / 2.54, "mm": 72 / 25.4}


def parse_length(width: str) -> float:
    """A length such as 8.4cm, 33mm, 3.3in or 240pt, in points of 1/72 inch; ValueError for anything else.

    >>> round(parse_length("8.4cm"), 1)
    238.1
    """
    match = re.fullmatch(r"\s*(\d+(?:\.\d*)?|\.\d+)\s*(pt|in|cm|mm)\s*", width) if isinstance(width, str) else None
    if match is None or not float(match[1]) > 0:
        raise ValueError(f"width={width!r}: expected a length such as '8.4cm', '33mm', '3.3in' or '240pt'")
    return float(match[1]) * POINTS[match[2]]
