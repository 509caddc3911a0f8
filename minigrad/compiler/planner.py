"""From a rewritten graph to the plan of a program: instructions, and then one pass after the other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from minigrad.compiler.destinations import write_into_state
from minigrad.compiler.expressions import Item, Value, evaluate, substitute
from minigrad.compiler.instructions import Instruction, assign_to_node, bind_to, copy_into
from minigrad.compiler.layouts import rows_of
from minigrad.compiler.lowerings import lower
from minigrad.compiler.memory import share_memory
from minigrad.compiler.pieces import cut_into_pieces
from minigrad.compiler.places import Place, Placement, Places
from minigrad.compiler.plan import Plan
from minigrad.compiler.products import call_dot
from minigrad.compiler.rewrite import Rewritten, key_of_array
from minigrad.compiler.scalars import compute_number
from minigrad.compiler.strides import copy_into_strides
from minigrad.compiler.threads import make_twins
from minigrad.core.arrays import Array
from minigrad.graph import Node


def make_plan(rewritten: Rewritten, threads: int | None = None) -> Plan:
    """The plan of a program that computes a rewritten graph; so many threads share its loops."""
    plan = cut_into_pieces(write_into_state(lower_graph(rewritten)), shared=threads is not None)
    plan = copy_into_strides(call_dot(plan))
    return release_blank(share_memory(make_twins(plan, threads or 1)))


def lower_graph(rewritten: Rewritten) -> Plan:
    """A plan as it comes: new values of state are copied there at the end, and all memory is apart."""
    graph = rewritten.graph
    lowerer = _Lowerer(Placement(graph))
    update = next((node.number for node in graph if node.origin is not None), len(graph))
    instructions = [one for node in graph for one in lowerer.instructions_of(node, update)]
    values = lowerer.placement.values
    return Plan(
        graph, rewritten.sources, values, Places(lowerer.places), instructions,
        returned=[values[node] for node in graph.outputs],
        copies=[(values[state], values[node]) for state, node in graph.updates.items() if state is not node],
    )  # fmt: skip


def release_blank(plan: Plan) -> Plan:
    """The plan without the memory on which views were tried: all that is needed now is shapes and strides."""
    small: dict[Any, Array] = {}
    places = {}
    for value, place in plan.places.items():
        if plan.places.kind_of_root(value) not in ("state", "constant"):
            array = place.array
            layout = array.dtype, array.shape, array.strides
            if layout not in small:
                small[layout] = as_strided(np.empty(1, array.dtype), array.shape, array.strides)
            places[value] = Place(place.kind, small[layout], place.base, place.view)
    return plan._replace(places=plan.places.changed(places))


class _Lowerer:
    """Lowers nodes, and finds places for what lowerings make beside instructions."""

    def __init__(self, placement: Placement) -> None:
        self.placement, self.places = placement, placement.places
        self._constants: dict[Any, Value] = {}  # by content
        self._checked: set[Any] = set()

    def instructions_of(self, node: Node, update: int) -> list[Instruction]:
        """What computes a node; nothing where it is a leaf or a view."""
        out, op = self.placement.values[node], node.function
        if op is None or not self.placement.is_computed(node):
            return []
        operands, local = self.placement.operands(node), self.places[out].kind == "local"
        if local:
            view = self.places[out].view
            found = [compute_number(op, out, self._as_numbers(operands)) if view is None else bind_to(out, view)]
        elif node in self.placement.parts:
            found = list(self._copies_into_parts(node, out, operands))
        else:
            lowered = lower(op, out, operands, dict(node.params))
            found = [self._settle(one) for one in lowered if self._is_new(one)]
        taken = None if local else rows_of(node, operands)
        rows = None
        if taken is not None:
            rows = frozenset([out, *taken, *(x for one in found for x in one.written if x.beside is None)])
        section = "backward" if node.origin is not None else "forward" if node.number < update else "update"
        return assign_to_node(found, node, section, op.elementwise, rows)

    def _as_numbers(self, operands: list[Any]) -> list[Any]:
        """Numbers as they are, and arrays of no axes as what they hold."""
        return [x if not isinstance(x, Value) or self.places[x].kind == "local" else Item(x, ()) for x in operands]

    def _copies_into_parts(self, node: Node, out: Value, operands: list[Any]) -> Iterator[Instruction]:
        """Copies of what was not computed in its part of a joined result."""
        for i, (view, x) in enumerate(zip(self.placement.parts[node], operands, strict=True)):
            if (node, i) not in self.placement.placed:
                array = np.asarray(evaluate(view, {out: self.places[out].array}))
                part = Value(array.shape, array.dtype, label="{}_part", owner=out)
                self.places[part] = Place("view", array, out, view)
                yield copy_into(part, x)

    def _settle(self, instruction: Instruction) -> Instruction:
        """The instruction, with places for the values that its lowering made; equal constants are one."""
        others: dict[Value, Any] = {}
        for x in (*instruction.reads, *instruction.written):
            if x in self.places:
                continue
            if x.array is None:
                self.places[x] = Place("buffer", self.placement.blank.array(x.shape, x.dtype))
                continue
            first = self._constants.setdefault(key_of_array(x.array), x)
            self.places.setdefault(first, Place("constant", x.array))
            if first is not x:
                others[x] = first
        if not others:
            return instruction
        reads = tuple([others.get(x, x) for x in instruction.reads])
        return instruction._replace(statement=substitute(instruction.statement, others), reads=reads)

    def _is_new(self, instruction: Instruction) -> bool:
        """Whether it is no check of whole arguments that was made before, on whose behalf ever."""
        if instruction.writes is not None:
            return True
        roots = [self._root(x) for x in instruction.reads]
        if any(self.places[root].kind != "argument" or root.size != x.size
               for root, x in zip(roots, instruction.reads, strict=True)):  # fmt: skip
            return True
        call = instruction.statement
        key = (call.function, *roots, *(x for x in call.operands if not isinstance(x, (Value, str))))
        new = key not in self._checked
        self._checked.add(key)
        return new

    def _root(self, value: Value) -> Value:
        while (base := self.places[value].base) is not None:
            value = base
        return value
