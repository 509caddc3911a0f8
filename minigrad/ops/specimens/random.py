"""Specimens of random draws."""

from __future__ import annotations

from minigrad import ops
from minigrad.ops.specimens.calls import call, refusal, specimens
from minigrad.ops.specimens.draws import Generator

for function in (ops.random_uniform, ops.random_normal):
    function.specimens = specimens(
        refusal(call(shape=(2,)), TypeError, function.name, "generator", "missing"),
        refusal(call(shape=(2,), generator=0), TypeError, function.name, "numpy.random.Generator", "int"),
        refusal(call(shape=(2,), dtype="int64", generator=Generator()), TypeError, function.name, "float32", "int64"),
        refusal(call(shape=(-1,), generator=Generator()), ValueError, function.name, "negative", "(-1,)"),
    )
