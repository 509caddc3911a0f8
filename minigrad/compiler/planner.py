"""From a rewritten graph to a plan: the statements of a program in order, and where everything lies in memory."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from minigrad.compiler.code import number_line, text_of
from minigrad.compiler.destinations import overwritten_values, write_into_state
from minigrad.compiler.memory import blocks_of, place
from minigrad.compiler.names import MARK, Names, variable_names
from minigrad.compiler.pieces import FLAT, loops, sliced
from minigrad.compiler.rewrite import Rewritten
from minigrad.compiler.statements import Loop, Statement
from minigrad.compiler.variables import Variable, Variables, address, evaluated
from minigrad.compiler.writer import Known, LineWriter
from minigrad.core.arrays import Array
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
        self._update = next((node.number for node in self.graph if node.origin is not None), len(self.graph))
        self.statements = [self._statement(node) for node in self.graph if self.variables[node].computed]
        self.returned = [self.variables[node] for node in self.graph.outputs]
        self.copies = [
            (self.variables[state], self.variables[value])
            for state, value in self.graph.updates.items()
            if state is not value
        ]
        variables = [*self.variables.by_node.values(), *self.places]
        self.copies = write_into_state(self.statements, variables, self.returned, self.copies)
        self.copied_first = {
            value: self.names.new(f"new_{value.name}") for value in dict.fromkeys(overwritten_values(self.copies))
        }
        self.loops = list(loops(self.statements))
        self._cut_into_pieces()
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
        may_raise = writer.calls and not (writer.sure or function.elementwise)
        return Statement(
            node, lines, operands, out, places, writer.made, in_place, may_raise, self._section(node), writer.copied
        )

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
        return "forward" if node.number < self._update else "update"

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

    def _cut_into_pieces(self) -> None:
        """Let the statements of loops work on pieces; what only one loop needs is as large as one piece."""
        if not self.loops:
            return
        users: dict[Variable, list[int]] = {}  # the first and the last statement that need a memory
        for number, statement in enumerate(self.statements):
            for x in (statement.out, *statement.reads):
                users.setdefault(x.root, [number, number])[1] = number
        for x in (*self.returned, *(x for pair in self.copies for x in pair)):
            users.setdefault(x.root, [0, 0])[1] = len(self.statements)
        views: dict[Variable, list[Variable]] = {}
        for x in (*self.variables.by_node.values(), *self.places):
            views.setdefault(x.root, []).append(x)
        for loop in self.loops:
            inside = self.statements[loop.first : loop.last + 1]
            for root in dict.fromkeys(one.out.root for one in inside):
                first, last = users[root]
                if root.kind == "buffer" and loop.first <= first and last <= loop.last:
                    small = _shrunk(root, [x for x in views[root] if x is not root], loop)
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


def _piece(variable: Variable, loop: Loop) -> Variable:
    """A piece of a variable, for the lines of a loop."""
    if loop.flat:
        text = f"[: {MARK}stop - {MARK}start]" if variable.root in loop.members else f"[{MARK}start:{MARK}stop]"
        return Variable(variable.name + text, variable.kind, variable.array[:FLAT], base=variable)
    if variable.root in loop.members:
        return variable
    n = len(variable.array) // loop.count
    text = f"[{MARK}i : {MARK}i + 1]" if n == 1 else f"[{n} * {MARK}i : {n} * {MARK}i + {n}]"
    kind = "view" if variable.kind == "constant" else variable.kind  # each piece of a constant has values of its own
    return Variable(variable.name + text, kind, variable.array[:n], base=variable)


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
