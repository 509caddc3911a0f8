"""How elementwise ops are declared: `row`, one op as one table row.

A row is name, forward, formula, one rule per argument. The families elementwise, transcendental and
activations are made of such rows. A rule whose own factor is infinite at a pole or where it overflows multiplies with
`strong_multiply`: where no gradient comes in, none goes out, and the sweep need not be made again. All other products
are plain, also where an operand may be infinite (docs/conventions.md).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minigrad.core.op import Op, Rule

PAIR = ("x1", "x2")


def row(
    name: str, forward: Callable[..., Any], formula: str, *rules: Rule, numpy: Sequence[Callable[..., Any]] = (),
    arguments: tuple[str, ...] = ("x",), **record: Any,
) -> Op:  # fmt: skip
    """One elementwise op; the rules are in the order of the arguments."""
    if not numpy and isinstance(forward, np.ufunc):
        numpy = (forward,)
    declared = Op(forward, name=name, formula=formula, numpy=numpy, arguments=arguments, elementwise=True, **record)
    for argument, rule in zip(arguments, rules, strict=False):
        declared.vjp(argument)(rule)
    return declared


def check_number(**parameter: Any) -> None:
    """A parameter is a number: a list would be broadcast, silently."""
    ((name, value),) = parameter.items()
    if not isinstance(value, (int, float, np.number)):
        raise TypeError(f"{name}={value!r}: expected a number")
