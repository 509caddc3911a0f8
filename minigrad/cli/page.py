"""The page of the demo: pieces of HTML, each made of plain text that is escaped here, and the whole around them.

The page needs no script and no network: pictures are files beside it. It follows the reader's light or dark setting.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence

from minigrad.drawing.text import visible

STYLE = """
:root { color-scheme: light dark; --paper: #ffffff; --ink: #1a1a1a; --faint: #595959; --line: #d0d7de; --block: #f6f8fa;
  --accent: #0063a5; }
@media (prefers-color-scheme: dark) { :root { --paper: #0d1117; --ink: #e6edf3; --faint: #9da7b3; --line: #30363d;
  --block: #161b22; --accent: #6bc1ff; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 62rem; padding: 2.5rem 1.25rem 4rem; background: var(--paper); color: var(--ink);
  font: 1rem/1.6 system-ui, -apple-system, "Segoe UI", Roboto, Helvetica, Arial, sans-serif; }
h1 { font-size: 2rem; line-height: 1.2; margin: 0 0 .5rem; }
h2 { font-size: 1.35rem; line-height: 1.3; margin: 3rem 0 .5rem; padding-top: 1.5rem;
  border-top: 1px solid var(--line); }
p { max-width: 44rem; margin: .5rem 0 1rem; }
.faint, figcaption { color: var(--faint); }
a { color: var(--accent); }
a:focus-visible, summary:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
figure { margin: 1.25rem 0; }
figure a { display: block; overflow: auto; padding: .75rem; background: #ffffff; border: 1px solid var(--line);
  border-radius: .5rem; text-align: center; }
figure img { max-width: 100%; height: auto; vertical-align: top; }
figcaption { font-size: .9rem; margin-top: .4rem; }
pre { margin: 1rem 0; padding: .9rem 1rem; overflow: auto; background: var(--block); border: 1px solid var(--line);
  border-radius: .5rem; font: .8rem/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; }
pre.prose { white-space: pre-wrap; overflow-wrap: anywhere; }
code { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; font-size: .9em; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; margin: 1rem 0; font-variant-numeric: tabular-nums; }
th, td { padding: .35rem 1.25rem .35rem 0; text-align: left; vertical-align: top;
  border-bottom: 1px solid var(--line); }
thead th { color: var(--faint); font-weight: 600; font-size: .9rem; }
tbody th { font-weight: 600; }
summary { cursor: pointer; color: var(--accent); }
""".strip()


def page(title: str, sections: Iterable[str]) -> str:
    """A complete HTML document; `sections` are HTML."""
    body = "\n".join(sections)
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8" />
<meta name="viewport" content="width=device-width, initial-scale=1" />
<title>{_escaped(title)}</title>
<style>
{STYLE}
</style>
</head>
<body>
<main>
{body}
</main>
</body>
</html>
"""


def heading(level: int, text: str) -> str:
    return f"<h{level}>{_escaped(text)}</h{level}>"


def paragraph(text: str, faint: bool = False) -> str:
    """
    >>> paragraph("a < b")
    '<p>a &lt; b</p>'
    """
    return f"<p{_class('faint' * faint)}>{_escaped(text)}</p>"


def picture(file: str, alternative: str, caption: str) -> str:
    """A picture beside the page, which opens in full size when it is clicked; `alternative` says what it shows."""
    image = f'<img src="{_escaped(file)}" alt="{_escaped(alternative)}" />'
    return f'<figure><a href="{_escaped(file)}">{image}</a><figcaption>{_escaped(caption)}</figcaption></figure>'


def block(text: str, prose: bool = False) -> str:
    """Text in lines, as a terminal shows it."""
    return f"<pre{_class('prose' * prose)}>{_escaped(text)}</pre>"


def details(summary: str, text: str) -> str:
    """A block that is folded until it is asked for."""
    return f"<details><summary>{_escaped(summary)}</summary>{block(text)}</details>"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """The first cell of each row is its heading.

    >>> table(["model", "loss"], [["2-gram", "2.3"]])[:66]
    '<div class="wide"><table><thead><tr><th scope="col">model</th><th '
    """
    titles = "".join(f'<th scope="col">{_escaped(cell)}</th>' for cell in header)
    lines = "\n".join(
        f'<tr><th scope="row">{_escaped(first)}</th>{"".join(f"<td>{_escaped(cell)}</td>" for cell in rest)}</tr>'
        for first, *rest in rows
    )
    return f'<div class="wide"><table><thead><tr>{titles}</tr></thead><tbody>\n{lines}\n</tbody></table></div>'


def files(names: Iterable[tuple[str, str]]) -> str:
    """A list of files beside the page, each with what is in it."""
    items = "\n".join(f'<li><a href="{_escaped(n)}">{_escaped(n)}</a>: {_escaped(what)}</li>' for n, what in names)
    return f"<ul>\n{items}\n</ul>"


def _escaped(text: str) -> str:
    """Any text, on as many lines as it has, safe as content and as attribute."""
    return "\n".join(html.escape(visible(line)) for line in text.split("\n"))


def _class(name: str) -> str:
    return f' class="{name}"' if name else ""
