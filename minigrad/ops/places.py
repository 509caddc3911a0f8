"""Whether the next tokens still fit into a cache of fixed size: an op that refuses them before anything is written."""

from __future__ import annotations

from typing import Any

import numpy as np

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
