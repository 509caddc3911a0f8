"""Lengths on paper: "8.4cm" enters, inches leave. Called by what writes pictures of a given width."""

from __future__ import annotations

import re

PER_INCH = {"cm": 2.54, "in": 1.0, "mm": 25.4, "pt": 72.0, "px": 96.0}


def inches(length: str) -> float:
    """The length in inches.

    Raises ValueError for what is not a positive number with one of the units cm, in, mm, pt and px (1/96 of an inch).

    >>> inches("2.54cm"), inches("36 pt")
    (1.0, 0.5)
    """
    found = re.fullmatch(r"\s*([0-9]*\.?[0-9]+)\s*(cm|in|mm|pt|px)\s*", length) if isinstance(length, str) else None
    if found is None or float(found[1]) == 0:
        raise ValueError(
            f"a width is a positive number with a unit ({', '.join(PER_INCH)}) such as '8.4cm'; got {length!r}"
        )
    return float(found[1]) / PER_INCH[found[2]]
