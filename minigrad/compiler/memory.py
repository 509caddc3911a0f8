"""Where buffers lie: each lives from the statement that first writes it to the last that reads it.

What is alive at different times may lie in one place. Statements come in, offsets into one block of memory go out.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from minigrad.compiler.variables import Variable
from minigrad.graph import Node

ALIGNMENT = 64  # bytes: a cache line, and what vector instructions like best


@dataclass(eq=False)
class Statement:
    """What computes one node: its lines, the variables it reads and the one it writes, memory it needs meanwhile."""

    node: Node
    lines: list[str]
    operands: list[Any]  # variables and numbers, as the op takes them
    out: Variable
    places: list[tuple[Variable, Any]] = field(default_factory=list)  # parts of the result, and what is copied there
    scratch: list[Variable] = field(default_factory=list)
    in_place: bool = False  # the result may be written over an operand that is read here for the last time
    may_raise: bool = False
    section: str = ""

    @property
    def reads(self) -> list[Variable]:
        return [x for x in self.operands if isinstance(x, Variable)]


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


def blocks_of(
    statements: Sequence[Statement], kept: Iterable[Variable], loops: Iterable[tuple[int, int, Collection[Variable]]]
) -> list[Block]:
    """The blocks of all buffers.

    `kept` are read after the last statement. A loop is its first and its last statement, and the roots that are needed
    in one turn only; all others are alive in all its turns.
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
                successor = _written_over(statement, number, blocks, ends) if variable is out else None
                if successor is not None:
                    successor.members.append(variable)
                    successor.last = ends[variable]
                    blocks[variable] = successor
                else:
                    blocks[variable] = Block([variable], begins[variable], ends[variable])
    found = list(dict.fromkeys(blocks.values()))
    for first, last, members in loops:
        for block in found:
            if block.members[0] not in members and block.first <= last and block.last >= first:
                block.first, block.last = min(block.first, first), max(block.last, last)
    return found


def _written_over(
    statement: Statement, number: int, blocks: dict[Variable, Block], ends: dict[Variable, int]
) -> Block | None:
    """The block of an operand that dies here and has the layout of the result."""
    out = statement.out
    if not statement.in_place or out.kind != "buffer":
        return None
    for x in statement.reads:
        root = x.root
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
