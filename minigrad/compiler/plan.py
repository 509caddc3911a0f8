"""A plan: what a program is made of, as data. A pass takes one and returns another, and changes nothing of the one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from minigrad.compiler.expressions import Value
from minigrad.compiler.instructions import Instruction, Loop
from minigrad.compiler.places import Places
from minigrad.graph import Graph, Node

Copy = tuple[Value, Value]  # state, and its new value


class Block(NamedTuple):
    """Memory shared by values that follow one another in place, while instructions `first` to `last` run."""

    members: tuple[Value, ...]
    first: int
    last: int
    size: int
    offset: int = -1


class Plan(NamedTuple):
    """The instructions of a program in order, and where everything lies in memory.

    `sources` are for nodes of the graph those of the captured one; `copies` of new values into state are made after all
    instructions; `returned` are the outputs; `blocks` of memory take `nbytes` in all.
    """

    graph: Graph
    sources: Mapping[Node, Node]
    values: Mapping[Node, Value]
    places: Places
    instructions: Sequence[Instruction]
    returned: Sequence[Value]
    copies: Sequence[Copy]
    loops: Sequence[Loop] = ()
    blocks: Sequence[Block] = ()
    nbytes: int = 0

    @property
    def arguments(self) -> list[Value]:
        return [self.values[node] for node in self.graph.inputs]

    @property
    def used(self) -> dict[Value, None]:
        """The values that the program mentions, and those they are views of, in the order of the places."""
        found: set[Value] = set()
        mentioned = [x for one in self.instructions for x in (*one.reads, *one.written)]
        mentioned += [x for loop in self.loops for twins in loop.twins for x in twins.values()]
        for value in [*mentioned, *self.returned, *(x for pair in self.copies for x in pair)]:
            step: Value | None = value
            while step is not None and step not in found:
                found.add(step)
                step = self.places[step].base
        return {value: None for value in self.places if value in found}

    @property
    def steps(self) -> Iterator[tuple[Loop | None, Sequence[Instruction]]]:
        """The instructions, those of a loop together."""
        number = 0
        for loop in self.loops:
            yield from ((None, [one]) for one in self.instructions[number : loop.first])
            yield loop, self.instructions[loop.first : loop.last + 1]
            number = loop.last + 1
        yield from ((None, [one]) for one in self.instructions[number:])
