"""What is different between two graphs: what was added, removed and changed, as data, as text and as one picture.

`Graph.diff` calls `diff`; which node is which is found in `matching.py`. Values are not compared: two training steps
are the same graph.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from minigrad.graph.graph import Graph
from minigrad.graph.listing import listing
from minigrad.graph.matching import matching
from minigrad.graph.node import Node, printable

CONTEXT = 2  # lines of nodes that are the same, shown before and after those that are not

Kind = Literal["added", "removed", "changed", "same"]
SIGNS: dict[Kind, str] = {"added": "+", "removed": "-", "changed": "~", "same": " "}


def diff(before: Graph, after: Graph) -> Difference:
    """What leads from `before` to `after`; see `Graph.diff`."""
    if not isinstance(after, Graph):
        raise TypeError(f"diff: expected a Graph, got {type(after).__name__}")
    matched = matching(before, after)
    kept = set(matched.values())
    numbers = {node: f"%{node.number}" for node in after}
    old = _facts(before, {node: numbers[matched[node]] if node in matched else f"-%{node.number}" for node in before})
    new = _facts(after, numbers)
    changes = [
        Change(x, y, {fact: (text, new[y][fact]) for fact, text in old[x].items() if text != new[y][fact]})
        for x, y in matched.items()
    ]
    return Difference(
        before=before,
        after=after,
        added=tuple(node for node in after if node not in kept),
        removed=tuple(node for node in before if node not in matched),
        changed=tuple(change for change in changes if change.what),
        matched=matched,
    )


@dataclass(frozen=True, slots=True, eq=False)
class Change:
    """A node that is in both graphs and not the same: its record before and after.

    `what` has the old and the new text of each fact that differs: op, params, inputs, shape, dtype, name, scope, output
    (its place among what is returned) and update (of state: its next value). Operands are called by their numbers in
    the newer graph, and those that it does not have `-%4`.
    """

    before: Node
    after: Node
    what: Mapping[str, tuple[str, str]]

    def __str__(self) -> str:
        """As `op relu → gelu, inputs (%3) → (%4)`."""
        return ", ".join(f"{fact} {old or 'none'} → {new or 'none'}" for fact, (old, new) in self.what.items())


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Difference:
    """What leads from the graph `before` to the graph `after`; made by `Graph.diff`, true where there is something.

    Every node of `before` is in `removed` or among the keys of `matched`, every node of `after` in `added` or among its
    values. `changed` lists those matched pairs that are not the same.
    """

    before: Graph
    after: Graph
    added: tuple[Node, ...]
    removed: tuple[Node, ...]
    changed: tuple[Change, ...]
    matched: Mapping[Node, Node]

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.changed)

    def __repr__(self) -> str:
        return f"<Difference: {self.counts() if self else 'none'}>"

    def __str__(self) -> str:
        if not self:
            return "no difference"
        old, new = listing(self.before).split("\n"), listing(self.after).split("\n")
        changes = {change.after: change for change in self.changed}
        lines = [self.counts()]
        for kind, node in _shorten(list(self.merged())):
            if node is None:
                lines.append("  …")
                continue
            lines.append(f"{SIGNS[kind]} {(old if kind == 'removed' else new)[node.number]}")
            if kind == "changed":
                lines.append(f"    was %{changes[node].before.number}: {printable(str(changes[node]))}")
        return "\n".join(lines)

    def dot(self, **options: Any) -> str:
        """One picture of both graphs as DOT text; `options` are those of `Graph.dot`.

        What is in both is drawn once. Boxes that were added, removed or changed differ in colour, in their outline, and
        by the sign before their first line: `+`, `−` or `~`.
        """
        graph, chosen = self._merge(options)
        return graph.dot(**chosen)

    def mermaid(self, **options: Any) -> str:
        """One picture of both graphs as a Mermaid flowchart, as `Graph.mermaid` writes it."""
        graph, chosen = self._merge(options)
        return graph.mermaid(**chosen)

    def draw(self, path: str | os.PathLike[str], engine: str | None = None, **options: Any) -> None:
        """Draw the picture of both graphs into `path`, as `Graph.draw` does."""
        graph, chosen = self._merge(options)
        graph.draw(path, engine, **chosen)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        from minigrad.drawing.picture import make_mime_bundle

        graph, chosen = self._merge({})
        return make_mime_bundle(graph, str(self), **chosen)

    def _merge(self, options: Mapping[str, Any]) -> tuple[Graph, Mapping[str, Any]]:
        """Both graphs as one, and the options to draw it with."""
        from minigrad.drawing.comparison import merge_graphs

        return merge_graphs(self, options)

    def merged(self) -> Iterator[tuple[Kind, Node]]:
        """The nodes of `after`, and among them those that were removed, where they were and after their operands."""
        kinds: dict[Node, Kind] = dict.fromkeys(self.added, "added")
        kinds.update((change.after, "changed") for change in self.changed)
        place: dict[Node, int] = {}  # of what was removed: the number of the node it stands behind
        last = -1
        for node in self.before:
            if node in self.matched:
                last = self.matched[node].number
            else:
                given = [x for x in node.inputs if isinstance(x, Node)]
                place[node] = max([last, *(place[x] if x in place else self.matched[x].number for x in given)])
        waiting = sorted(self.removed, key=lambda node: (place[node], node.number), reverse=True)
        for number in range(-1, len(self.after)):
            if number >= 0:
                yield kinds.get(self.after[number], "same"), self.after[number]
            while waiting and place[waiting[-1]] == number:
                yield "removed", waiting.pop()

    def counts(self) -> str:
        """How many nodes are of which kind, in words."""
        same = len(self.matched) - len(self.changed)
        return f"{len(self.added)} added, {len(self.removed)} removed, {len(self.changed)} changed, {same} the same"


def _shorten(lines: list[tuple[Kind, Node]]) -> Iterator[tuple[Kind, Node | None]]:
    """What is different with some lines around it; None stands for what is left out."""
    shown: set[int] = set()
    for i, (kind, _) in enumerate(lines):
        if kind != "same":
            shown.update(range(i - CONTEXT, i + CONTEXT + 1))
    for i, line in enumerate(lines):
        if i in shown:
            yield line
        elif i == 0 or i - 1 in shown:
            yield "same", None


# --- facts ------------------------------------------------------------------------------------------------------------


def _facts(graph: Graph, called: Mapping[Node, str]) -> dict[Node, dict[str, str]]:
    """What is compared of each node, as text; operands are `called` by their number in the newer graph."""
    places: dict[Node, list[str]] = {}
    for place, node in enumerate(graph.outputs, 1):
        places.setdefault(node, []).append(f"{place}")

    return {
        node: {
            "op": node.op or node.role,
            "params": ", ".join(node.settings()),
            "inputs": f"({', '.join(called[x] if isinstance(x, Node) else repr(x) for x in node.given)})",
            "shape": str(node.shape),
            "dtype": str(node.dtype),
            "name": node.name or "",
            "scope": node.scope,
            "output": ", ".join(places.get(node, ())),
            "update": called[graph.updates[node]] if node in graph.updates else "",
        }
        for node in graph
    }
