"""A page as a notebook: its prose, its code as cells, and what these print as their output."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

CODE = re.compile(r"^```(?:py|python)\n(.*?)^```\n(?:\n?^```text\n(.*?)^```\n)?", re.DOTALL | re.MULTILINE)
PICTURE = re.compile(r"!\[([^\]]*)\]\((?:docs/)?pictures/([^)/]+)\)")
PAIR = re.compile(r'<picture>.*?<img src="(?:docs/)?pictures/([^"/]+)" alt="([^"]*)">\s*</picture>', re.DOTALL)
FOLDED = re.compile(r"</?details>\n?|<summary>(.*?)</summary>")  # cells cannot be inside of an element


def write_notebook(page: Path, place: Path) -> bool:
    """Write the page as a notebook beside `place`; whether it has code."""
    text, cells, end = page.read_text("utf-8"), [], 0
    for match in CODE.finditer(text):
        cells += make_prose(text[end : match.start()])
        output = [new_output("stream", name="stdout", text=match[2])] if match[2] else []
        cells.append(new_code_cell(match[1].rstrip("\n"), outputs=output))
        end = match.end()
    if not cells:
        return False
    notebook = new_notebook(cells=cells + make_prose(text[end:]))
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    for number, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{number}"  # the same at every build
    nbformat.validate(notebook)
    nbformat.write(notebook, place.with_suffix(".ipynb"))
    return True


def make_prose(text: str) -> list[nbformat.NotebookNode]:
    """A cell of Markdown. Its pictures are those that the code draws, which lie beside the notebook when it has run."""
    text = PICTURE.sub(r"![\1](\2)", PAIR.sub(r"![\2](\1)", text))
    text = FOLDED.sub(lambda match: f"**{match[1]}**" if match[1] else "", text).strip()
    return [new_markdown_cell(text)] if text else []


def execute(notebook: Path, folder: Path) -> None:
    """Run all cells in an empty folder; an error in one of them is raised."""
    from nbclient import NotebookClient

    NotebookClient(
        nbformat.read(notebook, as_version=4), timeout=600, resources={"metadata": {"path": str(folder)}}
    ).execute()
