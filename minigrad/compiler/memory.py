"""Where buffers lie: each lives from the statement that first writes it to the last that reads it.

What is alive at different times may lie in one place. Statements come in, offsets into one block of memory go out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

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
    blocks: dict[Variable, Block] = {}
    for number, statement in enumerate(statements):
        out = statement.out.root
        for variable in (*statement.scratch, out):
            if variable.kind == "buffer" and variable not in blocks:
                successor = _written_over(statement, number, blocks, ends, loops) if variable is out else None
                if successor is not None:
                    successor.members.append(variable)
                    successor.last = ends[variable]
                    blocks[variable] = successor
                else:
                    blocks[variable] = Block([variable], begins[variable], ends[variable])
    found = list(dict.fromkeys(blocks.values()))
    for loop in loops:
        for block in found:
            if block.members[0] not in loop.members and block.first <= loop.last and block.last >= loop.first:
                block.first, block.last = min(block.first, loop.first), max(block.last, loop.last)
    return found


def _written_over(
    statement: Statement, number: int, blocks: dict[Variable, Block], ends: dict[Variable, int], loops: Sequence[Loop]
) -> Block | None:
    """The block of an operand that dies here and has the layout of the result."""
    out = statement.out
    if not statement.in_place or out.kind != "buffer":
        return None
    whole = next((loop.whole for loop in loops if loop.first <= number <= loop.last), frozenset())
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
    placed: list[Block] = []
    for block in sorted(blocks, key=lambda one: (-one.size, one.first)):
        offset = 0
        for other in sorted(placed, key=lambda one: one.offset):
            if other.last < block.first or block.last < other.first:
                continue
            if offset + block.size <= other.offset:
                break
            offset = max(offset, other.offset + other.size)
        block.offset = offset
        placed.append(block)
    return max((block.offset + block.size for block in blocks), default=0)
