"""Attention block by block in plain NumPy: what the ops of `blockwise.py` compute with.

The scores of a block of queries against a block of keys are all that is ever there of them. The softmax of a row is
put together from its blocks with a running maximum and a running sum (Milakov and Gimelshein, arXiv 1805.02867), and
the backward pass computes the scores again (Dao et al., arXiv 2205.14135).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from minigrad.base.arrays import Array
from minigrad.ops.kernels import maxima, row_sums, sum_of_products


class Head(NamedTuple):
    """What the scores of one head are made of: matrices of a row per query, or per key, and of a column per key."""

    query: Array
    key: Array
    mask: Array | None
    bias: Array | None
    causal: bool
    block: int

    def scores(self, rows: slice, columns: slice) -> Array:
        """One block; −∞ where the mask is False or the key comes after the query."""
        scores: Array = self.query[rows] @ self.key[columns].T
        if self.bias is not None:
            scores += self.bias[rows, columns]
        if self.mask is not None:
            hide(scores, self.mask[rows, columns])
        if self.causal and columns.stop > rows.start + 1:
            hide(scores, np.tri(*scores.shape, rows.start - columns.start, dtype=bool))
        return scores

    def divisor(self, total: Array) -> Array:
        """Sums of exponentials to divide by; a query that may attend to nothing gets zeros, 0 / 1."""
        may_be_empty = self.mask is not None or self.causal or not len(self.key)
        return np.where(total > 0, total, 1) if may_be_empty else total


def hide(scores: Array, mask: Array) -> None:
    """−∞ where the mask is False, whatever stood there: `where` branches at every element, and is ten times slower."""
    limits = np.subtract(mask, 0.5, dtype=scores.dtype)
    limits /= 0  # ∞ or −∞
    np.fmin(scores, limits, out=scores)


def blocks(length: int, block: int) -> Iterator[slice]:
    return (slice(start, min(start + block, length)) for start in range(0, length, block))


def visible(rows: slice, keys: int, block: int, causal: bool) -> Iterator[slice]:
    """The blocks of keys of which some query of `rows` may see some."""
    return blocks(min(keys, -(-rows.stop // block) * block) if causal else keys, block)


def pairs(queries: int, keys: int, block: int, causal: bool) -> int:
    """How many scores are computed."""
    return sum(
        (rows.stop - rows.start) * (columns.stop - columns.start)
        for rows in blocks(queries, block)
        for columns in visible(rows, keys, block, causal)
    )


def context_of(head: Head, value: Array, out: Array) -> None:
    """softmax(scores) value, into `out`."""
    for rows in blocks(len(head.query), head.block):
        _, total, weighted = running_softmax(head, rows, value)
        np.divide(weighted, head.divisor(total), out=out[rows])


def gradients_of(
    head: Head, value: Array, context: Array, g: Array, to_query: Array, to_key: Array, to_value: Array
) -> None:
    """Add what flows back from `g`, the cotangent of the context, to the queries, keys and values."""
    for rows in blocks(len(head.query), head.block):
        shift, total, _ = running_softmax(head, rows, value[:, :0])
        share = g[rows] / head.divisor(total)  # dividing these few columns divides the exponentials of the whole row
        along = sum_of_products(share, context[rows])[:, None]
        for columns in visible(rows, len(head.key), head.block, head.causal):
            exponentials = head.scores(rows, columns)
            exponentials -= shift
            np.exp(exponentials, out=exponentials)
            to_value[columns] += exponentials.T @ share
            slopes = share @ value[columns].T
            slopes -= along
            slopes *= exponentials
            to_query[rows] += slopes @ head.key[columns]
            to_key[columns] += slopes.T @ head.query[rows]


def running_softmax(head: Head, rows: slice, value: Array) -> tuple[Array, Array, Array]:
    """For a block of queries, what softmax needs of each row of scores, over all blocks of keys.

    Returns:
        what was subtracted from the scores (the largest one, or 0 where none is finite), the sums of the exponentials,
        and their products with the values.
    """
    count = rows.stop - rows.start
    largest = np.full((count, 1), -np.inf, value.dtype)
    shift, total = np.zeros((2, count, 1), value.dtype)
    weighted = np.zeros((count, value.shape[1]), value.dtype)
    for columns in visible(rows, len(head.key), head.block, head.causal):
        exponentials = head.scores(rows, columns)
        before, largest = largest, np.maximum(largest, maxima(exponentials, -1))
        shift = np.where(np.isfinite(largest), largest, 0)
        exponentials -= shift
        np.exp(exponentials, out=exponentials)
        faded = np.exp(before - shift)  # what the earlier blocks count for, now that the maximum has grown
        total = total * faded + row_sums(exponentials)
        weighted *= faded
        weighted += exponentials @ value[columns]
    return shift, total, weighted
