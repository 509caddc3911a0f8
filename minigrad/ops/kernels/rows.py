"""Rows of scores: softmax and its kin, the losses of classes, and rows normalised."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minigrad.core.arrays import Array
from minigrad.ops.kernels import (
    add_reduce,
    as_float,
    find_maxima,
    make_ones,
    maximum_reduce,
    minimum_reduce,
    shift_rows,
    sum_axis,
    sum_last_axis,
    sum_of_products,
    widen_half,
)


def write_softmax(x: Array, mask: Array | None, factor: Array | None, column: Array, totals: Array, out: Array) -> None:
    """Exponentials as they come; where they overflow or vanish, once more from the largest of each row.

    `factor` is the mask, perhaps in the type of `x`; `column` are ones, and `totals` memory for the sums.
    """
    rows = out.reshape(len(totals), -1)
    with np.errstate(all="ignore"):
        np.exp(x, out=out)
        if factor is not None:
            np.multiply(out, factor, out=out)
        np.matmul(rows, column, out=totals)
    if minimum_reduce(totals, None) > 1e-6 and maximum_reduce(totals, None) < 1e30:
        np.divide(rows, totals, out=rows)
    else:
        out[...] = shifted_softmax(x, mask, -1)


def softmax(x: Array, mask: Array | None, axis: int) -> Array:
    """Positive weights that add up to 1 along an axis; 0 where the mask is False."""
    x, dtype = widen_half(as_float(x))
    if x.size and axis in (-1, x.ndim - 1) and (mask is None or np.broadcast(x, mask).shape == x.shape):
        column = make_ones(x.shape[-1], x.dtype)[:, None]
        y, totals = np.empty(x.shape, x.dtype), np.empty((x.size // len(column), 1), x.dtype)
        write_softmax(x, mask, mask, column, totals, y)
    else:
        y = shifted_softmax(x, mask, axis)
    return y.astype(dtype, copy=False)


def shifted_softmax(x: Array, mask: Array | None, axis: int) -> Array:
    """As `softmax`, of floats, from the largest of each row."""
    y = shift_rows(x, axis, mask)
    np.exp(y, out=y)
    total = sum_axis(y, axis)
    y /= total if mask is None else np.where(total == 0, 1, total)
    return y


def log_softmax(x: Any, mask: Any, axis: int) -> Any:
    """The logarithm of softmax, computed without one; −∞ where the mask is False."""
    x, dtype = widen_half(as_float(x))
    if mask is not None:
        x = np.where(mask, x, x.dtype.type(-np.inf))
    if not x.size:
        return x.astype(dtype, copy=False)
    place = x.argmax(axis, keepdims=True)
    largest = np.take_along_axis(x, place, axis)
    if mask is not None:
        largest = np.where(largest == -np.inf, 0, largest)
    with np.errstate(invalid="ignore"):  # −∞ − (−∞) is NaN: a row of nothing has no distribution
        y = x - largest
        exponentials = np.exp(y)
        # Without the largest, which is 1, the sum keeps the digits of the others: log(1 + exp(−40)).
        np.put_along_axis(exponentials, place, np.take_along_axis(exponentials, place, axis) - 1, axis)
        others = sum_axis(exponentials, axis)
        return (y - np.log1p(np.where(others == -1, 0, others))).astype(dtype, copy=False)


# --- classes ---------------------------------------------------------------------------------------------------------


def check_classes(function: str, indices: Any, count: int) -> Any:
    """Integers from 0 to `count` − 1, or an error that says which is not."""
    if indices.dtype.kind not in "iu":
        raise TypeError(f"{function}: indices must be integers, got {indices.dtype}")
    # Read without its sign, a negative number is large: one pass finds what is too small and what is too large.
    if indices.size and maximum_reduce(indices.view(f"u{indices.itemsize}"), None) >= count:
        bad = np.flatnonzero((indices < 0) | (indices >= count))[0]
        place = tuple(int(i) for i in np.unravel_index(bad, indices.shape))
        raise IndexError(f"{function}: index {indices.flat[bad]} at {place} is outside 0 … {count - 1}")
    return indices


def one_hot(x: Any, classes: int, dtype: Any) -> Any:
    """A new last axis, 1 at the index and 0 elsewhere."""
    x = check_classes("one_hot", np.asarray(x), classes)
    result = np.zeros(x.size * classes, dtype)
    result[np.arange(0, result.size, classes) + x.astype(np.intp, copy=False).ravel()] = 1
    return result.reshape(*x.shape, classes)


def steady_rows(x: Array, out: Array) -> None:
    """Rows, each moved by a number where their exponentials might overflow or vanish."""
    if minimum_reduce(x, None) > -16 and maximum_reduce(x, None) < 16:
        np.copyto(out, x)
        return
    with np.errstate(invalid="ignore"):  # ∞ − ∞ is NaN: such a row has no distribution
        np.subtract(x, find_maxima(x, -1), out=out)


SMALL_LOSS = 1 / 16  # from which on the loss of a row is computed with care


def write_losses(x: Array, total: Array, targets: Array, rows: Array, out: Array) -> None:
    """The loss of each row under its target; the difference where it has digits enough, since the total is known."""
    targets = targets.ravel()
    np.subtract(total[:, 0], x[rows, targets], out=out)
    if np.fmin.reduce(out) < SMALL_LOSS:  # the difference of two larger numbers has few digits
        out[...] = compute_losses(x, targets)


def compute_losses(x: Array, classes: Array) -> Array:
    """The loss of each row, as log(1 + …): a small loss would have few digits as a difference."""
    at_targets = np.arange(len(x)), classes
    own = x[at_targets]
    with np.errstate(over="ignore", invalid="ignore"):
        exponentials = np.exp(x - own[:, None])
        exponentials[at_targets] = 0
        losses: Array = np.log1p(sum_last_axis(exponentials)[:, 0])
        if not np.isfinite(losses.dot(own)):  # too large for its exponential, or without a distribution
            far = ~(np.isfinite(losses) & np.isfinite(own))
            shift = find_maxima(x[far], -1)
            losses[far] = np.log(sum_last_axis(np.exp(x[far] - shift)))[:, 0] - (own[far] - shift[:, 0])
    return losses


def cross_entropy(
    logits: Any, targets: Any, weight: Any, reduction: str, ignore_index: int | None, label_smoothing: float
) -> Any:
    """The cross-entropy of targets, under logits whose class axis is the last."""
    targets, weight = np.asarray(targets), None if weight is None else np.asarray(weight)
    classes = check_targets("cross_entropy", targets, ignore_index, logits.shape[-1]).ravel()
    logits, dtype = widen_half(as_float(logits))
    rows = logits.reshape(classes.size, logits.shape[-1])
    losses = compute_losses(rows, classes)
    if weight is not None:
        weight = weight.astype(rows.dtype)
        losses = weight_losses(losses, weight[classes])
    if label_smoothing:
        rows = shift_rows(rows, -1)
        log_totals = np.log(sum_last_axis(np.exp(rows)))
        surprise = log_totals - rows if weight is None else weight_losses(log_totals - rows, weight)
        losses = losses * (1 - label_smoothing) + surprise.mean(-1) * label_smoothing
    return reduce_losses(losses, targets, classes, weight, reduction, ignore_index).astype(dtype, copy=False)


def nll(log_probabilities: Any, targets: Any, weight: Any, reduction: str, ignore_index: int | None) -> Any:
    """The negative log-likelihood of targets."""
    targets, weight = np.asarray(targets), None if weight is None else np.asarray(weight)
    classes = check_targets("nll", targets, ignore_index, log_probabilities.shape[-1]).ravel()
    values, dtype = widen_half(as_float(log_probabilities))
    losses = -values.reshape(classes.size, values.shape[-1])[np.arange(classes.size), classes]
    if weight is not None:
        weight = weight.astype(values.dtype)
        losses = weight_losses(losses, weight[classes])
    return reduce_losses(losses, targets, classes, weight, reduction, ignore_index).astype(dtype, copy=False)


def check_targets(function: str, targets: Any, ignore_index: int | None, count: int) -> Any:
    """The targets with the ignored ones made 0, or an error that says which is no class."""
    classes = targets if ignore_index is None else np.where(targets == ignore_index, targets.dtype.type(0), targets)
    return check_classes(function, classes, count)


def weight_losses(losses: Any, weights: Any) -> Any:
    """The product; a class of weight 0 counts for nothing, also where it is impossible."""
    with np.errstate(invalid="ignore"):
        product = losses * weights
    return np.where(np.isnan(product) & ((losses == 0) | (weights == 0)), product.dtype.type(0), product)


def reduce_losses(losses: Any, targets: Any, classes: Any, weight: Any, reduction: str, ignore_index: Any) -> Any:
    """The losses of all rows as what the reduction asks for; their weights are in them already."""
    counts = None if ignore_index is None else targets != ignore_index
    if reduction == "none":
        losses = losses.reshape(targets.shape)
        return losses if counts is None else np.where(counts, losses, losses.dtype.type(0))
    if counts is not None:
        losses, classes = losses[counts.ravel()], classes[counts.ravel()]
    total = add_reduce(losses)
    if reduction == "sum":
        return total
    count = losses.dtype.type(losses.size) if weight is None else add_reduce(weight[classes])
    return divide_total(total, count)


def divide_total(total: Any, count: Any) -> Any:
    """The mean; that of no target is NaN, without a warning."""
    return total / count if count else total * math.nan


# --- rows normalised -------------------------------------------------------------------------------------------------


def centre_rows(x: Any, epsilon: float) -> tuple[Any, Any]:
    """x minus its mean over the last axis, and 1 / √(variance + epsilon); of float16 in float32.

    A row with an infinity has no variance: NaN. So has one whose squares overflow. The first entry is subtracted before
    averaging, so that a constant row is exactly zero at any size.
    """
    (x, _), width = widen_half(as_float(x)), x.shape[-1]
    difference = x - x[..., :1]
    difference -= sum_last_axis(difference) * (1 / width)
    variance = sum_of_products(difference, difference)[..., None] / width
    total = variance + epsilon
    return difference, invert_root(np.sqrt(total), total, epsilon)


def invert_root(root: Any, x: Any, epsilon: float) -> Any:
    """1 / √x, where x has `epsilon` in it; but ∞ / ∞, which is NaN, where x is infinite. Of 0 it is ∞."""
    return root / x if epsilon else 1.0 / root


def standardize(x: Any, epsilon: float) -> Any:
    """Each row of the last axis moved to mean 0 and scaled to variance 1."""
    difference, scale = centre_rows(x, epsilon)
    difference *= scale
    return difference.astype(as_float(x).dtype, copy=False)


def pull_back_standardized(g: Any, y: Any, x: Any, epsilon: float) -> Any:
    """The gradient of x where that of y, x standardized, is g: what the rule says in ops, to the bit."""
    width = x.shape[-1]
    gradient = g - sum_last_axis(g) / width
    gradient -= y * (sum_of_products(g, y)[..., None] * (1.0 / width))
    gradient *= centre_rows(x, epsilon)[1]
    return gradient


def inverse_deviation(x: Any, epsilon: float) -> Any:
    """What `standardize` multiplies the rows by, (…, 1)."""
    return centre_rows(x, epsilon)[1].astype(as_float(x).dtype, copy=False)
