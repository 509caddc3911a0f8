"""The checks that optimisers, schedules and clipping share."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from minigrad.core.tensor import Tensor
from minigrad.wording.messages import describe


def check(where: str, allowed: str, valid: bool, **argument: Any) -> None:
    """Raise ValueError that names the argument, its value and what is allowed, unless it is valid.

    >>> check("SGD", "at least 0", False, rate=-1.0)
    Traceback (most recent call last):
    ValueError: SGD: rate=-1.0 must be at least 0
    """
    if not valid:
        ((name, value),) = argument.items()
        raise ValueError(f"{where}: {name}={value!r} must be {allowed}")


def check_parameters(where: str, parameters: Iterable[Tensor]) -> list[Tensor]:
    """The parameters in a list; an error where they are no Tensors, or one stands there twice."""
    if isinstance(parameters, Tensor) or not isinstance(parameters, Iterable):
        got = type(parameters).__name__
        raise TypeError(f"{where}: parameters must be Tensors in a list, such as model.parameters(); got {got}")
    listed, seen = list(parameters), dict[int, int]()
    for position, parameter in enumerate(listed):
        if not isinstance(parameter, Tensor):
            raise TypeError(f"{where}: parameters must be Tensors, parameters[{position}] is {parameter!r}")
        first = seen.setdefault(id(parameter), position)
        if first != position:
            raise ValueError(
                f"{where}: parameters[{position}] is parameters[{first}], {describe(parameter)}: list each once"
            )
    return listed
