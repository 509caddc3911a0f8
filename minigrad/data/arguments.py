"""The checks on arguments that tasks and batches share."""

from __future__ import annotations

import operator

import numpy as np


def check_generator(function: str, rng: object) -> None:
    """Raise TypeError unless `rng` is a NumPy generator."""
    if not isinstance(rng, np.random.Generator):
        raise TypeError(
            f"{function}: rng must be a numpy.random.Generator, such as numpy.random.default_rng(0), "
            f"got {type(rng).__name__}"
        )


def check_positive(function: str, **arguments: int) -> None:
    """Raise TypeError for an argument that is not an integer, ValueError for one below 1."""
    for name, value in arguments.items():
        try:
            number = operator.index(value)
        except TypeError:
            raise TypeError(f"{function}: {name} must be an integer, got {type(value).__name__}") from None
        if number < 1:
            raise ValueError(f"{function}: {name} must be at least 1, got {value}")
