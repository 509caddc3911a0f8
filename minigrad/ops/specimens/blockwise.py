"""Specimens of attention block by block."""

from __future__ import annotations

from typing import Any

from minigrad import ops
from minigrad.ops.blockwise import parts
from minigrad.ops.specimens.attention import attend
from minigrad.ops.specimens.calls import Call, Refusal, call, refusal, specimens
from minigrad.ops.specimens.draws import Draw, booleans, normal


def samples(*before: Draw) -> list[Call]:
    """Blocks that do and do not divide the length, masks, biases, leading axes, and nothing to attend to, or nobody.

    An array that is to stand before the tokens gets the shape of the context.
    """

    def one(length: int, mask: Any = None, bias: Any = None, lead: tuple[int, ...] = (), **params: Any) -> Call:
        first = [draw._replace(shape=(*lead, params["queries"], 2)) for draw in before]
        return call(*first, normal(*lead, length, 2), mask, bias, **params)

    return [
        one(7, queries=3, block=2), one(9, lead=(2, 2), queries=3, block=2, causal=True), one(3, queries=1, block=8),
        one(11, booleans(5, 3), queries=5, block=2), one(11, booleans(2, 1, 4), normal(3, 4), (2,), queries=3, block=3),
        one(9, None, normal(2, 3, 1), (2,), queries=3, block=1, causal=True), one(9, None, 0.5, queries=5, block=4),
        one(9, booleans(3, 3), None, queries=3, block=2, causal=True), one(3, queries=3, block=2),
        one(4, queries=0, block=2), one(3, lead=(0,), queries=1, block=2),
    ]  # fmt: skip


def refusals(name: str, *before: Draw) -> list[Refusal]:
    """What both ops refuse."""

    def one(tokens: Draw, *beside: Any, queries: int = 2, block: Any = 2) -> Call:
        return call(*before, tokens, *beside, queries=queries, block=block)

    return [
        refusal(one(normal(3)), ValueError, name, "(3,)", "queries + 2 · keys"),
        refusal(one(normal(5, 2)), ValueError, name, "(5, 2)", "queries=2", "other 3 rows"),
        refusal(one(normal(4, 2), queries=5), ValueError, name, "(4, 2)", "queries=5"),
        refusal(one(normal(8, 2), normal(2, 3)), TypeError, name, "mask", "booleans"),
        refusal(one(normal(8, 2), booleans(3, 3)), ValueError, name, "mask", "(3, 3)", "(2, 3)"),
        refusal(one(normal(8, 2), None, normal(4)), ValueError, name, "bias", "(4,)", "(2, 3)"),
        refusal(one(normal(8, 2), block=0), ValueError, name, "block=0", "at least 1"),
        refusal(one(normal(8, 2), block=2.0), TypeError, name, "block=2.0", "an integer"),
    ]


CONTEXT = normal(2, 2)

ops.blockwise_attention.specimens = specimens(
    *samples(),
    *refusals("blockwise_attention"),
    reference=lambda tokens, mask=None, bias=None, *, queries, block, causal=False: attend(
        *parts(tokens, queries), mask, bias, causal, 1.0
    ),
)
ops.blockwise_attention_gradient.specimens = specimens(
    *samples(CONTEXT),
    *refusals("blockwise_attention_gradient", CONTEXT),
    refusal(call(normal(2, 3), normal(4, 2), queries=2, block=2), ValueError, "g", "(2, 3)", "(2, 2)"),
)
