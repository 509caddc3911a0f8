"""The parts of an architecture, read from the data flow of a graph: boxes, what enters each, what is repeated.

In come the graph of a model's call and the modules by their paths; out go parts, each after those that it depends on.
Which nodes belong together is told by the modules that computed them; what is a residual, by where operands come from.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from minigrad.drawing import architecture_names as names
from minigrad.drawing.fold import Folding, fold
from minigrad.drawing.names import hide_numbers
from minigrad.drawing.repeats import find_repeats
from minigrad.drawing.scopes import Key, Scopes, order_of
from minigrad.graph import Graph, Node
from minigrad.graph.search import find_users

UNBOXED = ("input", "parameter", "wave", "output", "sign")
MOST_PARTS = 20  # more are looked at for repeats that no scope tells of


@dataclass(frozen=True)
class Part:
    """A box, a sign in a circle, whose title is a key of `STROKES`, or what enters or leaves.

    Args:
        kind: what decides its colour, or one of `UNBOXED`.
        sources: the numbers of the parts that enter, in order, each with how many arrows.
        frames: what is repeated around it, outermost first: the path of a scope and how often.
        path: that of its module; an operation has none.
        scope: where it was called from.
    """

    number: int
    kind: str
    title: str
    sources: Mapping[int, int]
    frames: tuple[tuple[str, int], ...] = ()
    path: str = ""
    scope: str = ""

    @property
    def boxed(self) -> bool:
        return self.kind not in UNBOXED


Parts = dict[int, Part]
Labels = Mapping[Any, str]  # titles by path or class


def read_parts(graph: Graph, modules: Mapping[str, object], owners: Mapping[int, str], labels: Labels) -> Parts:
    """The parts of the graph by number.

    Args:
        modules: by path, names joined by "/".
        owners: the path of the module that holds each parameter, by `id` of its Tensor.
        labels: titles that are not those of the table, by path, written likewise, or class.
    """
    parts = _Reader(graph, modules, owners, labels, Scopes(graph)).read()
    if len(parts) <= MOST_PARTS:
        return parts
    # layers/0 and layers/1 are turns of a loop
    alike = [replace(node, scope=hide_numbers(node.scope)) for node in graph]
    folded = _Reader(graph, modules, owners, labels, Scopes(graph, find_repeats(alike))).read()
    return min(parts, folded, key=len)


class _Reader:
    def __init__(
        self, graph: Graph, modules: Mapping[str, object], owners: Mapping[int, str], labels: Labels, scopes: Scopes
    ) -> None:
        self.graph, self.labels, self.scopes = graph, labels, scopes
        self.closed = {path: row for path, module in modules.items() if (row := self._close(path, module, modules))}
        self.owners = owners
        self.users = find_users(graph)
        self.folding: Folding = fold(scopes, set(_find_chains(scopes)), accept=self._is_chain)
        self.first: dict[int, int] = {}  # a node of a part → an earlier one, itself for the first
        self.parameters: dict[int, set[int]] = {}  # the first node of a part → those that it has used
        self.origins: dict[int, tuple[int, ...]] = {}  # a node → the parts that its value comes from
        self.parts: Parts = {}

    def read(self) -> Parts:
        drawn = [node for node in self.graph if self.folding.find_drawn(node.number) == node.number]
        for node in drawn:
            self._join_to_module(node)
        members: dict[int, list[Node]] = {}
        for node in drawn:
            members.setdefault(self._find_first(node.number), []).append(node)
        for node in drawn:
            self._follow(node, members)
        for place, node in enumerate(self.graph.outputs):
            sources = dict.fromkeys(self._origins_of(node), 1)
            number = f" {place + 1}" if len(self.graph.outputs) > 1 else ""
            title = self.labels.get("output") or names.split_words(node.name or f"output{number}")
            self.parts[len(self.graph) + place] = Part(len(self.graph) + place, "output", title, sources)
        return merge_norms(keep_reached(self.parts))

    def _close(self, path: str, module: object, modules: Mapping[str, object]) -> names.Row | None:
        """How a module is drawn as one box; None for one that is drawn by what is inside."""
        row, label = names.find_row(module), self.labels.get(path) or self.labels.get(type(module))
        inside = any(other.startswith(f"{path}/") for other in modules)
        if not path or (inside and label is None and row.kind == names.OTHER):
            return None
        return names.Row(label or names.name_module(row.title, path), row.kind)

    def _is_chain(self, turns: Sequence[list[Node]]) -> bool:
        """Whether each turn takes what the one before makes, all of them take all else, and only the last goes on."""
        places = {node.number: (turn, place) for turn, nodes in enumerate(turns) for place, node in enumerate(nodes)}
        for first, *others in zip(*turns, strict=True):
            for position, x in enumerate(first.inputs):
                if not isinstance(x, Node):
                    continue
                taken = {_locate(node.inputs[position], turn, places) for turn, node in enumerate(others, 1)}
                back, what = taken.pop()
                if taken or (back != 1 and (back, what) != _locate(x, 0, places)):
                    return False
            for node in (first, *others[:-1]):
                if node.output or any(user.number not in places for user in self.users.get(node, ())):
                    return False
        return True

    def _closed_around(self, scope: str) -> str | None:
        """The outermost of the modules around a node that are drawn as one box."""
        return next((path for path in self.scopes.list_around(scope) if path in self.closed), None)

    def _join_to_module(self, node: Node) -> None:
        """Put an operation together with those of its operands that the same call of a module computed."""
        self.first[node.number] = node.number
        path, operands = self._closed_around(node.scope), self._operands_of(node)
        if path is None or node.op is None:
            return
        own = {x.number for x in operands if x.role == "parameter"}
        self.parameters[node.number] = own
        for operand in operands:
            if operand.op is not None and self._closed_around(operand.scope) == path:
                several = {self._find_first(node.number), self._find_first(operand.number)}
                if own & self.parameters[self._find_first(operand.number)]:
                    continue  # what has used a parameter before is an earlier call of the module
                self.first.update(dict.fromkeys(several, min(several)))
                self.parameters[min(several)] = set().union(*(self.parameters[first] for first in several))

    def _find_first(self, number: int) -> int:
        while self.first[number] != number:
            number = self.first[number]
        return number

    def _operands_of(self, node: Node) -> list[Node]:
        return [self.graph[self.folding.find_drawn(x.number)] for x in node.inputs if isinstance(x, Node)]

    def _origins_of(self, node: Node) -> tuple[int, ...]:
        return self.origins.get(self.folding.find_drawn(node.number), ())

    def _follow(self, node: Node, members: Mapping[int, list[Node]]) -> None:
        """Note which parts the value of a node comes from, and make its own where it begins one."""
        number, path = self._find_first(node.number), self._closed_around(node.scope)
        if node.op is None:
            self._follow_leaf(node)
            return
        operands = [] if names.find_operation(node).kind == names.SHAPE else self._operands_of(node)
        if len(node.inputs) > 1 and node.dtype.kind != "b":
            operands = [x for x in operands if x.dtype.kind != "b"]  # masks are not drawn, nor what they are made of
        arriving = (origin for operand in operands for origin in self._origins_of(operand))
        origins = dict.fromkeys(origin for origin in arriving if origin != number)
        if path is None and origins:
            self._add_operation(node, origins, sum(any(map(self._is_data, self._origins_of(x))) for x in operands) > 1)
        elif path is not None and self.closed[path].kind != names.HIDDEN and (origins or number in self.parts):
            self._add_to_module(self.closed[path], path, members[number], origins)
        self.origins[node.number] = (number,) if number in self.parts else tuple(origins)

    def _follow_leaf(self, node: Node) -> None:
        """What enters from outside: data, and parameters of what is drawn open that are more than a vector."""
        if node.role == "input":
            wanted = node.dtype.kind != "b"  # masks are not drawn
        else:
            owner = self.owners.get(id(node.cell), "")
            wanted = node.role == "parameter" and len(node.shape) > 1 and self._closed_around(owner) is None
        if wanted:
            title = self.labels.get(node.path) or names.split_words(node.name or node.role)
            number = node.number - len(self.graph)  # before all that is computed
            self.parts[number] = Part(number, node.role, title, {}, self._list_frames(node))
            self.origins[node.number] = (number,)

    def _add_to_module(self, row: names.Row, path: str, nodes: list[Node], origins: Mapping[int, None]) -> None:
        """What enters by one more node of a module; attention has an arrow for each, others have one."""
        number = nodes[0].number
        if number not in self.parts:
            masked = row.kind == "attention" and path not in self.labels and any(map(_has_mask, nodes))
            title, frames = names.MASKED * masked + row.title, self._list_frames(nodes[0])
            part = Part(number, row.kind, title, {}, frames, path, scope=path.rpartition("/")[0])
            if row.kind == "positions":
                wave = number - 2 * len(self.graph)
                self.parts[wave] = replace(part, number=wave, kind="wave")
                sign = names.find_operation(nodes[-1]).title
                part = replace(part, kind="sign", title=sign, sources={wave: 1})
            self.parts[number] = part
        sources = dict(self.parts[number].sources)
        for origin in origins:
            if origin < number:  # what comes later closes a circle: the module is called again
                sources[origin] = sources.get(origin, 0) + 1 if row.kind == "attention" else 1
        self.parts[number] = replace(self.parts[number], sources=sources)

    def _is_data(self, number: int) -> bool:
        return self.parts[number].kind != "parameter"

    def _add_operation(self, node: Node, origins: Mapping[int, None], several: bool) -> None:
        """`several`: more than one of its operands depends on what the model is given, perhaps all on the same."""
        operation = names.find_operation(node)
        if operation.kind != "sign":  # weights belong to the operation
            data = [origin for origin in origins if self._is_data(origin)]
            origins = dict.fromkeys(data) if data else origins
        title = operation.title if several or len(origins) > 1 else operation.alone
        if title:
            sources, frames = dict.fromkeys(origins, 1), self._list_frames(node)
            kind = "linear" if title == "Linear" else operation.kind
            self.parts[node.number] = Part(node.number, kind, title, sources, frames, scope=node.scope)

    def _list_frames(self, node: Node) -> tuple[tuple[str, int], ...]:
        paths = self.scopes.list_around(self.scopes.path_of(node))
        runs = [(path, self.folding.siblings.get((order_of(node), path))) for path in paths]
        return tuple((path, len(run)) for path, run in runs if run is not None)


def _locate(x: Any, turn: int, places: Mapping[int, tuple[int, int]]) -> tuple[Any, int]:
    """Where an operand of a turn is made: so many turns before, at a place there; or outside of all of them."""
    before, place = places.get(x.number, (None, x.number))
    return None if before is None else turn - before, place


def _has_mask(node: Node) -> bool:
    """Whether it has a mask that does not depend on what the model is given."""
    masks = [x for x in node.inputs if isinstance(x, Node) and x.role == "constant" and x.dtype.kind == "b"]
    return bool(masks) or node.params.get("causal") is True


def _find_chains(scopes: Scopes) -> Iterator[Key]:
    """Scopes that take what a neighbour of the same name but for its number computes."""
    for (order, path), nodes in scopes.members.items():
        operands = {x for node in nodes for x in node.inputs if isinstance(x, Node) and x.op is not None}
        for operand in operands:
            neighbour = "/".join(scopes.path_of(operand).split("/")[: path.count("/") + 1])
            if neighbour != path and hide_numbers(neighbour) == hide_numbers(path):
                yield order, path
                yield order, neighbour


def find_ancestors(parts: Parts) -> dict[int, set[int]]:
    """The numbers of all parts that each one depends on."""
    ancestors: dict[int, set[int]] = {}
    for number, part in parts.items():
        ancestors[number] = set(part.sources).union(*(ancestors[source] for source in part.sources))
    return ancestors


def keep_reached(parts: Parts) -> Parts:
    """Those that an output depends on, in order, without what enters from nowhere."""
    reached = {number for number, part in parts.items() if part.kind == "output"}
    for number in sorted(parts, reverse=True):
        if number in reached:
            reached.update(parts[number].sources)
    return {number: parts[number] for number in sorted(reached)}


def merge_norms(parts: Parts) -> Parts:
    """Write a residual sum and the norm that alone takes it as one box, where the same module calls both."""
    ancestors, merged = find_ancestors(parts), dict(parts)
    uses = Counter(source for part in parts.values() for source in part.sources)
    for number, part in parts.items():
        if part.kind == "norm" and len(part.sources) == 1:
            total = parts[next(iter(part.sources))]
            residual = any(source in ancestors[other] for source in total.sources for other in total.sources)
            alone = uses[total.number] == 1 and total.scope == part.scope
            if (total.kind, total.title) == ("sign", "+") and residual and alone:
                merged[number] = replace(part, title=names.ADDED, sources=total.sources)
                del merged[total.number]
    return merged
