"""Arrays that plain numbers describe; in a captured function they are constants."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.core.modes import current_mode
from minigrad.core.record import composition

__all__ = ["arange", "tri"]

Type = np.dtype[Any] | type[Any] | str


def check_numbers(function: str, numbers: dict[str, Any]) -> None:
    """Raise TypeError for what is no plain number: an argument of a captured function is none."""
    for name, value in numbers.items():
        if value is not None and not isinstance(value, (int, float, np.generic)):
            raise TypeError(
                f"{function}: {name} must be a number that is known when the function is captured, as `x.shape[0]` is, "
                f"got {type(value).__name__}"
            )


def fix_array(array: Any) -> Any:
    """As every function of plain numbers, an array; under capture a Tensor, which may meet the others."""
    capture = current_mode().capture
    return array if capture is None else capture.make_constant(array)


@composition(formula="start, start + step, … below stop")
def arange(start: float, stop: float | None = None, step: float = 1, dtype: Type | None = None) -> Any:
    """Evenly spaced numbers, as `numpy.arange` makes them; `arange(stop)` begins at 0.

    >>> arange(3).tolist(), arange(1.0, 2.0, 0.25, dtype="float32").tolist()
    ([0, 1, 2], [1.0, 1.25, 1.5, 1.75])
    """
    check_numbers("arange", {"start": start, "stop": stop, "step": step})
    if not step:
        raise ValueError(f"arange: step={step} leads nowhere")
    return fix_array(np.arange(start, stop, step, dtype=dtype))


@composition(formula="1 on and below a diagonal, else 0")
def tri(N: int, M: int | None = None, k: int = 0, dtype: Type = float) -> Any:  # noqa: N803  # NumPy's names
    """Ones at and below the `k`-th diagonal of N rows and M columns, as `numpy.tri` makes them.

    `tri(n, dtype=bool)` is the mask of n tokens of which each may attend to itself and those before.

    >>> tri(3, dtype=int).tolist()
    [[1, 0, 0], [1, 1, 0], [1, 1, 1]]
    """
    check_numbers("tri", {"N": N, "M": M, "k": k})
    return fix_array(np.tri(N, M, k, dtype))
