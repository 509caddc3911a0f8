"""What a program is made of: statements, and loops of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from minigrad.compiler.variables import Variable
from minigrad.graph import Node


@dataclass(eq=False)
class Statement:
    """What computes one node: its lines, what it reads, the variable it writes, memory that it needs meanwhile."""

    node: Node
    lines: list[str]
    operands: list[Any]  # variables and numbers, as the op takes them
    out: Variable
    places: list[tuple[Variable, Any]] = field(default_factory=list)  # parts of the result, and what is copied there
    scratch: list[Variable] = field(default_factory=list)
    in_place: bool = False  # the result may be written over an operand that is read here for the last time
    may_raise: bool = False
    section: str = ""
    copied: Variable | None = None  # the operand of which the first line makes a copy, for the others to change

    @property
    def reads(self) -> list[Variable]:
        return [x for x in self.operands if isinstance(x, Variable)]


@dataclass(eq=False)
class Loop:
    """Statements `first` to `last` in `count` pieces; `flat` ones are cut by elements, the last piece being shorter."""

    first: int
    last: int
    count: int
    flat: int = 0  # the number of elements
    whole: frozenset[Variable] = frozenset()  # roots of which a turn reads more than its piece
    members: tuple[Variable, ...] = ()  # roots that are needed in one turn only: they are as large as one piece
