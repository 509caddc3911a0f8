"""The text of a program: Python that a student can read, one call of NumPy per line."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from minigrad.compiler.code import text_of
from minigrad.compiler.pieces import FLAT
from minigrad.compiler.planner import Plan
from minigrad.compiler.statements import Loop, Statement
from minigrad.compiler.variables import Variable
from minigrad.graph import Node

TITLE = "# %4 beside a line is the node of print(step.graph) that it computes"
COMMENTS = 72  # the column where comments begin, where lines are short enough


def source(plan: Plan, clocks: bool = False) -> str:
    """The whole program. It expects `state` and `constants`, arrays by name, and defines `step`.

    With `clocks` the function returns the time before and after each of its statements, as `clock` tells it.
    """
    header = [*_state(plan), *_numbers(plan), *_memory(plan), *_views(plan)]
    return "\n".join(["import numpy as np", "", TITLE, *header, "", "", *_step(plan, clocks), ""])


def _state(plan: Plan) -> Iterator[str]:
    for kind, title in (("state", "state, which steps write to"), ("constant", "constants")):
        found = [root for root in plan.roots if root.kind == kind]
        if found or (kind == "constant" and plan.constants):
            yield f"# --- {title}"
        for root in found:
            where = "state" if kind == "state" else "constants"
            yield _commented(f'{root} = {where}["{root.name}"]', _described(root))
        if kind == "constant":
            for name, array in plan.constants.items():
                yield _commented(f'{name} = constants["{name}"]', f"{array.shape} {array.dtype}")


def _numbers(plan: Plan) -> Iterator[str]:
    if plan.numbers:
        yield "# --- numbers, as arrays of no axes: NumPy takes these faster than Python's numbers"
    for (text, dtype), name in plan.numbers.items():
        yield f"{name} = np.array({text}, {text_of(dtype)})"


def _memory(plan: Plan) -> Iterator[str]:
    if not plan.blocks:
        return
    yield "# --- memory: what is never alive at the same time shares a place"
    yield f"memory = np.empty({plan.nbytes} + 64, np.uint8)"
    yield "memory = memory[-memory.ctypes.data % 64 :]  # from the beginning of a cache line"
    yield ""
    yield ""
    yield "def array(offset, dtype, *shape):"
    yield "    return np.ndarray(shape, dtype, memory, offset)"
    yield ""
    yield ""
    for block in sorted(plan.blocks, key=lambda block: block.first):
        for variable in block.members:
            shape = "".join(f", {n}" for n in variable.shape)
            dtype = "bool" if variable.dtype.kind == "b" else text_of(variable.dtype)
            yield f"{variable} = array({block.offset}, {dtype}{shape})"


def _views(plan: Plan) -> Iterator[str]:
    made: dict[Variable, None] = {}

    def make(variable: Variable) -> Iterator[str]:
        chain: list[Variable] = []
        while variable.base is not None and variable.kind == "view" and variable not in made:
            chain.append(variable)
            variable = variable.base
        for each in reversed(chain):  # a view of a view after that
            made[each] = None
            yield _commented(f"{each} = {each.text}", _described(each))

    lines = [
        line
        for variable in [*plan.variables.by_node.values(), *plan.places]
        if variable.kind == "view" and variable in plan.used
        for line in make(variable)
    ]
    if lines:
        yield "# --- views"
        yield from lines


def _step(plan: Plan, clocks: bool) -> Iterator[str]:
    arguments = ", ".join(plan.variables[node].name for node in plan.graph.inputs)
    yield f"def step({arguments}):"
    if clocks:
        yield "    times = [clock()]"
    for section, steps in groupby(plan.steps, key=lambda one: one[1][0].section):
        yield f"    # --- {section}"
        margin = "    "
        if section == "backward":
            yield '    with np.errstate(all="ignore"):'
            margin = "        "
        for loop, statements in steps:
            deeper = margin
            if loop is not None:
                yield from (margin + line for line in _head(loop))
                deeper += "    "
            for statement in statements:
                comment = _comment(plan, statement)
                for line in statement.lines:
                    yield _commented(deeper + line, comment)
                    comment = ""
            if clocks:
                yield f"{margin}times.append(clock())"
    if plan.copies:
        yield "    # --- new state"
        late = {value: plan.copied_first[value] for _, value in plan.copies if value in plan.copied_first}
        for value, name in late.items():
            yield f"    {name} = {value}.copy()"
    returned = [f"np.array({variable})" for variable in plan.returned]
    if plan.copies:
        names = [plan.names.new(f"result_{i}") for i in range(len(returned))]
        for name, text in zip(names, returned, strict=True):
            yield f"    {name} = {text}"
        for state, value in plan.copies:
            yield f"    {state}[...] = {plan.copied_first.get(value, value)}"
        returned = names
    if clocks:
        yield "    return times"
        return
    yield f"    return ({', '.join(returned)}{',' if len(returned) == 1 else ''})"


def _head(loop: Loop) -> list[str]:
    """How a loop over pieces begins."""
    if loop.flat:
        return [f"for start in range(0, {loop.flat}, {FLAT}):", f"    stop = min(start + {FLAT}, {loop.flat})"]
    return [f"for i in range({loop.count}):"]


def _comment(plan: Plan, statement: Statement) -> str:
    node = statement.node
    source: Node | None = plan.sources.get(node)
    number = f"%{source.number} " if source is not None else ""
    return f"{number}{node.shape}"


def _described(variable: Variable) -> str:
    return f"{variable.shape} {variable.dtype}"


def _commented(line: str, comment: str) -> str:
    return f"{line:<{COMMENTS}}  # {comment}" if comment else line
