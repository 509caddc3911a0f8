"""DOT text: a `Graph` enters, the description of its picture leaves; layout engines and the `graphviz` package read it.

What a picture shows is decided here, how it looks in `style.py`. The text is the same on every run.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from minigrad.drawing.style import LIGHT, cluster_attributes, edge_attributes, graph_attributes, node_attributes
from minigrad.drawing.text import array_lines, format_number, label, tooltip
from minigrad.graph import Backward, Graph, Node

Direction = Literal["TB", "LR", "BT", "RL"]

SMALL = 25  # nodes; below, a picture without gradient graphs runs from left to right
LARGE = 300  # nodes; from here on, engines are asked for less
WIDE, NARROW = 1.8, 0.6  # pens for the largest contribution to a gradient, and for the smallest
WIDEST = 34  # characters of a line about params
COMMUTATIVE = frozenset(
    {"add", "multiply", "strong_multiply", "maximum", "minimum", "equal", "not_equal", "logical_and", "logical_or",
     "vecdot"}
)  # fmt: skip
ORDERS = ("", "gradient", "second derivative", "third derivative")


def dot_source(
    graph: Graph, *, values: bool = False, gradients: bool = False, direction: Direction | None = None,
    title: str | None = None,
) -> str:  # fmt: skip
    """The picture of `graph` in the DOT language.

    Args:
        values: show in each node its value, where the graph has one.
        gradients: show in each node its gradient, and along each edge what flows back, where `backward(keep=True)` left
            them.
        direction: the side where results are: bottom ("TB"), right ("LR"), top ("BT") or left ("RL").
        title: a line above the picture.

    Scopes are clusters; the gradient graph of each order has a cluster of its own beside them. An edge is one use.

    >>> import minigrad as mg
    >>> x = mg.Tensor([1.0, 2.0], requires_grad=True, name="x")
    >>> lines = dot_source((x * x).graph()).splitlines()
    >>> [line.strip() for line in lines if "->" in line]
    ['n0 -> n1;', 'n0 -> n1;']
    """
    if direction not in (None, "TB", "LR", "BT", "RL"):
        raise ValueError(f"direction={direction!r}: expected 'TB', 'LR', 'BT' or 'RL'")
    differentiated = any(_order(node) for node in graph)
    settings = graph_attributes(LIGHT) | {
        "rankdir": direction or ("LR" if len(graph) < SMALL and not differentiated else "TB")
    }
    if len(graph) >= LARGE:
        settings["nslimit"] = "1"
    lines = ["digraph {", f"  graph {_attributes(settings)};"]
    lines += [f"  node {_attributes(_PLAIN_NODE)};", f"  edge {_attributes(_PLAIN_EDGE)};"]
    contributions = _kept_contributions(graph) if gradients else []
    heading = [title] if title else []
    if gradients and not contributions:
        heading.append(_why_no_contributions(graph))
    if heading:
        lines.append(f'  labelloc="t"; label={label(*heading)};')
    lines += (f"  {_box(node, values, gradients, bool(contributions))};" for node in graph)
    lines += (f"  u{state.number} {_next_value(state)};" for state in graph.updates)
    lines += _clusters(graph)
    for node in graph:
        lines += _edges(node, large=len(graph) >= LARGE)
    lines += (f"  n{value.number} -> u{state.number};" for state, value in graph.updates.items())
    lines += _flowing_back(contributions)
    return "\n".join([*lines, "}", ""])


def _kept_contributions(graph: Graph) -> list[Backward]:
    if all(node.gradient is None for node in graph):
        return []
    return [step for step in graph.steps() if isinstance(step, Backward)]


def _why_no_contributions(graph: Graph) -> str:
    computed = any(node.gradient is not None for node in graph)
    return "gradients: of leaves only, without backward(keep=True)" if computed else "gradients: not computed"


def _order(node: Node) -> int:
    """The order of the gradient graph that shows the node; 0 for the rest, such as the update that uses a gradient."""
    return node.order if node.origin is not None or node.function is None else 0


# --- nodes ------------------------------------------------------------------------------------------------------------


def _box(node: Node, values: bool, gradients: bool, all_kept: bool) -> str:
    lines = ([node.name] if node.name else []) + _operation(node)
    if not lines:
        lines = [node.role]
    value = array_lines(node.value) if values and node.value is not None else []
    if not value or (node.shape and value[0] != str(node.shape)):
        lines.append(str(node.shape))
    lines += value
    if gradients and (node.gradient is not None or (all_kept and not _order(node))):
        lines += _gradient(node)
    formula = [node.function.formula] if node.function is not None and node.function.formula else []
    look = node_attributes(LIGHT, node.role, _order(node), node.output)
    return (
        f"n{node.number} {_attributes(look, _PLAIN_NODE, label=label(*lines), tooltip=tooltip(repr(node), *formula))}"
    )


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


def _gradient(node: Node) -> list[str]:
    if node.gradient is None:
        reason = f" ({node.dtype})" if node.dtype.kind != "f" else ""
        return [f"gradient: none{reason}"]
    first, *rest = array_lines(node.gradient)
    if first == str(node.shape):
        return [f"gradient: {rest[0]}", *rest[1:]] if rest else ["gradient"]
    return [f"gradient: {first}"] if not rest else ["gradient:", first, *rest]


def _next_value(state: Node) -> str:
    look = node_attributes(LIGHT, state.role)
    return _attributes(
        look, _PLAIN_NODE, label=label(f"next {state.name or f'%{state.number}'}"),
        tooltip=tooltip(f"the value of %{state.number} {state.path} after the step"),
    )  # fmt: skip


def _cut(text: str) -> str:
    return text if len(text) <= WIDEST else text[: WIDEST - 1] + "…"


# --- edges ------------------------------------------------------------------------------------------------------------


def _edges(node: Node, large: bool) -> Iterator[str]:
    """One edge for each use, with a note where it says something new: which operand it is, that it is broadcast."""
    operands = [(position, x) for position, x in enumerate(node.inputs) if isinstance(x, Node)]
    slots = len(operands) > 1 and node.op not in COMMUTATIVE
    for position, x in operands:
        assert node.function is not None
        slot = node.function.argument(position)
        notes = [slot] if slots and slot != x.name else []
        if node.function.elementwise and x.shape != node.shape:
            notes.append(f"{x.shape} → {node.shape}")
        kind = "value" if not _order(node) else "backward" if _order(x) == _order(node) else "saved"
        ends, end = ((node, x), "taillabel") if kind == "backward" else ((x, node), "headlabel")
        # A label in the middle gets room of its own, which takes an engine twice the time.
        extra = {end if large else "label": label(" " + " ".join(notes))} if notes else {}
        attributes = _attributes(edge_attributes(LIGHT, kind), _PLAIN_EDGE, **extra)
        yield f"  n{ends[0].number} -> n{ends[1].number}{f' {attributes}' if attributes else ''};"


def _flowing_back(steps: list[Backward]) -> Iterator[str]:
    """What flows back along each edge of the forward pass, wider where it is larger, by orders of magnitude."""
    sizes = [float(np.linalg.norm(step.contribution.ravel())) for step in steps]
    largest = max((size for size in sizes if math.isfinite(size)), default=0.0)
    for step, size in zip(steps, sizes, strict=True):
        decades = math.log10(largest / size) if 0 < size < math.inf else 0.0 if size else math.inf
        width = {"penwidth": f"{max(WIDE - decades / 2, NARROW):.2g}"}
        shown = tooltip(
            f"∂%{step.node.number}/∂{step.argument}, added to the gradient of %{step.target.number}",
            *array_lines(step.contribution),
        )
        look = _attributes(edge_attributes(LIGHT, "gradient") | width, _PLAIN_EDGE, tooltip=shown)
        yield f"  n{step.target.number} -> n{step.node.number} {look};"


# --- clusters ---------------------------------------------------------------------------------------------------------


@dataclass
class _Cluster:
    title: str
    order: int
    members: list[str] = field(default_factory=list)
    inside: dict[str, _Cluster] = field(default_factory=dict)


def _clusters(graph: Graph) -> Iterator[str]:
    """The scopes of the forward graph, then those of each order of derivative in a box for the order."""
    orders: dict[int, _Cluster] = {}
    for node in graph:
        _cluster(orders, node).members.append(f"n{node.number}")
    for state, value in graph.updates.items():
        _cluster(orders, value).members.append(f"u{state.number}")
    boxes: list[_Cluster] = []
    for order, root in sorted(orders.items()):
        if order == 0:
            boxes += root.inside.values()
            continue
        while not root.members and len(root.inside) == 1:  # one box is enough
            (scope,) = root.inside.values()
            of = f" · {scope.title}" if " · " in root.title else f" of {scope.title}"
            root = _Cluster(root.title + of, order, scope.members, scope.inside)
        boxes.append(root)
    numbers = itertools.count()
    stack: list[_Cluster | str] = list(reversed(boxes))
    depth = 1
    while stack:
        box = stack.pop()
        if isinstance(box, str):
            depth -= 1
            yield "  " * depth + box
            continue
        yield "  " * depth + f"subgraph cluster{next(numbers)} {{"
        depth += 1
        yield "  " * depth + f"graph {_attributes(cluster_attributes(LIGHT, box.order), label=label(box.title))};"
        if box.members:
            yield "  " * depth + "; ".join(box.members) + ";"
        stack += ["}", *reversed(box.inside.values())]


def _cluster(orders: dict[int, _Cluster], node: Node) -> _Cluster:
    order = _order(node)
    title = ORDERS[order] if order < len(ORDERS) else f"derivative of order {order}"
    cluster = orders.setdefault(order, _Cluster(title, order))
    for scope in node.scope.split("/") if node.scope else ():
        cluster = cluster.inside.setdefault(scope, _Cluster(scope, order))
    return cluster


def _attributes(look: Mapping[str, str], known: Mapping[str, str] | None = None, **quoted: str) -> str:
    """`[key="value", …]` of what differs from `known`; those in `quoted` are DOT strings already."""
    written = [f'{key}="{value}"' for key, value in look.items() if (known or {}).get(key) != value]
    written += [f"{key}={value}" for key, value in quoted.items()]
    return f"[{', '.join(written)}]" if written else ""


_PLAIN_NODE, _PLAIN_EDGE = node_attributes(LIGHT, "op"), edge_attributes(LIGHT)
