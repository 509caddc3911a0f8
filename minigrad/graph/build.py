"""Building graphs: recorded Tensors enter, a `Graph` of plain data leaves.

`graph_of` reads what eager code recorded, `trace` records a whole function first. No recursion: ids are the order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from types import MappingProxyType
from typing import Any

from minigrad.core.arrays import read_only
from minigrad.core.autodiff import grad
from minigrad.core.errors import GraphError
from minigrad.core.modes import within
from minigrad.core.storage import check_alive, held_by
from minigrad.core.structure import leaves, map_leaves
from minigrad.core.tensor import Tensor
from minigrad.graph.arguments import flatten
from minigrad.graph.captured import capture
from minigrad.graph.graph import Graph
from minigrad.graph.models import titles_of
from minigrad.graph.node import Array, Node, Operand, Origin
from minigrad.graph.weak import Recording
from minigrad.wording.messages import describe


def graph_of(outputs: Any, gradients: bool = False) -> Graph:
    """The graph that led to `outputs`: a Tensor, or several in tuples, lists or dictionaries.

    Args:
        gradients: also the gradients of the outputs, which must be scalars, for every leaf that requires one.

    Raises:
        TypeError: an output that is not a Tensor.
        GraphError: gradients of something that no leaf requires one for.

    >>> from minigrad import Tensor
    >>> x = Tensor(3.0, requires_grad=True, name="x")
    >>> print(graph_of(x * x, gradients=True))
    %0 = parameter         ()  float64  x
    %1 = multiply(%0, %0)  ()  float64
    %2 = cotangent         ()  float64  ∂output
    %3 = multiply(%2, %0)  ()  float64  for ∂%1/∂x1
    %4 = multiply(%2, %0)  ()  float64  for ∂%1/∂x2
    %5 = add(%3, %4)       ()  float64  ∂output/∂x
    return %1, %5
    """
    for x in leaves(outputs):
        if not isinstance(x, Tensor):
            raise TypeError(f"graph_of: expected Tensors, got {type(x).__name__}")
        check_alive(x)
    if gradients:
        variables = [x for x in find_ancestors(leaves(outputs)) if x.op is None and x.requires_grad]
        if not variables:
            raise GraphError(f"graph_of: no leaf behind {describe(next(leaves(outputs)))} requires a gradient")
        found = grad(outputs, variables, create_graph=True, unused=None)
        outputs = (outputs, [x for x in found if x is not None])
    return build(outputs)


def trace(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Graph:
    """The graph of one call `function(*args, **kwargs)`, assignments to state and random draws included.

    The function runs once on shapes: nothing is computed, assigned or drawn. Arrays and Tensors among the arguments
    become `inputs`; numbers, strings and modules are part of the graph.

    Raises:
        CaptureError: the function reads a value, or lets an array in that is not an argument.

    >>> import minigrad as mg
    >>> total = mg.Tensor([0.0, 0.0], name="total")
    >>> def accumulate(x):
    ...     mg.assign(total, mg.read(total) + x)
    ...     return x.sum()
    >>> graph = trace(accumulate, mg.Tensor([1.0, 2.0]))
    >>> print(graph)
    %0 = state        (2,)  float64  total
    %1 = input        (2,)  float64  x
    %2 = add(%0, %1)  (2,)  float64
    %3 = sum(%1)      ()    float64
    %0 ← %2  total
    return %3
    """
    return graph_of_capture(capture(function, *args, **kwargs))


def graph_of_capture(recording: Recording, beside: Any = None) -> Graph:
    """The graph of a function that was captured; where there is something `beside`, it returns a pair."""
    updates = {state: recording.originals.get(value, value) for state, value in recording.updates.items()}
    returned = recording.outputs if beside is None else (recording.outputs, beside)
    graph = build(returned, recording.given, updates, recording.effects, captured=True)
    return replace(graph, _leaves=partial(flatten, example=recording.example))


def build(
    returned: Any, arguments: Iterable[Tensor] = (), updates: Mapping[Tensor, Tensor] = MappingProxyType({}),
    effects: Iterable[Tensor] = (), captured: bool = False, scopes: Mapping[int, str] = MappingProxyType({}),
    replaced: Mapping[int, int] = MappingProxyType({}), failures: Mapping[int, str] = MappingProxyType({}),
) -> Graph:  # fmt: skip
    """The graph of what was recorded.

    `arguments` are what stands for each array among the arguments: one twice for the same Tensor, a leaf for state.
    `scopes` says where leaves belong and `replaced` which tensor has taken the place of an origin, both by tensor id;
    they are for graphs that are recorded again. `failures` says why the result of an op could not be computed.
    """
    arguments, effects = list(arguments), list(effects)
    outputs = [x for x in leaves(returned) if isinstance(x, Tensor)]
    roots = [*arguments, *outputs, *updates.keys(), *updates.values(), *effects]
    reached = find_ancestors(roots, lambda tensor: not _is_leaf(tensor, captured))
    titles = titles_of(reached)
    builder = _Builder(captured, {x.id for x in outputs}, {x.id for x in updates}, titles, scopes, replaced, failures)
    with within(capture=None):  # `.grad` is what eager code has left there
        for tensor in reached:
            if not _is_leaf(tensor, captured):
                builder.add_operation(tensor)
        for tensor in roots:  # leaves that nothing uses: an argument, an output, or state that is only written
            if tensor.id not in builder.nodes:
                builder.add_leaf(tensor, updates.get(tensor))
    nodes = builder.nodes
    given = [nodes[x.id] for x in arguments]
    return Graph(
        nodes=tuple(nodes.values()),
        outputs=tuple(nodes[x.id] for x in outputs),
        inputs=tuple(dict.fromkeys(x for x in (given or nodes.values()) if x.role == "input")),
        updates=MappingProxyType({nodes[state.id]: nodes[value.id] for state, value in updates.items()}),
        effects=tuple(nodes[x.id] for x in effects),
        returned=map_leaves(lambda x: nodes[x.id] if isinstance(x, Tensor) else x, returned),
        captured=captured,
        _given=tuple(given),
    )


@dataclass
class _Builder:
    """The nodes made so far, by the id of their tensor. Whatever a node refers to is there before it."""

    captured: bool
    outputs: set[int]
    states: set[int]
    titles: Mapping[Any, str]
    scopes: Mapping[int, str]
    replaced: Mapping[int, int]
    failures: Mapping[int, str]
    nodes: dict[int, Node] = field(default_factory=dict)

    def add_operation(self, tensor: Tensor) -> None:
        """The node of an op, after those of its operands that are leaves and new."""
        for x in tensor.inputs:
            if isinstance(x, Tensor) and x.id not in self.nodes:
                self.add_leaf(x, tensor)
        inputs = tuple([self.nodes[x.id] if isinstance(x, Tensor) else x for x in tensor.inputs])
        origin = tensor.origin
        order = max((x.order for x in inputs if isinstance(x, Node)), default=0) if origin is None else origin.order
        role = "random" if tensor.op is not None and tensor.op.effect else "op"
        self._add(tensor, role, self._scope(tensor), order, inputs)

    def add_leaf(self, tensor: Tensor, user: Tensor | None) -> None:
        """The node of a leaf. It belongs to its first user, unless it has a scope of its own or is an input."""
        role, scope, order = self._role(tensor), self._scope(tensor), 0
        if user is not None:
            scope = scope or (self._scope(user) if role != "input" else "")
            order = user.origin.order if user.origin is not None else 0
        scope = self.scopes.get(tensor.id, scope)
        self._add(tensor, role, scope, order)

    def _add(
        self, tensor: Tensor, role: str, scope: str, order: int, inputs: tuple[Operand, ...] | None = None
    ) -> None:
        function = tensor.op if inputs is not None else None
        self.nodes[tensor.id] = Node(
            number=len(self.nodes),
            op=None if function is None else function.name,
            function=function,
            inputs=inputs or (),
            params=MappingProxyType({} if function is None else tensor.params),
            shape=tensor.shape,
            dtype=tensor.dtype,
            name=tensor.name,
            scope=scope,
            role=role,
            output=tensor.id in self.outputs,
            order=order,
            origin=None if function is None else self._origin(tensor),
            of_gradient=function is not None and tensor.origin is not None,
            line=tensor.line,
            value=_seal(held_by(tensor)),
            gradient=None if self.captured else _seal(tensor.grad),
            made_by=getattr(tensor.params.get("made_by"), "name", None) if function is None else None,
            requires_grad=tensor.requires_grad,
            _tensor=tensor,
            failure=self.failures.get(tensor.id),
        )

    def _scope(self, tensor: Tensor) -> str:
        scope, _, model = tensor.place
        return "/".join(part for part in (self.titles.get(model, ""), scope) if part) if self.titles else scope

    def _role(self, leaf: Tensor) -> str:
        if leaf.requires_grad and leaf.op is None and leaf.role is None:
            return "parameter"
        if leaf.id in self.states and not leaf.requires_grad:
            return "state"
        return leaf.role or ("state" if self.captured else "input")

    def _origin(self, tensor: Tensor) -> Origin | None:
        node, position, _ = tensor.origin or (None, 0, 0)
        if node is None:
            return None
        argument = node.op.argument(position) if node.op is not None else ""
        return Origin(self.nodes.get(self.replaced.get(node.id, node.id)), argument)


def find_ancestors(roots: Iterable[Tensor], follow: Callable[[Tensor], bool] = lambda tensor: True) -> list[Tensor]:
    """The roots and every tensor that they depend on, oldest first; behind what is not to be followed nobody looks."""
    found: dict[int, Tensor] = {}
    stack = list(roots)
    while stack:
        tensor = stack.pop()
        if tensor.id not in found:
            found[tensor.id] = tensor
            if follow(tensor):
                stack += [x for x in tensor.inputs if isinstance(x, Tensor) and x.id not in found]
    return [found[number] for number in sorted(found)]


def _is_leaf(tensor: Tensor, captured: bool) -> bool:
    # What has values while a function is captured was computed outside of it.
    return tensor.op is None or (captured and held_by(tensor) is not None)


def _seal(array: Array | None) -> Array | None:
    # Foreign programs have numbers of other kinds too, which nobody shows.
    return None if array is None or array.dtype.kind not in "biuf" else read_only(array)
