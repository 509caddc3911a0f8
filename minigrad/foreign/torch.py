"""`from_torch`: a PyTorch module, or an exported program, as a Graph.

`torch_program.py` makes one functional graph of ATen operations of it; here each becomes a node, or several:
`torch_rows.py` says which ops of minigrad it is. What no row says is asked of PyTorch whenever the graph runs.
"""

from __future__ import annotations

import operator
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad.core.arrays import Array, Shaped
from minigrad.core.errors import NUMPYS_OWN
from minigrad.core.op import Op
from minigrad.core.record import registry
from minigrad.core.structure import map_leaves
from minigrad.core.tensor import Tensor
from minigrad.foreign.op import compose, compute_values, name_extra
from minigrad.foreign.torch_composed_rows import ROWS
from minigrad.foreign.torch_program import Entry, Program, attribute_of, place_of, read_program
from minigrad.foreign.torch_values import Call, as_array, dtype_of, name_of, shape_of
from minigrad.graph import Graph
from minigrad.graph.arguments import flatten, strip
from minigrad.graph.made import make_leaf, make_operation


def from_torch(module: Any, *args: Any, gradients: bool = False, values: bool = False, **kwargs: Any) -> Graph:
    """The graph of one call of a PyTorch module: it lists, draws, explores, counts, compares and runs.

    Modules become scopes, weights parameters that keep their path and look into the module's own memory, buffers that
    are written become `updates`. Each operation of PyTorch is the op of minigrad that means the same, or a node of its
    own, such as `aten.topk`, that PyTorch computes, random draws from its own generator. `graph.run` takes the
    module's inputs, and writes into none. At ±∞ gelu, silu and mish have their limit, where PyTorch may say NaN.

    Args:
        module: a `torch.nn.Module`, in training mode or not, or what `torch.export.export` returns.
        args: the inputs, of which shape and type matter, and values where these are asked for; an exported program
            knows its own.
        gradients: read the backward pass too, as PyTorch's autograd does it. The graph returns (results, gradients by
            path), of all parameters and inputs that require one. If the first result is one number it is the loss;
            otherwise what flows back into each result is one more input of `run`.
        values: compute the values of all nodes, for pictures and steps.
        kwargs: further inputs, by name.

    Raises:
        CaptureError: PyTorch cannot export the module, and says why, or would lose some of it in silence: with
            `gradients` hooks and functions that have a backward pass of their own (an exported program has lost them
            already). Or the graph has what NumPy has not.
        GraphError: gradients of something that depends on no parameter.
        TypeError: no module.
        ModuleNotFoundError: PyTorch is not installed, the extra `torch`.

    >>> import torch, minigrad as mg
    >>> layer = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.ReLU())
    >>> print(mg.from_torch(layer, torch.ones(4, 3)))
    %0 = parameter           (2, 3)  float32  0/weight
    %1 = transpose(%0)       (3, 2)  float32  0
    %2 = input               (4, 3)  float32  input
    %3 = parameter           (2,)    float32  0/bias
    %4 = linear(%2, %1, %3)  (4, 2)  float32  0
    %5 = relu(%4)            (4, 2)  float32  1
    return %5
    """
    try:
        import torch
    except ModuleNotFoundError as error:
        raise name_extra("from_torch", "torch", error) from None
    with warnings.catch_warnings():  # of what PyTorch does inside of itself
        for category in (FutureWarning, DeprecationWarning):
            warnings.simplefilter("ignore", category)
        warnings.filterwarnings("ignore", r"The tensor attributes? .*\b_flat_weights\b")  # of its recurrent modules
        with torch.inference_mode(False), torch.enable_grad():  # what is read does not depend on where it is read
            program = read_program(module, args, kwargs, gradients)
    return _Reader(program, values).read()


class _Reader:
    """The nodes of a program: placeholders become leaves, calls what their row writes or foreign nodes."""

    def __init__(self, program: Program, values: bool) -> None:
        self.program, self.values = program, values
        self.nodes: list[Tensor] = []
        self.known: dict[Any, Any] = {}  # what stands for each node of the program
        self.leaves: dict[int, Any] = {}  # of entries, by their id: a weight in two places is one
        self.fixed: set[int] = set()  # the ids of constants that depend on no input and no weight

    def read(self) -> Graph:
        program, placeholders, entries = self.program, {}, iter(self.program.entries)
        for node in program.module.graph.nodes:
            if node.op == "placeholder":
                entry = next(entries)
                if id(entry) not in self.leaves:
                    self.leaves[id(entry)] = self.leaf(entry)
                self.known[node] = placeholders[entry.path] = self.leaves[id(entry)]
            elif node.op == "get_attr":
                self.known[node] = self.constant(attribute_of(program.module, node))
            elif node.op == "call_function":
                self.known[node] = self.call(node)
        for path, node in program.gradients.items():
            gradient = self.known.get(node)
            if gradient is not None and gradient.op is not None and gradient.name is None:
                gradient.name = f"∂output/∂{path.removeprefix(gradient.scope.replace('/', '.') + '.')}"
        if self.values:
            compute_values(self.nodes)
        returned = map_leaves(lambda x: self.known[x] if hasattr(x, "meta") else x, program.returned)
        updates = {placeholders[path]: self.known[node] for path, node in program.updates.items()}
        example = strip(program.arguments, lambda entry: entry.role == "input")
        return Graph.of(self.nodes, returned, updates, lambda given: map(as_array, flatten(given, example)))

    def leaf(self, entry: Entry) -> Any:
        """What stands for a placeholder: a leaf, or a constant of Python itself."""
        if not entry.role:
            return entry.value
        given = entry.role in ("input", "cotangent")
        scope, _, name = ("", "", entry.path) if given else entry.path.rpartition(".")
        kind = shape_of(entry.value, entry.path)
        value = as_array(entry.value) if self.values or entry.role != "input" else None
        scope = scope.replace(".", "/")
        leaf = make_leaf(entry.role, kind.shape, kind.dtype, name=name, scope=scope, value=value)
        self.nodes.append(leaf)
        if entry.fixed:
            self.fixed.add(leaf.id)
        return leaf

    def constant(self, value: Any) -> Any:
        """What is known already: tensors as leaves, in lists too; what is no tensor stays as it is."""
        if isinstance(value, (tuple, list)):
            return [self.constant(x) for x in value]
        array = as_array(value)
        if not isinstance(array, np.ndarray):
            return value
        leaf = make_leaf("constant", array.shape, array.dtype, value=array)
        self.nodes.append(leaf)
        self.fixed.add(leaf.id)
        return leaf

    def call(self, node: Any) -> Any:
        """What stands for the result of a call: a Tensor, or a list where there are several results."""
        from torch.fx.node import map_arg

        args, kwargs = map_arg((node.args, dict(node.kwargs)), self.known.__getitem__)
        if node.target is operator.getitem:
            return args[0][args[1]]
        results = results_of(node)
        if results == [None] * len(results):  # an assertion, or nothing of it is used
            return results
        call = Call(node.target, args, kwargs, self.strides_of(node.all_input_nodes))
        several = isinstance(node.meta["val"], (tuple, list))
        if not call.random and all(x.id in self.fixed for x in call.operands):
            made = self.constant(call.evaluate(*(x._held for x in call.operands)))
            return [made] if several and not isinstance(made, list) else made
        writer = _Writer(next(x for x in results if x is not None), *place_of(node))
        found = self.translate(call, results, writer)
        if found is None:
            found = call.ask(results, *place_of(node))
            self.nodes += [x for x in found if x is not None]
        return found if several else found[0]

    def strides_of(self, nodes: list[Any]) -> dict[int, tuple[int, ...]]:
        """How the Tensors that stand for nodes lie in memory for PyTorch, where that is not row by row."""
        values = {id(self.known[node]): node.meta.get("val") for node in nodes}
        strides = {i: x.stride() for i, x in values.items() if hasattr(x, "stride") and not x.is_contiguous()}
        return {i: stride for i, stride in strides.items() if 0 not in stride}

    def translate(self, call: Call, results: list[Shaped | None], writer: _Writer) -> list[Tensor | None] | None:
        """What the row of an operation writes, if there is one and it makes just these results."""
        row = None
        if getattr(call.target, "namespace", "") == "aten":
            name = call.target.overloadpacket.__name__
            row = ROWS.get(f"{name}.{call.target._overloadname}") or ROWS.get(name)
        if row is None or any(x is not None and x.dtype.kind == "c" for x in (*call.operands, *results)):
            return None  # no op is of complex numbers
        try:
            written = row(writer, *call.args, **call.kwargs)
            if written is None:
                return None
            made = [
                None if result is None else part() if callable(part) else part
                for part, result in zip(written if isinstance(written, list) else [written], results, strict=True)
            ]
        except NUMPYS_OWN:
            return None
        if any(x is not None and Shaped(x.shape, x.dtype) != result for x, result in zip(made, results, strict=True)):
            return None
        self.nodes += writer.nodes
        return made


class _Writer:
    """Writes ops, for a row; see `minigrad.foreign.torch_rows.Writer`."""

    def __init__(self, result: Shaped, scope: str, order: int) -> None:
        self.shape, self.dtype = result.shape, result.dtype
        self.nodes: list[Tensor] = []
        self._scope, self._order = scope, order

    def constant(self, value: Array) -> Tensor:
        self.nodes.append(make_leaf("constant", value.shape, value.dtype, value=value))
        return self.nodes[-1]

    def dtype_of(self, dtype: Any) -> np.dtype[Any]:
        return dtype_of(dtype, "a result")

    def dropout(self, x: Tensor, rate: float) -> Tensor:
        import torch

        call = Call(torch.ops.aten.native_dropout.default, (x, rate, True), {})
        (dropped, _) = call.ask([Shaped(x.shape, x.dtype), None], self._scope, self._order)
        assert dropped is not None
        self.nodes.append(dropped)
        return dropped

    def compose(self, function: Callable[..., Tensor], *inputs: Tensor) -> Tensor:
        """What a function of Tensors makes of these inputs, op by op."""
        return compose(function, inputs, lambda op, *x, **params: getattr(self, op.name)(*x, **params), self.constant)

    def __getattr__(self, name: str) -> Callable[..., Tensor]:
        op = registry[name]
        assert isinstance(op, Op)

        def write(*inputs: Any, **params: Any) -> Tensor:
            absent = (None,) * (len(op.arguments) - len(inputs))
            kind = op.infer((*inputs, *absent), {**op.defaults, **params})
            node = make_operation(op, inputs, kind.shape, kind.dtype, params, scope=self._scope, order=self._order)
            self.nodes.append(node)
            return node

        return write


def results_of(node: Any) -> list[Shaped | None]:
    """The shapes and types of the results that something uses, the only one too; the others are None."""
    value, name = node.meta.get("val"), name_of(node.target)
    if not isinstance(value, (tuple, list)):
        return [shape_of(value, name) if node.users else None]
    all_used = any(user.target is not operator.getitem for user in node.users)
    used = {user.args[1] for user in node.users if user.target is operator.getitem and user.users}
    return [shape_of(x, name) if x is not None and (all_used or i in used) else None for i, x in enumerate(value)]
