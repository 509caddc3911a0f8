"""Hubs: what is used all over a picture gets no arrows, which would run along everything and take engines minutes.

A `View` enters and leaves with some of its arrows cut: the boxes at their ends say in words what they would have shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import chain

from minigrad.drawing.boxes import Arrow, Box, View
from minigrad.drawing.names import join_first, write_ranges

# An arrow passes the ranks between its ends. An engine's time grows faster than the square of what all arrows pass, and
# faster still where many of them have one source.
FEWEST_LONG = 4  # arrows of a hub that pass any rank
MOST_OF_HUBS = 600
MOST_PASSED = 2_000  # of all arrows, in a picture that has to be laid out soon
MOST_NAMED = 3  # hubs in a note


def cut_hubs(shown: View, *, soon: bool = False) -> View:
    """Cut the arrows of hubs, those that pass most first, until the others can be laid out; `soon` also single ones."""
    passed = {arrow: count for arrow, count in count_passed(shown.boxes, shown.arrows).items() if count}
    of_source: dict[Box, list[int]] = {}
    for arrow, count in passed.items():
        if arrow.source.kind == "node" and arrow.uses:
            of_source.setdefault(arrow.source, []).append(count)
    total = sum(passed.values())
    of_hubs = sum(sum(counts) for counts in of_source.values() if len(counts) >= FEWEST_LONG)
    hubs: set[Box] = set()
    for source, counts in sorted(of_source.items(), key=lambda item: sum(item[1]), reverse=True):
        is_hub = len(counts) >= FEWEST_LONG
        if (is_hub and of_hubs > MOST_OF_HUBS) or (soon and total > MOST_PASSED):
            hubs.add(source)
            total -= sum(counts)
            of_hubs -= sum(counts) if is_hub else 0
    cut = tuple(arrow for arrow in shown.arrows if arrow.source in hubs and arrow.uses)
    if not cut:
        return shown
    gone = set(cut)
    arrows = tuple(arrow for arrow in shown.arrows if arrow not in gone)
    return replace(shown, arrows=arrows, cut=cut, notes=(*shown.notes, _write_note(shown.boxes, cut)))


def can_lay_out(shown: View) -> bool:
    """Does an engine lay it out soon?"""
    return sum(count_passed(shown.boxes, shown.arrows).values()) <= MOST_PASSED


def _write_note(boxes: Iterable[Box], cut: Sequence[Arrow]) -> str:
    hubs = {arrow.source for arrow in cut}
    names = write_ranges(node.name or f"%{box.nodes[0].number}" for box in boxes if box in hubs for node in box.nodes)
    uses = sum(len(arrow.uses) for arrow in cut)
    return f"{uses:,} uses of {join_first(names, MOST_NAMED)} are written in boxes, as ← name"


def count_passed(boxes: Sequence[Box], arrows: Iterable[Arrow]) -> dict[Arrow, int]:
    """How many ranks each arrow passes between its ends."""
    arrows = list(arrows)
    ranks = find_ranks(boxes, arrows)
    return {arrow: max(abs(ranks[arrow.target] - ranks[arrow.source]) - 1, 0) for arrow in arrows}


def find_ranks(boxes: Sequence[Box], arrows: Iterable[Arrow]) -> dict[Box, int]:
    """The rank of each box, as engines choose it: below all that it takes, and leaves above their first user."""
    after: dict[Box, list[Box]] = {box: [] for box in boxes}
    before: dict[Box, list[Box]] = {box: [] for box in boxes}
    for arrow in arrows:
        source, target = (arrow.target, arrow.source) if arrow.turned else (arrow.source, arrow.target)
        after[source].append(target)
        before[target].append(source)
    ranks = dict.fromkeys(boxes, 0)
    waiting = {box: len(sources) for box, sources in before.items()}
    ready = [box for box in boxes if not waiting[box]]
    for box in chain(ready, boxes):  # those in cycles, which groups may form, come when the rest is done
        stack = [box] if waiting[box] >= 0 else []
        while stack:
            source = stack.pop()
            waiting[source] = -1
            for target in after[source]:
                if waiting[target] < 0:
                    continue
                ranks[target] = max(ranks[target], ranks[source] + 1)
                waiting[target] -= 1
                if not waiting[target]:
                    stack.append(target)
    for box in boxes:
        if not before[box] and after[box]:
            ranks[box] = min(ranks[target] for target in after[box]) - 1
    return ranks
