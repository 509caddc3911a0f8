"""The lines of one result, and the names in them: what a declaration of code asks for while it writes.

A declaration writes text in which the program's own names stand beside those of the op's module. To tell them apart,
whatever they may be called, the program's own are marked until the lines are done.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from minigrad.compiler.code import lines_of, name_of_number, text_of
from minigrad.compiler.cutting import edited, instead_of
from minigrad.compiler.names import LANGUAGE, MARK, PROGRAM, Names, word
from minigrad.compiler.variables import Variable
from minigrad.core.arrays import Array
from minigrad.core.op import Op
from minigrad.graph import Node


class Known:
    """What a program knows by name beside its variables.

    `bound` are arrays, functions and other values by name; `numbers` the names of numbers as arrays of no axes;
    `checked` the results whose lines checked an argument.
    """

    def __init__(self, names: Names) -> None:
        self.names = names
        self.bound: dict[str, Any] = {}
        self.numbers: dict[tuple[str, np.dtype[Any]], str] = {}
        self.checked: dict[tuple[str, Variable, int], Variable] = {}
        self._names: dict[Any, str] = {}  # of what is bound: of arrays by content, of all else by identity

    def bind(self, key: Any, name: str, value: Any) -> str:
        """The name of `value`, which `key` tells from others."""
        if key not in self._names:
            self._names[key] = name = self.names.new(name)
            self.bound[name] = value
        return self._names[key]

    def function(self, name: str, function: Any) -> str:
        """The name of a function; `name` where nothing else has it."""
        free = word(name) if word(name).isidentifier() else "function"
        while free in self.names.given or free in LANGUAGE or free in PROGRAM or (
            self.bound.setdefault(free, function) is not function
        ):  # fmt: skip
            free = f"{free}_"
        self.names.reserved.add(free)
        return free


class LineWriter:
    """Writes the lines of one result; `made` is the memory that they take, `calls` whether they call more than NumPy.

    `sure` says that they cannot fail, and `copied` is the operand of which the first line makes a copy.

    It is a `Writer`, as `minigrad/compiler/code.py` describes it.
    """

    def __init__(self, known: Known, out: Variable) -> None:
        self.known, self.out = known, out
        self.made: list[Variable] = []
        self.calls = False
        self.sure = False
        self.copied: Variable | None = None

    def lines(self, node: Node, variables: Mapping[Node, Variable]) -> list[str]:
        """The lines that compute `node`; what they call from the module of its op is bound to the names they use."""
        function = node.function
        assert function is not None
        operands = {x: marked(variables[x]) for x in (*node.inputs, node) if isinstance(x, Node)}
        text = "\n".join(lines_of(node, operands, self))
        scope = getattr(function.forward, "__globals__", {})
        parts = list(ast.walk(ast.parse(text)))
        names = [part for part in parts if isinstance(part, ast.Name) and not part.id.startswith(MARK)]
        new = {part.id: "" for part in names if isinstance(part.ctx, ast.Store)}  # what the lines keep for themselves
        new = {name: self.known.names.new(name) for name in new}
        own = {part.arg for part in parts if isinstance(part, ast.arg)}
        edits = []
        for part in names:
            name = part.id
            if name in new:
                edits.append(instead_of(part, new[name]))
            elif name not in own and (name == function.name or name in scope):  # else it is Python's
                value = function.forward if name == function.name else scope[name]
                if value is not np:
                    edits.append(instead_of(part, self.known.function(name, getattr(value, "forward", value))))
                    self.calls = True
        return edited(text, edits).replace(MARK, "").split("\n")

    # --- what declarations ask for ------------------------------------------------------------------------------------

    def memory(self, name: str, shape: tuple[int, ...], dtype: Any) -> Variable:
        free = self.known.names.new(f"{name}_of_{self.out.name}")
        self.made.append(Variable(free, "buffer", np.empty(shape, dtype)))
        return marked(self.made[-1])

    def constant(self, name: str, array: Array) -> str:
        content = array.dtype.str, array.shape, hashlib.sha256(array.tobytes()).digest()
        return MARK + self.known.bind(content, name, array)

    def number(self, value: float, like: Variable) -> str:
        if not like.ndim:
            return text_of(value)
        key = (text_of(value), like.dtype)  # −0.0 is not 0.0
        if key not in self.known.numbers:
            self.known.numbers[key] = self.known.names.new(name_of_number(value))
        return MARK + self.known.numbers[key]

    def bind(self, name: str, value: Any) -> str:
        return MARK + self.known.bind(id(value), name, value)

    def call(self, op: Op) -> str:
        self.calls = True
        return MARK + self.known.function(op.name, op.forward)

    def helper(self, function: Callable[..., Any]) -> str:
        self.calls = True
        return MARK + self.known.function(function.__name__, function)

    def check(self, function: str, caller: str, operand: Variable, limit: int) -> list[str]:
        root, line = operand.root, f"{function}({caller!r}, {operand}, {limit})"
        if root.kind != "argument" or operand.size != root.size:
            return [line]
        first = self.known.checked.setdefault((function, root, limit), self.out)
        return [line] if first is self.out else []

    def copy(self, operand: Variable) -> str:
        self.copied = operand.base
        return f"np.copyto({MARK}{self.out.name}, {operand})"

    def never_fails(self) -> None:
        self.sure = True

    def text(self, operand: Any) -> str:
        return text_of(operand)


def marked(variable: Variable) -> Variable:
    """The variable for text in which other names stand too."""
    return Variable(MARK + variable.name, variable.kind, variable.array, base=variable)
