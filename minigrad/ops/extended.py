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
        dtype = kwargs.pop("dtype", None)
        if dtype is None:
            return super().__call__(*args, **kwargs)
        result = super().__call__(ops.astype(args[0], dtype=dtype), *args[1:], **kwargs)
        return result if result.dtype == dtype else ops.astype(result, dtype=dtype)  # sums of small integers are larger


class ExtendedOp(Op):
    """An op whose call is written in other ops where `otherwise` answers it; where it answers None, it is the op."""

    def __init__(self, forward: Callable[..., Any], otherwise: Callable[..., Any], **record: Any) -> None:
        super().__init__(forward, **record)
        self.otherwise = otherwise

    def __call__(self, *args: Any, **kwargs: Any) -> Tensor:
        names = (*self.arguments, *self.defaults)
        given = dict(zip(names, args, strict=False)) | kwargs
        known = (
            len(args) <= len(names) and given.keys() <= {*names} and given.keys() >= {*self.arguments[: self.fewest]}
        )  # else the op refuses it
        found: Tensor | None = self.otherwise(**given) if known else None
        return super().__call__(*args, **kwargs) if found is None else found


def typed(**record: Any) -> Callable[[Callable[..., Any]], Op]:
    """Declare a `TypedOp`: a decorator for its forward function, as `op`."""
    return lambda forward: TypedOp(forward, **record)


def extended(otherwise: Callable[..., Any], **record: Any) -> Callable[[Callable[..., Any]], Op]:
    """Declare an `ExtendedOp`: a decorator for its forward function, as `op`."""
    return lambda forward: ExtendedOp(forward, otherwise, **record)
