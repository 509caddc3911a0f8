"""What each ATen operation of PyTorch is in minigrad's ops: a table of rows.

A row takes a `Writer` and the operation's own arguments, Tensors among them, writes ops and returns the result; where
there are several, a list of functions that write one each. Where the arguments ask for what no op does it returns None:
the operation stays PyTorch's, as it does where shape or type of a result come out otherwise than PyTorch has them.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np

from minigrad.core.tensor import Tensor
from minigrad.ops.indexing import Index, Slice

Row = Callable[..., Any]
ROWS: dict[str, Row] = {}
"""By the name of the operation, or by that and its overload: `max`, `max.dim`."""


class Writer(Protocol):
    """Who writes ops for rows: `to.exp(x)`, `to.sum(x, axis=0)`. It knows what PyTorch says of the (first) result."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    def constant(self, value: Any) -> Tensor: ...
    def dtype_of(self, dtype: Any) -> np.dtype[Any]: ...
    def dropout(self, x: Tensor, rate: float) -> Tensor: ...
    def compose(self, function: Callable[..., Tensor], *inputs: Tensor) -> Tensor: ...
    def __getattr__(self, op: str) -> Callable[..., Any]: ...


def row(*names: str) -> Callable[[Row], Row]:
    """Declare the row of some operations, as a decorator."""

    def declare(function: Row) -> Row:
        ROWS.update(dict.fromkeys(names, function))
        return function

    return declare


# --- element by element: operands are of one type, which is that of the result ----------------------------------------


def cast(to: Writer, x: Any, dtype: Any = None) -> Any:
    """`x` in a type, by default that of the result; numbers are weak in both worlds."""
    dtype = to.dtype if dtype is None else to.dtype_of(dtype)
    return to.astype(x, dtype=dtype) if isinstance(x, Tensor) and x.dtype != dtype else x


def elementwise(name: str, to: Writer, *operands: Any) -> Any:
    return getattr(to, name)(*(cast(to, x) for x in operands))


ELEMENTWISE = {
    "__and__": "bitwise_and", "__or__": "bitwise_or", "__xor__": "bitwise_xor", "abs": "absolute", "acos": "arccos",
    "acosh": "arccosh", "asin": "arcsin", "asinh": "arcsinh", "atan": "arctan", "atan2": "arctan2", "atanh": "arctanh",
    "bitwise_and": "bitwise_and", "bitwise_not": "invert", "bitwise_or": "bitwise_or", "bitwise_xor": "bitwise_xor",
    "ceil": "ceil", "cos": "cos", "cosh": "cosh", "deg2rad": "deg2rad", "div.Scalar": "divide", "div.Tensor": "divide",
    "erf": "erf", "erfc": "erfc", "exp": "exp", "exp2": "exp2", "expm1": "expm1", "floor": "floor", "hypot": "hypot",
    "log": "log", "log10": "log10", "log1p": "log1p", "log2": "log2", "log_sigmoid": "log_sigmoid",
    "logaddexp": "logaddexp", "logaddexp2": "logaddexp2", "maximum": "maximum", "minimum": "minimum", "mish": "mish",
    "mul": "multiply", "neg": "negative", "pow.Scalar": "tensor_power", "pow.Tensor_Tensor": "tensor_power",
    "rad2deg": "rad2deg", "reciprocal": "reciprocal", "relu": "relu", "round.default": "rint", "sigmoid": "sigmoid",
    "silu": "silu", "sin": "sin", "sinh": "sinh", "sqrt": "sqrt", "square": "square", "tan": "tan",
    "tanh": "tanh", "trunc": "trunc",
}  # fmt: skip
PREDICATES = {
    "eq": "equal", "ge": "greater_equal", "gt": "greater", "isfinite": "isfinite", "isinf": "isinf", "isnan": "isnan",
    "le": "less_equal", "logical_and": "logical_and", "logical_not": "logical_not", "logical_or": "logical_or",
    "logical_xor": "logical_xor", "lt": "less", "ne": "not_equal",
}  # fmt: skip

ROWS |= {theirs: functools.partial(elementwise, ours) for theirs, ours in ELEMENTWISE.items()}


def predicate(name: str, to: Writer, x: Any, *others: Any) -> Any:
    if any(y.dtype != x.dtype if isinstance(y, Tensor) else type(y) is float and x.dtype.kind != "f" for y in others):
        return None  # they are compared in a type that NumPy chooses otherwise
    return getattr(to, name)(x, *others)


ROWS |= {theirs: functools.partial(predicate, ours) for theirs, ours in PREDICATES.items()}


def add(name: str, to: Writer, x: Any, y: Any, *, alpha: float = 1) -> Any:
    y = cast(to, y)
    if alpha != 1:
        y = to.multiply(y, alpha) if isinstance(y, Tensor) else y * alpha
    return getattr(to, name)(cast(to, x), y)


ROWS |= {"add": functools.partial(add, "add"), "sub": functools.partial(add, "subtract")}


@row("rsub")
def rsub(to: Writer, x: Any, y: Any, alpha: float = 1) -> Any:
    return add("subtract", to, y, x, alpha=alpha)


@row("sign")
def sign(to: Writer, x: Any) -> Any:
    return None if x.dtype.kind == "f" else to.sign(x)  # PyTorch's sign of NaN is 0


@row("pow.Tensor_Scalar")
def power(to: Writer, x: Any, exponent: float) -> Any:
    if abs(exponent) == 0.5 and to.dtype.char == "e":
        return to.tensor_power(cast(to, x), exponent)
    if exponent == -0.5:
        return rsqrt(to, x)  # which is −∞ at −0
    return to.number_power(cast(to, x), exponent=exponent)


@row("rsqrt")
def rsqrt(to: Writer, x: Any) -> Any:
    return to.reciprocal(to.sqrt(cast(to, x)))


@row("gelu")
def gelu(to: Writer, x: Any, approximate: str = "none") -> Any:
    return to.gelu(x, approximate=approximate)


@row("elu")
def elu(to: Writer, x: Any, alpha: float = 1.0, scale: float = 1, input_scale: float = 1) -> Any:
    return to.elu(x, alpha=float(alpha)) if scale == input_scale == 1 else None


@row("leaky_relu")
def leaky_relu(to: Writer, x: Any, slope: float = 0.01) -> Any:
    return to.leaky_relu(x, slope=float(slope))


@row("clamp", "hardtanh")
def clamp(to: Writer, x: Any, lowest: Any = None, highest: Any = None) -> Any:
    return to.clip(cast(to, x), cast(to, lowest), cast(to, highest))


@row("clamp_min")
def clamp_min(to: Writer, x: Any, lowest: Any) -> Any:
    return to.maximum(cast(to, x), cast(to, lowest))


@row("clamp_max")
def clamp_max(to: Writer, x: Any, highest: Any) -> Any:
    return to.minimum(cast(to, x), cast(to, highest))


@row("where.self", "where.ScalarOther", "where.ScalarSelf")
def where(to: Writer, condition: Any, x: Any, y: Any) -> Any:
    return to.where(condition, cast(to, x), cast(to, y))


@row("masked_fill")
def masked_fill(to: Writer, x: Any, mask: Any, value: Any) -> Any:
    return to.where(mask, cast(to, value), x)


# --- types, and what changes nothing ----------------------------------------------------------------------------------


@row("alias", "clone", "detach", "_to_copy", "type_as")
def copy(to: Writer, x: Any, *_: Any, **settings: Any) -> Any:
    return cast(to, x)


@row("copy", "fill.Tensor")
def overwrite(to: Writer, x: Any, values: Any, *_: Any) -> Any:
    return expand(to, cast(to, values))


@row("zeros_like", "new_zeros", "empty_like")
def zeros(to: Writer, x: Any, *_: Any, **settings: Any) -> Any:
    return like(to, x, 0)


@row("ones_like", "new_ones")
def ones(to: Writer, x: Any, *_: Any, **settings: Any) -> Any:
    return like(to, x, 1)


@row("full_like", "fill.Scalar")
def like(to: Writer, x: Any, value: Any, **settings: Any) -> Any:
    return to.constant(np.full(to.shape, value, to.dtype))


@row("new_full")
def new_full(to: Writer, x: Any, shape: Sequence[int], value: Any, **settings: Any) -> Any:
    return like(to, x, value)


# --- shapes -----------------------------------------------------------------------------------------------------------


@row("view", "_unsafe_view")
def reshape(to: Writer, x: Any, *_: Any) -> Any:
    return x if x.shape == to.shape else to.reshape(x, shape=to.shape)


@row("unsqueeze")
def unsqueeze(to: Writer, x: Any, axis: int) -> Any:
    return to.expand_dims(x, axis=axis)


@row("squeeze")
def squeeze(to: Writer, x: Any, axes: Any = None) -> Any:
    places = range(x.ndim) if axes is None else [axes] if isinstance(axes, int) else axes
    places = tuple(sorted({axis % max(x.ndim, 1) for axis in places if x.shape[axis] == 1}))
    return to.squeeze(x, axis=places if len(places) > 1 else places[0]) if places else x


def permute(to: Writer, x: Any, axes: Sequence[int]) -> Any:
    """Axes in another order; what is permuted to and fro is left as it was."""
    axes = tuple(axis % x.ndim for axis in axes)
    before = permutation(x)
    if before is not None and tuple(before[axis] for axis in axes) == tuple(range(x.ndim)):
        return x.inputs[0]
    backwards = tuple(reversed(range(x.ndim)))
    return x if axes == tuple(range(x.ndim)) else to.transpose(x, axes=None if axes == backwards else axes)


def permutation(x: Any) -> tuple[int, ...] | None:
    """The order of axes that made `x`, where a transpose did."""
    if x.op is None or x.op.name != "transpose":
        return None
    return x.params["axes"] or tuple(reversed(range(x.ndim)))


ROWS["permute"] = permute


@row("transpose.int")
def transpose(to: Writer, x: Any, first: int, second: int) -> Any:
    axes = list(range(x.ndim))
    if axes:
        axes[first], axes[second] = axes[second], axes[first]
    return permute(to, x, axes)


@row("t")
def t(to: Writer, x: Any) -> Any:
    return permute(to, x, tuple(reversed(range(x.ndim))))


@row("expand")
def expand(to: Writer, x: Any, *_: Any, **settings: Any) -> Any:
    return x if x.shape == to.shape else to.broadcast_to(x, shape=to.shape)


@row("broadcast_tensors")
def broadcast_tensors(to: Writer, arrays: Sequence[Any]) -> Any:
    return [functools.partial(expand, to, x) for x in arrays]


@row("repeat")
def repeat(to: Writer, x: Any, counts: Sequence[int]) -> Any:
    shape = (1,) * (len(counts) - x.ndim) + x.shape
    apart = [length for n in shape for length in (1, n)]
    copies = [length for pair in zip(counts, shape, strict=True) for length in pair]
    return to.reshape(to.broadcast_to(to.reshape(x, shape=tuple(apart)), shape=tuple(copies)), shape=to.shape)


@row("cat")
def concatenate(to: Writer, arrays: Sequence[Any], axis: int = 0) -> Any:
    return to.concatenate(*(cast(to, x) for x in arrays), axis=axis)


@row("stack")
def stack(to: Writer, arrays: Sequence[Any], axis: int = 0) -> Any:
    return to.concatenate(*(to.expand_dims(cast(to, x), axis=axis) for x in arrays), axis=axis)


@row("flip")
def flip(to: Writer, x: Any, axes: Sequence[int]) -> Any:
    axes = [axis % x.ndim for axis in axes]
    return to.getitem(x, index=Index(Slice(None, None, -1 if i in axes else None) for i in range(x.ndim)))


@row("roll")
def roll(to: Writer, x: Any, shifts: Sequence[int], axes: Sequence[int] = ()) -> Any:
    return to.roll(x, shift=tuple(shifts) if axes else shifts[0], axis=tuple(axes) or None)


@row("tril")
def tril(to: Writer, x: Any, diagonal: int = 0) -> Any:
    return to.tril(x, k=diagonal)


@row("triu")
def triu(to: Writer, x: Any, diagonal: int = 0) -> Any:
    return to.triu(x, k=diagonal)


@row("constant_pad_nd", "pad")
def pad(to: Writer, x: Any, widths: Sequence[int], mode: Any = "constant", value: Any = None) -> Any:
    if not isinstance(mode, str):  # of constant_pad_nd, which has no mode
        mode, value = "constant", mode
    if mode != "constant" or min(widths, default=0) < 0:
        return None
    pairs = [(widths[i], widths[i + 1]) for i in range(0, len(widths), 2)]
    return to.pad(
        x, pad_width=((0, 0),) * (x.ndim - len(pairs)) + tuple(reversed(pairs)), constant_values=value or None
    )


# --- reading and writing by index -------------------------------------------------------------------------------------


def place(x: Any, axis: int, entry: Any) -> Index:
    """An index with `entry` at one axis."""
    return Index([*[Slice(None, None, None)] * (axis % max(len(x), 1)), entry])


def part(length: int, start: int | None, stop: int | None, step: int | None) -> Slice | None:
    """The entry for a slice, without what goes without saying; None where it takes all."""
    start, stop, step = slice(start, stop, step).indices(length)
    entry = Slice(start or None, stop if stop < length else None, step if step != 1 else None)
    return None if entry == (None, None, None) else entry


@row("select.int")
def select(to: Writer, x: Any, axis: int, number: int) -> Any:
    return to.getitem(x, index=place(x.shape, axis, number))


@row("slice.Tensor")
def slice_(to: Writer, x: Any, axis: int = 0, start: Any = None, stop: Any = None, step: int = 1) -> Any:
    entry = part(x.shape[axis], start, stop, step)
    return x if entry is None else to.getitem(x, index=place(x.shape, axis, entry))


@row("select_backward")
def select_backward(to: Writer, g: Any, shape: Sequence[int], axis: int, number: int) -> Any:
    return to.scatter_add(g, index=place(shape, axis, number), shape=tuple(shape))


@row("slice_backward")
def slice_backward(to: Writer, g: Any, shape: Sequence[int], axis: int, start: Any, stop: Any, step: int) -> Any:
    entry = part(shape[axis], start, stop, step)
    return g if entry is None else to.scatter_add(g, index=place(shape, axis, entry), shape=tuple(shape))


@row("split_with_sizes", "unsafe_split_with_sizes")
def split_with_sizes(to: Writer, x: Any, sizes: Sequence[int], axis: int = 0) -> Any:
    ends = np.cumsum(sizes).tolist()
    return [functools.partial(slice_, to, x, axis, end - size, end) for size, end in zip(sizes, ends, strict=True)]


@row("split.Tensor", "unsafe_split.Tensor")
def split(to: Writer, x: Any, size: int, axis: int = 0) -> Any:
    length = x.shape[axis]
    starts = range(0, max(length, 1), max(size, 1))
    return split_with_sizes(to, x, [min(size, length - start) for start in starts], axis)


@row("unbind.int")
def unbind(to: Writer, x: Any, axis: int = 0) -> Any:
    return [functools.partial(select, to, x, axis, number) for number in range(x.shape[axis])]


@row("index.Tensor")
def index(to: Writer, x: Any, entries: Sequence[Any]) -> Any:
    arrays = [entry for entry in entries if entry is not None]
    return to.getitem(x, *arrays, index=Index(Slice(None, None, None) if e is None else True for e in entries))


@row("index_select")
def index_select(to: Writer, x: Any, axis: int, numbers: Any) -> Any:
    return to.getitem(x, numbers, index=place(x.shape, axis, True))


@row("gather")
def gather(to: Writer, x: Any, axis: int, numbers: Any, **settings: Any) -> Any:
    return to.take_along_axis(x, numbers, axis=axis)


@row("select_scatter")
def select_scatter(to: Writer, x: Any, values: Any, axis: int, number: int) -> Any:
    return to.setitem(x, values, index=place(x.shape, axis, number))


@row("slice_scatter")
def slice_scatter(
    to: Writer, x: Any, values: Any, axis: int = 0, start: Any = None, stop: Any = None, step: int = 1
) -> Any:
    entry = part(x.shape[axis], start, stop, step)
    return values if entry is None else to.setitem(x, values, index=place(x.shape, axis, entry))


@row("index_put", "_unsafe_index_put")
def index_put(to: Writer, x: Any, entries: Sequence[Any], values: Any, accumulate: bool = False) -> Any:
    arrays = [entry for entry in entries if entry is not None]
    static = Index(Slice(None, None, None) if e is None else True for e in entries)
    if not accumulate:
        return to.setitem(x, values, *arrays, index=static)
    if to.getitem(x, *arrays, index=static).shape != values.shape:
        return None
    added = to.scatter_add(values, *arrays, index=static, shape=x.shape)
    return added if is_zero(x) else to.add(x, added)


@row("scatter_add")
def scatter_add(to: Writer, x: Any, axis: int, numbers: Any, values: Any) -> Any:
    others = [i for i in range(x.ndim) if i != axis % x.ndim]
    if numbers.shape != values.shape or any(numbers.shape[i] != x.shape[i] for i in others):
        return None
    added = to.add_along_axis(values, numbers, axis=axis, shape=x.shape)
    return added if is_zero(x) else to.add(x, added)


@row("index_add")
def index_add(to: Writer, x: Any, axis: int, numbers: Any, values: Any, *, alpha: float = 1) -> Any:
    if alpha != 1 or numbers.ndim != 1:
        return None
    added = to.scatter_add(values, numbers, index=place(x.shape, axis, True), shape=x.shape)
    return added if is_zero(x) else to.add(x, added)


def is_zero(x: Any) -> bool:
    """Whether `x` is a constant of zeros, to which something is to be added."""
    return x.role == "constant" and x.name is None and not x._held.any()


@row("embedding")
def embedding(to: Writer, weight: Any, indices: Any, *_: Any) -> Any:
    return to.embedding(weight, indices)


@row("embedding_dense_backward")
def embedding_backward(to: Writer, g: Any, indices: Any, count: int, ignored: int, scaled: bool) -> Any:
    if ignored >= 0 or scaled:
        return None
    return to.scatter_add(g, indices, index=Index([True]), shape=(count, g.shape[-1]))


# --- along axes -------------------------------------------------------------------------------------------------------


def axes_of(x: Any, axes: Any) -> int | tuple[int, ...] | None:
    """The axes as NumPy takes them: PyTorch says all by None or none."""
    if axes is None or axes == []:
        return None
    return axes if isinstance(axes, int) else axes[0] if len(axes) == 1 else tuple(axes)


def reduce(name: str, to: Writer, x: Any, axes: Any = None, keepdims: bool = False, *, dtype: Any = None) -> Any:
    x = x if dtype is None else cast(to, x, dtype)
    return getattr(to, name)(x, axis=axes_of(x, axes), keepdims=keepdims)


REDUCTIONS = {
    "all": "all", "amax": "max", "amin": "min", "any": "any", "argmax": "argmax", "argmin": "argmin",
    "logsumexp": "logsumexp", "max.default": "max", "mean": "mean", "min.default": "min", "prod": "prod", "sum": "sum",
}  # fmt: skip

ROWS |= {theirs: functools.partial(reduce, ours) for theirs, ours in REDUCTIONS.items()}


def largest(name: str, to: Writer, x: Any, axis: int, keepdims: bool = False) -> Any:
    take, number = getattr(to, name), getattr(to, f"arg{name}")
    return [functools.partial(f, x, axis=axis, keepdims=keepdims) for f in (take, number)]


ROWS |= {f"{name}.dim": functools.partial(largest, name) for name in ("max", "min")}


@row("cumsum")
def cumsum(to: Writer, x: Any, axis: int, *, dtype: Any = None) -> Any:
    return to.cumsum(cast(to, x), axis=axis)


@row("cumprod")
def cumprod(to: Writer, x: Any, axis: int, *, dtype: Any = None) -> Any:
    return to.cumprod(cast(to, x), axis=axis)


@row("var.correction")
def variance(to: Writer, x: Any, axes: Any = None, *, correction: float | None = 1, keepdim: bool = False) -> Any:
    axis = axes_of(x, axes)
    reduced = range(x.ndim) if axis is None else [axis] if isinstance(axis, int) else axis
    count = math.prod(x.shape[i] for i in reduced) - (1 if correction is None else correction)
    if count <= 0:
        return None
    centred = to.subtract(x, to.mean(x, axis=axis, keepdims=True))
    return to.divide(to.sum(to.square(centred), axis=axis, keepdims=keepdim), float(count))


@row("var.dim")
def variance_by_flags(to: Writer, x: Any, axes: Any, unbiased: bool = True, keepdim: bool = False) -> Any:
    return variance(to, x, axes, correction=int(unbiased), keepdim=keepdim)


@row("std.correction", "std.dim")
def deviation(to: Writer, x: Any, *flags: Any, **settings: Any) -> Any:
    squared = (variance_by_flags if len(flags) > 1 else variance)(to, x, *flags, **settings)
    return None if squared is None else to.sqrt(squared)


@row("linalg_vector_norm")
def vector_norm(to: Writer, x: Any, ord: float = 2, axes: Any = None, keepdims: bool = False, **settings: Any) -> Any:
    return None if settings else to.vector_norm(x, axis=axes_of(x, axes), keepdims=keepdims, ord=ord)
