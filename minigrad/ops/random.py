"""Random draws. Each takes the generator it draws from; nothing reads global random state."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.core.arrays import Shaped
from minigrad.core.errors import GraphError
from minigrad.core.modes import Within, current_mode, within
from minigrad.core.op import op

__all__ = ["random_normal", "random_uniform"]


def generator(rng: np.random.Generator) -> Within:
    """Random operations inside (dropout, …) draw from `rng`.

    >>> import minigrad as mg, numpy as np
    >>> with mg.generator(np.random.default_rng(0)):
    ...     mg.dropout(np.ones(4), 0.5)
    array([2., 2., 2., 0.])
    """
    if not isinstance(rng, np.random.Generator):
        raise TypeError(f"generator(rng): expected a numpy.random.Generator, got {type(rng).__name__}")
    return within(generator=rng)


def current_generator(rng: np.random.Generator | None) -> np.random.Generator:
    """`rng` itself, or the one of the enclosing `with minigrad.generator(rng):`; never a global one."""
    rng = rng or current_mode().generator
    if rng is None:
        raise GraphError(
            "a random operation needs a generator: pass rng=, or put the call inside\n"
            "    with minigrad.generator(numpy.random.default_rng(0)):"
        )
    return rng


def shape_of_draw(*, shape: Any, dtype: Any, generator: Any) -> Shaped:
    drawn_type = np.dtype(check_draw(dtype, generator))
    return Shaped(np.broadcast_to(0, shape).shape, drawn_type)


def check_draw(dtype: Any, generator: Any) -> Any:
    """The type to draw in, where both are what they must be."""
    if not isinstance(generator, np.random.Generator):
        raise TypeError(f"expected a numpy.random.Generator, got {type(generator).__name__}")
    if np.dtype(dtype).char not in "fd":
        raise TypeError(f"expected float32 or float64, got {np.dtype(dtype)}")
    return np.dtype(dtype).type


@op(formula="uniform random numbers in [0, 1)", effect=True, infer=shape_of_draw)
def random_uniform(*, shape: tuple[int, ...], dtype: Any = "float64", generator: np.random.Generator) -> Any:
    """Uniform random numbers in [0, 1), float32 or float64, drawn from `generator`.

    >>> random_uniform(shape=(2,), generator=np.random.default_rng(0)).round(4).tolist()
    [0.637, 0.2698]
    """
    precision = check_draw(dtype, generator)
    return generator.random(shape, precision)


@op(formula="normal random numbers", effect=True, infer=shape_of_draw)
def random_normal(*, shape: tuple[int, ...], dtype: Any = "float64", generator: np.random.Generator) -> Any:
    """Normal random numbers of mean 0 and variance 1, float32 or float64, drawn from `generator`.

    >>> random_normal(shape=(2,), generator=np.random.default_rng(0)).round(4).tolist()
    [0.1257, -0.1321]
    """
    precision = check_draw(dtype, generator)
    return generator.standard_normal(shape, precision)
