"""Where new values of state are computed: in its memory at once, where nothing needs the old ones any more.

In come the statements of a program and the copies that it would make after them; out go the copies that are left. What
is computed at once becomes a view of the state.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from minigrad.compiler.statements import Statement
from minigrad.compiler.variables import Variable, address, evaluated, memory_at, text_of_part
from minigrad.core.arrays import Array

Copy = tuple[Variable, Variable]  # state, and its new value
ALWAYS = np.iinfo(np.int64).max  # after all statements


class Spans:
    """Stretches of memory, each with the number of the last statement that reads it."""

    def __init__(self, capacity: int) -> None:
        self._spans = np.zeros((3, capacity), np.int64)  # first address, end, number
        self._count = 0

    def add(self, array: Array, last: int = ALWAYS) -> None:
        if array.size:
            self._spans[:, self._count] = *np.lib.array_utils.byte_bounds(array), last
            self._count += 1

    def overlap(self, array: Array, after: int = 0) -> bool:
        """Whether one that is read later than statement `after` may share memory with `array`."""
        if not array.size:
            return False
        first, end = np.lib.array_utils.byte_bounds(array)
        begins, ends, numbers = self._spans[:, : self._count]
        return bool(np.any((begins < end) & (ends > first) & (numbers > after)))


def write_into_state(
    statements: Sequence[Statement], variables: Sequence[Variable], returned: Sequence[Variable], copies: Sequence[Copy]
) -> list[Copy]:
    """Let new values be computed where they belong; the copies that are left."""
    return _Destinations(statements, variables, returned, copies).run()


class _Destinations:
    def __init__(
        self, statements: Sequence[Statement], variables: Sequence[Variable], returned: Sequence[Variable],
        copies: Sequence[Copy],
    ) -> None:  # fmt: skip
        self.statements, self.copies = statements, copies
        self.returned = set(returned)
        self.numbers = {statement.out: i for i, statement in enumerate(statements)}
        self.first: dict[Variable, int] = {}  # by memory: the first statement that writes it
        self.last: dict[Variable, int] = {}  # the last statement that reads a variable
        for i, statement in enumerate(statements):
            self.first.setdefault(statement.out.root, i)
            self.last |= dict.fromkeys(statement.reads, i)
        self.risky = max((i for i, statement in enumerate(statements) if statement.may_raise), default=-1)
        self.views: dict[Variable, list[Variable]] = {}
        for variable in variables:
            if variable.base is not None:
                self.views.setdefault(variable.base, []).append(variable)
        self.reads = Spans(2 * len(variables) + 1)
        values = {value for _, value in copies}
        for variable in variables:
            # A constant may look into state: what detach made of it outside.
            if variable.root.kind in ("state", "constant"):
                self._note(variable, always=variable in values)

    def _note(self, variable: Variable, always: bool = False) -> None:
        if always or variable in self.returned:
            self.reads.add(variable.array)
        elif variable in self.last:
            self.reads.add(variable.array, self.last[variable])

    def run(self) -> list[Copy]:
        groups: dict[Variable, list[Copy]] = {}
        for state, value in self.copies:
            home = value.base if value.kind == "view" and not value.computed else value
            while home is not None and home.kind == "view" and not home.computed:
                home = home.base
            if home is not None and home.kind == "buffer":
                groups.setdefault(home, []).append((state, value))
        done: set[Copy] = set()
        for home, copies in groups.items():
            memory = _memory_for(home, copies)
            if memory is not None and self._is_free(home, memory[1]):
                self._move(home, *memory)
                done.update(copies)
        return [pair for pair in self.copies if pair not in done]

    def _is_free(self, home: Variable, array: Array) -> bool:
        """Whether nothing reads that memory after `home` is written, and nothing can fail any more."""
        number = self.numbers[home]
        if self.first[home] < number or self.risky > number:  # parts of it are written before, or something may fail
            return False
        statement = self.statements[number]
        for x in statement.reads:
            same = x.array.strides == array.strides and address(x.array) == address(array) and x.shape == array.shape
            shared = x.root.kind in ("state", "constant") and np.may_share_memory(x.array, array)
            if shared and not (same and (statement.in_place or x is statement.copied)):
                return False
        return not self.reads.overlap(array, number)

    def _move(self, home: Variable, owner: Variable, array: Array) -> None:
        """Let `home` and its views lie in the memory of state."""
        home.kind, home.base, home.array = "view", owner, array
        home.text = owner.name if array.shape == owner.shape else text_of_part(array, owner)
        statement = self.statements[self.numbers[home]]
        if statement.copied is not None and address(statement.copied.array) == address(array):
            statement.lines = statement.lines[1:]
        moved = [home]
        for variable in moved:
            self._note(variable)
            for view in self.views.get(variable, ()):
                view.array = evaluated(view.text, {variable.name: variable.array})
                moved.append(view)


def _memory_for(home: Variable, copies: list[Copy]) -> tuple[Variable, Array] | None:
    """Where `home` would lie if all its parts were written to where they belong; None if that is no one place."""
    owner = copies[0][0].root
    starts = {address(state.array) - address(value.array) + address(home.array) for state, value in copies}
    alike = all(
        state.root is owner and state.array.strides == value.array.strides and state.dtype == value.dtype
        for state, value in copies
    )
    whole = sum(value.size for _, value in copies) == home.size
    if len(starts) > 1 or not alike or not whole or owner.kind != "state":
        return None
    array = memory_at(owner.array, starts.pop(), home.array)
    return None if array is None else (owner, array)


def overwritten_values(copies: Sequence[Copy]) -> list[Variable]:
    """The values that a copy into state would change before they are copied themselves, as when two are swapped."""
    written = Spans(len(copies))
    for state, _ in copies:
        written.add(state.array)
    return [
        value for _, value in copies
        if value.root.kind in ("state", "constant") and written.overlap(value.array)
    ]  # fmt: skip
