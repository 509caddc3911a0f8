"""How many nodes of which kind a graph has, and how large they are."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from minigrad.graph.node import Node

if TYPE_CHECKING:
    from minigrad.graph.graph import Graph


@dataclass(frozen=True, slots=True)
class Stats:
    """Counts of nodes by operation, role and order of derivative; elements and bytes of what they hold."""

    nodes: int
    operations: Mapping[str, int]
    roles: Mapping[str, int]
    orders: Mapping[int, int]
    parameters: int  # elements
    parameter_bytes: int
    computed_bytes: int  # of all results of operations together, views among them

    def __str__(self) -> str:
        return "\n".join(
            (
                f"nodes       {self.nodes:,}: {_list_counts(self.roles)}",
                f"operations  {_list_counts(self.operations)}",
                f"orders      {', '.join(f'{order}: {count:,}' for order, count in self.orders.items())}",
                f"parameters  {self.parameters:,} elements, {self.parameter_bytes:,} bytes",
                f"computed    {self.computed_bytes:,} bytes",
            )
        )


def stats(graph: Graph) -> Stats:
    """Counts, most frequent first, equals by name; orders from the forward pass up."""
    parameters = [node for node in graph.nodes if node.role == "parameter"]
    return Stats(
        nodes=len(graph.nodes),
        operations=_count(node.op for node in graph.nodes if node.op is not None),
        roles=_count(node.role for node in graph.nodes),
        orders=dict(sorted(Counter(node.order for node in graph.nodes).items())),
        parameters=sum(math.prod(node.shape) for node in parameters),
        parameter_bytes=_count_bytes(parameters),
        computed_bytes=_count_bytes(node for node in graph.nodes if node.op is not None),
    )


def _count(names: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(names).items(), key=lambda item: (-item[1], item[0])))


def _list_counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in counts.items()) or "none"


def _count_bytes(nodes: Iterable[Node]) -> int:
    return sum(math.prod(node.shape) * node.dtype.itemsize for node in nodes)
