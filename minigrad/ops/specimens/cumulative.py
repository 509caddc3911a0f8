"""Specimens of running sums and products, and of the recurrence."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.exceptions import AxisError

from minigrad import ops
from minigrad.ops.specimens.calls import call, kink, refusal, specimens
from minigrad.ops.specimens.draws import between, normal


def recurrence_as_sums(a: Any, b: Any, *, axis: int = -1, reverse: bool = False) -> Any:
    """Every bⱼ reaches yᵢ with the product of the factors between them."""
    dtype = np.result_type(a, b)
    a, b = (np.moveaxis(x, axis, 0) for x in np.broadcast_arrays(a, b))
    y = np.zeros(b.shape, dtype)
    for start, end in ((j, i) for i in range(len(y)) for j in range(i + 1)):
        source, target = (end, start) if reverse else (start, end)
        y[target] += b[source] * np.prod(a[start + 1 : end + 1], axis=0)
    return np.moveaxis(y, 0, axis)


for function in (ops.cumsum, ops.cumprod):
    function.specimens = specimens(
        call(normal(4)), call(normal(2, 3)), call(normal(2, 3), 0), call(normal(3, 2, 2), axis=-2), call(normal()),
        call(normal(), axis=0), call(normal(0, 3), axis=0), call(normal(0, 3), axis=1), call(normal(1)),
        refusal(call(normal(2, 3), axis=5), AxisError, function.name, "axis 5", "dimension 2"),
        refusal(call(normal(2, 3), axis=(0, 1)), TypeError, function.name, "axis=(0, 1)"),
        refusal(call(normal(2, 3), dtype="complex64"), TypeError, "dtype=complex64", "real numbers"),
    )  # fmt: skip
runs = np.array([1.0, 0.0, 1.0, 2.0, 2.0, 1.0])
for function, mirror in ((ops.cummax, 1.0), (ops.cummin, -1.0)):
    function.specimens = specimens(
        call(normal(4)), call(normal(3, 2)), call(normal(2, 3), 1), call(normal(3, 2, 2), axis=-2), call(normal(1)),
        call(normal(0, 3)), call(normal(0, 3), axis=1),
        refusal(call(normal(2, 3), axis=5), AxisError, function.name, "axis 5", "dimension 2"),
        refusal(call(normal(), 0), TypeError, function.name, "scalar"),
        kink(call(runs * mirror), [2.5, 0.0, 0.5, 2.0, 1.0, 0.0]),
        reference=(np.maximum if mirror > 0 else np.minimum).accumulate,
    )  # fmt: skip
ops.logcumsumexp.specimens = specimens(
    call(normal(4)), call(normal(3, 2)), call(normal(2, 3), 1), call(normal(2, 3), axis=-1), call(normal(0, 3)),
    call(between(-1000.0, 1000.0, 3)),
    refusal(call(normal(2, 3), axis=5), AxisError, "logcumsumexp", "axis 5", "dimension 2"),
    reference=lambda x, axis=0: np.logaddexp.accumulate(x, axis),
)  # fmt: skip
ops.linear_recurrence.specimens = specimens(
    call(normal(4), normal(4)), call(normal(2, 3), normal(2, 3), axis=0), call(0.5, normal(2, 4)),
    call(normal(3), normal(2, 3), reverse=True), call(normal(3, 1), normal(3, 2), axis=-2, reverse=True),
    call(normal(2, 3), normal(1), axis=1), call(normal(2, 1), normal(2, 1)),
    call(normal(0, 2), normal(0, 2), axis=0), call(normal(2, 0), normal(0), axis=0, reverse=True),
    refusal(call(normal(2, 3), normal(2)), ValueError, "linear_recurrence", "(2, 3)", "(2,)"),
    refusal(call(normal(3), normal(2, 3), axis=2), AxisError, "linear_recurrence", "axis 2", "dimension 2"),
    refusal(call(normal(), normal()), AxisError, "linear_recurrence", "dimension 0"),
    reference=recurrence_as_sums,
)  # fmt: skip
