"""Nested tuples, lists and dictionaries of leaves: how inputs and outputs of a function are written."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from minigrad.core.errors import refusals


def map_leaves(function: Callable[[Any], Any], tree: Any) -> Any:
    """The same structure with `function(leaf)` in place of each leaf."""
    if isinstance(tree, dict):
        return {key: map_leaves(function, value) for key, value in tree.items()}
    if isinstance(tree, tuple) and hasattr(tree, "_fields"):
        return type(tree)(*(map_leaves(function, value) for value in tree))
    if isinstance(tree, (tuple, list)):
        return type(tree)(map_leaves(function, value) for value in tree)
    return function(tree)


def leaves(tree: Any) -> Iterator[Any]:
    """The leaves from left to right."""
    if isinstance(tree, dict):
        tree = tuple(tree.values())
    if isinstance(tree, (tuple, list)):
        for value in tree:
            yield from leaves(value)
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
