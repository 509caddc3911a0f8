"""Elementwise ops: one table row each. A row is name, forward, formula, one rule per argument, samples.

A rule whose factor can be infinite multiplies with `strong_multiply`: where no gradient comes in, none goes out.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minigrad import ops
from minigrad.base.record import Call, call, composition, kink, refusal
from minigrad.core.modes import current_mode
from minigrad.core.op import Op, Rule, op
from minigrad.ops.kernels import as_float, selected
from minigrad.ops.samples import between, booleans, normal, positive

__all__ = [
    "absolute", "add", "astype", "clip", "cos", "divide", "equal", "erf", "erfc", "exp", "expm1", "full_like",
    "gelu", "greater", "greater_equal", "isfinite", "isnan", "less", "less_equal", "log", "log1p", "logical_and",
    "logical_not", "logical_or", "maximum", "minimum", "multiply", "negative", "not_equal", "number_power",
    "ones_like", "power", "reciprocal", "relu", "sigmoid", "sign", "sin", "softplus", "sqrt", "square",
    "stop_gradient", "strong_multiply", "subtract", "tanh", "tensor_power", "where", "zeros_like",
]  # fmt: skip


def row(
    name: str, forward: Callable[..., Any], formula: str, *rules: Rule, samples: Sequence[Call] = (),
    numpy: Callable[..., Any] | None = None, arguments: tuple[str, ...] = ("x",), **record: Any,
) -> Op:  # fmt: skip
    """One elementwise op; the rules are in the order of the arguments."""
    if numpy is None and isinstance(forward, np.ufunc):
        numpy = forward
    numpy_functions = () if numpy is None else (numpy,)
    if arguments == PAIR:
        record.setdefault("refusals", [refusal(call(normal(2, 3), normal(4)), ValueError, name, "(2, 3)", "(4,)")])
    declared = Op(
        forward, name=name, formula=formula, samples=samples, numpy=numpy_functions, arguments=arguments,
        elementwise=True, **record,
    )  # fmt: skip
    for argument, rule in zip(arguments, rules, strict=False):
        declared.vjp(argument)(rule)
    return declared


def strongly_multiplied(x1: Any, x2: Any) -> Any:
    product = np.multiply(x1, x2)
    # A NaN makes the sum NaN: one cheap pass answers for nearly every array.
    if np.isnan(np.sum(product)):
        fired = np.isnan(product) & ((x1 == 0) | (x2 == 0))
        product = np.where(fired, product.dtype.type(0), product)
        watch = current_mode().watch
        if watch is not None:
            watch.strong_zero(fired)
    return product


def stable_sigmoid(x: Any) -> Any:
    x = as_float(x)
    decay = np.exp(-np.abs(x))
    return np.where(x >= 0, 1, decay) / (1 + decay)


def stable_softplus(x: Any) -> Any:
    x = as_float(x)
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def by_math(function: Callable[[float], float]) -> Callable[[Any], Any]:
    """The C library's function, element by element: accurate to the last place, tails included."""
    vectorized = np.vectorize(function, otypes=[np.float64])

    def forward(x: Any) -> Any:
        return vectorized(x).astype(np.result_type(x, np.float16))

    return forward


error_function, complementary_error_function = by_math(math.erf), by_math(math.erfc)


def divided(g: Any, x: Any) -> Any:
    """g / x, strongly: 0 where g is 0."""
    return g / x if isinstance(x, (int, float)) else ops.strong_multiply(g, 1.0 / x)


PAIR = ("x1", "x2")
one, wide, pair = (call(normal(2, 3)),), (call(between(-4, 4, 2, 5)), call(between(-1, 1, 6)), call(normal())), (
    call(normal(2, 3), normal(2, 3)), call(normal(3, 1), normal(4)), call(normal(2, 3), 1.5), call(2.5, normal(3)),
    call(normal(), normal(2, 1)),
)  # fmt: skip
positives = (call(positive(2, 3)), call(positive()))

# --- arithmetic -------------------------------------------------------------------------------------------------------

add: Op = row("add", np.add, "x₁ + x₂", lambda g, y, x1, x2: g, lambda g, y, x1, x2: g, samples=pair, arguments=PAIR)
subtract: Op = row(
    "subtract", np.subtract, "x₁ − x₂", lambda g, y, x1, x2: g, lambda g, y, x1, x2: -g, samples=pair, arguments=PAIR
)
multiply: Op = row(
    "multiply", np.multiply, "x₁ · x₂", lambda g, y, x1, x2: g * x2, lambda g, y, x1, x2: g * x1,
    samples=pair, arguments=PAIR,
)  # fmt: skip
strong_multiply: Op = row(
    "strong_multiply", strongly_multiplied, "x₁ · x₂, and 0 where that is NaN and a factor is 0",
    lambda g, y, x1, x2: ops.strong_multiply(g, x2), lambda g, y, x1, x2: ops.strong_multiply(g, x1),
    samples=pair, arguments=PAIR, reference=np.multiply,
)  # fmt: skip
divide: Op = row(
    "divide", np.divide, "x₁ / x₂", lambda g, y, x1, x2: divided(g, x2),
    lambda g, y, x1, x2: -ops.strong_multiply(g, y / x2),
    samples=(call(normal(2, 3), positive(2, 3)), call(normal(2, 3), positive(3)), call(normal(3), 2.0),
             call(1.5, positive(2, 2))),
    arguments=PAIR,
)  # fmt: skip
negative: Op = row("negative", np.negative, "−x", lambda g, y, x: -g, samples=one)
reciprocal: Op = row(
    "reciprocal", np.reciprocal, "1 / x", lambda g, y, x: -ops.strong_multiply(g, y * y), samples=positives
)
square: Op = row("square", np.square, "x²", lambda g, y, x: g * x * 2.0, samples=one)
absolute: Op = row(
    "absolute", np.absolute, "|x|", lambda g, y, x: g * ops.sign(x), samples=one, kinks=[kink(call(np.zeros(1)), 0.0)]
)
sign: Op = row(
    "sign", np.sign, "sign x", lambda g, y, x: ops.zeros_like(g), samples=one, kinks=[kink(call(np.zeros(1)), 0.0)]
)


@op(
    formula="xⁿ for a number n", elementwise=True, samples=[
        call(normal(2, 3), exponent=2), call(normal(3), exponent=3), call(positive(3), exponent=0.5),
        call(positive(3), exponent=-1.5), call(normal(3), exponent=1), call(normal(3), exponent=0),
    ],
    reference=lambda x, *, exponent: np.power(x, exponent),
)  # fmt: skip
def number_power(x: Any, *, exponent: float) -> Any:
    """x to a fixed power: `x ** 2`. No logarithm is involved, so negative bases are fine."""
    x = np.asarray(x)
    return x**exponent if x.dtype.kind == "f" else np.power(x, exponent)  # of booleans, ** makes int8


@number_power.vjp("x")
def _(g: Any, y: Any, x: Any, *, exponent: float) -> Any:
    if exponent == 0:
        return ops.zeros_like(g)
    return g if exponent == 1 else ops.strong_multiply(g, ops.number_power(x, exponent=exponent - 1) * exponent)


def _slope_in_exponent(g: Any, y: Any, x1: Any, x2: Any) -> Any:
    logarithm = ops.log(ops.where(ops.equal(x1, 0.0), 1.0, x1))  # by convention 0 where the base is 0
    return ops.strong_multiply(g, ops.strong_multiply(y, logarithm))


tensor_power: Op = row(
    "tensor_power", np.power, "x₁ to the power x₂",
    lambda g, y, x1, x2: ops.strong_multiply(g, ops.strong_multiply(x2, ops.tensor_power(x1, x2 - 1.0))),
    _slope_in_exponent,
    samples=(call(positive(2, 3), normal(2, 3)), call(positive(3), normal(2, 1)), call(2.0, normal(3))),
    numpy=np.float_power,  # np.power itself stands for `power` below, which chooses
    reference=np.power, arguments=PAIR,
)  # fmt: skip


@composition(
    formula="x₁ to the power x₂", numpy=[np.power],
    samples=[call(normal(2, 3), 2), call(positive(2, 3), normal(3)), call(3.0, normal(2))],
)  # fmt: skip
def power(x1: Any, x2: Any) -> Any:
    """x1 ** x2, elementwise; a number as exponent needs no logarithm.

    >>> power(Tensor([1.0, 2.0, -3.0]), 2).tolist()
    [1.0, 4.0, 9.0]
    """
    if isinstance(x2, (int, float, np.number)):
        return ops.number_power(x1, exponent=x2)
    return ops.tensor_power(x1, x2)


# --- exponentials and friends -----------------------------------------------------------------------------------------

sqrt: Op = row("sqrt", np.sqrt, "√x", lambda g, y, x: ops.strong_multiply(g, 0.5 / y), samples=positives)
exp: Op = row("exp", np.exp, "exp x", lambda g, y, x: ops.strong_multiply(g, y), samples=one)
expm1: Op = row("expm1", np.expm1, "exp x − 1", lambda g, y, x: ops.strong_multiply(g, y + 1.0), samples=one)
log: Op = row("log", np.log, "log x", lambda g, y, x: ops.strong_multiply(g, 1.0 / x), samples=positives)
log1p: Op = row(
    "log1p", np.log1p, "log(1 + x)", lambda g, y, x: ops.strong_multiply(g, 1.0 / (x + 1.0)), samples=positives
)
sin: Op = row("sin", np.sin, "sin x", lambda g, y, x: g * ops.cos(x), samples=one)
cos: Op = row("cos", np.cos, "cos x", lambda g, y, x: -(g * ops.sin(x)), samples=one)
tanh: Op = row("tanh", np.tanh, "tanh x", lambda g, y, x: g * (1.0 - y * y), samples=wide)
sigmoid: Op = row(
    "sigmoid", stable_sigmoid, "1 / (1 + exp(−x))", lambda g, y, x: g * (y * (1.0 - y)), samples=wide,
    reference=lambda x: 1 / (1 + np.exp(-x)),
    definition=lambda x: 1.0 / (1.0 + ops.exp(-x)),
)  # fmt: skip
softplus: Op = row(
    "softplus", stable_softplus, "log(1 + exp x)", lambda g, y, x: g * ops.sigmoid(x), samples=wide,
    reference=lambda x: np.log1p(np.exp(x)),
    definition=lambda x: ops.log1p(ops.exp(x)),
)  # fmt: skip
erf: Op = row(
    "erf", error_function, "2/√π ∫₀ˣ exp(−t²) dt",
    lambda g, y, x: g * (ops.exp(-ops.square(x)) * (2 / math.sqrt(math.pi))), samples=wide,
    reference=lambda x: 1 - complementary_error_function(x),
)  # fmt: skip
erfc: Op = row(
    "erfc", complementary_error_function, "1 − erf x",
    lambda g, y, x: g * (ops.exp(-ops.square(x)) * (-2 / math.sqrt(math.pi))), samples=wide,
    reference=lambda x: 1 - error_function(x),
)  # fmt: skip
ROOT_2_OVER_PI = math.sqrt(2 / math.pi)


def gelu_definition(x: Any, *, approximate: str) -> Any:
    if approximate == "tanh":
        return x * 0.5 * (ops.tanh((x + ops.number_power(x, exponent=3) * 0.044715) * ROOT_2_OVER_PI) + 1.0)
    return x * 0.5 * ops.erfc(x * -math.sqrt(0.5))


@op(
    formula="x · Φ(x), Φ the normal distribution function", elementwise=True, definition=gelu_definition,
    samples=[call(between(-4, 4, 2, 5)), call(between(-4, 4, 2, 5), approximate="tanh"), call(normal())],
    reference=lambda x, *, approximate="none": gelu_definition(x, approximate=approximate),
)  # fmt: skip
def gelu(x: Any, *, approximate: str = "none") -> Any:
    """Gaussian error linear unit, exact, or with approximate="tanh" (Hendrycks and Gimpel, arXiv 1606.08415).

    >>> gelu(Tensor([-1.0, 1.0])).numpy().round(4).tolist()
    [-0.1587, 0.8413]
    """
    if approximate not in ("none", "tanh"):
        raise ValueError(f"approximate={approximate!r}: expected 'none' or 'tanh'")
    return gelu_definition(x, approximate=approximate)


@gelu.vjp("x")
def _(g: Any, y: Any, x: Any, *, approximate: str) -> Any:
    if approximate == "tanh":
        t = ops.tanh((x + ops.number_power(x, exponent=3) * 0.044715) * ROOT_2_OVER_PI)
        inner = (ops.square(x) * (3 * 0.044715) + 1.0) * ROOT_2_OVER_PI
        return g * ((t + 1.0) * 0.5 + ops.strong_multiply((1.0 - t * t) * 0.5, x * inner))
    density = ops.exp(ops.square(x) * -0.5) * (1 / math.sqrt(2 * math.pi))
    return g * (ops.erfc(x * -math.sqrt(0.5)) * 0.5 + x * density)


# --- choices ----------------------------------------------------------------------------------------------------------


def shared_at_ties(g: Any, y: Any, mine: Any, other: Any) -> Any:
    """The gradient where `mine` was chosen, half of it where both are equal."""
    return ops.where(ops.equal(mine, other), g * 0.5, ops.where(ops.equal(mine, y), g, 0.0))


maximum: Op = row(
    "maximum", np.maximum, "max(x₁, x₂)",
    lambda g, y, x1, x2: shared_at_ties(g, y, x1, x2), lambda g, y, x1, x2: shared_at_ties(g, y, x2, x1),
    samples=pair, arguments=PAIR, kinks=[kink(call(np.ones(1), np.ones(1)), 0.5, 0.5)],
)  # fmt: skip
minimum: Op = row(
    "minimum", np.minimum, "min(x₁, x₂)",
    lambda g, y, x1, x2: shared_at_ties(g, y, x1, x2), lambda g, y, x1, x2: shared_at_ties(g, y, x2, x1),
    samples=pair, arguments=PAIR,
)  # fmt: skip


@op(
    formula="x where the condition holds, else y", elementwise=True, numpy=[np.where],
    samples=[call(booleans(2, 3), normal(2, 3), normal(3)), call(booleans(3), normal(2, 3), 0.0),
             call(booleans(2, 1), -1.5, normal(3))],
)  # fmt: skip
def where(condition: Any, x: Any, y: Any) -> Any:
    """`x` where `condition` holds, else `y`; the branch not taken gets a gradient of exactly 0.

    >>> where(Tensor([True, False]), Tensor([1.0, 2.0]), 0.0).tolist()
    [1.0, 0.0]
    """
    if is_zero(y) and is_like(x, condition):
        return selected(condition, x)
    if is_zero(x) and is_like(y, condition):
        return selected(np.logical_not(condition), y)
    return np.where(condition, x, y)


def is_zero(x: Any) -> bool:
    return type(x) is float and x == 0 and math.copysign(1, x) > 0


def is_like(x: Any, condition: Any) -> bool:
    return type(x) is np.ndarray and x.dtype.kind == "f" and x.shape == np.shape(condition)


@where.vjp("x")
def _(g: Any, result: Any, condition: Any, x: Any, y: Any) -> Any:
    return ops.where(condition, g, 0.0)


@where.vjp("y")
def _(g: Any, result: Any, condition: Any, x: Any, y: Any) -> Any:
    return ops.where(condition, 0.0, g)


relu: Op = row(
    "relu", lambda x: np.maximum(x, 0), "max(x, 0)", lambda g, y, x: ops.where(y > 0, g, 0.0), samples=wide,
    reference=lambda x: np.where(x > 0, x, 0), definition=lambda x: ops.where(ops.greater(x, 0.0), x, 0.0),
)  # fmt: skip


@op(
    formula="min(max(x, a), b)", elementwise=True, numpy=[np.clip],
    samples=[call(normal(2, 5), -0.5, 0.7), call(normal(3), None, 0.2), call(normal(2, 3), between(-1, 0, 3), 0.4),
             call(normal(2, 3), 0.1, between(0.3, 1, 3))],
)  # fmt: skip
def clip(x: Any, a_min: Any = None, a_max: Any = None) -> Any:
    """`x` limited to the range from `a_min` to `a_max`; at a bound the gradient goes to `x`.

    >>> clip(Tensor([-2.0, 0.5, 2.0]), -1.0, 1.0).tolist()
    [-1.0, 0.5, 1.0]
    """
    return np.clip(x, a_min, a_max)


@clip.vjp("x")
def _(g: Any, y: Any, x: Any, a_min: Any, a_max: Any) -> Any:
    return ops.where(ops.equal(x, y), g, 0.0)


@clip.vjp("a_min")
def _(g: Any, y: Any, x: Any, a_min: Any, a_max: Any) -> Any:
    return ops.where(ops.less(x, y), g, 0.0)


@clip.vjp("a_max")
def _(g: Any, y: Any, x: Any, a_min: Any, a_max: Any) -> Any:
    return ops.where(ops.greater(x, y), g, 0.0)


# --- comparisons: not differentiable ----------------------------------------------------------------------------------


def comparison(name: str, forward: Any, formula: str, arguments: tuple[str, ...] = PAIR) -> Op:
    samples = pair if arguments == PAIR else one
    return row(name, forward, formula, samples=samples, arguments=arguments, differentiable=False)


equal: Op = comparison("equal", np.equal, "x₁ = x₂")
not_equal: Op = comparison("not_equal", np.not_equal, "x₁ ≠ x₂")
less: Op = comparison("less", np.less, "x₁ < x₂")
less_equal: Op = comparison("less_equal", np.less_equal, "x₁ ≤ x₂")
greater: Op = comparison("greater", np.greater, "x₁ > x₂")
greater_equal: Op = comparison("greater_equal", np.greater_equal, "x₁ ≥ x₂")
logical_and: Op = comparison("logical_and", np.logical_and, "x₁ and x₂")
logical_or: Op = comparison("logical_or", np.logical_or, "x₁ or x₂")
logical_not: Op = comparison("logical_not", np.logical_not, "not x", ("x",))
isfinite: Op = comparison("isfinite", np.isfinite, "x is finite", ("x",))
isnan: Op = comparison("isnan", np.isnan, "x is not a number", ("x",))

# --- what rules need --------------------------------------------------------------------------------------------------


@op(formula="x as another type", elementwise=True, view=True, samples=[call(normal(2, 3), dtype="float64")],
    reference=lambda x, *, dtype: np.asarray(x, dtype))  # fmt: skip
def astype(x: Any, *, dtype: Any) -> Any:
    """`x` as another dtype; the gradient comes back in the dtype of `x`.

    >>> astype(Tensor([1.0]), "float32").dtype
    dtype('float32')
    """
    return np.asarray(x).astype(dtype, copy=False)


@astype.vjp("x")
def _(g: Any, y: Any, x: Any, *, dtype: Any) -> Any:
    return g  # the engine casts a gradient to the type of its argument


@op(formula="x, without its gradient", elementwise=True, view=True, differentiable=False, samples=one,
    reference=lambda x: x)  # fmt: skip
def stop_gradient(x: Any) -> Any:
    """The same values; nothing before it receives a gradient through it."""
    return np.asarray(x)


def like(name: str, forward: Callable[..., Any], formula: str) -> Op:
    return row(name, forward, formula, samples=one, numpy=getattr(np, name), differentiable=False)


zeros_like: Op = like("zeros_like", lambda x: np.zeros_like(x), "0 in the shape of x")
ones_like: Op = like("ones_like", lambda x: np.ones_like(x), "1 in the shape of x")


@op(formula="a number in the shape of x", elementwise=True, numpy=[np.full_like], differentiable=False,
    samples=[call(normal(2, 3), fill_value=2.5)])  # fmt: skip
def full_like(x: Any, *, fill_value: float) -> Any:
    """An array of the shape and type of `x`, filled with `fill_value`."""
    return np.full_like(x, fill_value)
