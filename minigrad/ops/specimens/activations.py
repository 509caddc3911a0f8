"""Specimens of activations."""

from __future__ import annotations

import math

import numpy as np

from minigrad import ops
from minigrad.ops.activations import normal_density
from minigrad.ops.kernels.normal import ROOT_HALF
from minigrad.ops.specimens.calls import call, kink, refusal, specimens
from minigrad.ops.specimens.draws import between, normal
from minigrad.ops.specimens.rows import wide

ops.relu.specimens = specimens(
    *wide,
    kink(call(np.zeros(1)), 0.0),
    reference=lambda x: np.where(x > 0, x, 0),
    flat="its input is not above 0",
)
ops.leaky_relu.specimens = specimens(
    call(normal(2, 5)), call(normal(2, 5), slope=0.3), call(normal()),
    refusal(call(normal(3), negative_slope=0.1), TypeError, "leaky_relu", "negative_slope", "slope="),
    refusal(call(normal(3), slope=[0.1, 0.2, 0.3]), TypeError, "leaky_relu", "slope=(0.1", "a number"),
    kink(call(np.zeros(1), slope=0.25), 0.25),
    reference=lambda x, *, slope=0.01: np.where(x > 0, x, slope * x),
)  # fmt: skip
ops.elu.specimens = specimens(
    call(between(-4, 4, 2, 5)), call(between(-4, 4, 2, 5), alpha=0.5), call(normal()),
    refusal(call(normal(3), slope=0.1), TypeError, "elu", "slope", "alpha="),
    refusal(call(normal(3), alpha=[0.1, 0.2, 0.3]), TypeError, "elu", "alpha=(0.1", "a number"),
    kink(call(np.zeros(1), alpha=0.25), 0.25),
    reference=lambda x, *, alpha=1.0: np.where(x > 0, x, alpha * (np.exp(x) - 1)),
)  # fmt: skip
ops.sigmoid.specimens = specimens(*wide, reference=lambda x: 1 / (1 + np.exp(-x)), flat="it is saturated")
ops.softplus.specimens = specimens(*wide, reference=lambda x: np.log1p(np.exp(x)))
ops.log_sigmoid.specimens = specimens(*wide, reference=lambda x: -np.log1p(np.exp(-x)))
ops.softsign.specimens = specimens(*wide, reference=lambda x: x / (1 + np.abs(x)))
ops.gelu.specimens = specimens(
    call(between(-4, 4, 2, 5)), call(between(-4, 4, 2, 5), approximate="tanh"), call(normal()),
    refusal(call(normal(3), approximate="fast"), ValueError, "gelu", "'fast'", "'none' or 'tanh'"),
)  # fmt: skip
ops.gelu_slope.specimens = specimens(
    *wide,
    reference=lambda x: 0.5 * np.vectorize(math.erfc, otypes=[float])(x * -ROOT_HALF) + x * normal_density(x),
)
ops.silu.specimens = specimens(*wide, reference=lambda x: x / (1 + np.exp(-x)))
ops.silu_slope.specimens = specimens(
    *wide, reference=lambda x: (1 + np.exp(-x) + x * np.exp(-x)) / (1 + np.exp(-x)) ** 2
)
ops.mish.specimens = specimens(*wide, reference=lambda x: x * np.tanh(np.log1p(np.exp(x))))
ops.mish_slope.specimens = specimens(*wide)
ops.selu.specimens = specimens(
    *wide, refusal(call(normal(2), alpha=1.0), TypeError, "alpha"),
    reference=lambda x: np.where(x > 0, x, 1.6732632423543772 * np.expm1(np.minimum(x, 0))) * 1.0507009873554805,
)  # fmt: skip
ops.relu6.specimens = specimens(
    *wide, refusal(call(normal(2), 0.0), TypeError, "relu6"), kink(call(np.array([0.0, 6.0])), 1.0),
    reference=lambda x: np.clip(x, 0, 6),
)  # fmt: skip
ops.hard_sigmoid.specimens = specimens(
    *wide, refusal(call(normal(2), 0.0), TypeError, "hard_sigmoid"), kink(call(np.array([-3.0, 3.0])), 1 / 6),
    reference=lambda x: np.clip(x + 3, 0, 6) / 6,
)  # fmt: skip
ops.hard_swish.specimens = specimens(
    *wide, refusal(call(normal(2), 0.0), TypeError, "hard_swish"), kink(call(np.array([-3.0, 3.0])), [-0.5, 1.5]),
    reference=lambda x: x * np.clip(x + 3, 0, 6) / 6,
)  # fmt: skip
ops.celu.specimens = specimens(
    *wide, call(normal(2, 3), 0.5), call(normal(3), alpha=2.0),
    refusal(call(normal(2), [1.0, 2.0]), TypeError, "celu", "alpha=[1.0, 2.0]", "number"),
    reference=lambda x, alpha=1.0: np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0) / alpha)),
)  # fmt: skip
ops.hard_tanh.specimens = specimens(
    *wide, refusal(call(normal(2), 0.0), TypeError, "hard_tanh"), kink(call(np.array([-1.0, 1.0])), 1.0),
    reference=lambda x: np.clip(x, -1, 1),
)  # fmt: skip
ops.glu.specimens = specimens(
    call(normal(2, 4)), call(normal(4, 3), 0), call(normal(2, 6, 3), axis=-2), call(normal(0, 2)),
    refusal(call(normal(2, 3)), ValueError, "split", "length 3", "2 equal sections"),
    reference=lambda x, axis=-1: np.split(x, 2, axis)[0] / (1 + np.exp(-np.split(x, 2, axis)[1])),
)  # fmt: skip
