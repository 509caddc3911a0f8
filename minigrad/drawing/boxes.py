"""What a picture is made of: boxes, arrows and clusters, as plain data. `view.py` makes them of a `Graph`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from minigrad.drawing.fold import Folding
from minigrad.drawing.phrases import Phrase
from minigrad.drawing.scopes import Scopes
from minigrad.graph import Graph, Node

Kind = Literal["node", "scope", "group", "next"]

ORDERS = ("", Phrase("gradient"), Phrase("second derivative"), Phrase("third derivative"))


@dataclass(frozen=True, eq=False)
class Box:
    """One box of a picture.

    Args:
        id: the same on every run, and safe in every language of pictures: `n7` for node 7, `s3` for the scope with
            number 3, `g5` for the group that node 5 begins, `u7` for the next value of the state that node 7 is, the
            first where there are several.
        kind: "node", "scope" (closed), "group" (nodes and scopes beside each other), or "next" (the next value of
            state).
        nodes: what it stands for; of a node that stands for its equals in folded siblings and repeats, or for a range
            of leaves, the node drawn comes first.
        title: of all but nodes.
        scope: the path of the closed scope, or of the scope in which the box lies.
        count: how many equal siblings a closed scope stands for.
        around: the path of scopes and repeats in which the box lies.
        path: the one of the closed scope or repeat itself.
    """

    id: str
    kind: Kind
    nodes: tuple[Node, ...]
    order: int
    title: str = ""
    scope: str = ""
    count: int = 1
    around: str = ""
    path: str = ""

    @property
    def node(self) -> Node | None:
        """The node, where the box is one."""
        return self.nodes[0] if self.kind == "node" else None


@dataclass(frozen=True, eq=False)
class Arrow:
    """What `target` takes from `source`: one use between nodes, all uses together where a box stands for several.

    A use is a node and the position of the operand. `turns` says which turns give and take it, where an end stands for
    several: see `turns.py`.
    """

    source: Box
    target: Box
    uses: tuple[tuple[Node, int], ...]
    turns: str = ""

    @property
    def turned(self) -> bool:
        """Within a gradient graph, which engines lay out against the direction of its arrows."""
        return bool(self.target.order) and self.source.order == self.target.order


@dataclass(eq=False)
class Cluster:
    """An open scope, the gradient graph of an order of derivative or what is repeated (then `scope` is empty).

    `path` is that of scopes and repeats, with its own name.
    """

    title: str
    scope: str
    order: int
    count: int = 1
    boxes: list[Box] = field(default_factory=list)
    inside: list[Cluster] = field(default_factory=list)
    path: str = ""

    @property
    def heading(self) -> str:
        """The title, and how many equal scopes it stands for."""
        return Phrase("times", self.title, str(self.count)) if self.count > 1 else self.title


@dataclass(frozen=True, eq=False)
class View:
    """What is shown of `graph`.

    `notes` says what was closed, folded, grouped or cut, a sentence each. `cut` are the arrows that are not drawn, as
    their source has so many: its box says how many uses it has, and the boxes of those say what they take.
    """

    graph: Graph
    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]
    clusters: tuple[Cluster, ...]
    notes: tuple[str, ...]
    box_of: Mapping[int, Box]  # by the number of a node
    folding: Folding
    scopes: Scopes
    cut: tuple[Arrow, ...] = ()

    @cached_property
    def uses_of(self) -> Mapping[Box, tuple[Arrow, ...]]:
        """The cut arrows that leave each hub."""
        return _collect((arrow.source, arrow) for arrow in self.cut)

    @cached_property
    def taken_by(self) -> Mapping[Box, tuple[Arrow, ...]]:
        """The cut arrows that would have reached each box."""
        return _collect((arrow.target, arrow) for arrow in self.cut)


def _collect(pairs: Iterable[tuple[Box, Arrow]]) -> dict[Box, tuple[Arrow, ...]]:
    found: dict[Box, list[Arrow]] = {}
    for box, arrow in pairs:
        found.setdefault(box, []).append(arrow)
    return {box: tuple(arrows) for box, arrows in found.items()}


def name_order(order: int) -> str:
    """What the gradient graph of an order of derivative is called; the forward graph has no name.

    >>> name_order(1), name_order(2), name_order(4)
    ('gradient', 'second derivative', 'derivative of order 4')
    """
    return ORDERS[order] if order < len(ORDERS) else Phrase("derivative of order", str(order))


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
