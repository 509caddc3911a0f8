"""Specimens of division with a remainder, and of signs."""

from __future__ import annotations

import numpy as np

from minigrad import ops
from minigrad.ops.specimens.calls import call, kink, refusal, specimens
from minigrad.ops.specimens.draws import between, normal, positive
from minigrad.ops.specimens.rows import one, pair, refusals_of_pairs

divisions = (
    call(normal(2, 3), positive(2, 3)), call(between(-5, 5, 3, 1), between(-2.0, -0.5, 4)), call(normal(2, 3), 0.75),
    call(2.5, positive(3)), call(normal(), positive(2, 1)),
)  # fmt: skip
whole = np.array([4.0, -4.0, 0.0])

ops.fmod.specimens = specimens(
    *divisions, *refusals_of_pairs("fmod"), kink(call(whole, np.full(3, 2.0)), 1.0, [-2.0, 2.0, 0.0])
)
ops.remainder.specimens = specimens(
    *divisions, *refusals_of_pairs("remainder"), kink(call(whole, np.full(3, 2.0)), 1.0, [-2.0, 2.0, 0.0])
)
ops.mod.specimens = specimens(*divisions, *refusals_of_pairs("remainder"), reference=np.mod)
ops.floor_divide.specimens = specimens(
    *divisions, *refusals_of_pairs("floor_divide"), kink(call(whole, np.full(3, 2.0)), 0.0, 0.0),
    flat="it is flat everywhere",
)  # fmt: skip
ops.divmod.specimens = specimens(*divisions, *refusals_of_pairs("floor_divide"))
ops.positive.specimens = specimens(*one)
ops.fabs.specimens = specimens(
    *one, kink(call(np.zeros(1)), 0.0), refusal(call(normal(2), axis=0), TypeError, "fabs", "axis")
)
ops.signbit.specimens = specimens(*one)
ops.copysign.specimens = specimens(
    *pair, *refusals_of_pairs("copysign"), kink(call(np.zeros(2), np.array([-0.0, 1.0])), 0.0, 0.0)
)
