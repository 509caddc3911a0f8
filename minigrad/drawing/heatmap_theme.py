"""The colours of a heat map on a light page, on a dark one, or on whichever the reader has.

In come the name of a theme and the scale of the values; out go the attributes that colour an SVG element.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from minigrad.drawing.colours import Scale, choose_text_colour

ThemeName = Literal["light", "dark", "auto"]

MISSING_INDEX = -1  # the place of what is not finite, after all colours of the scale


@dataclass(frozen=True)
class Theme:
    """What is not a value; `grid` lies between cells, `missing` under what is not finite."""

    paper: str
    ink: str
    faint: str
    frame: str
    grid: str
    missing: str


LIGHT = Theme(paper="#ffffff", ink="#1a1a1a", faint="#595959", frame="#767676", grid="#ffffff", missing="#dcdcdc")
DARK = Theme(paper="#0d1117", ink="#e6edf3", faint="#9198a1", frame="#6e7681", grid="#0d1117", missing="#484f58")
STROKES = ("frame", "grid")  # which parts of a theme are lines; the others are surfaces and letters


class Look:
    """One theme with one scale. `auto` is the light theme with a style sheet that overrides it where pages are dark.

    The classes of that style sheet mean the same in every heat map, as those of several share one page.
    """

    def __init__(self, theme: ThemeName, scale: Scale) -> None:
        if theme not in get_args(ThemeName):
            raise ValueError(f"heatmap: theme must be 'light', 'dark' or 'auto', got {theme!r}")
        self.theme = DARK if theme == "dark" else LIGHT
        self.adapts = theme == "auto"
        self._colours = [*(scale.dark_palette if theme == "dark" else scale.palette), self.theme.missing]
        self._dark_colours = [*scale.dark_palette, DARK.missing]
        self._kind = "signed" if scale.signed else "positive"

    def part(self, name: str) -> str:
        """The attributes of something that has the colour of this part of the theme.

        >>> Look("light", Scale(1.0, signed=False)).part("frame")
        'stroke="#767676"'
        >>> Look("auto", Scale(1.0, signed=False)).part("frame")
        'stroke="#767676" class="mg-frame"'
        """
        return self._attributes(_property(name), getattr(self.theme, name), name)

    def cell(self, index: int) -> str:
        """The attributes of a surface with the colour at this place of the scale."""
        return self._attributes("fill", self._colours[index], self._class(index))

    def on_cell(self, index: int) -> str:
        """The attributes of text on a surface with the colour at this place of the scale."""
        ink, dark = (choose_text_colour(colours[index]) for colours in (self._colours, self._dark_colours))
        return self._attributes("fill", ink, f"on-{_NAMES[dark]}")

    def style(self) -> list[str]:
        """The style sheet, in a theme that has one."""
        if not self.adapts:
            return []
        rules = [(name, _property(name), getattr(DARK, name)) for name in ("ink", "faint", "frame", "grid")]
        rules += [(f"on-{name}", "fill", colour) for colour, name in _NAMES.items()]
        places = [*range(len(self._dark_colours) - 1), MISSING_INDEX]
        rules += [(self._class(index), "fill", self._dark_colours[index]) for index in places]
        written = "".join(f".mg-{name}{{{property}:{colour}}}" for name, property, colour in rules)
        return [f"<style>@media (prefers-color-scheme:dark){{{written}}}</style>"]

    def _class(self, index: int) -> str:
        return "missing" if index == MISSING_INDEX else f"{self._kind}-{index}"

    def _attributes(self, property: str, colour: str, name: str) -> str:
        return f'{property}="{colour}"' + (f' class="mg-{name}"' if self.adapts else "")


def _property(part: str) -> str:
    return "stroke" if part in STROKES else "fill"


_NAMES = {"#000000": "black", "#ffffff": "white"}
