"""How elementwise ops are declared: `row`, one op as one table row, and the sample calls that many rows share.

A row is name, forward, formula, one rule per argument, samples. The families elementwise, transcendental and
activations are made of such rows. A rule whose own factor is infinite at a pole or where it overflows multiplies with
`strong_multiply`: where no gradient comes in, none goes out, and the sweep need not be made again. All other products
are plain, also where an operand may be infinite (docs/conventions.md).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minigrad.core.op import Op, Rule
from minigrad.ops.samples import between, normal, positive
from minigrad.ops.specimen import Call, call, refusal

PAIR = ("x1", "x2")
one = (call(normal(2, 3)),)
wide = (call(between(-4, 4, 2, 5)), call(between(-1, 1, 6)), call(normal()))
positives = (call(positive(2, 3)), call(positive()))
pair = (
    call(normal(2, 3), normal(2, 3)), call(normal(3, 1), normal(4)), call(normal(2, 3), 1.5), call(2.5, normal(3)),
    call(normal(), normal(2, 1)),
)  # fmt: skip


def row(
    name: str, forward: Callable[..., Any], formula: str, *rules: Rule, samples: Sequence[Call] = (),
    numpy: Sequence[Callable[..., Any]] = (), arguments: tuple[str, ...] = ("x",), **record: Any,
) -> Op:  # fmt: skip
    """One elementwise op; the rules are in the order of the arguments."""
    if not numpy and isinstance(forward, np.ufunc):
        numpy = (forward,)
    if arguments == PAIR:
        record.setdefault("refusals", [refusal(call(normal(2, 3), normal(4)), ValueError, name, "(2, 3)", "(4,)")])
    declared = Op(
        forward, name=name, formula=formula, samples=samples, numpy=numpy, arguments=arguments, elementwise=True,
        **record,
    )  # fmt: skip
    for argument, rule in zip(arguments, rules, strict=False):
        declared.vjp(argument)(rule)
    return declared


def check_number(**parameter: Any) -> None:
    """A parameter is a number: a list would be broadcast, silently."""
    ((name, value),) = parameter.items()
    if not isinstance(value, (int, float, np.number)):
        raise TypeError(f"{name}={value!r}: expected a number")
