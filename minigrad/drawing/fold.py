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

    `siblings` has, for the first scope of each run of equals, the path of the last and how many they are.
    """

    siblings: dict[Key, tuple[str, int]] = field(default_factory=dict)
    runs: dict[int, Key] = field(default_factory=dict)  # the number of a node → the first scope of its outermost run
    first: dict[int, int] = field(default_factory=dict)  # the number of a node → of its equal in the first sibling

    def find_drawn(self, number: int) -> int:
        """The node that is drawn in place of the node with this number; itself if it is not folded."""
        while number in self.first:  # a run within a run is folded twice
            number = self.first[number]
        return number


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
    {(0, 'layer 1'): ('layer 3', 3)}
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
        for first, *others in runs:
            pending.append(first)
            if not others:
                continue
            if not accept([scopes.members[key] for key in (first, *others)]):
                pending += others
                continue
            folding.siblings[first] = others[-1][1], len(others) + 1
            for key in (first, *others):
                for node, same in zip(scopes.members[key], scopes.members[first], strict=True):
                    folding.runs.setdefault(node.number, first)
                    if node is not same:
                        folding.first[node.number] = same.number
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
    for first, *others in kinds.values():
        folding.runs.update((node.number, (order_of(first), f"%{first.number}")) for node in (first, *others) if others)
        folding.first.update((node.number, first.number) for node in others)


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
