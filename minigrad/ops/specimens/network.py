"""Specimens of softmax, embedding, dropout."""

from __future__ import annotations

import numpy as np

from minigrad import ops
from minigrad.core.errors import GraphError
from minigrad.ops.kernels import AxisError
from minigrad.ops.specimens.calls import Refusal, call, kink, refusal, specimens
from minigrad.ops.specimens.draws import booleans, integers, normal

ROWS_OF_SCORES = [call(normal(2, 3)), call(normal(2, 3), axis=0), call(normal(3)), call(normal(0, 3))]
MASKED = [
    call(normal(2, 3), booleans(2, 3)), call(normal(2, 3), booleans(3), axis=-1),
    call(normal(3, 2), [[True, False], [True, False], [True, False]], axis=0),
]  # fmt: skip


def refusals_of_scores(function: str) -> list[Refusal]:
    """What `softmax` and `log_softmax` both refuse."""
    return [
        refusal(call(normal(2, 3), axis=2), AxisError, function, "axis 2", "dimension 2"),
        refusal(call(normal()), AxisError, function, "axis -1", "dimension 0"),
        refusal(call(normal(2, 3), axis=(0, 2)), AxisError, function, "axis 2", "dimension 2"),
        refusal(call(normal(2, 3), normal(2, 3)), TypeError, function, "where", "booleans", "float64", "bias="),
        refusal(call(normal(2, 3), booleans(2)), ValueError, function, "(2, 3)", "(2,)"),
    ]


ops.softmax.specimens = specimens(
    *ROWS_OF_SCORES, *MASKED,
    *refusals_of_scores("softmax"),
    kink(call(np.array([1.0, 2.0]), [False, False]), 0.0),
    flat="it is saturated",
)  # fmt: skip
ops.log_softmax.specimens = specimens(
    *ROWS_OF_SCORES, call(normal(2, 3), [True, True, True]),
    *refusals_of_scores("log_softmax"),
    kink(call(np.array([1.0, 2.0]), [False, False]), 0.0),
)  # fmt: skip
ops.embedding.specimens = specimens(
    call(normal(4, 3), integers(4, 2, 5)), call(normal(4, 3), 2), call(normal(4, 3), integers(4, 0)),
    refusal(call(normal(10, 2), [[0, 1], [10, 2]]), IndexError, "embedding", "index 10", "(1, 0)", "0 … 9"),
    refusal(call(normal(10, 2), [3, -1]), IndexError, "embedding", "index -1", "(1,)", "0 … 9"),
    refusal(call(normal(10, 2), [0.0]), TypeError, "embedding", "integers", "float64"),
    refusal(call(normal(10, 2), [True]), TypeError, "embedding", "integers", "bool"),
    refusal(call(normal(10), [0]), ValueError, "embedding", "(count, width)", "(10,)"),
    reference=lambda weight, indices: weight[indices],
)  # fmt: skip
ops.one_hot.specimens = specimens(
    call(integers(4, 2, 3), classes=4), call(integers(4, 3), classes=5, dtype="float64"),
    call(integers(2), classes=2), call(integers(4, 0), classes=4),
    refusal(call([0, 4], classes=4), IndexError, "one_hot", "index 4", "(1,)", "0 … 3"),
    refusal(call([-1], classes=4), IndexError, "one_hot", "index -1", "(0,)", "0 … 3"),
    refusal(call([0.0], classes=4), TypeError, "one_hot", "integers", "float64"),
    refusal(call([0], classes=0), ValueError, "one_hot", "classes=0", "at least 1"),
    refusal(call([0]), TypeError, "one_hot", "classes", "missing"),
    reference=lambda x, *, classes, dtype="float32": np.eye(classes, dtype=dtype)[x],
)  # fmt: skip
ops.dropout.specimens = specimens(
    refusal(call(normal(3), 1.5), ValueError, "dropout", "rate=1.5", "between 0 and 1"),
    refusal(call(normal(3), -0.5), ValueError, "dropout", "rate=-0.5", "between 0 and 1"),
    refusal(call(normal(3), 0.5), GraphError, "minigrad.generator"),
)
