"""One element of a result or of a contribution, worked out in numbers: `scores[0] = 1 · 1 + 0 · 0 = 1`.

In come nodes with their values and flows, out goes a line of text, or nothing where a line cannot hold it. A rule is
run once more, on the arrays of the step, and the element is followed through what it recorded.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np

from minigrad.drawing.explorer.names import find_moved
from minigrad.graph import Backward, Node
from minigrad.graph.formula import ATOM, write_operation
from minigrad.graph.node import Array, Operand
from minigrad.graph.numbers import format_number
from minigrad.graph.rule import trace_rule

MOST_TERMS, FIRST_TERMS = 3, 2  # of a sum that is written whole, and of a longer one
LONGEST = 120  # characters of a line
DEEPEST = 3  # operations within each other
LARGEST = 1_000_000  # elements of an array

T = TypeVar("T")
Index = tuple[int, ...]
Text = tuple[str, int]  # and how strongly it binds
Factors = tuple[tuple[Operand, Index], ...]  # elements that are multiplied, and numbers
NEGATIVE, ADDED, MULTIPLIED = 0, 1, 2  # how strongly numbers below 0, sums and products bind


def work_out_value(node: Node, called: str) -> str | None:
    """An element of the value of `node`, of its operands' values.

    >>> import minigrad as mg
    >>> y = mg.Tensor([[1.0, 2.0], [0.0, -1.0]], requires_grad=True) @ mg.Tensor([3.0, 4.0])
    >>> work_out_value(y.graph()[2], "y")
    'y[0] = 1 · 3 + 2 · 4 = 11'
    """
    if node.value is None or not 0 < node.value.size <= LARGEST or find_moved(node) is not None:
        return None
    index = _find_telling(node.value)
    return _write_line(called, index, _write_element(node, index, 1), node.value)


def work_out_flow(flow: Backward, called: str) -> str | None:
    """An element of what flows back, by the rule; `called` is the name of the target."""
    sizes = flow.contribution.size, flow.incoming.size
    if not 0 < min(sizes) <= max(sizes) <= LARGEST:
        return None
    result = trace_rule(flow.node, flow.position, flow.incoming)
    if result is None:
        return None
    index = _find_telling(flow.contribution)
    return _write_line(f"∂{called}", index, _write_element(result, index, DEEPEST), flow.contribution)


def _find_telling(array: Array) -> Index:
    """The first element that is not 0, or the first of all."""
    return tuple(int(i) for i in np.unravel_index(int(np.argmax(np.asarray(array).ravel() != 0)), array.shape))


def _write_line(called: str, index: Index, text: Text | None, array: Array) -> str | None:
    number = _write_number(array[index])[0]
    if text is None or text[0] == number:
        return None
    place = f"[{', '.join(map(str, index))}]" if index else ""
    line = f"{called}{place} = {text[0]} = {number}"
    return line if len(line) <= LONGEST else None


# --- elements ---------------------------------------------------------------------------------------------------------


def _write_element(node: Node, index: Index, depth: int) -> Text | None:
    """The element of a node at `index`; None where the first operation has no row here."""
    function = node.function
    if function is None or node.op is None or not depth:
        return None
    moved = find_moved(node)
    if moved is not None:
        return _write_operand(moved, _find_origin(node, moved, index), depth)
    if node.op in SUMS:
        return _write_sum(node, list(SUMS[node.op](node, index)), depth - 1)
    if node.op in QUOTIENTS:
        return QUOTIENTS[node.op](node, index)
    if not function.elementwise:
        return None
    operands = [x for x in node.inputs if isinstance(x, Node)]
    return write_operation(node, {x: _write_operand(x, _fit(x.shape, index), depth - 1) for x in operands})


def _write_operand(node: Operand, index: Index, depth: int) -> Text:
    if not isinstance(node, Node):
        return _write_number(node)
    assert node.value is not None
    return _write_element(node, index, depth) or _write_number(node.value[index])


def _write_number(x: Any) -> Text:
    text = format_number(x)
    return (f"−{text[1:]}", NEGATIVE) if text.startswith("-") else (text, ATOM)


def _fit(shape: Sequence[int], index: Index) -> Index:
    """The place that broadcasting takes an element of an array of `shape` from."""
    return tuple(i if size > 1 else 0 for i, size in zip(index[len(index) - len(shape) :], shape, strict=True))


def _find_origin(node: Node, operand: Node, index: Index) -> Index:
    """Where the element stood before: the operation itself tells, of an array of places."""
    assert node.function is not None
    places = np.arange(math.prod(operand.shape)).reshape(operand.shape)
    moved: Array = np.asarray(node.function.forward(places, *node.inputs[1:], **node.params))
    return tuple(int(i) for i in np.unravel_index(int(moved[index]), operand.shape))


def _write_sum(node: Node, terms: list[Factors], depth: int) -> Text | None:
    if not terms:
        return None
    text = _join_terms(terms, lambda factors: _write_product(factors, depth))
    return text, ADDED if len(terms) > 1 else MULTIPLIED


def _join_terms(terms: Sequence[T], write: Callable[[T], str]) -> str:
    """A sum; of a long one the first terms and the last."""
    is_whole = len(terms) <= MOST_TERMS
    first, *others = map(write, terms if is_whole else (*terms[:FIRST_TERMS], terms[-1]))
    added = [f" − {x[1:]}" if x.startswith("−") else f" + {x}" for x in others]
    return first + "".join(added if is_whole else [*added[:-1], " + …", added[-1]])


def _write_product(factors: Factors, depth: int) -> str:
    texts = [_write_operand(*factor, depth) for factor in factors]
    if len(texts) == 1:
        return texts[0][0]
    first, *others = texts
    inside = [f"({text})" if strength <= ADDED else text for text, strength in others]
    return " · ".join([f"({first[0]})" if first[1] <= ADDED and not first[0].startswith("−") else first[0], *inside])


# --- what this reader knows of operations -----------------------------------------------------------------------------


def _multiply_matrices(node: Node, index: Index) -> Iterator[Factors]:
    left, right = _take_nodes(node, 2)
    *batch, row, column = _restore(index, left, right)
    for k in range(left.shape[-1]):
        left_place = _fit(left.shape[:-2], tuple(batch)) + ((row,) if len(left.shape) > 1 else ()) + (k,)
        right_place = (*_fit(right.shape[:-2], tuple(batch)), k, column) if len(right.shape) > 1 else (k,)
        yield (left, left_place), (right, right_place)


def _restore(index: Index, left: Node, right: Node) -> Index:
    """The place in a product of matrices, where one operand is a vector."""
    if len(left.shape) == 1:
        index = (*index[: len(index) - (len(right.shape) > 1)], 0, *index[len(index) - (len(right.shape) > 1) :])
    return (*index, 0) if len(right.shape) == 1 else index


def _multiply_vectors(node: Node, index: Index) -> Iterator[Factors]:
    left, right = _take_nodes(node, 2)
    shape = np.broadcast_shapes(left.shape, right.shape)
    axis = range(len(shape))[node.params["axis"]]
    for k in range(shape[axis]):
        place = (*index[:axis], k, *index[axis + bool(node.params["keepdims"]) :])
        yield (left, _fit(left.shape, place)), (right, _fit(right.shape, place))


def _transform(node: Node, index: Index) -> Iterator[Factors]:
    x, weight = _take_nodes(node, 2)
    for k in range(x.shape[-1]):
        yield (x, (*index[:-1], k)), (weight, (k, index[-1]))
    for bias in node.given[2:]:
        yield ((bias, _fit(getattr(bias, "shape", ()), index)),)


def _add_axes(node: Node, index: Index) -> Iterator[Factors]:
    (x,) = _take_nodes(node, 1)
    axis = node.params.get("axis")
    kept = list(x.shape)
    for i in range(len(kept)) if axis is None else axis if isinstance(axis, tuple) else (axis,):
        kept[i] = 1
    yield from _add_up(node, x, kept, index)


def _undo_broadcasting(node: Node, index: Index) -> Iterator[Factors]:
    (x,) = _take_nodes(node, 1)
    yield from _add_up(node, x, [1] * (len(x.shape) - len(node.shape)) + list(node.shape), index)


def _add_up(node: Node, x: Node, kept: Sequence[int], index: Index) -> Iterator[Factors]:
    """Every element of `x` that is added to this one; `kept` is the shape of the result with all axes of `x`."""
    places = np.broadcast_to(np.arange(math.prod(node.shape)).reshape(kept), x.shape)
    for place in np.argwhere(places == np.ravel_multi_index(index, node.shape)):
        yield ((x, tuple(int(i) for i in place)),)


def _take_nodes(node: Node, most: int) -> list[Node]:
    return [x for x in node.inputs[:most] if isinstance(x, Node)]


def _share(node: Node, index: Index) -> Text | None:
    """An exponential among those of its row, of which masked ones are none."""
    x, *where = _take_nodes(node, 2)
    assert x.value is not None
    axis = node.params.get("axis", -1)
    row = [(*index[:axis], k, *index[axis:][1:]) for k in range(x.shape[axis])]
    if where and where[0].value is not None:
        allowed = np.broadcast_to(where[0].value, x.shape)
        row = [place for place in row if allowed[place]]
    if index not in row:
        return None
    values = x.value

    def write(place: Index) -> str:
        return f"exp({_write_number(values[place])[0]})"

    return f"{write(index)} / ({_join_terms(row, write)})", MULTIPLIED


SUMS: Mapping[str, Callable[[Node, Index], Iterator[Factors]]] = {
    "matmul": _multiply_matrices,
    "vecdot": _multiply_vectors,
    "linear": _transform,
    "sum": _add_axes,
    "sum_to": _undo_broadcasting,
}
QUOTIENTS: Mapping[str, Callable[[Node, Index], Text | None]] = {"softmax": _share}
