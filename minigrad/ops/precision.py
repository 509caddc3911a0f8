"""float16 in functions that are written in several ops: computed in float32 and rounded once, at the end.

A square of half of all numbers overflows float16, and a long sum stops growing. Ops do the same for themselves, and
their rules are given float32 by the engine.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar, cast

import numpy as np

from minigrad import ops
from minigrad.core.storage import widen_operand
from minigrad.ops.kernels import HALF

F = TypeVar("F", bound=Callable[..., Any])


def rounded_once(function: F) -> F:
    """`function` on float32 in place of float16, and what it returns as float16 where it would have been that."""

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        if args and getattr(args[0], "dtype", HALF).char in "fd":
            return function(*args, **kwargs)  # promotion widens the others
        types = {x.dtype.char for x in (*args, *kwargs.values()) if hasattr(x, "dtype")}  # in either byte order
        if "e" not in types:
            return function(*args, **kwargs)
        wide = [widen_operand(x) for x in args], {name: widen_operand(x) for name, x in kwargs.items()}
        result = function(*wide[0], **wide[1])
        return ops.astype(result, HALF) if result.dtype == np.float32 and "f" not in types else result

    return cast(F, call)
