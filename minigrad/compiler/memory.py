"""Where buffers lie: each lives from the statement that first writes it to the last that reads it.

What is alive at different times may lie in one place. Statements come in, offsets into one block of memory go out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from minigrad.compiler.statements import Loop, Statement
from minigrad.compiler.variables import Variable

ALIGNMENT = 64  # bytes: a cache line, and what vector instructions like best


@dataclass(eq=False)
class Block:
    """Memory shared by variables that follow one another in place."""

    members: list[Variable]
    first: int
    last: int
    offset: int = -1

    @property
    def size(self) -> int:
        size = max(one.array.nbytes for one in self.members)
        return -(-max(size, 1) // ALIGNMENT) * ALIGNMENT


def blocks_of(statements: Sequence[Statement], kept: Iterable[Variable], loops: Sequence[Loop] = ()) -> list[Block]:
    """The blocks of all buffers; `kept` are read after the last statement.

    What a loop reads or writes is alive in all its turns, unless it is needed in one turn only.
    """
    ends: dict[Variable, int] = {variable.root: len(statements) for variable in kept}
    begins: dict[Variable, int] = {}
    for number, statement in enumerate(statements):
        begins.setdefault(statement.out.root, number)
        for variable in (*statement.reads, *statement.scratch, statement.out):
            root = variable.root
            ends[root] = max(ends.get(root, number), number)
            if variable in statement.scratch:
                begins[root] = number
    turns = {number: loop for loop in loops for number in range(loop.first, loop.last + 1)}
    blocks: dict[Variable, Block] = {}
    for number, statement in enumerate(statements):
        out = statement.out.root
        for variable in (*statement.scratch, out):
            if variable.kind == "buffer" and variable not in blocks:
                successor = (
                    _written_over(statement, number, blocks, ends, turns.get(number)) if variable is out else None
                )
                if successor is not None:
                    successor.members.append(variable)
                    successor.last = ends[variable]
                    blocks[variable] = successor
                else:
                    blocks[variable] = Block([variable], begins[variable], ends[variable])
    found = list(dict.fromkeys(blocks.values()))
    for block in found:
        first, last = turns.get(block.first), turns.get(block.last)
        if first is not None and block.members[0] not in first.members:
            block.first, block.last = first.first, max(block.last, first.last)
        if last is not None and block.members[0] not in last.members:
            block.first, block.last = min(block.first, last.first), last.last
    return found


def _written_over(
    statement: Statement, number: int, blocks: dict[Variable, Block], ends: dict[Variable, int], loop: Loop | None
) -> Block | None:
    """The block of an operand that dies here and has the layout of the result."""
    out = statement.out
    if not statement.in_place or out.kind != "buffer":
        return None
    whole = frozenset() if loop is None else loop.whole
    for x in statement.reads:
        root = x.root
        if root in whole:  # the next turn needs what this one would write over
            continue
        if (
            root in blocks and blocks[root].last == number == ends[root] and x.dtype == out.dtype
            and x.shape == out.shape and x.array.strides == out.array.strides and root.array.nbytes == out.array.nbytes
            and all(y is x or y.root is not root or _same_layout(x, y) for y in statement.reads)
        ):  # fmt: skip
            return blocks[root]
    return None


def _same_layout(x: Variable, y: Variable) -> bool:
    return x.shape == y.shape and x.array.strides == y.array.strides


def place(blocks: Sequence[Block]) -> int:
    """Give every block an offset, the largest first, each as low as those alive at the same time allow; the total."""
    placed = np.zeros((4, len(blocks)), np.int64)  # offset, end, first and last of each that has a place, by offset
    sizes = {id(block): block.size for block in blocks}
    for count, block in enumerate(sorted(blocks, key=lambda one: (-sizes[id(one)], one.first))):
        size = sizes[id(block)]
        offsets, ends, firsts, lasts = placed[:, :count]
        alive = (lasts >= block.first) & (firsts <= block.last)
        occupied = np.maximum.accumulate(ends[alive])  # up to where all is taken by these and those before them
        free = np.concatenate(([0], occupied))
        fits = np.flatnonzero(offsets[alive] - free[:-1] >= size)
        block.offset = int(free[fits[0] if fits.size else -1])
        here = int(np.searchsorted(offsets, block.offset, side="right"))
        placed[:, here + 1 : count + 1] = placed[:, here:count]
        placed[:, here] = block.offset, block.offset + size, block.first, block.last
    return int(placed[1].max(initial=0))
