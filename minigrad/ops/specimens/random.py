"""Specimens of random draws."""

from __future__ import annotations

from minigrad import ops
from minigrad.ops.specimens.calls import Refusal, call, refusal, specimens
from minigrad.ops.specimens.draws import Generator


def refusals_of_draws(function: str) -> list[Refusal]:
    """What both draws refuse."""
    return [
        refusal(call(shape=(2,)), TypeError, function, "generator", "missing"),
        refusal(call(shape=(2,), generator=0), TypeError, function, "numpy.random.Generator", "int"),
        refusal(call(shape=(2,), dtype="int64", generator=Generator()), TypeError, function, "float32", "int64"),
        refusal(call(shape=(-1,), generator=Generator()), ValueError, function, "negative", "(-1,)"),
    ]


ops.random_uniform.specimens = specimens(*refusals_of_draws("random_uniform"))
ops.random_normal.specimens = specimens(*refusals_of_draws("random_normal"))
