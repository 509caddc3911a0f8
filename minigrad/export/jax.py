"""A graph as a pure function of JAX: state and inputs enter, new state and outputs leave.

`Graph.to_jax` makes it. What an op is in JAX stands in `jax_rows.py`; `row` adds to it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from minigrad.core.arrays import Array
from minigrad.core.errors import GraphError
from minigrad.core.storage import array_of, assign
from minigrad.core.structure import map_leaves
from minigrad.export.jax_rows import DRAWS, IN_PARTS, JOINS, ROWS, Row, find_row, jax, jnp
from minigrad.export.parts import Parts, apply_elementwise, find_layouts, split
from minigrad.graph.arguments import flatten
from minigrad.graph.node import Node
from minigrad.nn.state import check_state

if TYPE_CHECKING:
    from minigrad.graph.graph import Graph
    from minigrad.nn.module import Module

KEY, KIND_OF_KEY = "random.key", "threefry2x32"


def row(name: str) -> Callable[[Row], Row]:
    """Say what the op `name` is in JAX: a decorator for a function of its operands, and of its params by name.

    >>> import minigrad as mg
    >>> @mg.export.jax.row("cube")
    ... def cube(x):
    ...     return x * x * x
    >>> mg.export.jax.ROWS.pop("cube")(2)
    8
    """

    def declare(function: Row) -> Row:
        ROWS[name] = function
        return function

    return declare


class JaxFunction:
    """What `Graph.to_jax` returns, a pure function: `state, outputs = jax.jit(step)(step.state, *inputs)`."""

    __name__ = "step"

    def __init__(self, graph: Graph, draws: Literal["key", "inputs"], seed: int, model: Module | None) -> None:
        if draws not in ("key", "inputs"):
            raise ValueError(f"to_jax: draws={draws!r}: expected 'key' or 'inputs'")
        jax.jit  # noqa: B018  # where JAX is missing, this says so
        self._graph = graph = use_definitions(graph)
        self._random = [node for node in graph if node.role == "random" and not node.inputs]
        self._by_key = draws == "key" and bool(self._random)
        self._key = np.array([seed >> 32 & 0xFFFFFFFF, seed & 0xFFFFFFFF], np.uint32)
        self._inputs = graph.inputs if self._by_key else (*graph.inputs, *self._random)
        self._rows = {node: _take_row(node) for node in graph if node.function is not None and node not in self._random}
        self._draws = {node: _take_draw(node) for node in self._random} if self._by_key else {}
        names = name_state(graph, model)
        fixed = [node for node in graph if node.function is None and node not in names and node.role != "input"]
        self._constants = {node: np.array(node.value) for node in fixed}
        check_constant_indices(self._rows, self._constants)
        layouts = find_layouts(graph, names, [node for node in graph if joins(node)])
        self._shapes = {node: layout.shapes for node, layout in layouts.items()}
        self._places = {  # the names of the parts in which each piece of state lies
            node: [f"{name}.{part}" for part in layouts[node].names] if node in layouts else [name]
            for node, name in names.items()
        }  # fmt: skip

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of a state of {len(self.state)} arrays and {_list_inputs(self._inputs)}>"

    @property
    def state(self) -> dict[str, Array]:
        """Copies of what the live Tensors hold now, by the names that `io.save_checkpoint` gives them.

        Where random numbers are drawn by key, the key is part of it, as `random.key`.
        """
        state = {KEY: self._key} if self._by_key else {}
        for node, places in self._places.items():
            state |= zip(places, self._split(node, array_of(node.cell).copy()), strict=True)
        return state

    def load(self, state: Mapping[str, Any]) -> None:
        """Write a state into the live Tensors: training goes on in minigrad, and `io.save_checkpoint` saves it.

        Raises:
            ValueError: keys that are missing or unexpected, arrays of another shape or dtype: all in one message, and
                nothing was changed. What JAX holds in 32 bits, where 64-bit types are not enabled, is converted.
        """
        expected = self.state
        given = {key: _widen(np.asarray(value), expected.get(key)) for key, value in state.items()}
        check_state("load", expected, given)
        for node, places in self._places.items():
            parts = [given[place] for place in places]
            assign(node._tensor, np.concatenate(parts, axis=None).reshape(node.shape))
        self._key = given.get(KEY, self._key)

    def draw(self) -> list[Array]:
        """What the generators of the graph draw next, in its order: the last inputs, with `draws="inputs"`."""
        drawn = () if self._by_key else self._random
        return [np.asarray(node.function.forward(**node.params)) for node in drawn if node.function is not None]

    def __call__(self, state: Mapping[str, Any], *inputs: Any) -> tuple[dict[str, Any], Any]:
        """The state after the step, and the outputs in the structure that the traced function returned.

        Raises:
            ValueError: keys of the state that are missing or unexpected; arrays of another number, shape or dtype.
        """
        before = {key: jnp.asarray(value) for key, value in state.items()}
        values: dict[Node, Any] = {node: jnp.asarray(array) for node, array in self._constants.items()}
        values |= zip(self._inputs, self._check_inputs(inputs), strict=True)
        self._check_state(before)
        for node, places in self._places.items():
            parts = Parts(before[place] for place in places)
            values[node] = parts if node in self._shapes else parts[0]
        after = {}
        if self._by_key:
            keys = jax.random.split(jax.random.wrap_key_data(before[KEY], impl=KIND_OF_KEY), len(self._random) + 1)
            after[KEY] = jax.random.key_data(keys[0])
            for key, (node, row) in zip(keys[1:], self._draws.items(), strict=True):
                values[node] = convert(node, row(key, **node.params))
        for node, row in self._rows.items():
            operands = [values[x] if isinstance(x, Node) else x for x in node.inputs]
            with jax.named_scope(node.scope) if node.scope else nullcontext():
                values[node] = compute(node, row, operands)
        for node, places in self._places.items():
            after |= zip(places, self._split(node, values[self._graph.updates.get(node, node)]), strict=True)
        return after, map_leaves(lambda x: join(values[x]) if isinstance(x, Node) else x, self._graph.returned)

    def _check_inputs(self, inputs: tuple[Any, ...]) -> list[Any]:
        """The inputs as the graph takes them, then what is drawn for it."""
        nodes, count = self._inputs, len(self._inputs) - len(self._graph.inputs)
        given, drawn = inputs[: len(inputs) - count], inputs[len(inputs) - count :]
        arrays = [jnp.asarray(x) for x in (*self._graph._leaves(given), *flatten(drawn))]
        fits = len(arrays) == len(nodes) and all(
            x.shape == node.shape and x.dtype == type_in_jax(node) for x, node in zip(arrays, nodes, strict=False)
        )
        if not fits:
            came = ", ".join(f"{x.shape} {x.dtype}" for x in arrays) or "nothing"
            draws = ", the last by step.draw()" if count else ""
            raise ValueError(f"step takes, after the state, {_list_inputs(nodes)}{draws}, got {came}")
        return arrays

    def _split(self, node: Node, value: Any) -> Sequence[Any]:
        """A piece of state as the arrays that stand for it."""
        if node not in self._shapes:
            return [join(value)]
        is_split = isinstance(value, Parts) and value.shapes == self._shapes[node]
        return value if is_split else split(join(value), self._shapes[node])

    def _check_state(self, state: Mapping[str, Any]) -> None:
        expected = {KEY: jax.ShapeDtypeStruct((2,), np.uint32)} if self._by_key else {}
        for node, places in self._places.items():
            for place, shape in zip(places, self._shapes.get(node, [node.shape]), strict=True):
                expected[place] = jax.ShapeDtypeStruct(shape, type_in_jax(node))
        check_state("step", expected, state)


# --- before: what the graph is made of --------------------------------------------------------------------------------


def use_definitions(graph: Graph) -> Graph:
    """The graph with its definition in the place of each op that has no row."""
    names: set[str] = set()
    while True:
        functions = [node.function for node in graph if node.function is not None]
        found = {op.name for op in functions if op.definition is not None and find_row(op) is None}
        if not found or found & names:  # what is in its own definition is said by neither
            return graph
        graph, names = graph.expand(*found), found


def _take_row(node: Node) -> Row:
    assert node.function is not None
    row = find_row(node.function, node.of_gradient)
    if row is None:
        raise GraphError(
            f"to_jax: nothing says what {node.op} is in JAX, in {node!r}: write a row, "
            f'@minigrad.export.jax.row("{node.op}") on a function of arrays of JAX, or declare it with a definition'
        )
    return row


def _take_draw(node: Node) -> Row:
    if node.op not in DRAWS:
        raise GraphError(f'to_jax: {node!r} cannot draw from a key of JAX: export with draws="inputs"')
    return DRAWS[node.op]


def name_state(graph: Graph, model: Module | None = None) -> dict[Node, str]:
    """Parameters and state by their paths, as checkpoints call them; by their numbers too, where these do not tell."""
    paths = {} if model is None else {id(tensor): path for path, tensor in model.named_tensors()}
    names: dict[Node, str] = {}
    for node in graph:
        if node.role in ("parameter", "state"):
            path = paths.get(id(node.cell), node.path.replace("/", "."))
            is_free = path and path not in names.values()
            names[node] = path if is_free else f"{path or node.role}.{node.number}"
    return names


def joins(node: Node) -> bool:
    """Whether the node joins arrays into a flat one, which is kept in parts."""
    return node.op in JOINS and JOINS[node.op](**node.params)


def check_constant_indices(nodes: Collection[Node], constants: Mapping[Node, Array]) -> None:
    """Raise as minigrad does for indices that are out of range, where they are known: JAX would say nothing."""
    for node in nodes:
        arrays = [(i, x) for i, x in enumerate(node.inputs) if isinstance(x, Node)]
        steering = {x for i, x in arrays if x.dtype.kind in "iu" and not _has_rule(node, i)}
        if steering and node.function is not None and not node.function.elementwise and constants.keys() >= steering:
            operands = [
                np.broadcast_to(constants.get(x, np.zeros((), x.dtype)), x.shape) if isinstance(x, Node) else x
                for x in node.inputs
            ]
            try:
                node.function.forward(*operands, **node.params)
            except IndexError as error:
                error.add_note(f"in {node!r}")
                raise


# --- while it is called -----------------------------------------------------------------------------------------------


def compute(node: Node, row: Row, operands: Sequence[Any]) -> Any:
    """The value of a node, in parts where it may be."""

    def compute_whole(*operands: Any) -> Any:
        return convert(node, row(*_cast(node, operands), **node.params))

    if joins(node):
        parts = [part for x in operands for part in (x if isinstance(x, Parts) else [jnp.asarray(x)])]
        return Parts(convert(node, part) for part in parts)
    if any(isinstance(x, Parts) for x in operands):
        assert node.function is not None
        if node.function.elementwise and len(node.shape) == 1:
            result = apply_elementwise(compute_whole, operands)
        else:
            result = IN_PARTS[node.op](*operands, **node.params) if node.op in IN_PARTS else None
        if result is not None:
            return result
    return compute_whole(*map(join, operands))


def join(value: Any) -> Any:
    """One array of what may be in parts."""
    return jnp.concatenate([part.ravel() for part in value]) if isinstance(value, Parts) else value


def convert(node: Node, value: Any) -> Any:
    """In the type that the node has, and strongly: what JAX calls weak would be traced twice as state."""
    return jnp.asarray(value, type_in_jax(node))


def type_in_jax(node: Node) -> Any:
    """The type of a node, or its 32-bit twin where JAX has no 64-bit types."""
    return jax.dtypes.canonicalize_dtype(node.dtype)


def _cast(node: Node, operands: Sequence[Any]) -> list[Any]:
    """The operands in NumPy's type: int32 · float32 is float64 there, √uint8 float16. float16 is widened to float32."""
    assert node.function is not None
    if node.function.elementwise and not node.function.rules:  # a comparison: in the type that all have in common
        dtype, wanted = np.result_type(*_list_kinds(node)), [True] * len(operands)
    else:
        dtype = node.dtype if node.dtype.char != "e" else np.dtype(np.float32)
        wanted = [_has_rule(node, i) for i in range(len(operands))]
    in_jax = jax.dtypes.canonicalize_dtype(dtype)
    return [x.astype(in_jax) if cast and hasattr(x, "dtype") else x for x, cast in zip(operands, wanted, strict=True)]


def _list_kinds(node: Node) -> list[Any]:
    """The types of the operands, and numbers as they are; beside integers alone one may be more than these can hold."""
    only_integers = all(x.dtype.kind in "biu" for x in node.inputs if isinstance(x, Node))
    kinds = [x.dtype if isinstance(x, Node) else x for x in node.inputs if x is not None]
    return [np.min_scalar_type(x) if only_integers and type(x) is int else x for x in kinds]


def _has_rule(node: Node, position: int) -> bool:
    """Whether the operand is one of the numbers that are computed with; others are indices, masks and targets."""
    return node.function is not None and node.function.argument(position) in node.function.rules


def _list_inputs(nodes: Sequence[Node]) -> str:
    listed = ", ".join(f"{node.name or node.op or f'%{node.number}'}: {node.shape} {node.dtype}" for node in nodes)
    return f"inputs ({listed})" if listed else "no inputs"


def _widen(array: Array, expected: Array | None) -> Array:
    """What came back in the type that it went out with, if that is of the same kind."""
    return array.astype(expected.dtype) if expected is not None and array.dtype.kind == expected.dtype.kind else array
