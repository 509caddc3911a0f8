"""The operations that random graphs are made of: how each is said, what it takes, and its parameters.

An operation is taken only where it is smooth and well-conditioned: logarithms and divisions away from 0, maxima away
from ties. `test_random_graphs.py` draws from this table.
"""

import itertools
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

import minigrad as mg


class Operation(NamedTuple):
    """How it is said, the values it takes, and its parameters, drawn for the shape of the first of them."""

    compute: Callable[..., Any]
    admits: Callable[..., Any] = lambda *values: True
    params: Callable[..., dict[str, Any]] = lambda rng, shape, steer: {}
    arity: int = 1


def between(low, high):
    return lambda x: x.size and low < np.min(x) and np.max(x) < high


def smooth(x):
    """Away from 0, where it has its kink."""
    return np.min(np.abs(x), initial=np.inf) > 0.01


def broadcast(*shapes):
    lengths = itertools.zip_longest(*map(reversed, shapes), fillvalue=1)
    return all(len(set(at_one_axis) - {1}) <= 1 for at_one_axis in lengths)


def pair(admits=lambda x, y: True):
    """Two arrays that can be broadcast together, and that the operation takes."""
    return lambda x, y: broadcast(x.shape, y.shape) and admits(x, y)


def apart(x):
    """No two elements nearly equal: the largest one, and the order, are clear."""
    return x.size == 1 or (x.size and np.min(np.diff(np.sort(x, None))) > 0.01)


def spread(x):
    return x.ndim and x.shape[-1] > 2 and np.min(np.std(x, -1)) > 0.2


def has(*axes):
    return lambda x, *_: x.ndim in axes


def regular(x):
    return x.ndim > 1 and x.size and x.shape[-1] == x.shape[-2] and np.max(np.linalg.cond(x)) < 20


def ends_alike(x, y):
    return x.ndim and y.ndim and x.shape[-1] == y.shape[-1]


def attends(x, y):
    return ends_alike(x, y) and x.ndim in (2, 3) and x.ndim == y.ndim and x.shape[:-2] == y.shape[:-2]


def products_fit(x, y):
    return x.ndim and y.ndim and x.shape[-1] == y.shape[max(-2, -y.ndim)] and broadcast(x.shape[:-2], y.shape[:-2])


def axis_and_keepdims(rng, shape, steer):
    chosen = rng.permutation(len(shape))[: rng.integers(len(shape) + 1)]
    axis = tuple(int(a) - len(shape) * int(rng.integers(2)) for a in chosen)
    return {"axis": None if not axis else axis[0] if len(axis) == 1 else axis, "keepdims": bool(rng.integers(2))}


def one_axis(rng, shape, steer):
    return {"axis": int(rng.integers(-len(shape), len(shape)))}


def axis_and_where(rng, shape, steer):
    mask = rng.random((2, *shape)) < 0.7
    return one_axis(rng, shape, steer) | {"where": steer(mask | (rng.permutation(shape[-1]) == 0))}


def permutation(rng, shape, steer):
    return {"axes": tuple(int(a) for a in rng.permutation(len(shape)))}


def new_shape(rng, shape, steer):
    return {"shape": [(-1,), shape[::-1], (1, *shape), (shape[0], -1) if shape else (1, 1)][rng.integers(4)]}


def mask(rng, shape, steer):
    return {"where": steer(rng.random((2, *shape)) < 0.6)}


def key(rng, shape, steer):
    """An entry for each axis: a number, slices of all kinds, None; or integers with repeats in an array."""
    entries = []
    for n in shape[: rng.integers(len(shape) + 1)]:
        at = int(rng.integers(-n, n))
        slices = slice(None, None, -1), slice(n // 2, None), slice(None, None, 2), slice(None)
        entries.append([at, *slices][rng.integers(5)])
    if rng.integers(2) and shape:
        entries[:1] = [steer(rng.integers(-shape[0], shape[0], (2, 3)))]
    elif not rng.integers(3):
        entries.insert(0, None)
    return {"key": (*entries, ...)}


def rows_to_take(rng, shape, steer):
    n = shape[0]
    return {"indices": steer(rng.integers(-n, n, (2, *[(3,), (2, 2), ()][rng.integers(3)])))}


def places_along(rng, shape, steer):
    axis = int(rng.integers(len(shape)))
    wanted = (*shape[:axis], 2, *shape[axis + 1 :])
    return {"indices": steer(rng.integers(0, shape[axis], (2, *wanted))), "axis": axis}


def classes(rng, shape, steer):
    return {"targets": steer(rng.integers(0, shape[-1], (2, *shape[:-1])))}


def shift(rng, shape, steer):
    return {"shift": int(rng.integers(-2, 3))} | one_axis(rng, shape, steer)


def named(*names, admits=lambda *values: True, **record):
    """Operations that are said by their name."""

    def operation(name):
        return Operation(lambda *xs, **params: getattr(mg, name)(*xs, **params), admits, **record)

    return {name: operation(name) for name in names}


OPERATIONS = {
    **named("sin", "cos", "arctan", "tanh", "sigmoid", "softplus", "erf", "erfc", "gelu", "silu", "mish", "negative",
            "square", "log_sigmoid", "stop_gradient", "copy"),
    **named("exp", "expm1", "sinh", admits=between(-8, 2)),
    **named("log", "sqrt", "reciprocal", "log2", admits=between(0.3, 8)),
    **named("log1p", admits=between(-0.7, 8)),
    **named("absolute", "relu", "leaky_relu", "elu", "softsign", admits=smooth),
    "cube": Operation(lambda x: x**3),
    "root": Operation(lambda x: x**1.5, between(0.3, 8)),
    "half": Operation(lambda x: 1.5 - x / 2),
    "scaled": Operation(lambda x: -(x * 0.5 + 0.25) * 1.0),
    **named("add", "subtract", "multiply", "logaddexp", admits=pair(), arity=2),
    **named("divide", admits=pair(lambda x, y: np.min(np.abs(y), initial=9) > 0.3), arity=2),
    **named("power", admits=pair(lambda x, y: np.min(x, initial=9) > 0.3), arity=2),
    **named("maximum", "minimum", admits=pair(lambda x, y: smooth(x - y)), arity=2),
    **named("hypot", admits=pair(lambda x, y: smooth(np.hypot(x, y))), arity=2),
    "where": Operation(
        lambda x, y, z: mg.where(x > 0, y, z), lambda x, y, z: smooth(x) and broadcast(x.shape, y.shape, z.shape),
        arity=3,
    ),
    "masked": Operation(lambda x, where: mg.where(where, x, 0.5), params=mask),
    "masked away": Operation(lambda x, y, where: mg.where(mg.logical_not(where), y, x), pair(), mask, 2),
    "clip": Operation(lambda x: mg.clip(x, -0.5, 0.7), lambda x: smooth(x + 0.5) and smooth(x - 0.7)),
    **named("sum", "mean", "prod", "logsumexp", "var", params=axis_and_keepdims),
    **named("max", "min", "ptp", admits=apart, params=axis_and_keepdims),
    "masked sum": Operation(
        lambda x, where, axis, keepdims: mg.sum(mg.where(where, x, 0.0), axis, keepdims=keepdims),
        params=lambda *given: mask(*given) | axis_and_keepdims(*given),
    ),
    "std": Operation(lambda x: mg.std(x, axis=-1), spread),
    **named("vector_norm", admits=lambda x: x.ndim and x.size and np.min(np.sum(x * x, -1)) > 0.1,
            params=lambda rng, shape, steer: {"axis": -1}),
    **named("softmax", "log_softmax", "cumsum", "cumprod", "flip", admits=np.ndim, params=one_axis),
    "masked softmax": Operation(lambda x, where, axis: mg.softmax(x, where, axis=axis), np.ndim, axis_and_where),
    **named("layer_norm", "rms_norm", admits=spread),
    "layer_norm with weights": Operation(
        lambda x, y: mg.layer_norm(x, y, y + 1.0), lambda x, y: spread(x) and y.shape == x.shape[-1:], arity=2,
    ),
    **named("cross_entropy", admits=lambda x: x.ndim in (2, 3) and x.shape[-1] > 1, params=classes),
    **named("mse", "huber", admits=lambda x, y: x.shape == y.shape and smooth(np.abs(x - y) - 1), arity=2),
    **named("matmul", admits=products_fit, arity=2),
    "times its transpose": Operation(lambda x: x @ mg.swapaxes(x, -1, -2), has(2, 3)),
    "linear": Operation(lambda x, y: mg.linear(x, y, y[0]), lambda x, y: x.ndim and y.ndim == 2 and
                        x.shape[-1] == y.shape[0], arity=2),
    **named("outer", admits=lambda x, y: x.ndim == y.ndim == 1, arity=2),
    **named("vecdot", admits=lambda x, y: ends_alike(x, y) and broadcast(x.shape, y.shape), arity=2),
    "einsum": Operation(lambda x, y: mg.einsum("...k,ik->...i", x, y), lambda x, y: ends_alike(x, y) and y.ndim == 2,
                        arity=2),
    "attention": Operation(lambda x, y: mg.scaled_dot_product_attention(x, y, y), attends, arity=2),
    "attention by blocks": Operation(
        lambda x, y, causal: mg.scaled_dot_product_attention(x, y, y, causal=causal, block=2), attends,
        lambda rng, shape, steer: {"causal": bool(rng.integers(2))}, arity=2,
    ),
    **named("det", "inv", admits=regular),
    "slogdet": Operation(lambda x: mg.slogdet(x).logabsdet, regular),
    "solve": Operation(lambda x, y: mg.solve(x, y), lambda x, y: regular(x) and products_fit(x, y), arity=2),
    "cholesky": Operation(lambda x: mg.cholesky(x @ mg.swapaxes(x, -1, -2)), regular),
    "eigvalsh": Operation(lambda x: mg.eigvalsh(x @ mg.swapaxes(x, -1, -2)), regular),
    **named("transpose", params=permutation),
    **named("reshape", params=new_shape),
    "expand_dims": Operation(lambda x, axis: mg.expand_dims(x, axis), np.ndim, one_axis),
    **named("squeeze"),
    "broadcast_to": Operation(lambda x: mg.broadcast_to(x, (2, *x.shape))),
    **named("tril", "triu", admits=lambda x: x.ndim > 1),
    **named("sort", admits=lambda x: x.ndim and apart(x), params=one_axis),
    **named("roll", admits=np.ndim, params=shift),
    "pad": Operation(lambda x: mg.pad(x, 1), has(1, 2)),
    "windows": Operation(
        lambda x, stride: mg.sliding_window_view(x, 2, axis=-1, stride=stride), lambda x: x.ndim and x.shape[-1] > 1,
        lambda rng, shape, steer: {"stride": int(rng.integers(1, 3))},
    ),
    "max_pool": Operation(
        lambda x: mg.max_pool(x, (2,), 1), lambda x: x.ndim and x.shape[-1] > 1 and apart(x),
    ),
    "average_pool": Operation(lambda x: mg.average_pool(x, (3, 2), 2, 1), has(2, 3)),
    "repeat": Operation(lambda x: mg.repeat(x, 2, axis=0), np.ndim),
    "tile": Operation(lambda x: mg.tile(x, 2), np.ndim),
    **named("diagonal", admits=lambda x: x.ndim == 2),
    "index": Operation(lambda x, key: x[key], params=key),
    "take": Operation(lambda x, indices: mg.take(x, indices, axis=0), np.ndim, rows_to_take),
    **named("take_along_axis", admits=np.ndim, params=places_along),
    "set_at": Operation(
        lambda x, y: mg.set_at(x, 0, y), lambda x, y: x.ndim and y.shape == x.shape[1:], arity=2,
    ),
    "stack": Operation(lambda x, y: mg.stack([x, y]), lambda x, y: x.shape == y.shape, arity=2),
    "concatenate": Operation(
        lambda x, y: mg.concatenate([x, y], axis=-1),
        lambda x, y: x.ndim and x.ndim == y.ndim and x.shape[:-1] == y.shape[:-1], arity=2,
    ),
    "halves swapped": Operation(lambda x: mg.concatenate(mg.split(x, [1])[::-1]), np.ndim),
}  # fmt: skip
