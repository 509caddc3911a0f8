"""Tunes in ABC notation: whether what someone, or a model, wrote down can be played as it says.

In comes the text of one tune, out goes what is right about it: the key, the metre, the length of every bar. Called by
`write_tunes.py` and `tunebook.py`.

Notation: the ABC standard 2.1 (https://abcnotation.com/wiki/abc:standard:v2.1), as far as one voice needs it.
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import NamedTuple

FIELD = re.compile(r"^([A-Za-z]):(?![|:])[ \t]*(.*?)[ \t]*$", re.MULTILINE)
KEY = re.compile(r"[A-G][#b]?(m|min|maj|ion|dor|phr|lyd|mix|aeo|loc)?")
METRE = re.compile(r"([1-9]\d?)/(1|2|4|8|16|32)")
UNIT = re.compile(r"1/(1|2|4|8|16|32|64)")
NAMED_METRES = {"C": "4/4", "C|": "2/2"}

BAR_LINE = re.compile(r"((?:::|:*\[?\|[|\]]*:*)(?:\s*\[?[1-9](?:[,-][1-9])*)?|\[[1-9](?:[,-][1-9])*)")
SYMBOL = re.compile(
    r"\((?P<tuplet>[2-9])(?::(?P<instead>[1-9]?)(?::(?P<covers>[1-9]?))?)?"
    r"|(?:(?:\^\^?|__?|=)?[A-Ga-g][',]*|[zx]|\[(?P<chord>[A-Ga-g^_=',\d/ ]+)\])"
    r"(?P<times>(?:[1-9]\d{0,2})?)(?P<slashes>/{0,8})(?P<parts>(?:[1-9]\d{0,2})?)"
    r"|(?P<dotted>>{1,3})|(?P<cut><{1,3})"
    r"|(?P<silent>\{[^}]*\}|[-().~\s])"
    r"|(?P<unknown>.)"
)
TUPLETS = {2: 3, 3: 2, 4: 3, 6: 2, 8: 3}  # n notes in the time of so many; for other n it depends on the metre


class TuneCheck(NamedTuple):
    """What is right about a tune: whether its key and its metre are, and how many of its bars."""

    key: bool
    metre: bool
    bars: int
    right_bars: int

    @property
    def valid(self) -> bool:
        """Everything is: the key, the metre, and each bar of at least one."""
        return self.key and self.metre and 0 < self.bars == self.right_bars


def check_tune(tune: str) -> TuneCheck:
    """What is right about a tune in ABC: its key, its metre, and the lengths of its bars.

    `tune` is text: header lines such as `M:6/8`, then the music. The key must be a letter with accidental and mode
    (`K:F#m`, `K:Ador`), the metre a fraction or `C` or `C|`. A bar is right when its notes add up to the metre, counted
    in units of `L:` (where there is none, a sixteenth for metres below 3/4, an eighth for others). The first and the
    last bar of a section, where the music begins, ends, repeats or passes a double bar line, may be shorter, since a
    pick-up bar takes its time from another. Bars with symbols that ABC does not know are wrong; without a metre all
    are.

    Raises TypeError when `tune` is not a str.

    >>> check_tune("X:1\\nT:Scale\\nM:3/4\\nL:1/4\\nK:G\\nD|GAB|c2d|e2:|\\n")
    TuneCheck(key=True, metre=True, bars=4, right_bars=4)
    >>> check_tune("M:6/8\\nK:H\\nabc abc|abc ab|abc abc|")
    TuneCheck(key=False, metre=True, bars=3, right_bars=2)
    """
    if not isinstance(tune, str):
        raise TypeError(f"check_tune takes the text of a tune, a str, got {type(tune).__name__}")
    fields = dict(reversed(FIELD.findall(tune)))  # the first of each name counts
    key, metre = KEY.fullmatch(fields.get("K", "")), metre_of(fields.get("M", ""))
    bars = _bars(FIELD.sub("", tune))
    right_bars = 0
    if metre is not None:
        beats, beat = metre
        unit = unit_of(fields.get("L"), beats * beat)
        compound = beats % 3 == 0
        for music, at_edge in bars:
            length = _length(music, compound)
            if length is not None and unit is not None:
                length *= unit
                right_bars += length == beats * beat or (at_edge and length < beats * beat)
    return TuneCheck(key is not None, metre is not None, len(bars), right_bars)


def metre_of(text: str) -> tuple[int, Fraction] | None:
    """The number of beats in a bar and the length of each, None where `text` is no metre."""
    found = METRE.fullmatch(NAMED_METRES.get(text, text))
    return None if found is None else (int(found[1]), Fraction(1, int(found[2])))


def unit_of(text: str | None, full: Fraction) -> Fraction | None:
    """The length that a note without a number has, None where `text` names none; without `text`, that of a metre."""
    if text is None:
        return Fraction(1, 16) if full < Fraction(3, 4) else Fraction(1, 8)
    return Fraction(text) if UNIT.fullmatch(text) else None


def _bars(body: str) -> list[tuple[str, bool]]:
    """The music between bar lines, and whether it is the first or the last of a section."""
    bars: list[tuple[str, bool]] = []
    edge = True
    pieces = BAR_LINE.split(body)
    for music, line in zip(pieces[::2], [*pieces[1::2], ""], strict=True):
        ends_section = line != "|"
        if music.strip():
            bars.append((music, edge or ends_section))
            edge = ends_section
        elif ends_section:  # two bar lines in a row are one
            bars[-1:] = [(before, True) for before, _ in bars[-1:]]
            edge = True
    return bars


def _length(music: str, compound: bool) -> Fraction | None:
    """The length of a bar in units, None where a symbol is unknown."""
    total = last = Fraction(0)
    scale = Fraction(1)  # of the next note, after > or <
    in_tuplet, tuplet_scale = 0, Fraction(1)
    for symbol in SYMBOL.finditer(music):
        if symbol["unknown"]:
            return None
        if symbol["silent"]:
            continue
        if symbol["tuplet"]:
            count = int(symbol["tuplet"])
            instead = int(symbol["instead"] or TUPLETS.get(count, 3 if compound else 2))
            in_tuplet, tuplet_scale = int(symbol["covers"] or count), Fraction(instead, count)
        elif symbol["dotted"] or symbol["cut"]:
            shorter = Fraction(1, 2 ** len(symbol[0]))
            factor, scale = (2 - shorter, shorter) if symbol["dotted"] else (shorter, 2 - shorter)
            total += last * (factor - 1)
        else:
            last = _written_length(symbol) * (tuplet_scale if in_tuplet else 1) * scale
            total += last
            in_tuplet, scale = max(in_tuplet - 1, 0), Fraction(1)
    return total


def _written_length(note: re.Match[str]) -> Fraction:
    """What is written beside a note: `3`, `3/2`, `/` (a half), `//` (a quarter); of a chord the first note counts."""
    parts = int(note["parts"] or 2) * 2 ** (len(note["slashes"]) - 1) if note["slashes"] else 1
    length = Fraction(int(note["times"] or 1), parts)
    if note["chord"]:
        first = SYMBOL.match(note["chord"])
        length *= _written_length(first) if first and first["times"] is not None else 1
    return length
