"""What a picture shows of a graph: a `Graph` enters, boxes, arrows and clusters leave.

A box is a node, a closed scope or a group of nodes; equal siblings are folded into one (`fold.py`). How boxes look is
decided by those who write them.
"""

from __future__ import annotations

from bisect import bisect
from collections import Counter
from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from minigrad.drawing.fold import Folding, fold
from minigrad.drawing.scopes import Key, Scopes, find_outermost, order_of
from minigrad.graph import Graph, Node

Kind = Literal["node", "scope", "group", "next"]

LIMIT = 150  # boxes that a reader can take in
MOST_NOTES = 3  # on folded scopes
ORDERS = ("", "gradient", "second derivative", "third derivative")


@dataclass(frozen=True, eq=False)
class Box:
    """One box of a picture.

    Args:
        id: the same on every run, and safe in every language of pictures: `n7` for node 7, `s3` for the scope with
            number 3, `g5` for the group that node 5 begins, `u7` for the next value of the state that node 7 is.
        kind: "node", "scope" (closed), "group" (nodes and scopes beside each other), or "next" (the next value of
            state).
        nodes: what it stands for; of a node that stands for its equals in folded siblings, the node drawn comes first.
        title: of all but nodes.
        scope: the path of the closed scope, or of the scope in which the box lies.
        count: how many equal siblings a closed scope stands for.
    """

    id: str
    kind: Kind
    nodes: tuple[Node, ...]
    order: int
    title: str = ""
    scope: str = ""
    count: int = 1

    @property
    def node(self) -> Node | None:
        """The node, where the box is one."""
        return self.nodes[0] if self.kind == "node" else None


@dataclass(frozen=True, eq=False)
class Arrow:
    """What `target` takes from `source`: one use between nodes, all uses together where a box stands for several.

    A use is a node and the position of the operand.
    """

    source: Box
    target: Box
    uses: tuple[tuple[Node, int], ...]


@dataclass(eq=False)
class Cluster:
    """An open scope, or the gradient graph of an order of derivative (then `scope` is empty)."""

    title: str
    scope: str
    order: int
    count: int = 1
    boxes: list[Box] = field(default_factory=list)
    inside: list[Cluster] = field(default_factory=list)

    @property
    def heading(self) -> str:
        """The title, and how many equal scopes it stands for."""
        return f"{self.title} ×{self.count}" if self.count > 1 else self.title


@dataclass(frozen=True, eq=False)
class View:
    """What is shown of `graph`. `notes` says what was closed, folded or grouped, a sentence each."""

    graph: Graph
    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]
    clusters: tuple[Cluster, ...]
    notes: tuple[str, ...]
    box_of: Mapping[int, Box]  # by the number of a node
    folding: Folding


def make_view(
    graph: Graph, *, depth: int | None = None, opened: Collection[str] | None = None, hide_constants: bool = False,
    order: int | None = None, limit: int = LIMIT, marks: Mapping[Node, Hashable] | None = None,
    scopes: Scopes | None = None,
) -> View:  # fmt: skip
    """What a picture shows of `graph`.

    Args:
        depth: scopes are open down to this depth, 0 closes all of them. By default all are open if that makes at most
            `limit` boxes; otherwise equal siblings are folded into one and scopes closed from the inside, and if that
            does not suffice, neighbours become groups.
        opened: the paths of the scopes that are open, in place of `depth`; a scope within a closed one is closed.
        hide_constants: leave constants out.
        order: the highest order of derivative that is shown; all by default.
        marks: what becomes of nodes; only scopes where it is the same are folded.
        scopes: those of all nodes of the graph, for who makes many views of one.

    >>> import minigrad as mg
    >>> x = mg.Tensor([1.0, 2.0], requires_grad=True, name="x")
    >>> with mg.scope("model"), mg.scope("layer"):
    ...     y = mg.exp(x * 2.0)
    >>> [box.title or box.node.op for box in make_view(y.graph(), depth=1).boxes if box.kind != "node" or box.node.op]
    ['layer']
    """
    if depth is not None and (type(depth) is not int or depth < 0):
        raise ValueError(f"depth={depth!r}: expected a whole number from 0 (every scope closed) on")
    if order is not None and (type(order) is not int or order < 0):
        raise ValueError(f"order={order!r}: expected a whole number from 0 (no gradient graph) on")
    nodes = [
        node for node in graph
        if (order is None or order_of(node) <= order) and not (hide_constants and node.role == "constant")
    ]  # fmt: skip
    scopes = scopes or Scopes(nodes)

    def build(closed: Mapping[Key, str], foldable: Collection[Key]) -> View:
        return _build_view(graph, nodes, scopes, closed, fold(scopes, foldable, marks))

    def build_level(level: int) -> View:
        closed = scopes.close_below(level)
        return build(closed, find_outermost(closed) | (scopes.members.keys() - closed.keys()))

    if opened is not None:
        wanted = frozenset(opened)
        closed = scopes.close(lambda path: path not in wanted)
        return _group_neighbours(build(closed, find_outermost(closed)), limit)
    if depth is not None:
        closed = scopes.close_below(depth)
        return build(closed, find_outermost(closed))
    if len(nodes) + len(graph.updates) <= limit:
        return build({}, ())
    # The deepest level that is not too large, by halves.
    deepest = bisect(range(scopes.depth + 1), limit, key=lambda level: len(build_level(level).boxes)) - 1
    return _group_neighbours(build_level(max(deepest, 0)), limit)


def _build_view(graph: Graph, nodes: list[Node], scopes: Scopes, closed: Mapping[Key, str], folding: Folding) -> View:
    """The boxes, then the arrows between them, then the clusters around them."""
    members: dict[Node | Key, list[Node]] = {}  # by what is drawn: a node or a closed scope
    for node in nodes:
        drawn = graph[folding.find_drawn(node.number)]
        order = order_of(drawn)
        scope = closed.get((order, drawn.scope))
        members.setdefault(drawn if scope is None else (order, scope), []).append(node)
    boxes: list[Box] = []
    box_of: dict[int, Box] = {}
    for key, inside in members.items():
        boxes.append(_make_box(key, inside, scopes, folding))
        box_of.update((node.number, boxes[-1]) for node in inside)
    arrows = _make_arrows(nodes, box_of, folding)
    for state, value in graph.updates.items():
        source = box_of.get(value.number)
        if source is not None and source.kind == "node":
            title = f"next {state.name or f'%{state.number}'}"
            boxes.append(Box(f"u{state.number}", "next", (state,), source.order, title, source.scope))
            arrows.append(Arrow(source, boxes[-1], ()))
    clusters, notes = _make_clusters(boxes, folding), _write_notes(boxes, len(nodes), folding)
    return View(graph, tuple(boxes), tuple(arrows), clusters, notes, box_of, folding)


def _make_box(key: Node | Key, nodes: list[Node], scopes: Scopes, folding: Folding) -> Box:
    if isinstance(key, Node):
        others = (node for node in nodes if node is not key)
        return Box(f"n{key.number}", "node", (key, *others), order_of(key), scope=key.scope)
    order, scope = key
    last, count = folding.siblings.get(key, (scope, 1))
    return Box(f"s{scopes.numbers[key]}", "scope", tuple(nodes), order, _write_title(scope, last), scope, count)


def _make_arrows(nodes: Iterable[Node], box_of: Mapping[int, Box], folding: Folding) -> list[Arrow]:
    uses: dict[tuple[Box, Box, int], list[tuple[Node, int]]] = {}
    for node in nodes:
        if folding.find_drawn(node.number) != node.number:
            continue  # the sibling that is drawn has the same
        target = box_of[node.number]
        for position, x in enumerate(node.inputs):
            source = box_of.get(x.number) if isinstance(x, Node) and not _returns(x, node, folding) else None
            if source is None or source is target:
                continue
            single = source.kind == target.kind == "node"
            uses.setdefault((source, target, position if single else -1), []).append((node, position))
    return [Arrow(source, target, tuple(together)) for (source, target, _), together in uses.items()]


def _returns(x: Node, node: Node, folding: Folding) -> bool:
    """Does a value come from a later sibling, all of which are drawn as the first, into that one?"""
    return folding.find_drawn(x.number) != x.number and folding.runs.get(x.number) == folding.runs.get(node.number)


def _write_notes(boxes: Iterable[Box], total: int, folding: Folding) -> tuple[str, ...]:
    notes = []
    closed = [len(box.nodes) for box in boxes if box.kind == "scope"]
    if closed:
        notes.append(f"{sum(closed):,} of {total:,} nodes are in {_write_count(len(closed), 'closed scope')}")
    runs = [
        f"{first} to {last.rpartition('/')[2]}: {count} equal scopes, drawn once"
        for (order, first), (last, count) in folding.siblings.items()
        if order == 0
    ]
    notes += runs[:MOST_NOTES]
    if len(runs) > MOST_NOTES:
        notes.append(f"and {len(runs) - MOST_NOTES} more runs of equal scopes")
    return tuple(notes)


def _write_title(first: str, last: str) -> str:
    """The name of a scope, and of the last of its equals: `0–11`."""
    name, other = first.rpartition("/")[2], last.rpartition("/")[2]
    return name if name == other else f"{name}–{other}"


def _write_count(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'s' if count != 1 else ''}"


def walk_clusters(clusters: Iterable[Cluster]) -> Iterator[tuple[int, Cluster | None]]:
    """The clusters, each before those inside it, with their depth; None with the same depth where one ends."""
    stack: list[tuple[int, Cluster | None]] = [(0, cluster) for cluster in reversed(list(clusters))]
    while stack:
        depth, cluster = stack.pop()
        yield depth, cluster
        if cluster is not None:
            stack.append((depth, None))
            stack += ((depth + 1, inner) for inner in reversed(cluster.inside))


def list_clusters(clusters: Iterable[Cluster]) -> list[Cluster]:
    """The clusters and those inside them, outer ones first."""
    return [cluster for _, cluster in walk_clusters(clusters) if cluster is not None]


# --- groups -----------------------------------------------------------------------------------------------------------


def _group_neighbours(shown: View, limit: int) -> View:
    """Neighbours in the same scope as one box, where there are too many."""
    if len(shown.boxes) <= limit:
        return shown
    size = -(-len(shown.boxes) // limit)
    while True:
        places: dict[Box, Box] = {}  # what takes the place of each
        for members in _list_neighbours(shown.boxes, size):
            group = _make_group(members) if len(members) > 1 else members[0]
            places.update((box, group) for box in members)
        boxes = tuple(dict.fromkeys(places.values()))
        if len(boxes) <= limit or size > len(shown.boxes):
            break
        size *= 2
    uses: dict[tuple[Box, Box], list[tuple[Node, int]]] = {}
    arrows = []
    for arrow in shown.arrows:
        source, target = places[arrow.source], places[arrow.target]
        if source is arrow.source and target is arrow.target:
            arrows.append(arrow)
        elif source is not target:
            uses.setdefault((source, target), []).extend(arrow.uses)
    arrows += [Arrow(source, target, tuple(together)) for (source, target), together in uses.items()]
    groups = [len(box.nodes) for box in boxes if box.kind == "group"]
    return replace(
        shown, boxes=boxes, arrows=tuple(arrows), clusters=_make_clusters(boxes, shown.folding),
        notes=(*shown.notes, f"{sum(groups):,} nodes are in {_write_count(len(groups), 'group')} of neighbours"),
        box_of={number: places[box] for number, box in shown.box_of.items()},
    )  # fmt: skip


def _list_neighbours(boxes: Iterable[Box], size: int) -> Iterator[list[Box]]:
    """Boxes of the same scope, which may be grouped, `size` at a time."""
    open_groups: dict[Key, list[Box]] = {}
    for box in boxes:
        key = box.order, _scope_around(box)
        open_groups.setdefault(key, []).append(box)
        if len(open_groups[key]) == size:
            yield open_groups.pop(key)
    yield from open_groups.values()


def _make_group(members: list[Box]) -> Box:
    nodes = tuple(node for box in members for node in box.nodes)
    first, *others = (name for name, _ in Counter(node.op or node.role for node in nodes).most_common())
    names = ", ".join([first, *others[:1], *(["…"] if len(others) > 1 else [])])
    title = f"{len(nodes):,} nodes: {names}"
    return Box(f"g{nodes[0].number}", "group", nodes, members[0].order, title, _scope_around(members[0]))


def _scope_around(box: Box) -> str:
    """The path of the scope in which the box lies."""
    return box.scope if box.kind != "scope" else box.scope.rpartition("/")[0]


# --- clusters ---------------------------------------------------------------------------------------------------------


def _make_clusters(boxes: Iterable[Box], folding: Folding) -> tuple[Cluster, ...]:
    """The open scopes of the forward graph, then the gradient graph of each order with those in it."""
    roots: dict[int, Cluster] = {}
    known: dict[Key, Cluster] = {}
    for box in boxes:
        title = ORDERS[box.order] if box.order < len(ORDERS) else f"derivative of order {box.order}"
        cluster = roots.setdefault(box.order, Cluster(title, "", box.order))
        path, new = _scope_around(box), []
        while path and (box.order, path) not in known:
            new.append(path)
            path = path.rpartition("/")[0]
        cluster = known.get((box.order, path), cluster)
        for path in reversed(new):
            last, count = folding.siblings.get((box.order, path), (path, 1))
            known[box.order, path] = inner = Cluster(_write_title(path, last), path, box.order, count)
            cluster.inside.append(inner)
            cluster = inner
        cluster.boxes.append(box)
    for cluster in reversed(known.values()):  # those inside others first
        cluster.inside = [_join_with_only(inner) for inner in cluster.inside]
    clusters: list[Cluster] = []
    for order, root in sorted(roots.items()):
        root.inside = [_join_with_only(inner) for inner in root.inside]
        clusters += root.inside if order == 0 else [_join_with_only(root)]
    return tuple(clusters)


def _join_with_only(cluster: Cluster) -> Cluster:
    """A cluster around a single other one and nothing else becomes one with it, under both titles."""
    if cluster.boxes or len(cluster.inside) != 1 or cluster.count > 1:
        return cluster
    (inner,) = cluster.inside
    return replace(inner, title=f"{cluster.title}{'/' if cluster.scope else ' of '}{inner.title}")
