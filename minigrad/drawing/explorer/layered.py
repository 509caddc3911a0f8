"""A layout that needs no engine: boxes in rows by depth, each open scope laid out by itself and placed as one box.

In come the sizes of boxes, the arrows and clusters between and around them; out go places in points, y downwards.
Called by `layouts.py` where no engine is installed, or where one takes too long.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from minigrad.drawing.view import Box, Cluster, View

BETWEEN_COLUMNS, BETWEEN_ROWS = 16.0, 34.0  # points
MARGIN, TITLE = 9.0, 14.0  # around what is in a cluster, and above it for its title

Place = tuple[float, float, float, float]  # left, top, width, height
Item = Box | Cluster


@dataclass
class Layered:
    """Where everything is; `size` is that of the whole."""

    size: tuple[float, float] = (0.0, 0.0)
    boxes: dict[str, Place] = field(default_factory=dict)  # by id
    clusters: list[tuple[Cluster, Place]] = field(default_factory=list)  # outer ones first
    arrows: list[list[float]] = field(default_factory=list)  # four points of a curve, x before y, then the tip


def layered(shown: View, sizes: Mapping[str, tuple[float, float]]) -> Layered:
    """Lay out a view whose boxes have `sizes`, by id."""
    inside_clusters = {box.id for cluster in within(shown.clusters) for box in cluster.boxes}
    root = Cluster("", "", 0, boxes=[box for box in shown.boxes if box.id not in inside_clusters],
                   inside=list(shown.clusters))  # fmt: skip
    first = {box.id: number for number, box in enumerate(shown.boxes)}
    around = _around(root)
    edges: dict[int, list[tuple[Item, Item]]] = {}
    for arrow in shown.arrows:
        common, source, target = _meeting(around[arrow.source.id], around[arrow.target.id])
        edges.setdefault(id(common), []).append((source, target))
    arranged: dict[int, tuple[tuple[float, float], list[tuple[Item, float, float]]]] = {}
    for cluster in reversed(list(within([root]))):  # what is inside first
        items: list[Item] = sorted([*cluster.boxes, *cluster.inside], key=lambda item: _first(item, first))
        sized = {id(item): sizes[item.id] if isinstance(item, Box) else arranged[id(item)][0] for item in items}
        arranged[id(cluster)] = _rows(items, sized, edges.get(id(cluster), []), framed=cluster is not root)
    result = Layered(size=arranged[id(root)][0])
    pending = [(root, 0.0, 0.0)]
    while pending:
        cluster, left, top = pending.pop(0)
        size, places = arranged[id(cluster)]
        if cluster is not root:
            result.clusters.append((cluster, (left, top, *size)))
        for item, x, y in places:
            if isinstance(item, Box):
                result.boxes[item.id] = (left + x, top + y, *sizes[item.id])
            else:
                pending.append((item, left + x, top + y))
    result.arrows = [_curve(result.boxes[a.source.id], result.boxes[a.target.id]) for a in shown.arrows]
    return result


def within(clusters: Sequence[Cluster]) -> list[Cluster]:
    """The clusters and all inside them, outer ones first."""
    found: list[Cluster] = []
    pending = list(reversed(clusters))
    while pending:
        found.append(pending.pop())
        pending += reversed(found[-1].inside)
    return found


def _around(root: Cluster) -> dict[str, list[Item]]:
    """For each box what it is in, from the outside, and at the end itself."""
    found: dict[str, list[Item]] = {}
    pending: list[tuple[Cluster, list[Item]]] = [(root, [root])]
    while pending:
        cluster, path = pending.pop()
        found.update({box.id: [*path, box] for box in cluster.boxes})
        pending += [(inner, [*path, inner]) for inner in cluster.inside]
    return found


def _meeting(source: list[Item], target: list[Item]) -> tuple[Item, Item, Item]:
    """The innermost cluster around both, and what of it each is in."""
    depth = next(i for i, (a, b) in enumerate(zip(source, target, strict=False)) if a is not b)
    return source[depth - 1], source[depth], target[depth]


def _first(item: Item, first: Mapping[str, int]) -> int:
    """The place of the first box, which orders items; a cluster has at least one."""
    while isinstance(item, Cluster):
        if item.boxes:
            return min(first[box.id] for box in item.boxes)
        item = item.inside[0]
    return first[item.id]


def _rows(
    items: Sequence[Item], sizes: Mapping[int, tuple[float, float]], edges: Sequence[tuple[Item, Item]], framed: bool
) -> tuple[tuple[float, float], list[tuple[Item, float, float]]]:
    """The size of a cluster and the place of each item in it: an item lies below all that it takes from."""
    order = {id(item): number for number, item in enumerate(items)}
    sources: dict[int, list[int]] = {id(item): [] for item in items}
    targets: dict[int, list[int]] = {id(item): [] for item in items}
    for source, target in edges:
        if order[id(source)] < order[id(target)]:  # an arrow back would leave no order
            sources[id(target)].append(id(source))
            targets[id(source)].append(id(target))
    depth: dict[int, int] = {}
    for item in items:
        depth[id(item)] = max((depth[source] + 1 for source in sources[id(item)]), default=0)
    for item in items:  # what has no source stands right above its first user
        if not sources[id(item)] and targets[id(item)]:
            depth[id(item)] = max(0, min(depth[target] for target in targets[id(item)]) - 1)
    rows: dict[int, list[Item]] = {}
    for item in items:
        rows.setdefault(depth[id(item)], []).append(item)
    ordered = [rows[level] for level in sorted(rows)]
    widths = [sum(sizes[id(item)][0] for item in row) + BETWEEN_COLUMNS * (len(row) - 1) for row in ordered]
    whole = max(widths, default=0.0)
    margin, title = (MARGIN, TITLE) if framed else (0.0, 0.0)
    middle: dict[int, float] = {}
    places, y = [], margin + title
    for row, width in zip(ordered, widths, strict=True):
        row.sort(
            key=lambda item: _mean([middle[source] for source in sources[id(item)] if source in middle], whole / 2)
        )
        x = margin + (whole - width) / 2
        height = max(sizes[id(item)][1] for item in row)
        for item in row:
            own_width, own_height = sizes[id(item)]
            places.append((item, x, y + (height - own_height) / 2))
            middle[id(item)] = x + own_width / 2
            x += own_width + BETWEEN_COLUMNS
        y += height + BETWEEN_ROWS
    return (whole + 2 * margin, y - BETWEEN_ROWS + margin if ordered else 2 * margin + title), places


def _mean(numbers: Sequence[float], otherwise: float) -> float:
    return sum(numbers) / len(numbers) if numbers else otherwise


def _curve(source: Place, target: Place) -> list[float]:
    x, y = source[0] + source[2] / 2, source[1] + source[3]
    to_x, to_y = target[0] + target[2] / 2, target[1]
    bend = max(abs(to_y - y) / 2, 12.0)
    return [x, y, x, y + bend, to_x, to_y - 5 - bend, to_x, to_y - 5, to_x, to_y]
