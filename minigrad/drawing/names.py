"""Names in a few words: those that count on become a range, `w0 … w119`, which says every one of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise

FEWEST = 3  # names of a range


def write_ranges(names: Iterable[str]) -> list[str]:
    """The names, each once, in the order of the first of each kind.

    >>> write_ranges(["w0", "loss", "w1", "w2", "w3", "w7", "block 2/b", "w0"])
    ['w0 … w3', 'w7', 'loss', 'block 2/b']
    >>> write_ranges(f"x{number}" for number in range(0, 100, 2))
    ['x0, x2 … x98']
    """
    kinds: dict[tuple[str, str], dict[int, str]] = {}
    for name in names:
        begin, number, end = _split_at_number(name)
        kinds.setdefault((begin, end), {})[number] = name
    return [text for numbered in kinds.values() for text in _join_neighbours(numbered)]


def join_first(texts: Sequence[str], most: int, separator: str = ", ") -> str:
    """As many texts as are wanted, with an ellipsis for the others.

    >>> join_first(["w0 … w9", "loss", "x"], 2), join_first(["w", "loss"], 2)
    ('w0 … w9, loss, …', 'w, loss')
    """
    return separator.join([*texts[:most], *(["…"] if len(texts) > most else [])])


def hide_numbers(name: str) -> str:
    """The same for names that differ in numbers alone: `w#`."""
    return re.sub(r"\d+", "#", name)


def count_on(names: Iterable[str]) -> bool:
    """Do names that differ in numbers alone count on by one, or back, without a gap?

    >>> count_on(["block 8", "block 9", "block 10"]), count_on(["block 1", "block 5", "block 9"])
    (True, False)
    """
    numbers = [[int(digits) for digits in re.findall("[0-9]{1,9}", name)] for name in names]
    steps = {tuple(b - a for a, b in zip(*rows, strict=False)) for rows in pairwise(numbers)}
    return len(steps) == 1 and sum(map(abs, *steps)) == 1


def _split_at_number(name: str) -> tuple[str, int, str]:
    """What is before the last number, the number, what comes after; -1 where there is none."""
    found = re.fullmatch(r"(.*?)(0|[1-9][0-9]{0,8})(\D*)", name, re.DOTALL)
    if found is None or found[1][-1:].isdigit():
        return name, -1, ""
    return found[1], int(found[2]), found[3]


def _join_neighbours(numbered: dict[int, str]) -> list[str]:
    """Names whose numbers go by equal steps are joined; where these are larger than 1 the second one shows it."""
    numbers, texts = sorted(numbered), []
    while numbers:
        step = numbers[1] - numbers[0] if len(numbers) > 1 else 0
        length = next((i for i in range(1, len(numbers)) if numbers[i] - numbers[i - 1] != step), len(numbers))
        if length < FEWEST + (step > 1):
            texts.append(numbered[numbers.pop(0)])
            continue
        first, second, *_, last = (numbered[number] for number in numbers[:length])
        texts.append(f"{first} … {last}" if step == 1 else f"{first}, {second} … {last}")
        numbers = numbers[length:]
    return texts
