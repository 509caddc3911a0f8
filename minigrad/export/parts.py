"""Flat arrays that are kept in parts: the buffers of optimisers and clipping, one part for each parameter.

What is joined flat to be computed elementwise, normed and read part by part need not be joined. On many devices it
must not be: a join gathers every part on each of them. And moments are state by parameter then, to see and to shard.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

from minigrad.graph.node import Node
from minigrad.ops.indexing import Index, Slice

if TYPE_CHECKING:
    from minigrad.graph.graph import Graph

Shape = tuple[int, ...]


class Parts(tuple[Any, ...]):
    """One flat array, in parts that have shapes of their own."""

    @property
    def shapes(self) -> tuple[Shape, ...]:
        return tuple(part.shape for part in self)


class Layout(NamedTuple):
    """How a piece of state lies in parts: what each part is called, and its shape."""

    names: tuple[str, ...]
    shapes: tuple[Shape, ...]


def split(flat: Any, shapes: Sequence[Shape]) -> Parts:
    """The parts of a flat array that have these shapes."""
    places = pairwise(find_borders(shapes))
    return Parts(flat[start:stop].reshape(shape) for (start, stop), shape in zip(places, shapes, strict=True))


def find_borders(shapes: Sequence[Shape]) -> list[int]:
    """Where each part begins in the flat array, and where the last one ends."""
    return list(accumulate(map(math.prod, shapes), initial=0))


# --- computing --------------------------------------------------------------------------------------------------------


def apply_elementwise(function: Callable[..., Any], operands: Sequence[Any]) -> Parts | None:
    """An elementwise function of operands some of which are in parts; None where they do not lie alike."""
    shapes = next(x.shapes for x in operands if isinstance(x, Parts))
    columns = [_lay_beside(x, shapes) for x in operands]
    if None in columns:
        return None
    return Parts(function(*each) for each in zip(*columns, strict=True))


def _lay_beside(x: Any, shapes: Sequence[Shape]) -> Sequence[Any] | None:
    """What of an operand meets each of the parts."""
    if isinstance(x, Parts):
        return x if x.shapes == shapes else None
    if math.prod(getattr(x, "shape", ())) == 1:
        return [x.reshape(()) if hasattr(x, "shape") else x] * len(shapes)
    return split(x, shapes) if x.shape == (find_borders(shapes)[-1],) else None


def read(x: Parts, *arrays: Any, index: Index) -> Parts | None:
    """The elements at a slice, where these are whole parts."""
    place = _find_place(x.shapes, index)
    return None if place is None else Parts(x[place])


def write(x: Parts, values: Any, *arrays: Any, index: Index) -> Parts | None:
    """The same with other elements at a slice, where these are whole parts."""
    place = _find_place(x.shapes, index) if isinstance(x, Parts) else None
    if place is None or not isinstance(values, Parts) or values.shapes != x.shapes[place]:
        return None
    return Parts((*x[: place.start], *values, *x[place.stop :]))


def reshape(x: Parts, *, shape: Shape) -> Any:
    """A part alone, in the shape that it has already."""
    return x[0] if x.shapes == (shape,) else None


def _find_place(shapes: Sequence[Shape], index: Index) -> slice | None:
    borders, run = find_borders(shapes), find_run(index)
    if run is None or run[0] not in borders or run[1] not in borders:
        return None
    return slice(borders.index(run[0]), borders.index(run[1]))


def find_run(index: Any) -> tuple[int, int] | None:
    """From where to where an index reads, if it is one slice without a step."""
    match index:
        case (Slice(start=int(start), stop=int(stop), step=None),):
            return start, stop
    return None


# --- state ------------------------------------------------------------------------------------------------------------


def find_layouts(graph: Graph, names: Mapping[Node, str], joined: Collection[Node]) -> dict[Node, Layout]:
    """The layout of each piece of flat state that is computed with beside parameters that were joined.

    Args:
        names: of the leaves that are state; a part is called after the parameter beside which it lies.
        joined: the nodes that join arrays, each flat.

    What of a piece of state lies beside none, as that of parameters without a gradient, are parts called by their
    places.
    """
    layouts: dict[Node, Layout] = {}
    for node in joined:
        parts = [x for x in node.inputs if isinstance(x, Node) and x in names]
        if len(parts) == len(node.inputs):
            layouts[node] = Layout(tuple(names[x] for x in parts), tuple(x.shape for x in parts))
    alike = [
        [x for x in (node, *node.inputs) if isinstance(x, Node) and x.shape == node.shape] for node in graph
        if node.function is not None and node.function.elementwise and len(node.shape) == 1
    ]  # fmt: skip
    known = -1
    while known < len(layouts):
        known = len(layouts)
        for group in (*alike, *reversed(alike)):
            found = {layouts[x] for x in group if x in layouts}
            if len(found) == 1:
                layouts |= dict.fromkeys(group, found.pop())
    runs: dict[Node, dict[tuple[int, int], Layout]] = {}
    behind = {node: node for node in names}  # the state that a node reads, or has new values for
    for node in graph:
        run, first = find_run(node.params.get("index")), next(iter(node.inputs), None)
        if run is not None and isinstance(first, Node) and first in behind:
            if node.shape == first.shape:
                behind[node] = behind[first]
            elif node in layouts:
                runs.setdefault(behind[first], {})[run] = layouts[node]
    for node, known_runs in runs.items():
        if node not in layouts:
            layouts[node] = _fill(known_runs, node.shape[0])
    return {node: layouts[node] for node in names if node in layouts and node.role == "state"}


def _fill(runs: Mapping[tuple[int, int], Layout], size: int) -> Layout:
    """The layout of a whole array of which these runs are known."""
    names: list[str] = []
    shapes: list[Shape] = []
    end = 0
    for (start, stop), layout in (*sorted(runs.items()), ((size, size), Layout((), ()))):
        if start > end:
            names.append(f"{end}:{start}")
            shapes.append((start - end,))
        names += layout.names
        shapes += layout.shapes
        end = stop
    return Layout(tuple(names), tuple(shapes))
