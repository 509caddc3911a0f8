"""What boxes and arrows say: those of a `View` enter, lines of text leave. Every writer of pictures calls it."""

from __future__ import annotations

from collections.abc import Mapping

from minigrad.core.arrays import Array
from minigrad.drawing.text import array_lines, format_number
from minigrad.drawing.view import Arrow, Box, View
from minigrad.graph import Node
from minigrad.graph.absent import NOT_COMPUTED, NOT_KEPT

WIDEST = 34  # characters of a line about params


def box_lines(view: View, box: Box, own: str | None = None, value: bool = False) -> list[str]:
    """The lines of a box: what it is, then its shape, then on demand its value.

    Args:
        own: a text in place of name and operation.
        value: a node's value, where the graph has it and the box stands for no other node.
    """
    if box.kind == "next":
        return [own or box.title]
    if box.kind != "node":
        count = f" ×{box.count}" if box.count > 1 else ""
        return [(own or box.title) + count, *_result_shape(view, box)]
    node = box.nodes[0]
    lines = node_lines(node, own)
    shown = array_lines(node.value) if value and node.value is not None and len(box.nodes) == 1 else []
    if shown and (not node.shape or shown[0] == str(node.shape)):
        lines.pop()
    return lines + shown


def node_lines(node: Node, own: str | None = None) -> list[str]:
    """The name and the operation of a node, or `own` in their place, or its role; then its shape.

    >>> import minigrad as mg
    >>> node_lines(mg.sum(mg.Tensor([[1.0, 2.0]], requires_grad=True), axis=-1).graph()[1])
    ['sum', 'axis=-1', '(1,)']
    """
    lines = [own] if own else ([node.name] if node.name else []) + _operation(node)
    return [*(lines or [node.role]), str(node.shape)]


def gradient_lines(gradient: Array | None, shape: tuple[int, ...], reason: str | None) -> list[str]:
    """The gradient of a node, or why there is none; nothing where the whole picture says so.

    >>> import numpy as np
    >>> gradient_lines(np.array([0.5, 2.0]), (2,), None), gradient_lines(None, (2,), "no path")
    (['gradient: [0.5 2]'], ['gradient: none (no path)'])
    """
    if gradient is None:
        return [] if reason in (None, NOT_COMPUTED, NOT_KEPT) else [f"gradient: none ({reason})"]
    if gradient.size and not gradient.any():
        return ["gradient: exactly 0"]
    first, *rest = array_lines(gradient)
    if first == str(shape):
        return [f"gradient: {rest[0]}", *rest[1:]] if rest else ["gradient"]
    return [f"gradient: {first}"] if not rest else ["gradient:", first, *rest]


def about_gradients(reasons: Mapping[int, str]) -> str | None:
    """The line above a picture that shows gradients, where they are not all there."""
    if NOT_COMPUTED in reasons.values():
        return "gradients: not computed"
    return "gradients: of leaves only, without backward(keep=True)" if NOT_KEPT in reasons.values() else None


def arrow_notes(arrow: Arrow) -> list[str]:
    """What an arrow says that its ends do not: which operand it is, that it is broadcast."""
    if arrow.target.kind != "node" or len(arrow.uses) != 1:
        return []
    ((node, position),) = arrow.uses
    x = node.inputs[position]
    assert isinstance(x, Node)
    assert node.function is not None
    several = sum(isinstance(other, Node) for other in node.inputs) > 1 and not node.function.commutative
    slot = node.function.argument(position)
    notes = [slot] if several and slot != x.name else []
    if node.function.elementwise and x.shape != node.shape:
        notes.append(f"{x.shape} → {node.shape}")
    return notes


def _operation(node: Node) -> list[str]:
    """The operation with the numbers among its operands, then the params that are not at their default."""
    if node.op is None:
        return []
    operands = list(node.inputs)
    while operands and operands[-1] is None:
        operands.pop()
    numbers = any(not isinstance(x, Node) for x in operands)
    shown = ("·" if isinstance(x, Node) else "None" if x is None else format_number(x) for x in operands)
    # The shape stands below, and a generator says nothing.
    settings = ", ".join(s for s in node.settings() if not s.startswith(("shape=", "generator=")))
    return [f"{node.op}({', '.join(shown)})" if numbers else node.op] + ([_cut(settings)] if settings else [])


def _result_shape(view: View, box: Box) -> list[str]:
    """The shape of what leaves a closed scope, where all that leaves has the same."""
    taken = [node.inputs[position] for arrow in view.arrows if arrow.source is box for node, position in arrow.uses]
    leaving = {str(x.shape) for x in taken if isinstance(x, Node)}
    leaving |= {str(node.shape) for node in box.nodes if node.output}
    return list(leaving) if len(leaving) == 1 else []


def _cut(text: str) -> str:
    return text if len(text) <= WIDEST else text[: WIDEST - 1] + "…"
