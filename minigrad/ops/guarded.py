"""What ops that users declare are given and return: nothing that they could spoil, and nothing that would spoil others.

Ours are trusted, since the laws try them all.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad.core.arrays import owner_of
from minigrad.core.errors import GraphError
from minigrad.core.op import Op
from minigrad.core.record import Function
from minigrad.ops.methods import offer_function


def op(**record: Any) -> Callable[[Callable[..., Any]], Op]:
    """Declare an op of your own: a decorator for its forward function on arrays. See `Op` for what it may say.

    >>> import numpy as np
    >>> import minigrad as mg
    >>> @mg.op(formula="y = x³")
    ... def cube(x):
    ...     return x * x * x
    >>> @cube.vjp("x")
    ... def _(g, y, x):
    ...     return g * 3.0 * x * x
    >>> x = mg.Tensor(2.0, requires_grad=True)
    >>> cube(x).backward()
    >>> float(x.grad)
    12.0
    >>> del mg.registry["cube"]
    """
    return lambda forward: offer_function(Op(forward, guarded=Guard, **record))


def composition(**record: Any) -> Callable[[Callable[..., Any]], Function]:
    """Declare a public function of your own that is written in ops, and so needs no rule.

    >>> import minigrad as mg
    >>> @mg.composition(formula="y = x / max x")
    ... def scale_to_one(x):
    ...     return x / mg.max(x)
    >>> mg.Tensor([1.0, 2.0]).scale_to_one().tolist()
    [0.5, 1.0]
    >>> del mg.registry["scale_to_one"]
    """
    return lambda call: offer_function(Function(call, **record))


class Guard:
    """Stands before what an op of a user computes."""

    def __init__(self, op: Op) -> None:
        self.op = op

    def __call__(self, *arrays: Any, **params: Any) -> Any:
        """What the forward function makes of arrays that it cannot write into, in memory of its own."""
        result = self.op.forward(*map(_sealed, arrays), **params)
        if isinstance(result, (np.ndarray, np.generic)) and result.dtype.kind not in "biuf":
            raise TypeError(f"expected a result of real numbers, got {result.dtype}")
        owners = {id(owner_of(x)) for x in arrays if isinstance(x, np.ndarray)}
        lent = isinstance(result, np.ndarray) and not self.op.view and id(owner_of(result)) in owners
        return result.copy() if lent else result

    def rule(self, argument: str, rule: Callable[..., Any]) -> Callable[..., Any]:
        """What a gradient rule returns, as an array that nobody else has: the sweep adds to it."""

        @functools.wraps(rule)
        def call(*args: Any, **params: Any) -> Any:
            value = rule(*args, **params)
            if not hasattr(value, "shape"):
                raise GraphError(
                    f"the gradient rule of {self.op.name} for {argument!r} returned {type(value).__name__}: expected a "
                    "Tensor, or an array where it was given arrays"
                )
            return value.copy() if isinstance(value, (np.ndarray, np.generic)) else value

        return call


def _sealed(x: Any) -> Any:
    if not isinstance(x, np.ndarray):
        return x
    view = x.view()
    view.flags.writeable = False
    return view
