"""Specimens of linear algebra."""

from __future__ import annotations

from math import inf

import numpy as np
from numpy.exceptions import AxisError

from minigrad import ops
from minigrad.ops.specimens.calls import call, kink, refusal, specimens
from minigrad.ops.specimens.draws import normal
from minigrad.ops.specimens.reduction import refusals_of_axes

ops.vector_norm.specimens = specimens(
    call(normal(2, 3)), call(normal(2, 3), axis=0), call(normal(2, 3, 2), axis=(0, -1), keepdims=True),
    call(normal(2, 3), axis=1, ord=1), call(normal(2, 3), axis=-1, ord=inf),
    call(normal(2, 3), ord=-inf, keepdims=True), call(normal(2, 3), ord=0), call(normal(2, 3), axis=1, ord=3),
    call(normal(4), ord=4), call(normal(4), ord=2.5), call(normal(2, 3), axis=0, ord=0.5), call(normal(4), ord=-1),
    call(normal()), call(normal(0, 3), axis=0), call(normal(0)), call(normal(0, 2), axis=0, ord=inf),
    *refusals_of_axes("vector_norm"),
    refusal(call(normal(3), ord="fro"), ValueError, "vector_norm", "'fro'", "a number"),
    refusal(call(normal(3), ord=np.nan), ValueError, "vector_norm", "nan", "a number"),
    refusal(call(normal(0), ord=-inf), ValueError, "vector_norm", "(0,)", "ord=-inf"),
    kink(call(np.zeros(3)), 0.0),
    kink(call(np.zeros((2, 0)), axis=1), 0.0),
    kink(call(np.zeros(3), ord=3), 0.0),
    kink(call(np.array([0.0, 2.0]), ord=1), [0.0, 1.0]),
    kink(call(np.array([0.0, 2.0]), ord=1.5), [0.0, 1.0]),
    kink(call(np.array([0.0, 2.0]), ord=0.5), [0.0, 1.0]),
    kink(call(np.array([0.0, 2.0]), ord=-1), 0.0),
    kink(call(np.zeros((2, 2)), axis=1, ord=-2), 0.0),
    kink(call(np.array([1.0, -1.0, 0.0]), ord=inf), [0.5, -0.5, 0.0]),
)  # fmt: skip
ops.norm.specimens = specimens(
    call(normal(2, 3)), call(normal(2, 2, 2)), call(normal(4), 3), call(normal(2, 3), 1, 0),
    call(normal(2, 3), axis=-1), call(normal(2, 3), "fro"), call(normal(2, 3, 2), axis=(0, -1), keepdims=True),
    call(normal(2, 3), 1), call(normal(2, 3), inf), call(normal(2, 3), -1), call(normal(2, 3, 4), -inf, (2, 0)),
    call(normal(2, 3, 4), ord=inf, axis=(-1, 1), keepdims=True), call(normal(3), inf), call(normal()),
    call(normal(0)), call(normal(0, 3)),
    refusal(call(normal(2, 3), 2), ValueError, "norm", "ord=2", "largest singular value", "no derivative"),
    refusal(call(normal(2, 3), -2), ValueError, "norm", "ord=-2", "smallest singular value"),
    refusal(call(normal(2, 3), "nuc"), ValueError, "norm", "'nuc'", "sum of the singular values"),
    refusal(call(normal(2, 3), 3), ValueError, "norm", "ord=3", "matrix"),
    refusal(call(normal(3), "fro"), ValueError, "norm", "'fro'", "vector"),
    refusal(call(normal(2, 2, 2), 1), ValueError, "norm", "3 axes"),
    refusal(call(normal(2, 3), axis=5), AxisError, "norm", "axis 5", "dimension 2"),
    refusal(call(normal(2, 3), axis=(0, -2)), ValueError, "norm", "duplicate"),
    kink(call(np.zeros((2, 2))), 0.0),
)  # fmt: skip
ops.matrix_trace.specimens = specimens(
    call(normal(3, 3)), call(normal(2, 3), 1), call(normal(3, 2), offset=-1), call(normal(2, 3, 4), 0, 2, 1),
    call(normal(2, 3, 4), axis1=-1, axis2=0), call(normal(2, 2), offset=5), call(normal(0, 0)),
    refusal(call(normal(3)), ValueError, "diagonal", "(3,)"),
    refusal(call(normal(2, 3), axis2=2), AxisError, "axis 2", "dimension 2"),
    refusal(call(normal(2, 3), axis1=1), ValueError, "axis1"),
)  # fmt: skip
