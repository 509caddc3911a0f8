"""Pieces of HTML for pages about a run, each made of plain text that is escaped here, and the style that they share.

The demo's page and the report are made of them: no script is needed and no network, and the reader's light or dark
setting is followed.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from importlib import resources

from minigrad.drawing.text import escape_hidden

STYLE = resources.files("minigrad.report").joinpath("page.css").read_text("utf-8")


def paragraph(text: str) -> str:
    """
    >>> paragraph("a < b")
    '<p>a &lt; b</p>'
    """
    return f"<p>{escape(text)}</p>"


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
