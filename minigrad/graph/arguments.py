"""What a graph is run on: the arguments of `run` enter, their leaves come out in the order of the inputs.

A dictionary says by its keys what is what, and their order says nothing: JAX sorts them, and whoever reads a file or
builds the next batch has an order of his own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from minigrad.core.structure import leaves, leaves_beside


def flatten(arguments: tuple[Any, ...], example: tuple[Any, ...] = ()) -> list[Any]:
    """The leaves of `arguments` from left to right, with those of dictionaries where `example` has their keys.

    Without dictionaries they may come one by one, nested in any way; with them as they are nested in `example`, which
    is what `strip` made of the arguments that the graph was traced with.

    Raises:
        ValueError: dictionaries in other places, or with other keys.

    >>> flatten(({"bias": 2.0, "weight": 1.0}, 3.0), ({"weight": None, "bias": None}, None))
    [1.0, 2.0, 3.0]
    """
    found = list(leaves(arguments))
    if not holds_dictionary(arguments):
        return found
    if not holds_dictionary(example):
        raise ValueError("got a dictionary, and the graph was made without: give it arrays in the order of its inputs")
    if len(arguments) != len(example):
        raise ValueError(
            f"expected {len(example)} arguments, as the graph was traced with, got {len(arguments)}: where there are "
            "dictionaries, all that has arrays is given as it was; without them the arrays may come one by one"
        )
    found = []
    for place, (tree, given) in enumerate(zip(example, arguments, strict=True)):
        found += leaves_beside(tree, given, f"arguments[{place}]")
    for leaf in found:
        if isinstance(leaf, dict):
            raise ValueError(f"expected an array, got a dictionary with the keys {[*leaf]}")
    return found


def holds_dictionary(tree: Any) -> bool:
    """Whether there is a dictionary with something in it."""
    if isinstance(tree, dict):
        return bool(tree)
    return isinstance(tree, (tuple, list)) and any(map(holds_dictionary, tree))


def strip(tree: Any, is_array: Callable[[Any], bool]) -> Any:
    """`tree` without the leaves that are no arrays, and without what holds nothing else; None in the place of arrays.

    >>> strip(({"weight": 1.0, "name": "w"}, "relu", ["no array"], 2.0), lambda leaf: isinstance(leaf, float))
    ({'weight': None}, None)
    """
    if isinstance(tree, dict):
        return {key: strip(value, is_array) for key, value in tree.items() if _stays(value, is_array)}
    if isinstance(tree, (tuple, list)):
        return tuple(strip(value, is_array) for value in tree if _stays(value, is_array))
    return None


def _stays(tree: Any, is_array: Callable[[Any], bool]) -> bool:
    found = list(leaves(tree))
    return any(map(is_array, found)) or not found  # what is empty was so, too
