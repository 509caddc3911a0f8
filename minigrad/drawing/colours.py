"""Numbers as colours: scales that keep their order for every kind of colour vision and in grey.

In come numbers, out go indices into a table of 256 pairs of colours, of light pages and of dark ones, and for each the
colour of text that is legible on it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from minigrad.drawing.sheet import Ink

# Equal steps of the scale, light to dark: lightness falls evenly, so the order shows without hue.
SEQUENTIAL = ("#fcfcf6", "#e1e9b8", "#9edaa6", "#56c4b0", "#2aa3b7", "#1c7db0", "#18599b", "#193978", "#14204a")
NEGATIVE = ("#fafafa", "#b5def7", "#69b4e6", "#2e7fc3", "#194781")
POSITIVE = ("#fafafa", "#f4d1a9", "#e39851", "#b85e23", "#733216")
DARK_MIDDLE = "#14181d"  # for 0 on a dark page, where large values are light

# What is not a value: lines, and cells whose value is not finite.
FRAME = Ink("#767676", "#6e7681")
MISSING = Ink("#dcdcdc", "#484f58")
MISSING_INDEX = -1  # its place, after all colours of the scale


@dataclass(frozen=True)
class Scale:
    """Colours for numbers from 0 to `limit`, or, where `signed`, from -limit to limit with a pale middle for 0."""

    limit: float
    signed: bool

    def index(self, values: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
        """The place of each finite value in `palette`; what lies beyond the ends gets the colour of the end.

        >>> Scale(limit=2.0, signed=True).index(np.array([-2.0, 0.0, 1.0, 9.0]))
        array([  0, 128, 191, 255])
        """
        with np.errstate(over="ignore"):  # a value far beyond the limit
            share = np.clip(values / self.limit, -1, 1)
        return np.floor((share + 1) * 127.5 + 0.5 if self.signed else share.clip(0) * 255 + 0.5).astype(np.int64)

    @property
    def inks(self) -> list[Ink]:
        """256 colours in the order of the numbers, then that of what is not finite."""
        return [*map(Ink, self.palette, self.dark_palette), MISSING]

    @property
    def palette(self) -> list[str]:
        """256 colours in the order of the numbers, as `#rrggbb`; 0 is about as light as a white page."""
        return _mix(NEGATIVE[:0:-1] + POSITIVE if self.signed else SEQUENTIAL)

    @property
    def dark_palette(self) -> list[str]:
        """The same for dark pages, where 0 is about as dark as the page."""
        return _mix((*NEGATIVE[1:], DARK_MIDDLE, *POSITIVE[:0:-1]) if self.signed else SEQUENTIAL[::-1])


def _mix(anchors: Sequence[str]) -> list[str]:
    """256 colours in equal steps from the first anchor to the last."""
    channels = np.array([[int(anchor[at : at + 2], 16) for at in (1, 3, 5)] for anchor in anchors])
    places = np.linspace(0, 255, len(anchors))
    mixed = [np.interp(np.arange(256), places, channel) for channel in channels.T]
    return ["#{:02x}{:02x}{:02x}".format(*colour) for colour in np.round(mixed).astype(int).T]


def choose_text_colour(background: str) -> str:
    """Black or white, whichever has the higher contrast on `background` (at least 4.5, as WCAG 2 counts it).

    >>> choose_text_colour("#fcfcf6"), choose_text_colour("#14204a")
    ('#000000', '#ffffff')
    """
    luminance = relative_luminance(background)
    return "#000000" if (luminance + 0.05) / 0.05 >= 1.05 / (luminance + 0.05) else "#ffffff"


def choose_text_ink(background: Ink) -> Ink:
    """The text colour for each theme."""
    return Ink(*map(choose_text_colour, background))


def relative_luminance(colour: str) -> float:
    """How light a colour is, from 0 (black) to 1 (white): WCAG 2.1, "relative luminance".

    >>> relative_luminance("#ffffff")
    1.0
    """
    channels = np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)]) / 255
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return float(linear @ np.array([0.2126, 0.7152, 0.0722]))
