"""What a box says of what is not drawn: names inside groups and ranges, and the uses whose arrows are cut."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from minigrad.drawing.boxes import Arrow, Box, View
from minigrad.drawing.names import join_first, write_ranges
from minigrad.drawing.phrases import Phrase
from minigrad.graph import Node

MOST_NAMES = 3  # in a line; a tooltip has all of them


def list_remarks(view: View, box: Box) -> list[str]:
    """The lines below what a box is: `w0 … w9, loss` of a group, `60 uses` of a hub, `← W_hh` of who uses one."""
    names = list_names(box.nodes) if box.kind == "group" or (box.kind == "next" and len(box.nodes) > 1) else []
    lines = [*([join_first(names, MOST_NAMES)] if names else []), *_count_uses(view, box)]
    taken = [names for names, _ in _find_taken(view, box)]
    return [*lines, f"← {join_first(taken, MOST_NAMES)}"] if taken else lines


def list_remarks_in_full(view: View, box: Box) -> list[str]:
    """The same for a tooltip: every name, and which node it is that a hub gives."""
    names = list_names(box.nodes) if len(box.nodes) > 1 else []
    names = [] if box.node is not None and names == [box.node.name] else names
    taken = [f"← {names}: {node!r}" for names, node in _find_taken(view, box)]
    return [*([", ".join(names)] if names else []), *_count_uses(view, box), *taken]


def list_names(nodes: Iterable[Node]) -> list[str]:
    """The names of what is computed, then those of leaves, each once, as ranges."""
    named = [node for node in nodes if node.name]
    return write_ranges(node.name or "" for node in sorted(named, key=lambda node: node.op is None))


def join_names(nodes: Iterable[Node]) -> str:
    """The names of nodes that are drawn as one, in a few words; empty where they have none."""
    return join_first(list_names(nodes), MOST_NAMES)


def _count_uses(view: View, box: Box) -> Iterator[str]:
    uses = view.uses_of.get(box, ())
    if uses:
        count = sum(len(arrow.uses) for arrow in uses)
        own = "" if box.nodes[0].name else f"%{box.nodes[0].number}: "
        yield Phrase("use" if count == 1 else "uses", f"{count:,}", own)


def _find_taken(view: View, box: Box) -> list[tuple[str, Node]]:
    """What cut arrows would have brought: the names, or else the number, which its own box says too, and the first."""
    arrows: tuple[Arrow, ...] = view.taken_by.get(box, ())
    taken: dict[Box, list[Node]] = {}
    for arrow in arrows:
        operands = (node.inputs[position] for node, position in arrow.uses)
        taken.setdefault(arrow.source, []).extend(x for x in operands if isinstance(x, Node))
    return [(join_names(nodes) or f"%{nodes[0].number}", nodes[0]) for nodes in taken.values()]
