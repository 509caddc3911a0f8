"""Specimens of attention, and of what shares the width among heads."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minigrad import ops
from minigrad.ops.specimens.calls import call, refusal, specimens
from minigrad.ops.specimens.draws import booleans, normal


def attend(
    query: Any, key: Any, value: Any, mask: Any = None, bias: Any = None, causal: bool = False,
    scale: float | None = None, block: int | None = None,
) -> Any:  # fmt: skip
    """Attention as one reads it in a book, on arrays."""
    scores = query @ np.swapaxes(key, -1, -2) * (1 / math.sqrt(query.shape[-1]) if scale is None else scale)
    scores = scores if bias is None else scores + bias
    allowed = np.ones(scores.shape, bool) if mask is None else np.broadcast_to(mask, scores.shape)
    allowed = np.tril(allowed) if causal else allowed
    weights = np.where(allowed, np.exp(scores), 0)
    total = weights.sum(-1, keepdims=True)
    return weights / np.where(total > 0, total, 1) @ value


ops.scaled_dot_product_attention.specimens = specimens(
    call(normal(3, 2), normal(4, 2), normal(4, 5)),
    call(normal(2, 3, 2), normal(2, 3, 2), normal(2, 3, 2), causal=True),
    call(normal(2, 2, 3, 2), normal(2, 2, 4, 2), normal(2, 2, 4, 2), mask=booleans(2, 1, 1, 4)),
    call(normal(3, 2), normal(3, 2), normal(3, 2), booleans(3, 3), normal(3, 3), causal=True, scale=1.0),
    call(normal(3, 2), normal(4, 2), normal(4, 2), bias=normal(3, 4), scale=0.3),
    call(normal(3, 2), normal(0, 2), normal(0, 4)), call(normal(0, 2), normal(3, 2), normal(3, 4)),
    call(normal(5, 2), normal(4, 2), normal(4, 3), block=2),
    call(normal(2, 3, 3), normal(4, 3), normal(2, 1, 4, 2), booleans(3, 4), normal(2, 1, 3, 1), True, block=3),
    refusal(call(normal(3), normal(3), normal(3)), ValueError, "at least two axes", "query (3,)"),
    refusal(call(normal(2, 3), normal(2, 4), normal(2, 4)), ValueError, "differ in width", "(2, 3)", "(2, 4)"),
    refusal(call(normal(2, 3), normal(4, 3), normal(5, 3)), ValueError, "differ in length", "(4, 3)", "(5, 3)"),
    refusal(call(normal(2, 0), normal(2, 0), normal(2, 3)), ValueError, "width of 0", "(2, 0)"),
    refusal(call(normal(2, 3), normal(2, 3), normal(2, 3), normal(2, 2)), TypeError, "mask", "booleans", "bias="),
    refusal(call(normal(2, 3), normal(2, 3), normal(2, 3), booleans(3, 3)), ValueError, "mask", "(3, 3)", "(2, 2)"),
    refusal(call(normal(2, 3), normal(2, 3), normal(2, 3), bias=normal(3)), ValueError, "bias", "(3,)", "(2, 2)"),
    *(refusal(call(normal(2, 3), normal(2, 3), normal(2, 3), block=block), error, f"block={block}", expected)
      for block, error, expected in ((0, ValueError, "at least 1"), (-4, ValueError, "at least 1"),
                                     (2.0, TypeError, "an integer"), (True, TypeError, "an integer"))),
    refusal(call(normal(2, 3), normal(2, 3), normal(2, 3), normal(2, 2), block=2), TypeError, "mask", "booleans"),
    refusal(call(normal(2, 2, 3), normal(3, 2, 3), normal(2, 3), block=2), ValueError, "query (2,)", "key (3,)"),
    reference=attend,
)  # fmt: skip
ops.split_heads.specimens = specimens(
    call(normal(3, 4), heads=2), call(normal(2, 3, 6), heads=3), call(normal(0, 4), heads=1),
    refusal(call(normal(3, 4), heads=3), ValueError, "split_heads", "width of 4", "(3, 4)", "3 heads"),
    refusal(call(normal(3, 4), heads=0), ValueError, "split_heads", "0 heads"),
    refusal(call(normal(4), heads=2), ValueError, "split_heads", "(4,)"),
    refusal(call(normal(), heads=2), ValueError, "split_heads", "()"),
)  # fmt: skip
ops.merge_heads.specimens = specimens(
    call(normal(2, 3, 4)), call(normal(2, 2, 3, 1)), call(normal(2, 0, 4)),
    refusal(call(normal(3, 4)), ValueError, "merge_heads", "(…, heads, tokens, width)", "(3, 4)"),
)  # fmt: skip
