"""Graphs as ONNX: a Graph enters, a file leaves that runs wherever ONNX does.

`Graph.to_onnx` writes one graph, `to_onnx` a function for batches of any size.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

import numpy as np

from minigrad.core.errors import CaptureError, GraphError
from minigrad.core.storage import array_of
from minigrad.core.structure import map_leaves
from minigrad.core.tensor import Tensor, new_tensor
from minigrad.export.onnx_batch import BATCHES, merge
from minigrad.export.onnx_file import onnx, write_file
from minigrad.export.onnx_places import ROWS
from minigrad.export.onnx_program import Program, Value, Writer
from minigrad.export.onnx_rows import row as row
from minigrad.graph.build import trace
from minigrad.graph.expand import widen_operands
from minigrad.graph.graph import Graph
from minigrad.graph.node import Node
from minigrad.ops.kernels import check_axis

CHOICES = ("inside", "inputs")


def to_onnx(
    function: Callable[..., Any], path: str | os.PathLike[str], *args: Any,
    batch: int | Sequence[int | None] | None = 0, weights: str = "inside", draws: str = "inside",
) -> None:  # fmt: skip
    """Write `function(*args)` as an ONNX model that takes batches of any size; `Graph.to_onnx` says what is in it.

    The function is recorded on shapes with a few sizes of the batch, and what differs between the graphs is computed
    from the size in the file.

    Args:
        function: a model, a function, or a whole training step.
        path: the file, which may exist.
        args: its arguments, with arrays of any batch; numbers, strings and modules are part of the model.
        batch: the axis that counts the batch, of every array that has axes; or one for each argument, None where an
            argument has no batch.
        weights: see `Graph.to_onnx`.
        draws: see `Graph.to_onnx`.

    Raises:
        GraphError: an operation that cannot be said in ONNX, or one that depends on the size of the batch and not
            through shapes alone; the message names it.
        ValueError, ModuleNotFoundError, OSError: see `Graph.to_onnx`.

    >>> import onnxruntime, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     to_onnx(mg.softmax, f"{folder}/softmax.onnx", np.zeros((2, 2), np.float32))
    ...     session = onnxruntime.InferenceSession(f"{folder}/softmax.onnx")
    >>> session.run(None, {"x": np.zeros((3, 2), np.float32)})[0].tolist()
    [[0.5, 0.5], [0.5, 0.5], [0.5, 0.5]]
    """
    onnx.helper  # noqa: B018  # where onnx is missing, this says so
    axes = [batch] * len(args) if batch is None or isinstance(batch, int) else list(batch)
    if len(axes) != len(args):
        raise ValueError(f"to_onnx: {len(axes)} axes in batch= for {len(args)} arguments: expected one each, or None")

    def write(size: int) -> Program:
        given = [map_leaves(partial(_resize, axis, size), x) for x, axis in zip(args, axes, strict=True)]
        return write_program(trace(function, *given), weights, draws)

    programs, single = [write(size) for size in BATCHES[:-1]], None
    with suppress(CaptureError, IndexError, TypeError, ValueError):  # a function may be for larger batches only
        programs.append(write(BATCHES[-1]))
        single = write(1)
    write_file(merge(programs, single), path)


def write_graph(graph: Graph, path: str | os.PathLike[str], weights: str, draws: str) -> None:
    """One graph with the shapes that it has; see `Graph.to_onnx`."""
    onnx.helper  # noqa: B018  # where onnx is missing, this says so
    write_file(write_program(graph, weights, draws), path)


def _resize(axis: int | None, size: int, leaf: Any) -> Any:
    """What stands for an array among the arguments, with another length along an axis."""
    if axis is None or not isinstance(leaf, (Tensor, np.ndarray)) or not leaf.ndim:
        return leaf
    shape = list(leaf.shape)
    shape[check_axis("to_onnx", axis, leaf.ndim)] = size
    if isinstance(leaf, np.ndarray):
        return np.broadcast_to(np.zeros((), leaf.dtype), shape)
    return _stand_in(tuple(shape), leaf.dtype, leaf.requires_grad, leaf.name)


def _stand_in(
    shape: tuple[int, ...], dtype: np.dtype[Any], requires_grad: bool = False, name: str | None = None
) -> Tensor:
    """A Tensor whose shape and type are asked for, and not its values."""
    tensor = new_tensor(np.broadcast_to(np.zeros((), dtype), shape), requires_grad=requires_grad)
    tensor.name = name
    return tensor


# --- a graph as a program ---------------------------------------------------------------------------------------------


def write_program(graph: Graph, weights: str = "inside", draws: str = "inside") -> Program:
    """The graph in ONNX operators."""
    for name, choice in {"weights": weights, "draws": draws}.items():
        if choice not in CHOICES:
            raise ValueError(f'to_onnx: {name}={choice!r}: expected "inside" or "inputs"')
    writer = GraphWriter()
    values: dict[Node, Value] = {}
    for node in (*graph.inputs, *(node for node in graph if node.function is None)):
        if node not in values:
            given = node in graph.inputs or (weights == "inputs" and node.role in ("parameter", "state"))
            values[node] = writer.write_leaf(node, given, node in graph.updates)
    for node in graph.effects if draws == "inputs" else ():
        values[node] = writer.write_leaf(node, True, False)
    results = [(node.path or "output", node) for node in graph.outputs]
    results += [(f"{values[state].name}.next", node) for state, node in graph.updates.items()]
    names = {node: name for name, node in reversed(results)}
    for node in graph:
        if node not in values:
            values[node] = writer.write_node(node, values, names.get(node) or node.path or f"%{node.number}")
    for name, node in results:
        writer.write_output(name, values[node])
    return writer.program


class GraphWriter(Writer):
    """Writes the nodes of a graph."""

    _defining: tuple[str, ...] = ()  # the ops in whose definitions it is

    def write_leaf(self, node: Node, given: bool, updated: bool) -> Value:
        """An input, or what has a value; state that is updated is both, the value being its default."""
        assert node.cell is not None or given
        name = self.new_name(node.path or (node.role if node.role != "op" else "") or "input")
        value = Value(name, node.dtype, node.shape)
        self.program.shapes[name] = value
        if given or updated:
            self.program.inputs.append(value)
        if not given:
            self.program.constants[name] = np.array(array_of(node.cell))
        return value

    def write_node(self, node: Node, values: dict[Node, Value], name: str) -> Value:
        """What a node computes, under this name."""
        self.node, self.prefix = node, "/".join(filter(None, (node.scope, node.name or node.op)))
        since = len(self.program.instructions)
        result = self.write_op(node, [values[x] if isinstance(x, Node) else x for x in node.inputs])
        if not any(result.name in written.outputs for written in self.program.instructions[since:]):
            result = self.Identity(result)
        value = self.rename(result, name, since)._replace(shape=node.shape)
        self.program.shapes[value.name] = value
        return value

    def write_op(self, node: Node, operands: list[Any]) -> Value:
        """By the row of its op, or by its definition."""
        assert node.function is not None
        name = node.function.name
        if node.failure is not None:
            raise GraphError(f"to_onnx: {node!r}: an operation that has failed cannot be written")
        if name in ROWS:
            return self.cast(ROWS[name](self, node, *operands, **node.params), node.dtype)
        if node.function.definition is None or name in self._defining:
            raise GraphError(
                f"to_onnx: {node!r}: {name} has no row in ONNX and no definition in simpler operations. Declare it "
                f'with definition=, or give it a row: @minigrad.export.onnx.row("{name}")'
            )
        outside, self._defining = self._defining, (*self._defining, name)
        result = self.write_definition(node, operands)
        self._defining = outside
        return self.cast(result, node.dtype)

    def write_definition(self, node: Node, operands: list[Any]) -> Value:
        """The nodes of its definition, recorded on the shapes of the operands."""
        given = [x for x in operands if isinstance(x, Value)]

        def call(*tensors: Tensor) -> Any:
            assert node.function is not None
            assert node.function.definition is not None
            following = iter(tensors)
            entered = [next(following) if isinstance(x, Value) else x for x in operands]
            return node.function.definition(*widen_operands(node, entered), **node.params)

        graph = trace(call, *(_stand_in(x.shape, x.dtype) for x in given))
        values = dict(zip(graph._given, given, strict=True))
        prefix = self.prefix
        for inner in graph:
            if inner in values:
                continue
            self.prefix = f"{prefix}/{inner.op or inner.role}"
            if inner.function is None:
                values[inner] = self.constant(array_of(inner.cell))
            else:
                inputs = [values[x] if isinstance(x, Node) else x for x in inner.inputs]
                values[inner] = self.write_op(inner, inputs)._replace(shape=inner.shape)
        self.prefix = prefix
        return values[graph.outputs[0]]

    def write_output(self, name: str, value: Value) -> None:
        """A result; where it is one already, or was given, once more under a name of its own."""
        program = self.program
        if value.name in program.constants or value in (*program.inputs, *program.outputs):
            self.node, self.prefix = None, ""
            copy = self.Identity(value)
            value = self.rename(copy, name, len(program.instructions) - 1)._replace(shape=value.shape)
        program.outputs.append(value)
