"""Lengths on paper: "8.4cm" enters, points leave. Called by what writes pictures of a given width."""

from __future__ import annotations

import re

POINTS = {"pt": 1.0, "in": 72.0, "cm": 72 / 2.54, "mm": 72 / 25.4}


def points(width: str) -> float:
    """A length such as 8.4cm, 33mm, 3.3in or 240pt, in points of 1/72 inch; ValueError for anything else.

    >>> round(points("8.4cm"), 1)
    238.1
    """
    found = re.fullmatch(r"\s*(\d+(?:\.\d*)?|\.\d+)\s*(pt|in|cm|mm)\s*", width) if isinstance(width, str) else None
    if found is None or not float(found[1]) > 0:
        raise ValueError(f"width={width!r}: expected a length such as '8.4cm', '33mm', '3.3in' or '240pt'")
    return float(found[1]) * POINTS[found[2]]
