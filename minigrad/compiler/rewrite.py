"""A captured graph in, the graph that a program is written from out: simpler operations, and nothing for nothing.

Every operation is taken up in order. The rules of `rules.py` are tried; one that stands in `simpler.py` is replaced;
what depends on constants alone is computed; and what was computed before is used again. What nothing needs any more is
not reached from the outputs, and so not in the new graph.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from minigrad import ops
from minigrad.compiler.guard import guarded
from minigrad.compiler.layouts import PARTS
from minigrad.compiler.rules import (
    RULES,
    array_of_constant,
    is_constant,
    turned_operands,
    with_numbers,
    without_broadcast,
)
from minigrad.compiler.simpler import SIMPLER
from minigrad.core.capture import Capture
from minigrad.core.modes import current_mode, within
from minigrad.core.op import Op
from minigrad.core.storage import next_id
from minigrad.core.tensor import Tensor, constant, new_tensor
from minigrad.graph import Graph, Node
from minigrad.graph.again import record_again
from minigrad.graph.exact import exact_key
from minigrad.ops.strong import check_numbers

LARGEST_CONSTANT = 2**24  # bytes of a constant that is computed beforehand


class Rewritten(NamedTuple):
    """The new graph, and for each of its nodes the node of the captured graph that it was made for."""

    graph: Graph
    sources: Mapping[Node, Node]


def rewritten(graph: Graph) -> Rewritten:
    """The same computation in fewer and simpler operations; `graph` must have been captured by `trace`."""
    return _Rewriter(graph).run()


class _Rewriter:
    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.found: dict[Any, Tensor] = {}  # by operation, operands and params: what is computed already
        self.sources: dict[int, Node] = {}  # by the id of a new tensor
        self.node: Node | None = None  # of the captured graph: what is taken up

    def run(self) -> Rewritten:
        self.sources = {node.id: node for node in self.graph if node.function is None}
        results, values, checks = guarded(self.graph), dict[Node, Tensor](), list[Tensor]()

        def record(node: Node, operands: list[Any]) -> Tensor:
            self.node = node
            assert node.function is not None
            result = self.visit(node.function, tuple(operands), dict(node.params))
            _name(result, node)
            values[node] = result
            if results and node is results[-1]:
                gradients = tuple(dict.fromkeys(values[x] for x in results))
                checks.append(self.computed(check_numbers, gradients, {}))
            return result

        with within(grad=False, record=True, capture=Capture(began=0)):
            new = record_again(self.graph, record, inputs_only=True, effects=checks)
        return Rewritten(new, {node: self.sources[node.id] for node in new if node.id in self.sources})

    def visit(self, op: Op, inputs: tuple[Any, ...], params: dict[str, Any]) -> Tensor:
        """What `op(*inputs, **params)` is in the new graph."""
        for rule in RULES.get(op, ()):
            found = rule.apply(self, inputs, params)
            if found is not None:
                return found
        if op in SIMPLER:
            begin = next_id()
            lowered = SIMPLER[op](*inputs, **params)
            if lowered is not NotImplemented:
                return self.transcribed(lowered, begin)
        inputs = tuple([self.shared(x) for x in inputs])
        if op.elementwise:
            inputs = with_numbers(op, without_broadcast(op, inputs, params), params)
            turned = turned_operands(op, inputs)
            if turned is not None:
                return self.make(ops.transpose, self.make(op, *turned[0], **params), axes=turned[1])
        return self.computed(op, inputs, params)

    def make(self, op: Op, *inputs: Any, **params: Any) -> Tensor:
        return self.visit(op, inputs, {**op.defaults, **params})

    def known(self, op: Op, *inputs: Any, **params: Any) -> Tensor | None:
        """What `op` makes of these operands, if it is computed already."""
        return self.found.get(_key(op, inputs, params))

    def transcribed(self, result: Tensor, begin: int) -> Tensor:
        """What a lowering recorded after the id `begin`, taken up itself."""
        found: dict[int, Tensor] = {}
        stack = [result]
        while stack:
            tensor = stack.pop()
            if tensor.id > begin and tensor.op is not None and tensor.id not in found:
                found[tensor.id] = tensor
                stack += [x for x in tensor.inputs if isinstance(x, Tensor)]
        new: dict[int, Tensor] = {}
        for number in sorted(found):
            tensor = found[number]
            assert tensor.op is not None
            inputs = tuple([self.shared(new.get(x.id, x)) if isinstance(x, Tensor) else x for x in tensor.inputs])
            new[number] = self.visit(tensor.op, inputs, dict(tensor.params))
            if new[number].name is None and new[number].op is not None:
                new[number].name = tensor.name
        return new.get(result.id, result)

    def shared(self, x: Any) -> Any:
        """Of equal constants, the first."""
        if isinstance(x, Tensor) and is_constant(x):
            return self.found.setdefault(key_of_array(array_of_constant(x)), x)
        return x

    def computed(self, op: Op, inputs: tuple[Any, ...], params: dict[str, Any]) -> Tensor:
        """The one tensor of this operation on these operands."""
        key = _key(op, inputs, params)
        if not op.effect and key in self.found:
            return self.found[key]
        shaped = op.infer(inputs, params)
        tensors = [x for x in inputs if isinstance(x, Tensor)]
        nbytes = math.prod(shaped.shape) * shaped.dtype.itemsize
        grows = op.view and nbytes > sum(x.size * x.dtype.itemsize for x in tensors)
        if not op.effect and nbytes <= LARGEST_CONSTANT and not grows and all(map(is_constant, tensors)):
            with np.errstate(all="ignore"), within(capture=None, record=False):
                values = (op.guarded or op.forward)(
                    *(array_of_constant(x) if isinstance(x, Tensor) else x for x in inputs), **params
                )
            tensor = self.found.setdefault(key_of_array(np.asarray(values)), constant(values))
        else:
            tensor = new_tensor(shaped, op, inputs, params, place=current_mode().place)
        if not op.effect:
            self.found[key] = tensor
        assert self.node is not None
        self.sources.setdefault(tensor.id, self.node)
        return tensor


def _name(result: Tensor, node: Node) -> None:
    """Name what was made for a node after it, also in the shape that it was computed in."""
    if result.op is not None and result.name is None:
        result.name, result.line = node.name, node.line
        if result.op.view and result.op in PARTS:  # the same elements
            _name(result.inputs[0], node)


def _key(op: Op, inputs: tuple[Any, ...], params: Mapping[str, Any]) -> Any:
    return (
        op,
        tuple([x.id if isinstance(x, Tensor) else exact_key(x) for x in inputs]),
        exact_key(tuple(params.items())),
    )


def key_of_array(array: Any) -> Any:
    # By what it holds, never by `id`: the array may be gone, and its `id` be that of another one.
    content = array.tobytes() if array.nbytes <= 2**16 else hashlib.blake2b(np.ascontiguousarray(array).data).digest()
    return "constant", array.dtype.str, array.shape, content
