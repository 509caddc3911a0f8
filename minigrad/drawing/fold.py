"""Folding: neighbours among the scopes of a graph that do the same are drawn once, as `block ×12`.

Two scopes are equal when their names differ in numbers at most (`blocks/0` and `blocks/1`, never `query` and `key`) and
their nodes agree one by one in all but their values: operation, params, shape, type, role, name, the scopes inside, and
where the operands come from. What uses the results may differ, and whether they are outputs.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from minigrad.drawing.names import hide_numbers
from minigrad.drawing.scopes import Key, Scopes, order_of, run_of
from minigrad.graph import Node

MOST_LEAVES = 40  # with names, one box each, where there are too many boxes


@dataclass(frozen=True)
class Folding:
    """Which scopes are drawn as another one.

    `siblings` has, for the first scope of each run of equals, the paths of all of them. A run is known by its first
    scope, `counts` has how many turns each one has, `turns` in which a node lies, by its number, outer runs first.
    """

    siblings: dict[Key, tuple[str, ...]] = field(default_factory=dict)
    counts: dict[Key, int] = field(default_factory=dict)
    turns: dict[int, dict[Key, int]] = field(default_factory=dict)
    first: dict[int, int] = field(default_factory=dict)  # the number of a node → of its equal in the first sibling

    def find_drawn(self, number: int) -> int:
        """The node that is drawn in place of the node with this number; itself if it is not folded."""
        while number in self.first:  # a run within a run is folded twice
            number = self.first[number]
        return number

    def find_turns(self, number: int) -> dict[Key, int]:
        """The turn of the node with this number in each run around it, also in those that its equal alone is in."""
        turns = self.turns.get(number, {})
        while number in self.first:
            number = self.first[number]
            turns = self.turns[number] | turns
        return turns

    def add_run(self, run: Key, turns: Sequence[Sequence[Node]]) -> None:
        """Draw the nodes of the first turn for their equals in all others."""
        self.counts[run] = len(turns)
        for turn, nodes in enumerate(turns):
            for node, same in zip(nodes, turns[0], strict=True):
                self.turns.setdefault(node.number, {})[run] = turn
                if turn:
                    self.first[node.number] = same.number


def fold(
    scopes: Scopes, among: Collection[Key], marks: Mapping[Node, Hashable] | None = None,
    accept: Callable[[Sequence[list[Node]]], bool] = lambda turns: True,
) -> Folding:  # fmt: skip
    """Find the runs of two or more equal neighbours among the scopes given; their marks have to be equal too.

    `accept` says of the nodes in each scope of a run whether it may be folded.

    >>> import minigrad as mg
    >>> x = mg.Tensor([1.0, 2.0], requires_grad=True) * 1.0
    >>> for name in ("layer 1", "layer 2", "layer 3"):
    ...     with mg.scope(name):
    ...         x = x * 2.0
    >>> scopes = Scopes(x.graph())
    >>> fold(scopes, scopes.members).siblings
    {(0, 'layer 1'): ('layer 1', 'layer 2', 'layer 3')}
    """
    folding = Folding()
    pending = [key for key in scopes.inside if not key[1]]
    while pending:
        parent = pending.pop()
        runs: list[list[Key]] = []
        last: Hashable = None
        neighbours = scopes.inside.get(parent, ())
        for key in neighbours:
            comparable = key in among and len(neighbours) > 1
            form = _find_form(key, scopes, marks) if comparable else None
            if form is not None and form == last:
                runs[-1].append(key)
            else:
                runs.append([key])
            last = form
        for run in runs:
            turns = [scopes.members[key] for key in run]
            if len(run) == 1 or not accept(turns):
                pending += run
                continue
            pending.append(run[0])
            folding.siblings[run[0]] = tuple(path for _, path in run)
            folding.add_run(run[0], turns)
    return folding


def fold_leaves(folding: Folding, nodes: Iterable[Node], scopes: Scopes) -> None:
    """Draw leaves whose names differ in numbers alone as one, `w0 … w119`, where many have names."""
    kinds: dict[Hashable, list[Node]] = {}
    for node in nodes:
        if node.op is None and node.name and folding.find_drawn(node.number) == node.number:
            kind = scopes.path_of(node), node.role, node.output, order_of(node), hide_numbers(node.name)
            kinds.setdefault(kind, []).append(node)
    if sum(map(len, kinds.values())) <= MOST_LEAVES:
        return
    for equals in kinds.values():
        if len(equals) > 1:
            folding.add_run((order_of(equals[0]), f"%{equals[0].number}"), [[node] for node in equals])


def _find_form(key: Key, scopes: Scopes, marks: Mapping[Node, Hashable] | None) -> Hashable:
    """What is the same for equal scopes, and for the repeats of a run."""
    if marks:
        return run_of(key[1]) or _list_facts(key, scopes, marks)
    if key not in scopes.forms:
        scopes.forms[key] = run_of(key[1]) or _list_facts(key, scopes, {})
    return scopes.forms[key]


def _list_facts(key: Key, scopes: Scopes, marks: Mapping[Node, Hashable]) -> Hashable:
    """All that must be equal in equal scopes. What comes from outside is known by when it is first used."""
    (order, path), nodes = key, scopes.members[key]
    inside = {node.number: position for position, node in enumerate(nodes)}
    outside: dict[int, int] = {}

    def place(x: object) -> Hashable:
        if not isinstance(x, Node):
            return "number", type(x), repr(x)
        if x.number in inside:
            return "inside", inside[x.number]
        # Neighbours may take what is of one order from each other, what is of another from their own forward pass.
        return "outside", order_of(x) == order, outside.setdefault(x.number, len(outside))

    name = hide_numbers(path.rpartition("/")[2])
    return name, tuple(
        (
            node.op, node.role, node.shape, node.dtype.str, node.name, scopes.path_of(node)[len(path) :],
            tuple(node.params.items()), tuple(place(x) for x in node.inputs), marks.get(node),
        )
        for node in nodes
    )  # fmt: skip
