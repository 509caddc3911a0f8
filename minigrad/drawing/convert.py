"""A finished picture into a file: a sheet enters, and leaves as SVG, as PNG or PDF made of that, or as TeX.

Converters draw only with the font files that they are given: by themselves they take a serif for a missing Arial, or
leave out every text in silence.
"""

from __future__ import annotations

import os
import struct
import zlib
from pathlib import Path
from xml.etree import ElementTree

from minigrad.drawing.fontfiles import find_fonts
from minigrad.drawing.pdf_order import order_objects
from minigrad.drawing.sheet import Sheet, Theme
from minigrad.drawing.svg import FONTS, write_svg
from minigrad.drawing.tikz import write_tikz

MOST_PIXELS = 100_000_000
POINTS_PER_INCH = 72
SVG = "{http://www.w3.org/2000/svg}"
SEAM = 0.1  # what viewers of PDF paint at an edge is half paper, so that fine patterns look pale


def save_sheet(
    sheet: Sheet,
    path: str | os.PathLike[str],
    theme: Theme = "light",
    width: float | None = None,
    dpi: float = 192,
    unit: float = 1.0,
) -> None:
    """Write a picture to `path`: svg, png, pdf or tex, by its ending.

    Args:
        theme: as in `write_svg`; as png, pdf and tex, "auto" is light.
        width: on paper, in points; without it the width of the sheet, in pixels of the screen where it is an svg.
        dpi: pixels per inch of a png.
        unit: how many points a length of 1 on the sheet is in a png, pdf or tex, where no width is given.

    Raises:
        ValueError: another ending or theme, or a dpi that gives no pixels or too many.
        FileNotFoundError: there is no folder for it.
        ModuleNotFoundError: the library that writes png or pdf is not installed; the message says how to install it.
    """
    place = Path(path)
    format = place.suffix.lower()
    check_folder(place.parent, place.name)
    across, plain = sheet.width * unit if width is None else width, "light" if theme == "auto" else theme
    if format == ".svg":
        written = write_svg(sheet, theme, width, unit="" if width is None else "pt").encode()
    elif format == ".tex":
        written = write_tikz(sheet, plain, across).encode()
    elif format == ".png":
        written = svg_to_png(write_svg(sheet, plain, across), dpi)
    elif format == ".pdf":
        written = svg_to_pdf(write_svg(sheet, plain, across, seam=SEAM))
    else:
        raise ValueError(f"a picture is saved as .svg, .png, .pdf or .tex, got {os.fspath(path)!r}")
    place.write_bytes(written)


def check_folder(folder: Path, asking: str) -> None:
    """Raise where there is no such folder; `asking` is who or what needs it."""
    if not folder.is_dir():
        raise FileNotFoundError(f"{asking}: there is no folder {os.fspath(folder)!r}; make it first")


def svg_to_png(svg: str, dpi: float = 192) -> bytes:
    """The picture in pixels, `dpi` of them per inch; its size is in points, and so written without a unit.

    Raises:
        ValueError: a dpi that gives no pixels or too many.
        ModuleNotFoundError: resvg-py is not installed, the extra `dot`.
    """
    root = ElementTree.fromstring(svg)
    size = [float(root.attrib[side]) for side in ("width", "height")]
    across, down = (length * dpi / POINTS_PER_INCH for length in size)
    if not (across >= 1 and down >= 1 and across * down <= MOST_PIXELS):
        raise ValueError(
            f"dpi={dpi} would make {across:.0f} × {down:.0f} pixels; from 1 to {MOST_PIXELS:,} can be drawn"
        )
    try:
        import resvg_py
    except ModuleNotFoundError as error:
        raise _name_extra("png", "resvg-py", "dot", error) from None
    svg, files = _choose_fonts(svg, root)
    # Scaled inside of SVG: resvg itself scales from a size that it rounds to whole points first.
    frame = (
        f'width="{round(across)}" height="{round(down)}" viewBox="0 0 {size[0]} {size[1]}" preserveAspectRatio="none"'
    )
    framed = f'<svg xmlns="http://www.w3.org/2000/svg" {frame}>{svg}</svg>'
    png = resvg_py.svg_to_bytes(framed, skip_system_fonts=True, font_files=files)
    return _set_resolution(bytes(png), dpi)


def svg_to_pdf(svg: str) -> bytes:
    """The picture as a page of its own size, which is in points, and so written without a unit; fonts are in the file.

    Raises ModuleNotFoundError when svg2pdf-py is not installed, the extra `pdf`.
    """
    try:
        import svg2pdf_py
    except ModuleNotFoundError as error:
        raise _name_extra("pdf", "svg2pdf-py", "pdf", error) from None
    fonts = svg2pdf_py.FontDatabase()
    svg, files = _choose_fonts(svg, ElementTree.fromstring(svg))
    for file in files:
        fonts.load_font_file(file)
    return order_objects(bytes(svg2pdf_py.svg_to_pdf(svg, fonts)))


def _choose_fonts(svg: str, root: ElementTree.Element) -> tuple[str, list[str]]:
    """The files of the fonts for its texts, and the picture, which names one of them if it does not yet."""
    fonts = find_fonts("".join(letters for text in root.iter(f"{SVG}text") for letters in text.itertext()))
    named = svg.replace(FONTS, f'{FONTS}, "{fonts.family}"') if fonts.family else svg
    return named, [str(file) for file in fonts.files]


def _name_extra(format: str, library: str, extra: str, error: ModuleNotFoundError) -> ModuleNotFoundError:
    return ModuleNotFoundError(
        f"a picture as {format} needs the library {library}, minigrad's extra `{extra}`: python -m pip install "
        f'{library}, or in a clone of minigrad python -m pip install ".[{extra}]"; .svg needs neither',
        name=error.name,
    )


def _set_resolution(png: bytes, dpi: float) -> bytes:
    """The PNG with a chunk that says how large its pixels are on paper, right after the header."""
    header = 8 + 4 + 4 + 13 + 4  # signature, length, name, width to interlacing, checksum
    per_metre = round(dpi / 0.0254)
    chunk = b"pHYs" + struct.pack(">IIB", per_metre, per_metre, 1)
    return png[:header] + struct.pack(">I", 9) + chunk + struct.pack(">I", zlib.crc32(chunk)) + png[header:]
