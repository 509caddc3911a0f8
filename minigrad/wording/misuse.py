"""Functions that are no ops are called as Python calls them; what they refuse sounds like what ops say."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar, cast

F = TypeVar("F", bound=Callable[..., Any])


def explain_misuse(function: F, name: str | None = None) -> F:
    """`function`, with a message that says what it takes where it is called with something else."""

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except TypeError:
            from minigrad.wording.calls import check_call  # seldom

            check_call(name or function.__name__, function, args, kwargs)
            raise

    return cast(F, call)
