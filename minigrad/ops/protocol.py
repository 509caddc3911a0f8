"""What NumPy's functions take besides what ours do, when they are called on Tensors: types, and methods of ufuncs.

`np.vstack([t, a], dtype="float32")`, `np.var(t, 0, "float32")`; `np.add.reduce(t)` is the sum over the first axis.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad import ops
from minigrad.core.arrays import shape_of
from minigrad.core.record import by_numpy
from minigrad.ops.fixed import linspace
from minigrad.ops.joining import hstack, vstack
from minigrad.ops.reduction import std, var
from minigrad.ops.shape import concatenate, stack

__all__: list[str] = []  # no names of its own

Call = Callable[..., Any]
REDUCTIONS = {
    np.add: "sum", np.multiply: "prod", np.maximum: "max", np.minimum: "min", np.logical_and: "all",
    np.logical_or: "any",
}  # fmt: skip
RUNNING = {np.add: "cumsum", np.multiply: "cumprod"}  # those of extremes are `cummax` and `cummin` themselves
OUTER = np.add, np.subtract, np.multiply, np.divide, np.maximum, np.minimum


def joined_as(join: Call) -> Call:
    """What joins arrays, and makes a type of the whole."""

    def call(arrays: Any, *axis: Any, dtype: Any = None, casting: Any = "same_kind", **kwargs: Any) -> Any:
        whole = join(arrays, *axis, **kwargs)
        if dtype is None:
            return whole
        if not np.can_cast(whole.dtype, dtype, casting):
            raise TypeError(f"{np.dtype(dtype)} is not made of {whole.dtype} with casting={casting!r}")
        return ops.astype(whole, dtype)

    return call


def computed_in(spread: Call) -> Call:
    """What takes `dtype` in the place where NumPy has it: of what the array is made before."""

    def call(x: Any, axis: Any = None, dtype: Any = None, **kwargs: Any) -> Any:
        return spread(x if dtype is None else ops.astype(x, dtype), axis=axis, **kwargs)

    return call


def spaced(*args: Any, dtype: Any = None, **kwargs: Any) -> Any:
    """`linspace` as another type; integers are those below."""
    y = linspace(*args, **kwargs)
    return y if dtype is None else ops.astype(ops.floor(y) if np.dtype(dtype).kind in "iu" else y, dtype)


def float_power(x1: Any, x2: Any) -> Any:
    """`power` of float64, whatever the types."""
    return ops.tensor_power(ops.astype(x1, dtype=float), ops.astype(x2, dtype=float))


def along_first(name: str) -> Call:
    """The op along axis 0, where ufuncs begin."""
    return lambda x, axis=0, *args, **kwargs: getattr(ops, name)(x, axis, *args, **kwargs)


def outer(ufunc: np.ufunc) -> Call:
    """The ufunc of each element of the one with each of the other."""

    def call(x1: Any, x2: Any) -> Any:
        return by_numpy[ufunc](ops.reshape(x1, shape_of(x1) + (1,) * len(shape_of(x2))), x2)

    return call


by_numpy |= {join.numpy[0]: joined_as(join) for join in (concatenate, stack, vstack, hstack)}
by_numpy |= {spread.numpy[0]: computed_in(spread) for spread in (var, std)}
by_numpy |= {np.linspace: spaced, np.float_power: float_power}
by_numpy |= {ufunc.reduce: along_first(name) for ufunc, name in REDUCTIONS.items()}
by_numpy |= {ufunc.accumulate: along_first(name) for ufunc, name in RUNNING.items()}
by_numpy |= {ufunc.outer: outer(ufunc) for ufunc in OUTER}
