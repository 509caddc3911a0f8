"""What each op becomes in ONNX: a table of rows, each a function of (onnx, out, *operands, **params).

`onnx` writes operators, `onnx.Softmax(x, axis=-1)`; `out` is the node, with the shape and type of the result. Operands
are values, numbers and None. What a row returns is cast to the type of the node. An op without a row is written by its
definition. Operators are those of version 18, and computed in types for which runtimes have kernels.

A shape may depend on the size of the batch, and then so do the lists of integers that rows make of it, but nothing else
may: neither attributes nor which operators there are.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad.export.onnx_program import BOOLEAN, FLOAT32, INT32, Value, Writer, kernel_type
from minigrad.graph.node import Node
from minigrad.ops.kernels import sums

Row = Callable[..., Value]
ROWS: dict[str, Row] = {}
FIRST, LAST = np.iinfo(np.int64).min, np.iinfo(np.int64).max  # beyond every place of an axis


def row(name: str) -> Callable[[Row], Row]:
    """Declare the row of an op, also of one's own: `@row("my_op")` above a function (onnx, out, *operands, **params).

    >>> @row("my_square")
    ... def _(onnx, out, x):
    ...     return onnx.Mul(x, x)
    >>> del ROWS["my_square"]
    """

    def declare(function: Row) -> Row:
        ROWS[name] = function
        return function

    return declare


# --- elementwise ------------------------------------------------------------------------------------------------------


def by(kind: str) -> Row:
    """One operator, of operands in the type of the result."""
    return lambda onnx, out, *operands: onnx.write(kind, *cast_all(onnx, out, *operands))


def cast(onnx: Writer, out: Node, x: Any) -> Value:
    """An operand in the type that the result is computed in."""
    return onnx.cast(x, kernel_type(out.dtype))


def cast_all(onnx: Writer, out: Node, *operands: Any) -> list[Value]:
    return [cast(onnx, out, x) for x in operands]


def rounding(kind: str) -> Row:
    """One operator that leaves integers as they are."""
    return lambda onnx, out, x: onnx.write(kind, cast(onnx, out, x)) if out.dtype.kind == "f" else x


def comparison(kind: str, negated: bool = False) -> Row:
    """One operator, of operands in their common type."""

    def compare(onnx: Writer, out: Node, *operands: Any) -> Value:
        common = np.result_type(*(x.dtype if isinstance(x, Value) else x for x in operands))
        result = onnx.write(kind, *(onnx.cast(x, kernel_type(common)) for x in operands))
        return onnx.Not(result) if negated else result

    return compare


def truth(kind: str) -> Row:
    """One operator, of operands as true or false."""
    return lambda onnx, out, *operands: onnx.write(kind, *(onnx.cast(x, BOOLEAN) for x in operands))


def bitwise(kind: str, of_booleans: str) -> Row:
    """One operator for integers and one for booleans."""

    def write(onnx: Writer, out: Node, *operands: Any) -> Value:
        return onnx.write(of_booleans if out.dtype == BOOLEAN else kind, *(onnx.cast(x, out.dtype) for x in operands))

    return write


def number(onnx: Writer, x: float, like: Value) -> Value:
    return onnx.constant(x, like.dtype)


def scaled(factor: float, function: str = "Identity") -> Row:
    """A factor times what one operator makes."""

    def write(onnx: Writer, out: Node, x: Any) -> Value:
        x = cast(onnx, out, x)
        value = x if function == "Identity" else onnx.write(function, x)
        return onnx.Mul(value, number(onnx, factor, x))

    return write


ROWS |= {
    "add": by("Add"), "subtract": by("Sub"), "multiply": by("Mul"), "divide": by("Div"), "negative": by("Neg"),
    "absolute": by("Abs"), "sign": by("Sign"), "sqrt": by("Sqrt"), "tensor_power": by("Pow"),
    "maximum": by("Max"), "minimum": by("Min"),
    "fmod": lambda onnx, out, *xs: onnx.Mod(*cast_all(onnx, out, *xs), fmod=1),
    "positive": lambda onnx, out, x: x,
    "floor": rounding("Floor"), "ceil": rounding("Ceil"), "rint": rounding("Round"),
    "exp": by("Exp"), "log": by("Log"), "log2": scaled(1 / math.log(2), "Log"),
    "log10": scaled(1 / math.log(10), "Log"), "sin": by("Sin"), "cos": by("Cos"), "tan": by("Tan"),
    "arcsin": by("Asin"), "arccos": by("Acos"), "arctan": by("Atan"), "sinh": by("Sinh"), "cosh": by("Cosh"),
    "tanh": by("Tanh"), "arcsinh": by("Asinh"), "arccosh": by("Acosh"), "arctanh": by("Atanh"), "erf": by("Erf"),
    "deg2rad": scaled(math.pi / 180), "rad2deg": scaled(180 / math.pi),
    "sigmoid": by("Sigmoid"), "softplus": by("Softplus"),
    "equal": comparison("Equal"), "not_equal": comparison("Equal", negated=True), "less": comparison("Less"),
    "less_equal": comparison("LessOrEqual"), "greater": comparison("Greater"),
    "greater_equal": comparison("GreaterOrEqual"),
    "logical_and": truth("And"), "logical_or": truth("Or"), "logical_xor": truth("Xor"), "logical_not": truth("Not"),
    "bitwise_and": bitwise("BitwiseAnd", "And"), "bitwise_or": bitwise("BitwiseOr", "Or"),
    "bitwise_xor": bitwise("BitwiseXor", "Xor"), "invert": bitwise("BitwiseNot", "Not"),
    "copy": lambda onnx, out, x: x, "stop_gradient": lambda onnx, out, x: x,
    "astype": lambda onnx, out, x, *, dtype: onnx.cast(x, np.dtype(dtype)),
    "zeros_like": lambda onnx, out, x: onnx.full(out.shape, 0, out.dtype),
    "ones_like": lambda onnx, out, x: onnx.full(out.shape, 1, out.dtype),
    "full_like": lambda onnx, out, x, *, fill_value: onnx.full(out.shape, fill_value, out.dtype),
}  # fmt: skip


@row("reciprocal")
def _(onnx: Writer, out: Node, x: Any) -> Value:
    return onnx.Div(*cast_all(onnx, out, 1, x))


@row("square")
def _(onnx: Writer, out: Node, x: Any) -> Value:
    return onnx.Mul(*cast_all(onnx, out, x, x))


@row("number_power")
def _(onnx: Writer, out: Node, x: Any, *, exponent: float) -> Value:
    x = cast(onnx, out, x)
    if exponent in (2, 3):
        square = onnx.Mul(x, x)
        return square if exponent == 2 else onnx.Mul(square, x)
    return onnx.Sqrt(x) if exponent == 0.5 else onnx.Pow(x, number(onnx, exponent, x))


@row("trunc")
def _(onnx: Writer, out: Node, x: Any) -> Value:
    if out.dtype.kind != "f":
        return onnx.cast(x, out.dtype)
    x = cast(onnx, out, x)
    return onnx.Mul(onnx.Sign(x), onnx.Floor(onnx.Abs(x)))


@row("round")
def _(onnx: Writer, out: Node, x: Any, *, decimals: int) -> Value:
    if out.dtype.kind != "f" and decimals >= 0:
        return onnx.cast(x, out.dtype)
    x = cast(onnx, out, x) if out.dtype.kind == "f" else onnx.cast(x, np.dtype(np.float64))
    scale = number(onnx, 10.0 ** abs(decimals), x)
    there, back = (onnx.Mul, onnx.Div) if decimals > 0 else (onnx.Div, onnx.Mul)
    return back(onnx.Round(there(x, scale)), scale) if decimals else onnx.Round(x)


def is_zero(onnx: Writer, x: Value) -> Value:
    return onnx.Equal(x, number(onnx, 0, x))


@row("strong_multiply")
def _(onnx: Writer, out: Node, x1: Any, x2: Any) -> Value:
    """A product with 0 is 0 or NaN, and so it is 0 wherever a factor is."""
    x1, x2 = cast_all(onnx, out, x1, x2)
    return onnx.Where(onnx.Or(is_zero(onnx, x1), is_zero(onnx, x2)), number(onnx, 0, x1), onnx.Mul(x1, x2))


@row("where")
def _(onnx: Writer, out: Node, condition: Any, x: Any, y: Any) -> Value:
    return onnx.Where(onnx.cast(condition, BOOLEAN), *cast_all(onnx, out, x, y))


@row("clip")
def _(onnx: Writer, out: Node, x: Any, a_min: Any, a_max: Any) -> Value:
    value = cast(onnx, out, x)
    for kind, bound in (("Max", a_min), ("Min", a_max)):
        value = value if bound is None else onnx.write(kind, value, cast(onnx, out, bound))
    return value


def as_float(onnx: Writer, x: Value) -> Value:
    return onnx.cast(x, kernel_type(x.dtype) if x.dtype.kind == "f" else FLOAT32)


ROWS |= {
    "isnan": lambda onnx, out, x: onnx.IsNaN(as_float(onnx, x)),
    "isinf": lambda onnx, out, x: onnx.IsInf(as_float(onnx, x)),
}


@row("isfinite")
def _(onnx: Writer, out: Node, x: Any) -> Value:
    x = as_float(onnx, x)
    return onnx.Not(onnx.Or(onnx.IsNaN(x), onnx.IsInf(x)))


# --- exponentials, logarithms and angles that ONNX lacks --------------------------------------------------------------


@row("exp2")
def _(onnx: Writer, out: Node, x: Any) -> Value:
    return onnx.Pow(*cast_all(onnx, out, 2, x))


@row("expm1")
def _(onnx: Writer, out: Node, x: Any) -> Value:
    """2t / (1 − t) with t = tanh(x / 2), in which nothing cancels; above 1, where t comes near to 1, as it stands."""
    x = cast(onnx, out, x)
    one = number(onnx, 1, x)
    t = onnx.Tanh(onnx.Mul(x, number(onnx, 0.5, x)))
    small = onnx.Div(onnx.Add(t, t), onnx.Sub(one, t))
    return onnx.Where(onnx.Greater(x, one), onnx.Sub(onnx.Exp(x), one), small)


@row("log1p")
def _(onnx: Writer, out: Node, x: Any) -> Value:
    return log1p(onnx, cast(onnx, out, x))


def log1p(onnx: Writer, x: Value) -> Value:
    """log u · x / (u − 1) with u = 1 + x, which makes up for the rounding of u; x where that is 1, and at ∞."""
    u = onnx.Add(x, number(onnx, 1, x))
    rounded = onnx.Sub(u, number(onnx, 1, x))
    own = onnx.Or(is_zero(onnx, rounded), onnx.IsInf(rounded, detect_negative=0))
    return onnx.Where(own, x, onnx.Mul(onnx.Log(u), onnx.Div(x, rounded)))


def logaddexp(base: float) -> Row:
    """max + log(1 + base^−|x₁ − x₂|), the difference being 0 where both are the same infinity."""

    def write(onnx: Writer, out: Node, x1: Any, x2: Any) -> Value:
        x1, x2 = cast_all(onnx, out, x1, x2)
        apart = onnx.Where(onnx.Equal(x1, x2), number(onnx, 0, x1), onnx.Abs(onnx.Sub(x1, x2)))
        rest = log1p(onnx, onnx.Exp(onnx.Mul(apart, number(onnx, -math.log(base), x1))))
        return onnx.Add(onnx.Max(x1, x2), onnx.Mul(rest, number(onnx, 1 / math.log(base), x1)))

    return write


ROWS |= {"logaddexp": logaddexp(math.e), "logaddexp2": logaddexp(2.0)}


@row("erfc")
def _(onnx: Writer, out: Node, x: Any) -> Value:
    x = cast(onnx, out, x)
    return onnx.Sub(number(onnx, 1, x), onnx.Erf(x))


@row("tanh_slope")
def _(onnx: Writer, out: Node, x: Any) -> Value:
    """4t / (1 + t)² with t = exp(−2 |x|), which cannot overflow."""
    x = cast(onnx, out, x)
    t = onnx.Exp(onnx.Mul(onnx.Abs(x), number(onnx, -2, x)))
    root = onnx.Add(t, number(onnx, 1, x))
    return onnx.Div(onnx.Mul(t, number(onnx, 4, x)), onnx.Mul(root, root))


@row("hypot")
def _(onnx: Writer, out: Node, x1: Any, x2: Any) -> Value:
    """Squares are of what was divided by the larger of the two, unless that is 0; beside ∞ everything is ∞."""
    x1, x2 = (onnx.Abs(x) for x in cast_all(onnx, out, x1, x2))
    larger = onnx.Max(x1, x2)
    ratio = onnx.Div(onnx.Min(x1, x2), larger)
    length = onnx.Mul(larger, onnx.Sqrt(onnx.Add(onnx.Mul(ratio, ratio), number(onnx, 1, larger))))
    length = onnx.Where(is_zero(onnx, larger), larger, length)
    return onnx.Where(onnx.Or(onnx.IsInf(x1), onnx.IsInf(x2)), number(onnx, np.inf, larger), length)


@row("arctan2")
def _(onnx: Writer, out: Node, x1: Any, x2: Any) -> Value:
    """The angle of (|x₂|, |x₁|), which is between 0 and π/2, then turned into its quadrant."""
    x1, x2 = cast_all(onnx, out, x1, x2)
    up, right = onnx.Abs(x1), onnx.Abs(x2)
    diagonal = onnx.Where(is_zero(onnx, up), up, number(onnx, math.pi / 4, up))
    angle = onnx.Where(onnx.Equal(up, right), diagonal, onnx.Atan(onnx.Div(up, right)))
    angle = onnx.Where(is_negative(onnx, x2), onnx.Sub(number(onnx, math.pi, up), angle), angle)
    return onnx.Where(is_negative(onnx, x1), onnx.Neg(angle), angle)


def is_negative(onnx: Writer, x: Value) -> Value:
    """Whether the sign is minus, which −0 shows as 1 / −0 = −∞."""
    zero = number(onnx, 0, x)
    return onnx.Or(onnx.Less(x, zero), onnx.Less(onnx.Reciprocal(x), zero))


# --- activations and rows of scores -----------------------------------------------------------------------------------


@row("relu")
def _(onnx: Writer, out: Node, x: Any) -> Value:
    return onnx.Max(*cast_all(onnx, out, x, 0)) if out.dtype.kind != "f" else onnx.Relu(cast(onnx, out, x))


def masked(kind: str, elsewhere: float) -> Row:
    """One operator; where the mask is False or the score −∞ a number, also in a row that has nothing else."""

    def write(onnx: Writer, out: Node, x: Any, where: Any, *, axis: int) -> Value:
        x = cast(onnx, out, x)
        if where is None:
            return onnx.write(kind, x, axis=axis)
        lowest = number(onnx, -np.inf, x)
        x = onnx.Where(where, x, lowest)
        return onnx.Where(onnx.Equal(x, lowest), number(onnx, elsewhere, x), onnx.write(kind, x, axis=axis))

    return write


ROWS |= {"softmax": masked("Softmax", 0.0), "log_softmax": masked("LogSoftmax", -math.inf)}


# --- reductions -------------------------------------------------------------------------------------------------------


def axes_of(x: Value, axis: Any) -> list[int]:
    """The axes counted from 0; a number has none."""
    if axis is None or not x.shape:
        return list(range(x.ndim))
    return sorted(i % x.ndim for i in ((axis,) if isinstance(axis, int) else axis))


def reduce_by(kind: str) -> Row:
    """One operator that reduces axes."""
    return lambda onnx, out, x, *, axis, keepdims: reduce(onnx, kind, cast(onnx, out, x), axis, keepdims)


def reduce(onnx: Writer, kind: str, x: Value, axis: Any, keepdims: bool) -> Value:
    axes = axes_of(x, axis)
    return onnx.write(kind, x, axes, keepdims=int(keepdims)) if axes else x


def find_place(kind: str) -> Row:
    """The place of an extreme, along one axis or in the flattened array."""

    def write(onnx: Writer, out: Node, x: Value, *, axis: int | None, keepdims: bool) -> Value:
        x = onnx.cast(x, kernel_type(x.dtype))
        if axis is not None and x.shape:
            return onnx.write(kind, x, axis=axis % x.ndim, keepdims=int(keepdims))
        flat = onnx.write(kind, onnx.reshape(x, [-1]), axis=0, keepdims=0)
        return onnx.reshape(flat, out.shape) if out.shape else flat

    return write


def some(onnx: Writer, x: Value, axis: Any, keepdims: bool) -> Value:
    """Whether some element is true; of none, none is."""
    count = reduce(onnx, "ReduceSum", onnx.cast(x, INT32), axis, keepdims)
    return onnx.Greater(count, number(onnx, 0, count))


ROWS |= {
    "sum": reduce_by("ReduceSum"), "max": reduce_by("ReduceMax"), "min": reduce_by("ReduceMin"),
    "prod": reduce_by("ReduceProd"), "logsumexp": reduce_by("ReduceLogSumExp"),
    "argmax": find_place("ArgMax"), "argmin": find_place("ArgMin"),
    "any": lambda onnx, out, x, *, axis, keepdims: some(onnx, onnx.cast(x, BOOLEAN), axis, keepdims),
}  # fmt: skip


@row("all")
def _(onnx: Writer, out: Node, x: Value, *, axis: Any, keepdims: bool) -> Value:
    others = onnx.Not(onnx.cast(x, BOOLEAN))._replace(shape=x.shape)
    return onnx.Not(some(onnx, others, axis, keepdims))


@row("mean")
def _(onnx: Writer, out: Node, x: Value, *, axis: Any, keepdims: bool) -> Value:
    x = cast(onnx, out, x)
    if all(x.shape):
        return reduce(onnx, "ReduceMean", x, axis, keepdims)
    total = reduce(onnx, "ReduceSum", x, axis, keepdims)
    return onnx.Div(total, number(onnx, sums.count_reduced(x.shape, axis), x))


@row("std")
def _(onnx: Writer, out: Node, x: Value, *, axis: Any, ddof: float, keepdims: bool) -> Value:
    floats = cast(onnx, out, x)
    count = number(onnx, sums.count_reduced(x.shape, axis), floats)
    mean = onnx.Div(reduce(onnx, "ReduceSum", floats, axis, True), count)
    apart = onnx.Sub(floats, mean)
    total = reduce(onnx, "ReduceSum", onnx.Mul(apart, apart)._replace(shape=x.shape), axis, keepdims)
    return onnx.Sqrt(onnx.Div(total, number(onnx, sums.count_degrees_of_freedom(x.shape, axis, ddof), floats)))


def centre_rows(onnx: Writer, x: Value, epsilon: float) -> tuple[Value, Value]:
    """Rows minus their mean, and how far they lie apart. LayerNormalization takes squares before it takes the mean."""
    centred = onnx.Sub(x, onnx.ReduceMean(x, [-1], keepdims=1))
    variance = onnx.ReduceMean(onnx.Mul(centred, centred), [-1], keepdims=1)
    return centred, onnx.Sqrt(onnx.Add(variance, number(onnx, epsilon, x)))


@row("standardize")
def _(onnx: Writer, out: Node, x: Value, *, epsilon: float) -> Value:
    return onnx.Div(*centre_rows(onnx, cast(onnx, out, x), epsilon))


@row("inverse_deviation")
def _(onnx: Writer, out: Node, x: Value, *, epsilon: float) -> Value:
    _, deviation = centre_rows(onnx, cast(onnx, out, x), epsilon)
    return onnx.Div(number(onnx, 1, deviation), deviation)


@row("vector_norm")
def _(onnx: Writer, out: Node, x: Value, *, axis: Any, keepdims: bool, ord: float) -> Value:
    """Powers are of what was divided by the largest, unless that is 0 or ∞."""
    size = onnx.Abs(cast(onnx, out, x))._replace(shape=x.shape)
    if not axes_of(x, axis) and ord:
        return size
    if ord == 0:
        counted = onnx.Not(is_zero(onnx, size))._replace(shape=x.shape)
        return reduce(onnx, "ReduceSum", onnx.cast(counted, size.dtype), axis, keepdims)
    if not all(x.shape) and ord != -math.inf:
        return onnx.full(out.shape, 0, size.dtype)
    if ord == 1 or math.isinf(ord):
        kind = "ReduceSum" if ord == 1 else "ReduceMax" if ord > 0 else "ReduceMin"
        return reduce(onnx, kind, size, axis, keepdims)
    largest = reduce(onnx, "ReduceMax", size, axis, True)
    plain = onnx.Or(is_zero(onnx, largest), onnx.IsInf(largest))
    scale = onnx.Where(plain, number(onnx, 1, largest), largest)
    ratio = onnx.Div(size, scale)._replace(shape=x.shape)
    powers = onnx.Mul(ratio, ratio) if ord == 2 else onnx.Pow(ratio, number(onnx, ord, ratio))
    total = reduce(onnx, "ReduceSum", powers._replace(shape=x.shape), axis, keepdims)
    root = onnx.Sqrt(total) if ord == 2 else onnx.Pow(total, number(onnx, 1 / ord, total))
    return onnx.Mul(root, scale if keepdims else onnx.Squeeze(scale, axes_of(x, axis)))


@row("sum_to")
def _(onnx: Writer, out: Node, x: Value, *, shape: tuple[int, ...]) -> Value:
    leading = x.ndim - len(shape)
    stretched = [i for i, n in enumerate(shape) if n == 1 != x.shape[leading + i]]
    x = cast(onnx, out, x)
    if leading:
        x = onnx.ReduceSum(x, list(range(leading)), keepdims=0)
    return onnx.ReduceSum(x, stretched, keepdims=1) if stretched else x


@row("cumsum")
def _(onnx: Writer, out: Node, x: Value, *, axis: int | None) -> Value:
    x = cast(onnx, out, x)
    flat = axis is None or not x.shape
    return onnx.CumSum(onnx.reshape(x, [-1]) if flat else x, onnx.constant(0 if axis is None or flat else axis))


@row("cumprod")
def _(onnx: Writer, out: Node, x: Value, *, axis: int | None) -> Value:
    """A recurrence that begins with 1, and to which nothing is added."""
    x = cast(onnx, out, x)
    along = 0 if axis is None or not x.shape else axis % x.ndim
    x = x if axis is not None and x.shape else onnx.reshape(x, out.shape)
    return recur(onnx, 1, x, onnx.full(out.shape, 0, x.dtype), out.shape, along, reverse=False)


@row("linear_recurrence")
def _(onnx: Writer, out: Node, a: Any, b: Any, *, axis: int, reverse: bool) -> Value:
    """Before the first there is nothing: its factor is 0, and the others stand where they are used."""
    a, b = (onnx.expand(x, out.shape) for x in cast_all(onnx, out, a, b))
    along = axis % len(out.shape)
    others = cut(onnx, a, along, 1, LAST)
    none = onnx.full(tuple(1 if i == along else n for i, n in enumerate(out.shape)), 0, a.dtype)
    factors = onnx.Concat(*((others, none) if reverse else (none, others)), axis=along)
    return recur(onnx, 0, factors, b, out.shape, along, reverse)


def cut(onnx: Writer, x: Value, axis: int, start: int, stop: int) -> Value:
    return onnx.Slice(x, [start], [stop], [axis])


def recur(
    onnx: Writer, start: float, factors: Value, terms: Value, shape: tuple[int, ...], axis: int, reverse: bool
) -> Value:
    """Factor times what stands before plus term, along an axis, or from its end.

    Scan runs along the first axis from its beginning, which is what every runtime can.
    """
    if not all(shape):
        return terms
    order = [axis, *(i for i in range(len(shape)) if i != axis)]

    def turn(x: Value) -> Value:
        return onnx.Slice(x, [LAST], [FIRST], [0], [-1]) if reverse else x

    state, factor, term = (Value(name, terms.dtype) for name in ("state", "factor", "term"))
    inner = Writer()
    inner.program.inputs += [state, factor, term]
    result = inner.Add(inner.Mul(factor, state), term)
    inner.program.outputs += [result, inner.Identity(result)]
    first = onnx.full(tuple(shape[i] for i in order[1:]), start, terms.dtype)
    along = [turn(onnx.Transpose(x, perm=order)) for x in (factors, terms)]
    results = onnx.Scan(first, *along, outputs=(1, 2), body=inner.program, num_scan_inputs=2)
    return onnx.Transpose(turn(results), perm=[order.index(i) for i in range(len(shape))])


# --- products ---------------------------------------------------------------------------------------------------------

ROWS["matmul"] = by("MatMul")


@row("linear")
def _(onnx: Writer, out: Node, x: Any, weight: Any, bias: Any) -> Value:
    product = onnx.MatMul(*cast_all(onnx, out, x, weight))
    return product if bias is None else onnx.Add(product, cast(onnx, out, bias))


# --- random draws: other numbers than NumPy's, and in each run others -------------------------------------------------


def draw(kind: str) -> Row:
    def write(onnx: Writer, out: Node, *, shape: Any, dtype: Any, generator: Any) -> Value:
        return onnx.write(kind, onnx.full(out.shape, 0, out.dtype), dtype=out.dtype)

    return write


ROWS |= {"random_uniform": draw("RandomUniformLike"), "random_normal": draw("RandomNormalLike")}
