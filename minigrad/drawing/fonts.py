"""Fonts of this machine that have the characters of a text: a text enters, names of font families leave.

The fonts are those that matplotlib finds, without which there are none.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

FIRST = "DejaVu Sans"  # comes with matplotlib
# Tried before others, as their letters go with the first font.
NEXT = (
    "Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC", "PingFang SC", "Hiragino Sans GB", "Microsoft YaHei",
    "WenQuanYi Zen Hei", "WenQuanYi Micro Hei", "Noto Sans", "Arial Unicode MS",
)  # fmt: skip
# Coloured pictures, which matplotlib cannot draw, and fonts that have a box for every character.
USELESS = ("Emoji", "Last Resort", "LastResort")


def find_families(text: str) -> list[str]:
    """Families that have the characters of `text` between them, in the order in which to look a character up.

    Warns when no installed font has some of them, and names these.
    """
    from matplotlib.font_manager import FontProperties, findfont, fontManager, get_font

    families, lacking = [FIRST], {ord(character) for character in text}
    lacking -= get_font(findfont(FontProperties(family=FIRST))).get_charmap().keys()
    if lacking:
        files = {entry.name: entry.fname for entry in sorted(fontManager.ttflist, key=lambda entry: entry.fname)}
        names = [name for name in NEXT if name in files] + sorted(files)
        for name in dict.fromkeys(names):
            if not lacking:
                break
            if any(word in name for word in USELESS):
                continue
            characters = lacking & get_font(files[name]).get_charmap().keys()
            if characters:
                families.append(name)
                lacking -= characters
    if lacking:
        warnings.warn(
            f"no font of this machine has {' '.join(map(chr, sorted(lacking)))}: boxes stand in their place; save as "
            ".svg, or install a font with them, such as Noto Sans CJK for Chinese",
            stacklevel=5,
        )
    return families


@contextmanager
def silence() -> Iterator[None]:
    """Keeps matplotlib from telling about each letter that no font has, and each weight that a family has not."""
    log = logging.getLogger("matplotlib.font_manager")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=r"Glyph \d+ .* missing from font")
            yield
    finally:
        log.setLevel(level)
