"""Attention block by block: what the ops of `blockwise.py` compute.

Of the scores, those of one block of queries with one block of keys are there at a time. The softmax of a row is put
together from its blocks with a running maximum and a running sum (Milakov and Gimelshein, arXiv 1805.02867). The
backward pass computes the scores again (Dao et al., arXiv 2205.14135), those of one block of queries at a time.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from minigrad.core.arrays import Array
from minigrad.ops.kernels import find_maxima, maximum_reduce, minimum_reduce, sum_last_axis, sum_of_products


class Sizes(NamedTuple):
    """Of a call: the leading axes, how many queries and keys, the width, and the type to compute in."""

    lead: tuple[int, ...]
    queries: int
    keys: int
    width: int
    dtype: np.dtype[Any]


def measure_sizes(tokens: Any, queries: int, *others: Any) -> Sizes:
    """The sizes of a call on tokens, and on others that have a say in the type."""
    *lead, length, width = tokens.shape
    floats = (x if isinstance(x, (int, float)) else x.dtype for x in (tokens, *others) if x is not None)
    return Sizes(tuple(lead), queries, (length - queries) // 2, width, np.result_type(np.float16, *floats))


def blockwise_attention(tokens: Any, mask: Any, bias: Any, queries: int, block: int, causal: bool) -> Any:
    """softmax(q kᵀ + bias) v, the tokens being queries, keys and values, one below the other."""
    of = measure_sizes(tokens, queries, bias)
    tokens = lay_out_rows(tokens, of)
    context = np.empty((*of.lead, of.queries, of.width), tokens.dtype)
    with np.errstate(divide="ignore", invalid="ignore"):  # limits of ±∞, and rows of −∞ without a mask: NaN
        for place, head, value in iterate_heads(of, tokens, mask, bias, block, causal):
            compute_context(head, value, context[place])
    return context.astype(of.dtype, copy=False)


def blockwise_attention_gradient(
    g: Any, tokens: Any, mask: Any, bias: Any, queries: int, block: int, causal: bool
) -> Any:
    """What flows back to the tokens from the cotangent of the context."""
    of = measure_sizes(tokens, queries, bias, g)
    g, tokens = lay_out_rows(g, of), lay_out_rows(tokens, of)
    gradient = np.zeros(tokens.shape, tokens.dtype)
    with np.errstate(divide="ignore", invalid="ignore"):
        for place, head, value in iterate_heads(of, tokens, mask, bias, block, causal):
            to_tokens = np.split(gradient[place], [of.queries, of.queries + of.keys])
            add_gradients(head, value, g[place], *to_tokens)
    return gradient.astype(of.dtype, copy=False)


def iterate_heads(
    of: Sizes, tokens: Array, mask: Any, bias: Any, block: int, causal: bool
) -> Iterator[tuple[tuple[int, ...], Head, Array]]:
    """For each place along the leading axes, what its scores are made of, and the values."""
    scores = (*of.lead, of.queries, of.keys)
    mask, bias = (None if x is None else np.broadcast_to(x, scores) for x in (mask, bias))
    for place in np.ndindex(of.lead):
        query, key, value = np.split(tokens[place], [of.queries, of.queries + of.keys])
        mask_here, bias_here = (None if x is None else x[place] for x in (mask, bias))
        yield place, Head(query, key, mask_here, bias_here, causal, block), value


def lay_out_rows(x: Any, of: Sizes) -> Array:
    """`x` row by row, in the type to compute in: float32 for float16, where sums neither overflow nor lose terms."""
    return np.ascontiguousarray(x, np.float32 if of.dtype.char == "e" else of.dtype)


SLACK = 16.0  # by which the scores of a row may exceed what is subtracted from them, or all stay below it


class Head(NamedTuple):
    """What the scores of one head are made of: matrices of a row per query, or per key, and of a column per key."""

    query: Array
    key: Array
    mask: Array | None
    bias: Array | None
    causal: bool
    block: int

    def rows(self) -> Iterator[slice]:
        return cut_blocks(len(self.query), self.block)

    def columns(self, rows: slice) -> Iterator[slice]:
        return find_visible_blocks(rows, len(self.key), self.block, self.causal)

    def scores(self, rows: slice, columns: slice, memory: Array) -> Array:
        """One block, written to the beginning of `memory`; nothing is hidden yet."""
        query, key = self.query[rows], self.key[columns]
        scores = np.matmul(query, key.T, out=shape_memory(memory, len(query), len(key)))
        if self.bias is not None:
            scores += self.bias[rows, columns]
        return scores

    def seen(self, rows: slice, columns: slice) -> Array | None:
        """Where a query of the block may attend to a key; None where it may everywhere."""
        mask = None if self.mask is None or self.mask[rows, columns].all() else self.mask[rows, columns]
        if not self.causal or columns.stop <= rows.start + 1:
            return mask
        sizes = rows.stop - rows.start, columns.stop - columns.start
        before = np.tri(*sizes, rows.start - columns.start, dtype=bool)
        return before if mask is None else mask & before

    def memory(self, columns: int) -> Array:
        """For the scores of a block of queries with so many keys."""
        return np.empty(min(len(self.query), self.block) * min(len(self.key), columns), self.query.dtype)


def cut_blocks(length: int, block: int) -> Iterator[slice]:
    """The places from 0 to `length`, block by block; the last may be shorter."""
    return (slice(start, min(start + block, length)) for start in range(0, length, block))


def find_visible_blocks(rows: slice, keys: int, block: int, causal: bool) -> Iterator[slice]:
    """The blocks of keys of which some query of `rows` may see some."""
    return cut_blocks(min(keys, -(-rows.stop // block) * block) if causal else keys, block)


def count_pairs(queries: int, keys: int, block: int, causal: bool) -> int:
    """How many scores are computed."""
    return sum(
        (rows.stop - rows.start) * (columns.stop - columns.start)
        for rows in cut_blocks(queries, block)
        for columns in find_visible_blocks(rows, keys, block, causal)
    )


def compute_context(head: Head, value: Array, out: Array) -> None:
    """softmax(scores) value, into `out`."""
    memory = head.memory(head.block)
    for rows in head.rows():
        softmax = RunningSoftmax(head, rows)
        weighted = np.zeros((rows.stop - rows.start, value.shape[1]), value.dtype)
        for columns in head.columns(rows):
            before = softmax.shift
            exponentials = softmax.add(columns, memory)
            weighted *= compute_fading(before, softmax.shift)
            weighted += exponentials @ value[columns]
        np.divide(weighted, softmax.divisor, out=out[rows])


def add_gradients(head: Head, value: Array, g: Array, to_query: Array, to_key: Array, to_value: Array) -> None:
    """Add what flows back from `g`, the cotangent of the context, to the queries, keys and values.

    The exponentials of one block of queries, and what flows back to them, are kept until the sums over all keys are
    known. The sums divide the few columns of `g` and of the queries, instead of rows of exponentials.
    """
    exponentials, pulls = head.memory(len(head.key)), head.memory(len(head.key))
    for rows in head.rows():
        softmax, kept = RunningSoftmax(head, rows), []
        count = rows.stop - rows.start
        along = np.zeros((count, 1), value.dtype)  # the mean pull on a row, once it is divided
        for columns in head.columns(rows):
            before, first = softmax.shift, count * columns.start
            exponential = softmax.add(columns, exponentials[first:])
            pull = np.matmul(g[rows], value[columns].T, out=shape_memory(pulls[first:], *exponential.shape))
            along *= compute_fading(before, softmax.shift)
            along += sum_of_products(exponential, pull)[:, None]
            kept.append((columns, exponential, pull, softmax.shift))
        along /= softmax.divisor
        for columns, exponential, pull, shift in kept:
            share = compute_fading(shift, softmax.shift) / softmax.divisor
            to_value[columns] += exponential.T @ (share * g[rows])
            pull -= along
            pull *= exponential
            to_query[rows] += share * (pull @ head.key[columns])
            to_key[columns] += pull.T @ (share * head.query[rows])


class RunningSoftmax:
    """The softmax of a block of queries, put together over the blocks of keys.

    `shift` is what is subtracted from the scores: the largest so far, but only to within SLACK, which leaves it 0 for
    scores of moderate size; `total` is the sum of the exponentials so far.
    """

    def __init__(self, head: Head, rows: slice) -> None:
        self.head, self.rows = head, rows
        self.shift, self.total = np.zeros((2, rows.stop - rows.start, 1), head.query.dtype)

    def add(self, columns: slice, memory: Array) -> Array:
        """exp(scores − shift) of one more block, and 0 where it is hidden, written to the beginning of `memory`."""
        scores, seen = self.head.scores(self.rows, columns, memory), self.head.seen(self.rows, columns)
        if self.shift.any():
            scores -= self.shift
        if self.is_moderate(scores):
            np.exp(scores, out=scores)
            if seen is not None:
                scores *= seen
        else:
            if seen is not None:
                hide_scores(scores, seen)
            rise = self.rise(scores)
            scores -= rise
            before, self.shift = self.shift, self.shift + rise
            self.total *= compute_fading(before, self.shift)
            np.exp(scores, out=scores)
        self.total += sum_last_axis(scores)
        return scores

    def is_moderate(self, scores: Array) -> bool:
        """Whether no exponential overflows, and of queries that have none so far they do not all vanish."""
        if not maximum_reduce(scores, None) <= SLACK:  # or NaN
            return False
        return bool(self.total.all() or minimum_reduce(scores, None) >= -SLACK)

    def rise(self, scores: Array) -> Array:
        """How far the maximum of each row has moved: not down where something is summed up already."""
        largest = find_maxima(scores, -1)
        moved = np.isfinite(largest) & (abs(largest) > SLACK) & ((largest > 0) | (self.total == 0))
        return np.where(moved, largest, 0)

    @property
    def divisor(self) -> Array:
        """What to divide by: the sums, but 1 for a query that may attend to nothing, whose exponentials are all 0."""
        head = self.head
        may_be_empty = head.mask is not None or head.causal or not len(head.key)
        return np.where(self.total > 0, self.total, 1) if may_be_empty else self.total


def compute_fading(before: Array, after: Array) -> Array:
    """What exponentials count for when more is subtracted from their scores; where less is, there were none."""
    return np.asarray(np.exp(np.minimum(before - after, 0)))


def hide_scores(scores: Array, mask: Array) -> None:
    """−∞ where the mask is False, whatever stood there: `where` branches at every element, ten times as slow."""
    limits = np.subtract(mask, 0.5, dtype=scores.dtype)
    limits /= 0  # ∞ or −∞
    np.fmin(scores, limits, out=scores)


def shape_memory(memory: Array, *shape: int) -> Array:
    """The beginning of `memory` as an array of this shape."""
    return memory[: math.prod(shape)].reshape(shape)
