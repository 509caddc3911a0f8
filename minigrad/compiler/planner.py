"""From a rewritten graph to a plan: the statements of a program in order, and where everything lies in memory."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from minigrad.base.arrays import Array
from minigrad.compiler.code import number_line, text_of
from minigrad.compiler.memory import blocks_of, place
from minigrad.compiler.names import MARK, Names, variable_names
from minigrad.compiler.pieces import FLAT, loops, sliced
from minigrad.compiler.rewrite import Rewritten
from minigrad.compiler.statements import Loop, Statement
from minigrad.compiler.variables import Variable, Variables, address, evaluated, memory_at, text_of_part
from minigrad.compiler.writer import Known, LineWriter
from minigrad.graph import Node
from minigrad.ops.shape import reshaped


class Plan:
    """What the text of a program is made of.

    `statements` in order; `copies` of new values into state that are made after them; `returned`, the variables of the
    outputs; `blocks` of memory, `nbytes` of them in all; `bound`, what the program knows by name.
    """

    def __init__(self, rewritten: Rewritten) -> None:
        self.graph, self.sources = rewritten
        self.names = Names()
        self.variables = Variables(self.graph, variable_names(self.graph, self.sources, self.names), self.names)
        self.known = Known(self.names)
        self.bound, self.numbers = self.known.bound, self.known.numbers
        self.statements = [self._statement(node) for node in self.graph if self.variables[node].computed]
        self.returned = [self.variables[node] for node in self.graph.outputs]
        self.copies = [
            (self.variables[state], self.variables[value])
            for state, value in self.graph.updates.items()
            if state is not value
        ]
        self._write_into_state()
        self.copied_first = self._copied_first()
        self.loops = list(loops(self.statements))
        for loop in self.loops:
            self._cut(loop)
        kept = [*self.returned, *(value for _, value in self.copies)]
        self.blocks = blocks_of(self.statements, kept, self.loops)
        self.nbytes = place(self.blocks)
        self._let_go()

    @property
    def constants(self) -> dict[str, Array]:
        """The arrays that statements know by name and that are no nodes."""
        return {name: value for name, value in self.bound.items() if isinstance(value, np.ndarray)}

    @property
    def roots(self) -> list[Variable]:
        """All state and constants that are used, each once."""
        found = dict.fromkeys(variable.root for variable in self.variables.by_node.values() if variable in self.used)
        return [root for root in found if root.kind in ("state", "constant")]

    @property
    def lines_into_state(self) -> set[str]:
        """The first lines of the statements that write into state."""
        into = {statement.lines[0] for statement in self.statements if statement.out.root.kind == "state"}
        return into | {"# --- new state"}

    @functools.cached_property
    def used(self) -> set[Variable]:
        """The variables that the text mentions, and those they are views of."""
        found: set[Variable] = set()
        mentioned = [x for one in self.statements for x in (*one.reads, one.out, *(place for place, _ in one.places))]
        for variable in [*mentioned, *self.returned, *(x for pair in self.copies for x in pair)]:
            step: Variable | None = variable
            while step is not None and step not in found:
                found.add(step)
                step = step.base
        return found

    # --- statements ---------------------------------------------------------------------------------------------------

    def _statement(self, node: Node) -> Statement:
        variables, out = self.variables.by_node, self.variables[node]
        function = node.function
        assert function is not None
        operands = [variables[x] if isinstance(x, Node) else x for x in node.inputs]
        writer = LineWriter(self.known, out)
        places: list[tuple[Variable, Any]] = []
        if out.kind == "local":
            lines = [f"{out} = {out.text}" if out.text else number_line(node, variables)]
        elif node in self.variables.parts:
            places = self._joined(node, operands)
            lines = [f"np.copyto({place}, {text_of(x)})" for place, x in places]
        else:
            lines = writer.lines(node, variables)
        in_place = function.elementwise and len(lines) == 1 and lines[0].startswith("np.")
        return Statement(node, lines, operands, out, places, writer.made, in_place, writer.calls, self._section(node))

    def _joined(self, node: Node, operands: list[Any]) -> list[tuple[Variable, Any]]:
        """The parts of a result whose operands were not computed there."""
        out, found = self.variables[node], []
        for i, (text, x) in enumerate(zip(self.variables.parts[node], operands, strict=True)):
            if (node, i) not in self.variables.placed:
                text = text.format(out=out)
                array = evaluated(text, {out.name: out.array})
                found.append((Variable(self.names.new(f"{out.name}_part"), "view", array, text, out), x))
        return found

    def _section(self, node: Node) -> str:
        if node.origin is not None:
            return "backward"
        first = next((other.number for other in self.graph if other.origin is not None), len(self.graph))
        return "forward" if node.number < first else "update"

    @property
    def places(self) -> list[Variable]:
        """The parts of results that operands are copied to."""
        return [place for statement in self.statements for place, _ in statement.places]

    @property
    def steps(self) -> list[tuple[Loop | None, list[Statement]]]:
        """The statements, those of a loop together."""
        found: list[tuple[Loop | None, list[Statement]]] = []
        number = 0
        for loop in [*self.loops, None]:
            first = len(self.statements) if loop is None else loop.first
            found += [(None, [one]) for one in self.statements[number:first]]
            if loop is not None:
                found.append((loop, self.statements[loop.first : loop.last + 1]))
                number = loop.last + 1
        return found

    def _let_go(self) -> None:
        """Give back the arrays on which views were tried; their shapes and strides are all that is still needed."""
        scratch = [x for statement in self.statements for x in statement.scratch]
        for variable in [*self.variables.by_node.values(), *self.places, *scratch]:
            if variable.root.kind not in ("state", "constant"):
                array = variable.array
                variable.array = as_strided(np.empty(1, array.dtype), array.shape, array.strides, writeable=False)

    # --- loops --------------------------------------------------------------------------------------------------------

    def _cut(self, loop: Loop) -> None:
        """Let the statements of a loop work on pieces; what only they need is as large as one piece."""
        inside = self.statements[loop.first : loop.last + 1]
        outside = [one for one in self.statements if one not in inside]
        needed = {x.root for one in outside for x in (one.out, *one.reads)}
        needed |= {x.root for x in self.returned} | {x.root for pair in self.copies for x in pair}
        every = [*self.variables.by_node.values(), *(place for one in inside for place, _ in one.places)]
        for root in dict.fromkeys(one.out.root for one in inside):
            if root.kind == "buffer" and root not in needed:
                small = _shrunk(root, [x for x in every if x.root is root and x is not root], loop)
                if small:
                    loop.members += (root,)
                for x, (array, text) in small.items():
                    x.array, x.text = array, text
        for statement in inside:
            self._work_on_pieces(statement, loop)

    def _work_on_pieces(self, statement: Statement, loop: Loop) -> None:
        by_rows = sliced(statement) or []

        def piece(x: Any) -> Any:
            return _piece(x, loop) if any(x is one for one in by_rows) else x

        node = statement.node
        for variable in statement.scratch:
            self.names.give_back(variable.name)
        writer = LineWriter(self.known, statement.out)
        if statement.places:
            lines = [f"np.copyto({piece(place)}, {text_of(piece(x))})" for place, x in statement.places]
            statement.lines = [line.replace(MARK, "") for line in lines]
        else:
            mapping = {x: piece(self.variables[x]) for x in (*node.inputs, node) if isinstance(x, Node)}
            statement.lines = writer.lines(node, mapping)
        statement.scratch = writer.made
        loop.members += tuple(writer.made)

    # --- state --------------------------------------------------------------------------------------------------------

    def _write_into_state(self) -> None:
        """Let a new value be computed where it belongs, if nothing needs the old one any more; others are copied."""
        groups: dict[Variable, list[tuple[Variable, Variable]]] = {}
        for state, value in self.copies:
            home = value.base if value.kind == "view" and not value.computed else value
            while home is not None and home.kind == "view" and not home.computed:
                home = home.base
            if home is not None and home.kind == "buffer":
                groups.setdefault(home, []).append((state, value))
        for home, copies in groups.items():
            memory = self._memory_for(home, copies)
            if memory is not None and self._is_free(home, memory):
                owner, array = memory
                home.kind, home.base, home.array = "view", owner, array
                home.text = owner.name if array.shape == owner.shape else text_of_part(array, owner)
                self._made_again(home)
                self.copies = [pair for pair in self.copies if pair not in copies]

    def _memory_for(self, home: Variable, copies: list[tuple[Variable, Variable]]) -> tuple[Variable, Array] | None:
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

    def _is_free(self, home: Variable, memory: tuple[Variable, Array]) -> bool:
        """Whether nothing reads that memory after `home` is written, and nothing can fail any more."""
        _, array = memory
        number = next(i for i, statement in enumerate(self.statements) if statement.out is home)
        others = [*self.returned, *(value for _, value in self.copies)]

        def overlaps(variable: Variable) -> bool:
            # A constant may look into state: what detach made of it outside.
            return variable.root.kind in ("state", "constant") and np.may_share_memory(variable.array, array)

        statement = self.statements[number]
        for x in statement.reads:
            same = x.array.strides == array.strides and address(x.array) == address(array) and x.shape == array.shape
            if overlaps(x) and not (statement.in_place and same):
                return False
        later = self.statements[number + 1 :]
        if any(overlaps(x) for other in later for x in other.reads) or any(overlaps(x) for x in others):
            return False
        if any(one.out.root is home for one in self.statements[:number]):
            return False  # parts of it are written before
        return not any(other.may_raise for other in later)

    def _copied_first(self) -> dict[Variable, str]:
        """The values that a copy into state would change before they are copied themselves, as when two are swapped."""
        written = [state for state, _ in self.copies]
        return {
            value: self.names.new(f"new_{value.name}")
            for _, value in self.copies
            if value.root.kind in ("state", "constant")
            and any(np.may_share_memory(value.array, state.array) for state in written)
        }

    def _made_again(self, home: Variable) -> None:
        """The views of `home`, in its new place."""
        for variable in self.variables.by_node.values():
            if variable.base is home:
                variable.array = evaluated(variable.text, {home.name: home.array})
                self._made_again(variable)


def _piece(variable: Variable, loop: Loop) -> Variable:
    """A piece of a variable, for the lines of a loop."""
    if loop.flat:
        text = f"[: {MARK}stop - {MARK}start]" if variable.root in loop.members else f"[{MARK}start:{MARK}stop]"
        return Variable(variable.name + text, variable.kind, variable.array[:FLAT], base=variable)
    if variable.root in loop.members:
        return variable
    n = len(variable.array) // loop.count
    text = f"[{MARK}i : {MARK}i + 1]" if n == 1 else f"[{n} * {MARK}i : {n} * {MARK}i + {n}]"
    return Variable(variable.name + text, variable.kind, variable.array[:n], base=variable)


def _shrunk(root: Variable, views: list[Variable], loop: Loop) -> dict[Variable, tuple[Array, str]]:
    """Memory and its views as large as one piece, with their texts; nothing where that cannot be.

    It cannot where the piece of a view is not the view of a piece. A text may hold lengths: another is tried then.
    """
    found: dict[Variable, tuple[Array, str]] = {}
    for one in (root, *views):
        if not one.ndim:
            return {}
        array, text = one.array[: FLAT if loop.flat else len(one.array) // loop.count], one.text
        if one.base is not None:
            base = Variable(one.base.name, "buffer", found[one.base][0])
            tried = [text, reshaped(base.name, array.shape)]
            text = next((each for each in tried if _is_made_by(each, base, array)), "")
            if not text:
                return {}
        found[one] = array, text
    return found


def _is_made_by(text: str, base: Variable, array: Array) -> bool:
    """Whether the expression makes just that view of `base`."""
    try:
        made = evaluated(text, {base.name: base.array})
    except (ValueError, IndexError):  # it was written for a larger one
        return False
    return (address(made), made.shape, made.strides) == (address(array), array.shape, array.strides)
