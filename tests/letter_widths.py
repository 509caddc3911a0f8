"""How wide the letters of pictures are: the table that `minigrad.drawing.fonts` reads, made from font files.

    python tests/letter_widths.py

For each character it has the widest advance among the fonts that viewers are likely to have, so that a text that was
measured by it has room in each. Needs fontTools and the fonts themselves (fonts-dejavu, fonts-liberation, whose letters
are as wide as Arial's and Helvetica's, and fonts-noto-core).
"""

from __future__ import annotations

import json
import math
import unicodedata
from pathlib import Path

from minigrad.drawing.fonts import WITHOUT_WIDTH

TABLE = Path(__file__).parents[1] / "minigrad" / "drawing" / "letter_widths.json"
FOLDER = Path("/usr/share/fonts/truetype")
FONTS = {
    "regular": (
        "dejavu/DejaVuSans.ttf", "liberation/LiberationSans-Regular.ttf", "noto/NotoSans-Regular.ttf",
        "noto/NotoSansMath-Regular.ttf",
    ),
    "bold": ("dejavu/DejaVuSans-Bold.ttf", "liberation/LiberationSans-Bold.ttf", "noto/NotoSans-Bold.ttf"),
}  # fmt: skip
# Latin, Greek and Cyrillic; punctuation, sub- and superscripts, currencies, letterlike signs, arrows, mathematics,
# technical signs; boxes and geometric shapes.
RANGES = ((0x20, 0x7F), (0xA0, 0x250), (0x2B0, 0x300), (0x370, 0x530), (0x1D00, 0x1E00), (0x1E00, 0x2070),
          (0x2070, 0x2400), (0x2500, 0x2600), (0x27C0, 0x2B00))  # fmt: skip


def main() -> None:
    TABLE.write_text(json.dumps(make_table(), ensure_ascii=False, indent=0) + "\n", "utf-8", newline="\n")


def make_table() -> dict[str, dict[str, str]]:
    """The characters of each width, in hundredths of the size of the font, for each weight."""
    return {weight: group_by_width([FOLDER / name for name in names]) for weight, names in FONTS.items()}


def group_by_width(files: list[Path]) -> dict[str, str]:
    from fontTools.ttLib import TTFont

    widest: dict[int, float] = {}
    for file in files:
        font = TTFont(file)
        glyphs, advances, unit = font.getBestCmap(), font["hmtx"], font["head"].unitsPerEm
        for start, end in RANGES:
            for code in glyphs.keys() & set(range(start, end)):
                if unicodedata.category(chr(code)) not in WITHOUT_WIDTH:
                    widest[code] = max(widest.get(code, 0.0), advances[glyphs[code]][0] / unit)
    groups: dict[int, str] = {}
    for code in sorted(widest):
        width = math.ceil(100 * widest[code])
        groups[width] = groups.get(width, "") + chr(code)
    return {str(width): groups[width] for width in sorted(groups)}


if __name__ == "__main__":
    main()
