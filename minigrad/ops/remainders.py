"""Division with a remainder, `x1 // x2` and `x1 % x2`, and the signs of numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad import ops
from minigrad.core.op import Op
from minigrad.core.record import composition
from minigrad.ops.normalisation import floating
from minigrad.ops.rows import PAIR, row
from minigrad.ops.truths import comparison

__all__ = ["copysign", "divmod", "fabs", "floor_divide", "fmod", "mod", "positive", "remainder", "signbit"]


def crosses(rest: Any, x2: Any) -> Any:
    """Whether a remainder that has the sign of the dividend is to be moved to that of the divisor."""
    return ops.logical_and(ops.not_equal(rest, 0.0), ops.not_equal(ops.less(rest, 0.0), ops.less(x2, 0.0)))


def remainder_definition(x1: Any, x2: Any) -> Any:
    rest = ops.fmod(x1, x2)
    return ops.where(crosses(rest, x2), rest + x2, rest)


def quotient_definition(x1: Any, x2: Any) -> Any:
    rest = ops.fmod(x1, x2)
    whole = ops.rint((x1 - rest) / x2 - ops.where(crosses(rest, x2), 1.0, 0.0))
    if rest.dtype.kind == "f":
        return ops.where(ops.equal(x2, 0.0), ops.stop_gradient(x1 / x2), whole)
    return ops.astype(ops.where(ops.equal(x2, 0), 0.0, whole), rest.dtype)


fmod: Op = row(
    "fmod", np.fmod, "x₁ − x₂ trunc(x₁ / x₂)", lambda g, y, x1, x2: g,
    lambda g, y, x1, x2: -ops.strong_multiply(g, ops.rint((x1 - y) / x2)), arguments=PAIR,
)  # fmt: skip
remainder: Op = row(
    "remainder", np.remainder, "x₁ − x₂ ⌊x₁ / x₂⌋", lambda g, y, x1, x2: g,
    lambda g, y, x1, x2: -ops.strong_multiply(g, ops.where(ops.isnan(y), np.nan, ops.floor_divide(x1, x2))),
    arguments=PAIR, symbol="%",
    definition=remainder_definition,
)  # fmt: skip
floor_divide: Op = row(
    "floor_divide", np.floor_divide, "⌊x₁ / x₂⌋", lambda g, y, x1, x2: ops.zeros_like(g),
    lambda g, y, x1, x2: ops.zeros_like(g), arguments=PAIR, symbol="//", definition=quotient_definition,
)  # fmt: skip


@composition(formula="x₁ − x₂ ⌊x₁ / x₂⌋")
def mod(x1: Any, x2: Any) -> Any:
    """`remainder`, by its other name: `x1 % x2`, which has the sign of `x2`.

    >>> mod(Tensor([-1.0, 3.5]), 2.0).tolist()
    [1.0, 1.5]
    """
    return ops.remainder(x1, x2)


@composition(formula="⌊x₁ / x₂⌋, and what remains", numpy=[np.divmod])
def divmod(x1: Any, x2: Any) -> tuple[Any, Any]:
    """The pair `x1 // x2` and `x1 % x2`.

    >>> [part.tolist() for part in divmod(Tensor([-1.0, 3.5]), 2.0)]
    [[-1.0, 1.0], [1.0, 1.5]]
    """
    return ops.floor_divide(x1, x2), ops.remainder(x1, x2)


positive: Op = row("positive", np.positive, "+x", lambda g, y, x: g, symbol="+")
signbit: Op = comparison(
    "signbit", np.signbit, "x is below 0, or −0", ("x",),
    definition=lambda x: ops.logical_or(ops.less(x, 0.0), ops.less(1.0 / x, 0.0)),
)  # fmt: skip


@composition(formula="|x|", numpy=[np.fabs])
def fabs(x: Any) -> Any:
    """`absolute`, whose result is floating-point for integers too.

    >>> fabs(Tensor([-2, 3])).tolist()
    [2.0, 3.0]
    """
    return ops.absolute(floating(x))


def copysign_definition(x1: Any, x2: Any) -> Any:
    size = ops.absolute(floating(x1))
    return ops.multiply(size, ops.where(ops.signbit(x2), -1.0, ops.ones_like(floating(x2))))


copysign: Op = row(
    "copysign", np.copysign, "|x₁| with the sign of x₂", lambda g, y, x1, x2: g * (ops.sign(x1) * ops.sign(y)),
    lambda g, y, x1, x2: ops.zeros_like(g), arguments=PAIR, definition=copysign_definition,
)  # fmt: skip
