"""The text of a program: Python that a student can read, one call of NumPy per line.

This is where names are given, and where text begins.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator
from itertools import groupby
from typing import Any, NamedTuple

import numpy as np

from minigrad.compiler.destinations import overwritten_values
from minigrad.compiler.expressions import (
    Bind,
    Bound,
    Call,
    Item,
    Method,
    Number,
    Operation,
    Piece,
    Store,
    Value,
    values_in,
)
from minigrad.compiler.instructions import Instruction, Loop, is_kernel, is_of_numpy
from minigrad.compiler.names import Names, variable_names, word
from minigrad.compiler.plan import Plan
from minigrad.core.arrays import Array
from minigrad.graph import Node
from minigrad.ops.kernels.turns import share_turns

TITLE = "# %4 beside a line is the node of print(step.graph) that it computes"
COMMENTS = 72  # the column where comments begin, where lines are short enough


class Printed(NamedTuple):
    """A program as text, and what it knows by name.

    It defines `step`, whose `arguments` are named, and expects `state` and `constants`, arrays by name, and what is
    `bound`: kernels, generators, and values that cannot be written down. In line `first_write` state is written first.
    With clocks `step` returns the time before and after each of its steps, as `clock` tells it.
    """

    text: str
    arguments: tuple[str, ...]
    state: dict[str, Array]
    constants: dict[str, Array]
    bound: dict[str, Any]
    first_write: int


def print_program(plan: Plan, clocks: bool = False) -> Printed:
    """Write a plan down."""
    return _Printer(plan).run(clocks)


def print_step(plan: Plan) -> list[str]:
    """The lines of each step of a plan, one after the other."""
    printer = _Printer(plan)
    return [" ⏎ ".join(map(printer.line, instructions)) for _, instructions in plan.steps]


class _Printer:
    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.given = Names()
        self.names: dict[Value, str] = {}
        self.numbers: dict[tuple[str, np.dtype[Any]], str] = {}  # −0.0 is not 0.0
        self.bound: dict[str, Any] = {}
        self._known: dict[int, str] = {}  # names of what is bound, by identity
        self._texts: dict[Any, str] = {}
        for node, name in variable_names(plan.graph, plan.sources, self.given).items():
            self.names[plan.values[node]] = name
        for one in plan.instructions:
            self._name_functions(one.statement)
        if any(loop.twins for loop in plan.loops):  # no variable has such a name
            self.bound[share_turns.__name__] = share_turns
        for value in plan.used:
            self._name_functions(plan.places[value].view)
            self._name(value)
        self.memories = {loop.first: self.given.new("memories") for loop in plan.loops if loop.twins}

    def run(self, clocks: bool) -> Printed:
        used = self.plan.used
        roots = [value for value in used if self.plan.places[value].base is None]
        step = list(self._step(clocks))  # the names of numbers are given here
        header = [*self._arrays(roots), *self._numbers(), *self._memory(), *self._views(used), *self._memories()]
        head = ["import numpy as np", "", TITLE, *header, "", ""]
        kinds: dict[str, dict[str, Array]] = {"state": {}, "constant": {}}
        for root in roots:
            place = self.plan.places[root]
            if place.kind in kinds:
                kinds[place.kind][self.names[root]] = place.array
        writes = [i for i, (_, writes) in enumerate(step, len(head) + 1) if writes]
        return Printed(
            "\n".join([*head, *(line for line, _ in step), ""]),
            tuple(self.names[value] for value in self.plan.arguments), kinds["state"], kinds["constant"], self.bound,
            min(writes, default=len(head) + len(step) + 1),
        )  # fmt: skip

    # --- names --------------------------------------------------------------------------------------------------------

    def _name(self, value: Value) -> str:
        if value not in self.names:
            owner = self._name(value.owner) if value.owner is not None else ""
            self.names[value] = self.given.new(value.label.format(owner))
        return self.names[value]

    def _name_functions(self, expression: Any) -> None:
        """Names for what a statement calls or holds, before variables get theirs."""
        kind = type(expression)
        if kind is Call and is_kernel(expression.function):  # no variable has such a name
            self.bound[expression.function.__name__] = expression.function
        if kind is Bound:
            self._bind(expression.label, expression.value)
        elif isinstance(expression, tuple):
            for part in expression:
                self._name_functions(part)

    def _bind(self, label: str, value: Any) -> str:
        if id(value) not in self._known:
            name = word(label) if word(label).isidentifier() else "function"
            self._known[id(value)] = name = self.given.new(name)
            self.bound[name] = value
        return self._known[id(value)]

    # --- expressions --------------------------------------------------------------------------------------------------

    def line(self, instruction: Instruction) -> str:
        """An instruction, without margin and comment."""
        statement = instruction.statement
        if isinstance(statement, (Store, Bind)):
            return f"{self.text(statement.target)} = {self.text(statement.value)}"
        return self.text(statement)

    def text(self, expression: Any) -> str:
        """An expression as Python."""
        kind = type(expression)
        if kind is Value:
            return self.names[expression]
        if kind in _WRITERS:
            written: str = _WRITERS[kind](self, expression)
            return written
        return f"np.{expression.__name__}" if is_of_numpy(expression) else text_of(expression)

    def _tuple(self, expression: tuple[Any, ...]) -> str:
        return f"({', '.join(map(self.text, expression))}{',' * (len(expression) == 1)})"

    def _arguments(self, call: Call | Method) -> str:
        named = [f"{name}={self.text(x)}" for name, x in call.keywords]
        return ", ".join([*map(self.text, call.operands), *named])

    def _call(self, call: Call) -> str:
        function = call.function
        name = function.__name__ if is_kernel(function) else self.text(function)
        return f"{name}({self._arguments(call)})"

    def _method(self, method: Method) -> str:
        return f"{self.text(method.base)}.{method.name}({self._arguments(method)})"

    def _item(self, item: Item) -> str:
        key = item.key if type(item.key) is tuple else (item.key,)
        return f"{self.text(item.base)}[{', '.join(map(self._entry, key)) or '()'}]"

    def _entry(self, entry: Any) -> str:
        """What stands between brackets, one of several."""
        if isinstance(entry, slice):
            ends = ["" if x is None else str(x) for x in (entry.start, entry.stop, entry.step)]
            return ":".join(ends if ends[2] else ends[:2])
        return "..." if entry is ... else self.text(entry)

    def _operation(self, operation: Operation) -> str:
        texts = map(self.text, operation.operands)
        return f" {operation.symbol} ".join(f"({x})" if x.startswith("-") else x for x in texts)  # −1 ** 2 is −(1 ** 2)

    def _number(self, number: Number) -> str:
        key = text_of(number.value), number.dtype
        if key not in self.numbers:
            self.numbers[key] = self.given.new(name_of_number(number.value))
        return self.numbers[key]

    def _piece(self, piece: Piece) -> str:
        n, name = piece.length, self.names[piece.whole]
        if not n:
            return f"{name}[: stop - start]" if piece.small else f"{name}[start:stop]"
        return f"{name}[i : i + 1]" if n == 1 else f"{name}[{n} * i : {n} * i + {n}]"

    # --- before the step ----------------------------------------------------------------------------------------------

    def _arrays(self, roots: list[Value]) -> Iterator[str]:
        for kind, title, where in (
            ("state", "state, which steps write to", "state"), ("constant", "constants", "constants"),
        ):  # fmt: skip
            found = [root for root in roots if self.plan.places[root].kind == kind]
            if found:
                yield f"# --- {title}"
            for root in found:
                name = self.names[root]
                yield _commented(f'{name} = {where}["{name}"]', self._described(root))

    def _numbers(self) -> Iterator[str]:
        if self.numbers:
            yield "# --- numbers, as arrays of no axes: NumPy takes these faster than Python's numbers"
        for (text, dtype), name in self.numbers.items():
            yield f"{name} = np.array({text}, {text_of(dtype)})"

    def _memory(self) -> Iterator[str]:
        if not self.plan.blocks:
            return
        yield "# --- memory: what is never alive at the same time shares a place"
        yield f"memory = np.empty({self.plan.nbytes} + 64, np.uint8)"
        yield "memory = memory[-memory.ctypes.data % 64 :]  # from the beginning of a cache line"
        yield ""
        yield ""
        yield "def array(offset, dtype, *shape):"
        yield "    return np.ndarray(shape, dtype, memory, offset)"
        yield ""
        yield ""
        for block in sorted(self.plan.blocks, key=lambda block: block.first):
            for value in block.members:
                array = self.plan.places.array(value)
                shape = "".join(f", {n}" for n in array.shape)
                dtype = "bool" if array.dtype.kind == "b" else text_of_type(array.dtype)
                yield f"{self.names[value]} = array({block.offset}, {dtype}{shape})"

    def _views(self, used: dict[Value, None]) -> Iterator[str]:
        places, made = self.plan.places, set[Value]()
        lines = []
        for value in used:
            chain: list[Value] = []
            while places[value].kind == "view" and value not in made:
                chain.append(value)
                made.add(value)
                value = next(values_in(places[value].view))
            for each in reversed(chain):  # a view of a view after that
                lines.append(_commented(f"{self.names[each]} = {self.text(places[each].view)}", self._described(each)))
        if lines:
            yield "# --- views"
            yield from lines

    def _memories(self) -> Iterator[str]:
        if self.memories:
            yield "# --- what loops write to that is needed in one turn only, for each thread"
        for loop in (loop for loop in self.plan.loops if loop.twins):
            each = [tuple(loop.twins[0]), *(tuple(twins.values()) for twins in loop.twins)]
            yield f"{self.memories[loop.first]} = [{', '.join(map(self._tuple, each))}]"

    def _described(self, value: Value) -> str:
        array = self.plan.places.array(value)
        return f"{array.shape} {describe_type(array.dtype)}"

    # --- the step -----------------------------------------------------------------------------------------------------

    def _step(self, clocks: bool) -> Iterator[tuple[str, bool]]:
        """The lines of the function, and whether they write state."""
        yield f"def step({', '.join(self.names[value] for value in self.plan.arguments)}):", False
        if clocks:
            yield "    times = [clock()]", False
        commented: Node | None = None
        for section, steps in groupby(self.plan.steps, key=lambda one: one[1][0].section):
            yield f"    # --- {section}", False
            margin = "    "
            if section == "backward":
                yield '    with np.errstate(all="ignore"):', False
                margin = "        "
            for loop, instructions in steps:
                deeper = margin
                if loop is not None:
                    if loop.twins:
                        yield (
                            f"{margin}def turns({', '.join(['part', *(self.names[x] for x in loop.twins[0])])}):",
                            False,
                        )
                        deeper += "    "
                    writes = any(map(self._writes_state, instructions))  # in a turn before the one that fails
                    yield from ((deeper + line, writes) for line in _head(loop))
                    deeper += "    "
                for instruction in instructions:
                    comment = "" if instruction.node is commented else self._comment(instruction.node)
                    commented = instruction.node
                    yield _commented(deeper + self.line(instruction), comment), self._writes_state(instruction)
                if loop is not None and loop.twins:
                    yield f"{margin}share_turns(turns, {_numbers_of(loop)}, {self.memories[loop.first]})", False
                if clocks:
                    yield f"{margin}times.append(clock())", False
        yield from self._end(clocks)

    def _writes_state(self, instruction: Instruction) -> bool:
        return any(self.plan.places.kind_of_root(x) == "state" for x in instruction.written)

    def _comment(self, node: Node) -> str:
        source = self.plan.sources.get(node)
        return f"{node.shape}" if source is None else f"%{source.number} {node.shape}"

    def _end(self, clocks: bool) -> Iterator[tuple[str, bool]]:
        """New values of state that are not there yet, and what is returned."""
        returned = [f"np.array({self.names[value]})" for value in self.plan.returned]
        if self.plan.copies:
            yield "    # --- new state", True
            late = {value: self.given.new(f"new_{self.names[value]}") for value in overwritten_values(self.plan)}
            for value, name in late.items():
                yield f"    {name} = {self.names[value]}.copy()", False
            names = [self.given.new(f"result_{i}") for i in range(len(returned))]
            for name, text in zip(names, returned, strict=True):
                yield f"    {name} = {text}", False
            for state, value in self.plan.copies:
                yield f"    {self.names[state]}[...] = {late.get(value, self.names[value])}", True
            returned = names
        if clocks:
            yield "    return times", False
        else:
            yield f"    return ({', '.join(returned)}{',' if len(returned) == 1 else ''})", False


_WRITERS: dict[Any, Any] = {
    tuple: _Printer._tuple, Call: _Printer._call, Method: _Printer._method, Item: _Printer._item,
    Operation: _Printer._operation, Number: _Printer._number, Piece: _Printer._piece,
    Bound: lambda printer, bound: printer._bind(bound.label, bound.value),
}  # fmt: skip


def text_of(value: Any) -> str:
    """A number, a type or a text as Python writes it."""
    if isinstance(value, float) and not math.isfinite(value):
        return {math.inf: "np.inf", -math.inf: "-np.inf"}.get(value, "np.nan")
    if isinstance(value, np.dtype):
        return text_of_type(value)
    text = repr(value)
    plain = isinstance(value, str) and text[0] == "'" and "'" not in value and '"' not in value
    return f'"{text[1:-1]}"' if plain else text


@functools.cache  # a type makes its name in Python, each time
def text_of_type(dtype: np.dtype[Any]) -> str:
    """A type as Python writes it."""
    return f"np.{dtype.name}{'_' * (dtype.kind == 'b')}" if dtype.isnative else f"np.dtype({dtype.str!r})"


@functools.cache
def describe_type(dtype: np.dtype[Any]) -> str:
    """A type as a comment says it."""
    return str(dtype)


def name_of_number(value: float) -> str:
    """0.25 is called n_0_25, and 1e-08 n_1e_08."""
    text = f"{abs(value):.4g}".replace(".", "_").replace("+", "").replace("-", "_")
    return f"n_minus_{text}" if str(value).startswith("-") else f"n_{text}"


def _head(loop: Loop) -> list[str]:
    """How a loop over pieces begins."""
    numbers = "part" if loop.twins else _numbers_of(loop)
    if loop.flat:
        return [f"for start in {numbers}:", f"    stop = min(start + {loop.step}, {loop.flat})"]
    return [f"for i in {numbers}:"]


def _numbers_of(loop: Loop) -> str:
    """What a loop counts: pieces, or elements."""
    return f"range(0, {loop.flat}, {loop.step})" if loop.flat else f"range({loop.turns})"


def _commented(line: str, comment: str) -> str:
    return f"{line:<{COMMENTS}}  # {comment}" if comment else line
