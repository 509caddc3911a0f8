"""Two tiers of tests: what `python -m pytest` runs, and what takes long: `-m deep`, which `.ci/run` runs as well."""

from collections.abc import Sequence
from typing import Any

import pytest


def in_two_tiers(first: int) -> pytest.MarkDecorator:
    """Give a test `samples`, a slice: once the first so many samples of a function, and in the deep tier the others."""
    further = pytest.param(slice(first, None), marks=pytest.mark.deep)
    return pytest.mark.parametrize("samples", [slice(first), further], ids=["first samples", "further samples"])


def deep_after(count: int, values: Sequence[Any]) -> list[Any]:
    """The values of a parameter, those after the first `count` for the deep tier."""
    return [*values[:count], *(pytest.param(*_as_values(value), marks=pytest.mark.deep) for value in values[count:])]


def _as_values(value: Any) -> Sequence[Any]:
    return value if isinstance(value, tuple) else (value,)
