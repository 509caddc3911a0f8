"""What a picture shows of a graph: a `Graph` enters, boxes, arrows and clusters leave.

A box is a node, a closed scope or a group of nodes. Equal siblings are folded into one (`fold.py`), and so are the
repeats of a loop (`repeats.py`) and long lists of leaves; what is left becomes groups (`groups.py`); what is used
everywhere gets no arrows (`hubs.py`). How boxes look is decided by those who write them.
"""

from __future__ import annotations

from bisect import bisect
from collections import Counter
from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import replace

from minigrad.drawing.boxes import Arrow, Box, Cluster, View, name_order
from minigrad.drawing.fold import Folding, fold, fold_leaves
from minigrad.drawing.groups import group_neighbours
from minigrad.drawing.hubs import can_lay_out, cut_hubs, find_ranks
from minigrad.drawing.names import count_on, join_first, write_ranges
from minigrad.drawing.phrases import Phrase
from minigrad.drawing.repeats import find_repeats
from minigrad.drawing.scopes import Key, Scopes, find_outermost, hide_repeats, order_of, run_of
from minigrad.drawing.turns import LATER, find_chained, write_turns
from minigrad.graph import Graph, Node

LIMIT = 150  # boxes that a reader can take in
TALLEST, WIDEST = 50, 20  # boxes one after the other, and groups beside each other, that a reader can follow
FEWEST = 10  # boxes of a picture that an engine cannot lay out in good time
MOST_NOTES = 3  # on folded scopes
MOST_NAMES = 3  # of equal scopes that do not count on


def make_view(
    graph: Graph, *, depth: int | None = None, opened: Collection[str] | None = None, hide_constants: bool = False,
    order: int | None = None, limit: int = LIMIT, marks: Mapping[Node, Hashable] | None = None,
    scopes: Scopes | None = None,
) -> View:  # fmt: skip
    """What a picture shows of `graph`.

    Args:
        depth: scopes are open down to this depth, 0 closes all of them. By default all are open if that makes at most
            `limit` boxes and no long chain; otherwise equal siblings and repeats are folded into one and scopes closed
            from the inside, and if that does not suffice, neighbours become groups.
        opened: the paths of the scopes that are open, in place of `depth`; a scope within a closed one is closed. A
            repeat is drawn for all of its run, so that the path of the first one is enough.
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
    check_level("depth", depth)
    check_level("order", order)
    nodes = [
        node for node in graph
        if (order is None or order_of(node) <= order) and not (hide_constants and node.role == "constant")
    ]  # fmt: skip
    scopes = scopes or Scopes(nodes)

    def build(closed: Mapping[Key, str], foldable: Collection[Key]) -> View:
        return _build_view(graph, nodes, scopes, closed, fold(scopes, foldable, marks))

    if opened is not None:
        wanted = frozenset(opened)
        closed = scopes.close(lambda path: path not in wanted)
        repeats = {key for key in scopes.members if run_of(key[1]) is not None}
        return cut_hubs(_group(build(closed, find_outermost(closed) | repeats), limit))
    if depth is not None:
        closed = scopes.close_below(depth)
        return cut_hubs(build(closed, find_outermost(closed)))
    small = len(nodes) + len(graph.updates) <= limit
    if small and _measure_height(nodes) <= TALLEST:
        return cut_hubs(build({}, ()), soon=True)
    return _fold_default(graph, nodes, scopes, limit, marks, small)


LEVELS = {"depth": "every scope closed", "order": "no gradient graph"}  # options, and what 0 is


def check_level(option: str, level: object) -> None:
    """Raise where an option that counts levels is no whole number."""
    if level is not None and (type(level) is not int or level < 0):
        raise ValueError(f"{option}={level!r}: expected a whole number from 0 ({LEVELS[option]}) on")


def _fold_default(
    graph: Graph, nodes: list[Node], scopes: Scopes, limit: int, marks: Mapping[Node, Hashable] | None, small: bool
) -> View:
    """What is shown by default of a graph that is large or tall."""

    def build_level(level: int) -> View:
        closed = scopes.close_below(level)
        folding = fold(scopes, find_outermost(closed) | (scopes.members.keys() - closed.keys()), marks)
        fold_leaves(folding, (node for node in nodes if (order_of(node), scopes.path_of(node)) not in closed), scopes)
        return _build_view(graph, nodes, scopes, closed, folding)

    shown = build_level(scopes.depth)
    if small or len(shown.boxes) > limit or cut_hubs(shown, soon=True).cut:
        repeats = find_repeats(nodes, marks)
        if repeats:
            scopes = Scopes(nodes, repeats)
            shown = build_level(scopes.depth)
        elif small:
            return cut_hubs(_build_view(graph, nodes, scopes, {}, Folding()), soon=True)
    if len(shown.boxes) > limit and scopes.depth:
        # The deepest level that is not too large, by halves.
        deepest = bisect(range(scopes.depth), limit, key=lambda level: len(build_level(level).boxes)) - 1
        shown = build_level(max(deepest, 0))
    return _make_legible(shown, limit)


def _make_legible(shown: View, limit: int) -> View:
    """At most so many boxes; fewer where groups make a picture that is too long, or takes an engine too long."""
    while True:
        fitted = cut_hubs(_group(shown, limit), soon=True)
        ranks = Counter(find_ranks(fitted.boxes, fitted.arrows).values())
        is_long = len(fitted.boxes) < len(shown.boxes) and (len(ranks) > TALLEST or max(ranks.values()) > WIDEST)
        limit = min(limit, len(fitted.boxes)) * 2 // 3
        if limit < FEWEST or (can_lay_out(fitted) and not is_long):
            return fitted


def _group(shown: View, limit: int) -> View:
    boxes = group_neighbours(shown, limit)
    return shown if boxes is shown else replace(boxes, clusters=_make_clusters(boxes.boxes, boxes.folding))


def _measure_height(nodes: Iterable[Node]) -> int:
    """The most operations of the forward pass one after the other."""
    heights: dict[int, int] = {}
    for node in nodes:
        if node.op is not None and not order_of(node):
            heights[node.number] = 1 + max(
                (heights.get(x.number, 0) for x in node.inputs if isinstance(x, Node)), default=0
            )
    return max(heights.values(), default=0)


def _build_view(graph: Graph, nodes: list[Node], scopes: Scopes, closed: Mapping[Key, str], folding: Folding) -> View:
    """The boxes, then the arrows between them, then the clusters around them."""
    members: dict[Node | Key, list[Node]] = {}  # by what is drawn: a node or a closed scope
    for node in nodes:
        drawn = graph[folding.find_drawn(node.number)]
        order = order_of(drawn)
        scope = closed.get((order, scopes.path_of(drawn)))
        members.setdefault(drawn if scope is None else (order, scope), []).append(node)
    boxes: list[Box] = []
    box_of: dict[int, Box] = {}
    for key, inside in members.items():
        boxes.append(_make_box(key, inside, scopes, folding))
        box_of.update((node.number, boxes[-1]) for node in inside)
    chained = find_chained(nodes, folding)
    arrows = _make_arrows(nodes, box_of, folding, chained)
    for source, states in _find_next_values(graph, box_of):
        id, names = f"u{states[0].number}", write_ranges(state.name or f"%{state.number}" for state in states)
        title = Phrase("next", ", ".join(names))
        boxes.append(Box(id, "next", states, source.order, title, source.scope, around=source.around))
        ends: list[tuple[Node, Node | None]] = [(graph.updates[state], None) for state in states]
        arrows.append(Arrow(source, boxes[-1], (), write_turns(ends, folding, chained, len(states))))
    clusters, notes = _make_clusters(boxes, folding), _write_notes(boxes, len(nodes), folding)
    return View(graph, tuple(boxes), tuple(arrows), clusters, notes, box_of, folding, scopes)


def _make_box(key: Node | Key, nodes: list[Node], scopes: Scopes, folding: Folding) -> Box:
    if isinstance(key, Node):
        others = (node for node in nodes if node is not key)
        return Box(f"n{key.number}", "node", (key, *others), order_of(key), scope=key.scope, around=scopes.path_of(key))
    order, path = key
    paths = folding.siblings.get(key, (path,))
    scope, around = hide_repeats(path), path.rpartition("/")[0]
    title = _write_title(paths)
    return Box(f"s{scopes.numbers[key]}", "scope", tuple(nodes), order, title, scope, len(paths), around, path)


def _find_next_values(graph: Graph, box_of: Mapping[int, Box]) -> Iterable[tuple[Box, tuple[Node, ...]]]:
    """The boxes of next values, each with its states: one, or those of all the nodes that it stands for."""
    found: dict[tuple[Box, int], list[Node]] = {}
    for state, value in graph.updates.items():
        source = box_of.get(value.number)
        if source is not None and source.kind == "node":
            found.setdefault((source, -1 if len(source.nodes) > 1 else state.number), []).append(state)
    return ((source, tuple(states)) for (source, _), states in found.items())


def _make_arrows(
    nodes: Iterable[Node], box_of: Mapping[int, Box], folding: Folding, chained: Collection[Key]
) -> list[Arrow]:
    """What boxes take from each other: the first turn tells it of what is in the same run, each turn of the rest.

    What a later turn alone takes is told where it would look as if nobody used it.
    """
    uses: dict[tuple[Box, Box, Hashable], list[tuple[Node, int]]] = {}
    later: dict[tuple[Box, Box], list[tuple[Node, int]]] = {}
    for node in nodes:
        target = box_of[node.number]
        for position, x in enumerate(node.inputs):
            source = box_of.get(x.number) if isinstance(x, Node) else None
            if not isinstance(x, Node) or source is None or source is target:
                continue
            before, after = folding.find_turns(x.number), folding.find_turns(node.number)
            shared = [run for run in after if run in before]
            if any(before[run] for run in shared):
                continue
            if any(after[run] for run in shared):
                later.setdefault((source, target), []).append((node, position))
            else:
                slot = _find_slot(source, target, node, position)
                uses.setdefault((source, target, slot), []).append((node, position))
    arrows = [
        Arrow(source, target, tuple(together), write_turns(_list_ends(together), folding, chained))
        for (source, target, _), together in uses.items()
    ]
    known = {arrow.source for arrow in arrows}
    return arrows + [Arrow(*ends, tuple(together), LATER) for ends, together in later.items() if ends[0] not in known]


def _list_ends(uses: Iterable[tuple[Node, int]]) -> list[tuple[Node, Node | None]]:
    return [(x, node) for node, position in uses if isinstance(x := node.inputs[position], Node)]


def _find_slot(source: Box, target: Box, node: Node, position: int) -> Hashable:
    """What is the same for uses that one arrow shows: the operand, unless an end holds all kinds of nodes."""
    if target.kind != "node" or (source.kind == "scope" and source.count == 1):
        return None
    assert node.function is not None
    return position if len(source.nodes) == 1 else node.function.argument(position)


def _write_notes(boxes: Iterable[Box], total: int, folding: Folding) -> tuple[str, ...]:
    notes = []
    if closed := [len(box.nodes) for box in boxes if box.kind == "scope"]:
        scopes = "closed scope" + "s" * (len(closed) > 1)
        notes.append(f"{sum(closed):,} of {total:,} nodes are in {len(closed):,} {scopes}")
    runs = [
        f"{_write_run(paths)}: {len(paths)} equal scopes, drawn once"
        for (order, first), paths in folding.siblings.items()
        if order == 0 and run_of(first) is None
    ]
    notes += runs[:MOST_NOTES]
    if len(runs) > MOST_NOTES:
        notes.append(f"and {len(runs) - MOST_NOTES} more runs of equal scopes")
    counts = [f"×{len(paths)}" for (_, first), paths in folding.siblings.items() if run_of(first) is not None]
    if counts:
        notes.append(f"what is repeated is drawn once: {join_first(counts, MOST_NOTES, ' ')}")
    return tuple(notes)


def _write_run(paths: Sequence[str]) -> str:
    """The path of the first scope, and the names of its equals."""
    first, names = hide_repeats(paths[0]), [path.rpartition("/")[2] for path in paths]
    return (
        f"{first} to {names[-1]}" if count_on(names) else f"{first}, {join_first(write_ranges(names[1:]), MOST_NAMES)}"
    )


def _write_title(paths: Sequence[str]) -> str:
    """The name of a scope, and of the last of its equals: `0–11`; of all of them where they do not count on."""
    names = [Phrase("repeated") if run_of(path) else path.rpartition("/")[2] for path in paths]
    if names[0] == names[-1]:
        return names[0]
    return f"{names[0]}–{names[-1]}" if count_on(names) else join_first(write_ranges(names), MOST_NAMES)


# --- clusters ---------------------------------------------------------------------------------------------------------


def _make_clusters(boxes: Iterable[Box], folding: Folding) -> tuple[Cluster, ...]:
    """The open scopes of the forward graph, then the gradient graph of each order with those in it."""
    roots: dict[int, Cluster] = {}
    known: dict[Key, Cluster] = {}
    for box in boxes:
        cluster = roots.setdefault(box.order, Cluster(name_order(box.order), "", box.order))
        path, new = box.around, []
        while path and (box.order, path) not in known:
            new.append(path)
            path = path.rpartition("/")[0]
        cluster = known.get((box.order, path), cluster)
        for path in reversed(new):
            paths = folding.siblings.get((box.order, path), (path,))
            scope = "" if run_of(path) else hide_repeats(path)
            known[box.order, path] = inner = Cluster(_write_title(paths), scope, box.order, len(paths), path=path)
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
    return replace(inner, title=Phrase("path" if cluster.scope else "part of", cluster.title, inner.title))
