"""Groups: the last resort where a picture has too many boxes. Neighbours in the same scope become one box.

What has a name or is an output stands by itself, as long as a picture has room for all that do.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace

from minigrad.drawing.boxes import Arrow, Box, View
from minigrad.drawing.phrases import Phrase
from minigrad.drawing.scopes import Key, hide_repeats

MOST_STANDING = 50
MOST_SAID = 2  # kinds of nodes in a group, and notes of an arrow that takes the place of several
MANY_USES = 4  # of a leaf, which as a part of a group would join that to everything


def group_neighbours(shown: View, limit: int) -> View:
    """Neighbours in the same scope as one box, where there are more than `limit`."""
    if len(shown.boxes) <= limit:
        return shown
    standing = _choose_standing(shown)
    size = -(-len(shown.boxes) // limit)
    while True:
        places: dict[Box, Box] = {}  # what takes the place of each
        for members in _list_neighbours(shown.boxes, size, standing):
            group = _make_group(members) if len(members) > 1 else members[0]
            places.update((box, group) for box in members)
        boxes = tuple(dict.fromkeys(places[box] for box in shown.boxes))
        if len(boxes) <= limit or size > len(shown.boxes):
            break
        size *= 2
    merged: dict[tuple[Box, Box], list[Arrow]] = {}
    arrows = []
    for arrow in shown.arrows:
        source, target = places[arrow.source], places[arrow.target]
        if source is arrow.source and target is arrow.target:
            arrows.append(arrow)
        elif source is not target:
            merged.setdefault((source, target), []).append(arrow)
    arrows += [_merge_arrows(*ends, together) for ends, together in merged.items()]
    box_of = {number: places[box] for number, box in shown.box_of.items()}
    return replace(shown, boxes=boxes, arrows=tuple(arrows), box_of=box_of, notes=(*shown.notes, _write_note(boxes)))


def _merge_arrows(source: Box, target: Box, arrows: Sequence[Arrow]) -> Arrow:
    uses = tuple(use for arrow in arrows for use in arrow.uses)
    turns = list(dict.fromkeys(arrow.turns for arrow in arrows if arrow.turns))
    return Arrow(source, target, uses, _say_first("together", turns) if turns else "")


def _say_first(key: str, texts: Sequence[str], *before: str) -> Phrase:
    """A phrase about as many texts as are wanted; the last row of its kind says that there are others."""
    return Phrase(f"{key} {min(len(texts), MOST_SAID + 1)}", *before, *texts[:MOST_SAID])


def _write_note(boxes: Iterable[Box]) -> str:
    groups = [len(box.nodes) for box in boxes if box.kind == "group"]
    noun = "a group" if len(groups) == 1 else f"{len(groups):,} groups"
    return (
        f'{sum(groups):,} nodes are in {noun} of neighbours; with mg.scope("name"): around parts of the code names them'
    )


def _choose_standing(shown: View) -> Collection[Box]:
    """The boxes in no group: those with a name or many uses, and outputs; the latter alone where they are too many."""
    uses = Counter(arrow.source for arrow in shown.arrows)
    standing = {
        box for box in shown.boxes
        if box.kind == "next"
        or (box.node is not None and any(node.name or node.output for node in box.nodes))
        or (box.node is not None and box.node.op is None and uses[box] > MANY_USES)
    }  # fmt: skip
    outputs = {box for box in standing if any(node.output for node in box.nodes)}
    return next((boxes for boxes in (standing, outputs) if len(boxes) <= MOST_STANDING), ())


def _list_neighbours(boxes: Iterable[Box], size: int, standing: Collection[Box]) -> Iterator[list[Box]]:
    """Boxes of the same scope, `size` at a time; none from before and from after one that stands by itself."""
    open_groups: dict[tuple[Key, bool], list[Box]] = {}
    for box in boxes:
        key = (box.order, box.around), box.kind == "next"
        if box in standing:
            yield [box]
            if box.node is not None and box.node.op is not None and key in open_groups:
                yield open_groups.pop(key)
            continue
        open_groups.setdefault(key, []).append(box)
        if len(open_groups[key]) == size:
            yield open_groups.pop(key)
    yield from open_groups.values()


def _make_group(members: list[Box]) -> Box:
    nodes = tuple(node for box in members for node in box.nodes)
    first, scope = members[0], hide_repeats(members[0].around)
    if first.kind == "next":
        title = Phrase("next values", f"{len(nodes):,}")
        return Box(f"u{nodes[0].number}", "next", nodes, first.order, title, scope, around=first.around)
    names = [name for name, _ in Counter(node.op or Phrase(node.role) for node in nodes).most_common()]
    title = _say_first("group", names, f"{len(nodes):,}")
    return Box(f"g{nodes[0].number}", "group", nodes, first.order, title, scope, around=first.around)
