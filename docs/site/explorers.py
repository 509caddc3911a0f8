"""The explorers that the code of a page writes, made by running that code, and shown below it."""

from __future__ import annotations

import contextlib
import io
import os
import re
import tempfile
from pathlib import Path

BLOCK = re.compile(r"^```(?:py|python)\n(.*?)^```\n", re.DOTALL | re.MULTILINE)
WRITES = re.compile(r'\.explore\("([\w-]+\.html)"')
FRAME = """
<iframe class="explorer" loading="lazy" src="{source}" title="{words}"></iframe>

<a href="{source}">{words}</a>

"""


def embed_explorers(page: Path, text: str, folder: Path) -> str:
    """The page with a frame below each block that writes an explorer; these go to `folder`/explorers.

    A Chinese page shows those of its English partner, whose code is the same.
    """
    blocks = list(BLOCK.finditer(text))
    if not any(WRITES.search(block[1]) for block in blocks):
        return text
    is_chinese = page.name.endswith(".zh.md")
    words = "单独打开这个计算图" if is_chinese else "The explorer on a page of its own"
    stem = page.stem.removesuffix(".zh")
    if not is_chinese:
        write_explorers(page, [block[1] for block in blocks], folder / "explorers")
    parts, end = [], 0
    for number, block in enumerate(blocks):
        parts.append(text[end : block.end()])
        end = block.end()
        for name in WRITES.findall(block[1]):
            place = os.path.relpath(f"explorers/{stem}-{number}-{name}", "docs" if page.parent.name == "docs" else ".")
            parts.append(FRAME.format(source=place, words=words))
    return "".join(parts) + text[end:]


def write_explorers(page: Path, blocks: list[str], explorers: Path) -> None:
    """Run the blocks of a page, and keep each explorer that one of them writes."""
    explorers.mkdir(exist_ok=True)
    names = {"__name__": "__main__"}
    with tempfile.TemporaryDirectory() as empty, contextlib.redirect_stdout(io.StringIO()), contextlib.chdir(empty):
        for number, block in enumerate(blocks):
            exec(compile(block, f"{page.name}:{number}", "exec"), names)
            for name in WRITES.findall(block):
                Path(name).replace(explorers / f"{page.stem}-{number}-{name}")
