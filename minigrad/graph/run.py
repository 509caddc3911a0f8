"""Running a graph: the plainest executor, which every other must agree with.

`interpret` computes node by node, on arrays for `Graph.run` and on Tensors for `Graph.expand`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import nullcontext
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np

from minigrad.core.arrays import means_more, owner_of
from minigrad.core.modes import within
from minigrad.core.storage import array_of, assign
from minigrad.core.structure import map_leaves
from minigrad.core.tensor import Tensor
from minigrad.graph.node import Array, Node

if TYPE_CHECKING:
    from minigrad.graph.graph import Graph


def run(graph: Graph, arguments: Sequence[Any]) -> Any:
    """The outputs as arrays, after the updates were written; see `Graph.run`."""
    return run_on_inputs(graph, bind_arguments(graph, arguments))


def run_on_inputs(graph: Graph, arrays: Sequence[Array]) -> Any:
    """The same on one array for each of `graph.inputs`."""
    results, updates = compute(graph, values_of_leaves(graph, arrays))
    for cell, value in updates:  # only now: nothing above may see a new value
        assign(cell, value)
    return results


def compute(graph: Graph, values: list[Any]) -> tuple[Any, list[tuple[Tensor, Array]]]:
    """Of the values of leaves, the outputs, and the next value of each piece of state; nothing is written."""
    lent = {id(owner_of(values[node.number])) for node in graph if node.op is None}

    def copy_if_lent(node: Node) -> Array:
        array: Array = values[node.number]
        return array.copy() if id(owner_of(array)) in lent else array

    interpret(graph.nodes, values, apply_to_arrays, _last_uses(graph))
    results = map_leaves(lambda x: copy_if_lent(x) if isinstance(x, Node) else x, graph.returned)
    return results, [(state._tensor, copy_if_lent(node)) for state, node in graph.updates.items()]


def values_of_leaves(graph: Graph, arrays: Sequence[Array]) -> list[Any]:
    """By the numbers of nodes, the arrays of leaves: state as it is, and these for `graph.inputs`."""
    values = [array_of(node.cell) if node.cell is not None and node.role != "input" else None for node in graph]
    for node, array in zip(graph.inputs, arrays, strict=True):
        values[node.number] = array
    return values


def interpret(
    nodes: Sequence[Node],
    values: list[Any],
    apply: Callable[[Node, list[Any]], Any],
    last_uses: Mapping[int, Sequence[int]],
) -> None:
    """Fill `values`, by number, where the values of leaves stand already, with `apply(node, operands)`.

    After a node has run, the values in `last_uses[its number]` are let go. Gradient nodes run as the sweep that made
    them does, without floating-point warnings, and as that does where a NaN arrives, with strong products, if it was
    a sweep of minigrad's; the others under the caller's settings.
    """
    for (quiet, strong), group in groupby(nodes, key=lambda node: (node.of_gradient, node.origin is not None)):
        with np.errstate(all="ignore") if quiet else nullcontext(), within(strong=strong):
            for node in group:
                if node.function is not None:
                    operands = [values[x.number] if isinstance(x, Node) else x for x in node.inputs]
                    try:
                        values[node.number] = apply(node, operands)
                    except (TypeError, ValueError, IndexError) as error:
                        error.add_note(f"in {node!r}")
                        raise
                    for number in last_uses.get(node.number, ()):
                        values[number] = None


def apply_to_arrays(node: Node, operands: list[Any], params: Mapping[str, Any] | None = None) -> Array:
    """What the operation of a node makes of these arrays and numbers, with other `params` where they are given."""
    function, params = node.function, node.params if params is None else params
    assert function is not None
    data = np.asarray((function.guarded or function.forward)(*operands, **params))
    return data if node.origin is None else np.asarray(function.strengthen(data, operands, params))


def _last_uses(graph: Graph) -> Mapping[int, Sequence[int]]:
    """The numbers of the values that nobody needs after a node, by its number; computed once per graph."""
    if not graph._last_uses:
        graph._last_uses.update(find_last_uses(graph.nodes, (*graph.outputs, *graph.updates.values())))
    return graph._last_uses


def find_last_uses(nodes: Sequence[Node], needed: Iterable[Node]) -> dict[int, list[int]]:
    """The same of any nodes; what is `needed` is never let go."""
    kept, found = {node.number for node in needed}, {}
    for node in reversed(nodes):
        if node.function is not None:
            operands = [x.number for x in node.inputs if isinstance(x, Node)]
            found[node.number] = list({node.number, *operands} - kept)
            kept.update(operands)
    return found


def bind_arguments(graph: Graph, arguments: Sequence[Any]) -> list[Array]:
    """One array for each input of the graph, of its shape and dtype."""
    given = list(graph._leaves(tuple(arguments)))
    if not given and all(node.value is not None for node in graph.inputs):
        return [node.value for node in graph.inputs if node.value is not None]
    places = graph._given or graph.inputs
    arrays = [
        array_of(x) if isinstance(x, Tensor) else np.asarray(x, node.dtype if isinstance(x, (int, float)) else None)
        for x, node in zip(given, places, strict=False)
    ]
    fits = len(given) == len(places) and all(
        array.shape == node.shape and array.dtype == node.dtype for array, node in zip(arrays, places, strict=False)
    )
    if not fits or any(map(means_more, given)):
        expected = ", ".join(f"{x.name or f'%{x.number}'}: {x.shape} {x.dtype}" for x in places) or "no arrays"
        came = ", ".join(_describe(x) for x in given) or "nothing"
        raise ValueError(f"run takes ({expected}), got ({came})")
    values = {x: array_of(x._tensor) for x in places if x.role != "input"}
    for node, array in zip(places, arrays, strict=True):
        known = values.setdefault(node, array)
        if known is not array and known.tobytes() != array.tobytes():
            raise ValueError(
                f"run: {node.name or f'%{node.number}'} is one Tensor in several places of the function that was "
                "traced, among its arguments or in its state, and is given different values: trace it with different "
                "Tensors"
            )
    return [values[node] for node in graph.inputs]


def _describe(x: Any) -> str:
    return f"{x.shape} {x.dtype}" if isinstance(x, (Tensor, np.ndarray, np.generic)) and not means_more(x) else repr(x)
