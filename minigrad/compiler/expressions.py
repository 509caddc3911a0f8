"""What a line of a program is made of: values, what is called on them, and parts of them. It is data, and no text.

The leaves of an expression are values, pieces of them, numbers, None, text, types, functions of NumPy and kernels;
inside it are calls, methods, items, operations and tuples. A `Store` and a `Bind` are statements. `evaluate` computes
one that is a view, `printer.py` writes any down.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from minigrad.core.arrays import Array
from minigrad.graph import Node


@dataclass(frozen=True, eq=False, slots=True)
class Value:
    """An array or a number of a program. Where it lies, the `places` of a plan say.

    `node` is what it is the result of. One without has a `label`, in which {} stands for the name of its `owner`, and
    is cut to pieces with the value that it is `beside`. `array` is what it always is, where that is known.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    node: Node | None = None
    label: str = ""
    owner: Value | None = None
    beside: Value | None = None
    array: Array | None = None

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        size = 1
        for n in self.shape:
            size *= n
        return size


class Piece(NamedTuple):
    """What one turn of a loop takes of a value: so many rows, or a stretch of elements where the length is 0.

    A `small` value is only as large as one piece.
    """

    whole: Value
    length: int
    small: bool


class Number(NamedTuple):
    """A number as an array of no axes, which NumPy takes faster than one of Python's."""

    value: float
    dtype: np.dtype[Any]


class Bound(NamedTuple):
    """What cannot be written down, and is known by name."""

    label: str
    value: Any


class Call(NamedTuple):
    """A call of a function."""

    function: Any
    operands: tuple[Any, ...]
    keywords: tuple[tuple[str, Any], ...] = ()


class Method(NamedTuple):
    """A call of a method."""

    name: str
    base: Any
    operands: tuple[Any, ...] = ()
    keywords: tuple[tuple[str, Any], ...] = ()


class Item(NamedTuple):
    """What stands at an index."""

    base: Any
    key: Any


class Operation(NamedTuple):
    """Two numbers, and Python's operator between them."""

    symbol: str
    operands: tuple[Any, ...]


class Store(NamedTuple):
    """Writes `value` into its place, `target`."""

    target: Item
    value: Any


class Bind(NamedTuple):
    """Gives a name to a number, or to a view that is made in every call."""

    target: Value
    value: Any


_INSIDE = frozenset({tuple, Call, Method, Item, Operation, Store, Bind})  # tuples of expressions; all else is a leaf


def values_in(expression: Any) -> Iterator[Value]:
    """The values in an expression, from left to right."""
    if type(expression) is Value:
        yield expression
    elif type(expression) in _INSIDE:
        for part in expression:
            yield from values_in(part)


def substitute(expression: Any, values: Mapping[Value, Any]) -> Any:
    """The expression with other operands in the place of some values."""
    kind = type(expression)
    if kind is Value:
        return values.get(expression, expression)
    if kind not in _INSIDE:
        return expression
    parts = [substitute(part, values) for part in expression]
    return tuple(parts) if kind is tuple else kind(*parts)


def evaluate(expression: Any, arrays: Mapping[Value, Any]) -> Any:
    """What a view is, of these arrays."""
    kind = type(expression)
    if kind is Value:
        return arrays[expression]
    if kind is tuple:
        return tuple([evaluate(part, arrays) for part in expression])
    if kind is Item:
        return evaluate(expression.base, arrays)[evaluate(expression.key, arrays)]
    if kind is Call or kind is Method:
        function = expression.function if kind is Call else getattr(evaluate(expression.base, arrays), expression.name)
        return function(*evaluate(expression.operands, arrays), **dict(evaluate(expression.keywords, arrays)))
    return expression
