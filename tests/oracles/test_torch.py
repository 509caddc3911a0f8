"""Every function on record against PyTorch, to second order.

The table says each function in PyTorch's words. A counterpart gets the arguments complete with defaults, floating-point
arrays as tensors, and everything else as the sample has it.
"""

import math
import operator

import numpy as np
import pytest

import minigrad as mg
from minigrad.core.structure import leaves, map_leaves

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install torch==2.13.0")
functional = torch.nn.functional

pytestmark = [
    # PyTorch counts the degrees of freedom of an empty result as 0/0.
    pytest.mark.filterwarnings(r"ignore:(var|std)\(\). degrees of freedom is <= 0:UserWarning"),
    pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths:UserWarning"),
]


@pytest.mark.parametrize("name", mg.registry)
def test_value_gradients_and_second_derivatives_are_those_of_torch(name, compare_record):
    compare_record(name, COUNTERPARTS, EXCEPTIONS, answers)


def test_the_table_has_no_name_that_is_not_on_record():
    assert (COUNTERPARTS | EXCEPTIONS).keys() <= mg.registry.keys()


def test_a_wrong_second_derivative_is_found(compare_record, monkeypatch):
    monkeypatch.setitem(mg.cos.by_position, 0, lambda g, y, x: g * mg.sin(x))
    with pytest.raises(AssertionError, match="second derivatives of sample 0 of sin"):
        compare_record("sin", COUNTERPARTS, EXCEPTIONS, answers)


def answers(problems):
    return [answer(*problem) for problem in problems]


def answer(function, floats, cotangents, directions):
    xs = [torch.tensor(x, requires_grad=True) for x in floats]
    ys = list(leaves(function(*xs)))
    if not cotangents:
        return [y.numpy(force=True) for y in ys], [], []
    seeds = [torch.tensor(c, requires_grad=True) for c in cotangents]
    gradients = gradients_of(ys, xs, seeds, create_graph=True)
    seconds = gradients_of(gradients, [*xs, *seeds], list(map(torch.tensor, directions)))
    return [[t.numpy(force=True) for t in tensors] for tensors in (ys, gradients, seconds)]


def gradients_of(outputs, inputs, seeds, **options):
    """Zeros for inputs without influence, also where that is all of them."""
    pairs = [(y, seed) for y, seed in zip(outputs, seeds, strict=True) if y.requires_grad]
    if not pairs:
        return [torch.zeros_like(x) for x in inputs]
    ys, cotangents = zip(*pairs, strict=True)
    return torch.autograd.grad(ys, inputs, cotangents, allow_unused=True, materialize_grads=True, **options)


# --- how PyTorch says it ----------------------------------------------------------------------------------------------


def tensor(x):
    """A tensor for an array, a list or a number, in its own precision: PyTorch would make a number float32."""
    return x if isinstance(x, torch.Tensor) or x is None else torch.as_tensor(np.asarray(x))


def named(*names):
    """Functions with the same name in PyTorch that take nothing but tensors."""
    return {name: on_tensors(getattr(torch, name)) for name in names}


def on_tensors(function):
    return lambda *xs, **params: function(*map(tensor, xs), **params)


def slope(function):
    """The derivative of an elementwise function."""
    return lambda x: torch.autograd.grad(function(x).sum(), x, create_graph=True)[0]


def over_axes(function):
    """A reduction of the last axis, as one of any axes: PyTorch takes no empty tuple of axes, and often no tuple."""

    def reduction(x, axis, keepdims, **params):
        x = tensor(x)
        reduced = range(x.ndim) if axis is None else [a % x.ndim for a in np.atleast_1d(np.asarray(axis, int))]
        others = [a for a in range(x.ndim) if a not in reduced]
        lengths = [x.shape[a] for a in others]
        rows = x.permute([*others, *reduced]).reshape([*lengths, math.prod(x.shape[a] for a in reduced)])
        return function(rows, **params).reshape(
            [1 if a in reduced else n for a, n in enumerate(x.shape)] if keepdims else lengths
        )

    return reduction


def vector_norm(rows, ord):
    """PyTorch has no maximum of nothing; its norm is 0, as that of any empty vector."""
    return torch.linalg.vector_norm(rows, ord, -1) if rows.shape[-1] else rows.sum(-1)


def along(function):
    """NumPy's axis=None is the flattened array; a number is an array of one element."""
    return lambda x, axis: function(x.reshape(-1), 0) if axis is None else function(torch.atleast_1d(x), axis)


def recurrence(a, b, *, axis, reverse):
    a, b = (x.movedim(axis, 0) for x in torch.broadcast_tensors(tensor(a), tensor(b)))
    ys = {}
    for i in range(len(b))[:: -1 if reverse else 1]:
        before = i + 1 if reverse else i - 1
        ys[i] = b[i] + a[max(i, before)] * ys[before] if before in ys else b[i]
    return torch.stack([ys[i] for i in range(len(b))]).movedim(0, axis) if ys else b.movedim(0, axis)


# --- square matrices --------------------------------------------------------------------------------------------------


def solve(a, b):
    """PyTorch takes a batch of vectors for one, where the shapes allow it."""
    return torch.linalg.solve(a, b[..., None])[..., 0] if b.ndim == 1 else torch.linalg.solve(a, b)


def of_both_triangles(function):
    """PyTorch reads one, and gives a gradient for both."""
    return lambda a, *args: function((a + a.mT) / 2, *args)


def along_end(x, y, axis):
    """What is put at an end of an axis, as an array: PyTorch takes no numbers."""
    return y if y is None or np.ndim(y) else torch.full_like(x.narrow(axis, 0, 1), y)


def gradient(f, *steps, axis=None, edge_order=1):
    """PyTorch takes numbers or places, not both: a number becomes places."""
    f = tensor(f).double()
    axes = range(f.ndim) if axis is None else np.atleast_1d(axis).tolist()
    steps = steps * len(axes) if len(steps) == 1 else steps or (1.0,) * len(axes)
    pairs = zip(axes, map(tensor, steps), strict=True)
    places = [s if s.ndim else torch.arange(f.shape[a], dtype=f.dtype) * s for a, s in pairs]
    return torch.gradient(f, spacing=places, dim=list(axes), edge_order=edge_order)


def cross(a, b, axisa, axisb, axisc, axis):
    axisa, axisb, axisc = (axisa, axisb, axisc) if axis is None else (axis,) * 3
    vectors = torch.broadcast_tensors(a.movedim(axisa, -1), b.movedim(axisb, -1))
    return torch.linalg.cross(*vectors).movedim(-1, axisc)


def bce(p, target, reduction):
    return functional.binary_cross_entropy(p, tensor(target).to(p.dtype), reduction=reduction)


def floor_divide(x1, x2):
    """PyTorch's own has no derivative."""
    return torch.div(tensor(x1), tensor(x2), rounding_mode="floor")


# --- by index ---------------------------------------------------------------------------------------------------------


def select(conditions, choices, default):
    """One choice written over the next, from the last condition to the first."""
    for condition, choice in zip(conditions[::-1], choices[::-1], strict=True):
        default = torch.where(tensor(condition), tensor(choice), tensor(default))
    return default


def linspace(start, stop, num, endpoint, axis):
    """Between ends of different shapes, and along a new axis, which PyTorch has not."""
    start, stop = torch.broadcast_tensors(tensor(start), tensor(stop))
    places = [start + (stop - start) * (i / max(num - endpoint, 1)) for i in range(num)]
    return torch.stack(places, axis) if places else torch.empty((0, *start.shape), dtype=start.dtype)


def meshgrid(*xi, indexing, sparse):
    """PyTorch's grid, of which the sparse form is the part where the other places are 0."""
    grid = torch.meshgrid(*(x.reshape(-1) for x in xi), indexing=indexing)
    if not sparse:
        return grid
    order = [*range(len(xi))] if indexing == "ij" else [1, 0, *range(2, len(xi))]
    first = [tuple(slice(None) if i == axis else slice(1) for i in range(len(xi))) for axis in order]
    return [x[index] for x, index in zip(grid, first, strict=True)]


def rearranged(function):
    """What NumPy's function does to the numbers of the elements, done to the elements.

    For what PyTorch has not: negative steps, NumPy's order of axes, more than one reflection.
    """

    def on_elements(x, *args, **params):
        numbers = function(np.arange(x.numel()).reshape(x.shape), *args, **params)
        return map_leaves(lambda part: x.reshape(-1)[torch.tensor(np.array(part))], numbers)

    return on_elements


read = rearranged(operator.getitem)


def added(values, key, shape):
    places = torch.tensor(np.array(np.arange(math.prod(shape)).reshape(shape)[key]))
    zeros = torch.zeros(math.prod(shape), dtype=values.dtype)
    return zeros.index_add(0, places.reshape(-1), values.expand(places.shape).reshape(-1)).reshape(shape)


def added_along_axis(values, indices, *, axis, shape):
    return torch.zeros(shape, dtype=values.dtype).scatter_add(axis, tensor(indices), values)


def written(x, key, values):
    """PyTorch leaves open which of two writes to one place wins: the last one, NumPy says."""
    source = np.arange(x.numel()).reshape(x.shape)
    shape = source[key].shape
    source[key] = x.numel() + np.arange(math.prod(shape)).reshape(shape)
    return torch.cat([x.reshape(-1), tensor(values).expand(shape).reshape(-1)])[torch.tensor(source)]


def padded(x, *, pad_width, mode, constant_values):
    if mode != "constant":
        return rearranged(np.pad)(x, pad_width, mode)
    around = np.pad(np.zeros(x.shape), pad_width, constant_values=constant_values or 0)
    source = np.pad(np.arange(x.numel()).reshape(x.shape), pad_width, constant_values=-1)
    source = np.where(source < 0, x.numel() + np.arange(around.size).reshape(around.shape), source)
    return torch.cat([x.reshape(-1), tensor(around).reshape(-1)])[torch.tensor(source)]


# --- windows ----------------------------------------------------------------------------------------------------------


def windows(x, *, window_shape, axis, stride, dilation):
    """PyTorch unfolds one axis at a time, and knows no dilation."""
    lengths, axes = np.atleast_1d(window_shape), range(x.ndim) if axis is None else np.atleast_1d(axis)
    rows = np.broadcast_arrays(lengths, list(axes), stride, dilation)
    for n, a, step, inside in zip(*[row.tolist() for row in rows], strict=True):
        x = x.unfold(a % (x.ndim), (n - 1) * inside + 1, step)[..., ::inside]
    return x


def added_windows(values, *, shape, **params):
    """The gradient of what reads the windows."""
    window_shape = values.shape[len(shape) :]
    x = torch.zeros(shape, dtype=values.dtype, requires_grad=True)
    read = windows(x, window_shape=window_shape, **params)
    return torch.autograd.grad(read, x, values, create_graph=True)[0]


def convolution(function):
    """PyTorch has one number of zeros for both ends."""

    def convolved(x, weight, bias, stride, padding, dilation, groups):
        if isinstance(padding, tuple) and any(isinstance(side, tuple) for side in padding):
            sides = [side if isinstance(side, tuple) else (side, side) for side in padding]
            x, padding = functional.pad(x, [n for side in reversed(sides) for n in side]), 0
        lead = x.shape[: -weight.ndim + 1]
        x = x.reshape(-1 if x.numel() else math.prod(lead), *x.shape[len(lead) :])
        y = function(x, weight, bias, stride, padding, dilation, groups)
        return y.reshape(*lead, *y.shape[1:])

    return convolved


def pooling(name):
    """PyTorch has a function for each number of axes, after two others."""

    def pooled(x, window, *args):
        ndim = len(window) if isinstance(window, tuple) else x.ndim - 2
        lead = x.shape[: x.ndim - ndim]
        y = getattr(functional, f"{name}{ndim}d")(x.reshape(1, -1, *x.shape[len(lead) :]), window, *args)
        return y.reshape(*lead, *y.shape[2:])

    return pooled


# --- products ---------------------------------------------------------------------------------------------------------


def tensordot(x1, x2, axes):
    if not isinstance(axes, int):
        axes = [np.atleast_1d(np.asarray(a, int)).tolist() for a in axes]
    return torch.tensordot(x1, x2, axes)


def dot(x1, x2):
    x1, x2 = tensor(x1), tensor(x2)
    return tensordot(x1, x2, (-1, max(-2, -x2.ndim))) if x1.ndim and x2.ndim else x1 * x2


# --- networks ---------------------------------------------------------------------------------------------------------


def softmax(x, where, *, axis):
    if where is None:
        return torch.softmax(x, axis)
    weights = torch.exp(x) * tensor(where)  # PyTorch's takes no mask
    total = weights.sum(axis, keepdim=True)
    return weights / torch.where(total > 0, total, 1)


def log_softmax(x, where, *, axis):
    if where is None:
        return torch.log_softmax(x, axis)
    kept = torch.where(tensor(where), x, -torch.inf)
    return torch.where(tensor(where), x - torch.logsumexp(kept, axis, keepdim=True), -torch.inf)


def layer_norm(x, gain, bias, epsilon):
    """PyTorch fails in the second derivative where a bias is given without a gain."""
    gain = torch.ones(x.shape[-1:], dtype=x.dtype) if gain is None else gain
    return functional.layer_norm(x, x.shape[-1:], gain, bias, epsilon)


def attention(query, key, value, mask, bias, causal, scale, block=None):
    lead = torch.broadcast_shapes(*(x.shape[:-2] for x in (query, key, value)))
    query = query.expand(lead + query.shape[-2:])  # PyTorch adds to the scores in place
    scores = query.shape[:-1] + key.shape[-2:-1]
    allowed = torch.ones(scores, dtype=torch.bool) if mask is None else tensor(mask).expand(scores)
    allowed = allowed.tril() if causal else allowed
    addend = torch.where(allowed, 0.0 if bias is None else bias, -torch.inf)
    with torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH):  # the others have no second derivative
        return functional.scaled_dot_product_attention(query, key, value, addend, scale=scale)


def parted(tokens, queries):
    keys = (tokens.shape[-2] - queries) // 2
    return torch.split(tokens, [queries, keys, keys], -2)


def attention_gradient(g, tokens, mask, bias, *, queries, block, causal):
    query, key, value = parted(tokens, queries)
    scores = query @ key.mT + (0 if bias is None else bias)
    allowed = np.array(np.broadcast_to(True if mask is None else mask, scores.shape))  # PyTorch wants its own memory
    weights = softmax(scores, np.tril(allowed) if causal else allowed, axis=-1)
    pull = g @ value.mT
    to_scores = weights * (pull - (pull * weights).sum(-1, keepdim=True))
    return torch.cat([to_scores @ key, to_scores.mT @ query, weights.mT @ g], -2)


def loss(function):
    """Of two arrays that broadcast; the target may be integers, booleans or a list."""

    def on_pair(x, target, *args, **params):
        return function(*torch.broadcast_tensors(x, tensor(target).to(x.dtype)), *args, **params)

    return on_pair


def reduced(losses, reduction):
    return {"mean": torch.mean, "sum": torch.sum, "none": lambda x: x}[reduction](losses)


def kl_div(x, target, log_target, reduction):
    """PyTorch leaves the sum over the classes to its own reduction."""
    return reduced(functional.kl_div(x, target, reduction="none", log_target=log_target).sum(-1), reduction)


def bce_with_logits(x, target, positive_weight, reduction):
    """PyTorch has no derivative for the weight, which counts what is positive once more, times weight − 1."""
    losses = functional.binary_cross_entropy_with_logits(x, target, reduction="none")
    if positive_weight is not None:
        losses = losses - (tensor(positive_weight) - 1) * target * functional.logsigmoid(x)
    return reduced(losses, reduction)


def cross_entropy(logits, targets, weight, *, reduction, ignore_index, label_smoothing):
    if weight is None:
        params = {"reduction": reduction, "ignore_index": -100 if ignore_index is None else ignore_index}
        return by_row(functional.cross_entropy, logits, targets, label_smoothing=label_smoothing, **params)
    return weighted_loss(logits.log_softmax(-1), targets, weight, reduction, ignore_index, label_smoothing)


def nll(log_probabilities, targets, weight, *, reduction, ignore_index):
    if weight is None:
        params = {"reduction": reduction, "ignore_index": -100 if ignore_index is None else ignore_index}
        return by_row(functional.nll_loss, log_probabilities, targets, **params)
    return weighted_loss(log_probabilities, targets, weight, reduction, ignore_index, 0.0)


def by_row(function, scores, targets, *, reduction, **params):
    """PyTorch has the classes on the second axis."""
    targets = tensor(targets)
    losses = function(scores.reshape(-1, scores.shape[-1]), targets.reshape(-1), reduction=reduction, **params)
    return losses.reshape(targets.shape) if reduction == "none" else losses


def weighted_loss(log_probabilities, targets, weight, reduction, ignore_index, label_smoothing):
    """PyTorch has no derivative for the weights of classes."""
    targets, weight, count = tensor(targets), tensor(weight).to(log_probabilities.dtype), log_probabilities.shape[-1]
    counts = torch.ones(targets.shape, dtype=torch.bool) if ignore_index is None else targets != ignore_index
    classes = torch.where(counts, targets, 0)
    expected = functional.one_hot(classes, count).to(weight.dtype) * (1 - label_smoothing) + label_smoothing / count
    losses = torch.where(counts, -(expected * weight * log_probabilities).sum(-1), 0.0)
    total = torch.where(counts, weight[classes], 0.0).sum()
    return losses.sum() / total if reduction == "mean" else reduced(losses, reduction)


# --- the table --------------------------------------------------------------------------------------------------------

COUNTERPARTS = {
    # elementwise
    **named("absolute", "add", "subtract", "multiply", "divide", "negative", "reciprocal", "square", "sign", "sqrt"),
    **named("exp", "exp2", "expm1", "log", "log1p", "log2", "log10", "logaddexp", "logaddexp2", "deg2rad", "rad2deg"),
    **named("sin", "cos", "tan", "arcsin", "arccos", "arctan", "arctan2", "hypot", "sigmoid", "erf", "erfc", "relu"),
    **named("sinh", "cosh", "tanh", "arcsinh", "arccosh", "arctanh", "floor", "ceil", "trunc", "round"),
    **named("maximum", "minimum", "where", "clip", "isfinite", "isinf", "isnan", "zeros_like", "ones_like"),
    **named("not_equal", "less", "less_equal", "greater", "greater_equal"),
    **named("logical_and", "logical_or", "logical_xor", "logical_not", "bitwise_and", "bitwise_or", "bitwise_xor"),
    "invert": on_tensors(torch.bitwise_not),
    "tanh_slope": lambda x: 1 - torch.tanh(x) ** 2,
    "one_minus_square": lambda x: 1 - x**2,
    "equal": on_tensors(torch.eq),
    "strong_multiply": on_tensors(torch.multiply),
    "number_power": lambda x, *, exponent: x**exponent,
    "tensor_power": on_tensors(torch.pow),
    "power": on_tensors(torch.pow),
    "rint": torch.round,
    "gaussian": lambda x, *, rate: torch.exp(-rate * x**2),
    "softplus": functional.softplus,
    "softsign": functional.softsign,
    "log_sigmoid": functional.logsigmoid,
    "leaky_relu": lambda x, *, slope: functional.leaky_relu(x, slope),
    "elu": functional.elu,
    "gelu": functional.gelu,
    "silu": functional.silu,
    "mish": functional.mish,
    "gelu_slope": slope(functional.gelu),
    "silu_slope": slope(functional.silu),
    "mish_slope": slope(functional.mish),
    "astype": lambda x, *, dtype: x.to(getattr(torch, np.dtype(dtype).name)),
    "copy": torch.clone,
    "stop_gradient": torch.detach,
    "full_like": torch.full_like,
    # reductions
    "sum": over_axes(lambda rows: rows.sum(-1)),
    "mean": over_axes(lambda rows: rows.mean(-1)),
    "max": over_axes(lambda rows: rows.amax(-1)),
    "min": over_axes(lambda rows: rows.amin(-1)),
    "ptp": over_axes(lambda rows: rows.amax(-1) - rows.amin(-1)),
    "prod": over_axes(lambda rows: rows.prod(-1)),
    "logsumexp": over_axes(lambda rows: rows.logsumexp(-1)),
    "any": over_axes(lambda rows: rows.any(-1)),
    "all": over_axes(lambda rows: rows.all(-1)),
    "var": lambda x, axis, ddof, keepdims: over_axes(torch.var)(x, axis, keepdims, dim=-1, correction=ddof),
    "std": lambda x, *, axis, ddof, keepdims: over_axes(torch.std)(x, axis, keepdims, dim=-1, correction=ddof),
    "vector_norm": over_axes(vector_norm),
    "norm": torch.linalg.norm,
    "argmax": lambda x, *, axis, keepdims: torch.argmax(x, axis, keepdims),
    "argmin": lambda x, *, axis, keepdims: torch.argmin(x, axis, keepdims),
    "argsort": along(lambda x, axis: torch.argsort(x, dim=axis, stable=True)),
    "sort": along(lambda x, axis: torch.sort(x, axis).values),
    "cumsum": along(torch.cumsum),
    "cumprod": along(torch.cumprod),
    "linear_recurrence": recurrence,
    "matrix_trace": lambda x, *args: torch.diagonal(x, *args).sum(-1),
    # shapes
    "reshape": lambda x, *, shape: x.reshape(shape),
    "ravel": torch.ravel,
    "transpose": lambda x, *, axes: x.permute(list(range(x.ndim))[::-1] if axes is None else axes),
    "swapaxes": lambda x, *, axis1, axis2: x.swapaxes(axis1, axis2),
    "moveaxis": torch.moveaxis,
    "expand_dims": lambda x, *, axis: x.reshape(np.expand_dims(np.empty(x.shape), axis).shape),
    "squeeze": lambda x, *, axis: x.squeeze() if axis is None else x.squeeze(axis),
    "broadcast_to": lambda x, *, shape: x.broadcast_to(shape),
    "sum_to": lambda x, *, shape: x.sum_to_size(shape),
    "concatenate": lambda *xs, axis: torch.cat([x.reshape(-1) for x in xs] if axis is None else xs, axis or 0),
    "stack": torch.stack,
    "vstack": torch.vstack,
    "hstack": torch.hstack,
    **{f.__name__: rearranged(f) for f in (np.split, np.array_split, np.vsplit, np.hsplit, np.dsplit, np.rot90)},
    **{f.__name__: rearranged(f) for f in (np.flipud, np.fliplr)},
    "flatten": torch.ravel,
    **named("sinc", "kron"),
    "diff": lambda a, n, axis, *ends: torch.diff(tensor(a), n, axis, *(along_end(a, y, axis) for y in ends)),
    "gradient": gradient,
    "cross": cross,
    "nan_to_num": lambda x, copy, nan, posinf, neginf: torch.nan_to_num(tensor(x), nan, posinf, neginf),
    "cummax": lambda x, *, axis: torch.cummax(x, axis).values,
    "cummin": lambda x, *, axis: torch.cummin(x, axis).values,
    "logcumsumexp": torch.logcumsumexp,
    "selu": functional.selu,
    "hard_tanh": functional.hardtanh,
    "hard_sigmoid": lambda x: functional.relu6(x + 3) / 6,  # PyTorch has no second derivative of its own
    "hard_swish": functional.hardswish,
    "relu6": functional.relu6,
    "celu": functional.celu,
    "meshgrid": meshgrid,
    "glu": functional.glu,
    "bce": bce,
    "dstack": torch.dstack,
    "column_stack": torch.column_stack,
    "append": lambda x, values, axis: torch.cat(
        [x.reshape(-1), tensor(values).reshape(-1)] if axis is None else [x, values], axis or 0
    ),
    "atleast_1d": torch.atleast_1d,
    "atleast_2d": torch.atleast_2d,
    "atleast_3d": torch.atleast_3d,
    "floor_divide": floor_divide,
    **named("remainder", "fmod", "positive", "signbit", "copysign"),
    "fabs": torch.abs,
    **named("fmax", "fmin"),
    "select": select,
    "rollaxis": rearranged(np.rollaxis),
    "linspace": linspace,
    "partition": lambda x, kth, axis: along(lambda x, axis: torch.sort(x, axis).values)(x, axis),
    "mod": on_tensors(torch.remainder),
    "divmod": lambda x1, x2: (floor_divide(x1, x2), on_tensors(torch.remainder)(x1, x2)),
    "amax": over_axes(lambda rows: rows.amax(-1)),
    "amin": over_axes(lambda rows: rows.amin(-1)),
    "isclose": lambda a, b, **params: torch.isclose(*torch.broadcast_tensors(tensor(a), tensor(b)), **params),
    "allclose": lambda a, b, **params: tensor(torch.allclose(*torch.broadcast_tensors(tensor(a), tensor(b)), **params)),
    "array_equal": lambda x1, x2, equal_nan: tensor(
        x1.shape == x2.shape and bool(torch.isclose(x1, x2, 0, 0, equal_nan).all() if equal_nan else (x1 == x2).all())
    ),
    "flip": rearranged(np.flip),
    "roll": rearranged(np.roll),
    "tile": lambda x, reps: x.tile(reps if isinstance(reps, tuple) else (reps,)),
    "repeat": rearranged(np.repeat),
    "pad": padded,
    "tril": lambda x, *, k: x * tensor(np.tril(np.ones(x.shape), k)),
    "triu": lambda x, *, k: x * tensor(np.triu(np.ones(x.shape), k)),
    "diagonal": torch.diagonal,
    "diag": torch.diag,
    # by index
    "getitem": lambda x, *indices, index: read(x, index.with_arrays(indices)),
    "index": read,
    "scatter_add": lambda values, *indices, index, shape: added(values, index.with_arrays(indices), shape),
    "setitem": lambda x, values, *indices, index: written(x, index.with_arrays(indices), values),
    "set_at": written,
    "take": rearranged(np.take),
    "take_along_axis": lambda x, indices, *, axis: torch.take_along_dim(x, tensor(indices), axis),
    "add_along_axis": added_along_axis,
    # windows
    "sliding_window_view": windows,
    "add_windows": added_windows,
    "conv1d": convolution(functional.conv1d),
    "conv2d": convolution(functional.conv2d),
    "max_pool": pooling("max_pool"),
    "average_pool": lambda x, window, stride, padding, include: pooling("avg_pool")(
        x, window, stride, padding, False, include
    ),
    # products
    "matmul": torch.matmul,
    "linear": lambda x, weight, bias: functional.linear(x, weight.T) + (0.0 if bias is None else bias),
    "vecdot": lambda x1, x2, *, axis, keepdims: (x1 * x2).sum(axis, keepdim=keepdims),
    "outer": lambda x1, x2: torch.outer(tensor(x1).reshape(-1), tensor(x2).reshape(-1)),
    "inner": on_tensors(torch.inner),
    "dot": dot,
    "tensordot": tensordot,
    "einsum": lambda subscripts, *operands, optimize: torch.einsum(subscripts, *map(tensor, operands)),
    # square matrices
    "solve": solve,
    "inv": torch.linalg.inv,
    "det": torch.linalg.det,
    "det_slope": lambda a: torch.linalg.det(a)[..., None, None] * torch.linalg.inv(a).mT,
    "det_sign": lambda a: torch.linalg.slogdet(a)[0],
    "logabsdet": lambda a: torch.linalg.slogdet(a)[1],
    "logabsdet_slope": lambda a: torch.linalg.inv(a).mT,
    "slogdet": torch.linalg.slogdet,
    "cholesky": lambda a, *, upper: torch.linalg.cholesky(a, upper=upper),
    "eigenvalues": of_both_triangles(torch.linalg.eigvalsh),
    "eigenvectors": of_both_triangles(lambda a: torch.linalg.eigh(a)[1]),
    "eigh": of_both_triangles(lambda a, *triangle: torch.linalg.eigh(a)),
    "eigvalsh": of_both_triangles(lambda a, *triangle: torch.linalg.eigvalsh(a)),
    # networks
    "softmax": softmax,
    "log_softmax": log_softmax,
    "standardize": lambda x, *, epsilon: functional.layer_norm(x, x.shape[-1:], eps=epsilon),
    "inverse_deviation": lambda x, *, epsilon: torch.rsqrt(x.var(-1, correction=0, keepdim=True) + epsilon),
    "layer_norm": layer_norm,
    "rms_norm": lambda x, gain, epsilon: functional.rms_norm(x, x.shape[-1:], gain, epsilon),
    "embedding": lambda weight, indices: weight[tensor(indices)],
    "one_hot": lambda x, *, classes, dtype: functional.one_hot(tensor(x), classes),
    "scaled_dot_product_attention": attention,
    "blockwise_attention": lambda tokens, mask, bias, *, queries, block, causal: attention(
        *parted(tokens, queries), mask, bias, causal, 1.0
    ),
    "blockwise_attention_gradient": attention_gradient,
    "split_heads": lambda x, *, heads: x.unflatten(-1, (heads, -1)).transpose(-2, -3),
    "merge_heads": lambda x: x.transpose(-2, -3).flatten(-2),
    # losses
    "mse": loss(lambda x, target, reduction: functional.mse_loss(x, target, reduction=reduction)),
    "l1": loss(lambda x, target, reduction: functional.l1_loss(x, target, reduction=reduction)),
    "huber": loss(lambda x, target, delta, reduction: functional.huber_loss(x, target, reduction, delta)),
    "bce_with_logits": loss(bce_with_logits),
    "kl_div": loss(kl_div),
    "nll": nll,
    "cross_entropy": cross_entropy,
}

DRAWN = "a random draw, which has no samples: no two generators agree"
NUMBERS = "made of numbers alone: there is nothing to differentiate, and NumPy is the judge of its values"
EXCEPTIONS = {"dropout": DRAWN, "random_normal": DRAWN, "random_uniform": DRAWN, "arange": NUMBERS, "tri": NUMBERS}
