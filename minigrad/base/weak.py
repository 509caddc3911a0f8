"""NumPy scalars among the arguments of a captured function: they act as numbers, as they do in eager code.

A Tensor that stands for one is weak: beside others it takes the type that a Python number would have. What is computed
of these alone, of numbers, and of lists of numbers is plain: in eager code it is NumPy's, and weak where NumPy makes a
scalar of it, as it does of a sum of an array. Loaded when there are such.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from minigrad.base.record import registry

NUMBERS = {"?": True} | dict.fromkeys("bBhHiIlLqQ", 1) | dict.fromkeys("efd", 1.0)  # by the type of the scalar


def beside_tensors(
    op: Any, inputs: tuple[Any, ...], params: Mapping[str, Any], plain: set[Any], weak: set[Any]
) -> tuple[Any, ...]:
    """The inputs of a node, with weak ones in the type that a number would have beside the others."""
    if (plain | weak).issuperset([x for x in inputs if hasattr(x, "dtype")]):
        return inputs  # NumPy computes with NumPy's scalars
    numbers = tuple([NUMBERS[x.dtype.char] if x in weak else x for x in inputs])
    if op.elementwise:
        dtype = np.result_type(*(getattr(x, "dtype", x) for x in numbers if x is not None))
        result = op.infer(numbers, params).dtype
        if result.kind == "f" and dtype.kind == "f":  # a condition is none of what makes the type of the result
            dtype = result
        return tuple([_converted(x, dtype) if x in weak else x for x in inputs])
    result = op.infer(numbers, params)
    differs = op.infer(inputs, params) != result  # an index is none of what makes the type of the result
    return tuple(
        [
            _converted(x, result.dtype) if x in weak and (differs or x.dtype.kind == result.dtype.kind == "f") else x
            for x in inputs
        ]
    )


def _converted(x: Any, dtype: np.dtype[Any]) -> Any:
    if x.dtype in (dtype, np.bool_):
        return x
    if dtype.kind in "iu" and not np.can_cast(x.dtype, dtype):  # what it cannot hold is an error, as it is eagerly
        return registry["set_at"](registry["zeros_like"](registry["astype"](x, dtype=dtype)), (), x)
    return registry["astype"](x, dtype=dtype)


def note_plain(result: Any, op: Any, arrays: set[Any], plain: set[Any], weak: set[Any]) -> None:
    """Add what the op made to `plain` or `arrays` if all its operands are, and to `weak` if NumPy makes a scalar."""
    operands = [x for x in result.inputs if hasattr(x, "dtype")]
    if not all(x in plain or x in arrays for x in operands):
        return
    (plain if plain.issuperset(operands) else arrays).add(result)
    if result.shape == ():
        tried = [_zeros(x, x in weak) if hasattr(x, "dtype") else x for x in result.inputs]
        with np.errstate(all="ignore"):
            if isinstance(op.forward(*tried, **result.params), np.generic):
                weak.add(result)


def _zeros(x: Any, scalar: bool) -> Any:
    return x.dtype.type() if scalar else np.broadcast_to(np.zeros((), x.dtype), x.shape)
