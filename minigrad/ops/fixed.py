"""Arrays that plain numbers describe; in a captured function they are constants. `linspace` takes Tensors too."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad import ops
from minigrad.core.modes import current_mode
from minigrad.core.record import composition
from minigrad.ops.kernels import check_axis
from minigrad.ops.precision import rounded_once
from minigrad.ops.product import is_number

__all__ = ["arange", "linspace", "tri"]

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


@composition(formula="start + (stop − start) i/(num − 1)", numpy=[np.linspace])
@rounded_once
def linspace(start: Any, stop: Any, num: int = 50, endpoint: bool = True, axis: int = 0) -> Any:
    """`num` evenly spaced numbers from `start` to `stop`, which is the last of them unless `endpoint` is False.

    Args:
        start, stop: numbers, which give an array, as those of `arange` do; or Tensors and arrays, which broadcast.
        axis: where the new axis lies, along which the numbers do.

    >>> linspace(0.0, Tensor(1.0), 5).tolist()
    [0.0, 0.25, 0.5, 0.75, 1.0]
    """
    check_numbers("linspace", {"num": num})
    start, stop = (x.item() if isinstance(x, np.generic) else x for x in (start, stop))
    if isinstance(start, (int, float)) and isinstance(stop, (int, float)):
        return fix_array(np.linspace(start, stop, num, endpoint))
    if num < 0:
        raise ValueError(f"linspace: num={num} must not be negative")
    start, stop = (x if is_number(x) else ops.multiply(x, 1.0) for x in (start, stop))  # booleans too are numbers
    reach = ops.subtract(stop, start)
    count, places = max(num - endpoint, 1), np.arange(num).reshape(-1, *(1,) * len(reach.shape))
    y = start + fix_array(places.astype(reach.dtype)) * (reach / float(count))
    y = ops.where(fix_array(places == count), stop, y) if endpoint else y  # exactly
    return ops.moveaxis(y, 0, check_axis("linspace", axis, len(reach.shape) + 1))


@composition(formula="1 on and below a diagonal, else 0")
def tri(N: int, M: int | None = None, k: int = 0, dtype: Type = float) -> Any:  # noqa: N803  # NumPy's names
    """Ones at and below the `k`-th diagonal of N rows and M columns, as `numpy.tri` makes them.

    `tri(n, dtype=bool)` is the mask of n tokens of which each may attend to itself and those before.

    >>> tri(3, dtype=int).tolist()
    [[1, 0, 0], [1, 1, 0], [1, 1, 1]]
    """
    check_numbers("tri", {"N": N, "M": M, "k": k})
    return fix_array(np.tri(N, M, k, dtype))
