"""Where new values of state are computed: in its memory at once, where nothing needs the old ones any more.

In comes a plan that copies them there after all instructions; out goes one with the copies that are left. What is
computed at once becomes a view of the state.
"""

from __future__ import annotations

import numpy as np

from minigrad.compiler.expressions import Value, evaluate
from minigrad.compiler.places import Place, address, memory_at, view_at
from minigrad.compiler.plan import Copy, Plan
from minigrad.core.arrays import Array

ALWAYS = np.iinfo(np.int64).max  # after all instructions


class Spans:
    """Stretches of memory, each with the number of the last instruction that reads it."""

    def __init__(self, capacity: int) -> None:
        self._spans = np.zeros((3, capacity), np.int64)  # first address, end, number
        self._count = 0

    def add(self, array: Array, last: int = ALWAYS) -> None:
        self._spans[:, self._count] = *np.lib.array_utils.byte_bounds(array), last
        self._count += 1

    def overlap(self, array: Array, after: int = 0) -> bool:
        """Whether one that is read later than instruction `after` may share memory with `array`."""
        first, end = np.lib.array_utils.byte_bounds(array)
        begins, ends, numbers = self._spans[:, : self._count]
        return bool(np.any((begins < end) & (ends > first) & (numbers > after)))


def write_into_state(plan: Plan) -> Plan:
    """Let new values be computed where they belong."""
    return _Destinations(plan).run() if plan.copies else plan


class _Destinations:
    def __init__(self, plan: Plan) -> None:
        self.plan, self.places = plan, plan.places
        self.returned = set(plan.returned)
        self.written: set[Value] = set()
        self.first: dict[Value, int] = {}  # by memory: the first instruction that writes it
        self.last: dict[Value, int] = {}  # the last instruction that reads a value
        for i, instruction in enumerate(plan.instructions):
            self.written.update(instruction.written)
            for x in instruction.written:
                self.first.setdefault(self.places.root(x), i)
            self.last |= dict.fromkeys(instruction.reads, i)
        self.risky = max((i for i, instruction in enumerate(plan.instructions) if instruction.may_raise), default=-1)
        self.views: dict[Value, list[Value]] = {}
        for value, place in self.places.items():
            if place.base is not None:
                self.views.setdefault(place.base, []).append(value)
        self.moved: dict[Value, Place] = {}
        self.reads = Spans(len(self.places))
        values = {value for _, value in plan.copies}
        for value in self.places:
            # A constant may look into state: what detach made of it outside.
            if self.places.kind_of_root(value) in ("state", "constant"):
                self._note(value, self.places.array(value), always=value in values)

    def _note(self, value: Value, array: Array, always: bool = False) -> None:
        if always or value in self.returned:
            self.reads.add(array)
        elif value in self.last:
            self.reads.add(array, self.last[value])

    def run(self) -> Plan:
        groups: dict[Value, list[Copy]] = {}
        for state, value in self.plan.copies:
            home: Value | None = value
            while home is not None and self.places[home].kind == "view" and home not in self.written:
                home = self.places[home].base
            if home is not None and self.places[home].kind == "buffer":
                groups.setdefault(home, []).append((state, value))
        done: set[Copy] = set()
        for home, copies in groups.items():
            memory = self._memory_for(home, copies)
            if memory is not None and self._is_free(home, memory[1]):
                self._move(home, *memory)
                done.update(copies)
        copies = [pair for pair in self.plan.copies if pair not in done]
        return self.plan._replace(places=self.places.changed(self.moved), copies=copies)

    def _memory_for(self, home: Value, copies: list[Copy]) -> tuple[Value, Array] | None:
        """Where `home` would lie if all its parts were written to where they belong; None if that is no one place."""
        owner, array = self.places.root(copies[0][0]), self.places.array
        starts = {address(array(state)) - address(array(value)) + address(array(home)) for state, value in copies}
        alike = all(
            self.places.root(state) is owner and array(state).strides == array(value).strides
            and state.dtype == value.dtype for state, value in copies
        )  # fmt: skip
        whole = sum(value.size for _, value in copies) == home.size
        if len(starts) > 1 or not alike or not whole or self.places[owner].kind != "state":
            return None
        found = memory_at(array(owner), starts.pop(), array(home))
        return None if found is None else (owner, found)

    def _is_free(self, home: Value, array: Array) -> bool:
        """Whether nothing reads that memory after `home` is written, and nothing can fail any more."""
        number = self.first[home]
        instruction = self.plan.instructions[number]
        if instruction.node is not home.node or self.risky > number:  # parts are written before, or something may fail
            return False
        for value in instruction.reads:
            x = self.moved.get(value, self.places[value]).array
            same = x.strides == array.strides and address(x) == address(array) and x.shape == array.shape
            if np.may_share_memory(x, array) and not (same and instruction.in_place):
                return False
        return not self.reads.overlap(array, number)

    def _move(self, home: Value, owner: Value, array: Array) -> None:
        """Let `home` and its views lie in the memory of state."""
        memory = self.places.array(owner)
        view_of_owner = owner if array.shape == memory.shape else view_at(owner, memory, array)
        moved = {home: Place("view", array, owner, view_of_owner)}
        for value in (waiting := [home]):
            place = moved[value]
            for view in self.views.get(value, ()):
                expression = self.places[view].view
                moved[view] = Place("view", np.asarray(evaluate(expression, {value: place.array})), value, expression)
                waiting.append(view)
        self.moved |= moved


def overwritten_values(plan: Plan) -> list[Value]:
    """The values that a copy into state would change before they are copied themselves, as when two are swapped."""
    written = Spans(len(plan.copies))
    for state, _ in plan.copies:
        written.add(plan.places.array(state))
    values = dict.fromkeys(value for _, value in plan.copies)
    return [
        value for value in values
        if plan.places.kind_of_root(value) in ("state", "constant") and written.overlap(plan.places.array(value))
    ]  # fmt: skip
