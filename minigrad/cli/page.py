"""The page of the demo: pieces of HTML and `page.html` around them; pictures are files beside it.

While the demo runs it reloads itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from string import Template
from typing import Self

from minigrad.io.atomic import write_atomically
from minigrad.report.pieces import STYLE, escape

FRAME = Template(resources.files("minigrad.cli").joinpath("page.html").read_text("utf-8"))
RELOAD = '<meta http-equiv="refresh" content="2" />'  # seconds
AWAITED = '<span class="awaited">… still at work</span>'
ABSENT = '<span class="awaited">not reached</span>'


class Page:
    """The file while it fills in, piece by piece; nobody ever reads half of it. A `with` block in which it is made.

    Args:
        place: the file.
    """

    def __init__(self, place: Path) -> None:
        self.place = place
        self.pieces: dict[str, str] = {}

    def __enter__(self) -> Self:
        self.show()
        return self

    def __exit__(self, *exception: object) -> None:
        self._write(fill(self.pieces, ABSENT))

    def show(self, **pieces: str) -> None:
        """Put HTML into these places of `page.html`; the page is there at once, and reloads itself."""
        self.pieces |= pieces
        self._write(fill(self.pieces, AWAITED, RELOAD))

    def _write(self, text: str) -> None:
        write_atomically(self.place, [text.encode("utf-8")])


def fill(pieces: Mapping[str, str], missing: str = "", head: str = "") -> str:
    """The whole page: `pieces` are HTML, by the places that `page.html` has for them; `missing` is for the others."""
    places = dict.fromkeys(FRAME.get_identifiers(), missing) | {"head": head, "early": "", "style": STYLE}
    return FRAME.substitute(places | dict(pieces))


def picture(file: str, alternative: str, caption: str) -> str:
    """A picture beside the page, which opens in full size when it is clicked; `alternative` says what it shows."""
    image = f'<img src="{escape(file)}" alt="{escape(alternative)}" />'
    return f'<figure><a href="{escape(file)}">{image}</a><figcaption>{escape(caption)}</figcaption></figure>'
