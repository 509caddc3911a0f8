"""Lengths: what a reader writes, "8.4cm", becomes points; points become what SVG and TeX read."""

from __future__ import annotations

import re

PIXEL = 0.75  # points: 1/96 of an inch
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


def write_length(length: float) -> str:
    """To a hundredth, which is less than a printer shows: without zeros at the end and never as 1e-05.

    >>> [write_length(length) for length in (3.0, 0.125, -0.001, 100)]
    ['3', '0.12', '0', '100']
    """
    return f"{round(length, 2) + 0.0:.2f}".rstrip("0").rstrip(".")  # the sum of -0.0 and 0.0 is 0.0
