"""Why nodes have no gradient: a `Graph` enters, a reason for each node without one leaves. Pictures show them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from minigrad.graph.node import Node

if TYPE_CHECKING:
    from minigrad.graph.graph import Graph

NOT_COMPUTED = "not computed"
NOT_KEPT = "not kept"
MEANT_TO_CUT = {"stop_gradient": "detached"}  # what ops that end a gradient on purpose leave


Reason = tuple[str, ...]  # a text, and what is filled in


def absent_gradients(graph: Graph) -> dict[int, str]:
    """Why the nodes of the forward pass that have no gradient have none, by their number.

    The reasons, the first that holds: `not computed` (backward was not called), the dtype of what holds no
    floating-point numbers, `detached`, `constant`, `not required`, `no path` (to where backward started), and
    `not kept` (of interior nodes without `keep=True`).

    >>> import minigrad as mg
    >>> x = mg.Tensor([1.0, 2.0], requires_grad=True)
    >>> y = mg.sum(x * x.detach())
    >>> absent_gradients(y.graph())[0]
    'not computed'
    >>> y.backward(keep=True)
    >>> absent_gradients(y.graph())
    {1: 'detached'}
    """
    return {number: text.format(*details) for number, (text, *details) in find_reasons(graph).items()}


def find_reasons(graph: Graph) -> dict[int, Reason]:
    """The same as data, for who says it in other languages."""
    forward = [node for node in graph if not node.order]
    absent = [node for node in forward if node.gradient is None]
    if len(absent) == len(forward):
        return {node.number: (NOT_COMPUTED,) for node in absent}
    reached = _find_reached(forward)
    return {node.number: _find_reason(node, node.number in reached) for node in absent}


def _find_reason(node: Node, reached: bool) -> Reason:
    if node.dtype.kind != "f":
        return (str(node.dtype),)
    if node.made_by in MEANT_TO_CUT:
        cut = MEANT_TO_CUT[node.made_by]
        return (f"{cut} at {{}}", node.line) if node.line else (cut,)
    if node.made_by is not None:
        return "result of {} without history", node.made_by
    if node.role in ("constant", "random"):
        return (node.role,)
    if not node.requires_grad:
        return ("not required",)
    return (NOT_KEPT if reached else "no path",)


def _find_reached(forward: list[Node]) -> set[int]:
    """What leads to where backward started; without `keep=True` that is not known, and every operation may."""
    with_gradient = {node.number for node in forward if node.gradient is not None}
    operations = {node.number for node in forward if node.op is not None}
    if not with_gradient & operations:
        return operations
    reached: set[int] = set()
    for node in reversed(forward):
        if node.number in with_gradient or node.number in reached:
            reached.add(node.number)
            reached.update(x.number for x in node.inputs if isinstance(x, Node))
    return reached
