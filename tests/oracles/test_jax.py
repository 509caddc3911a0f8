"""Every function on record against JAX, to second order.

The table says each function in JAX's words; a counterpart gets the arguments complete with defaults, floating-point
arrays as JAX's, and everything else as the sample has it. All samples of a function make one program.
"""

import functools
import math

import numpy as np
import pytest

import minigrad as mg
from minigrad.core.structure import leaves, map_leaves

jax = pytest.importorskip("jax", reason="JAX is not installed: pip install jax==0.10.2")
jnp = jax.numpy


@pytest.fixture(autouse=True)
def double_precision():
    with jax.enable_x64(True):
        yield


@pytest.mark.parametrize("name", mg.registry)
def test_value_gradients_and_second_derivatives_are_those_of_jax(name, compare_record):
    compare_record(name, COUNTERPARTS, EXCEPTIONS, answers)


def test_the_table_has_no_name_that_is_not_on_record():
    assert (COUNTERPARTS | EXCEPTIONS).keys() <= mg.registry.keys()


def answers(problems):
    """The answers to all problems, computed by one compiled program: compiling is what takes the time."""
    given = [tuple(problem[1:]) for problem in problems]

    def all_of_them(given):
        return [answer(problem.function, *arrays) for problem, arrays in zip(problems, given, strict=True)]

    return jax.jit(all_of_them)(given)


def answer(function, floats, cotangents, directions):
    def value(*xs):
        return list(leaves(function(*xs)))

    def gradients(xs, seeds):
        ys, pull = jax.vjp(value, *xs)
        return pull(list(seeds)), ys

    if not cotangents:
        return value(*floats), [], []
    firsts, pull, ys = jax.vjp(gradients, floats, cotangents, has_aux=True)
    return ys, firsts, list(leaves(pull(directions)))


# --- how JAX says it --------------------------------------------------------------------------------------------------


def named(*names, library=jnp):
    """Functions with the same name and arguments in JAX."""
    return {name: getattr(library, name) for name in names}


def slope(function):
    """The derivative of an elementwise function."""
    return jnp.vectorize(jax.grad(function))


def along(function):
    """A number is an array of one element."""
    return lambda x, *, axis: function(jnp.atleast_1d(x), axis)


def norm(x, ord, axis, keepdims):
    """JAX has NaN for the second derivatives of nothing, whose norm is 0 as its sum."""
    return jnp.linalg.norm(x, ord, axis, keepdims) if x.size else jnp.sum(x, axis, keepdims=keepdims)


def vector_norm(x, *, ord, axis, keepdims):
    if not x.size:
        return jnp.sum(x, axis, keepdims=keepdims)
    return jnp.linalg.vector_norm(x, ord=ord, axis=axis, keepdims=keepdims)


def det(a):
    """JAX has none of a matrix without elements."""
    return jnp.linalg.det(a) if a.shape[-1] else jnp.ones(a.shape[:-2])


def recurrence(a, b, *, axis, reverse):
    a, b = (jnp.moveaxis(x, axis, 0) for x in jnp.broadcast_arrays(a, b))
    ys = {}
    for i in range(len(b))[:: -1 if reverse else 1]:
        before = i + 1 if reverse else i - 1
        ys[i] = b[i] + a[max(i, before)] * ys[before] if before in ys else b[i]
    return jnp.moveaxis(jnp.stack([ys[i] for i in range(len(b))]) if ys else b, 0, axis)


def sum_to(x, *, shape):
    """What turns `shape` into that of `x` is broadcasting, and this is its transpose."""
    (result,) = jax.linear_transpose(lambda y: jnp.broadcast_to(y, x.shape), jax.ShapeDtypeStruct(shape, x.dtype))(x)
    return result


def padded(x, *, pad_width, mode, constant_values):
    """JAX takes fewer of the forms in which a pair for each axis can be written."""
    constants = {"constant_values": np.broadcast_to(constant_values or 0, (x.ndim, 2))} if mode == "constant" else {}
    return jnp.pad(x, np.broadcast_to(pad_width, (x.ndim, 2)), mode, **constants)


# --- by index ---------------------------------------------------------------------------------------------------------


def rearranged(function):
    """What NumPy's function does to the numbers of the elements, done to the elements, where JAX refuses."""

    def on_elements(x, *args):
        numbers = function(np.arange(x.size).reshape(x.shape), *args)
        return map_leaves(lambda part: x.ravel()[part], numbers)

    return on_elements


def read(x, key):
    """JAX takes no lists among the entries of an index."""
    entries = key if isinstance(key, tuple) else (key,)
    return x[tuple(np.asarray(entry, int) if isinstance(entry, (list, tuple, range)) else entry for entry in entries)]


def added(values, key, shape):
    return jnp.zeros(shape).at[key].add(values)


def added_along_axis(values, indices, *, axis, shape):
    key = list(np.ogrid[tuple(slice(n) for n in indices.shape)])
    key[axis] = indices
    return added(values, tuple(key), shape)


def written(x, key, values):
    """JAX leaves open which of two writes to one place wins: the last one, NumPy says."""
    source = np.arange(x.size).reshape(x.shape)
    shape = source[key].shape
    source[key] = x.size + np.arange(math.prod(shape)).reshape(shape)
    return jnp.concatenate([x.ravel(), jnp.broadcast_to(values, shape).ravel()])[source]


# --- networks ---------------------------------------------------------------------------------------------------------


def softmax(x, where, *, axis):
    """JAX's own mask leaves a row with nothing to attend to at NaN."""
    if where is None:
        return jax.nn.softmax(x, axis)
    weights = jnp.exp(x) * np.asarray(where)
    total = weights.sum(axis, keepdims=True)
    return weights / jnp.where(total > 0, total, 1)


def log_softmax(x, where, *, axis):
    if where is None:
        return jax.nn.log_softmax(x, axis)
    total = jax.nn.logsumexp(x, axis, where=np.asarray(where), keepdims=True)
    return jnp.where(np.asarray(where), x - total, -jnp.inf)


def attention_weights(query, key, mask, bias, causal):
    scores = jnp.einsum("...qw,...kw->...qk", query, key)
    allowed = np.broadcast_to(True if mask is None else mask, scores.shape)
    return softmax(scores + (0 if bias is None else bias), np.tril(allowed) if causal else allowed, axis=-1)


def attention(query, key, value, mask, bias, causal, scale, block=None):
    """JAX's own has heads after positions, four axes, and no rows that are masked altogether."""
    query = query * (query.shape[-1] ** -0.5 if scale is None else scale)
    return jnp.einsum("...qk,...kv->...qv", attention_weights(query, key, mask, bias, causal), value)


def parted(tokens, queries):
    return jnp.split(tokens, [queries, (queries + tokens.shape[-2]) // 2], -2)


def attention_gradient(g, tokens, mask, bias, *, queries, block, causal):
    query, key, value = parted(tokens, queries)
    weights = attention_weights(query, key, mask, bias, causal)
    pull = g @ value.mT
    to_scores = weights * (pull - (pull * weights).sum(-1, keepdims=True))
    return jnp.concatenate([to_scores @ key, to_scores.mT @ query, weights.mT @ g], -2)


def windows(x, *, window_shape, axis, stride, dilation):
    """The elements by their numbers, as NumPy's own windows have them."""
    lengths, axes = np.atleast_1d(window_shape), np.arange(x.ndim) if axis is None else np.atleast_1d(axis)
    reach = (lengths - 1) * dilation + 1 if lengths.size else lengths
    numbers = np.lib.stride_tricks.sliding_window_view(np.arange(x.size).reshape(x.shape), tuple(reach), tuple(axes))
    steps = dict(zip(axes % max(x.ndim, 1), np.broadcast_to(stride, axes.shape), strict=True))
    inside = np.broadcast_to(dilation, axes.shape)
    key = tuple(slice(None, None, step) for step in (*(steps.get(a, 1) for a in range(x.ndim)), *inside))
    return x.ravel()[numbers[key]]


def added_windows(values, *, shape, **params):
    read = functools.partial(windows, window_shape=values.shape[len(shape) :], **params)
    return jax.linear_transpose(read, jnp.zeros(shape))(values)[0]


def convolved(x, weight, bias, stride, padding, dilation, groups):
    """JAX's own, with the batch in front."""
    ndim = weight.ndim - 2
    if not isinstance(padding, str):
        sides = padding if isinstance(padding, tuple) else (padding,) * ndim
        padding = [side if isinstance(side, tuple) else (side, side) for side in sides]
    lead = x.shape[: x.ndim - ndim - 1]
    x = x.reshape(math.prod(lead), *x.shape[len(lead) :])
    steps, inside = (np.broadcast_to(n, ndim).tolist() for n in (stride, dilation))
    y = jax.lax.conv_general_dilated(
        x, weight, steps, padding.upper() if isinstance(padding, str) else padding, rhs_dilation=inside,
        feature_group_count=groups,
    )  # fmt: skip
    y = y.reshape(*lead, *y.shape[1:])
    return y if bias is None else y + bias.reshape(-1, *[1] * ndim)


def pooled(reduce, fill, x, window, stride, padding, dilation=1):
    """JAX's reduction of windows has no derivative where these are dilated."""
    window = window if isinstance(window, tuple) else (window,) * (x.ndim - 2)
    sides = np.broadcast_to(np.reshape(padding, (-1, 1)), (len(window), 2)).tolist()
    x = jnp.pad(x, [(0, 0)] * (x.ndim - len(window)) + sides, constant_values=fill)
    axes = range(x.ndim - len(window), x.ndim)
    found = windows(x, window_shape=window, axis=axes, stride=window if stride is None else stride, dilation=dilation)
    return reduce(found, tuple(range(-len(window), 0)))


def averaged(x, *args):
    *others, count_include_pad = args
    mean = pooled(jnp.mean, 0.0, x, *others)
    return mean if count_include_pad else mean / pooled(jnp.mean, 0.0, jnp.ones(x.shape), *others)


def standardized(x, epsilon):
    return jax.nn.standardize(x, axis=-1, epsilon=epsilon)


def scaled(y, gain, bias=None):
    return y * (1 if gain is None else gain) + (0 if bias is None else bias)


# --- losses, of which JAX has none ------------------------------------------------------------------------------------


def reduced(losses, reduction):
    return {"mean": jnp.mean, "sum": jnp.sum, "none": lambda x: x}[reduction](losses)


def loss(function):
    """Of a difference: the loss of each element, reduced."""
    return lambda x, target, *args: reduced(function(x - jnp.asarray(target), *args[:-1]), args[-1])


def huber(difference, delta):
    size = jnp.abs(difference)
    return jnp.where(size <= delta, difference**2 / 2, delta * (size - delta / 2))


def bce(p, targets, reduction):
    t = jnp.asarray(targets)
    return reduced(-(t * jnp.log(p) + (1 - t) * jnp.log1p(-p)), reduction)


def bce_with_logits(x, targets, positive_weight, reduction):
    targets, weight = jnp.asarray(targets, float), 1.0 if positive_weight is None else jnp.asarray(positive_weight)
    losses = -weight * targets * jax.nn.log_sigmoid(x) - (1 - targets) * jax.nn.log_sigmoid(-x)
    return reduced(losses, reduction)


def kl_div(x, target, log_target, reduction):
    target = jnp.asarray(target, float)
    share = jnp.exp(target) if log_target else target
    entropy = share * target if log_target else jax.scipy.special.xlogy(target, target)
    return reduced((entropy - share * x).sum(-1), reduction)


def cross_entropy(logits, targets, weight, *, label_smoothing, **params):
    return nll(jax.nn.log_softmax(logits), targets, weight, label_smoothing=label_smoothing, **params)


def nll(log_probabilities, targets, weight, *, reduction, ignore_index, label_smoothing=0.0):
    targets, count = np.asarray(targets), log_probabilities.shape[-1]
    counts = targets != ignore_index if ignore_index is not None else np.ones(targets.shape, bool)
    weight = jnp.ones(count) if weight is None else jnp.asarray(weight, float)
    expected = jax.nn.one_hot(targets, count) * (1 - label_smoothing) + label_smoothing / count
    losses = jnp.where(counts, -(expected * weight * log_probabilities).sum(-1), 0.0)
    total = jnp.where(counts, weight[np.where(counts, targets, 0)], 0.0).sum()
    return losses.sum() / total if reduction == "mean" else reduced(losses, reduction)


# --- the table --------------------------------------------------------------------------------------------------------

COUNTERPARTS = {
    # elementwise
    **named("absolute", "add", "subtract", "multiply", "divide", "negative", "reciprocal", "square", "sign", "sqrt"),
    **named("exp", "exp2", "expm1", "log", "log1p", "log2", "log10", "logaddexp", "logaddexp2", "deg2rad", "rad2deg"),
    **named("sin", "cos", "tan", "arcsin", "arccos", "arctan", "arctan2", "hypot", "sinh", "cosh", "tanh"),
    **named("arcsinh", "arccosh", "arctanh", "floor", "ceil", "trunc", "rint", "round", "power"),
    **named("maximum", "minimum", "where", "clip", "isfinite", "isinf", "isnan"),
    **named("equal", "not_equal", "less", "less_equal", "greater", "greater_equal"),
    **named("logical_and", "logical_or", "logical_xor", "logical_not", "zeros_like", "ones_like", "full_like"),
    **named("bitwise_and", "bitwise_or", "bitwise_xor", "invert"),
    "tanh_slope": lambda x: 1 - jnp.tanh(x) ** 2,
    "one_minus_square": lambda x: 1 - x**2,
    **named("relu", "sigmoid", "softplus", "log_sigmoid", "silu", "mish", library=jax.nn),
    **named("erf", "erfc", library=jax.scipy.special),
    "strong_multiply": jnp.multiply,
    "number_power": lambda x, *, exponent: x**exponent,
    "tensor_power": jnp.power,
    "gaussian": lambda x, *, rate: jnp.exp(-rate * x**2),
    "softsign": jax.nn.soft_sign,
    "leaky_relu": lambda x, *, slope: jax.nn.leaky_relu(x, slope),
    "elu": lambda x, *, alpha: jax.nn.elu(x, alpha),
    "gelu": lambda x, *, approximate: jax.nn.gelu(x, approximate=approximate == "tanh"),
    "gelu_slope": slope(lambda x: jax.nn.gelu(x, approximate=False)),
    "silu_slope": slope(jax.nn.silu),
    "mish_slope": slope(jax.nn.mish),
    "astype": lambda x, *, dtype: x.astype(dtype),
    "copy": lambda x: x + 0,
    "stop_gradient": jax.lax.stop_gradient,
    # reductions
    **named("sum", "mean", "max", "min", "prod", "any", "all", "std", "argmax", "argmin", "argsort", "sort"),
    "ptp": lambda x, axis, keepdims: jnp.ptp(x, axis, keepdims=keepdims),
    "var": lambda x, axis, ddof, keepdims: jnp.var(x, axis, ddof=ddof, keepdims=keepdims),
    "logsumexp": jax.nn.logsumexp,
    "vector_norm": vector_norm,
    "norm": norm,
    "cumsum": along(jnp.cumsum),
    "cumprod": along(jnp.cumprod),
    "linear_recurrence": recurrence,
    "matrix_trace": jnp.trace,
    # shapes
    "transpose": lambda x, *, axes: jnp.transpose(x, (axes,) if isinstance(axes, int) else axes),
    **named("reshape", "ravel", "swapaxes", "moveaxis", "expand_dims", "squeeze", "broadcast_to"),
    **named("stack", "vstack", "hstack", "flip", "roll", "tile", "diagonal", "diag"),
    "sum_to": sum_to,
    "concatenate": lambda *xs, axis: jnp.concatenate(xs, axis),
    "repeat": lambda x, repeats, axis: jnp.repeat(x, np.asarray(repeats), axis),
    **{f.__name__: rearranged(f) for f in (np.split, np.array_split, np.vsplit, np.hsplit, np.dsplit, np.rot90)},
    **named("dstack", "column_stack", "flipud", "fliplr", "append", "isclose", "allclose", "array_equal", "atleast_1d"),
    **named("atleast_2d", "atleast_3d", "remainder", "floor_divide", "mod", "fmod", "positive", "signbit", "copysign"),
    **named("fabs", "fmax", "fmin", "select", "rollaxis"),
    "linspace": lambda start, stop, num, endpoint, axis: jnp.linspace(start, stop, num, endpoint, axis=axis),
    "partition": lambda x, kth, axis: jnp.sort(x, axis),
    "divmod": lambda x1, x2: (jnp.floor_divide(x1, x2), jnp.remainder(x1, x2)),
    "flatten": jnp.ravel,
    **named("diff", "cross", "kron", "sinc"),
    "nan_to_num": lambda x, copy, nan, posinf, neginf: jnp.nan_to_num(x, nan=nan, posinf=posinf, neginf=neginf),
    "cummax": lambda x, *, axis: jax.lax.cummax(x, axis % x.ndim),
    "cummin": lambda x, *, axis: jax.lax.cummin(x, axis % x.ndim),
    "logcumsumexp": lambda x, axis: jax.lax.cumlogsumexp(x, axis % x.ndim),
    "selu": jax.nn.selu,
    **named("hard_tanh", "hard_sigmoid", "hard_swish", "relu6", "celu", library=jax.nn),
    "meshgrid": lambda *xi, indexing, sparse: jnp.meshgrid(*map(jnp.ravel, xi), indexing=indexing, sparse=sparse),
    "glu": jax.nn.glu,
    "bce": bce,
    "amax": lambda x, axis, keepdims: jnp.max(x, axis, keepdims=keepdims),
    "amin": lambda x, axis, keepdims: jnp.min(x, axis, keepdims=keepdims),
    "pad": padded,
    "tril": lambda x, *, k: x * np.tril(np.ones(x.shape), k),
    "triu": lambda x, *, k: x * np.triu(np.ones(x.shape), k),
    # by index
    "getitem": lambda x, *indices, index: x[index.with_arrays(indices)],
    "index": read,
    "scatter_add": lambda values, *indices, index, shape: added(values, index.with_arrays(indices), shape),
    "setitem": lambda x, values, *indices, index: written(x, index.with_arrays(indices), values),
    "set_at": written,
    "take": lambda x, indices, axis: jnp.take(x, np.asarray(indices, int), axis),
    "take_along_axis": jnp.take_along_axis,
    "add_along_axis": added_along_axis,
    # windows
    "sliding_window_view": windows,
    "add_windows": added_windows,
    "conv1d": convolved,
    "conv2d": convolved,
    "max_pool": functools.partial(pooled, jnp.max, -jnp.inf),
    "average_pool": averaged,
    # products
    **named("matmul", "outer", "inner", "dot", "tensordot", "einsum"),
    "linear": lambda x, weight, bias: x @ weight + (0.0 if bias is None else bias),
    "vecdot": lambda x1, x2, *, axis, keepdims: jnp.sum(x1 * x2, axis, keepdims=keepdims),
    # square matrices
    "det": det,
    **named("solve", "inv", "slogdet", "cholesky", "eigh", "eigvalsh", library=jnp.linalg),
    "det_slope": lambda a: det(a)[..., None, None] * jnp.linalg.inv(a).mT,
    "det_sign": lambda a: jnp.linalg.slogdet(a)[0],
    "logabsdet": lambda a: jnp.linalg.slogdet(a)[1],
    "logabsdet_slope": lambda a: jnp.linalg.inv(a).mT,
    "eigenvalues": jnp.linalg.eigvalsh,
    "eigenvectors": lambda a: jnp.linalg.eigh(a)[1],
    # networks
    "softmax": softmax,
    "log_softmax": log_softmax,
    "standardize": lambda x, *, epsilon: standardized(x, epsilon),
    "inverse_deviation": lambda x, *, epsilon: jax.lax.rsqrt(jnp.var(x, -1, keepdims=True) + epsilon),
    "layer_norm": lambda x, gain, bias, epsilon: scaled(standardized(x, epsilon), gain, bias),
    "rms_norm": lambda x, gain, epsilon: scaled(x * jax.lax.rsqrt(jnp.mean(x * x, -1, keepdims=True) + epsilon), gain),
    "embedding": lambda weight, indices: weight[np.asarray(indices)],
    "one_hot": lambda x, *, classes, dtype: jax.nn.one_hot(x, classes, dtype=dtype),
    "scaled_dot_product_attention": attention,
    "blockwise_attention": lambda tokens, mask, bias, *, queries, block, causal: attention(
        *parted(tokens, queries), mask, bias, causal, 1.0
    ),
    "blockwise_attention_gradient": attention_gradient,
    "split_heads": lambda x, *, heads: jnp.stack(jnp.split(x, heads, -1), -3),
    "merge_heads": lambda x: jnp.concatenate(jnp.moveaxis(x, -3, 0), -1),
    # losses
    "mse": loss(jnp.square),
    "l1": loss(jnp.abs),
    "huber": loss(huber),
    "bce_with_logits": bce_with_logits,
    "kl_div": kl_div,
    "nll": nll,
    "cross_entropy": cross_entropy,
}

DRAWN = "a random draw, which has no samples: no two generators agree"
NUMBERS = "made of numbers alone: there is nothing to differentiate, and NumPy is the judge of its values"
EXCEPTIONS = {
    "gradient": "JAX's takes neither places nor edge_order; PyTorch's does",
    "dropout": DRAWN, "random_normal": DRAWN, "random_uniform": DRAWN, "arange": NUMBERS, "tri": NUMBERS,
}  # fmt: skip
