"""The check on numbers that optimisers, schedules and clipping share."""

from __future__ import annotations

from typing import Any


def check(where: str, allowed: str, valid: bool, **argument: Any) -> None:
    """Raise ValueError that names the argument, its value and what is allowed, unless it is valid.

    >>> check("SGD", "at least 0", False, rate=-1.0)
    Traceback (most recent call last):
    ValueError: SGD: rate=-1.0 must be at least 0
    """
    if not valid:
        ((name, value),) = argument.items()
        raise ValueError(f"{where}: {name}={value!r} must be {allowed}")
