"""The lines of NumPy for one node, from what its op declares."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from minigrad.core.arrays import Array
from minigrad.core.op import Op
from minigrad.graph import Node
from minigrad.ops.kernels import fitting

if TYPE_CHECKING:
    from minigrad.compiler.variables import Variable


class Writer(Protocol):
    """What a declaration of code may ask of the program that is being written, beside the names of its operands."""

    def memory(self, name: str, shape: tuple[int, ...], dtype: Any) -> Variable:
        """An array for the length of the node."""

    def constant(self, name: str, array: Array) -> str:
        """The name of a fixed array; equal ones are one."""

    def number(self, value: float, like: Variable) -> str:
        """A number beside `like`: an array of no axes, which NumPy takes faster, or as it is where `like` has none."""

    def bind(self, name: str, value: Any) -> str:
        """The name under which the program knows `value`, which cannot be written down."""

    def call(self, op: Op) -> str:
        """The name under which the program knows what `op` computes."""

    def helper(self, function: Callable[..., Any]) -> str:
        """The name under which the program knows a function of NumPy arrays."""

    def check(self, function: str, caller: str, operand: Variable, limit: int) -> list[str]:
        """The line that calls a checking function on behalf of `caller`; none where the argument was checked before."""

    def copy(self, operand: Variable) -> str:
        """The first line, where others change a copy of `operand`: it falls away where the result may lie there."""

    def never_fails(self) -> None:
        """Say that no values can make the lines fail, whatever they call."""

    def text(self, operand: Any) -> str:
        """An operand, which may be a number or None, as Python writes it."""


def lines_of(node: Node, variables: Mapping[Node, Variable], writer: Writer) -> list[str]:
    """The statements that write the value of `node` into its variable."""
    op, out = _op(node), variables[node]
    operands = [variables[x] if isinstance(x, Node) else x for x in node.inputs]
    if op.view and not op.elementwise:
        text = view_text(node, variables)
        code = None if text is None else f"{out}[...] = {text}"
    elif callable(op.code):
        code = op.code(writer, out, *operands, **node.params)
    elif op.code:
        code = _formatted(op, op.code, out, operands, node.params)
    elif is_numpy(op.forward):
        code = f"np.{op.forward.__name__}({', '.join(_ufunc_operands(operands, out, writer))}, out={out})"
    else:
        code = None
    if code is None:
        text = call_of(node, operands, writer)
        if op.guarded:  # what it gave for zeros says nothing of other values
            text = f"{writer.helper(fitting)}({op.name!r}, {text}, {out})"
        code = f"{out}[...] = {text}"
    return code.splitlines()


OPERATORS = {np.add: "+", np.subtract: "-", np.multiply: "*", np.divide: "/", np.power: "**"}  # much faster on numbers


def _ufunc_operands(operands: list[Any], out: Variable, writer: Writer) -> list[str]:
    """The operands of a ufunc, with numbers as arrays of no axes where that makes no difference but to the time."""
    arrays = [x for x in operands if hasattr(x, "root")]
    alike = len({x.dtype for x in arrays}) == 1 and arrays[0].dtype.char in "fd" and out.ndim
    return [
        writer.number(x, arrays[0]) if alike and type(x) in (int, float) and fits(x, arrays[0].dtype) else text_of(x)
        for x in operands
    ]


def fits(number: float, dtype: np.dtype[Any]) -> bool:
    """Whether it stays finite, and stays true or false, in this type."""
    return abs(number) <= float(np.finfo(dtype).max) and bool(dtype.type(number)) == bool(number)


def is_numpy(function: Any) -> bool:
    """Whether the function is a ufunc of NumPy itself, and not one that others have made."""
    return isinstance(function, np.ufunc) and getattr(np, function.__name__, None) is function


def is_of_numbers(node: Node) -> bool:
    """Whether `number_line` can write the node: a ufunc, or another type, of nothing but numbers."""
    function = node.function
    if function is None or not (is_numpy(function.forward) or function.name == "astype"):
        return False
    nodes = [x for x in (node, *node.inputs) if isinstance(x, Node)]
    return all(x.shape == () and x.dtype.char in "fd" and x.dtype.isnative for x in nodes)


def number_line(node: Node, variables: Mapping[Node, Variable]) -> str:
    """The statement that computes a number: with Python's operators, on NumPy's scalars."""
    op = _op(node)
    operands = [_read(variables[x]) if isinstance(x, Node) else text_of(x) for x in node.inputs]
    if op.forward in OPERATORS:
        operands = [f"({text})" if text.startswith("-") else text for text in operands]  # −1 ** 2 is −(1 ** 2)
        return f"{variables[node]} = " + f" {OPERATORS[op.forward]} ".join(operands)
    name = f"np.{op.forward.__name__}" if is_numpy(op.forward) else text_of(node.dtype)
    return f"{variables[node]} = {name}({', '.join(operands)})"


def view_text(node: Node, variables: Mapping[Node, Variable]) -> str | None:
    """The expression of a view, or None for one that is no expression of its first operand."""
    op = _op(node)
    operands = [variables[x] if isinstance(x, Node) else x for x in node.inputs]
    if callable(op.code):
        return op.code(None, None, *operands, **node.params)
    return _formatted(op, op.code, None, operands, node.params) if op.code else None


def part_texts(node: Node) -> list[str]:
    """For each operand of a joining operation, the expression of its place in `{out}`."""
    op = _op(node)
    assert op.parts is not None
    texts: list[str] = op.parts(*node.inputs, **node.params)
    return texts


def call_of(node: Node, operands: list[Any], writer: Writer) -> str:
    """The call of the op's own forward function."""
    params = [
        f"{name}={text_of(value) if is_plain(value) else writer.bind(name, value)}"
        for name, value in node.params.items()
    ]
    return f"{writer.call(_op(node))}({', '.join([*map(text_of, operands), *params])})"


def text_of(value: Any) -> str:
    """An operand or a param as Python writes it."""
    if isinstance(value, float) and not math.isfinite(value):
        return {math.inf: "np.inf", -math.inf: "-np.inf"}.get(value, "np.nan")
    if isinstance(value, np.dtype):
        return f"np.{value.name}{'_' * (value.kind == 'b')}" if value.isnative else f"np.dtype({value.str!r})"
    if type(value) is tuple:
        return f"({', '.join(map(text_of, value))}{',' * (len(value) == 1)})"
    return str(value) if hasattr(value, "root") else repr(value)


def name_of_number(value: float) -> str:
    """0.25 is called n_0_25, and 1e-08 n_1e_08."""
    text = f"{abs(value):.4g}".replace(".", "_").replace("+", "").replace("-", "_")
    return f"n_minus_{text}" if str(value).startswith("-") else f"n_{text}"


def is_plain(value: Any) -> bool:
    """Whether `text_of` writes a param so that Python can read it again."""
    if type(value) is tuple:
        return all(map(is_plain, value))
    return type(value) in (type(None), bool, int, float, str) or isinstance(value, np.dtype)


def _formatted(op: Op, code: str, out: Any, operands: list[Any], params: Mapping[str, Any]) -> str:
    named = dict(zip(op.arguments, map(text_of, operands), strict=False))
    return code.format(out=out, **named, **{name: text_of(value) for name, value in params.items()})


def _read(variable: Variable) -> str:
    return variable.name if variable.kind == "local" else f"{variable.name}[()]"


def _op(node: Node) -> Op:
    assert node.function is not None
    return node.function
