"""Specimens of reductions."""

from __future__ import annotations

import numpy as np

from minigrad import ops
from minigrad.ops.specimens.calls import Call, Refusal, call, kink, refusal, specimens
from minigrad.ops.specimens.draws import normal

samples = [
    call(normal(2, 3)), call(normal(2, 3), axis=0), call(normal(2, 3, 2), axis=(0, -1)),
    call(normal(2, 3), axis=-1, keepdims=True), call(normal(2, 3), axis=(), keepdims=False), call(normal()),
    call(normal(2, 1, 3), axis=-2), call(normal(0, 3), axis=1), call(normal(), axis=(), keepdims=True),
]  # fmt: skip
of_nothing = [call(normal(0, 3), axis=0), call(normal(2, 0), axis=(0, 1), keepdims=True), call(normal(0))]


def refusals_of_axes(name: str, *more: Refusal) -> list[Refusal]:
    """What every reduction refuses, and what this one does besides."""
    return [
        refusal(call(normal(2, 3), axis=5), np.exceptions.AxisError, name, "axis 5", "dimension 2"),
        refusal(call(normal(2, 3), axis=(0, -3)), np.exceptions.AxisError, name, "axis -3", "dimension 2"),
        refusal(call(normal(2, 3), axis=(0, -2)), ValueError, name, "duplicate"), *more,
    ]  # fmt: skip


def refusals_of_nothing(name: str) -> list[Refusal]:
    """The same for what nothing has none of, as a maximum."""
    return refusals_of_axes(
        name,
        refusal(call(normal(0)), ValueError, name, "(0,)", "axis=None"),
        refusal(call(normal(2, 0), axis=1), ValueError, name, "(2, 0)", "axis=1"),
    )


def with_ties(*row: float) -> Call:
    return call(np.array(row))


spread_samples = [
    call(normal(4, 3)), call(normal(4, 3), axis=0), call(normal(4, 3), axis=-1, ddof=1, keepdims=True),
    call(normal(2, 3, 2), axis=(0, -2)), call(normal(4, 3), axis=0, ddof=1.5), call(normal(0, 3), axis=1),
]  # fmt: skip

ops.sum.specimens = specimens(*samples, *of_nothing, *refusals_of_axes("sum"))
ops.mean.specimens = specimens(*samples, *refusals_of_axes("mean"))
ops.max.specimens = specimens(
    *samples,
    *refusals_of_nothing("max"),
    kink(with_ties(1.0, 1.0, 0.0), [0.5, 0.5, 0.0]), kink(with_ties(1.0, np.nan, 3.0), [0.0, 1.0, 0.0]),
)  # fmt: skip
ops.min.specimens = specimens(
    *samples,
    *refusals_of_nothing("min"),
    kink(with_ties(1.0, 0.0, 0.0), [0.0, 0.5, 0.5]), kink(with_ties(1.0, np.nan, 3.0), [0.0, 1.0, 0.0]),
)  # fmt: skip
ops.amax.specimens = specimens(*samples, *refusals_of_axes("amax"))
ops.amin.specimens = specimens(*samples, *refusals_of_axes("amin"))
ops.ptp.specimens = specimens(*samples, *refusals_of_nothing("max"))
for function in (ops.argmax, ops.argmin):
    function.specimens = specimens(
        call(normal(2, 3)), call(normal(2, 3), axis=1), call(normal(2, 3), axis=-2, keepdims=True), call(normal()),
        call(normal(0, 3), axis=1),
        refusal(call(normal(2, 3), axis=5), np.exceptions.AxisError, function.name, "axis 5", "dimension 2"),
        refusal(call(normal(2, 3), axis=(0, 1)), TypeError, function.name, "axis=(0, 1)"),
        refusal(call(normal(2, 0), axis=1), ValueError, function.name, "(2, 0)", "axis=1"),
    )  # fmt: skip
ops.prod.specimens = specimens(*samples, *of_nothing, *refusals_of_axes("prod"))
ops.var.specimens = specimens(*spread_samples, call(normal(2, 3), axis=()), call(normal()), *refusals_of_axes("var"))
ops.std.specimens = specimens(
    *spread_samples,
    *refusals_of_axes("std"),
    kink(with_ties(3.0, 3.0, 3.0), 0.0),
    kink(call(np.array(2.0)), 0.0),
    kink(call(np.array([[1.0], [2.0]]), axis=1), 0.0),
)
ops.logsumexp.specimens = specimens(
    *samples,
    *refusals_of_nothing("logsumexp"),
    kink(with_ties(-np.inf, -np.inf), 0.0), kink(with_ties(0.0, np.inf, np.inf), [0.0, 0.5, 0.5]),
)  # fmt: skip
