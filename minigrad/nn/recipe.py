"""How a module was made: its class and the arguments that it was called with, as what JSON can hold.

A module describes them as it is made, for lists change and generators move on; a checkpoint writes the description, and
`Module.load` makes the module again (`io/models.py`). Tags say what JSON has no word for: {"tuple": […]}, {"dtype": …}.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad.core.record import registry

MOST_ITEMS, MOST_LEVELS, MOST_TEXT = 10_000, 20, 2**18  # of a list, of nesting, and characters: what is larger is data
LIBRARY = "minigrad.nn."  # before the names of its classes, which no class of a user can have
NOT_SAVED = "not saved"
Tagged = dict[str, Any]


class Recipe:
    """A class by its name, and its arguments. No container, so that who looks for Tensors does not look in here."""

    __slots__ = ("dtype", "keywords", "owner", "positional")

    def __init__(self, owner: type, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        library = owner.__module__.startswith(LIBRARY)
        self.owner = LIBRARY + owner.__name__ if library else owner.__qualname__
        self.positional = [_describe(x, 0) for x in args]
        self.keywords = {name: _describe(x, 0) for name, x in kwargs.items()}
        self.dtype: str | None = None  # what `astype` made of it


def _describe(value: Any, level: int) -> Any:
    if value is None or type(value) in (bool, int, float):
        return value
    if type(value) is str and len(value) <= MOST_TEXT:
        return value
    if isinstance(value, (np.bool_, np.integer, np.floating)):
        return {"scalar": [value.dtype.name, value.item()]}
    if isinstance(getattr(value, "_recipe", None), Recipe):
        return value._recipe
    if type(value) in (list, tuple, dict) and len(value) <= MOST_ITEMS and level < MOST_LEVELS:
        pairs = value.items() if type(value) is dict else enumerate(value)
        items = [[_describe(key, level + 1), _describe(item, level + 1)] for key, item in pairs]
        if type(value) is dict:
            return {"dictionary": items}
        return [x for _, x in items] if type(value) is list else {"tuple": [x for _, x in items]}
    return next((described for test, described in _TAGGED if test(value)), _leave_out)(value)


def _is_type_of_numbers(value: Any) -> bool:
    return isinstance(value, np.dtype) or (
        isinstance(value, type) and (issubclass(value, np.generic) or value in (bool, int, float))
    )


def _is_known_function(value: Any) -> bool:
    return callable(value) and registry.get(str(getattr(value, "__name__", ""))) is value


def _leave_out(value: Any) -> Tagged:
    return {NOT_SAVED: getattr(value, "__qualname__", None) or type(value).__qualname__}


_TAGGED: list[tuple[Callable[[Any], bool], Callable[[Any], Tagged]]] = [
    (_is_type_of_numbers, lambda value: {"dtype": np.dtype(value).name}),
    (lambda value: isinstance(value, np.random.Generator), lambda value: {"generator": None}),
    (_is_known_function, lambda value: {"function": value.__name__}),
]


def write_recipe(recipe: Recipe) -> str:
    """As JSON, in which a module that is met again is its number among those before it.

    Where that is longer than a header should be, no argument is saved.

    >>> write_recipe(Recipe(dict, (2, np.float32), {"bias": (True,)}))
    '{"class": "dict", "positional": [2, {"dtype": "float32"}], "keywords": {"bias": {"tuple": [true]}}}'
    """
    numbers: dict[int, int] = {}

    def spell(value: Any) -> Any:
        if isinstance(value, Recipe):
            if id(value) in numbers:
                return {"again": numbers[id(value)]}
            numbers[id(value)] = len(numbers)
            made = {"class": value.owner, "positional": spell(value.positional), "keywords": spell(value.keywords)}
            return made if value.dtype is None else {**made, "astype": value.dtype}
        if isinstance(value, dict):
            return {key: spell(item) for key, item in value.items()}
        return [spell(item) for item in value] if isinstance(value, list) else value

    text = json.dumps(spell(recipe))
    if len(text) > 2 * MOST_TEXT:
        text = json.dumps({"class": recipe.owner, "positional": [{NOT_SAVED: "very long"}], "keywords": {}})
    return text
