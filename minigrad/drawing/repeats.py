"""Repeats: what a loop has left in a graph, the same few nodes over and over.

Nodes enter; for those in repeats a path leaves, as if each repeat had been computed in a scope of its own. `fold.py`
draws such scopes once. What is the same in all repeats: op, role, shape, type, scope, params and names but for their
numbers. What differs goes by steps: each operand stays, is the one of the repeat before, or lies a fixed number of
nodes further, and so do the integers among the params. Python numbers among the operands may be any.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

import numpy as np
import numpy.typing as npt

from minigrad.drawing.names import hide_numbers
from minigrad.drawing.scopes import REPEATED, order_of
from minigrad.graph import Node

FEWEST, LEAST_SAVED = 3, 8  # repeats of a run, and boxes that it saves
LONGEST = 1_000  # nodes of one repeat
MOST_STEPS = 8  # operands and integers of a node; those with more are in no run
ROUNDS = 5  # loops within loops

Integers = npt.NDArray[np.int64]
Form = tuple[Any, ...]  # the form within the run, its period and count, and the place in its repeat


@dataclass(frozen=True)
class Run:
    """`count` repeats of `period` nodes each, from position `start` on."""

    start: int
    period: int
    count: int


def find_repeats(nodes: Sequence[Node], marks: Mapping[Node, Hashable] | None = None) -> dict[int, str]:
    """The path of each node that is in a run of repeats, by its number.

    Short runs are found first, then those of what they leave, as inner loops lie in outer ones.

    >>> import minigrad as mg
    >>> x = mg.Tensor([1.0, 2.0], requires_grad=True)
    >>> for number in range(20):
    ...     x = mg.tanh(x * 2.0)
    >>> paths = find_repeats(list(x.graph()))
    >>> len(paths), len(set(paths.values()))
    (38, 19)
    """
    paths: dict[int, str] = {}
    folded = [[node] for node in nodes]  # each node that is drawn, then its equals in other repeats
    forms: dict[int, Form] = {}  # the runs around a node that is drawn, and its place in them
    for _ in range(ROUNDS):
        drawn = [equals[0] for equals in folded]
        facts, kinds, steps = _tabulate(drawn, folded, forms, marks or {})
        # A run may not begin in the middle of the repeat of another one.
        whole = np.array([forms.get(node.number, (0,))[-1] == 0 for node in drawn])
        runs = list(_find_runs(facts, kinds, steps, whole))
        if not runs:
            break
        merged: dict[int, list[Node]] = {}
        for run in runs:
            _write_paths(run, folded, paths)
            for place in range(run.period):
                equals = folded[run.start + place :: run.period][: run.count]
                forms[equals[0][0].number] = forms.get(equals[0][0].number), run.period, run.count, place
                merged[run.start + place] = [node for several in equals for node in several]
            merged.update((run.start + place, []) for place in range(run.period, run.period * run.count))
        folded = [several for place, equals in enumerate(folded) if (several := merged.get(place, equals))]
    return paths


def _write_paths(run: Run, folded: Sequence[list[Node]], paths: dict[int, str]) -> None:
    """Put each repeat in a scope of its own within what is around all of them."""
    inside = folded[run.start : run.start + run.period * run.count]
    before = [paths.get(node.number, node.scope) for equals in inside for node in equals]
    columns = zip(*(path.split("/") for path in before if all(before)), strict=False)
    around = [names[0] for names in takewhile(lambda names: len(set(names)) == 1, columns)]
    length = len("/".join(around))
    for place, equals in enumerate(inside):
        own = f"{REPEATED}\0{inside[0][0].number}\0{place // run.period}"
        for node in equals:
            rest = paths.get(node.number, node.scope)[length:].strip("/")
            paths[node.number] = "/".join([*around, own, *([rest] if rest else [])])


# --- what has to be equal ---------------------------------------------------------------------------------------------


def _tabulate(
    drawn: Sequence[Node], folded: Iterable[list[Node]], forms: Mapping[int, Form], marks: Mapping[Node, Hashable]
) -> tuple[Integers, Integers, Integers]:
    """Of each node: a number for all that is equal in repeats, one for its op alone, a row of what goes by steps."""
    places = {node.number: place for place, equals in enumerate(folded) for node in equals}
    known: dict[Hashable, int] = {}
    facts, kinds = np.zeros((2, len(drawn)), np.int64)
    steps = np.zeros((len(drawn), MOST_STEPS), np.int64)
    for place, node in enumerate(drawn):
        row: list[int] = []
        operands = tuple(_read_operand(x, places, row) for x in node.inputs)
        params = tuple((name, _read_param(value, row)) for name, value in node.params.items())
        kind = node.op, node.role, node.shape, node.dtype.str, node.scope, order_of(node), operands, params
        fact = (
            kind, hide_numbers(node.name or ""), node.output, marks.get(node), forms.get(node.number),
            node.number if len(row) > MOST_STEPS else -1,
        )  # fmt: skip
        facts[place] = known.setdefault(fact, len(known))
        kinds[place] = known.setdefault(kind, len(known))
        steps[place, : len(row)] = row[:MOST_STEPS]
    return facts, kinds, steps


def _read_operand(x: object, places: Mapping[int, int], row: list[int]) -> Hashable:
    """Its kind; where it stands goes to `row`."""
    if isinstance(x, Node) and x.number in places:
        row.append(places[x.number])
        return "node"
    return "left out" if isinstance(x, Node) else type(x).__name__


def _read_param(value: Any, row: list[int]) -> Hashable:
    """What it is but for its integers, which go to `row`."""
    if isinstance(value, tuple):
        return type(value), tuple(_read_param(x, row) for x in value)
    if type(value) is int:
        row.append(value)
        return "integer"
    fact: Hashable = value
    return fact


# --- runs -------------------------------------------------------------------------------------------------------------


def _find_runs(facts: Integers, kinds: Integers, steps: Integers, whole: npt.NDArray[np.bool_]) -> Iterator[Run]:
    """Runs that do not overlap, those of short repeats first."""
    free = np.ones(len(facts), bool)
    for period in range(1, min(LONGEST, len(facts) // FEWEST) + 1):
        same = (facts[period:] == facts[:-period]) & free[period:] & free[:-period]
        if np.count_nonzero(same) < period * (FEWEST - 1):
            continue
        again = same[period:] & same[:-period]
        places = np.flatnonzero(again)
        change = steps[places + 2 * period] - 2 * steps[places + period] + steps[places]
        again[places] = ~change.any(axis=1)
        for first, end in _find_stretches(again, period):
            run = _choose_run(first, end + 2 * period, period, kinds, whole)
            if run is not None and free[run.start : run.start + period * run.count].all():
                free[run.start : run.start + period * run.count] = False
                yield run


def _find_stretches(truths: npt.NDArray[np.bool_], length: int) -> Iterator[tuple[int, int]]:
    """Begin and end of each stretch of at least `length` true elements."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], truths, [False]])))
    yield from ((int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True) if b - a >= length)


def _choose_run(first: int, end: int, period: int, kinds: Integers, whole: npt.NDArray[np.bool_]) -> Run | None:
    """The run between two places whose last repeat ends where the loop does, and where no other run is cut.

    The first and the last turn of a loop often lie outside: one takes what was there before, the other has an output.
    """
    loop_end = end
    while loop_end < min(len(kinds), end + period) and kinds[loop_end] == kinds[loop_end - period]:
        loop_end += 1
    start = first + (loop_end - first) % period
    places = np.flatnonzero(whole[start : start + period])
    if not places.size:
        return None
    start += int(places[0])
    count = (end - start) // period
    return Run(start, period, count) if count >= FEWEST and (count - 1) * period >= LEAST_SAVED else None
