"""The state of a random generator as text, so that a resumed run draws what the interrupted one would have drawn.

In comes a `numpy.random.Generator`, out goes JSON that fits in the metadata of a checkpoint, and back.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from minigrad.core.errors import CheckpointError

# The largest value of the numbers in a state that NumPy takes unchecked and then uses as positions or flags.
LARGEST = {"pos": 624, "buffer_pos": 4, "has_uint32": 1, "uinteger": 2**32 - 1}


def generator_state(rng: np.random.Generator) -> str:
    """The state of `rng` as one line of JSON, for any of NumPy's bit generators.

    What `rng.spawn` does next is not part of the state.

    Raises:
        TypeError: `rng` is not a generator.

    >>> rng = np.random.default_rng(0)
    >>> state = generator_state(rng)
    >>> rng.integers(0, 100, size=4)
    array([85, 63, 51, 26])
    >>> restore_generator(rng, state)
    >>> rng.integers(0, 100, size=4)
    array([85, 63, 51, 26])
    """
    _check_generator("generator_state", rng)
    return json.dumps(rng.bit_generator.state, default=lambda number_or_array: number_or_array.tolist())


def restore_generator(rng: np.random.Generator, text: str) -> None:
    """Set `rng` to the state in `text`, as `generator_state` gave it: the same draws follow, bit for bit.

    Args:
        rng: the generator that is set.
        text: one line of JSON.

    Raises:
        CheckpointError: `text` is not a state, or one of another bit generator than that of `rng`, which is as it was.
        TypeError: `rng` is not a generator.

    >>> first, second = np.random.default_rng(0), np.random.default_rng(1)
    >>> restore_generator(second, generator_state(first))
    >>> first.random() == second.random()
    True
    """
    _check_generator("restore_generator", rng)
    current = rng.bit_generator.state
    try:
        state = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"restore_generator: the state of the generator is not JSON: {error}") from error
    expected = current["bit_generator"]
    given = state.get("bit_generator") if isinstance(state, dict) else None
    if not isinstance(given, str):
        raise CheckpointError("restore_generator: the text is not the state of a generator")
    if given != expected:
        raise CheckpointError(
            f"restore_generator: the state is one of the bit generator {given}, but rng has {expected}; "
            f"make rng as numpy.random.Generator(numpy.random.{given}())"
        )
    try:
        rng.bit_generator.state = _convert_like(current, state)
    except (ValueError, TypeError, OverflowError) as error:
        raise CheckpointError(f"restore_generator: this is not a state of {expected}: {error}") from error


def _convert_like(template: Any, value: Any, name: str = "state") -> Any:
    """`value` with lists turned to arrays where `template` has one; ValueError where the two differ in form."""
    if isinstance(template, dict):
        if not isinstance(value, dict) or value.keys() != template.keys():
            raise ValueError(f"{name} should hold {', '.join(template)}")
        return {key: _convert_like(template[key], value[key], key) for key in template}
    if isinstance(template, np.ndarray):
        if not isinstance(value, list) or len(value) != template.size:
            raise ValueError(f"{name} should hold {template.size} integers")
        most = int(np.iinfo(template.dtype).max)
        return np.array([_check_bounds(number, name, most) for number in value], template.dtype).reshape(template.shape)
    if isinstance(template, str):
        return value
    return _check_bounds(value, name, LARGEST.get(name, 2**128 - 1))


def _check_bounds(value: Any, name: str, most: int) -> int:
    if type(value) is not int or not 0 <= value <= most:
        raise ValueError(f"{name} should be an integer from 0 to {most}")
    return value


def _check_generator(function: str, rng: object) -> None:
    if not isinstance(rng, np.random.Generator):
        raise TypeError(f"{function}: rng must be a numpy.random.Generator, got {type(rng).__name__}")
