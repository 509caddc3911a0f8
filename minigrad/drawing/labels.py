"""What boxes and arrows say: those of a `View` enter, texts leave: as data for who sets them, or line by line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from minigrad.core.arrays import Array
from minigrad.drawing.boxes import Arrow, Box, View
from minigrad.drawing.look import Look
from minigrad.drawing.phrases import Phrase
from minigrad.drawing.remarks import join_names, list_remarks
from minigrad.drawing.style import SIGNS
from minigrad.drawing.text import format_array, format_rows, shorten, summarise
from minigrad.graph import Node
from minigrad.graph.absent import NOT_COMPUTED, NOT_KEPT
from minigrad.graph.numbers import format_number

WIDEST = 34  # characters of a line about params
UNSAID = {"shape", "generator"}  # the first stands below, the second says nothing


@dataclass(frozen=True)
class Numbers:
    """An array in a box: its elements row by row, or, where they are too many or there are none, what is said of it."""

    rows: tuple[tuple[str, ...], ...] = ()
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Label:
    """What a box says.

    `title` is a name where `named`, and otherwise what the box is; `lines` follow it, and `shape`, which may be empty;
    `remarks` come last.
    """

    title: str
    named: bool
    lines: tuple[str, ...]
    shape: str
    value: Numbers | None = None
    gradient: Numbers | None = None
    remarks: tuple[str, ...] = ()


def label_box(view: View, box: Box, look: Look, reasons: Mapping[int, str]) -> Label:
    """What a box says; `reasons` are those why nodes have no gradient, by their numbers."""
    node, mark = box.node, look.mark_of(box)
    remarks = tuple(list_remarks(view, box))

    def sign(title: str) -> str:
        return title if mark is None else f"{SIGNS[mark]} {title}"

    if node is None:
        shape = "" if box.kind == "next" else "".join(_find_result_shape(view, box))
        title = Phrase("times", box.title, str(box.count)) if box.count > 1 else box.title
        return Label(sign(title), True, (), shape, remarks=remarks)
    *lines, shape = describe_node(node, look.labels.get(node), box.nodes[1:])
    named, alone = bool(node.name or look.labels.get(node)), len(box.nodes) == 1
    value = _list_numbers(node.value) if look.values and node.value is not None and alone else None
    gradient = None
    if look.gradients and alone and not box.order:
        gradient = _label_gradient(node.gradient, reasons.get(node.number))
    shape = "" if value is not None and not node.shape else shape
    return Label(sign(lines[0]), named, tuple(lines[1:]), shape, value, gradient, remarks)


def describe_box(view: View, box: Box, look: Look | None = None) -> list[str]:
    """The lines of a box: the sign of its mark and what it is, then its shape.

    `look` may choose another text, and a node's value, where the graph has it and the box stands for no other node.
    """
    look = look or Look()
    label = label_box(view, box, look, {})
    lines = [label.title, *label.lines, *([label.shape] if label.shape else [])]
    if label.value is not None and box.node is not None:
        value = format_array(box.node.value)
        lines = [*(lines[:-1] if value[0] == label.shape else lines), *value]
    return [*lines, *label.remarks]


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
    shape = str(node.shape) if len(shapes) == 1 else Phrase("shapes", str(len(shapes)))
    return [*(lines or [Phrase(node.role)]), shape]


def describe_gradient(gradient: Array | None, reason: str | None) -> list[str]:
    """The gradient of a node, or why there is none; nothing where the whole picture says so.

    >>> import numpy as np
    >>> describe_gradient(np.array([0.5, 2.0]), None), describe_gradient(None, "no path")
    (['gradient: [0.5 2]'], ['gradient: none (no path)'])
    """
    label = _label_gradient(gradient, reason)
    if label is None:
        return []
    lines = label.remarks if gradient is None or not label.rows else format_array(gradient)
    return ["gradient:", *lines] if len(label.rows) > 1 else [f"gradient: {lines[0]}", *lines[1:]]


def _label_gradient(gradient: Array | None, reason: str | None) -> Numbers | None:
    if gradient is None:
        return None if reason in (None, NOT_COMPUTED, NOT_KEPT) else Numbers(remarks=(f"none ({reason})",))
    return _list_numbers(gradient) if gradient.any() or not gradient.size else Numbers(remarks=("exactly 0",))


def _list_numbers(array: Array) -> Numbers:
    rows = tuple(map(tuple, format_rows(array)))
    return Numbers(rows, () if rows else tuple(summarise(array)))


def describe_missing_gradients(reasons: Mapping[int, str]) -> str | None:
    """The line above a picture that shows gradients, where they are not all there."""
    if NOT_COMPUTED in reasons.values():
        return "gradients: not computed"
    return "gradients: of leaves only, without backward(keep=True)" if NOT_KEPT in reasons.values() else None


def describe_arrow(arrow: Arrow) -> list[str]:
    """What an arrow says that its ends do not: which operand it is, that it is broadcast, the turns that it is of."""
    turns = [arrow.turns] if arrow.turns else []
    if arrow.target.kind != "node" or len({position for _, position in arrow.uses}) != 1:
        return turns
    node, position = arrow.uses[0]
    x = node.inputs[position]
    assert isinstance(x, Node)
    assert node.function is not None
    several = sum(isinstance(other, Node) for other in node.inputs) > 1 and not node.function.commutative
    slot = node.function.argument(position)
    notes = [slot] if several and slot != x.name else []
    if node.function.elementwise and x.shape != node.shape:
        notes.append(f"{x.shape} → {node.shape}")
    return [*notes, *turns]


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
    written = node.settings({*UNSAID, *different})
    settings = ", ".join([*written, *(f"{name}=…" for name in sorted(different - UNSAID))])
    operation = f"{node.op}({', '.join(shown)})" if numbers else node.op
    return [operation, shorten(settings, WIDEST)] if settings else [operation]


def _find_result_shape(view: View, box: Box) -> list[str]:
    """The shape of what leaves a closed scope, where all that leaves has the same."""
    taken = [node.inputs[position] for arrow in view.arrows if arrow.source is box for node, position in arrow.uses]
    leaving = {str(x.shape) for x in taken if isinstance(x, Node)}
    leaving |= {str(node.shape) for node in box.nodes if node.output}
    return list(leaving) if len(leaving) == 1 else []
