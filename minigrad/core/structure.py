"""Nested tuples, lists and dictionaries of leaves: how inputs and outputs of a function are written."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from minigrad.core.errors import refusals

NUMBERS = frozenset({int, float, bool, type(None)})  # no structures: operands that stay as they are in a node


def enter(tree: Any, around: tuple[int, ...]) -> tuple[int, ...]:
    """What is around the parts of `tree`, by `id`: what is around it, and itself; ValueError where that is the same."""
    if id(tree) in around:
        raise refusals.holds_itself(tree)
    return (*around, id(tree))


def map_leaves(function: Callable[[Any], Any], tree: Any, around: tuple[int, ...] = ()) -> Any:
    """The same structure with `function(leaf)` in place of each leaf."""
    if not isinstance(tree, (dict, tuple, list)):
        return function(tree)
    around = enter(tree, around)
    if isinstance(tree, dict):
        return {key: map_leaves(function, value, around) for key, value in tree.items()}
    return getattr(tree, "_make", type(tree))(map_leaves(function, value, around) for value in tree)


def leaves(tree: Any, around: tuple[int, ...] = ()) -> Iterator[Any]:
    """The leaves from left to right."""
    if isinstance(tree, (dict, tuple, list)):
        around = enter(tree, around)
        values = tree.values() if isinstance(tree, dict) else tree
        parts = [values] if NUMBERS.issuperset(map(type, values)) else (leaves(value, around) for value in values)
        for part in parts:
            yield from part
    else:
        yield tree


def leaves_beside(tree: Any, other: Any, what: str) -> Iterator[Any]:
    """What stands in `other` in the place of each leaf of `tree`; ValueError where the structures differ."""
    if isinstance(tree, dict) and isinstance(other, dict) and tree.keys() == other.keys():
        tree, other = tuple(tree.values()), tuple(other[key] for key in tree)
    if isinstance(tree, (tuple, list)) and isinstance(other, (tuple, list)) and len(tree) == len(other):
        for value, beside in zip(tree, other, strict=True):
            yield from leaves_beside(value, beside, what)
    elif isinstance(tree, (dict, tuple, list)):
        raise refusals.other_structure(what, tree, other)
    else:
        yield other
