"""What each op is in JAX. Rows take the operands of a node as arrays or numbers and its params by name.

Before a row is asked, operands that have a gradient rule are in the type of the result (float16 in float32), and what
it returns is brought into that type: a row need not think of types, but for those of indices and truths. An op that
has no row is the function of `jax.numpy` that is called as the NumPy function it stands for; one that has not even
that is computed by its definition.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad.core.op import Op
from minigrad.export.library import Library
from minigrad.export.parts import Parts, read, reshape, write
from minigrad.ops.kernels.sums import count_degrees_of_freedom, keep_shape

jax = Library("jax", extra="jax")
jnp = Library("jax.numpy", extra="jax")
special = Library("jax.scipy.special", extra="jax")

Row = Callable[..., Any]


def find_row(op: Op, of_gradient: bool = False) -> Row | None:
    """The row of an op, its own or that of NumPy's name; in a gradient that with strong products."""
    if of_gradient and op.name in STRONG:
        return STRONG[op.name]
    if op.name in ROWS:
        return ROWS[op.name]
    for function in op.numpy:
        library = jnp.linalg if function is getattr(np.linalg, function.__name__, None) else jnp
        known = function.__module__ in ("numpy", "numpy.linalg") or type(function) is np.ufunc
        if known and hasattr(library, function.__name__):
            found: Row = getattr(library, function.__name__)
            return found
    return None


# --- products and sums ------------------------------------------------------------------------------------------------


def strong_multiply(x1: Any, x2: Any) -> Any:
    return zero_where((x1 == 0) | (x2 == 0), jnp.multiply(x1, x2))


def strong_divide(x1: Any, x2: Any) -> Any:
    return zero_where((x1 == 0) | jnp.isinf(x2), jnp.divide(x1, x2))


def zero_where(condition: Any, result: Any) -> Any:
    """Without a branch: the result, but 0 where it is NaN and the condition holds."""
    return jnp.where(condition & jnp.isnan(result), 0, result)


def number_power(x: Any, *, exponent: float) -> Any:
    if exponent == 0.5:
        return jnp.sqrt(x)  # at −0 and −∞ it is not the power
    return x ** (int(exponent) if float(exponent).is_integer() else exponent)


def linear(x: Any, weight: Any, bias: Any) -> Any:
    product = jnp.matmul(x, weight)
    return product if bias is None else product + bias


def vecdot(x1: Any, x2: Any, *, axis: int, keepdims: bool) -> Any:
    return jnp.sum(jnp.multiply(x1, x2), axis=axis, keepdims=keepdims)


def strong_vecdot(x1: Any, x2: Any, *, axis: int, keepdims: bool) -> Any:
    return jnp.sum(strong_multiply(x1, x2), axis=axis, keepdims=keepdims)


def sum_to(x: Any, *, shape: tuple[int, ...]) -> Any:
    leading = x.ndim - len(shape)
    stretched = [leading + i for i, n in enumerate(shape) if n == 1 != x.shape[leading + i]]
    return jnp.sum(x, (*range(leading), *stretched)).reshape(shape)


def linear_recurrence(a: Any, b: Any, *, axis: int, reverse: bool) -> Any:
    a, b = (jnp.moveaxis(x, axis, 0) for x in jnp.broadcast_arrays(a, b))
    if len(b) < 2:
        return jnp.moveaxis(b, 0, axis)
    a, b = (x[::-1] if reverse else x for x in (a, b))
    factors = a[:-1] if reverse else a[1:]

    def advance(y: Any, step: Any) -> Any:
        y = step[0] * y + step[1]
        return y, y

    _, following = jax.lax.scan(advance, b[0], (factors, b[1:]))
    y = jnp.concatenate([b[:1], following])
    return jnp.moveaxis(y[::-1] if reverse else y, 0, axis)


def along(name: str) -> Row:
    """A number is an array of one element."""
    return lambda x, *, axis: getattr(jnp, name)(jnp.atleast_1d(x), axis)


def std(x: Any, *, axis: Any, ddof: float, keepdims: bool) -> Any:
    """The first entry is subtracted before: means are rounded, and equal elements give exactly 0."""
    kept = keep_shape(x.shape, axis)
    shifted = x - x[tuple([slice(0, 1) if n == 1 else slice(None) for n in kept])]
    squares = jnp.square(shifted - jnp.mean(shifted, axis, keepdims=True))
    return jnp.sqrt(jnp.sum(squares, axis, keepdims=keepdims) / count_degrees_of_freedom(x.shape, axis, ddof))


def vector_norm(x: Any, *, axis: Any, keepdims: bool, ord: float) -> Any:
    """Scaled to 1 at most, so that no power overflows or vanishes."""
    if ord in (0, 1, math.inf, -math.inf) or not x.size:
        return jnp.linalg.vector_norm(x, axis=axis, keepdims=keepdims, ord=ord)
    largest = jnp.max(jnp.abs(x), axis, keepdims=True)
    scale = jnp.where((largest > 0) & jnp.isfinite(largest), largest, 1)
    norm = scale * jnp.linalg.vector_norm(x / scale, axis=axis, keepdims=True, ord=ord)
    return norm if keepdims else jnp.squeeze(norm, axis)


def norm_of_norms(x: Parts, *, axis: Any, keepdims: bool, ord: float) -> Any:
    if keepdims or ord == 0:
        return None
    norms = [vector_norm(part, axis=None, keepdims=False, ord=ord) for part in x if part.size]
    return vector_norm(jnp.stack(norms), axis=None, keepdims=False, ord=ord) if norms else None


def det(a: Any) -> Any:
    """JAX has none of a matrix without elements."""
    return jnp.linalg.det(a) if a.shape[-1] else jnp.ones(a.shape[:-2], a.dtype)


# --- rows of scores ---------------------------------------------------------------------------------------------------


def mask_and_shift(x: Any, where: Any, axis: int) -> Any:
    """Minus the largest of its row, and −∞ where the mask is False."""
    x = jnp.where(where, x, -jnp.inf)
    largest = jnp.max(x, axis, keepdims=True, initial=-jnp.inf)
    return x - jax.lax.stop_gradient(jnp.where(largest == -jnp.inf, 0, largest))


def softmax(x: Any, where: Any, *, axis: int) -> Any:
    """A row with nothing to attend to is zeros."""
    if where is None:
        return jax.nn.softmax(x, axis)
    exponentials = jnp.exp(mask_and_shift(x, where, axis))
    total = jnp.sum(exponentials, axis, keepdims=True)
    return exponentials / jnp.where(total == 0, 1, total)


def log_softmax(x: Any, where: Any, *, axis: int) -> Any:
    if where is None:
        return jax.nn.log_softmax(x, axis)
    shifted = mask_and_shift(x, where, axis)
    total = jnp.sum(jnp.exp(shifted), axis, keepdims=True)
    return shifted - jnp.log(jnp.where(total == 0, 1, total))


def centre(x: Any, epsilon: float) -> tuple[Any, Any]:
    """A row minus its mean, and 1 / √(variance + epsilon); a constant row is exactly zero at any size."""
    difference = x - x[..., :1]
    difference -= jnp.mean(difference, -1, keepdims=True)
    return difference, jax.lax.rsqrt(jnp.mean(jnp.square(difference), -1, keepdims=True) + epsilon)


def standardize(x: Any, *, epsilon: float) -> Any:
    difference, scale = centre(x, epsilon)
    return difference * scale


# --- shapes -----------------------------------------------------------------------------------------------------------


def triangle(mask_of: Callable[..., Any]) -> Row:
    def row(x: Any, *, k: int) -> Any:
        return jnp.where(mask_of(np.ones(x.shape[-2:], bool), k), x, 0)

    return row


def concatenate(*arrays: Any, axis: int | None) -> Any:
    return jnp.concatenate([jnp.ravel(x) for x in arrays] if axis is None else arrays, axis or 0)


def pad(x: Any, *, pad_width: Any, mode: str, constant_values: Any) -> Any:
    """JAX takes fewer of the forms in which a pair for each axis can be written."""
    constants = {"constant_values": np.broadcast_to(constant_values or 0, (x.ndim, 2))} if mode == "constant" else {}
    return jnp.pad(x, np.broadcast_to(pad_width, (x.ndim, 2)), mode, **constants)


# --- by index: what is out of range reads NaN, or the smallest integer, and is not written ----------------------------


def getitem(x: Any, *indices: Any, index: Any) -> Any:
    return x.at[index.with_arrays(indices)].get(mode="fill") if indices else x[index.with_arrays(())]


def scatter_add(values: Any, *indices: Any, index: Any, shape: tuple[int, ...]) -> Any:
    return jnp.zeros(shape, values.dtype).at[index.with_arrays(indices)].add(values, mode="drop")


def setitem(x: Any, values: Any, *indices: Any, index: Any) -> Any:
    """Of several values written to one place the last stays, as in NumPy; JAX leaves open which."""
    key = index.with_arrays(indices)
    shape = jax.eval_shape(lambda x: x[key], x).shape
    if not indices or 0 in shape:
        return x.at[key].set(values)
    numbers = jnp.arange(math.prod(shape)).reshape(shape)
    last = jnp.full(x.shape, -1).at[key].max(numbers, mode="drop")
    return jnp.where(last < 0, x, jnp.broadcast_to(values, shape).ravel()[last])


def take_along_axis(x: Any, indices: Any, *, axis: int) -> Any:
    return jnp.take_along_axis(x, jnp.asarray(indices), axis, mode="fill")


def add_along_axis(values: Any, indices: Any, *, axis: int, shape: tuple[int, ...]) -> Any:
    """By the number of each place: along an axis whose indices are broadcast JAX adds elsewhere."""
    numbers = jnp.arange(math.prod(shape)).reshape(shape)
    places = jnp.take_along_axis(numbers, jnp.asarray(indices), axis, mode="fill", fill_value=math.prod(shape))
    flat = jnp.zeros(math.prod(shape), values.dtype)
    return flat.at[places.ravel()].add(jnp.broadcast_to(values, places.shape).ravel(), mode="drop").reshape(shape)


def of_integers_by_0(name: str) -> Row:
    """A division that makes 0 of integers divided by 0, as NumPy does."""

    def divide(x1: Any, x2: Any) -> Any:
        x1, x2 = jnp.asarray(x1), jnp.asarray(x2)
        if jnp.issubdtype(jnp.result_type(x1, x2), jnp.floating):
            return getattr(jnp, name)(x1, x2)
        return jnp.where(x2 == 0, 0, getattr(jnp, name)(x1, jnp.where(x2 == 0, 1, x2)))

    return divide


# --- the tables -------------------------------------------------------------------------------------------------------

ROWS: dict[str, Row] = {
    "strong_multiply": strong_multiply,
    "number_power": number_power,
    "fmod": of_integers_by_0("fmod"),
    "remainder": of_integers_by_0("remainder"),
    "floor_divide": of_integers_by_0("floor_divide"),
    "tensor_power": lambda x1, x2: jnp.power(x1, x2),
    "astype": lambda x, *, dtype: jnp.asarray(x),
    "stop_gradient": lambda x: jax.lax.stop_gradient(x),
    "relu": lambda x: jnp.maximum(x, 0),
    "sigmoid": lambda x: jax.nn.sigmoid(x),
    "softplus": lambda x: jax.nn.softplus(x),
    "erf": lambda x: special.erf(x),
    "erfc": lambda x: special.erfc(x),
    "linear": linear,
    "vecdot": vecdot,
    "sum_to": sum_to,
    "cumsum": along("cumsum"),
    "cumprod": along("cumprod"),
    "cummax": lambda x, *, axis: jax.lax.cummax(x, axis % x.ndim),
    "cummin": lambda x, *, axis: jax.lax.cummin(x, axis % x.ndim),
    "linear_recurrence": linear_recurrence,
    "std": std,
    "vector_norm": vector_norm,
    "det": det,
    "det_slope": lambda a: jax.grad(lambda a: jnp.sum(det(a)))(a),
    "det_sign": lambda a: jnp.linalg.slogdet(a)[0],
    "logabsdet": lambda a: jnp.linalg.slogdet(a)[1],
    "logabsdet_slope": lambda a: jnp.swapaxes(jnp.linalg.inv(a), -1, -2),
    "eigenvalues": lambda a: jnp.linalg.eigvalsh(a),
    "eigenvectors": lambda a: jnp.linalg.eigh(a)[1],
    "logsumexp": lambda x, *, axis, keepdims: jax.nn.logsumexp(x, axis, keepdims=keepdims),
    "softmax": softmax,
    "log_softmax": log_softmax,
    "standardize": standardize,
    "inverse_deviation": lambda x, *, epsilon: centre(x, epsilon)[1],
    "transpose": lambda x, *, axes: jnp.transpose(x, (axes,) if isinstance(axes, int) else axes),
    "tril": triangle(np.tril),
    "triu": triangle(np.triu),
    "concatenate": concatenate,
    "pad": pad,
    "getitem": getitem,
    "scatter_add": scatter_add,
    "setitem": setitem,
    "take_along_axis": take_along_axis,
    "add_along_axis": add_along_axis,
    "embedding": lambda weight, indices: weight.at[indices].get(mode="fill"),
    "one_hot": lambda x, *, classes, dtype: jax.nn.one_hot(x, classes, dtype=dtype),
}

# Where 0 times what is not finite is 0, in gradients: docs/conventions.md. Products of matrices stay plain.
STRONG: dict[str, Row] = {"multiply": strong_multiply, "divide": strong_divide, "vecdot": strong_vecdot}

DRAWS: dict[str, Row] = {  # from a key, in place of the generator of NumPy
    "random_uniform": lambda key, *, shape, dtype, generator: jax.random.uniform(key, shape, dtype),
    "random_normal": lambda key, *, shape, dtype, generator: jax.random.normal(key, shape, dtype),
}

# What need not be joined of flat arrays in parts; None where it must. The first joins them, `JOINS` says when.
JOINS: dict[str, Callable[..., bool]] = {"concatenate": lambda *, axis: axis is None}
IN_PARTS: dict[str, Row] = {
    "getitem": read,
    "setitem": write,
    "reshape": reshape,
    "vector_norm": norm_of_norms,
}
