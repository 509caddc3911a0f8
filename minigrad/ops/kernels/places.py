"""Values read from places and written to them, where that is checked, or takes more than an index."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minigrad.core.arrays import Array
from minigrad.ops.kernels import add_reduce, cast_exactly, find_sum_dtype, maximum_reduce, minimum_reduce


def check_room(taken: Any, count: int, context: int) -> None:
    """Raise where `count` more tokens do not fit."""
    if count > context:  # whatever is taken, which is not known where a function is captured
        raise ValueError(f"KeyValueCache(context={context}) never has room for {count} tokens in one call")
    if int(taken) + count > context:
        raise ValueError(
            f"KeyValueCache(context={context}) is full: it holds {int(taken)} tokens, and {count} more do not fit; "
            "reset() begins anew, a larger context holds more"
        )


def number_places(shape: tuple[int, ...]) -> Any:
    """The number of each element, row by row; read with an index, it says which places the index means."""
    return np.arange(math.prod(shape)).reshape(shape)


def add_at_places(values: Any, places: Any, shape: tuple[int, ...]) -> Any:
    """Values added at numbered places of zeros; `add.at` is fast on flat arrays only."""
    result = np.zeros(math.prod(shape), find_sum_dtype(values.dtype))
    values = values if values.shape == places.shape else np.broadcast_to(values, places.shape)
    np.add.at(result, places.ravel(), values.ravel())
    result = result.reshape(shape)
    return result.astype(values.dtype, copy=False) if values.dtype.kind == "f" else result


def add_at_rows(values: Any, rows: Any, shape: tuple[int, ...]) -> Any:
    """Rows added at the places `rows` of zeros, without numbering those that take no part."""
    count, width, rows = shape[0], math.prod(shape[1:]), rows.astype(np.intp, copy=False)
    if rows.size and (minimum_reduce(rows, None) < 0 or maximum_reduce(rows, None) >= count):
        outside = rows[(rows < -count) | (rows >= count)]
        if outside.size:
            raise IndexError(f"index {outside[0]} is out of bounds for axis 0 with size {count}")
        rows = np.where(rows < 0, rows + count, rows)
    places = rows[..., None] * width + np.arange(width)
    return add_at_places(values, places.reshape(rows.shape + shape[1:]), shape)


def add_hot_rows(values: Array, rows: Array, identity: Array, hot: Array, out: Array) -> None:
    """Rows added at the places `rows` of zeros, by a product with their one-hot vectors; `hot` is memory for these."""
    count, width = len(out), math.prod(out.shape[1:])
    hot[...] = identity[rows.reshape(-1)]
    np.matmul(hot.T, values.reshape(len(hot), width), out=out.reshape(count, width))
    if not np.isfinite(add_reduce(out, None)):  # 0 · ∞ is NaN, which would be everywhere
        out[...] = add_at_rows(values, rows, out.shape)


def add_along_axis(values: Any, indices: Any, axis: int, shape: tuple[int, ...]) -> Any:
    """Values added to zeros at one index per row."""
    return add_at_places(values, np.take_along_axis(number_places(shape), np.asarray(indices), axis), shape)


def write_exactly(x: Any, values: Any, key: Any, out: Array) -> None:
    """`x` with values at a key, which the type of `x` can hold."""
    written = cast_exactly(values, out.dtype)
    np.copyto(out, x)
    out[key] = written
