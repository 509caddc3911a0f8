"""The page of the demo: pieces of HTML, each made of plain text that is escaped here, and `page.html` around them.

The page needs no script and no network: pictures are files beside it. It follows the reader's light or dark setting,
and while the demo runs it reloads itself.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping, Sequence
from importlib import resources
from pathlib import Path
from string import Template
from typing import Self

from minigrad.drawing.text import escape_hidden
from minigrad.io.atomic import write_atomically

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
    places = dict.fromkeys(FRAME.get_identifiers(), missing) | {"head": head, "early": ""}
    return FRAME.substitute(places | dict(pieces))


def paragraph(text: str) -> str:
    """
    >>> paragraph("a < b")
    '<p>a &lt; b</p>'
    """
    return f"<p>{escape(text)}</p>"


def picture(file: str, alternative: str, caption: str) -> str:
    """A picture beside the page, which opens in full size when it is clicked; `alternative` says what it shows."""
    image = f'<img src="{escape(file)}" alt="{escape(alternative)}" />'
    return f'<figure><a href="{escape(file)}">{image}</a><figcaption>{escape(caption)}</figcaption></figure>'


def block(text: str, prose: bool = False) -> str:
    """Text in lines, as a terminal shows it."""
    kind = ' class="prose"' if prose else ""
    return f"<pre{kind}>{escape(text)}</pre>"


def details(summary: str, text: str) -> str:
    """A block that is folded until it is asked for."""
    return f"<details><summary>{escape(summary)}</summary>{block(text)}</details>"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """The first cell of each row is its heading.

    >>> table(["model", "loss"], [["2-gram", "2.3"]])[:66]
    '<div class="wide"><table><thead><tr><th scope="col">model</th><th '
    """
    titles = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in header)
    lines = "\n".join(
        f'<tr><th scope="row">{escape(first)}</th>{"".join(f"<td>{escape(cell)}</td>" for cell in rest)}</tr>'
        for first, *rest in rows
    )
    return f'<div class="wide"><table><thead><tr>{titles}</tr></thead><tbody>\n{lines}\n</tbody></table></div>'


def escape(text: str) -> str:
    """Any text, on as many lines as it has, safe as content and as attribute."""
    return "\n".join(html.escape(escape_hidden(line)) for line in text.split("\n"))
