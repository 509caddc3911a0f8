"""A layout that needs no engine: boxes in rows by depth, each open scope laid out by itself and placed as one box.

In come the sizes of boxes, the arrows and clusters between and around them; out go places in points, y downwards.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from minigrad.drawing.boxes import Box, Cluster, View, list_clusters
from minigrad.drawing.dot import Size
from minigrad.drawing.outlines import Frame
from minigrad.drawing.places import Curve, Places

BETWEEN_COLUMNS, BETWEEN_ROWS = 16.0, 34.0  # points
MARGIN, TITLE = 9.0, 14.0  # around what is in a cluster, and above it for its title

Item = Box | Cluster


def lay_out_in_rows(shown: View, sizes: Mapping[Box, Size]) -> Places:
    """Lay out a view whose boxes have `sizes`; arrows have no room for notes."""
    inside = {box for cluster in list_clusters(shown.clusters) for box in cluster.boxes}
    root = Cluster("", "", 0, boxes=[box for box in shown.boxes if box not in inside], inside=list(shown.clusters))
    paths = _find_paths(root)
    edges: dict[Item, list[tuple[Item, Item]]] = {}
    for arrow in shown.arrows:
        common, source, target = _find_meeting(paths[arrow.source], paths[arrow.target])
        edges.setdefault(common, []).append((source, target))
    item_sizes: dict[Item, Size] = {box: sizes[box] for box in shown.boxes}
    first: dict[Item, int] = {box: number for number, box in enumerate(shown.boxes)}  # the first box of each item
    contents: dict[Cluster, list[tuple[Item, float, float]]] = {}
    for cluster in reversed(list_clusters([root])):  # what is inside first
        items: list[Item] = sorted([*cluster.boxes, *cluster.inside], key=lambda item: first[item])
        first[cluster] = min((first[item] for item in cluster.boxes or cluster.inside[:1]), default=0)
        framed = cluster is not root
        item_sizes[cluster], contents[cluster] = _arrange(items, item_sizes, edges.get(cluster, []), framed)
    boxes: dict[Box, Frame] = {}
    clusters: list[tuple[Cluster, Frame]] = [(root, Frame(0.0, 0.0, *item_sizes[root]))]
    for cluster, around in clusters:  # which grows on the way
        for item, x, y in contents[cluster]:
            frame = Frame(around.x + x, around.y + y, *item_sizes[item])
            if isinstance(item, Box):
                boxes[item] = frame
            else:
                clusters.append((item, frame))
    arrows = [_draw_curve(boxes[arrow.source], boxes[arrow.target]) for arrow in shown.arrows]
    return Places(item_sizes[root], boxes, clusters[1:], arrows, [])


def _find_paths(root: Cluster) -> dict[Item, list[Item]]:
    """For each box what it is in, from the outside, and at the end itself."""
    paths: dict[Item, list[Item]] = {root: [root]}
    for cluster in list_clusters([root]):
        items: list[Item] = [*cluster.boxes, *cluster.inside]
        paths |= {item: [*paths[cluster], item] for item in items}
    return paths


def _find_meeting(source: list[Item], target: list[Item]) -> tuple[Item, Item, Item]:
    """The innermost cluster around both, and what of it each is in."""
    depth = next(i for i, (a, b) in enumerate(zip(source, target, strict=False)) if a is not b)
    return source[depth - 1], source[depth], target[depth]


def _arrange(
    items: Sequence[Item], sizes: Mapping[Item, Size], edges: Sequence[tuple[Item, Item]], framed: bool
) -> tuple[Size, list[tuple[Item, float, float]]]:
    """The size of a cluster and the place of each item in it: an item lies below all that it takes from."""
    order = {item: number for number, item in enumerate(items)}
    sources: dict[Item, list[Item]] = {item: [] for item in items}
    targets: dict[Item, list[Item]] = {item: [] for item in items}
    for source, target in edges:
        if order[source] < order[target]:  # an arrow back would leave no order
            sources[target].append(source)
            targets[source].append(target)
    depth: dict[Item, int] = {}
    for item in items:
        depth[item] = max((depth[source] + 1 for source in sources[item]), default=0)
    for item in items:  # what has no source stands right above its first user
        if not sources[item] and targets[item]:
            depth[item] = max(0, min(depth[target] for target in targets[item]) - 1)
    rows: dict[int, list[Item]] = {}
    for item in items:
        rows.setdefault(depth[item], []).append(item)
    ordered = [rows[level] for level in sorted(rows)]
    widths = [sum(sizes[item][0] for item in row) + BETWEEN_COLUMNS * (len(row) - 1) for row in ordered]
    whole = max(widths, default=0.0)
    margin, title = (MARGIN, TITLE) if framed else (0.0, 0.0)
    middles: dict[Item, float] = {}

    def mean_of_sources(item: Item) -> float:
        placed = [middles[source] for source in sources[item] if source in middles]
        return sum(placed) / len(placed) if placed else whole / 2

    places, y = [], margin + title
    for row, width in zip(ordered, widths, strict=True):
        x = margin + (whole - width) / 2
        height = max(sizes[item][1] for item in row)
        for item in sorted(row, key=mean_of_sources):
            item_width, item_height = sizes[item]
            places.append((item, x, y + (height - item_height) / 2))
            middles[item] = x + item_width / 2
            x += item_width + BETWEEN_COLUMNS
        y += height + BETWEEN_ROWS
    return (whole + 2 * margin, y - BETWEEN_ROWS + margin if ordered else 2 * margin + title), places


def _draw_curve(source: Frame, target: Frame) -> Curve:
    x, y = source.x + source.width / 2, source.y + source.height
    to_x, to_y = target.x + target.width / 2, target.y
    bend = max(abs(to_y - y) / 2, 12.0)
    return Curve(((x, y), (x, y + bend), (to_x, to_y - 5 - bend), (to_x, to_y - 5)), (to_x, to_y), None)
