"""The page of the demo: pieces of HTML, each made of plain text that is escaped here, and the whole around them.

The page needs no script and no network: pictures are files beside it. It follows the reader's light or dark setting.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from importlib import resources
from string import Template

from minigrad.drawing.text import escape_hidden

FRAME = Template(resources.files("minigrad.cli").joinpath("page.html").read_text("utf-8"))


def page(title: str, sections: Iterable[str]) -> str:
    """A complete HTML document; `sections` are HTML."""
    return FRAME.substitute(title=_escape(title), body="\n".join(sections))


def section(title: str, *parts: str) -> str:
    """Parts of the page, each HTML, below a heading."""
    return "\n".join((heading(2, title), *parts))


def heading(level: int, text: str) -> str:
    return f"<h{level}>{_escape(text)}</h{level}>"


def paragraph(text: str) -> str:
    """
    >>> paragraph("a < b")
    '<p>a &lt; b</p>'
    """
    return f"<p>{_escape(text)}</p>"


def picture(file: str, alternative: str, caption: str) -> str:
    """A picture beside the page, which opens in full size when it is clicked; `alternative` says what it shows."""
    image = f'<img src="{_escape(file)}" alt="{_escape(alternative)}" />'
    return f'<figure><a href="{_escape(file)}">{image}</a><figcaption>{_escape(caption)}</figcaption></figure>'


def block(text: str, prose: bool = False) -> str:
    """Text in lines, as a terminal shows it."""
    kind = ' class="prose"' if prose else ""
    return f"<pre{kind}>{_escape(text)}</pre>"


def details(summary: str, text: str) -> str:
    """A block that is folded until it is asked for."""
    return f"<details><summary>{_escape(summary)}</summary>{block(text)}</details>"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """The first cell of each row is its heading.

    >>> table(["model", "loss"], [["2-gram", "2.3"]])[:66]
    '<div class="wide"><table><thead><tr><th scope="col">model</th><th '
    """
    titles = "".join(f'<th scope="col">{_escape(cell)}</th>' for cell in header)
    lines = "\n".join(
        f'<tr><th scope="row">{_escape(first)}</th>{"".join(f"<td>{_escape(cell)}</td>" for cell in rest)}</tr>'
        for first, *rest in rows
    )
    return f'<div class="wide"><table><thead><tr>{titles}</tr></thead><tbody>\n{lines}\n</tbody></table></div>'


def files(names: Iterable[tuple[str, str]]) -> str:
    """A list of files beside the page, each with what is in it."""
    items = "\n".join(
        f'<li><a href="{_escape(name)}">{_escape(name)}</a>: {_escape(what)}</li>' for name, what in names
    )
    return f"<ul>\n{items}\n</ul>"


def _escape(text: str) -> str:
    """Any text, on as many lines as it has, safe as content and as attribute."""
    return "\n".join(html.escape(escape_hidden(line)) for line in text.split("\n"))
