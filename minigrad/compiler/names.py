"""The names of variables: after tensors and scopes where they have names, after operations and numbers elsewhere."""

from __future__ import annotations

import keyword
import re
import unicodedata
from collections import Counter
from collections.abc import Mapping

from minigrad.graph import Graph, Node

RESERVED = frozenset(
    {"np", "memory", "array", "state", "constants", "step", "scratch", "clock", "times", "i", "start", "stop"}
)


def variable_names(graph: Graph, sources: Mapping[Node, Node]) -> dict[Node, str]:
    """One Python name per node, all different.

    A node with a name is called by the shortest end of its path that no other has: `query_weight`. Any other is called
    `multiply_22`, by the number it has in the captured graph.
    """
    parts = {node: [part for part in _parts(node) if part] for node in graph if node.name or node.function is None}
    paths = {tuple(own) for own in parts.values()}  # what lies in several shapes has one name
    ends = Counter("_".join(own[i:]) for own in paths for i in range(len(own)))
    taken: Counter[str] = Counter()
    names: dict[Node, str] = {}
    for node in graph:
        own = parts.get(node, [])
        candidates = ["_".join(own[i:]) for i in reversed(range(len(own)))]
        unique = [name for name in candidates if ends[name] == 1 and name.isidentifier()]
        number = sources[node].number if node in sources else node.number
        name = unique[0] if unique else candidates[-1] if candidates else f"{node.op}_{number}"
        if not name.isidentifier() or keyword.iskeyword(name) or name in RESERVED:
            name = f"{name}_{number}" if f"{name}_{number}".isidentifier() else f"value_{number}"
        taken[name] += 1
        if taken[name] > 1:
            taken[f"{name}_{taken[name]}"] += 1
            name = f"{name}_{taken[name]}"
        names[node] = name
    return names


def _parts(node: Node) -> list[str]:
    own = node.name or node.role
    return [word(part) for part in [*node.scope.split("/"), *own.split("/")]]


def word(text: str) -> str:
    """`text` as part of a Python name: ∂loss becomes d_loss."""
    text = unicodedata.normalize("NFKC", text.replace("∂", "d_"))
    return re.sub(r"\W+", "_", text).strip("_")
