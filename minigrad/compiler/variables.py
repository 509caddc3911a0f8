"""Where every value of a program lives: what is a view of what, and what is written into its place at once.

Nodes of a rewritten graph come in, one `Variable` per node goes out. Views are told from copies by trying them, on
arrays that are allocated but never touched.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from minigrad.compiler.code import is_of_numbers, part_texts, text_of, view_text
from minigrad.compiler.names import Names
from minigrad.compiler.rules import is_constant
from minigrad.core.arrays import Array, owner_of
from minigrad.core.storage import memory_of
from minigrad.graph import Graph, Node
from minigrad.ops.shape import reshaped


@dataclass(eq=False)
class Variable:
    """One value of a program.

    `kind` is argument, state, constant, buffer (memory of the program), view (of `base`, made once), local (made in
    every call: numbers, and views of arguments) or nothing (there is no value: a check).
    """

    name: str
    kind: str
    array: Array  # with the right shape, strides and dtype; for state and constants the one that is computed with
    text: str = ""  # how a view is made
    base: Variable | None = None
    node: Node | None = None
    computed: bool = False  # a statement writes it
    _above: Variable | None = None  # of those that it is a view of, one nearer to the memory itself

    @property
    def root(self) -> Variable:
        """Whose memory it is."""
        root = self
        while root.base is not None:
            root = root._above or root.base
        if self.base is not None:
            self._above = root
        return root

    @property
    def shape(self) -> tuple[int, ...]:
        shape: tuple[int, ...] = self.array.shape
        return shape

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.array.dtype

    @property
    def ndim(self) -> int:
        return self.array.ndim

    @property
    def size(self) -> int:
        return self.array.size

    def __str__(self) -> str:
        return self.name


class Variables:
    """The variables of a graph: `by_node`, and in `owners` the memory that several pieces of state share."""

    def __init__(self, graph: Graph, names: Mapping[Node, str], given: Names) -> None:
        self.graph = graph
        self.names, self.given = names, given
        self.by_node: dict[Node, Variable] = {}
        self.owners: dict[int, Variable] = {}
        self.parts: dict[Node, list[str]] = {}  # how the operands of a joining operation are found in its result
        self.placed: set[tuple[Node, int]] = set()  # operands that are written into their place at once
        hosts = self._hosts()
        for node in graph:
            chain = [node]
            while chain[-1] in hosts and chain[-1] not in self.by_node:
                chain.append(hosts[chain[-1]][0])
            for each in reversed(chain):  # a whole before its parts
                if each not in self.by_node:
                    self.by_node[each] = self._variable(each, hosts)

    def __getitem__(self, node: Node) -> Variable:
        return self.by_node[node]

    def _variable(self, node: Node, hosts: Mapping[Node, tuple[Node, int]]) -> Variable:
        name = self.names[node]
        if node.function is None:
            return self._leaf(node, name)
        if node.dtype.kind == "V":
            return Variable(name, "nothing", np.empty((), node.dtype), node=node, computed=True)
        if is_of_numbers(node):
            return Variable(name, "local", np.empty((), node.dtype), node=node, computed=True)
        if is_view(node) and (found := self._view(node, name)) is not None:
            return found
        if node in self.parts and (found := self._joined_state(node, name)) is not None:
            return found
        if node in hosts and (found := self._placed(node, name, *hosts[node])) is not None:
            return found
        return Variable(name, "buffer", np.empty(node.shape, node.dtype), node=node, computed=True)

    def _leaf(self, node: Node, name: str) -> Variable:
        if node.role == "input":
            return Variable(name, "argument", np.empty(node.shape, node.dtype), node=node)
        tensor = self.graph._tensors[node.number]
        array = memory_of(tensor)
        if is_constant(tensor):
            return Variable(name, "constant", array, node=node)
        owner = owner_of(array)
        if owner is array or (owner.shape == array.shape and owner.strides == array.strides):
            return Variable(name, "state", array, node=node)
        if id(owner) not in self.owners:
            called = "parameters" if node.role == "parameter" else f"memory_of_{name}"
            self.owners[id(owner)] = Variable(self.given.new(called), "state", owner)
        base = self.owners[id(owner)]
        return Variable(name, "view", array, text_of_part(array, base), base, node)

    def _view(self, node: Node, name: str) -> Variable | None:
        """The node as a view of its first operand, unless it is a copy."""
        source = self.by_node[node.inputs[0]] if isinstance(node.inputs[0], Node) else None
        text = view_text(node, self.by_node)
        if source is None or text is None or any(isinstance(x, Node) for x in node.inputs[1:]):
            return None
        try:
            array = evaluated(text, {source.name: source.array})
        except NameError:  # it calls a function of the user, which statements can do
            return None
        if source.kind in ("local", "argument"):
            return Variable(name, "local", array, text, source, node, computed=True)
        if array.size and not np.may_share_memory(array, source.array):
            return None
        return Variable(name, "view", array, text, source, node)

    def _placed(self, node: Node, name: str, host: Node, position: int) -> Variable | None:
        """The node as a part of the larger result that it goes into, unless that would have to be a copy."""
        base, text = self.by_node[host], self.parts[host][position]
        if base.kind == "local" or not text:
            return None
        text = text.format(out=base.name)
        part = evaluated(text, {base.name: base.array})
        array = part.reshape(node.shape)
        if array.size and not np.may_share_memory(array, part):  # the elements of a part may lie apart
            return None
        function = node.function
        assert function is not None
        if function.code and not function.elementwise and not array.flags.c_contiguous:
            return None  # its lines may need all elements side by side
        self.placed.add((host, position))
        return Variable(
            name, "view", array, text if part.shape == node.shape else reshaped(text, node.shape), base, node,
            computed=True,
        )  # fmt: skip

    def _hosts(self) -> dict[Node, tuple[Node, int]]:
        """For what is joined to something larger: the node of the whole, and which operand of it this is."""
        hosts: dict[Node, tuple[Node, int]] = {}
        for node in reversed(self.graph.nodes):
            if node.function is None or node.function.parts is None:
                continue
            self.parts[node] = part_texts(node)
            if node.function.view:  # a copy only because of the order of its operand
                continue
            for position, x in enumerate(node.inputs):
                while isinstance(x, Node) and is_view(x) and x.function is not None and x.function.parts:
                    x = x.inputs[0]  # the same elements in the same order
                if not isinstance(x, Node) or x.function is None or is_view(x) or x in hosts:
                    continue
                if x.dtype == node.dtype:  # in another type it would be falsified for all that read it
                    hosts[x] = (node, position)
        return hosts

    def _joined_state(self, node: Node, name: str) -> Variable | None:
        """The operands as one array, where they are state that lies side by side in memory already."""
        if any(not isinstance(x, Node) or x.function is not None for x in node.inputs):
            return None
        operands = [self.by_node[x] for x in node.inputs if isinstance(x, Node)]
        if not operands or any(x.base is None or x.base is not operands[0].base or x.root.kind != "state"
                               or x.dtype != node.dtype for x in operands):  # fmt: skip
            return None
        trial = np.empty(node.shape, node.dtype)
        places = [evaluated(text.format(out="out"), {"out": trial}) for text in self.parts[node]]
        starts = {
            address(x.array) - (address(place) - address(trial)) for x, place in zip(operands, places, strict=True)
        }
        if len(starts) > 1 or any(x.array.strides != place.strides for x, place in zip(operands, places, strict=True)):
            return None
        base = operands[0].root
        array = memory_at(base.array, starts.pop(), trial)
        return None if array is None else Variable(name, "view", array, text_of_part(array, base), base, node)


def is_view(node: Node) -> bool:
    """Whether the op may return a view; an elementwise one does so only for what is there already."""
    return node.function is not None and node.function.view and not node.function.elementwise


def evaluated(text: str, names: Mapping[str, Any]) -> Array:
    """The value of a Python expression over arrays, `np` included."""
    return np.asarray(eval(text, {"np": np, **names}))


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


def text_of_part(array: Array, base: Variable) -> str:
    """How `array` is found in the memory of `base`."""
    offset = address(array) - address(base.array)
    flat = base.array.ndim == 1 and base.array.flags.c_contiguous and base.dtype == array.dtype
    if flat and array.flags.c_contiguous:
        first = offset // array.itemsize
        text = f"{base.name}[{first}:{first + array.size}]"
        return text if array.ndim == 1 else reshaped(text, array.shape)
    return f"np.ndarray({array.shape}, {text_of(array.dtype)}, {base.name}, {offset}, {array.strides})"
