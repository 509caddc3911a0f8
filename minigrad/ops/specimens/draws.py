"""How samples write their arrays: as specifications, drawn only when something runs the samples.

A generator of random numbers is written as one too: it is the one that the arrays are drawn from.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np


class Draw(NamedTuple):
    """An array to be drawn: `low` to `high` uniformly, or a standard normal where both are None."""

    shape: tuple[int, ...]
    low: float | None = None
    high: float | None = None
    kind: str = "f"  # as in numpy.dtype.kind: f, i or b
    definite: bool = False  # symmetric positive definite matrices in the last two axes, whose eigenvalues lie apart


class Generator:
    """Where a generator of random numbers is to stand: the one that the arrays are drawn from."""


def normal(*shape: int) -> Draw:
    return Draw(shape)


def between(low: float, high: float, *shape: int) -> Draw:
    return Draw(shape, low, high)


def definite(*shape: int) -> Draw:
    return Draw(shape, -0.1, 0.1, definite=True)


def positive(*shape: int) -> Draw:
    return Draw(shape, 0.3, 3.0)


def integers(high: int, *shape: int) -> Draw:
    return Draw(shape, 0, high, "i")


def booleans(*shape: int) -> Draw:
    return Draw(shape, 0, 2, "b")


def realise(sample: Any, rng: np.random.Generator, dtype: Any = np.float64) -> Any:
    """A sample with an array for each `Draw` (also inside a list) and `rng` for a `Generator`; floats get `dtype`."""
    if isinstance(sample, list):
        return [realise(item, rng, dtype) for item in sample]
    if isinstance(sample, Generator):
        return rng
    if not isinstance(sample, Draw):
        return sample
    if sample.low is None or sample.high is None:
        return np.asarray(rng.standard_normal(sample.shape)).astype(dtype)
    if sample.kind == "f":
        drawn = np.asarray(rng.uniform(sample.low, sample.high, sample.shape))
        if sample.definite:
            drawn = drawn + np.swapaxes(drawn, -1, -2) + np.diag(np.arange(1, sample.shape[-1] + 1))
        return drawn.astype(dtype)
    return rng.integers(int(sample.low), int(sample.high), sample.shape).astype(bool if sample.kind == "b" else int)
