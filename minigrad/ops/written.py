"""NumPy's functions that write into arrays, where Tensors are among what they read: `w -= rate * gradient`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad.core.record import by_numpy
from minigrad.core.structure import leaves, map_leaves
from minigrad.wording.messages import describe


def write_into_arrays(function: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    """What `function` makes of arrays in place of Tensors, as `np.asarray` gives them.

    Raises:
        GraphError: it would write into a Tensor.
        TypeError: a Tensor that requires a gradient, which would be lost.
    """
    for written in leaves(kwargs["out"] if kwargs.get("out") is not None else args[:1]):
        if _is_tensor(written):
            written[...] = None  # a Tensor says what to do instead
    lost = next((x for x in leaves((args, kwargs)) if _is_tensor(x) and x.requires_grad), None)
    if lost is not None and function in by_numpy:
        try:
            return by_numpy[function](*args, **kwargs)
        except TypeError as error:  # it says what it takes
            raise TypeError(f"{error}; a NumPy array would lose the gradient of {describe(lost)}") from None
    args, kwargs = map_leaves(lambda x: np.asarray(x) if _is_tensor(x) else x, (args, kwargs))
    return function(*args, **kwargs)


def _is_tensor(x: Any) -> bool:
    return hasattr(x, "requires_grad")


__all__: list[str] = []

by_numpy[np.copyto] = write_into_arrays  # and for all that have `out=`, where the engine looks for it
