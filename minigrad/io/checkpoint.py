"""Checkpoints: a model, its optimiser, generators and history in one file, from which training goes on bit for bit.

Weights are stored under their path in the model, so that other frameworks can read them, and the state of the optimiser
under `optimiser.`, by the same paths.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from minigrad.core.errors import CheckpointError
from minigrad.io.arrays import load_arrays, save_arrays
from minigrad.io.generator import generator_state, restore_generator
from minigrad.nn.recipe import write_recipe
from minigrad.nn.state import list_differences
from minigrad.wording.messages import describe

if TYPE_CHECKING:
    from minigrad.nn.module import Module
    from minigrad.optim.optimiser import Optimiser

VERSION = 1
FORMAT, NOTES, MODEL = "minigrad.format", "minigrad.metadata", "minigrad.model"
GENERATOR, OPTIMISER = "minigrad.generator.", "optimiser."
VOCABULARY = "vocabulary"  # among the metadata of a model of text, its characters


class Checkpoint(NamedTuple):
    """A file that was read: its arrays and texts, of a format that is known here."""

    path: str
    arrays: dict[str, Any]
    texts: dict[str, str]

    @property
    def weights(self) -> dict[str, Any]:
        """The arrays of the model."""
        return {key: array for key, array in self.arrays.items() if not key.startswith(OPTIMISER)}

    @property
    def state(self) -> dict[str, Any]:
        """The arrays of the optimiser."""
        start = len(OPTIMISER)
        return {key[start:]: array for key, array in self.arrays.items() if key.startswith(OPTIMISER)}

    @property
    def notes(self) -> dict[str, Any]:
        """The metadata. Raises CheckpointError when they are no object of JSON."""
        try:
            notes = json.loads(self.texts.get(NOTES, "{}"))
        except (ValueError, RecursionError) as error:
            raise CheckpointError(f"{self.path}: its metadata is not JSON: {error}") from error
        if not isinstance(notes, dict):
            raise CheckpointError(f"{self.path}: its metadata is a JSON {type(notes).__name__}, expected an object")
        return notes


def save_checkpoint(
    path: str | os.PathLike[str], model: Module, optimiser: Optimiser | None = None, *,
    generators: Mapping[str, np.random.Generator] | None = None, metadata: Mapping[str, Any] | None = None,
) -> None:  # fmt: skip
    """Write everything that training needs to go on, all or nothing: a failure leaves the old file.

    Args:
        path: where to write, as of `save_arrays`.
        model: its parameters and buffers are stored under their paths.
        optimiser: its parameters must belong to `model`.
        generators: random generators, by a name for each.
        metadata: anything that JSON can hold, such as settings and the history that `minigrad.fit` returns.

    Raises:
        ValueError: a parameter of the optimiser that is not in the model.
        TypeError: metadata that JSON cannot hold.
        OSError: see `save_arrays`.

    >>> import tempfile
    >>> from minigrad.nn import Linear
    >>> rng = np.random.default_rng(0)
    >>> model, other = Linear(2, 1, rng=rng), Linear(2, 1, rng=rng)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_checkpoint(f"{folder}/model.safetensors", model, metadata={"loss": 0.5})
    ...     load_checkpoint(f"{folder}/model.safetensors", other)
    {'loss': 0.5}
    >>> bool((model.weight == other.weight).all())
    True
    """
    arrays = model.state_dict()
    clash = sorted(key for key in arrays if key.startswith(OPTIMISER))
    if clash:
        raise ValueError(f"save_checkpoint: {clash[0]!r} in the model; names from {OPTIMISER!r} on are the optimiser's")
    if optimiser is not None:
        state = optimiser.state_dict(_find_paths("save_checkpoint", model, optimiser))
        arrays |= {OPTIMISER + key: array for key, array in state.items()}
    try:
        notes = json.dumps(dict(metadata or {}), allow_nan=True)
    except (TypeError, ValueError, RecursionError) as error:
        raise TypeError(f"save_checkpoint: metadata must be a dictionary that JSON can hold: {error}") from error
    texts = {FORMAT: str(VERSION), NOTES: notes, MODEL: write_recipe(model._recipe)}
    texts |= {GENERATOR + name: generator_state(rng) for name, rng in (generators or {}).items()}
    save_arrays(path, arrays, texts)


def load_checkpoint(
    path: str | os.PathLike[str], model: Module, optimiser: Optimiser | None = None, *,
    generators: Mapping[str, np.random.Generator] | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Put what `save_checkpoint` wrote into `model`, `optimiser` and `generators`, and return the metadata.

    What is not passed is not restored. Weights that another framework wrote can be loaded too. `save_checkpoint` has an
    example.

    Args:
        path: the file.
        model: of the same structure as the one that was saved.
        optimiser: of the same kind as the one that was saved, with the parameters of `model`.
        generators: those whose state is set, by the names under which they were saved.

    Raises:
        CheckpointError: the file is damaged, of a later format, or does not fit: every key that is missing, unexpected
            or of another shape or dtype is in the message. Nothing was changed.
        OSError: see `load_arrays`.
    """
    return restore_checkpoint(read_checkpoint(path), model, optimiser, generators or {})


def restore_checkpoint(
    checkpoint: Checkpoint, model: Module, optimiser: Optimiser | None, generators: Mapping[str, np.random.Generator]
) -> dict[str, Any]:
    """What `load_checkpoint` does with a file, once it is read."""
    path, _, texts = checkpoint
    weights, state = checkpoint.weights, checkpoint.state
    problems = list_differences(dict(model.named_tensors()), weights)
    names: list[str] = []
    if optimiser is not None:
        names = _find_paths("load_checkpoint", model, optimiser)
        problems += [OPTIMISER + line for line in list_differences(optimiser.state_dict(names), state)]
    problems += [f"generator {name}: missing" for name in generators if GENERATOR + name not in texts]
    check_fit(path, sorted(problems))
    notes = checkpoint.notes

    def restore(weights: Mapping[str, Any], state: Mapping[str, Any], texts: Mapping[str, str]) -> None:
        for name, rng in generators.items():
            try:
                restore_generator(rng, texts[GENERATOR + name])
            except CheckpointError as error:
                raise CheckpointError(f"{path}: generator {name}: {error}") from error
        model.load_state_dict(weights)
        if optimiser is not None:
            optimiser.load_state_dict(state, names)

    before = (
        model.state_dict(),
        optimiser.state_dict(names) if optimiser is not None else {},
        {GENERATOR + name: generator_state(rng) for name, rng in generators.items()},
    )
    try:
        restore(weights, state, texts)
    except BaseException:  # Ctrl-C too
        restore(*before)
        raise
    return notes


def read_checkpoint(path: str | os.PathLike[str]) -> Checkpoint:
    """The file at `path`. Raises CheckpointError for one that is damaged or of a later format; see `load_arrays`."""
    arrays, texts = load_arrays(path)
    version = texts.get(FORMAT, str(VERSION))  # files of other frameworks have none
    if version != str(VERSION):
        raise CheckpointError(
            f"{os.fspath(path)} has checkpoint format {version!r}, this minigrad reads {VERSION}: use a later minigrad"
        )
    return Checkpoint(os.fspath(path), arrays, texts)


def check_fit(path: str | os.PathLike[str], problems: Sequence[str]) -> None:
    """Raise CheckpointError that lists all problems, if there are any."""
    if problems:
        lines = "\n  ".join(problems)
        raise CheckpointError(f"{os.fspath(path)} does not fit, and nothing was changed:\n  {lines}")


def _find_paths(function: str, model: Module, optimiser: Optimiser) -> list[str]:
    """The path in the model of each parameter of the optimiser."""
    paths = {id(tensor): path for path, tensor in model.named_tensors()}
    for position, parameter in enumerate(optimiser.parameters):
        if id(parameter) not in paths:
            raise ValueError(
                f"{function}: parameters[{position}] of the optimiser, {describe(parameter)}, is not in the model: "
                "pass the model that the optimiser trains"
            )
    return [paths[id(parameter)] for parameter in optimiser.parameters]
