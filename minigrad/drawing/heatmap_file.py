"""A heat map in a file: its SVG enters, with the width on paper and the resolution; a file is written.

SVG is written here, PNG and PDF are painted by `svg_painter`.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from minigrad.drawing.lengths import parse_length

SIZE = re.compile(r'width="(\d+)" height="(\d+)"')  # of the picture; the first in the text
MOST_PIXELS = 100_000_000


def write_file(svg: str, path: str | os.PathLike[str], width: str | None, dpi: float) -> None:
    """Write the picture in the format that the ending of `path` names; see `Heatmap.save`."""
    place = Path(path)
    format = place.suffix.lower()
    if format not in (".svg", ".png", ".pdf"):
        raise ValueError(f"a heat map is saved as .svg, .png or .pdf, got {os.fspath(path)!r}")
    columns, lines = (int(length) for length in SIZE.findall(svg)[0])
    across = columns / 96 if width is None else parse_length(width) / 72  # inches
    down = across * lines / columns
    if format == ".svg":
        if width is not None:
            svg = SIZE.sub(f'width="{across:.6g}in" height="{down:.6g}in"', svg, count=1)
        place.write_text(svg, encoding="utf-8", newline="\n")
        return
    if format == ".png" and not (across * dpi >= 1 and across * dpi * down * dpi <= MOST_PIXELS):
        raise ValueError(
            f"dpi={dpi} would make {across * dpi:.0f} × {down * dpi:.0f} pixels; from 1 to {MOST_PIXELS:,} can be saved"
        )
    from minigrad.drawing.svg_painter import paint

    place.write_bytes(paint(svg, "png" if format == ".png" else "pdf", across, dpi))
