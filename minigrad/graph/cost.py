"""What a graph costs: floating-point operations and memory, counted from shapes; nothing is run."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from minigrad import ops
from minigrad.core.op import Op
from minigrad.graph.node import Node, printable
from minigrad.ops.kernels.blocks import count_pairs
from minigrad.ops.places import first_free, write_rows
from minigrad.ops.strong import check_numbers

if TYPE_CHECKING:
    from minigrad.graph.graph import Graph


class Total(NamedTuple):
    """Of some operations: how many, their floating-point operations, and the bytes of their results."""

    nodes: int
    flops: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Cost:
    """Floating-point operations and bytes of a graph; shown as a table.

    `by_node` goes by the number of the node. `kept_bytes` are those of results that gradients of a higher order read,
    so what the forward pass leaves behind for the backward pass; None in a graph without gradients. `peak_bytes` are
    the most that results take at a time, if each is let go after its last use. `not_counted` says how many operations
    there are whose floating-point operations nobody knows, as another engine computes them: they are taken as 0.
    """

    total: Total
    by_node: Mapping[int, Total]
    by_op: Mapping[str, Total]
    by_scope: Mapping[str, Total]
    by_order: Mapping[int, Total]
    kept_bytes: int | None
    peak_bytes: int
    not_counted: Mapping[str, int]

    @property
    def groups(self) -> Mapping[str, Sequence[tuple[str, tuple[str, ...]]]]:
        """By operation, scope and order: names, and what their `Total` has, as texts."""
        groups: dict[str, Mapping[Any, Total]] = {
            "operation": self.by_op, "scope": self.by_scope, "order": self.by_order,
        }  # fmt: skip
        return {
            title: [(printable(str(name)) or "(none)", _format(total)) for name, total in totals.items()]
            for title, totals in groups.items()
        }

    @property
    def notes(self) -> Sequence[str]:
        """What is kept for gradients, the most at a time, and what could not be counted."""
        kept = "not known, the graph has no gradients" if self.kept_bytes is None else f"{self.kept_bytes:,} bytes"
        lines = [f"kept for gradients: {kept}", f"most at a time: {self.peak_bytes:,} bytes"]
        if self.not_counted:
            lines.append(f"flops not counted: {', '.join(f'{count} {op}' for op, count in self.not_counted.items())}")
        return lines

    def __str__(self) -> str:
        rows: list[tuple[str, tuple[str, ...]]] = [("", Total._fields)]
        for title, group in self.groups.items():
            rows += [(f"by {title}", ()), *((f"  {name}", texts) for name, texts in group)]
        rows.append(("all", _format(self.total)))
        first = max(len(title) for title, _ in rows)
        widths = [max(len(texts[column]) for _, texts in rows if texts) for column in range(len(Total._fields))]
        lines = [
            f"{title:<{first}}" + "".join(f"  {text:>{width}}" for text, width in zip(texts, widths, strict=False))
            for title, texts in rows
        ]
        return "\n".join(line.rstrip() for line in [*lines, *self.notes])

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        from minigrad.drawing.notebook import show_cost

        return show_cost(self)


def cost(graph: Graph) -> Cost:
    """The costs of all operations: operations that cost most first, scopes by name, orders from the forward pass up."""
    nodes = [node for node in graph.nodes if node.function is not None]
    by_node = {node.number: Total(1, flops_of(node), bytes_of(node)) for node in nodes}
    by_op = _group(nodes, by_node, lambda node: node.op)
    return Cost(
        total=_sum(by_node.values()),
        by_node=by_node,
        by_op=dict(sorted(by_op.items(), key=lambda item: (-item[1].flops, item[0]))),
        by_scope=dict(sorted(_group(nodes, by_node, lambda node: node.scope).items())),
        by_order=dict(sorted(_group(nodes, by_node, lambda node: node.order).items())),
        kept_bytes=_count_kept(graph),
        peak_bytes=_count_peak(graph),
        not_counted=Counter(f"{node.op}" for node in nodes if _known(node) is None),
    )


def flops_of(node: Node) -> int:
    """The floating-point operations of a node: what is known of its op, or one per element of the largest array.

    A view of which nothing is known computes nothing. An op of one's own says its `flops=`; None if nobody knows them,
    which then are 0.
    """
    known = _known(node)
    return known if isinstance(known, int) else int(known(node, *node.inputs, **node.params)) if known else 0


def _known(node: Node) -> Callable[..., int] | int | None:
    function = node.function
    return 0 if function is None else FLOPS.get(function, vars(function).get("flops", flops_of_elements))


def flops_of_elements(out: Any, *inputs: Any, **params: Any) -> int:
    """One for each element of the largest array, if it computes anything."""
    return 0 if out.function.view else max(math.prod(x.shape) for x in (out, *_operands(out)))


def flops_of_product(out: Any, x1: Any, x2: Any) -> int:
    """A multiplication and an addition for each pair of elements that meet."""
    return int(2 * math.prod(out.shape) * x1.shape[-1])


def flops_of_addition(out: Any, values: Any, *indices: Any, **params: Any) -> int:
    """One for each value that is added somewhere."""
    return math.prod(values.shape)


def flops_of_blocks(products: int, passes: int) -> Callable[..., int]:
    """Of attention by blocks: so many products of matrices, and besides so many passes over the scores."""

    def count(out: Any, *inputs: Any, queries: int, block: int, causal: bool) -> int:
        *lead, length, width = inputs[-3].shape
        scores = math.prod(lead) * count_pairs(queries, (length - queries) // 2, block, causal)
        return int(scores * (2 * products * width + passes))

    return count


MOVING = (  # numbers, and computing none
    ops.argsort, ops.concatenate, ops.embedding, ops.one_hot, ops.pad, ops.roll, ops.setitem, ops.take_along_axis,
    ops.tril, ops.triu, check_numbers, first_free, write_rows,
)  # fmt: skip
FLOPS: dict[Op, Callable[..., int] | int] = {
    **dict.fromkeys(MOVING, 0),
    ops.matmul: flops_of_product,
    ops.linear: lambda out, x, weight, bias: (
        flops_of_product(out, x, weight) + (bias is not None) * math.prod(out.shape)
    ),
    ops.vecdot: lambda out, x1, x2, **params: 2 * math.prod(np.broadcast_shapes(x1.shape, x2.shape)),
    ops.scatter_add: flops_of_addition,
    ops.add_along_axis: flops_of_addition,
    ops.add_windows: flops_of_addition,
    ops.sum_to: lambda out, x, *, shape: math.prod(x.shape) if x.shape != out.shape else 0,
    ops.blockwise_attention: flops_of_blocks(products=2, passes=1),
    ops.blockwise_attention_gradient: flops_of_blocks(products=5, passes=5),
}


def bytes_of(node: Node) -> int:
    """The memory that the result of a node takes for itself: none for a view."""
    return 0 if node.function is None or _is_view(node) else math.prod(node.shape) * node.dtype.itemsize


def _is_view(node: Node) -> bool:
    """Whether a result looks into its input: not where it is another type, is summed up, or is picked by indices."""
    if node.function is None or not node.function.view or flops_of(node):
        return False
    return [x.dtype for x in _operands(node)] == [node.dtype]


def _operands(node: Node) -> list[Node]:
    return [x for x in node.inputs if isinstance(x, Node)]


def _find_owners(graph: Graph) -> list[Node]:
    """By number, the node in whose memory a result lies."""
    owners: list[Node] = []
    for node in graph.nodes:
        first = node.inputs[0] if _is_view(node) else None
        owners.append(owners[first.number] if isinstance(first, Node) else node)
    return owners


def _count_kept(graph: Graph) -> int | None:
    if not any(node.order for node in graph.nodes):
        return None
    owners = _find_owners(graph)
    read = {owners[x.number] for node in graph.nodes for x in _operands(node) if owners[x.number].order < node.order}
    return sum(bytes_of(node) for node in read)


def _count_peak(graph: Graph) -> int:
    owners = _find_owners(graph)
    last = dict.fromkeys((owners[x.number] for x in (*graph.outputs, *graph.updates.values())), len(graph.nodes))
    for node in reversed(graph.nodes):
        for x in (node, *_operands(node)):
            last.setdefault(owners[x.number], node.number)
    let_go: dict[int, int] = {}
    for owner, number in last.items():
        let_go[number] = let_go.get(number, 0) + bytes_of(owner)
    alive = most = 0
    for node in graph.nodes:
        alive += bytes_of(node)
        most = max(most, alive)
        alive -= let_go.get(node.number, 0)
    return most


def _group(nodes: Iterable[Node], by_node: Mapping[int, Total], key: Callable[[Node], Any]) -> dict[Any, Total]:
    groups: dict[Any, list[Total]] = {}
    for node in nodes:
        groups.setdefault(key(node), []).append(by_node[node.number])
    return {name: _sum(totals) for name, totals in groups.items()}


def _sum(totals: Iterable[Total]) -> Total:
    columns = list(zip(*totals, strict=True)) or [(), (), ()]
    return Total(*map(sum, columns))


def _format(total: Total) -> tuple[str, ...]:
    return tuple(f"{number:,}" for number in total)
