"""The chapters of both passes: what stands on the bar of steps, such as scores, weights, context, ∂value, ∂weights.

In come a `Graph` and its steps, out go the titles and beginnings of runs of steps. A chapter is about a landmark, which
is a node with a name, the result of a scope, or a leaf. In the forward pass it is the one that a result goes to, in the
backward pass it begins where the gradient of one is complete. Sections are the scopes that models are made of.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from minigrad.drawing.explorer.names import find_moved
from minigrad.drawing.explorer.walk import Seed, Step
from minigrad.drawing.phrases import Phrase
from minigrad.graph import Backward, Forward, Graph, Node

FARTHEST = 30  # nodes between one and its landmark


class Chapter(NamedTuple):
    """A run of steps, the first of which has the number `step`."""

    title: str
    section: str
    step: int


def list_chapters(graph: Graph, steps: Sequence[Step], called: Sequence[str | None]) -> list[Chapter]:
    """The chapters in order.

    >>> import minigrad as mg
    >>> from minigrad.drawing.explorer.names import call_nodes
    >>> from minigrad.drawing.explorer.walk import walk_steps
    >>> x, w = (mg.Tensor([1.0, 2.0], requires_grad=True, name=name) for name in "xw")
    >>> scores = mg.exp(x * w)
    >>> scores.name = "scores"
    >>> loss = mg.sum(mg.square(scores))
    >>> loss.name = "loss"
    >>> loss.backward(keep=True)
    >>> graph = loss.graph()
    >>> [title for title, *_ in list_chapters(graph, walk_steps(graph), call_nodes(graph))]
    ['scores', 'loss', '∂loss', '∂scores', '∂x', '∂w']
    """
    landmarks = _Landmarks(graph, called)
    last = {step.target: number for number, step in enumerate(steps) if isinstance(step, Backward)}
    chapters: list[Chapter] = []
    for number, step in enumerate(steps):
        if isinstance(step, Forward):
            about, sign, landmark = step.node, "", landmarks.find_below(step.node)
            title = landmarks.call(landmark)
            is_turn = find_moved(about) is None and (landmarks.is_landmark(landmark) or about.scope != "")
        else:
            about, sign = (step.node if isinstance(step, Seed) else step.target), "∂"
            title = landmarks.call(about)
            passes = find_moved(step.node) is not None or not landmarks.is_landmark(about)
            is_turn = isinstance(step, Seed) or (last[about] == number and not passes)
        if chapters and not is_turn:
            continue
        chapter = Chapter(Phrase("derivative", title) if sign else title, _find_section(about.scope, sign), number)
        if not chapters or chapters[-1][:2] != chapter[:2]:
            chapters.append(chapter)
    return chapters


class _Landmarks:
    def __init__(self, graph: Graph, called: Sequence[str | None]) -> None:
        self.called = called
        self.inside = Counter(node.scope for node in graph if node.op is not None and self.is_landmark(node))
        self.users: dict[int, Node] = {}  # the first of each node
        for node in reversed(list(graph)):
            self.users.update((x.number, node) for x in node.inputs if isinstance(x, Node))

    def find_below(self, node: Node) -> Node:
        """The first landmark on the way to the result that is in the same scope as the node, or the node itself."""
        inside = f"{node.scope}/" if node.scope else ""
        below = islice(self._walk_below(node), FARTHEST)
        return next((x for x in below if self.is_landmark(x) and f"{x.scope}/".startswith(inside)), node)

    def call(self, node: Node) -> str:
        """What is no landmark is called after the scope around it."""
        if node.scope and not self.is_landmark(node):
            return "/".join(_cut(node.scope))
        return self.called[node.number] or node.op or Phrase(node.role)

    def is_landmark(self, node: Node) -> bool:
        """Does it have a name of some kind? Where a scope has only one, as a layer, its leaves are parts of that."""
        called = self.called[node.number]
        if called is None:
            return False
        if node.op is None:
            return not node.scope or self.inside[node.scope] > 1
        return called != node.op or node.output

    def _walk_below(self, node: Node) -> Iterator[Node]:
        below: Node | None = node
        while below is not None:
            yield below
            below = self.users.get(below.number)


def _cut(scope: str) -> list[str]:
    """The last name of a path, with the one before it where it is a number."""
    names = scope.split("/")
    return names[-2:] if names[-1].isdigit() else names[-1:]


def _find_section(scope: str, sign: str) -> str:
    """The scope down to its last number, such as a block of a transformer, or else the outermost one.

    >>> _find_section("transformer/blocks/0/attention/query", "∂"), _find_section("readout", "")
    ('∂blocks/0', 'readout')
    """
    if not scope:
        return ""
    names = scope.split("/")
    numbered = [i for i, name in enumerate(names) if name.isdigit()]
    return sign + ("/".join(_cut("/".join(names[: numbered[-1] + 1]))) if numbered else names[0])
