"""Specimens of arrays that plain numbers describe."""

from __future__ import annotations

import numpy as np

from minigrad import ops
from minigrad.ops.kernels import AxisError
from minigrad.ops.specimens.calls import call, refusal, specimens
from minigrad.ops.specimens.draws import normal

ops.arange.specimens = specimens(
    call(4), call(1, 4), call(0.0, 1.0, 0.25), call(5, 0, -2), call(3, dtype="float32"), call(0),
    refusal(call([3]), TypeError, "arange", "start", "list"),
    refusal(call(0, 3, 0), ValueError, "arange", "step", "0"),
    reference=np.arange,
)  # fmt: skip
ops.linspace.specimens = specimens(
    call(normal(3), normal(2, 1), 4), call(0.0, normal(), 3), call(normal(2), 1.5, 4, False), call(normal(2), 2.0, 1),
    call(normal(2, 3), normal(3), 4, axis=-1), call(normal(2), normal(2), 0),
    call(0, 1, 5), call(1.0, 0.0, 3, endpoint=False),
    refusal(call(normal(2), 1.0, -1), ValueError, "linspace", "num=-1"),
    refusal(call(normal(2), 1.0, [3]), TypeError, "linspace", "num", "list"),
    refusal(call(normal(2), normal(3), 4), ValueError, "subtract", "(3,)", "(2,)"),
    refusal(call(normal(2), 1.0, 3, axis=2), AxisError, "linspace", "axis 2", "dimension 2"),
)  # fmt: skip
ops.tri.specimens = specimens(
    call(3), call(2, 4), call(3, 2, 1), call(3, k=-1, dtype=bool), call(0),
    refusal(call(3, [3]), TypeError, "tri", "M", "list"),
    reference=np.tri,
)  # fmt: skip
