"""How an op is called. NumPy's habits enter, inputs and static parameters leave; the engine's `Op` is one of these."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad.core.errors import refusals
from minigrad.core.structure import enter

_PLAIN = frozenset({int, float, bool, str, type(None)})  # parameter values that need no thought
_INTEGERS = frozenset({int})


class Signature:
    """The arguments of a function on arrays, read from its declaration.

    Positional arguments are `inputs` (None where an optional one is left out), keyword-only ones are `params`.
    """

    def __init__(self, name: str, function: Callable[..., Any], arguments: tuple[str, ...] | None = None) -> None:
        parameters = () if arguments else tuple(inspect.signature(function).parameters.values())
        inputs = [p for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
        self.name = name
        self.arguments = arguments or tuple(p.name for p in inputs)
        self.optional = frozenset(p.name for p in inputs if p.default is None)
        self.fewest = len(self.arguments) - len(self.optional)  # those that may be left out come last
        self.variadic = next((p.name for p in parameters if p.kind is p.VAR_POSITIONAL), None)
        self.defaults = {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}
        self.required = tuple(name for name, value in self.defaults.items() if value is inspect.Parameter.empty)
        self.arity = -1 if self.variadic or self.required else len(self.arguments)  # −1: every call must be bound

    def argument(self, position: int) -> str:
        """The name of the input at `position`."""
        return self.arguments[position] if position < len(self.arguments) else f"{self.variadic}"

    def check_absent(self, args: tuple[Any, ...]) -> None:
        """Refuse None in the place of an input that cannot be left out: NumPy would make objects of it."""
        for position, x in enumerate(args if self.variadic else args[: self.fewest]):
            if x is None:
                raise refusals.absent_argument(self, position)

    def bind(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Sort what was passed into inputs and complete params."""
        count = len(self.arguments)
        if self.fewest <= len(args) < count and kwargs.keys() <= self.defaults.keys():
            args += (None,) * (count - len(args))
        plain = len(args) == count or (
            self.variadic and len(args) > count and not isinstance(args[count], (list, tuple))
        )
        params = self.defaults | kwargs
        if not plain or len(params) > len(self.defaults):
            args, kwargs = self._sort_arguments(args, kwargs)
            params = self.defaults | kwargs
        for name, value in kwargs.items():
            if type(value) not in _PLAIN:
                params[name] = self._make_static(name, value)
        for name in self.required:
            if name not in kwargs:
                raise refusals.call(self, f"argument {name!r} is missing", kwargs)
        return args, params

    def _sort_arguments(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Inputs and params as NumPy's habits allow them to be written.

        `sum(x, 0)`, `x.reshape(2, 3)`, `concatenate([a, b], 1)`, `where=mask` all mean what they mean in NumPy.
        """
        inputs, extra = list(args[: len(self.arguments)]), args[len(self.arguments) :]
        if self.variadic and extra and isinstance(extra[0], (list, tuple)):
            inputs, extra = [*inputs, *extra[0]], extra[1:]
        elif self.variadic:
            inputs, extra = [*inputs, *extra], ()
        for name in self.arguments[len(inputs) :]:
            if name not in kwargs and name not in self.optional:
                raise refusals.call(self, f"argument {name!r} is missing", kwargs)
            inputs.append(kwargs.pop(name, None))
        if len(extra) > len(self.defaults) == 1 and all(isinstance(x, (int, np.integer)) for x in extra):
            extra = (extra,)  # as in x.reshape(2, 3)
        if len(extra) > len(self.defaults):
            raise refusals.call(self, f"{len(args)} arguments given", kwargs)
        given = dict(zip(self.defaults, extra, strict=False))
        twice = ", ".join(sorted(given.keys() & kwargs.keys()))
        if twice:
            raise refusals.call(self, f"argument {twice} is given twice", kwargs)
        given |= kwargs
        unknown = ", ".join(sorted(given.keys() - self.defaults.keys()))
        if unknown:
            raise refusals.call(self, f"argument {unknown} is not supported", kwargs)
        return tuple(inputs), given

    def _make_static(self, name: str, value: Any, around: tuple[int, ...] = ()) -> Any:
        """A parameter as the graph stores it: hashable and plain. Arrays are refused: they are inputs."""
        if type(value) is tuple and _INTEGERS.issuperset(map(type, value)):
            return value
        if isinstance(value, list) or type(value) is tuple:
            return tuple([self._make_static(name, v, enter(value, around)) for v in value])
        if isinstance(value, type):
            return np.dtype(value)
        if isinstance(value, np.dtype) or not hasattr(value, "shape"):
            return value
        if value.shape != () or not (isinstance(value, np.generic) or value.dtype.kind in "iu"):
            raise refusals.no_plain_value(self, name, value)
        return value.item()
