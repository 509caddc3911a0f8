"""The scopes of a graph as a tree: each order of derivative has its own.

What a loop repeats without a scope is in scopes too, `repeated` for each turn; `repeats.py` finds them.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping

from minigrad.graph import Node

Key = tuple[int, str]  # order of derivative, path

REPEATED = "repeated"  # begins the last name of a repeat's path; then, each after a NUL, its run and which one it is


def order_of(node: Node) -> int:
    """The order of the gradient graph that shows the node.

    0 for the rest: for the update that uses a gradient, and for what is given, though a gradient alone takes it.
    """
    return node.order if node.of_gradient or node.role in ("constant", "cotangent", "random") else 0


def run_of(path: str) -> str | None:
    """The same for all repeats of a run, None for any other scope."""
    return path.rpartition("\0")[0] if path.rpartition("/")[2].startswith(f"{REPEATED}\0") else None


def hide_repeats(path: str) -> str:
    """The path as nodes know it."""
    return "/".join(name for name in path.split("/") if not name.startswith(f"{REPEATED}\0"))


def name_repeats(path: str) -> str:
    """The path with a name for each run in place of its repeats."""
    return "/".join(" ".join(name.split("\0")[:2]) if run_of(name) else name for name in path.split("/"))


def is_drawn(path: str) -> bool:
    """Is it not a repeat, nor in one, but for the first of its run, which is drawn for all?"""
    return all(run_of(name) is None or name.rpartition("\0")[2] == "0" for name in path.split("/"))


def level_of(path: str) -> int:
    """How many scopes there are down to this one, repeats not counted."""
    return sum(not name.startswith(f"{REPEATED}\0") for name in path.split("/"))


def find_outermost(closed: Mapping[Key, str]) -> set[Key]:
    """Of scopes that cannot be seen, as `Scopes.close` finds them, those that no other one hides."""
    return {key for key, path in closed.items() if key[1] == path}


class Scopes:
    """The scopes of `nodes`, in the order of their first node, a scope before those inside it.

    `repeats` are the paths of nodes, by number, where they are not those that the nodes themselves know.
    `inside` has the scopes directly inside each, `members` the nodes anywhere inside, `numbers` their order; `forms` is
    room for what makes each equal to others, which views of one graph share.
    """

    def __init__(self, nodes: Iterable[Node], repeats: Mapping[int, str] | None = None) -> None:
        self._repeats = repeats or {}
        self.members: dict[Key, list[Node]] = {}
        self.inside: dict[Key, list[Key]] = {}
        self.forms: dict[Key, Hashable] = {}
        self._around: dict[str, list[str]] = {}
        for node in nodes:
            order, parent = order_of(node), (order_of(node), "")
            for path in self.list_around(self.path_of(node)):
                key = order, path
                if key not in self.members:
                    self.members[key] = []
                    self.inside.setdefault(parent, []).append(key)
                self.members[key].append(node)
                parent = key
        self.numbers = {key: number for number, key in enumerate(self.members)}

    @property
    def depth(self) -> int:
        """How deep scopes are nested: 1 for scopes without others inside."""
        return max((level_of(path) for _, path in self.members), default=0)

    def path_of(self, node: Node) -> str:
        """The innermost scope or repeat in which a node lies."""
        return self._repeats.get(node.number, node.scope)

    def list_around(self, scope: str) -> list[str]:
        """The paths from the outermost scope to `scope` itself."""
        new, path = [], scope
        while path and path not in self._around:
            new.append(path)
            path = path.rpartition("/")[0]
        paths = self._around.get(path, [])
        for path in reversed(new):
            self._around[path] = paths = [*paths, path]
        return paths

    def close_below(self, depth: int) -> dict[Key, str]:
        """As `close`, for scopes that are nested deeper than `depth`."""
        return self.close(lambda path: level_of(path) > depth)

    def close(self, is_closed: Callable[[str], bool]) -> dict[Key, str]:
        """For each scope that cannot be seen: the path of the closed one around it, or its own."""
        closed: dict[Key, str] = {}
        for order, path in self.members:  # outer scopes first
            outer = closed.get((order, path.rpartition("/")[0]))
            if outer is not None:
                closed[order, path] = outer
            elif is_closed(path):
                closed[order, path] = path
        return closed
