"""Expanding composite operations: the graph is recorded again, with their definitions in their place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from minigrad import ops
from minigrad.core.capture import Capture
from minigrad.core.modes import current_mode, expanded, within
from minigrad.graph.again import record_again
from minigrad.graph.node import Node

if TYPE_CHECKING:
    from minigrad.core.tensor import Tensor
    from minigrad.graph.graph import Graph


def expand(graph: Graph, names: Sequence[str]) -> Graph:
    """The graph with the operations `names` replaced by their definition; see `Graph.expand`."""
    composite = {node.op for node in graph if node.function is not None and node.function.definition is not None}
    for name in names:
        if name not in composite:
            listed = ", ".join(sorted(str(known) for known in composite)) or "none"
            raise ValueError(f"expand: no composite operation {name!r} in this graph; composite ones: {listed}")
    recording = Capture(began=0) if graph.captured else None
    with within(grad=True, record=True, capture=recording), expanded(*names):
        return replace(record_again(graph, _record), _leaves=graph._leaves)


def _record(node: Node, operands: list[Any]) -> Tensor:
    assert node.function is not None
    if node.function.name in current_mode().expanded:
        operands = widen_operands(node, operands)
    result = node.function(*operands, **node.params)
    if result.dtype != node.dtype:
        result = ops.astype(result, dtype=node.dtype)
    if all(result is not x for x in operands):
        result.name, result.line = node.name, node.line
        if node.name:  # it stays where it is found
            result.place = current_mode().place
    return result


def widen_operands(node: Node, operands: Sequence[Any]) -> list[Any]:
    """What the definition of an op is given: float16 as float32, and integers where it makes floats of them alone."""
    op, dtype = node.function, np.result_type(node.dtype, np.float32)
    kinds = {getattr(x, "dtype", np.dtype(type(x))).char for x in operands if x is not None}
    if op is None or node.dtype.kind != "f" or not kinds <= set("?bBhHiIlLqQe"):
        return list(operands)
    numbers = [op.argument(i) in op.rules and hasattr(x, "dtype") for i, x in enumerate(operands)]
    return [ops.astype(x, dtype=dtype) if cast else x for x, cast in zip(operands, numbers, strict=True)]
