"""The pages of the site, from those of the repository: what reads well on GitHub is made to read well here.

`assemble(folder)` begins with the README and the pages in docs/, and follows their links: other pages are taken along,
a source file becomes a page that shows it, a folder one that lists its scripts by their first lines.
"""

from __future__ import annotations

import ast
import os
import re
from pathlib import Path

from explorers import embed_explorers
from notebooks import write_notebook
from reference import write_reference

ROOT = Path(__file__).resolve().parents[2]
NAVIGATION = {  # the order of the side bar; a test finds every page of docs/ in it
    "Start": ["docs/install.md"],
    "Lessons": [
        "docs/engine.md", "docs/attention.md", "docs/block.md", "docs/positions.md", "docs/derivatives.md",
        "docs/fields.md", "docs/article.md",
    ],
    "Do": [
        "docs/own-data.md", "docs/drawing.md", "docs/compile.md", "docs/other-frameworks.md", "docs/scale-out.md",
        "docs/from-pytorch.md", "docs/faq.md",
    ],
    "Explain": ["docs/graph-model.md", "docs/conventions.md", "docs/testing.md", "docs/index.md"],
    "Reference": [
        "reference/index.md", "docs/ops.md", "reference/cli.md", "examples", "examples/fields", "examples/ports",
        "CHANGELOG.md",
    ],
    "中文": ["README.zh.md"] + [f"docs/{page.name}" for page in sorted((ROOT / "docs").glob("*.zh.md"))],
}  # fmt: skip
FENCE = re.compile(r"(^```.*?^```$)", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\]\((?![a-z]+:)([^)#\s]+)((?:#[^)\s]*)?)\)")
PICTURE = re.compile(r"!\[([^\]]*)\]\((\S+?\.svg)\)")
TWO_FILES = re.compile(r'<picture>\s*<source[^>]*srcset="([^"]+)">\s*<img src="([^"]+)" alt="([^"]*)">\s*</picture>')
DARK_RULES = re.compile(r"@media \(prefers-color-scheme:dark\)\{((?:[^{}]*\{[^{}]*\})*)\}")


def assemble(folder: Path) -> None:
    """Write all pages of the site to `folder`, for Sphinx to read."""
    written = write_reference(folder / "reference")
    waiting = [ROOT / name for names in NAVIGATION.values() for name in names if not name.startswith("reference/")]
    waiting += [ROOT / "README.md"]
    seen: set[Path] = set()
    while waiting:
        path = waiting.pop()
        if path not in seen:
            seen.add(path)
            place = folder / place_of(path)
            place.parent.mkdir(parents=True, exist_ok=True)
            text, links = (convert_page if path.suffix == ".md" else show_source)(path, folder)
            place.write_text(text, "utf-8")
            waiting += links
    with (folder / "index.md").open("a", encoding="utf-8") as index:
        *sections, chinese = NAVIGATION.items()
        for caption, names in (*sections, ("Functions", written), chinese):
            index.write(f"\n{contents(caption, names)}")


def place_of(path: Path) -> str:
    """Where in the site a file or folder of the repository is shown."""
    name = path.relative_to(ROOT).as_posix()
    if name.startswith("README"):
        return name.replace("README", "index")
    return f"{name}/index.md" if path.is_dir() else name if path.suffix == ".md" else f"{name}.md"


def contents(caption: str, names: list[str]) -> str:
    lines = [place_of(ROOT / name).removesuffix(".md") for name in names]
    return "```{toctree}\n:hidden:\n:caption: " + caption + "\n\n" + "".join(f"/{line}\n" for line in lines) + "```\n"


def convert_page(path: Path, folder: Path) -> tuple[str, list[Path]]:
    """A page with its links and pictures as the site has them, and what it links to."""
    links: list[Path] = []

    def redirect(match: re.Match[str]) -> str:
        target = (path.parent / match[1]).resolve()
        if not target.exists() or not target.is_relative_to(ROOT):
            return match[0]  # Sphinx says where
        links.append(target)
        return f"]({relate(place_of(target))}{match[2]})"

    def pair(light: str, dark: str, alternative: str) -> str:
        for theme, source in (("light", light), ("dark", dark)):
            copy = folder / pictures / theme / Path(light).name
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_text(fix_theme((path.parent / source).read_text("utf-8"), theme), "utf-8")
        return "\n".join(
            f"![{alternative}]({relate(f'{pictures}/{theme}/{Path(light).name}')}){{.only-{theme}}}"
            for theme in ("light", "dark")
        )

    def relate(place: str) -> str:
        return os.path.relpath(place, Path(place_of(path)).parent)

    pictures = "pictures"
    parts = FENCE.split(path.read_text("utf-8"))
    for i in range(0, len(parts), 2):  # what is not code
        prose = LINK.sub(redirect, PICTURE.sub(lambda m: m[0].replace("](", "](\0"), parts[i]).replace("](\0", "](:"))
        prose = TWO_FILES.sub(lambda m: pair(m[2], m[1], m[3]), prose)
        parts[i] = re.sub(r"!\[([^\]]*)\]\(:(\S+?\.svg)\)", lambda m: pair(m[2], m[2], m[1]), prose)
    text = "".join(parts)
    if write_notebook(path, folder / place_of(path)):
        words = "本页的 Jupyter 笔记本" if ".zh" in path.suffixes else "This page as a notebook"
        notebook = f"[{words}]({Path(place_of(path)).stem}.ipynb)\n"
        text = re.sub(r"^(# .*\n)", lambda m: f"{m[1]}\n{notebook}", text, count=1)
    text = embed_explorers(path, text, folder)
    in_navigation = path == ROOT / "README.md" or any(path == ROOT / n for names in NAVIGATION.values() for n in names)
    return text if in_navigation else f"---\norphan: true\n---\n\n{text}", links


def fix_theme(picture: str, theme: str) -> str:
    """A picture that follows the system, as one that is always light or always dark: a reader chooses on the site."""
    return DARK_RULES.sub(r"\1" if theme == "dark" else "", picture)


def show_source(path: Path, folder: Path) -> tuple[str, list[Path]]:
    """A page for a source file, or for a folder; the scripts of a folder are pages too."""
    name = path.relative_to(ROOT).as_posix()
    head = "" if any(name in names for names in NAVIGATION.values()) else "---\norphan: true\n---\n\n"
    if path.is_file():
        language = "python" if path.suffix == ".py" else "text"
        return f"{head}# {name}\n\n``````{{code-block}} {language}\n{path.read_text('utf-8')}\n``````\n", []
    files = [file for file in sorted(path.glob("*.py")) if file.name != "__init__.py"]
    rows = [f"| [{file.name}]({file.name}.md) | {first_line(file)} |\n" for file in files]
    return f"{head}# {name}\n\n| file | what it is |\n|---|---|\n{''.join(rows)}", files


def first_line(file: Path) -> str:
    text = ast.get_docstring(ast.parse(file.read_text("utf-8"))) or ""
    return text.split("\n\n")[0].replace("\n", " ").replace("|", "\\|")
