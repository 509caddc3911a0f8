"""What a page shows of an array: at most 16 by 16 of its elements, and statistics and a histogram of all of them.

In come arrays of a node (its value, its gradient, what is added to that), out go plain numbers. All arrays of one node
are sampled at the same places, so that what adds up in the engine adds up on the page.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from minigrad.drawing.explorer.walk import Flow
from minigrad.drawing.scopes import order_of
from minigrad.graph import Graph, Node
from minigrad.graph.node import Array

MOST_NUMBERS, PER_NODE, FROM = 20_000, 150, 400  # in all arrays of a page; more for each node above 400
SUM_DIGITS = 7  # significant, of what is added up
ATTENTION_NAMES = ("scores", "weights", "biased scores")  # of nodes of queries by keys
ATTENTION_OPS = ("softmax",)  # ops that make such nodes, in a scope of attention
BINS = 12
FEWEST_FOR_HISTOGRAM = 12  # elements
LARGEST_WHOLE = 2**53  # integers beyond are not exact in JavaScript

Number = int | float | str  # not finite numbers are strings: JSON has none


class Axis(NamedTuple):
    """Every `stride`-th of `size` places, beginning with the first."""

    size: int
    stride: int

    @property
    def shown(self) -> int:
        return len(range(0, self.size, self.stride))


class Grid(NamedTuple):
    """Which elements of an array are shown: `slices` matrices of `rows` by `columns`.

    The last axis is that of the columns, the one before that of the rows. Leading axes are folded into the rows, or,
    where `sliced`, into slices: the heads of attention.
    """

    slices: Axis
    rows: Axis
    columns: Axis

    def pick(self, array: Array) -> Array:
        """The elements that are shown, of shape (slices, rows, columns).

        >>> choose_grid((2, 40), Limits(8)).pick(np.arange(80).reshape(2, 40))[0, 1]
        array([40, 45, 50, 55, 60, 65, 70, 75])
        """
        whole = array.reshape([axis.size for axis in self])
        return whole[:: self.slices.stride, :: self.rows.stride, :: self.columns.stride]

    @property
    def elements(self) -> int:
        return math.prod(axis.shown for axis in self)

    @property
    def complete(self) -> bool:
        return self.elements == math.prod(axis.size for axis in self)


class Limits(NamedTuple):
    """The most that is shown of an array: rows and columns, of attention tokens and heads; and significant digits."""

    side: int
    tokens: int = 16
    heads: int = 8
    digits: int = 6


class Sampling(NamedTuple):
    """Where the arrays of a node are sampled, and the significant digits of its value and of its gradient."""

    grid: Grid
    digits: int
    gradient_digits: int


# The most that is shown, then less and less for larger graphs.
LADDER = (
    *(Limits(side) for side in (16, 14, 12)),
    *(Limits(side, heads=4, digits=5) for side in (12, 11, 10)),
    *(Limits(side, heads=4, digits=4) for side in (10, 9, 8)),
    *(Limits(side, tokens=12, heads=4, digits=4) for side in (8, 7, 6)),
    *(Limits(side, tokens=8, heads=4, digits=4) for side in (6, 5, 4)),
    Limits(4, tokens=8, heads=2, digits=4),
    Limits(4, tokens=4, heads=2, digits=4),
)


def choose_samplings(graph: Graph, flows: Sequence[Flow]) -> tuple[list[Sampling], list[str]]:
    """The sampling of each node, and notes on what is not shown of arrays.

    Fewer digits will do for gradients that are their only contribution, bit by bit, and thus one array.
    """
    limits = _choose_limits(graph, flows)
    added: dict[int, list[Array]] = {}
    for flow in flows:
        added.setdefault(flow.target.number, []).append(flow.contribution)

    def is_sum(node: Node) -> bool:
        contributions = added.get(node.number, [])
        if len(contributions) != 1 or node.gradient is None:
            return bool(contributions)
        return not np.array_equal(contributions[0], node.gradient, equal_nan=True)

    digits = limits.digits
    samplings = [
        Sampling(_choose_grid_of(node, limits), digits, SUM_DIGITS if is_sum(node) else digits) for node in graph
    ]
    return samplings, _write_notes(samplings, limits)


def _choose_limits(graph: Graph, flows: Iterable[Flow]) -> Limits:
    """As much of each array as keeps the page small."""
    most = MOST_NUMBERS + PER_NODE * max(0, len(graph) - FROM)
    writes = Counter(flow.target.number for flow in flows)
    # The only contribution to a gradient is the gradient.
    arrays = [
        (node.value is not None) + (node.gradient is not None) + (writes[node.number] if writes[node.number] > 1 else 0)
        for node in graph
    ]
    for limits in LADDER:
        if sum(_choose_grid_of(node, limits).elements * arrays[node.number] for node in graph) <= most:
            break
    return limits


def _choose_grid_of(node: Node, limits: Limits) -> Grid:
    """Where the arrays of a node are sampled: attention head by head, everything else as one matrix."""
    return choose_grid(node.shape, limits, sliced=is_attention(node))


def is_attention(node: Node) -> bool:
    """Are the last two axes queries and keys?"""
    named = node.name in ATTENTION_NAMES or (node.op in ATTENTION_OPS and "attention" in node.scope)
    return named and node.role == "op" and len(node.shape) >= 2 and order_of(node) == 0


def _write_notes(samplings: Iterable[Sampling], limits: Limits) -> list[str]:
    """What is not shown of arrays, a sentence each."""
    cut = sum(not sampling.grid.complete for sampling in samplings)
    notes = [
        f"Of {cut:,} larger arrays, at most {limits.side} × {limits.side} elements are shown, at equal distances; "
        "statistics and histograms are of all elements.",
        f"Numbers are rounded to {limits.digits} significant digits, those of sums to {SUM_DIGITS}.",
    ]
    return notes if cut else []


def choose_grid(shape: Sequence[int], limits: Limits, sliced: bool = False) -> Grid:
    """Where arrays of `shape` are sampled.

    >>> choose_grid((2, 3, 40), LADDER[0], sliced=True)
    Grid(slices=Axis(size=2, stride=1), rows=Axis(size=3, stride=1), columns=Axis(size=40, stride=3))
    >>> choose_grid((2, 3, 40), LADDER[0]).rows
    Axis(size=6, stride=1)
    """
    *leading, rows, columns = (1, 1, *shape)
    slices = math.prod(leading)
    if not sliced:
        return Grid(Axis(1, 1), _thin(slices * rows, limits.side), _thin(columns, limits.side))
    return Grid(_thin(slices, limits.heads), _thin(rows, limits.tokens), _thin(columns, limits.tokens))


def _thin(size: int, most: int) -> Axis:
    return Axis(size, max(1, -(-size // most)))


@dataclass
class Arrays:
    """The arrays of a page, each written once however many places show it."""

    rows: list[list[Number]] = field(default_factory=list)
    _known: dict[bytes, int] = field(default_factory=dict)

    def add(self, sample: Array, digits: int) -> int:
        """The place of what is shown of an array in `rows`, rounded to `digits` significant digits."""
        numbers = round_numbers(sample, digits)
        key = repr(numbers).encode()
        if key not in self._known:
            self._known[key] = len(self.rows)
            self.rows.append(numbers)
        return self._known[key]


def round_numbers(array: Array, digits: int) -> list[Number]:
    """The elements as JSON can hold them, in order.

    >>> round_numbers(np.array([1.0, 2 / 3, np.nan, -np.inf]), 3)
    [1, 0.667, 'NaN', '-inf']
    """
    if array.dtype.kind == "f":
        return [round_number(x, digits) for x in array.ravel().tolist()]
    return [x if abs(x) < LARGEST_WHOLE else float(x) for x in map(int, array.ravel().tolist())]


def round_number(x: float, digits: int = 7) -> Number:
    if math.isnan(x):
        return "NaN"
    if math.isinf(x):
        return "inf" if x > 0 else "-inf"
    rounded = float(f"{x:.{digits}g}")
    return int(rounded) if rounded.is_integer() and abs(rounded) < 1e9 else rounded


def summarise(array: Array) -> dict[str, Any]:
    """Smallest, largest, mean and Euclidean norm of the finite elements, and how many are not finite.

    >>> summarise(np.array([3.0, 4.0, np.nan]))
    {'min': 3, 'max': 4, 'mean': 3.5, 'norm': 5, 'nan': 1, 'inf': 0}
    """
    finite = array[np.isfinite(array)].astype(np.float64)
    counts = {"nan": int(np.isnan(array).sum()), "inf": int(np.isinf(array).sum())}
    if not finite.size:
        return counts
    with np.errstate(over="ignore"):  # the norm of huge elements is shown as inf
        numbers = {"min": finite.min(), "max": finite.max(), "mean": finite.mean(), "norm": np.linalg.norm(finite)}
    summary: dict[str, Any] = {name: round_number(float(x)) for name, x in numbers.items()} | counts
    if finite.size >= FEWEST_FOR_HISTOGRAM and finite.min() < finite.max():
        summary["histogram"] = count_in_bins(finite)
    return summary


def count_in_bins(finite: Array) -> list[int]:
    """How many elements are in each of 12 bins of one width, from the smallest to the largest.

    >>> count_in_bins(np.arange(24.0))
    [2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2]
    """
    # Halves, because the difference of two huge numbers is infinite.
    low, high = finite.min() / 2, finite.max() / 2
    place = (finite / 2 - low) / (high - low) * BINS if high > low else np.zeros(finite.shape)
    return [int(count) for count in np.bincount(np.minimum(place.astype(np.int64), BINS - 1), minlength=BINS)]
