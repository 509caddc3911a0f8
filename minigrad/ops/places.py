"""Caches of fixed size: tokens that do not fit are refused before anything is written, and so writing cannot fail."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad import ops
from minigrad.ops.internal import internal_op
from minigrad.ops.kernels.places import check_room


@internal_op(
    formula="the first place that is free, if there is room for `count`", differentiable=False,
    definition=lambda taken, *, count, context: taken,
)  # fmt: skip
def first_free(taken: Any, *, count: int, context: int) -> Any:
    """The place of the first of `count` tokens, where the first `taken` of `context` places are taken."""
    check_room(taken, count, context)
    return np.array(taken)


@internal_op(
    formula="x, with rows in places that it has",
    definition=lambda x, rows, places: ops.set_at(x, (..., places, slice(None)), rows),
)
def write_rows(x: Any, rows: Any, places: Any) -> Any:
    """Memory x, (…, context, width), with rows, (…, count, width), in places, (count,), counted from `first_free`."""
    result = np.array(x)
    result[..., places, :] = rows
    return result


write_rows.vjp("x")(lambda g, y, x, rows, places: ops.set_at(g, (..., places, slice(None)), 0.0))
write_rows.vjp("rows")(lambda g, y, x, rows, places: ops.index(g, (..., places, slice(None))))
