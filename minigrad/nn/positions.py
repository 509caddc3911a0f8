"""Positional encodings: what tells a transformer the order of its tokens.

The modules take (…, tokens, width) and add one vector per position, or append it to the last axis. `rotary` turns
queries and keys instead, and `linear_biases` are added to the scores of attention.
"""

from __future__ import annotations

import functools
from operator import index
from typing import Any, Literal

import numpy as np

from minigrad import ops
from minigrad.core.arrays import Array, real_array
from minigrad.core.modes import scope
from minigrad.core.tensor import Tensor, constant
from minigrad.nn.layers import check_sizes
from minigrad.nn.module import Module, check_precision, new_parameter
from minigrad.ops.attention import give_name

Combine = Literal["add", "concatenate"]


class SinusoidalPositions(Module):
    """Sines and cosines of the position, with wavelengths from 2π to 20,000π (Vaswani et al., 2017, section 3.5).

    Args:
        width: length of the encoding; with "add" that of the tokens.
        combine: "add" to the tokens, or "concatenate" with them, which makes the last axis longer by `width`.
        learnable_scale: multiply the encoding with a trained `gain`, 1 at first (Li et al., arXiv 1809.08895, eq. 1).

    Any number of tokens will do: the encoding is computed, not stored.

    Raises:
        ValueError: a width that is not a whole number, at least 1, or another `combine`.

    >>> SinusoidalPositions(4)(np.zeros((2, 4))).numpy().round(4).tolist()
    [[0.0, 1.0, 0.0, 1.0], [0.8415, 0.5403, 0.01, 1.0]]
    """

    def __init__(
        self, width: int, combine: Combine = "add", learnable_scale: bool = False, dtype: Any = np.float32
    ) -> None:
        check_sizes("SinusoidalPositions", width=width)
        self.width = width
        self.combine = check_combine("SinusoidalPositions", combine)
        self.gain = new_parameter(1.0, dtype, "gain") if learnable_scale else None

    def forward(self, x: Any, start: Any = 0) -> Any:
        """`x` (…, tokens, width) with the positions `start`, `start` + 1, … put in.

        Args:
            start: a whole number, or a Tensor of one (`KeyValueCache.begin`), which may differ from call to call of a
                compiled function.

        Raises:
            ValueError: what is not floats (…, tokens, width), or of another width than is added to it.
        """
        check_tokens(x)
        encoding = _make_encoding(start, x.shape[-2], self.width, np.dtype(x.dtype))
        if self.gain is not None:
            check_precision(x, self.gain)
            encoding = encoding * self.gain
        return combine_positions(x, encoding, self.combine)


class LearnedPositions(Module):
    """A trained vector for each of `count` positions, standard normal at first.

    Args:
        count: how many positions there are; `weight` is (count, width).
        width, combine: as `SinusoidalPositions` takes them.
        rng: draws the initial weight.

    Raises:
        ValueError: a size that is not a whole number, at least 1, or another `combine`.

    >>> positions = LearnedPositions(16, 4, np.random.default_rng(0), combine="concatenate")
    >>> positions(np.zeros((2, 3, 8), np.float32)).shape
    (2, 3, 12)
    """

    def __init__(
        self, count: int, width: int, rng: np.random.Generator, combine: Combine = "add", dtype: Any = np.float32
    ) -> None:
        check_sizes("LearnedPositions", count=count, width=width)
        self.combine = check_combine("LearnedPositions", combine)
        self.weight = new_parameter(rng.standard_normal((count, width)), dtype, "weight")

    def forward(self, x: Any, start: Any = 0) -> Any:
        """`x` (…, tokens, width) with the positions `start`, `start` + 1, … put in; arguments as above.

        Raises:
            ValueError: positions that were not made, and what `SinusoidalPositions` raises.
        """
        check_tokens(x)
        check_precision(x, self.weight)
        if isinstance(start, Tensor):
            return combine_positions(x, ops.embedding(self.weight, _make_positions(start, x.shape[-2])), self.combine)
        stop = start + x.shape[-2]
        if start < 0 or stop > len(self.weight):
            raise ValueError(
                f"LearnedPositions: positions {start} … {stop - 1} are wanted, 0 … {len(self.weight) - 1} were made; "
                "take fewer tokens or a larger count"
            )
        return combine_positions(x, ops.index(self.weight, slice(start, stop)), self.combine)


def rotary(x: Any, start: Any = 0) -> Any:
    """Queries or keys, each pair of coordinates turned by an angle that grows with the position.

    The product of a turned query with a turned key depends on where they stand only through their distance (Su et al.,
    arXiv 2104.09864, eq. 15 and 34). Values are left as they are.

    Args:
        x: (…, tokens, width) with an even width; coordinates 2i and 2i + 1 are a pair.
        start: the position of the first token, a whole number or a Tensor of one.

    Returns:
        The same shape: pair i turned by position / 10000^(2i / width), the angles of `sinusoids`.

    Raises:
        ValueError: what is not floats (…, tokens, width), or a width that is odd.

    >>> rotary(Tensor([[1.0, 0.0], [1.0, 0.0]])).numpy().round(4).tolist()
    [[1.0, 0.0], [0.5403, 0.8415]]
    """
    x = x if isinstance(x, Tensor) else real_array(x)
    check_tokens(x)
    if x.shape[-1] % 2:
        raise ValueError(f"rotary: coordinates are turned in pairs, so the width must be even; got {x.shape}")
    with scope("rotary"):
        sines, cosines = _make_waves(start, x.shape[-2], x.shape[-1], np.dtype(x.dtype))
        first, second = (ops.index(x, (..., slice(parity, None, 2))) for parity in (0, 1))
        turned = ops.stack([first * cosines - second * sines, first * sines + second * cosines], axis=-1)
        return ops.reshape(turned, shape=x.shape)


def linear_biases(heads: int, queries: int, keys: int | None = None, start: Any = 0, dtype: Any = np.float32) -> Any:
    """What is added to the scores so that far tokens count less: −slope · distance, a slope for each head.

    The slopes are 2^(−8/heads), its square, its cube, … (Press et al., arXiv 2108.12409, section 3, "ALiBi"). The paper
    has causal attention; here a key after the query is as far as one before it.

    Args:
        heads: how many slopes there are, the steepest first.
        queries: how many queries there are, at the positions `start`, `start` + 1, …
        keys: how many keys there are, at the positions 0, 1, …; by default as many as queries.
        start: the position of the first query, a whole number or a Tensor of one.

    Returns:
        A constant (heads, queries, keys), or what depends on `start`, for `bias=` of `scaled_dot_product_attention`.

    Raises:
        ValueError: a size that is not a whole number, at least 1.

    >>> linear_biases(heads=2, queries=1, keys=4, start=3).tolist()
    [[[-0.1875, -0.125, -0.0625, 0.0]], [[-0.01171875, -0.0078125, -0.00390625, 0.0]]]
    """
    keys = queries if keys is None else keys
    check_sizes("linear_biases", heads=heads, queries=queries, keys=keys)
    slopes = 2.0 ** (-8.0 * np.arange(1, heads + 1) / heads)
    if isinstance(start, Tensor):
        places = ops.expand_dims(_make_positions(start, queries), axis=-1)
        far = ops.astype(ops.absolute(places - constant(np.arange(keys))), np.float64)
        biases = constant(slopes[:, None, None]) * -far
        return give_name(ops.astype(biases, dtype), "linear biases")
    distances = np.abs(np.arange(start, start + queries)[:, None] - np.arange(keys))
    return constant((slopes[:, None, None] * -distances).astype(dtype), name="linear biases")


def sinusoids(positions: Any, width: int) -> Array:
    """The sinusoidal encoding of `positions` (…), float64 of shape (…, width); sines and cosines alternate.

    >>> sinusoids([0, 1], 4).round(4).tolist()
    [[0.0, 1.0, 0.0, 1.0], [0.8415, 0.5403, 0.01, 1.0]]
    """
    # In float64, or far positions would be off: float32 steps by 0.06 at an angle of a million.
    angles = real_array(positions, np.float64, what="sinusoids: positions: ")[..., None] / _make_wavelengths(width)
    encoding = np.empty((*angles.shape[:-1], width))
    encoding[..., 0::2] = np.sin(angles)
    encoding[..., 1::2] = np.cos(angles)[..., : width // 2]
    return encoding


def combine_positions(x: Any, encoding: Any, combine: Combine) -> Any:
    """`x` (…, tokens, width) with `encoding` (tokens, width) added or appended."""
    if combine == "add":
        if x.shape[-1] != encoding.shape[-1]:
            raise ValueError(
                f"positions of width {encoding.shape[-1]} cannot be added to tokens of width {x.shape[-1]}: "
                'make them equally wide, or combine="concatenate"'
            )
        return x + encoding
    return ops.concatenate([x, ops.broadcast_to(encoding, (*x.shape[:-1], encoding.shape[-1]))], axis=-1)


def check_tokens(x: Any) -> None:
    if x.dtype.kind != "f" or x.ndim < 2:
        raise ValueError(
            f"positions go into embedded tokens, floats of shape (…, tokens, width); got {x.dtype} of shape {x.shape}"
        )


def check_combine(module: str, combine: Combine) -> Combine:
    if combine not in ("add", "concatenate"):
        raise ValueError(f'{module}: combine={combine!r}, expected "add" or "concatenate"')
    return combine


def _make_positions(start: Any, count: int) -> Any:
    """`start`, `start` + 1, …, of a Tensor that holds one whole number."""
    if start.dtype.kind not in "iu" or start.shape != ():
        raise ValueError(
            f"positions: start must be a whole number, or a Tensor of one; got {start.dtype} {start.shape}"
        )
    return start + constant(np.arange(count))


def _make_encoding(start: Any, count: int, width: int, dtype: np.dtype[Any]) -> Any:
    """`sinusoids` of `count` positions from `start` on, (count, width)."""
    if not isinstance(start, Tensor):
        return constant(_make_table(index(start), index(start) + count, width, dtype), name="positions")
    both = ops.stack(_make_waves(start, count, width, dtype), axis=-1)
    return give_name(
        ops.index(ops.reshape(both, shape=(count, width + width % 2)), (slice(None), slice(0, width))), "positions"
    )


def _make_waves(start: Any, count: int, width: int, dtype: np.dtype[Any]) -> tuple[Any, Any]:
    """The sines and the cosines of an encoding, (count, width / 2) each, rounded up."""
    if not isinstance(start, Tensor):
        table = _make_table(index(start), index(start) + count, width, dtype)
        return constant(table[:, 0::2], name="sines"), constant(table[:, 1::2], name="cosines")
    places = ops.astype(ops.expand_dims(_make_positions(start, count), axis=-1), np.float64)
    angles = places / constant(_make_wavelengths(width))
    sines, cosines = (ops.astype(wave, dtype) for wave in (ops.sin(angles), ops.cos(angles)))
    return give_name(sines, "sines"), give_name(cosines, "cosines")


def _make_wavelengths(width: int) -> Array:
    """How many positions each pair of coordinates takes for an angle of 1."""
    lengths: Array = 10000.0 ** (np.arange(0, width, 2) / width)
    return lengths


@functools.lru_cache(maxsize=64, typed=True)
def _make_table(start: int, stop: int, width: int, dtype: np.dtype[Any]) -> Array:
    table = sinusoids(np.arange(start, stop), width).astype(dtype)
    table.flags.writeable = False
    return table
