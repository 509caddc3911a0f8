"""Loops over pieces: what is done to large arrays row by row is done piece by piece, while a piece is in the cache.

A plan comes in, and one goes out in which instructions that follow each other are loops: row i of everything that they
write depends on row i of what they write and of what they read, and on nothing else that they write. So threads may
share the turns of a loop; such a loop has larger pieces, and products of matrices in it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from minigrad.compiler.expressions import Method, Piece, Value, substitute
from minigrad.compiler.instructions import Instruction, Loop
from minigrad.compiler.layouts import is_product_of_matrices
from minigrad.compiler.places import Place, Places, address, try_view
from minigrad.compiler.plan import Plan
from minigrad.graph import Node
from minigrad.graph.cost import flops_of

LARGE = 2**20  # bytes of an array that is not worth keeping whole: half of a usual second-level cache
PIECE = 2**18  # bytes of a piece, of which several are in use at a time
FARTHEST = 64  # instructions before the first large one that may go into its loop
FLAT = 2**14  # elements of a piece of a flat array
SHARED = 2**22  # bytes of a piece that is one thread's: BLAS packs a weight for each, and threads wait at every call
FLAT_SHARED = 2**16  # elements of such a piece
EFFORT = 2**23  # of a loop that is worth sharing, as `effort` counts it: some ten times what waking a thread takes
CALL = 2**19  # of its calls, on average


def cut_into_pieces(plan: Plan, shared: bool = False) -> Plan:
    """The plan with the loops that are worth it; what is needed in one turn only is as large as one piece.

    Some loops may be for threads to share. Pieces do not depend on how many these are, and so results do not.
    """
    found = list(loops(plan, shared))
    if shared and not _are_worth_sharing(plan, found):
        found = list(loops(plan))
    if not found:
        return plan
    extents = _extents(plan)
    views: dict[Value, list[Value]] = {}
    for value in plan.places:
        if plan.places[value].base is not None:
            views.setdefault(plan.places.root(value), []).append(value)
    instructions, smaller, cut = list(plan.instructions), dict[Value, Place](), []
    for loop in found:
        inside = instructions[loop.first : loop.last + 1]
        members = []
        for root in dict.fromkeys(plan.places.root(x) for one in inside for x in one.written):
            first, last = extents[root]
            if plan.places[root].kind == "buffer" and loop.first <= first and last <= loop.last:
                small = _shrunk(plan.places, root, views.get(root, ()), loop)
                smaller |= small
                members += [root] if small else []
        loop = loop._replace(members=tuple(members))
        cut.append(loop)
        instructions[loop.first : loop.last + 1] = [_of_one_turn(one, loop, plan.places) for one in inside]
    return plan._replace(instructions=instructions, places=plan.places.changed(smaller), loops=cut)


def loops(plan: Plan, shared: bool = False) -> Iterator[Loop]:
    """The loops that are worth it, in order."""
    instructions, array = plan.instructions, plan.places.array
    if all(array(x).nbytes < LARGE for one in instructions for x in (*one.written, *one.reads)):
        return
    by_rows = [_sliced(one) for one in instructions]
    large = [i for i, found in enumerate(by_rows) if found and any(array(x).nbytes >= LARGE for x in found)]
    first = 0
    for number in large:
        first = max(first, number - FARTHEST)
        while first <= number:
            run = _longest(plan, by_rows, first, shared)
            if run is None:
                first += 1
            else:
                yield run
                first = run.last + 1


def _sliced(instruction: Instruction) -> list[Value] | None:
    """What goes row by row, what is written first; None if rows depend on other rows."""
    rows = instruction.rows
    if rows is None or instruction.writes not in rows:
        return None
    return [instruction.writes, *(x for x in (*instruction.scratch, *instruction.reads) if x in rows)]


def _longest(plan: Plan, by_rows: Sequence[list[Value] | None], first: int, shared: bool) -> Loop | None:
    """The longest loop that begins with this instruction; one to share, if that is worth it."""
    for kind in (True, False) if shared else (False,):
        found = [loop for flat in (True, False) if (loop := _loop(plan, by_rows, first, flat, kind)) is not None]
        if found:
            return max(found, key=lambda loop: loop.last)
    return None


def _loop(plan: Plan, by_rows: Sequence[list[Value] | None], first: int, flat: bool, shared: bool) -> Loop | None:
    """As many instructions as go together, cut by elements or by rows; None if that is not worth it."""
    last, length, largest = first, 0, 0
    instructions, turn = plan.instructions, _Turn(plan.places, flat)
    while last < len(instructions) and instructions[last].section == instructions[first].section:
        instruction, found = instructions[last], by_rows[last]
        if found is None or not _may_take(instruction.node, shared):
            break
        nbytes = max(largest, *(plan.places.array(x).nbytes for x in found))
        common = _elements(instruction, found, length) if flat else _rows(found, length, nbytes, shared)
        if not common or not turn.takes(instruction, found):
            break
        last, length, largest = last + 1, common, nbytes
    inside, whole = instructions[first:last], frozenset(turn.whole)
    if not inside or not (_is_worth_sharing(inside) if shared else len(inside) > 1 and largest >= LARGE):
        return None
    if flat:
        step = FLAT_SHARED if shared else FLAT
        return Loop(first, last - 1, -(-length // step), length, step, whole, shared=shared)
    return Loop(first, last - 1, _count(length, largest, shared), whole=whole, shared=shared)


def _may_take(node: Node, shared: bool) -> bool:
    """Whether a loop may hold it, as far as its op tells: one of a user's may not be made for several threads."""
    assert node.function is not None
    return not node.function.guarded if shared else not is_product_of_matrices(node)


def _is_worth_sharing(instructions: Sequence[Instruction]) -> bool:
    """Whether threads would wait for each other less than they compute."""
    total = sum(map(effort, instructions))
    return total >= EFFORT and total >= CALL * len(instructions)


def _are_worth_sharing(plan: Plan, found: Sequence[Loop]) -> bool:
    """Whether shared loops are most of the program: in the rest, products must do with one thread."""
    shared = [one for loop in found if loop.shared for one in plan.instructions[loop.first : loop.last + 1]]
    return 2 * sum(map(effort, shared)) > sum(map(effort, plan.instructions))


def effort(instruction: Instruction) -> int:
    """How long it takes, in bytes that are written meanwhile."""
    flops = flops_of(instruction.node) if is_product_of_matrices(instruction.node) else 0
    return flops // 32 + sum(x.size * x.dtype.itemsize for x in instruction.written)


class _Turn:
    """What one turn of a loop does, as far as the loop goes: it writes to `written`, and of `whole` it may read or
    write something else than its own piece.
    """

    def __init__(self, places: Places, flat: bool) -> None:
        self.places, self.flat = places, flat
        self.written: set[Value] = set()
        self.whole: set[Value] = set()
        self._extents: dict[Value, tuple[int, int]] = {}  # what of a memory is used: all of it, or one part

    def takes(self, instruction: Instruction, found: Sequence[Value]) -> bool:
        """Take an instruction in, if each memory that is written is used piece by piece, the same piece each time."""
        own, root = set(found), self.places.root
        written = {root(x) for x in instruction.written}
        whole = {root(x) for x in (*instruction.written, *instruction.reads) if not self._by_pieces(x, own)}
        if whole & (self.written | written) or written & self.whole:
            return False
        self.written |= written
        self.whole |= whole
        return True

    def _by_pieces(self, value: Value, own: set[Value]) -> bool:
        array = self.places.array(value)
        extent = address(array), array.nbytes
        one_after_another = array.ndim > 0 and array.strides[0] * len(array) == array.nbytes
        in_order = array.flags.c_contiguous if self.flat else one_after_another
        return value in own and in_order and self._extents.setdefault(self.places.root(value), extent) == extent


def _elements(instruction: Instruction, found: Sequence[Value], known: int) -> int:
    """How many elements it has in common with those before, which have so many; 0 if it cannot be cut by elements."""
    size = found[0].size
    if not instruction.node.function.elementwise or known not in (0, size):
        return 0
    return size if all(x.ndim == 1 and x.size == size for x in found) else 0


def _rows(found: Sequence[Value], known: int, nbytes: int, shared: bool) -> int:
    """How many rows it has in common with those before, which have so many; 0 if these cannot be cut."""
    counts = [x.shape[0] for x in found]
    rows = math.gcd(known, *counts)
    return rows if rows > 1 and all(counts) and _count(rows, nbytes, shared) else 0  # no piece of nothing


def _count(rows: int, nbytes: int, shared: bool) -> int:
    """Into how many equal pieces so many rows are cut; 0 if that cannot be."""
    wanted = min(max(-(-nbytes // (SHARED if shared else PIECE)), 2), rows)
    return next((n for n in range(wanted, min(4 * wanted, rows) + 1) if rows % n == 0), 0)


# --- the instructions of a loop ---------------------------------------------------------------------------------------


def _extents(plan: Plan) -> dict[Value, tuple[int, int]]:
    """The first and the last instruction that need a memory."""
    root, found = plan.places.root, dict[Value, tuple[int, int]]()
    for number, instruction in enumerate(plan.instructions):
        for x in (*instruction.written, *instruction.reads):
            found[root(x)] = (found.get(root(x), (number, 0))[0], number)
    for x in (*plan.returned, *(x for pair in plan.copies for x in pair)):
        found[root(x)] = (found.get(root(x), (0, 0))[0], len(plan.instructions))
    return found


def _of_one_turn(instruction: Instruction, loop: Loop, places: Places) -> Instruction:
    """The instruction on pieces of what goes row by row."""
    pieces = {x: piece for x in _sliced(instruction) or () if (piece := _piece(x, loop, places)) is not x}
    return instruction._replace(statement=substitute(instruction.statement, pieces))


def _piece(value: Value, loop: Loop, places: Places) -> Value | Piece:
    small = places.root(value) in loop.members
    if loop.flat:
        return Piece(value, 0, small)
    return value if small else Piece(value, value.shape[0] // loop.turns, False)


def _shrunk(places: Places, root: Value, views: Sequence[Value], loop: Loop) -> Mapping[Value, Place]:
    """Memory and its views as large as one piece; nothing where that cannot be.

    It cannot where the piece of a view is not the view of a piece. A view may say lengths: another is tried then.
    """
    found: dict[Value, Place] = {}
    for value in (root, *views):
        place = places[value]
        if not place.array.ndim:
            return {}
        array = place.array[: loop.step if loop.flat else len(place.array) // loop.turns]
        if place.base is None:
            found[value] = place = Place(place.kind, array)
            continue
        base = found[place.base].array
        tried = [place.view, Method("reshape", place.base, (array.shape,))]
        view = next((each for each in tried if _is_made_by(each, place.base, base, array)), None)
        if view is None:
            return {}
        found[value] = Place(place.kind, array, place.base, view)
    return found


def _is_made_by(view: object, base: Value, of: np.ndarray, array: np.ndarray) -> bool:
    """Whether the expression makes just that view of `base`; it may have been written for a larger one."""
    made = try_view(view, base, of)
    if made is None:
        return False
    return (address(made), made.shape, made.strides) == (address(array), array.shape, array.strides)
