"""Specimens of products."""

from __future__ import annotations

import numpy as np
from numpy.exceptions import AxisError

from minigrad import ops
from minigrad.ops.specimens.calls import call, refusal, specimens
from minigrad.ops.specimens.draws import normal

ops.matmul.specimens = specimens(
    call(normal(3), normal(3)), call(normal(3), normal(3, 2)), call(normal(2, 3), normal(3)),
    call(normal(2, 3), normal(3, 4)), call(normal(2, 2, 3), normal(3, 2)), call(normal(2, 3), normal(2, 3, 4)),
    call(normal(2, 1, 3, 4), normal(5, 4, 2)), call(normal(4), normal(2, 3, 4, 2)),
    call(normal(2, 3, 4), normal(4)), call(normal(2, 0), normal(0, 3)), call(normal(0, 2, 3), normal(3, 2)),
    call(normal(0), normal(0)),
    refusal(call(normal(2, 3), normal(2, 3)), ValueError, "matmul", "x1", "(2, 3)", "x2"),
    refusal(call(normal(2, 2, 3), normal(2, 3)), ValueError, "matmul", "(2, 2, 3)", "(2, 3)"),
    refusal(call(normal(2, 2, 3), normal(3, 3, 2)), ValueError, "matmul", "(2, 2, 3)", "(3, 3, 2)"),
    refusal(call(normal(), normal(3)), ValueError, "matmul", "()"),
)  # fmt: skip
ops.linear.specimens = specimens(
    call(normal(2, 3), normal(3, 4), normal(4)), call(normal(2, 2, 3), normal(3, 2), normal(2)),
    call(normal(3), normal(3, 2), normal(2)), call(normal(0, 3), normal(3, 2), normal(2)),
    call(normal(2, 3), normal(3, 2), normal(1)), call(normal(2, 3), normal(3, 2), 0.5),
    call(normal(2, 3), normal(3, 2)), call(normal(2, 0), normal(0, 2), None),
    refusal(call(normal(2, 3), normal(4, 3), normal(3)), ValueError, "linear", "x", "(2, 3)", "weight", "(4, 3)"),
    refusal(call(normal(2, 3), normal(3, 4), normal(3)), ValueError, "linear", "bias", "(3,)", "(4,)"),
    reference=lambda x, weight, bias=None: x @ weight + (0 if bias is None else bias),
)  # fmt: skip
ops.vecdot.specimens = specimens(
    call(normal(2, 3), normal(2, 3)), call(normal(2, 3), normal(3), keepdims=True),
    call(normal(2, 3), normal(2, 1), axis=0), call(normal(3), normal(3)), call(normal(2, 0), normal(2, 0)),
    refusal(call(normal(2, 3), normal(2, 2)), ValueError, "vecdot", "(2, 3)", "(2, 2)"),
    refusal(call(normal(2, 3), normal(2, 3), axis=2), AxisError, "vecdot", "axis 2", "dimension 2"),
    refusal(call(normal(3), normal()), ValueError, "vecdot", "()"),
    reference=lambda x1, x2, axis=-1, keepdims=False: np.sum(x1 * x2, axis=axis, keepdims=keepdims),
)  # fmt: skip
ops.outer.specimens = specimens(
    call(normal(3), normal(2)), call(normal(2, 2), normal()), call(normal(0), normal(2)), call(2.0, normal(3)),
    call(normal(2, 2), 0.5),
    refusal(call(normal(3)), TypeError, "outer", "x2"),
    refusal(call(normal(3), normal(2), out=None), TypeError, "outer", "out is not supported"),
)  # fmt: skip
ops.inner.specimens = specimens(
    call(normal(3), normal(3)), call(normal(2, 3), normal(4, 3)), call(normal(2, 3), normal(3)),
    call(normal(2, 2, 3), normal(3, 3)), call(normal(), normal(2, 3)), call(normal(2), 1.5),
    call(normal(2, 0), normal(3, 0)),
    refusal(call(normal(2, 3), normal(3, 2)), ValueError, "inner", "(2, 3)", "(3, 2)", "axis -1"),
)  # fmt: skip
ops.dot.specimens = specimens(
    call(normal(3), normal(3)), call(normal(2, 3), normal(3, 4)), call(normal(2, 3), normal(3)),
    call(normal(3), normal(3, 2)), call(normal(2, 3), normal(2, 3, 2)), call(normal(2, 2, 3), normal(3)),
    call(normal(), normal(2)), call(normal(2, 3), 0.5), call(normal(0), normal(0)),
    refusal(call(normal(2, 3), normal(2, 3)), ValueError, "dot", "axis -1", "axis -2", "(2, 3)"),
)  # fmt: skip
ops.tensordot.specimens = specimens(
    call(normal(2, 3, 4), normal(3, 4, 2)), call(normal(2, 3), normal(3, 4), 1), call(normal(2), normal(3), axes=0),
    call(normal(2, 3, 4), normal(4, 2), axes=([0, -1], [1, 0])), call(normal(2, 3), normal(3, 2), axes=(1, 0)),
    call(normal(2, 3), normal(2, 3), 2), call(normal(), normal(2), 0), call(normal(0, 2), normal(2, 3), 1),
    call(normal(2, 0), normal(0, 3), 1), call(normal(2, 3), normal(4, 3), ((), ())),
    refusal(call(normal(2, 3), normal(3, 2), ([1], [1])), ValueError, "tensordot", "(2, 3)", "(3, 2)", "axis 1"),
    refusal(call(normal(2, 3), normal(3, 2), ([1, 0], [0])), ValueError, "tensordot", "2", "1"),
    refusal(call(normal(2, 3), normal(3, 2), ([1], [5])), AxisError, "tensordot", "axis 5", "dimension 2"),
    refusal(call(normal(2, 3), normal(3, 2), ([1, 1], [0, 0])), ValueError, "tensordot", "repeated"),
    refusal(call(normal(2, 3), normal(3, 2), 3), ValueError, "tensordot", "axes=3"),
    refusal(call(normal(2, 3), normal(3, 2), -1), ValueError, "tensordot", "axes=-1"),
)  # fmt: skip
