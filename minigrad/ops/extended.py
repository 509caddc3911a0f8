"""Ops that take more than their forward function does: the rest is said in other ops, when they are called."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad import ops
from minigrad.core.op import Op
from minigrad.core.tensor import Tensor


class TypedOp(Op):
    """A reduction that takes NumPy's `dtype=`, also as third argument: it computes in that type."""

    def __init__(self, forward: Callable[..., Any], **record: Any) -> None:
        super().__init__(forward, **record)
        own = inspect.signature(forward)
        dtype = inspect.Parameter("dtype", inspect.Parameter.KEYWORD_ONLY, default=None)
        vars(self)["__signature__"] = own.replace(parameters=[*own.parameters.values(), dtype])

    def __call__(self, *args: Any, **kwargs: Any) -> Tensor:
        if len(args) > 2 and isinstance(args[2], (type, np.dtype, str)):
            kwargs["dtype"], args = args[2], (*args[:2], *args[3:])
        dtype = kwargs.pop("dtype", None) if kwargs else None
        if dtype is None:
            return super().__call__(*args, **kwargs)
        result = super().__call__(ops.astype(args[0], dtype=dtype), *args[1:], **kwargs)
        return result if result.dtype == dtype else ops.astype(result, dtype=dtype)  # sums of small integers are larger


class ExtendedOp(Op):
    """An op whose call is written in other ops where one of its arguments asks for it: where `asks(value)` is true.

    Then `otherwise` gets what was given, by name, and answers the result; or None, and the op says what it expected.
    """

    def __init__(
        self, forward: Callable[..., Any], argument: str, asks: Callable[[Any], bool], otherwise: Callable[..., Any],
        **record: Any,
    ) -> None:  # fmt: skip
        super().__init__(forward, **record)
        self.names = (*self.arguments, *self.defaults)
        self.asking, self.place = argument, self.names.index(argument)
        self.asks, self.otherwise = asks, otherwise

    def __call__(self, *args: Any, **kwargs: Any) -> Tensor:
        if len(args) > self.place:
            asked = self.asks(args[self.place])
        else:
            asked = self.asking in kwargs and self.asks(kwargs[self.asking])
        found: Tensor | None = None
        if asked and len(args) <= len(self.names):
            given = dict(zip(self.names, args, strict=False)) | kwargs
            if {*self.arguments[: self.fewest]} <= given.keys() <= {*self.names}:  # else the op refuses it
                found = self.otherwise(**given)
        return super().__call__(*args, **kwargs) if found is None else found


def typed(**record: Any) -> Callable[[Callable[..., Any]], Op]:
    """Declare a `TypedOp`: a decorator for its forward function, as `op`."""
    return lambda forward: TypedOp(forward, **record)


def extended(
    argument: str, asks: Callable[[Any], bool], otherwise: Callable[..., Any], **record: Any
) -> Callable[[Callable[..., Any]], Op]:
    """Declare an `ExtendedOp`: a decorator for its forward function, as `op`."""
    return lambda forward: ExtendedOp(forward, argument, asks, otherwise, **record)
