"""Where every value of a program lies: what is a view of what, and what is written into its place at once.

Nodes of a rewritten graph come in, a value for each and the place of each go out. Views are told from copies by trying
them, on arrays that are never touched.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from minigrad.compiler.expressions import Call, Item, Method, Value, evaluate
from minigrad.compiler.layouts import PARTS, VIEWS
from minigrad.compiler.lowerings import may_write
from minigrad.compiler.rules import array_of_constant, is_constant
from minigrad.compiler.scalars import is_of_numbers
from minigrad.core.arrays import Array, owner_of
from minigrad.core.storage import array_of
from minigrad.graph import Graph, Node
from minigrad.graph.search import find_users
from minigrad.ops import shape


@dataclass(frozen=True, eq=False, slots=True)
class Place:
    """Where a value lies.

    `kind` is argument, state, constant, buffer (memory of the program), view (of `base`, made once), local (made in
    every call: numbers, and views of arguments) or nothing (there is no value: a check). `array` has the right shape,
    strides and type; for state and constants it is the one that is computed with. `view` says how it is made of `base`.
    """

    kind: str
    array: Array
    base: Value | None = None
    view: Any = None


class Places(Mapping[Value, Place]):
    """The place of every value; another one is made of it with `changed`."""

    def __init__(self, places: Mapping[Value, Place]) -> None:
        self._places = dict(places)
        self._roots: dict[Value, Value] = {}

    def __getitem__(self, value: Value) -> Place:
        return self._places[value]

    def __iter__(self) -> Iterator[Value]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)

    def changed(self, places: Mapping[Value, Place]) -> Places:
        """The same, but for the places of some values, or with more of them."""
        return Places(self._places | dict(places)) if places else self

    def root(self, value: Value) -> Value:
        """The value whose memory it lies in."""
        if value in self._roots:
            return self._roots[value]
        chain = []
        while value not in self._roots:
            base = self._places[value].base
            if base is None:
                self._roots[value] = value
            else:
                chain.append(value)
                value = base
        root = self._roots[value]
        self._roots.update(dict.fromkeys(chain, root))
        return root

    def kind_of_root(self, value: Value) -> str:
        return self._places[self.root(value)].kind

    def array(self, value: Value) -> Array:
        return self._places[value].array


class Blank:
    """Arrays to try views on. They share memory that is reserved, and never touched."""

    def __init__(self) -> None:
        self._memory = np.empty(0, np.uint8)

    def array(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
        nbytes = dtype.itemsize
        for n in shape:
            nbytes *= n
        if nbytes > len(self._memory):
            self._memory = np.empty(2 * nbytes, np.uint8)
        return np.ndarray(shape, dtype, self._memory)


class Host(NamedTuple):
    """Where a value is written at once: in the `whole` that it is an operand of, its axes perhaps in another order."""

    whole: Node
    position: int
    axes: tuple[int, ...] = ()


def is_view(node: Node) -> bool:
    """Whether the op may return a view; an elementwise one does so only for what is there already."""
    return node.function is not None and node.function.view and not node.function.elementwise


class Placement:
    """Finds a place for each node of a graph.

    `values` are those of nodes, `places` those of all values, and `parts` say how the operands of a joining operation
    are found in its result; `placed` are the operands that are written there at once, each by its number.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.blank = Blank()
        self.values = {node: self._value(node) for node in graph}
        self.places: dict[Value, Place] = {}
        self.parts: dict[Node, list[Any]] = {}
        self.placed: set[tuple[Node, int]] = set()
        self._parts_of_others: set[Node] = set()
        self._gathered: set[Node] = set()  # views that would be copies, and hold what was computed in their order
        self._users, self._kept = find_users(graph), {*graph.outputs, *graph.updates.values()}
        self._owners: dict[int, Value] = {}
        hosts = self._hosts()
        for node in graph:
            chain = [node]
            while chain[-1] in hosts and self.values[chain[-1]] not in self.places:
                chain.append(hosts[chain[-1]].whole)
            for each in reversed(chain):  # a whole before its parts
                if self.values[each] not in self.places:
                    self.places[self.values[each]] = self._place(each, hosts)

    def operands(self, node: Node) -> list[Any]:
        """The inputs of a node, as values, numbers and None."""
        return [self.values[x] if isinstance(x, Node) else x for x in node.inputs]

    def is_computed(self, node: Node) -> bool:
        """Whether an instruction computes it: it is no view, or a part of something larger."""
        return self.places[self.values[node]].kind != "view" or node in self._parts_of_others

    def _value(self, node: Node) -> Value:
        array = array_of_constant(node.cell) if node.cell is not None and is_constant(node.cell) else None
        return Value(node.shape, node.dtype, node, array=array)

    def _place(self, node: Node, hosts: Mapping[Node, Host]) -> Place:
        if node.function is None:
            return self._place_leaf(node)
        if node.dtype.kind == "V":
            return Place("nothing", self.blank.array((), node.dtype))
        if is_of_numbers(node):
            return Place("local", self.blank.array((), node.dtype))
        if is_view(node) and node not in self._gathered and (found := self._place_view(node)) is not None:
            return found
        if node in self.parts and (found := self._place_joined_state(node)) is not None:
            return found
        if node in hosts and (found := self._place_part(node, hosts[node])) is not None:
            return found
        return Place("buffer", self.blank.array(node.shape, node.dtype))

    def _place_leaf(self, node: Node) -> Place:
        if node.role == "input":
            return Place("argument", self.blank.array(node.shape, node.dtype))
        value = self.values[node]
        if value.array is not None:
            return Place("constant", value.array)
        assert node.cell is not None
        array = array_of(node.cell)
        owner = owner_of(array)
        alike = owner is array or (owner.shape == array.shape and owner.strides == array.strides)
        base = self._owners.get(id(owner))
        if base is None and alike:
            self._owners[id(owner)] = value
            return Place("state", array)
        if base is None:
            label = "parameters" if node.role == "parameter" else "memory_of_{}"
            self._owners[id(owner)] = base = Value(owner.shape, owner.dtype, label=label, owner=value)
            self.places[base] = Place("state", owner)
        return Place("view", array, base, base if alike else view_at(base, owner, array))

    def _place_view(self, node: Node) -> Place | None:
        """The node as a view of its first operand, unless it is a copy."""
        function, (source, *others) = node.function, self.operands(node)
        if function not in VIEWS or any(isinstance(x, Value) for x in others):
            return None
        view, place = VIEWS[function](source, *others, **node.params), self.places[source]
        array = try_view(view, source, place.array)
        if place.kind in ("local", "argument"):
            return Place("local", self.blank.array(node.shape, node.dtype) if array is None else array, source, view)
        return None if array is None else Place("view", array, source, view)

    def _place_part(self, node: Node, host: Host) -> Place | None:
        """The node as a part of the larger result that it goes into, unless that would have to be a copy."""
        base, view = self.values[host.whole], self.parts[host.whole][host.position]
        if host.axes:
            view = Method("transpose", view, (host.axes,))
        whole = self.places[base].array
        array = try_view(view, base, whole)
        if array is not None and array.shape != node.shape:
            view = Method("reshape", view, (node.shape,))
            array = try_view(view, base, whole)
        if array is None:  # the elements of a part may lie apart
            return None
        function = node.function
        assert function is not None
        if not may_write(function, array):
            return None
        self.placed.add((host.whole, host.position))
        self._parts_of_others.add(node)
        return Place("view", array, base, view)

    def _hosts(self) -> dict[Node, Host]:
        """For what is joined to something larger, or brought into another order, where it belongs."""
        hosts: dict[Node, Host] = {}
        for node in reversed(self.graph.nodes):
            if node.function not in PARTS:
                continue
            self.parts[node] = PARTS[node.function](self.values[node], *node.inputs, **node.params)
            if node.function.view:
                self._gather(node, hosts)
                continue
            for position, x in enumerate(node.inputs):
                while isinstance(x, Node) and is_view(x) and x.function in PARTS:
                    x = x.inputs[0]  # the same elements in the same order
                if not isinstance(x, Node) or x.function is None or is_view(x) or x in hosts:
                    continue
                if x.dtype == node.dtype:  # in another type it would be falsified for all that read it
                    hosts[x] = Host(node, position)
        return hosts

    def _gather(self, node: Node, hosts: dict[Node, Host]) -> None:
        """Let what is needed in another order of its axes alone be computed in that order: no copy is left to make."""
        turned = node.inputs[0]
        if not isinstance(turned, Node) or turned.function is not shape.transpose:
            return
        x = turned.inputs[0]
        if not isinstance(x, Node) or x.function is None or is_view(x) or x in hosts or is_of_numbers(x):
            return
        if any(len(self._users[each]) > 1 or each in self._kept for each in (turned, x)):
            return
        view = VIEWS[shape.transpose](self.values[x], **turned.params)
        array = try_view(view, self.values[x], self.blank.array(x.shape, x.dtype))
        assert array is not None
        if try_view(Method("reshape", self.values[turned], (node.shape,)), self.values[turned], array) is None:
            hosts[x] = Host(node, 0, tuple(np.argsort(turned.params["axes"]).tolist()))
            self._gathered.add(node)

    def _place_joined_state(self, node: Node) -> Place | None:
        """The operands as one array, where they are state that lies side by side in memory already."""
        if any(not isinstance(x, Node) or x.function is not None for x in node.inputs):
            return None
        operands = [self.places[x] for x in self.operands(node)]
        if not operands or any(
            x.base is None or x.base is not operands[0].base or self.places[x.base].kind != "state"
            or x.array.dtype != node.dtype for x in operands
        ):  # fmt: skip
            return None
        out, trial = self.values[node], self.blank.array(node.shape, node.dtype)
        parts = [evaluate(view, {out: trial}) for view in self.parts[node]]
        starts = {address(x.array) - (address(part) - address(trial)) for x, part in zip(operands, parts, strict=True)}
        if len(starts) > 1 or any(x.array.strides != part.strides for x, part in zip(operands, parts, strict=True)):
            return None
        base = operands[0].base
        assert base is not None
        owner = self.places[base].array
        array = memory_at(owner, starts.pop(), trial)
        return None if array is None else Place("view", array, base, view_at(base, owner, array))


def try_view(view: Any, base: Value, array: Array) -> Array | None:
    """The view of `base` that an expression makes where `base` is this array; None where that fails or is a copy."""
    if type(view) is Method and view.name == "reshape":
        view = view._replace(keywords=(("copy", False),))  # NumPy says when it would have to be one, and makes none
    try:
        found = np.asarray(evaluate(view, {base: array}))
    except (ValueError, IndexError):
        return None
    return found if not found.size or np.may_share_memory(found, array) else None


def address(array: Array) -> int:
    start: int = array.__array_interface__["data"][0]
    return start


def memory_at(owner: Array, start: int, like: Array) -> Array | None:
    """A contiguous array like `like` at an address inside `owner`, or None where that does not fit."""
    offset = start - address(owner)
    if not owner.flags.c_contiguous or offset < 0 or offset + like.nbytes > owner.nbytes or owner.dtype != like.dtype:
        return None
    first = offset // owner.itemsize
    return owner.reshape(-1)[first : first + like.size].reshape(like.shape)


def view_at(base: Value, owner: Array, array: Array) -> Any:
    """How `array` is found in `owner`, the memory of `base`."""
    offset = address(array) - address(owner)
    if owner.ndim == 1 and owner.flags.c_contiguous and array.flags.c_contiguous and owner.dtype == array.dtype:
        first = offset // array.itemsize
        view = Item(base, slice(first, first + array.size))
        return view if array.ndim == 1 else Method("reshape", view, (array.shape,))
    return Call(np.ndarray, (array.shape, array.dtype, base, offset, array.strides))
