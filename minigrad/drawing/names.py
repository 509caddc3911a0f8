"""Names in a few words: those that count on become a range, `w0 … w119`, which says every one of them."""

from __future__ import annotations

import re
from collections.abc import Iterable

FEWEST = 3  # names of a range


def write_ranges(names: Iterable[str]) -> list[str]:
    """The names, each once, in the order of the first of each kind.

    >>> write_ranges(["w0", "loss", "w1", "w2", "w3", "w7", "block 2/b", "w0"])
    ['w0 … w3', 'w7', 'loss', 'block 2/b']
    """
    kinds: dict[tuple[str, str], dict[int, str]] = {}
    for name in names:
        begin, number, end = _split_at_number(name)
        kinds.setdefault((begin, end), {})[number] = name
    return [text for numbered in kinds.values() for text in _join_neighbours(numbered)]


def hide_numbers(name: str) -> str:
    """The same for names that differ in numbers alone: `w#`."""
    return re.sub(r"\d+", "#", name)


def _split_at_number(name: str) -> tuple[str, int, str]:
    """What is before the last number, the number, what comes after; -1 where there is none."""
    found = re.fullmatch(r"(.*?)(0|[1-9][0-9]{0,8})(\D*)", name, re.DOTALL)
    if found is None or found[1][-1:].isdigit():
        return name, -1, ""
    return found[1], int(found[2]), found[3]


def _join_neighbours(numbered: dict[int, str]) -> list[str]:
    ranges: list[list[int]] = []
    for number in sorted(numbered):
        if ranges and number == ranges[-1][-1] + 1:
            ranges[-1].append(number)
        else:
            ranges.append([number])
    texts: list[str] = []
    for numbers in ranges:
        names = [numbered[number] for number in numbers]
        texts += [f"{names[0]} … {names[-1]}"] if len(names) >= FEWEST else names
    return texts
