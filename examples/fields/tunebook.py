"""Irish dance tunes as text: what a character model can learn to write, and `check_tune` can judge.

Out go tunes in ABC notation, split by their numbers in the book. Called by `write_tunes.py`. Needs the extra `music`,
the library music21, of which only files are read: none of its code runs.
"""

from __future__ import annotations

import re
from importlib import metadata, util
from pathlib import Path

from abc_notation import FIELD, KEY, metre_of, unit_of
from extras import missing_library
from split import Split

NUMBER = re.compile(r"^X:[ \t]*(\d+).*\n", re.MULTILINE)
COMMENT = re.compile(r"%.*")
INLINE_FIELD = re.compile(r"\[[A-Za-z]:")
NOT_MUSIC = re.compile(r'"[^"]*"|![A-Za-z.]+!|[H-Wh-wy"!*`\\]')  # words, marks of expression, ends of lines
MUSIC = re.compile(r"[A-Ga-gxz0-9|:\[\](){}<>/^_=,'.~\- \n]+")
FIRST_HELD_OUT = 91  # of each hundred


def tunes() -> Split[list[str]]:
    """The tunes of O'Neill's Music of Ireland in ABC notation: 1,641 for training and 179 for validation.

    A tune is a text: five headers, X (its number in the book), T (title), M (metre), L (length of a note without a
    number) and K (key), one on each line and nothing between colon and value, then the music, with a line break at
    the end. Slurs, grace notes, staccato dots and rolls are kept; words, comments and other marks of expression are
    not, and blanks are single. A missing L is filled in. Left out are tunes that change metre, length or key on the
    way, have no number or no known key, or have signs that are not ABC's, and second transcriptions of the same number.

    The tunes 91 to 100 of each hundred are for validation: the book goes from airs to jigs, reels and marches, so all
    kinds but slip jigs (9/8, none held out) are in both parts, while settings of one tune, which are neighbours, are
    rarely torn apart.

    In 90 % of the tunes all is right that `check_tune` looks at; 1 % of the bars are longer or shorter than their metre
    as they are written. An interpolated 3-gram model has a loss of 2.04 nats per character on the validation part
    (`ngram_baselines`, tunes joined by line breaks).

    Source: Francis O'Neill, Music of Ireland, Chicago 1903, transcribed by volunteers whom the files name, in the
    corpus of music21, 0.8 MB (the same in 9.1 and in 10.5). Licence: the book is in the public domain; music21 passes
    the transcriptions on by permission of those who made them (its corpus/license.txt).

    Raises ImportError without music21, FileNotFoundError where it was installed without its corpus.

    >>> print(tunes().train[0].split(" | ({d}")[0])
    X:1
    T:The Enchanted Valley
    M:2/4
    L:1/16
    K:Gm
    G3-A (Bcd=e) | f4 (g2dB)
    """
    found: dict[int, str] = {}
    for path in _files():
        for number, tune in _tunes_of(path.read_text("utf-8")):
            found.setdefault(number, tune)
    numbers = sorted(found)
    return Split(
        train=[found[number] for number in numbers if not _held_out(number)],
        validation=[found[number] for number in numbers if _held_out(number)],
        source=f"Francis O'Neill, Music of Ireland, 1903, from the corpus of music21 {metadata.version('music21')}",
        licence="public domain; transcriptions as in music21's corpus/license.txt",
    )


def _held_out(number: int) -> bool:
    return (number - 1) % 100 + 1 >= FIRST_HELD_OUT


def _files() -> list[Path]:
    """The files of the book, found without importing the package they lie in."""
    package = util.find_spec("music21")
    if package is None or not package.submodule_search_locations:
        raise missing_library("tunes", "music21", "music")
    folder = Path(package.submodule_search_locations[0]) / "corpus" / "oneills1850"
    files = sorted(folder.glob("*.abc"))
    if not files:
        raise FileNotFoundError(
            f"tunes: there are no tunes in {folder}; music21 was installed without its corpus, install it from PyPI"
        )
    return files


def _tunes_of(file: str) -> list[tuple[int, str]]:
    """The tunes of a file that can be read, with their numbers."""
    _, *pieces = NUMBER.split(COMMENT.sub("", file))
    tunes = [(int(number), _clean(int(number), rest)) for number, rest in zip(pieces[::2], pieces[1::2], strict=True)]
    return [(number, tune) for number, tune in tunes if tune is not None and number > 0]


def _clean(number: int, text: str) -> str | None:
    """A tune in one form, None for one that is left out."""
    fields: dict[str, str] = {}
    lines: list[str] = []
    for line in text.splitlines():
        field = FIELD.fullmatch(line)
        if field is None:
            lines.append(" ".join(NOT_MUSIC.sub("", line).split()))
        elif field[1] in "MLK" and field[1] in fields:
            return None
        else:
            fields.setdefault(field[1], field[2])
    music = "\n".join(line for line in lines if line)
    metre = metre_of(fields.get("M", ""))
    key = fields.get("K", "")[:1] + fields.get("K", "")[1:].lower()
    if metre is None or not KEY.fullmatch(key) or INLINE_FIELD.search(text) or not MUSIC.fullmatch(music):
        return None
    unit = fields.get("L") or str(unit_of(None, metre[0] * metre[1]))
    headers = {"X": number, "T": fields.get("T", ""), "M": fields["M"], "L": unit, "K": key}
    return "".join(f"{name}:{value}\n" for name, value in headers.items()) + music + "\n"
