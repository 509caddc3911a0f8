"""The lines of NumPy for one node, from what its op declares."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from minigrad.core.op import Op
from minigrad.graph import Node

if TYPE_CHECKING:
    from minigrad.compiler.variables import Variable


class Scratch(Protocol):
    """What a declaration of code may ask for beside its operands."""

    def __call__(self, name: str, shape: tuple[int, ...], dtype: Any) -> Variable:
        """Memory for the length of the node."""

    def bind(self, name: str, value: Any) -> str:
        """The name under which the program knows `value`, which cannot be written down."""

    def number(self, value: float, dtype: np.dtype[Any]) -> Variable:
        """A number as an array of no axes, which NumPy takes faster than a number of Python's."""


def lines_of(node: Node, variables: Mapping[Node, Variable], scratch: Scratch) -> list[str]:
    """The statements that write the value of `node` into its variable."""
    op, out = _op(node), variables[node]
    operands = [variables[x] if isinstance(x, Node) else x for x in node.inputs]
    if op.view and not op.elementwise:
        text = view_text(node, variables)
        code = None if text is None else f"{out}[...] = {text}"
    elif callable(op.code):
        code = op.code(scratch, out, *operands, **node.params)
    elif op.code:
        code = _formatted(op, op.code, out, operands, node.params)
    elif is_numpy(op.forward):
        texts = [text_of(x) for x in _with_arrays_for_numbers(operands, out, scratch)]
        code = f"np.{op.forward.__name__}({', '.join(texts)}, out={out})"
    else:
        code = None
    if code is None:
        code = f"{out}[...] = {call_of(node, operands, scratch)}"
    return code.splitlines()


OPERATORS = {np.add: "+", np.subtract: "-", np.multiply: "*", np.divide: "/", np.power: "**"}  # much faster on numbers


def _with_arrays_for_numbers(operands: list[Any], out: Variable, scratch: Scratch) -> list[Any]:
    """The operands of a ufunc, with numbers as arrays of no axes where that makes no difference but to the time."""
    dtypes = {x.dtype for x in operands if hasattr(x, "root")}
    (dtype,) = dtypes if len(dtypes) == 1 else (None,)
    if dtype is None or dtype.char not in "fd" or not out.ndim:
        return operands
    return [scratch.number(x, dtype) if type(x) in (int, float) and _fits(x, dtype) else x for x in operands]


def _fits(number: float, dtype: np.dtype[Any]) -> bool:
    return abs(number) <= float(np.finfo(dtype).max)


def is_numpy(function: Any) -> bool:
    """Whether the function is a ufunc of NumPy itself, and not one that others have made."""
    return isinstance(function, np.ufunc) and getattr(np, function.__name__, None) is function


def number_line(node: Node, variables: Mapping[Node, Variable]) -> str:
    """The statement that computes a number: with Python's operators, on NumPy's scalars."""
    op = _op(node)
    operands = [_read(variables[x]) if isinstance(x, Node) else text_of(x) for x in node.inputs]
    if op.forward in OPERATORS:
        expression = f" {OPERATORS[op.forward]} ".join(operands)
    elif op.name == "astype":
        expression = f"np.{node.dtype}({operands[0]})"
    elif is_numpy(op.forward):
        expression = f"np.{op.forward.__name__}({', '.join(operands)})"
    else:
        expression = f"{op.name}({', '.join([*operands, *(f'{k}={text_of(v)}' for k, v in node.params.items())])})"
    return f"{variables[node]} = {expression}"


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


def call_of(node: Node, operands: list[Any], scratch: Scratch) -> str:
    """The call of the op's own forward function."""
    params = [
        f"{name}={text_of(value) if is_plain(value) else scratch.bind(name, value)}"
        for name, value in node.params.items()
    ]
    return f"{_op(node).name}({', '.join([*map(text_of, operands), *params])})"


def text_of(value: Any) -> str:
    """An operand or a param as Python writes it."""
    if isinstance(value, float) and not math.isfinite(value):
        return {math.inf: "np.inf", -math.inf: "-np.inf"}.get(value, "np.nan")
    if isinstance(value, np.dtype):
        return f"np.{value}" if value.kind != "b" else "np.bool_"
    return str(value) if hasattr(value, "root") else repr(value)


def name_of_number(value: float) -> str:
    """0.25 is called n_0_25, and 1e-08 n_1e_08."""
    text = f"{abs(value):.4g}".replace(".", "_").replace("+", "").replace("-", "_")
    return f"n_minus_{text}" if str(value).startswith("-") else f"n_{text}"


def is_plain(value: Any) -> bool:
    """Whether `text_of` writes a param so that Python can read it again."""
    if type(value) is tuple:
        return all(map(is_plain, value))
    return value is None or isinstance(value, (bool, int, float, str, np.dtype))


def _formatted(op: Op, code: str, out: Any, operands: list[Any], params: Mapping[str, Any]) -> str:
    named = dict(zip(op.arguments, map(text_of, operands), strict=False))
    return code.format(out=out, **named, **{name: text_of(value) for name, value in params.items()})


def _read(variable: Variable) -> str:
    return variable.name if variable.kind == "local" else f"{variable.name}[()]"


def _op(node: Node) -> Op:
    assert node.function is not None
    return node.function
