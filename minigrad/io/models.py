"""A model from a checkpoint alone: made as its recipe says (`nn/recipe.py`), then filled.

A file is believed as little as possible: it names classes and never modules to import, its sizes are held against its
arrays before anything is made, and nothing is written before names, shapes and types agree.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Iterable
from typing import Any

from minigrad.core.errors import CheckpointError
from minigrad.core.record import registry
from minigrad.io.checkpoint import MODEL, Checkpoint, check_fit
from minigrad.io.header import DTYPES
from minigrad.nn.module import Module
from minigrad.nn.recipe import LIBRARY, NOT_SAVED
from minigrad.nn.room import Room, limited_to
from minigrad.nn.state import list_differences

TYPES = {dtype.name: dtype for dtype in DTYPES.values()}


def make_model(checkpoint: Checkpoint, owner: type[Module], classes: Iterable[type[Module]] = ()) -> Any:
    """The module of a checkpoint; see `Module.load`."""
    name, _, texts = checkpoint
    weights = checkpoint.weights
    if MODEL not in texts:
        raise CheckpointError(
            f"{name} does not say how its model is made: make the model, and call load_checkpoint(path, model)"
        )
    try:
        recipe = json.loads(texts[MODEL])
        with limited_to(sum(array.size for array in weights.values())) as room:
            module = _Maker(_list_classes(owner, classes), room).make(recipe, owner)
    except CheckpointError as error:
        raise CheckpointError(f"{name}: {error}") from error.__cause__
    except Exception as error:  # whatever a constructor raises, of arguments that somebody wrote into a file
        what = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        raise CheckpointError(f"{name}: its model cannot be made as it says: {what}") from error
    check_fit(name, list_differences(dict(module.named_tensors()), weights))
    module.load_state_dict(weights)
    return module


def _list_classes(owner: type[Module], classes: Iterable[type[Module]]) -> dict[str, type[Module]]:
    """The classes that may be made, by the names that recipes have for them."""
    from minigrad import nn

    library = {LIBRARY + x.__name__: x for x in vars(nn).values() if isinstance(x, type) and issubclass(x, Module)}
    own = {x.__qualname__: x for x in (owner, *classes) if x not in library.values()}
    return library | own


class _Maker:
    """Makes modules of recipes, those that are met again once."""

    def __init__(self, classes: dict[str, type[Module]], room: Room) -> None:
        self.classes, self.room = classes, room
        self.made: list[Module | None] = []
        self.tags: dict[str, Callable[[Any], Any]] = {
            "tuple": lambda items: tuple(map(self.read, items)),
            "dictionary": lambda items: {self.read(key): self.read(value) for key, value in items},
            "dtype": TYPES.__getitem__,
            "scalar": lambda pair: TYPES[pair[0]].type(pair[1]),
            "generator": lambda _: self.room.generator,
            "function": self._find_function,
            "again": lambda number: self.made[number],
        }

    def make(self, recipe: Any, kind: type[Module] = Module) -> Module:
        name, positional, keywords = recipe["class"], recipe["positional"], recipe["keywords"]
        if name not in self.classes:
            raise CheckpointError(
                f"its model has a part of class {name!r}, and nothing is imported by a name in a file: call "
                f"{name}.load(path) for a class of your own, or load(path, classes=[{name}]) if it is a part"
            )
        owner = self.classes[name]
        if not issubclass(owner, kind):
            raise CheckpointError(f"it holds a {owner.__name__}, not a {kind.__name__}")
        for key, value in [*enumerate(positional), *keywords.items()]:
            if isinstance(value, dict) and NOT_SAVED in value:
                raise CheckpointError(
                    f"its {owner.__name__} was made with {_name_argument(owner, key)}, {value[NOT_SAVED]}, which a "
                    "checkpoint does not hold: make the model, and call load_checkpoint(path, model)"
                )
        place = len(self.made)
        self.made.append(None)
        module = owner(*map(self.read, positional), **{key: self.read(x) for key, x in keywords.items()})
        self.made[place] = module = module.astype(recipe["astype"]) if "astype" in recipe else module
        return module

    def read(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self.read(item) for item in value]
        if not isinstance(value, dict):
            return value
        if "class" in value:
            return self.make(value)
        ((tag, content),) = value.items()
        return self.tags[tag](content)

    @staticmethod
    def _find_function(name: str) -> Any:
        if name not in registry:
            raise CheckpointError(f"its model has a function {name!r}, which is not declared here")
        return registry[name]


def _name_argument(owner: type[Module], key: int | str) -> str:
    """What an argument is called: by its position, among others of the same name, or by its keyword."""
    if isinstance(key, str):
        return key
    names = list(inspect.signature(owner).parameters.values())
    gathered = next((i for i, x in enumerate(names) if x.kind is x.VAR_POSITIONAL), len(names))
    return names[key].name if key < gathered else f"{names[gathered].name}[{key - gathered}]"
