"""A sheet as SVG text: in come primitives, out goes a picture that needs no library, no script and no font of its own.

Texts are not trusted: what cannot be seen is made visible, the rest escaped. The same sheet gives the same bytes.
"""

from __future__ import annotations

import html
from typing import get_args

import numpy as np

from minigrad.drawing.lengths import write_length
from minigrad.drawing.sheet import Element, Ellipse, Group, Ink, Path, Rectangle, Shape, Sheet, Text, Theme, Tiles
from minigrad.drawing.text import make_text
from minigrad.drawing.tiles import list_runs

# The first that the viewer has; texts are measured by the widest of them.
FONTS = 'Arial, Helvetica, "Liberation Sans", "DejaVu Sans", "Noto Sans", sans-serif'


def write_svg(
    sheet: Sheet, theme: Theme = "light", width: float | None = None, unit: str = "", seam: float = 0.0
) -> str:
    """The sheet as the text of an SVG.

    Args:
        theme: "light" or "dark", or "auto": light, with a style sheet for pages and readers that are dark.
        width: how wide it is shown, with the height to match; the width of the sheet when None.
        unit: of the size, such as "pt"; without one, browsers take it as pixels and writers of PDF as points.
        seam: by how much cells overlap their neighbours, where a viewer shows hairlines between them.

    Raises ValueError for another theme.

    >>> square = Rectangle(0, 0, 10, 10, fill=Ink("#b2d5e8", "#1f3b4d"))
    >>> print(write_svg(Sheet(10, 10, [square], title="A square", background=None), "auto"))  # doctest: +ELLIPSIS
    <svg ... width="10" height="10" viewBox="0 0 10 10" ...>
    <title>A square</title>
    <rect x="0" y="0" width="10" height="10" fill="#b2d5e8" class="mg-fill-b2d5e8-1f3b4d"/>
    <style>@media (prefers-color-scheme:dark){.mg-fill-b2d5e8-1f3b4d{fill:#1f3b4d}}</style>
    </svg>
    <BLANKLINE>
    """
    if theme not in get_args(Theme):
        raise ValueError(f"theme must be 'light', 'dark' or 'auto', got {theme!r}")
    writer = _Writer(theme, seam)
    across = sheet.width if width is None else width
    down = across * sheet.height / sheet.width
    box = f"0 0 {write_length(sheet.width)} {write_length(sheet.height)}"
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" width="{write_length(across)}{unit}" '
        f'height="{write_length(down)}{unit}" viewBox="{box}" font-family=\'{FONTS}\' '
        'text-rendering="geometricPrecision">',  # letters as wide as they are, not rounded to whole pixels
        f"<title>{_escape(sheet.title)}</title>",
    ]
    if sheet.description:
        lines.append(f"<desc>{_escape(sheet.description)}</desc>")
    if sheet.background:  # in "auto", too: not every page is as light or dark as its reader's system
        lines.append(writer.write_background(sheet.background, sheet.width, sheet.height))
    lines += [writer.write(element) for element in sheet.children]
    return "\n".join([*lines, *writer.write_style(), "</svg>\n"])


class _Writer:
    """Writes elements in one theme, and remembers which colours a dark page overrides."""

    def __init__(self, theme: Theme, seam: float) -> None:
        self.seam = seam
        self.dark = theme == "dark"
        self.adapts = theme == "auto"
        self.overridden: set[tuple[str, Ink]] = set()

    def write(self, element: Element) -> str:
        match element:
            case Group():
                return self._write_group(element)
            case Text():
                return self._write_text(element)
            case Tiles():
                return self._write_tiles(element)
            case Rectangle(x, y, width, height, radius):
                sizes = {"x": x, "y": y, "width": width, "height": height} | ({"rx": radius} if radius else {})
                return f"<rect{_write_lengths(sizes)}{self._paint_shape(element)}/>"
            case Ellipse(x, y, rx, ry):
                return f"<ellipse{_write_lengths({'cx': x, 'cy': y, 'rx': rx, 'ry': ry})}{self._paint_shape(element)}/>"
            case Path():
                return f'<path d="{_write_commands(element)}"{self._paint_shape(element)}/>'

    def write_background(self, ink: Ink, width: float, height: float) -> str:
        """With sharp edges, so that the pixels at the edge of a PNG are opaque."""
        sizes = _write_lengths({"width": width, "height": height})
        return f'<rect{sizes}{self._paint(fill=ink)} shape-rendering="crispEdges"/>'

    def write_style(self) -> list[str]:
        """The style sheet, where the theme has one and a colour differs."""
        rules = [f".{_name_class(name, ink)}{{{name}:{ink.dark}}}" for name, ink in sorted(self.overridden)]
        return [f"<style>@media (prefers-color-scheme:dark){{{''.join(rules)}}}</style>"] if rules else []

    def _write_group(self, group: Group) -> str:
        attributes = {"id": group.id, "aria-label": group.label}
        written = "".join(f' {name}="{_escape(value)}"' for name, value in attributes.items() if value)
        role = ' role="img"' if group.label else ""
        lines = "\n".join(_escape(line) for line in group.tooltip.split("\n"))
        title = [f"<title>{lines}</title>"] if lines else []
        return "\n".join([f"<g{written}{role}>", *title, *map(self.write, group.children), "</g>"])

    def _write_text(self, text: Text) -> str:
        x, y = write_length(text.x), write_length(text.y)
        where = f' transform="translate({x} {y}) rotate(-90)"' if text.turned else f' x="{x}" y="{y}"'
        manner = f' font-size="{write_length(text.size)}"'
        manner += "" if text.anchor == "start" else f' text-anchor="{text.anchor}"'
        manner += ' font-weight="bold"' if text.bold else ""
        return f"<text{where}{manner}{self._paint(fill=text.fill)}>{_escape(text.text)}</text>"

    def _write_tiles(self, tiles: Tiles) -> str:
        """A path per colour, in units of a cell."""
        x, y, width, height = map(write_length, (tiles.x, tiles.y, tiles.width, tiles.height))
        across, down = self.seam / tiles.width, self.seam / tiles.height
        high = round(1 + 2 * down, 3) if self.seam else 1
        lines = [f'<g transform="translate({x} {y}) scale({width} {height})" shape-rendering="crispEdges">']
        for place, runs in list_runs(tiles.places):
            boxes = np.round(runs + [-across, -down, 2 * across], 3) if self.seam else runs
            squares = "".join(f"M{left} {top}h{wide}v{high}h-{wide}z" for left, top, wide in boxes.tolist())
            lines.append(f'<path d="{squares}"{self._paint(fill=tiles.inks[place])}/>')
        return "\n".join([*lines, "</g>"])

    def _paint_shape(self, shape: Shape) -> str:
        lines = {}
        if shape.stroke:
            lines["stroke-width"] = "" if shape.stroke_width == 1 else write_length(shape.stroke_width)
            lines["stroke-dasharray"] = " ".join(map(write_length, shape.dash))
            lines["stroke-linejoin"] = "" if shape.fill else "round"  # lines that turn sharply get no spikes
        written = "".join(f' {name}="{value}"' for name, value in lines.items() if value)
        return self._paint(fill=shape.fill, stroke=shape.stroke) + written

    def _paint(self, **inks: Ink | None) -> str:
        """The attributes for `fill` and `stroke`, of which an absent fill is named, as SVG's own is black."""
        written, classes = "", []
        for name, ink in inks.items():
            if ink is None:
                written += ' fill="none"' if name == "fill" else ""
                continue
            written += f' {name}="{ink.dark if self.dark else ink.light}"'
            if self.adapts and ink.light != ink.dark:
                self.overridden.add((name, ink))
                classes.append(_name_class(name, ink))
        return written + (f' class="{" ".join(classes)}"' if classes else "")


def _name_class(name: str, ink: Ink) -> str:
    """Says what it does, so that the pictures of one page agree about it."""
    return f"mg-{name}-{ink.light[1:]}-{ink.dark[1:]}"


def _write_commands(path: Path) -> str:
    """The `d` of a path; lines straight across or down are written short.

    >>> _write_commands(Path([("M", 1, 2), ("L", 9, 2), ("L", 9, 5.255), ("Z",)]))
    'M1 2H9V5.25Z'
    """
    words, place = [], ("", "")
    for letter, *numbers in path.commands:
        written = [write_length(number) for number in numbers]
        if letter == "L" and written[1] == place[1]:
            words.append(f"H{written[0]}")
        elif letter == "L" and written[0] == place[0]:
            words.append(f"V{written[1]}")
        else:
            words.append(letter + " ".join(written))
        place = (written[-2], written[-1]) if written else ("", "")
    return "".join(words)


def _write_lengths(lengths: dict[str, float]) -> str:
    return "".join(f' {name}="{write_length(length)}"' for name, length in lengths.items())


def _escape(text: str) -> str:
    return html.escape(make_text(text))
