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
<iframe class="explorer" loading="lazy" src="{source}" title="Explorer"></iframe>

<a href="{source}">The explorer on a page of its own</a>

"""


def embed_explorers(page: Path, text: str, folder: Path) -> str:
    """The page with a frame below each block that writes an explorer; these go to `folder`/explorers."""
    blocks = list(BLOCK.finditer(text))
    if not any(WRITES.search(block[1]) for block in blocks) or page.name.endswith(".zh.md"):
        return text
    parts, end, names = [], 0, {"__name__": "__main__"}
    with tempfile.TemporaryDirectory() as empty, contextlib.redirect_stdout(io.StringIO()), contextlib.chdir(empty):
        for number, block in enumerate(blocks):
            exec(compile(block[1], f"{page.name}:{number}", "exec"), names)
            parts.append(text[end : block.end()])
            end = block.end()
            for name in WRITES.findall(block[1]):
                copy = folder / "explorers" / f"{page.stem}-{number}-{name}"
                copy.parent.mkdir(exist_ok=True)
                copy.write_bytes(Path(name).read_bytes())
                place = os.path.relpath(f"explorers/{copy.name}", "docs" if page.parent.name == "docs" else ".")
                parts.append(FRAME.format(source=place))
    return "".join(parts) + text[end:]
