"""Samples and refusals that many elementwise ops share."""

from __future__ import annotations

from minigrad.ops.specimens.calls import Refusal, call, refusal
from minigrad.ops.specimens.draws import between, normal, positive

one = (call(normal(2, 3)),)
wide = (call(between(-4, 4, 2, 5)), call(between(-1, 1, 6)), call(normal()))
positives = (call(positive(2, 3)), call(positive()))
pair = (
    call(normal(2, 3), normal(2, 3)), call(normal(3, 1), normal(4)), call(normal(2, 3), 1.5), call(2.5, normal(3)),
    call(normal(), normal(2, 1)),
)  # fmt: skip


def refusals_of_pairs(function: str) -> list[Refusal]:
    """What every op of two operands refuses: shapes that do not broadcast."""
    return [refusal(call(normal(2, 3), normal(4)), ValueError, function, "(2, 3)", "(4,)")]
