"""Loops over pieces: what is done to large arrays row by row is done piece by piece, while a piece is in the cache.

Statements come in, and out comes which of them, one after the other, may run as a loop: row i of everything that they
write depends on row i of what they write and of what they read, and on nothing else that they write.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from minigrad.compiler.statements import Loop, Statement
from minigrad.compiler.variables import Variable, address

LARGE = 2**20  # bytes of an array that is not worth keeping whole: half of a usual second-level cache
PIECE = 2**18  # bytes of a piece, of which several are in use at a time
FARTHEST = 64  # statements before the first large one that may go into its loop
FLAT = 2**14  # elements of a piece of a flat array


def loops(statements: Sequence[Statement]) -> Iterator[Loop]:
    """The loops that are worth it, in order."""
    if all(x.array.nbytes < LARGE for one in statements for x in (one.out, *one.reads)):
        return
    by_rows = [sliced(statement) for statement in statements]
    large = [i for i, found in enumerate(by_rows) if found and any(x.array.nbytes >= LARGE for x in found)]
    first = 0
    for number in large:
        first = max(first, number - FARTHEST)
        while first <= number:
            run = _longest(statements, by_rows, first)
            if run is None:
                first += 1
            else:
                yield run
                first = run.last + 1


def sliced(statement: Statement) -> list[Variable] | None:
    """The operands that go row by row, the result first; None if rows depend on other rows."""
    node, function = statement.node, statement.node.function
    assert function is not None
    out, operands = statement.out, list(node.inputs)
    if out.kind == "local" or not node.shape:
        return None
    shapes = [getattr(x, "shape", ()) for x in operands]
    if function.elementwise:
        taken: Sequence[bool] | None = [len(s) == len(node.shape) and s[:1] == node.shape[:1] for s in shapes]
    elif function.rows is not None:
        taken = function.rows(node, *operands, **node.params)
    else:
        taken = None
    if taken is None:
        return None
    places = [place for place, _ in statement.places]
    return [out, *places, *(x for x, row in zip(statement.operands, taken, strict=True) if row and x is not None)]


def _longest(statements: Sequence[Statement], by_rows: Sequence[list[Variable] | None], first: int) -> Loop | None:
    """The longest loop that begins with this statement."""
    found = [loop for flat in (True, False) if (loop := _loop(statements, by_rows, first, flat)) is not None]
    return max(found, key=lambda loop: loop.last, default=None)


def _loop(
    statements: Sequence[Statement], by_rows: Sequence[list[Variable] | None], first: int, flat: bool
) -> Loop | None:
    """As many statements as go together, cut by elements or by rows; None if that is not worth it."""
    last, length, largest = first, 0, 0
    turn = _Turn(flat)
    while last < len(statements) and statements[last].section == statements[first].section:
        statement, found = statements[last], by_rows[last]
        if found is None:
            break
        nbytes = max(largest, *(x.array.nbytes for x in found))
        common = _elements(statement, found, length) if flat else _rows(found, length, nbytes)
        if not common or not turn.takes(statement, found):
            break
        last, length, largest = last + 1, common, nbytes
    if last - first < 2 or largest < LARGE:
        return None
    whole = frozenset(turn.whole)
    if flat:
        return Loop(first, last - 1, -(-length // FLAT), length, whole)
    return Loop(first, last - 1, _count(length, largest), 0, whole)


class _Turn:
    """What one turn of a loop does, as far as the loop goes: it writes to `written`, and of `whole` it may read or
    write something else than its own piece.
    """

    def __init__(self, flat: bool) -> None:
        self.flat = flat
        self.written: set[Variable] = set()
        self.whole: set[Variable] = set()
        self._extents: dict[Variable, tuple[int, int]] = {}  # what of a memory is used: all of it, or one part

    def takes(self, statement: Statement, found: Sequence[Variable]) -> bool:
        """Take a statement in, if each memory that is written is used piece by piece, the same piece each time."""
        own = set(found)
        written = {variable.root for variable in (statement.out, *statement.scratch)}
        whole = {x.root for x in (statement.out, *statement.reads) if not self._by_pieces(x, own)}
        if whole & (self.written | written) or written & self.whole:
            return False
        self.written |= written
        self.whole |= whole
        return True

    def _by_pieces(self, variable: Variable, own: set[Variable]) -> bool:
        array = variable.array
        extent = address(array), array.nbytes
        one_after_another = array.ndim > 0 and array.strides[0] * len(array) == array.nbytes
        in_order = array.flags.c_contiguous if self.flat else one_after_another
        return variable in own and in_order and self._extents.setdefault(variable.root, extent) == extent


def _elements(statement: Statement, found: Sequence[Variable], known: int) -> int:
    """How many elements it has in common with those before, which have so many; 0 if it cannot be cut by elements."""
    size, function = found[0].size, statement.node.function
    if function is None or not function.elementwise or known not in (0, size):
        return 0
    return size if all(x.ndim == 1 and x.size == size for x in found) else 0


def _rows(found: Sequence[Variable], known: int, nbytes: int) -> int:
    """How many rows it has in common with those before, which have so many; 0 if these cannot be cut."""
    rows = math.gcd(known, *(len(x.array) for x in found))
    return rows if rows > 1 and _count(rows, nbytes) else 0


def _count(rows: int, nbytes: int) -> int:
    """Into how many equal pieces so many rows are cut; 0 if that cannot be."""
    wanted = min(-(-nbytes // PIECE), rows)
    return next((n for n in range(max(wanted, 2), min(4 * wanted, rows) + 1) if rows % n == 0), 0)
