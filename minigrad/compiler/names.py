"""The names of a program: after tensors and scopes where they have names, after operations and numbers elsewhere.

Some names are taken already: Python's keywords and functions, what every program defines, and the functions that its
lines call. A variable never gets one of these.
"""

from __future__ import annotations

import builtins
import functools
import keyword
import re
import unicodedata
from collections import Counter
from collections.abc import Mapping

from minigrad.compiler import standalone
from minigrad.graph import Graph, Node
from minigrad.ops import kernels
from minigrad.ops.kernels import blocks, curves, normal, places, rows, sums

LANGUAGE = frozenset({*keyword.kwlist, *dir(builtins)})
PROGRAM = frozenset(
    {
        "np", "memory", "array", "state", "constants", "step", "scratch", "clock", "times", "i", "start", "stop",
        "turns", "part", "share_turns",
    }
)  # fmt: skip
KERNELS = frozenset(  # what stands beside a program in a script
    name for module in (standalone, kernels, blocks, curves, normal, places, rows, sums) for name in vars(module)
)
LONGEST = 80  # characters of what a tensor is called; more of a name is cut off
DEEPEST = 12  # scopes that a name may be made of, counted from the inside


class Names:
    """Gives names, each once, and none that is `reserved`."""

    def __init__(self) -> None:
        self.reserved = {*LANGUAGE, *PROGRAM, *KERNELS}
        self.given: set[str] = set()
        self._numbers: dict[str, int] = {}  # by name: the last number that was put behind it

    def new(self, name: str) -> str:
        """`name`, an identifier, or one like it that is free."""
        free, number = name, self._numbers.get(name, 2)
        while free in self.given or free in self.reserved:
            free = f"{name}_{number}"
            self._numbers[name], number = number, number + 1
        self.given.add(free)
        return free


def variable_names(graph: Graph, sources: Mapping[Node, Node], names: Names) -> dict[Node, str]:
    """One Python name per node, all different.

    A node with a name is called by the shortest end of its path that no other has: `query_weight`. Any other is called
    `multiply_22`, by the number it has in the captured graph.
    """
    parts = {node: _parts(node) for node in graph if node.name or node.function is None}
    paths = {tuple(own) for own in parts.values()}  # what lies in several shapes has one name
    ends = Counter("_".join(own[i:]) for own in paths for i in range(len(own)))
    found: dict[Node, str] = {}
    for node in graph:
        own = parts.get(node, [])
        candidates = ["_".join(own[i:]) for i in reversed(range(len(own)))]
        unique = [name for name in candidates if ends[name] == 1 and name.isidentifier()]
        number = sources[node].number if node in sources else node.number
        name = unique[0] if unique else candidates[-1] if candidates else f"{word(node.op or '')}_{number}"
        name = name[:LONGEST]
        if not name.isidentifier() or name in names.reserved:
            name = f"{name}_{number}" if f"{name}_{number}".isidentifier() else f"value_{number}"
        found[node] = names.new(name)
    return found


def _parts(node: Node) -> list[str]:
    own = node.name or node.role
    words = [word(part) for part in [*node.scope.split("/"), *own.split("/")][-DEEPEST:]]
    return [part for part in words if part]


@functools.lru_cache(maxsize=4096)  # scopes come again and again
def word(text: str) -> str:
    """`text` as part of a Python name: ∂loss becomes d_loss."""
    text = unicodedata.normalize("NFKC", text.replace("∂", "d_"))
    return re.sub(r"\W+", "_", text).strip("_")
