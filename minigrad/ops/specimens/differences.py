"""Specimens of differences along axes, and of what is made of them."""

from __future__ import annotations

import numpy as np

from minigrad import ops
from minigrad.ops.kernels import AxisError
from minigrad.ops.specimens.calls import call, refusal, specimens
from minigrad.ops.specimens.draws import booleans, normal, positive

PLACES = np.array([0.0, 1.0, 1.5, 3.5])

ops.diff.specimens = specimens(
    call(normal(4)), call(normal(2, 4), 2), call(normal(4, 2), axis=0), call(normal(2, 3), 1, 0, normal(1, 3)),
    call(normal(3), prepend=0.0, append=normal(2)), call(normal(3), 0), call(normal(2), n=3), call(booleans(4)),
    refusal(call(normal(3), -1), ValueError, "diff", "n=-1"),
    refusal(call(normal(2, 3), axis=2), AxisError, "diff", "axis 2", "dimension 2"),
    refusal(call(normal(2, 3), prepend=normal(2)), ValueError, "concatenate", "(2, 3)", "(2,)"),
)  # fmt: skip
ops.gradient.specimens = specimens(
    call(normal(4)), call(normal(3, 4)), call(normal(3, 4), 0.5), call(normal(3, 4), 2.0, 0.5),
    call(normal(3, 4), axis=-1), call(normal(3, 4, 2), axis=(1, 0)), call(normal(4, 3), edge_order=2),
    call(normal(4, 2), 3.0, axis=0, edge_order=2), call(normal(2)), call(np.array([1, 4, 9])),
    refusal(call(normal(4, 4), 1.0, 2.0, 3.0), TypeError, "gradient", "3 spacings for 2 axes"),
    refusal(call(normal(4), edge_order=3), ValueError, "gradient", "edge_order=3"),
    refusal(call(normal(2), edge_order=2), ValueError, "gradient", "length 2", "at least 3"),
    refusal(call(normal(3), PLACES), ValueError, "gradient", "(4,)", "(3,)"),
    refusal(call(normal(4), axis=1), AxisError, "gradient", "axis 1", "dimension 1"),
)  # fmt: skip
ops.cross.specimens = specimens(
    call(normal(3), normal(3)), call(normal(2, 3), normal(3)), call(normal(3, 2), normal(2, 3), 0, 1, 0),
    call(normal(3, 2), normal(3, 2), axis=0), call(normal(4, 1, 3), normal(2, 3), axisc=1),
    refusal(call(normal(2), normal(3)), ValueError, "cross", "a has shape (2,)", "vectors of 3"),
    refusal(call(normal(3), normal(3), axisb=1), AxisError, "cross", "axisb", "axis 1"),
    refusal(call(normal(3), normal(3), axis=2), AxisError, "cross", "axis 2", "dimension 1"),
)  # fmt: skip
ops.kron.specimens = specimens(
    call(normal(2), normal(3)), call(normal(2, 2), normal(1, 3)), call(normal(2), normal(2, 2)),
    call(normal(), normal(2)), call(normal(2, 1, 2), positive(2)), call(normal(0), normal(2)),
    refusal(call(normal(2), [[1.0], [2.0, 3.0]]), TypeError, "equally long"),
)  # fmt: skip
