"""What boxes and arrows say: those of a `View` enter, lines of text leave."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from minigrad.core.arrays import Array
from minigrad.drawing.look import Look
from minigrad.drawing.remarks import join_names, list_remarks
from minigrad.drawing.style import SIGNS
from minigrad.drawing.text import format_array, format_number, shorten
from minigrad.drawing.view import Arrow, Box, View
from minigrad.graph import Node
from minigrad.graph.absent import NOT_COMPUTED, NOT_KEPT

WIDEST = 34  # characters of a line about params


def describe_box(view: View, box: Box, look: Look | None = None) -> list[str]:
    """The lines of a box: the sign of its mark and what it is, then its shape.

    `look` may choose another text, and a node's value, where the graph has it and the box stands for no other node.
    """
    look = look or Look()
    node, mark = box.node, look.mark_of(box)
    if box.kind == "next":
        lines = [box.title]
    elif node is None:
        count = f" ×{box.count}" if box.count > 1 else ""
        lines = [box.title + count, *_find_result_shape(view, box)]
    else:
        lines = describe_node(node, look.labels.get(node), box.nodes[1:])
        value = format_array(node.value) if look.values and node.value is not None and len(box.nodes) == 1 else []
        if value and (not node.shape or value[0] == str(node.shape)):
            lines.pop()
        lines += value
    lines += list_remarks(view, box)
    return lines if mark is None else [f"{SIGNS[mark]} {lines[0]}", *lines[1:]]


def describe_node(node: Node, text: str | None = None, equals: Sequence[Node] = ()) -> list[str]:
    """The name and the operation of a node, or `text` in their place, or its role; then its shape.

    Of a node that is drawn for its `equals` too, what differs among them is a range of names, or an ellipsis.

    >>> import minigrad as mg
    >>> describe_node(mg.sum(mg.Tensor([[1.0, 2.0]], requires_grad=True), axis=-1).graph()[1])
    ['sum', 'axis=-1', '(1,)']
    """
    name = join_names((node, *equals)) if equals else node.name
    lines = [text] if text else ([name] if name else []) + _describe_operation(node, equals)
    shapes = {node.shape, *(other.shape for other in equals)}
    return [*(lines or [node.role]), str(node.shape) if len(shapes) == 1 else f"{len(shapes)} shapes"]


def describe_gradient(gradient: Array | None, shape: tuple[int, ...], reason: str | None) -> list[str]:
    """The gradient of a node, or why there is none; nothing where the whole picture says so.

    >>> import numpy as np
    >>> describe_gradient(np.array([0.5, 2.0]), (2,), None), describe_gradient(None, (2,), "no path")
    (['gradient: [0.5 2]'], ['gradient: none (no path)'])
    """
    if gradient is None:
        return [] if reason in (None, NOT_COMPUTED, NOT_KEPT) else [f"gradient: none ({reason})"]
    if gradient.size and not gradient.any():
        return ["gradient: exactly 0"]
    first, *rest = format_array(gradient)
    if first == str(shape):
        return [f"gradient: {rest[0]}", *rest[1:]] if rest else ["gradient"]
    return [f"gradient: {first}"] if not rest else ["gradient:", first, *rest]


def describe_missing_gradients(reasons: Mapping[int, str]) -> str | None:
    """The line above a picture that shows gradients, where they are not all there."""
    if NOT_COMPUTED in reasons.values():
        return "gradients: not computed"
    return "gradients: of leaves only, without backward(keep=True)" if NOT_KEPT in reasons.values() else None


def describe_arrow(arrow: Arrow) -> list[str]:
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


def _describe_operation(node: Node, equals: Sequence[Node]) -> list[str]:
    """The operation with the numbers among its operands, then the params that are not at their default."""
    if node.op is None:
        return []
    operands = list(node.inputs)
    while operands and operands[-1] is None:
        operands.pop()
    numbers = any(not isinstance(x, Node) for x in operands)
    shown = (
        "·" if isinstance(x, Node) else "…" if any(other.inputs[position] != x for other in equals)
        else "None" if x is None else format_number(x)
        for position, x in enumerate(operands)
    )  # fmt: skip
    different = {name for name, value in node.params.items() if any(other.params[name] != value for other in equals)}
    # The shape stands below, and a generator says nothing.
    written = [s for s in node.settings() if s.partition("=")[0] not in {"shape", "generator", *different}]
    settings = ", ".join([*written, *(f"{name}=…" for name in sorted(different - {"shape", "generator"}))])
    operation = f"{node.op}({', '.join(shown)})" if numbers else node.op
    return [operation, shorten(settings, WIDEST)] if settings else [operation]


def _find_result_shape(view: View, box: Box) -> list[str]:
    """The shape of what leaves a closed scope, where all that leaves has the same."""
    taken = [node.inputs[position] for arrow in view.arrows if arrow.source is box for node, position in arrow.uses]
    leaving = {str(x.shape) for x in taken if isinstance(x, Node)}
    leaving |= {str(node.shape) for node in box.nodes if node.output}
    return list(leaving) if len(leaving) == 1 else []
