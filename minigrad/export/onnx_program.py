"""A program of ONNX operators as plain data, and how rows write it: `onnx.Softmax(x, axis=-1)` is one operator.

`Writer` collects what rows write. `onnx_batch.py` compares programs, and `onnx_file.py` writes one to a file.
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from minigrad.core.arrays import Array
from minigrad.graph.node import Node

Shape = tuple[int, ...]
BOOLEAN, FLOAT32, INT32, INT64 = (np.dtype(kind) for kind in (np.bool_, np.float32, np.int32, np.int64))
RESULTS = {  # of operators whose result has another type than their first operand
    **dict.fromkeys(("Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual", "IsNaN", "IsInf"), BOOLEAN),
    **dict.fromkeys(("ArgMax", "ArgMin", "NonZero", "Shape"), INT64),
}
KERNELS = {  # where runtimes as a rule have no kernel for a type, the wider one that is computed in
    "?": INT32, "b": INT32, "B": INT32, "h": INT32, "H": INT32, "I": INT64, "L": INT64, "e": FLOAT32,
}  # fmt: skip


def kernel_type(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The type to compute in for a result of this one."""
    return KERNELS.get(dtype.char, dtype)


class Value(NamedTuple):
    """What an operator takes or makes. Operands of rows and constants have a shape; what rows make has none."""

    name: str
    dtype: np.dtype[Any]
    shape: Shape | Any = None

    @property
    def ndim(self) -> int:
        return len(self.shape)


class Instruction(NamedTuple):
    """One operator; `node` is that of the graph of which it computes a part, and `text` how that is written."""

    kind: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any]
    node: Node | None = None
    text: str = ""


@dataclass
class Program:
    """Operators in order. An input with a constant of its name has that as its default."""

    inputs: list[Value] = field(default_factory=list)
    constants: dict[str, Array] = field(default_factory=dict)
    instructions: list[Instruction] = field(default_factory=list)
    outputs: list[Value] = field(default_factory=list)
    shapes: dict[str, Value] = field(default_factory=dict)  # of results that are nodes of the graph


class Writer:
    """Writes a program; every attribute that it does not have is an ONNX operator.

    Operands are values, arrays, and lists of integers; None is one that is left out.
    """

    def __init__(self) -> None:
        self.program = Program()
        self.node: Node | None = None
        self.prefix = ""
        self._taken: Counter[str] = Counter()

    def __getattr__(self, kind: str) -> Callable[..., Value]:
        if not kind[0].isupper():
            raise AttributeError(kind)
        return functools.partial(self.write, kind)

    def write(self, kind: str, *operands: Any, outputs: tuple[int, int] = (0, 1), **attributes: Any) -> Value:
        """One operator; `outputs` says which of how many is meant. Types among the attributes are NumPy's."""
        given = [x if x is None or isinstance(x, Value) else self.constant(x) for x in operands]
        typed = [x.dtype for x in given if x is not None]
        dtype = attributes.get("to") or attributes.get("dtype") or RESULTS.get(kind)
        if dtype is None and "value" in attributes:
            dtype = attributes["value"].dtype
        if dtype is None:
            dtype = typed[1] if kind == "Where" else typed[0]
        name = self.new_name(f"{self.prefix}/{kind}" if self.prefix else kind)
        inputs = tuple("" if x is None else x.name for x in given)
        wanted, count = outputs
        names = tuple(name if i == wanted else self.new_name(f"{name}.{i}") for i in range(count))
        text = f"%{self.node.number} = {self.node.expression}" if self.node is not None else ""
        self.program.instructions.append(Instruction(kind, name, inputs, names, attributes, self.node, text))
        return Value(name, dtype)

    def new_name(self, name: str) -> str:
        """`name`, or with a number where another has it."""
        while name in self._taken:
            self._taken[name] += 1
            name = f"{name}_{self._taken[name]}"
        self._taken[name] = 1
        return name

    def constant(self, array: Any, dtype: Any = None, name: str = "constant") -> Value:
        """An array, a number or a list; of integers, where no type is given, int64."""
        data = np.array(array, dtype if dtype is not None or isinstance(array, (np.ndarray, np.generic)) else INT64)
        value = Value(self.new_name(f"{self.prefix}/{name}" if self.prefix else name), data.dtype, data.shape)
        self.program.constants[value.name] = data
        return value

    def cast(self, x: Any, dtype: np.dtype[Any]) -> Value:
        """A value in another type, or a number as a constant."""
        if not isinstance(x, Value):
            with np.errstate(over="ignore"):
                return self.constant(np.asarray(x).astype(dtype))
        return x if x.dtype == dtype else self.Cast(x, to=dtype)._replace(shape=x.shape)

    def full(self, shape: Shape, number: float, dtype: np.dtype[Any]) -> Value:
        """One number everywhere."""
        if all(shape):
            return self.expand(self.constant(number, dtype), shape)
        return self.ConstantOfShape(list(shape), value=np.zeros(1, dtype))._replace(shape=shape)

    def reshape(self, x: Value, shape: Sequence[int]) -> Value:
        """Also where a length is 0, which ONNX otherwise takes for "as it was"."""
        attributes = {} if all(shape) else {"allowzero": 1}
        return self.Reshape(x, list(shape), **attributes)._replace(shape=tuple(shape))

    def expand(self, x: Value, shape: Shape) -> Value:
        """Broadcast to a shape; to one of no elements, which runtimes take for one of 1, as one of its own."""
        if x.shape == shape:
            return x
        return self.Expand(x, list(shape))._replace(shape=shape) if all(shape) else self.full(shape, 0, x.dtype)

    def rename(self, value: Value, name: str, since: int) -> Value:
        """The value under another name, in all that was written from `since` on."""
        name = self.new_name(name)
        written = self.program.instructions

        def replace(names: tuple[str, ...]) -> tuple[str, ...]:
            return tuple(name if x == value.name else x for x in names)

        written[since:] = [x._replace(inputs=replace(x.inputs), outputs=replace(x.outputs)) for x in written[since:]]
        return value._replace(name=name)
