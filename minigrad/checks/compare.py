"""How two results are compared: AssertionError, with what came and what was expected, where they differ."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from minigrad.checks.cases import results
from minigrad.core.arrays import Array
from minigrad.core.tensor import Tensor


def require(condition: Any, problem: str) -> None:
    """Raise AssertionError with `problem` where the condition does not hold."""
    if not condition:
        raise AssertionError(problem)


def require_equal(actual: Any, expected: Any, what: str) -> None:
    """The same of two values that compare as one truth; `what` they are stands in the message."""
    require(actual == expected, f"{what}: {actual}, expected {expected}")


def require_raises(kind: type[Exception], function: Callable[..., Any], *args: Any, **params: Any) -> Exception:
    """The error of this kind that the call raises; AssertionError where it raises none."""
    try:
        result = function(*args, **params)
    except kind as error:
        return error
    raise AssertionError(f"{(args, params)} must raise {kind.__name__}, and gave {result!r}")


def _value(x: Any) -> Array:
    return x.numpy() if isinstance(x, Tensor) else np.asarray(x)


def dtypes(outputs: Any) -> list[np.dtype[Any]]:
    """Those of all results, in order."""
    return [_value(x).dtype for x in results(outputs)]


def require_same_bits(actual: Any, expected: Any) -> None:
    """Equal types, shapes and bytes, result by result."""
    for x, y in _pairs(actual, expected):
        require_equal((x.dtype, x.shape), (y.dtype, y.shape), "dtype and shape")
        require(x.tobytes() == y.tobytes(), f"other bits: {x.tolist()}, expected {y.tolist()}")


def require_close(actual: Any, expected: Any, relative: float) -> None:
    """Equal to `relative` times the largest number on either side, or to that much where all are smaller than 1."""
    for x, y in _pairs(actual, expected):
        largest = max(float(np.max(np.abs(a), initial=0.0, where=np.isfinite(a))) for a in (x, y))
        np.testing.assert_allclose(x, y, rtol=0, atol=relative * max(1.0, largest), strict=False)
        require_equal(x.shape, y.shape, "shape")


def _pairs(actual: Any, expected: Any) -> Iterator[tuple[Array, Array]]:
    return zip(map(_value, results(actual)), map(_value, results(expected)), strict=True)
