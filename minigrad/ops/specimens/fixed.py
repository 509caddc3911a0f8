"""Specimens of arrays that plain numbers describe."""

from __future__ import annotations

import numpy as np

from minigrad import ops
from minigrad.ops.specimens.calls import call, refusal, specimens

ops.arange.specimens = specimens(
    call(4), call(1, 4), call(0.0, 1.0, 0.25), call(5, 0, -2), call(3, dtype="float32"), call(0),
    refusal(call([3]), TypeError, "arange", "start", "list"),
    refusal(call(0, 3, 0), ValueError, "arange", "step", "0"),
    reference=np.arange,
)  # fmt: skip
ops.tri.specimens = specimens(
    call(3), call(2, 4), call(3, 2, 1), call(3, k=-1, dtype=bool), call(0),
    refusal(call(3, [3]), TypeError, "tri", "M", "list"),
    reference=np.tri,
)  # fmt: skip
