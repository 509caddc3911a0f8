"""Fonts of this machine that have the characters of a text: a text enters, font files leave.

They are looked for anew each time, as a font may have been installed since.
"""

from __future__ import annotations

import functools
import os
import shutil
import struct
import subprocess
import unicodedata
import warnings
from pathlib import Path
from typing import NamedTuple

import numpy as np

# The fonts that pictures name, by the beginnings of their files, and where other letters are looked for first.
NAMED = ("arial.", "arialbd.", "arial bold.", "helvetica.", "liberationsans-", "dejavusans", "notosans-")
NEXT = (
    "notosanscjk-regular", "notosanssc", "sourcehansans", "pingfang", "hiragino", "msyh", "wqy-zenhei", "wqy-microhei",
)  # fmt: skip
UNSEEN = "CZM"  # kinds of characters that nobody misses: without a width, spaces, marks on others
USELESS = ("emoji", "lastresort", "bitmap")  # coloured pictures, and fonts that have a box for every character
FOLDERS = (
    "/usr/share/fonts", "/usr/local/share/fonts", "~/.fonts", "~/.local/share/fonts",
    "/System/Library/Fonts", "/Library/Fonts", "~/Library/Fonts",
    "C:/Windows/Fonts", "~/AppData/Local/Microsoft/Windows/Fonts",
)  # fmt: skip


class Fonts(NamedTuple):
    """Files, and the family of the first one where none has a font that pictures name."""

    files: list[Path]
    family: str


def find_fonts(text: str) -> Fonts:
    """The fonts that pictures name, and others for characters which those have not.

    Warns when no installed font has some of them, and names these.
    """
    files = _list_font_files()
    named = [file for file in files if file.name.lower().startswith(NAMED)]
    chosen = [*named]
    lacking = {ord(character) for character in text if unicodedata.category(character)[0] not in UNSEEN}
    for file in chosen:
        if lacking:
            lacking -= _read_characters(file)
    others = [file for file in files if file not in chosen and not any(word in file.name.lower() for word in USELESS)]
    for file in sorted(others, key=lambda file: not file.name.lower().startswith(NEXT)):
        if not lacking:
            break
        found = lacking & _read_characters(file)
        if found:
            chosen.append(file)
            lacking -= found
    if lacking:
        letters = " ".join(chr(number) for number in sorted(lacking)[:40])
        warnings.warn(
            f"no font of this machine has {letters}: boxes stand in their place, or nothing; save as .svg, or install "
            "a font with them, such as DejaVu Sans, or Noto Sans CJK for Chinese",
            stacklevel=6,
        )
    return Fonts(chosen, "" if named or not chosen else _read_family(chosen[0]))


def _list_font_files() -> list[Path]:
    """What fontconfig knows, or, where it is not installed, what lies in the usual folders."""
    if shutil.which("fc-list"):
        listed = subprocess.run(["fc-list", "--format", "%{file}\n"], capture_output=True, timeout=20).stdout
        paths = {Path(os.fsdecode(line)) for line in listed.splitlines()}
    else:
        paths = {path for folder in FOLDERS for path in Path(folder).expanduser().glob("**/*")}
    return sorted(path for path in paths if path.suffix.lower() in (".ttf", ".otf", ".ttc"))


def _read_characters(file: Path) -> frozenset[int]:
    """The numbers of the characters that a font has; none where the file cannot be read."""
    try:
        return _read_cmap(file, file.stat().st_mtime_ns)
    except (OSError, struct.error, ValueError, LookupError):
        return frozenset()


@functools.cache
def _read_cmap(file: Path, changed: int) -> frozenset[int]:
    """From the table `cmap` of the font, whose parts list characters in one of several formats."""
    table = _read_table(file, b"cmap")
    count = struct.unpack_from(">H", table, 2)[0]
    parts = [table[offset:] for _, _, offset in struct.iter_unpack(">HHI", table[4:][: 8 * count])]
    readers = {4: _read_segments, 12: _read_groups}
    return frozenset().union(*(readers[part[1]](part) for part in parts if part[1] in readers))


def _read_family(file: Path) -> str:
    """From the table `name`, the first that Windows reads: of the typographic family (16), else of the family (1)."""
    table = _read_table(file, b"name")
    count, start = struct.unpack_from(">HH", table, 2)
    names: dict[int, str] = {}
    for platform, _, _, kind, length, offset in struct.iter_unpack(">6H", table[6:][: 12 * count]):
        if platform == 3:
            names.setdefault(kind, table[start + offset :][:length].decode("utf-16-be"))
    return names.get(16, names.get(1, ""))


def _read_table(file: Path, name: bytes) -> bytes:
    """A table of an OpenType font, of the first one in a collection, and what lies behind it."""
    font = file.read_bytes()
    start = struct.unpack_from(">I", font, 12)[0] if font[:4] == b"ttcf" else 0
    entries = font[start + 12 :][: 16 * struct.unpack_from(">H", font, start + 4)[0]]
    return font[{tag: offset for tag, _, offset, _ in struct.iter_unpack(">4sIII", entries)}[name] :]


def _read_segments(table: bytes) -> set[int]:
    """Format 4: ends, starts, what is added, and where glyphs are listed instead, for each run of characters."""
    count = struct.unpack_from(">H", table, 6)[0] // 2
    words = np.frombuffer(table, ">u2", count=(len(table) - 14) // 2, offset=14).astype(np.int64)
    ends, (starts, added, listed) = words[:count], words[count + 1 : 4 * count + 1].reshape(3, count)
    characters: set[int] = set()
    for number, (first, last) in enumerate(zip(starts, ends, strict=True)):
        run = np.arange(first, last + 1)
        glyphs = run + added[number]
        if listed[number]:
            glyphs = words[3 * count + 1 + number + listed[number] // 2 + run - first]
        characters.update(run[glyphs % 65536 != 0].tolist())
    return characters


def _read_groups(table: bytes) -> set[int]:
    """Format 12: the first and the last character of each run, and the first glyph."""
    groups = np.frombuffer(table, ">u4", count=3 * struct.unpack_from(">I", table, 12)[0], offset=16).reshape(-1, 3)
    return {character for first, last, _ in groups.tolist() for character in range(first, last + 1)}
