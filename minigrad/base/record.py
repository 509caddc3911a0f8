"""The record of every public function: what tests try, docs print, NumPy dispatches to and Tensors offer as methods."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from minigrad.core.tensor import Tensor

registry: dict[str, Function] = {}
by_numpy: dict[Callable[..., Any], Callable[..., Any]] = {}  # the NumPy function *object* → what stands for it


class Call(NamedTuple):
    """One sample call of a function: what the law tests, the docs and the pictures try it on."""

    args: tuple[Any, ...]
    params: dict[str, Any]


class Function:
    """A public function of Tensors, on record under its name.

    Args:
        call: what it does.
        numpy: the NumPy functions it stands for.
        samples: calls that show every keyword.
        formula: in plain Unicode.
        reference: the same on arrays, where NumPy has no such function.
        name: where `call` has none, as a lambda.
    """

    def __init__(
        self, call: Callable[..., Any], numpy: Sequence[Callable[..., Any]] = (), samples: Sequence[Call] = (),
        formula: str = "", reference: Callable[..., Any] | None = None, name: str = "",
    ) -> None:  # fmt: skip
        if isinstance(call, np.ufunc) or call.__name__ == "<lambda>":
            self.__name__, self.__doc__ = name, f"{formula}, elementwise, with broadcasting."
        else:
            functools.update_wrapper(self, call)
        self.name = name or call.__name__
        self.call = call
        self.samples = tuple(samples)
        self.formula = formula
        self.reference = reference or (numpy[0] if numpy else None)
        if self.name in registry:
            raise ValueError(f"an op named {self.name!r} is declared twice")
        registry[self.name] = self
        by_numpy.update(dict.fromkeys(numpy, self))

    def __call__(self, *args: Any, **kwargs: Any) -> Tensor:
        result: Tensor = self.call(*args, **kwargs)
        return result

    def __repr__(self) -> str:
        return f"minigrad.{self.name}"

    def __reduce__(self) -> tuple[Any, ...]:
        return registry.__getitem__, (self.name,)


def call(*args: Any, **params: Any) -> Call:
    """A sample call, for a declaration."""
    return Call(args, params)


def composition(**record: Any) -> Callable[[Callable[..., Any]], Function]:
    """Declare a public function that is written in ops, and so needs no rule."""
    return lambda call: Function(call, **record)
