"""What a page shows of an array: at most 16 by 16 of its elements, and statistics and a histogram of all of them.

Of attention it shows all tokens, up to 64, in all heads: such an array is a map, and packed apart from the others.

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

from minigrad.drawing.scopes import order_of
from minigrad.graph import Backward, Graph, Node
from minigrad.graph.node import Array

MOST_NUMBERS, PER_NODE, FROM = 20_000, 150, 400  # in all arrays of a page; more for each node above 400
MOST_IN_MAPS = 1_000_000  # numbers of all maps of attention
SUM_DIGITS = 7  # significant, of what is added up
ATTENTION_NAMES = ("scores", "weights", "biased scores")  # of nodes of queries by keys
ATTENTION_OPS = ("softmax",)  # ops that make such nodes, in a scope of attention
BINS = 12
FEWEST_FOR_HISTOGRAM = 12  # elements
LARGEST_WHOLE = 2**53  # integers beyond are not exact in JavaScript

Number = int | float | str  # not finite numbers are strings: JSON has none
Note = list[str | int]  # a sentence of the page, in whatever language: its key and what is filled in


class Axis(NamedTuple):
    """Some of `size` places, in order."""

    size: int
    places: Sequence[int]

    @property
    def shown(self) -> int:
        return len(self.places)

    @property
    def selection(self) -> slice | list[int]:
        """The places as NumPy takes them."""
        return slice(None, None, self.places.step) if isinstance(self.places, range) else [*self.places]


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
        slices, rows, columns = (axis.selection for axis in self)
        return np.asarray(array).reshape([axis.size for axis in self])[slices][:, rows][:, :, columns]

    @property
    def elements(self) -> int:
        return math.prod(axis.shown for axis in self)

    @property
    def complete(self) -> bool:
        return self.elements == math.prod(axis.size for axis in self)


class Limits(NamedTuple):
    """The most that is shown of an array: rows and columns; and significant digits."""

    side: int
    digits: int = 6


class MapLimits(NamedTuple):
    """The most that is shown of attention: tokens on each side, and heads."""

    tokens: int
    heads: int


class Sampling(NamedTuple):
    """Where the arrays of a node are sampled, and the significant digits of its value and of its gradient."""

    grid: Grid
    digits: int
    gradient_digits: int
    is_map: bool = False  # of attention: all tokens, in all heads


# The most that is shown, then less and less for larger graphs.
LADDER = (
    *(Limits(side) for side in (16, 14, 12)),
    *(Limits(side, 5) for side in (12, 11, 10)),
    *(Limits(side, 4) for side in (10, 9, 8, 7, 6, 5, 4)),
)
MAP_LADDER = (
    MapLimits(64, 1_024), MapLimits(64, 16), MapLimits(64, 4), MapLimits(32, 4), MapLimits(16, 4), MapLimits(8, 2),
    MapLimits(4, 1),
)  # fmt: skip
MAP_DIGITS = 4
LARGEST_SMALL = LADDER[0].side ** 2  # elements of a map that counts as any other array


def choose_samplings(graph: Graph, flows: Sequence[Backward]) -> tuple[list[Sampling], list[Note]]:
    """The sampling of each node, and notes on what is not shown of arrays: keys of the page's texts, and their values.

    Fewer digits will do for gradients that are their only contribution, bit by bit, and thus one array.
    """
    limits, maps = _choose_limits(graph, flows)
    added: dict[int, list[Array]] = {}
    for flow in flows:
        added.setdefault(flow.target.number, []).append(flow.contribution)

    def is_sum(node: Node) -> bool:
        contributions = added.get(node.number, [])
        if len(contributions) != 1 or node.gradient is None:
            return bool(contributions)
        return not np.array_equal(contributions[0], node.gradient, equal_nan=True)

    def sample(node: Node) -> Sampling:
        attention = is_attention(node)
        grid = choose_map_grid(node.shape, maps) if attention else choose_grid(node.shape, limits, node.gradient)
        digits = MAP_DIGITS if attention else limits.digits
        return Sampling(grid, digits, SUM_DIGITS if is_sum(node) else digits, attention)

    samplings = [sample(node) for node in graph]
    return samplings, _write_notes(samplings, limits)


def _choose_limits(graph: Graph, flows: Iterable[Backward]) -> tuple[Limits, MapLimits]:
    """As much of each array as keeps the page small."""
    writes = Counter(flow.target.number for flow in flows)

    def count_arrays(node: Node) -> int:
        # The only contribution to a gradient is the gradient.
        kept = (node.value is not None) + (node.gradient is not None)
        return kept + (writes[node.number] if writes[node.number] > 1 else 0)

    plain, attention = Counter[tuple[int, ...]](), Counter[tuple[int, ...]]()  # arrays of each shape
    for node in graph:
        (attention if is_attention(node) else plain)[node.shape] += count_arrays(node)
    most = MOST_NUMBERS + PER_NODE * max(0, len(graph) - FROM)
    for limits in LADDER:
        if sum(choose_grid(shape, limits).elements * arrays for shape, arrays in plain.items()) <= most:
            break
    for maps in MAP_LADDER:
        if sum(choose_map_grid(shape, maps).elements * arrays for shape, arrays in attention.items()) <= MOST_IN_MAPS:
            break
    return limits, maps


def is_attention(node: Node) -> bool:
    """Are the last two axes queries and keys?"""
    named = node.name in ATTENTION_NAMES or (node.op in ATTENTION_OPS and "attention" in node.scope)
    return named and node.role == "op" and len(node.shape) >= 2 and order_of(node) == 0


def _write_notes(samplings: Iterable[Sampling], limits: Limits) -> list[Note]:
    cut = [sampling.is_map for sampling in samplings if not sampling.grid.complete]
    plain, maps = cut.count(False), cut.count(True)
    notes: list[Note] = [["cutArrays", plain, limits.side]] if plain else []
    notes += [["cutMaps", maps]] if maps else []
    return [*notes, ["rounded", limits.digits, SUM_DIGITS]] if cut else []


def choose_grid(shape: Sequence[int], limits: Limits, gradient: Array | None = None) -> Grid:
    """Where arrays of `shape` are sampled: at equal distances, or, where most of the gradient is 0, where it is not.

    >>> choose_grid((2, 3, 40), LADDER[0]).rows
    Axis(size=6, places=range(0, 6))
    >>> choose_grid((40,), LADDER[0], np.eye(1, 40, 20)[0]).columns
    Axis(size=40, places=[0, 3, 6, 9, 12, 15, 18, 20, 21, 24, 27, 30, 33, 36, 39])
    """
    *leading, last, columns = (1, 1, *shape)
    rows = math.prod(leading) * last
    if gradient is None or not rows * columns or max(rows, columns) <= limits.side:
        return Grid(Axis(1, range(1)), _thin(rows, limits.side), _thin(columns, limits.side))
    present = gradient.reshape(rows, columns) != 0
    return Grid(
        Axis(1, range(1)),
        _thin(rows, limits.side, present.any(axis=1)),
        _thin(columns, limits.side, present.any(axis=0)),
    )


def choose_map_grid(shape: Sequence[int], limits: MapLimits) -> Grid:
    """Where attention is sampled: tokens by tokens for each head.

    >>> [axis.places for axis in choose_map_grid((2, 2, 3, 40), MAP_LADDER[0])]
    [range(0, 4), range(0, 3), range(0, 40)]
    """
    *leading, rows, columns = shape
    slices = math.prod(leading)
    return Grid(_thin(slices, limits.heads), _thin(rows, limits.tokens), _thin(columns, limits.tokens))


def _thin(size: int, most: int, present: Array | None = None) -> Axis:
    """At most `most` places at equal distances; where fewer than half of all are `present`, of these as many as fit."""
    regular = range(0, size, max(1, -(-size // most)))
    if present is None or len(regular) == size or not 0 < present.sum() < size / 2:
        return Axis(size, regular)
    occupied = np.flatnonzero(present).tolist()
    occupied = occupied[:: -(-len(occupied) // most)]
    empty = [place for place in regular if place not in occupied][: most - len(occupied)]
    return Axis(size, sorted([*occupied, *empty]))


@dataclass
class Arrays:
    """The arrays of a page, each written once however many places show it; `maps` are the places of maps."""

    rows: list[list[Number]] = field(default_factory=list)
    maps: set[int] = field(default_factory=set)
    _known: dict[bytes, int] = field(default_factory=dict)  # by what is written
    _sampled: dict[tuple[bytes, str, int], int] = field(default_factory=dict)  # by the array, its type and digits

    def add(self, array: Array, sampling: Sampling, digits: int) -> int:
        """The place of what is shown of an array in `rows`, rounded to `digits` significant digits."""
        sample = sampling.grid.pick(array)
        place = self.add_sample(sample, digits)
        if sampling.is_map and sample.size > LARGEST_SMALL:
            self.maps.add(place)
        return place

    def add_sample(self, sample: Array, digits: int) -> int:
        """As `add`, for what has been sampled before."""
        exact = sample.tobytes(), sample.dtype.str, digits
        if exact not in self._sampled:
            numbers = round_numbers(sample, digits)
            self._sampled[exact] = self._known.setdefault(repr(numbers).encode(), len(self.rows))
            if self._sampled[exact] == len(self.rows):
                self.rows.append(numbers)
        return self._sampled[exact]


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
    array = np.asarray(array)  # what is read-only takes twice the time
    finite = array[np.isfinite(array)].astype(np.float64)
    counts = {"nan": int(np.isnan(array).sum()), "inf": int(np.isinf(array).sum())}
    if not finite.size:
        return counts
    low, high = float(finite.min()), float(finite.max())
    with np.errstate(over="ignore"):  # the norm of huge elements is shown as inf
        numbers = {"min": low, "max": high, "mean": finite.mean(), "norm": np.linalg.norm(finite)}
    summary: dict[str, Any] = {name: round_number(float(x)) for name, x in numbers.items()} | counts
    if finite.size >= FEWEST_FOR_HISTOGRAM and low < high:
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
