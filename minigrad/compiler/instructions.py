"""Instructions: what computes the nodes of a graph, one call of NumPy or of a kernel each, with the facts about it.

`compute_into`, `store_at`, `bind_to` and `call_check` make the four kinds. A lowering says what is computed, and
`assign_to_node` adds whose it is.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np

from minigrad.compiler.expressions import Bind, Call, Item, Method, Store, Value, values_in
from minigrad.graph import Node
from minigrad.ops import kernels


class Instruction(NamedTuple):
    """One line of a program.

    `statement` is a call or method for its effect, a `Store` or a `Bind`. It writes `writes`, or nothing, reads
    `reads`, and needs `scratch` meanwhile. `in_place`: its result may be written over an operand that is read here for
    the last time. `rows` are the values of which row i of what is written needs row i alone; None where it needs more.
    """

    statement: Any
    writes: Value | None
    reads: tuple[Value, ...]
    scratch: tuple[Value, ...] = ()
    may_raise: bool = False
    in_place: bool = False
    rows: frozenset[Value] | None = None
    node: Any = None
    section: str = ""

    @property
    def written(self) -> tuple[Value, ...]:
        """All that it writes."""
        return self.scratch if self.writes is None else (*self.scratch, self.writes)


class Loop(NamedTuple):
    """Instructions `first` to `last` in `turns` pieces; `flat` ones are cut by elements, the last piece being shorter.

    Of `whole`, roots, a turn reads more than its piece; `members` are roots that are needed in one turn only, and as
    large as one piece. Threads may share the turns of a `shared` one; `twins` are for each but the first what it uses
    in the place of members and their views.
    """

    first: int
    last: int
    turns: int
    flat: int = 0  # the number of elements
    step: int = 0  # those of a flat piece
    whole: frozenset[Value] = frozenset()
    members: tuple[Value, ...] = ()
    shared: bool = False
    twins: tuple[Mapping[Value, Value], ...] = ()


def compute_into(
    function: Any, out: Value, *operands: Any, scratch: tuple[Value, ...] = (), sure: bool = False, **keywords: Any
) -> Instruction:
    """`function(*operands, *scratch, out=out)`; of NumPy, or `sure`, it cannot fail."""
    call = Call(function, (*operands, *scratch), (*keywords.items(), ("out", out)))
    return _make(call, out, (operands, tuple(keywords.values())), scratch, not sure and not is_of_numpy(function))


def call_method(name: str, base: Any, out: Value, *operands: Any, **keywords: Any) -> Instruction:
    """`base.name(*operands, out=out)`, a method of NumPy."""
    return _make(Method(name, base, operands, (*keywords.items(), ("out", out))), out, (operands,))


def copy_into(out: Value, x: Any, **keywords: Any) -> Instruction:
    """`np.copyto(out, x)`."""
    return _make(Call(np.copyto, (out, x), tuple(keywords.items())), out, (x, tuple(keywords.values())))


def store_at(out: Value, key: Any, value: Any, may_raise: bool = False) -> Instruction:
    """`out[key] = value`."""
    return _make(Store(Item(out, key), value), out, (key, value), may_raise=may_raise)


def bind_to(out: Value, value: Any) -> Instruction:
    """`out = value`."""
    return _make(Bind(out, value), out, (value,))


def call_check(function: Any, *operands: Any) -> Instruction:
    """A call that raises, or does nothing."""
    return _make(Call(function, operands), None, operands, may_raise=True)


def _make(
    statement: Any, out: Value | None, read: Any, scratch: tuple[Value, ...] = (), may_raise: bool = False
) -> Instruction:
    reads = tuple([x for x in dict.fromkeys(values_in(read)) if x is not out])
    return Instruction(statement, out, reads, scratch, may_raise)


def is_of_numpy(function: Any) -> bool:
    """Whether the function is NumPy's own, and not one that others have made."""
    return function is not None and vars(np).get(getattr(function, "__name__", "")) is function


def is_ufunc(function: Any) -> bool:
    """Whether it is a ufunc of NumPy's own."""
    return isinstance(function, np.ufunc) and is_of_numpy(function)


def is_kernel(function: Any) -> bool:
    """Whether the function is one of those that scripts carry with them."""
    module = str(getattr(function, "__module__", ""))
    return module.startswith(kernels.__name__) and getattr(sys.modules[module], function.__name__) is function


def assign_to_node(
    instructions: Iterable[Instruction], node: Node, section: str, elementwise: bool, rows: frozenset[Value] | None
) -> list[Instruction]:
    """The instructions as those of a node; values that a lowering made go by rows where those beside them do."""
    found = []
    for one in instructions:
        own, statement = rows, one.statement
        if rows is not None:
            beside = [x for x in (*one.written, *one.reads) if x.beside in rows]
            own = rows.union(beside) if beside else rows
        in_place = type(statement) is Call and (elementwise or is_copy(one)) and is_of_numpy(statement.function)
        may_raise = one.may_raise and not elementwise
        found.append(one._replace(node=node, section=section, rows=own, may_raise=may_raise, in_place=in_place))
    return found


def is_copy(instruction: Instruction) -> bool:
    """Whether it does nothing but copy a value."""
    statement = instruction.statement
    return type(statement) is Call and statement.function is np.copyto and not statement.keywords
