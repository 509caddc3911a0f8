"""What flows back in a picture: the steps of `backward(keep=True)` as arrows of a `View`."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from minigrad.core.arrays import Array
from minigrad.drawing.boxes import Box, View
from minigrad.graph import Backward

WIDE, NARROW = 1.8, 0.6  # pens for the largest contribution to a gradient, and for the smallest


@dataclass(frozen=True, eq=False)
class Flow:
    """Contributions that flow back along one arrow, from `target` to `source`: one between nodes, else all together."""

    source: Box
    target: Box
    steps: list[Backward] = field(default_factory=list)

    @property
    def norm(self) -> float:
        """The Euclidean norm of what flows back."""
        return math.hypot(*(_find_norm(step.contribution) for step in self.steps))


def _find_norm(array: Array) -> float:
    """Of arrays too, whose squares are beyond what a float can be."""
    largest = float(np.abs(array).max(initial=0))
    if not 0 < largest < math.inf:
        return largest
    return largest * float(np.linalg.norm((array / largest).ravel()))


def find_flows(view: View) -> list[Flow]:
    """The contributions between different boxes, in the order in which they were made."""
    if all(node.gradient is None for node in view.graph):
        return []
    drawn = {(arrow.source, arrow.target) for arrow in view.arrows}
    flows: dict[tuple[str, ...], Flow] = {}
    for step in view.graph.steps():
        if not isinstance(step, Backward):
            continue
        source, target = view.box_of.get(step.target.number), view.box_of.get(step.node.number)
        # A folded sibling is drawn as another one, which has contributions of its own.
        folded = target is not None and target.node not in (None, step.node)
        if source is None or target is None or folded or (source, target) not in drawn:
            continue
        single = source.kind == target.kind == "node" and len(source.nodes) == len(target.nodes) == 1
        key = (source.id, target.id, step.argument) if single else (source.id, target.id)
        flows.setdefault(key, Flow(source, target)).steps.append(step)
    return list(flows.values())


def choose_widths(flows: Iterable[Flow]) -> list[float]:
    """How wide each flow is drawn: by its order of magnitude below the largest, the narrowest where nothing flows."""
    norms = [flow.norm for flow in flows]
    largest = max((norm for norm in norms if math.isfinite(norm)), default=0.0)
    decades = [math.log10(largest / norm) if 0 < norm < math.inf else 0.0 if norm else math.inf for norm in norms]
    return [max(WIDE - below / 2, NARROW) for below in decades]
