"""What is told where the pointer rests on a box or an arrow: lines of text, none of them trusted."""

from __future__ import annotations

from minigrad.drawing.boxes import Box, View
from minigrad.drawing.flows import Flow
from minigrad.drawing.remarks import list_remarks_in_full
from minigrad.drawing.text import format_array
from minigrad.graph.numbers import format_number

MOST_LISTED = 12  # nodes of a closed scope, contributions of an arrow


def explain_box(shown: View, box: Box) -> list[str]:
    """The line of a node's listing and its formula; of a box that stands for several nodes, those of the first."""
    node, remarks = box.node, list_remarks_in_full(shown, box)
    if box.kind == "next":
        state = box.nodes[0]
        return [f"the value of %{state.number} {state.path} after the step", *remarks]
    if node is not None:
        formula = [node.function.formula] if node.function is not None and node.function.formula else []
        return [repr(node), *formula, *remarks]
    more = [f"and {len(box.nodes) - MOST_LISTED:,} more"] if len(box.nodes) > MOST_LISTED else []
    name = box.scope if box.kind == "scope" else "neighbours"
    return [f"{name}: {len(box.nodes):,} nodes", *remarks, *map(repr, box.nodes[:MOST_LISTED]), *more]


def explain_flow(flow: Flow) -> list[str]:
    """What flows back along an arrow: the contribution, or how many and how much together."""
    if len(flow.steps) == 1:
        (step,) = flow.steps
        head = f"∂%{step.node.number}/∂{step.argument}, added to the gradient of %{step.target.number}"
        return [head, *format_array(step.contribution)]
    more = [f"and {len(flow.steps) - MOST_LISTED} more"] if len(flow.steps) > MOST_LISTED else []
    names = (f"∂%{step.node.number}/∂{step.argument} to %{step.target.number}" for step in flow.steps[:MOST_LISTED])
    return [f"{len(flow.steps)} contributions, norm {format_number(flow.norm)}", *names, *more]
