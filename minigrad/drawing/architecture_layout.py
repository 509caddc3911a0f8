"""Where the parts of an architecture stand: columns along the data flow, loops beside them, lines from part to part.

Lengths are in points, along the flow and across it, so that one layout serves pictures upwards and to the right.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain, count, pairwise
from typing import NamedTuple

from minigrad.drawing.architecture_parts import Part, Parts, find_ancestors

GAP, NEAR, FAN = 16.0, 10.0, 10.0  # between parts; from a fork to the part; where a line splits into several arrows
ASIDE = 7.0  # between a line that splits and the one that comes from elsewhere
PAD, LANE, FIRST_LANE = 10.0, 9.0, 13.0  # of frames; between loops; from a box to the first
SPARED = 30.0  # beside columns without frames and loops of their own
NUMBER = 28.0  # room for the number of an inner frame
SIGN = 15.0  # diameter of a circle
SIDE_KINDS = ("parameter", "wave")  # no column begins with them where there is something else
APART = 0.55  # of arrows that enter side by side, in halves of the box

Point = tuple[float, float]  # along, across


class Size(NamedTuple):
    """Lengths along and across the flow."""

    along: float
    across: float


@dataclass(frozen=True)
class Place:
    """Where a part stands: from `low` to `high` along, around `centre` across."""

    low: float
    high: float
    centre: float
    half: float
    side: int  # where its loops are, or on which side of another part it stands

    @property
    def middle(self) -> float:
        return (self.low + self.high) / 2

    @property
    def corners(self) -> tuple[Point, Point]:
        return (self.low, self.centre - self.half), (self.high, self.centre + self.half)


@dataclass(frozen=True)
class Frame:
    """What is repeated, from one corner to the other; the number stands on `side`."""

    path: str
    count: int
    low: Point
    high: Point
    side: int


class Layout:
    """The places of all parts, lines between them, whose last points have the heads, and frames around repeats."""

    def __init__(self, parts: Parts, measure: Callable[[Part], Size], gap: float) -> None:
        """Place the parts; `measure` has their sizes, `gap` is between columns of boxes."""
        self.places: dict[int, Place] = {}
        self.lines: list[list[Point]] = []
        self.frames: list[Frame] = []
        self.parts = parts
        self.sizes = {number: measure(part) for number, part in parts.items()}
        self.spacing = gap + max((self.sizes[number].across for number in parts if parts[number].boxed), default=0.0)
        self.columns, self.targets = find_columns(parts)
        self.column_of = {number: at for at, column in enumerate(self.columns) for number in column}
        self.below = {after: before for column in self.columns for before, after in pairwise(column)}
        self.above = {before: after for after, before in self.below.items()}
        arrows = [(source, number, times) for number, part in parts.items() for source, times in part.sources.items()]
        # A leaf with one arrow stands beside what it enters.
        self.beside = {
            column[-1]: target for column, target in zip(self.columns, self.targets, strict=True)
            if target is not None and not parts[column[-1]].sources
            and [times for source, _, times in arrows if source == column[-1]] == [1]
        }  # fmt: skip
        self.skips = [
            (source, number) for source, number, _ in arrows
            if self.column_of[source] == self.column_of[number] and self.below[number] != source
        ]  # fmt: skip
        # Parts below which a line forks off to elsewhere.
        self.forks = {self.above[source] for source, number, _ in arrows if self.above.get(source, number) != number}
        self._place_columns()
        self.lanes = self._choose_lanes()
        for source, number in self.lanes:
            self._draw_loop(source, number)
        for leaf, number in self.beside.items():
            self._place_beside(leaf, number)
        self._draw_frames()
        for source, number, times in arrows:
            if source in self.beside or (source, number) in self.lanes:
                continue
            if self.below.get(number) == source:
                start = self.places[source]
                self._enter_from_below([(start.high, start.centre)], number, times)
            else:
                self._draw_crossing(source, number, times)

    def list_corners(self) -> Iterator[Point]:
        """Points around all that is drawn."""
        yield from chain(*self.lines)
        yield from chain(*(place.corners for place in self.places.values()))
        for frame in self.frames:
            (low, left), (high, right) = frame.low, frame.high
            yield from ((low, left + min(frame.side, 0) * NUMBER), (high, right + max(frame.side, 0) * NUMBER))

    def _place_columns(self) -> None:
        lows = self._stack()
        slots = self._choose_slots(lows)
        left, right = min(slots.values()), max(slots.values())
        centres = self._space_slots(slots)
        for number in (part for part in self.parts if part not in self.beside):
            slot, low, size = slots[self.column_of[number]], lows[number], self.sizes[number]
            side = 1 if slot == right > left else -1
            self.places[number] = Place(low, low + size.along, centres[slot], size.across / 2, side)

    def _approach(self, number: int) -> float:
        """From where lines fork off to the part above."""
        return NEAR + self._find_fan(number)

    def _find_fan(self, number: int) -> float:
        """How much room the arrows need that enter side by side."""
        arrows = self.parts[number].sources.values()
        return (FAN + ASIDE * (len(arrows) > 1)) if max(arrows, default=1) > 1 else 0.0

    def _stack(self) -> dict[int, float]:
        """Where each part begins along the flow: above what it takes, unless that comes from a column beside."""
        lows: dict[int, float] = {}
        ancestors = find_ancestors(self.parts)
        for number, part in self.parts.items():
            low = 0.0
            for source in part.sources:
                if source in self.beside:
                    continue
                # What two columns compute apart may meet anywhere: an arrow goes down beside them.
                below = self.below.get(number, source)
                apart = part.boxed and part.path and not {source, *ancestors[source]} & {below, *ancestors[below]}
                if not apart:
                    high = lows[source] + self.sizes[source].along
                    low = max(low, high + self._find_gap(source, number))
            lows[number] = low
        return lows

    def _find_gap(self, source: int, number: int) -> float:
        outside, inside = self.parts[source].frames, self.parts[number].frames
        borders = len(set(outside) ^ set(inside))
        need = NEAR + 5.0 if number in self.forks else GAP
        before, after = self._overhang(source), self._overhang(number)
        beside = before + after if before else max(0.0, after - NEAR)
        return need + self._find_fan(number) + borders * PAD + beside

    def _overhang(self, number: int) -> float:
        """By how much a leaf beside a part is longer than the part, at each end."""
        longest = max((self.sizes[leaf].along for leaf, target in self.beside.items() if target == number), default=0.0)
        return max(0.0, longest - self.sizes[number].along) / 2

    def _choose_slots(self, lows: dict[int, float]) -> dict[int, int]:
        """Where each column stands across: left of the one that it enters, in the first place that is free."""
        slots: dict[int, int] = {}
        taken: list[tuple[int, float, float]] = []
        waiting = [at for at, target in enumerate(self.targets) if target is None]
        while waiting:
            at = waiting.pop(0)
            column = self.columns[at]
            entering = [
                (lows[target], other) for other, target in enumerate(self.targets)
                if target in column and self.columns[other][0] not in self.beside
            ]  # fmt: skip
            waiting += [other for _, other in sorted(entering)]  # lines to the lowest cross none of the others
            first, last, target = column[0], column[-1], self.targets[at]
            ends = [lows[last] + self.sizes[last].along, *([lows[target]] if target is not None else [])]
            begins = [lows[first], *(lows[source] for source in self.parts[first].sources)]
            low, high = min(begins), max(ends)
            where = count(slots[self.column_of[target]] - 1, -1) if target is not None else count()
            met = {slot for slot, begin, end in taken if low < end and begin < high}
            slots[at] = next(slot for slot in where if slot not in met)
            taken.append((slots[at], low, high))
        return slots

    def _space_slots(self, slots: dict[int, int]) -> dict[int, float]:
        """Columns that only branch off need no room for frames and loops of their own."""
        looped = {self.column_of[number] for _, number in self.skips}
        wide = {slot for at, slot in slots.items() if at in looped or not self.parts[self.columns[at][0]].sources}
        centres = {slot: slot * self.spacing for slot in range(max(slots.values()) + 1)}
        for slot in range(-1, min(slots.values()) - 1, -1):
            centres[slot] = centres[slot + 1] - (self.spacing if slot in wide else self.spacing - SPARED)
        return centres

    def _choose_lanes(self) -> dict[tuple[int, int], int]:
        """How far out each loop goes: outside of those that it holds or meets."""
        lanes: dict[tuple[int, int], int] = {}
        chosen: list[tuple[float, float, int, int]] = []
        for source, number in sorted(self.skips, key=lambda skip: self.places[skip[1]].low - self.places[skip[0]].low):
            low, high, at = self.places[source].high, self.places[number].middle, self.column_of[number]
            met = [lane for begin, end, lane, column in chosen if column == at and begin < high and low < end]
            lanes[source, number] = max(met, default=-1) + 1
            chosen.append((low, high, lanes[source, number], at))
        return lanes

    def _fork_after(self, source: int) -> float:
        """Where lines leave the wire above a part, or go on above the last of a column."""
        following = self.above.get(source)
        if following is not None:
            return self.places[following].low - self._approach(following)
        return self.places[source].high + PAD * (1 + len(self.parts[source].frames)) + 2

    def _enter_from_below(self, line: list[Point], number: int, arrows: int) -> None:
        """Go on with a line into a part; beside arrows that come from elsewhere, it keeps to the other side."""
        end, fan = self.places[number], self._find_fan(number)
        shift, turn = end.side * end.half * APART, (end.low - fan, end.centre)
        for way in {1: [shift if fan else 0.0], 2: [-shift, shift]}.get(arrows, [0.0, -shift, shift]):
            self.lines.append([*line, turn, (turn[0], turn[1] + way), (end.low, turn[1] + way)])
            line = []

    def _draw_loop(self, source: int, number: int) -> None:
        end = self.places[number]
        fork, out = self._fork_after(source), end.centre + end.side * self._reach(source, number)
        line = [(fork, end.centre), (fork, out), (end.middle, out), (end.middle, end.centre + end.side * end.half)]
        self.lines.append(line)

    def _reach(self, source: int, number: int) -> float:
        """How far from the middle of its column a loop goes."""
        column = self.columns[self.column_of[number]]
        passed = column[column.index(source) + 1 : column.index(number) + 1]
        return max(self.places[part].half for part in passed) + FIRST_LANE + self.lanes[source, number] * LANE

    def _draw_crossing(self, source: int, number: int, arrows: int) -> None:
        """Over to another column: into the side of what stands higher, or down beside it and in from below."""
        start, end = self.places[source], self.places[number]
        way = 1 if start.centre < end.centre else -1
        level, column = self._fork_after(source), self.columns[self.column_of[number]]
        widest = max(self.sizes[passed].across for passed in column) / 2
        leave = (level if source in self.above else start.high), start.centre
        if number == column[0]:
            level = start.high + self._overhang(source) + GAP - NEAR
            self._enter_from_below([(level, start.centre), (level, end.centre)], number, arrows)
        elif arrows == 1 and (end.middle >= level or source in self.above):
            up = end.centre - way * (widest + NEAR) if source in self.above else start.centre
            line = [leave, (level, up), (end.middle, up), (end.middle, end.centre - way * end.half)]
            self.lines.append(line)
        else:
            gutter, turn = end.centre - way * (widest + FIRST_LANE + PAD + 4), end.low - FAN
            line = [leave, (level, start.centre), (level, gutter), (turn, gutter)]
            for place in range(min(arrows, 2)):
                across = end.centre - way * end.half * APART * (1 - place)
                self.lines.append([*line, (turn, across), (end.low, across)])
                line = [(turn, across)]

    def _draw_frames(self) -> None:
        """Around all parts of what is repeated, and the loops among them; outer ones hold the numbers of inner ones."""
        inside: dict[tuple[str, int], list[int]] = {}
        for number, part in self.parts.items():
            for frame in part.frames:
                inside.setdefault(frame, []).append(number)
        for frame, members in inside.items():
            places = {number: self.places[number] for number in members}
            side = places[members[-1]].side
            frames = [self.parts[number].frames for number in members]
            depth = max(len(around) - 1 - around.index(frame) for around in frames)
            pad = PAD * (1 + depth)
            lows = [places[x].low - (self._approach(x) if x in self.forks else FAN) for x in members]
            edges = [across for place in places.values() for _, across in place.corners]
            for source, number in self.lanes:
                if number in places:
                    edges.append(places[number].centre + side * (self._reach(source, number) - 2))
            left, right = min(edges) - pad, max(edges) + pad
            low, high = min(lows) - pad / 2, max(place.high for place in places.values()) + pad
            aside = (-NUMBER * depth, 0.0) if side < 0 else (0.0, NUMBER * depth)
            self.frames.append(Frame(*frame, (low, left + aside[0]), (high, right + aside[1]), side))

    def _place_beside(self, leaf: int, number: int) -> None:
        end, size = self.places[number], self.sizes[leaf]
        column = self.columns[self.column_of[number]]
        looped = any(column.index(a) < column.index(number) <= column.index(b) for a, b in self.skips if b in column)
        others = [other for other in self.beside if self.beside[other] == number]
        side = end.side * (-1) ** (others.index(leaf) + looped)  # away from loops, or on both sides
        centre = end.centre + side * (end.half + GAP + size.across / 2)
        low, high = end.middle - size.along / 2, end.middle + size.along / 2
        self.places[leaf] = Place(low, high, centre, size.across / 2, side)
        near, far = end.centre + side * end.half, centre - side * size.across / 2
        self.lines.append([(end.middle, far), (end.middle, near)])


def find_columns(parts: Parts) -> tuple[list[list[int]], list[int | None]]:
    """The parts in chains, each from its first to its last, and what the last one of each enters.

    Backwards from each output, a chain goes on with what a residual connection skips; what else enters begins a chain.
    """
    ancestors = find_ancestors(parts)
    columns: list[list[int]] = []
    targets: list[int | None] = []
    placed: set[int] = set()
    waiting: list[tuple[int, int | None]] = [(x, None) for x, part in parts.items() if part.kind == "output"]
    while waiting:
        current, target = waiting.pop(0)
        if current in placed:
            continue
        column: list[int] = []
        wanted: set[int] = set()
        while current not in placed:
            placed.add(current)
            column.append(current)
            sources = list(parts[current].sources)
            if not sources:
                break
            skipped = {x for x in sources for other in sources if x in ancestors[other]}
            wanted |= skipped
            entering = [x for x in sources if x not in skipped]
            following = min(entering, key=lambda x: (not wanted & {x, *ancestors[x]}, parts[x].kind in SIDE_KINDS))
            waiting += [(x, current) for x in sources if x != following]
            current = following
        columns.append(column[::-1])
        targets.append(target)
    return columns, targets
