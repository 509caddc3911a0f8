"""The record of every public function: what docs print, NumPy dispatches to and Tensors offer as methods."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from minigrad.core.errors import NUMPYS_OWN, refusals

if TYPE_CHECKING:
    from minigrad.core.tensor import Tensor

registry: dict[str, Function] = {}
by_numpy: dict[Callable[..., Any], Callable[..., Any]] = {}  # the NumPy function *object* → what stands for it


class Function:
    """A public function of Tensors, on record under its name.

    Args:
        call: what it does.
        numpy: the NumPy functions it stands for.
        formula: in plain Unicode.
        symbol: the operator that stands between its operands, or before its only one.
        name: where `call` has none, as a lambda.
        commutative: its two operands may change places.
    """

    declared = 0  # how often a function was declared, or a rule again: programs may be made of an old one
    specimens: Any = None  # what tries it, as minigrad/ops/specimens says

    def __init__(
        self, call: Callable[..., Tensor], numpy: Sequence[Callable[..., Any]] = (), formula: str = "", name: str = "",
        symbol: str = "", commutative: bool = False,
    ) -> None:  # fmt: skip
        if isinstance(call, np.ufunc) or call.__name__ == "<lambda>":
            self.__module__, self.__doc__ = call.__module__ if call.__module__ != "numpy" else "minigrad", ""
        else:
            functools.update_wrapper(self, call, updated=())
        self.name = self.__name__ = self.__qualname__ = name or call.__name__
        self.__doc__ = self.__doc__ or f"{formula}, elementwise, with broadcasting."
        self.call, self.numpy = call, tuple(numpy)
        self.formula, self.symbol, self.commutative = formula, symbol, commutative
        self._enter(dict.fromkeys(self.numpy, self))

    def _enter(self, stands_for: dict[Callable[..., Any], Function]) -> None:
        """Put it on record, in place of one that the same module declared before: a notebook's cell is run again."""
        known = registry.get(self.name)
        Function.declared += 1
        if known is not None and known.__module__ != self.__module__:
            raise ValueError(f"an op named {self.name!r} is declared twice: by {known.__module__} already")
        for function in [function for function, by in by_numpy.items() if by is known]:
            del by_numpy[function]
        registry[self.name] = self
        by_numpy.update(stands_for)

    def __call__(self, *args: Any, **kwargs: Any) -> Tensor:
        try:
            return self.call(*args, **kwargs)
        except NUMPYS_OWN as error:
            refusals.name_call_error(self.name, self.call, error, args, kwargs)
            raise

    def __repr__(self) -> str:
        return f"minigrad.{self.name}"

    def __reduce__(self) -> Any:
        """By its name. One whose name another has taken is its own copy, and pickle refuses it."""
        return (on_record, (self.name, self.__module__)) if registry.get(self.name) is self else self.name


def on_record(name: str, module: str) -> Function:
    """The function called `name`, which `module` declares: for pickle, also in a process that has not imported it."""
    if name not in registry:
        importlib.import_module(module)
    return registry[name]


def composition(**record: Any) -> Callable[[Callable[..., Any]], Function]:
    """Declare a public function that is written in ops, and so needs no rule."""
    return lambda call: Function(call, **record)
