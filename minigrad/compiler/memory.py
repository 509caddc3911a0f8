"""Where buffers lie: each lives from the instruction that first writes it to the last that reads it.

What is alive at different times may lie in one place. A plan comes in, and one with offsets into one block of memory
goes out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from minigrad.compiler.expressions import Value
from minigrad.compiler.instructions import Instruction, Loop, is_copy
from minigrad.compiler.places import Places, address
from minigrad.compiler.plan import Block, Plan

ALIGNMENT = 64  # bytes: a cache line, and what vector instructions like best


def share_memory(plan: Plan) -> Plan:
    """The plan with a place for every buffer, and without copies of what lies where it is copied to."""
    blocks, nbytes = place_blocks(find_blocks(plan))
    return _without_idle_copies(plan._replace(blocks=blocks, nbytes=nbytes))


@dataclass(eq=False)
class _Life:
    """Values that follow one another in place, and how long."""

    members: list[Value]
    first: int
    last: int


def find_blocks(plan: Plan) -> list[Block]:
    """The blocks of all buffers. What a loop reads or writes is alive in all its turns, unless one turn alone needs it.

    What is returned or copied is read after the last instruction.
    """
    root, count = plan.places.root, len(plan.instructions)
    ends = dict.fromkeys(map(root, (*plan.returned, *(value for _, value in plan.copies))), count)
    begins: dict[Value, int] = {}
    for number, instruction in enumerate(plan.instructions):
        for value in instruction.written:
            begins.setdefault(root(value), number)
        for value in (*instruction.reads, *instruction.written):
            ends[root(value)] = max(ends.get(root(value), number), number)
    turns = {number: loop for loop in plan.loops for number in range(loop.first, loop.last + 1)}
    lives: dict[Value, _Life] = {}
    for number, instruction in enumerate(plan.instructions):
        for value in map(root, instruction.written):
            if plan.places[value].kind != "buffer" or value in lives:
                continue
            before = None
            if value is instruction.writes:
                before = _written_over(instruction, number, plan.places, lives, ends, turns.get(number))
            if before is None:
                lives[value] = _Life([value], begins[value], ends[value])
            else:
                before.members.append(value)
                before.last = ends[value]
                lives[value] = before
    found = list(dict.fromkeys(lives.values()))
    for life in found:
        first, last = turns.get(life.first), turns.get(life.last)
        if first is not None and life.members[0] not in first.members:
            life.first, life.last = first.first, max(life.last, first.last)
        if last is not None and life.members[0] not in last.members:
            life.first, life.last = min(life.first, last.first), last.last
    found += [life for loop in plan.loops for twins in loop.twins for life in _lives_of_twins(found, loop, twins)]
    return [Block(tuple(x.members), x.first, x.last, _size(plan.places, x.members)) for x in found]


def _lives_of_twins(lives: Sequence[_Life], loop: Loop, twins: Mapping[Value, Value]) -> Iterator[_Life]:
    """Those of what a further thread uses: other threads are anywhere in the loop meanwhile."""
    for life in lives:
        if life.members[0] in twins:
            yield _Life([twins[x] for x in life.members if x in twins], loop.first, loop.last)


def _size(places: Places, members: Sequence[Value]) -> int:
    size = max(places.array(value).nbytes for value in members)
    return -(-max(size, 1) // ALIGNMENT) * ALIGNMENT


def _written_over(
    instruction: Instruction, number: int, places: Places, lives: dict[Value, _Life], ends: dict[Value, int],
    loop: Loop | None,
) -> _Life | None:  # fmt: skip
    """The memory of an operand that dies here and has the layout of the result."""
    out = instruction.writes
    if not instruction.in_place or out is None:
        return None
    array = places.array(out)
    for x in instruction.reads:
        root = places.root(x)
        if loop is not None and root in loop.whole:  # the next turn needs what this one would write over
            continue
        if (
            root in lives and lives[root].last == number == ends[root] and _same_layout(places.array(x), array)
            and places.array(root).nbytes == array.nbytes
            and all(
                y is x or places.root(y) is not root or _same_layout(places.array(x), places.array(y))
                for y in instruction.reads
            )
        ):  # fmt: skip
            return lives[root]
    return None


def _same_layout(x: np.ndarray, y: np.ndarray) -> bool:
    return x.shape == y.shape and x.strides == y.strides and x.dtype == y.dtype


def place_blocks(blocks: Sequence[Block]) -> tuple[list[Block], int]:
    """The blocks with offsets, the largest first, each as low as those alive at the same time allow; and the total."""
    placed = np.zeros((4, len(blocks)), np.int64)  # offset, end, first and last of each that has a place, by offset
    found = []
    for count, block in enumerate(sorted(blocks, key=lambda one: (-one.size, one.first))):
        offsets, ends, firsts, lasts = placed[:, :count]
        alive = (lasts >= block.first) & (firsts <= block.last)
        occupied = np.maximum.accumulate(ends[alive])  # up to where all is taken by these and those before them
        free = np.concatenate(([0], occupied))
        fits = np.flatnonzero(offsets[alive] - free[:-1] >= block.size)
        offset = int(free[fits[0] if fits.size else -1])
        here = int(np.searchsorted(offsets, offset, side="right"))
        placed[:, here + 1 : count + 1] = placed[:, here:count]
        placed[:, here] = offset, offset + block.size, block.first, block.last
        found.append(block._replace(offset=offset))
    return found, int(placed[1].max(initial=0))


def _without_idle_copies(plan: Plan) -> Plan:
    """The plan without copies of values that lie where they are copied to already."""
    offsets = {value: block.offset for block in plan.blocks for value in block.members}

    def start(value: Value) -> tuple[bool, int]:
        root = plan.places.root(value)
        within = address(plan.places.array(value))
        if root not in offsets:
            return True, within
        return False, offsets[root] + within - address(plan.places.array(root))

    def is_idle(instruction: Instruction) -> bool:
        if not is_copy(instruction) or len(instruction.reads) != 1 or instruction.writes is None:
            return False
        (x,), out = instruction.reads, instruction.writes
        return start(x) == start(out) and _same_layout(plan.places.array(x), plan.places.array(out))

    idle = {number for number, instruction in enumerate(plan.instructions) if is_idle(instruction)}
    if not idle:
        return plan
    kept = [number for number in range(len(plan.instructions)) if number not in idle]
    loops = []
    for loop in plan.loops:
        first, end = np.searchsorted(kept, (loop.first, loop.last + 1)).tolist()
        loops += [loop._replace(first=first, last=end - 1)] if first < end else []
    return plan._replace(instructions=[plan.instructions[number] for number in kept], loops=loops)
