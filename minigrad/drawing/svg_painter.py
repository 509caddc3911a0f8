"""The SVG of a heat map as PNG or PDF, painted with matplotlib (the extra `plot`).

In comes the text of an SVG, out go the bytes of a file. Of SVG it knows what `heatmap` writes: groups, rectangles,
paths of straight lines and texts, placed by translate, scale and rotate.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal
from xml.etree import ElementTree

from minigrad.drawing.fonts import find_families, silence

if TYPE_CHECKING:
    from matplotlib.patches import PathPatch
    from matplotlib.text import Text
    from matplotlib.transforms import Affine2D, Transform

SVG = "{http://www.w3.org/2000/svg}"
INHERITED = ("fill", "font-size", "text-anchor")
ALIGNED: dict[str, Literal["left", "center", "right"]] = {"start": "left", "middle": "center", "end": "right"}
SEAM = 0.3  # pixels of overlap in a pdf, where viewers show a hairline between neighbours
UNDATED: dict[str, dict[str, None]] = {
    "png": {"Software": None},
    "pdf": {"Creator": None, "Producer": None, "CreationDate": None},
}


def paint(svg: str, format: Literal["png", "pdf"], width: float, dpi: float) -> bytes:
    """The picture as a file of this format, `width` inches wide; `dpi` is for png.

    The same picture gives the same bytes with the same matplotlib and fonts. Letters are those of DejaVu Sans, which
    comes with matplotlib; what it lacks is taken from other fonts of the machine, with a warning where none has it.

    Raises ModuleNotFoundError when matplotlib is not installed.
    """
    try:
        import matplotlib
        from matplotlib.figure import Figure
        from matplotlib.transforms import Affine2D
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"a heat map as {format} needs the library matplotlib, minigrad's extra `plot`: python -m pip install "
            'matplotlib, or in a clone of minigrad python -m pip install ".[plot]"; .svg needs neither',
            name=error.name,
        ) from None

    root = ElementTree.fromstring(svg)
    size = [float(length) for length in root.attrib["viewBox"].split()[2:]]
    inch = width / size[0]  # of one pixel
    figure = Figure(figsize=(width, size[1] * inch), facecolor="white")
    figure.dpi = dpi if format == "png" else 72.0
    on_paper = Affine2D().translate(0, -size[1]).scale(inch, -inch) + figure.dpi_scale_trans
    families = find_families("".join(element.text or "" for element in root.iter(f"{SVG}text")))
    for heading in root.iter(f"{SVG}text"):  # in two fonts, of which one may not be bold
        if len(families) > 1:
            heading.attrib.pop("font-weight", None)
    settings: dict[Any, Any] = {"font.family": families, "pdf.fonttype": 42, "path.simplify": False}
    with matplotlib.rc_context(settings), silence():
        for element, place, look in _walk_elements(root, Affine2D(), {}):
            draw = _draw_text if element.tag == f"{SVG}text" else _draw_surface
            artist = draw(element, place, look, 72 * inch, format)
            artist.set_transform(artist.get_transform() + on_paper)
            figure.add_artist(artist)
        file = io.BytesIO()
        figure.savefig(file, format=format, dpi=figure.dpi, metadata=UNDATED[format])
    return file.getvalue()


def _walk_elements(
    parent: ElementTree.Element, place: Transform, look: dict[str, str]
) -> Iterator[tuple[ElementTree.Element, Transform, dict[str, str]]]:
    """What is drawn, each with its place in the picture and its attributes, those of its groups among them."""
    look = {name: value for name, value in (look | parent.attrib).items() if name in INHERITED}
    for element in parent:
        here = _read_transform(element.get("transform", "")) + place
        if element.tag == f"{SVG}g":
            yield from _walk_elements(element, here, look)
        elif element.tag in (f"{SVG}rect", f"{SVG}path", f"{SVG}text"):
            yield element, here, look | element.attrib


def _read_transform(transform: str) -> Affine2D:
    """
    >>> _read_transform("translate(10 20) rotate(-90)").transform((1, 0)).round().tolist()
    [10.0, 19.0]
    """
    from matplotlib.transforms import Affine2D

    result = Affine2D()
    for name, written in reversed(re.findall(r"(\w+)\(([^)]*)\)", transform)):
        numbers = [float(number) for number in written.split()]
        if name == "rotate":
            result = result.rotate_deg(*numbers)
        else:
            result = result.translate(*numbers) if name == "translate" else result.scale(*numbers)
    return result


def _draw_surface(
    element: ElementTree.Element, place: Transform, look: dict[str, str], point: float, format: str
) -> PathPatch:
    """A rectangle or a path, filled or, where it has a stroke, outlined; `point` is a pixel in points."""
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    fill, stroke = look["fill"], look.get("stroke")
    if element.tag == f"{SVG}rect":
        x, y, width, height = (float(look.get(name, 0)) for name in ("x", "y", "width", "height"))
        outline = Path([(x, y), (x + width, y), (x + width, y + height), (x, y + height), (x, y)], closed=True)
    else:
        outline = Path(*_read_corners(look["d"]))
    if stroke:
        return PathPatch(outline, transform=place, fill=False, edgecolor=stroke, linewidth=point, snap=True)
    seam = SEAM * point if format == "pdf" else 0.0
    return PathPatch(
        outline, transform=place, facecolor=fill, edgecolor=fill, linewidth=seam, snap=True, antialiased=False
    )


def _read_corners(lines: str) -> tuple[list[tuple[float, float]], list[int]]:
    """The corners that the `d` of an SVG path leads to, and how matplotlib calls the way to each.

    >>> _read_corners("M1 2h3v1z")
    ([(1.0, 2.0), (4.0, 2.0), (4.0, 3.0), (1.0, 2.0)], [1, 2, 2, 79])
    """
    move, line, close = 1, 2, 79  # Path.MOVETO, LINETO, CLOSEPOLY
    corners: list[tuple[float, float]] = []
    codes: list[int] = []
    x = y = 0.0
    start = (x, y)
    for letter, written in re.findall(r"([MmhvLlz])([^A-Za-z]*)", lines):
        numbers = [float(number) for number in written.replace("-", " -").split()]
        if letter == "z":
            x, y = start
        elif letter == "M":
            x, y = numbers
        else:
            across, down = {"h": (*numbers, 0.0), "v": (0.0, *numbers)}.get(letter, numbers)
            x, y = x + across, y + down
        if letter in "Mm":
            start = (x, y)
        corners.append((x, y))
        codes.append(move if letter in "Mm" else close if letter == "z" else line)
    return corners, codes


def _draw_text(element: ElementTree.Element, place: Transform, look: dict[str, str], point: float, format: str) -> Text:
    from matplotlib.text import Text

    return Text(
        float(look.get("x", 0)), float(look.get("y", 0)), element.text or "",
        transform=place, color=look["fill"], fontsize=float(look["font-size"]) * point,
        fontweight=look.get("font-weight", "normal"), horizontalalignment=ALIGNED[look.get("text-anchor", "start")],
        verticalalignment="baseline", rotation=90 if "rotate" in look.get("transform", "") else 0,
        rotation_mode="anchor", parse_math=False,
    )  # fmt: skip
