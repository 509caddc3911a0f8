"""What may be written more simply: one row per rule, with its reason.

A rule sees one operation, after its operands were rewritten. It returns what to use instead (a tensor that is there
already, or `graph.make(op, …)`), or None. Rules keep every bit, unless their reason says otherwise. They mean ops
themselves: one that a user gave the same name is another.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import numpy as np

from minigrad import ops
from minigrad.compiler import simpler
from minigrad.core.arrays import Array
from minigrad.core.op import Op
from minigrad.core.storage import held_by
from minigrad.core.tensor import Tensor, constant
from minigrad.graph.exact import exact_key
from minigrad.ops.indexing import Index, Slice
from minigrad.ops.product import SHORT


class Rewriter(Protocol):
    """What a rule may ask for: an operation in the new graph, made now or known already."""

    def make(self, op: Op, *inputs: Any, **params: Any) -> Tensor: ...

    def known(self, op: Op, *inputs: Any, **params: Any) -> Tensor | None: ...


Rewrite = Callable[[Rewriter, tuple[Any, ...], dict[str, Any]], "Tensor | None"]


class Rule(NamedTuple):
    """`apply(graph, inputs, params)` for each operation in `ops`."""

    ops: tuple[Op, ...]
    reason: str
    apply: Rewrite


def is_number(x: Any, value: float) -> bool:
    return type(x) in (int, float) and x == value


def inner(x: Any, op: Op) -> Any:
    """The inputs of the operation that made `x`, if that is `op`."""
    return x.inputs if isinstance(x, Tensor) and x.op is op else None


def times_one(graph: Rewriter, inputs: tuple[Any, ...], params: Any) -> Any:
    x, y = inputs
    return x if is_number(y, 1) and _float(x) else y if is_number(x, 1) and _float(y) else None


def by_one(graph: Rewriter, inputs: tuple[Any, ...], params: Any) -> Any:
    x, y = inputs
    return x if is_number(y, 1) and _float(x) else None


def by_power_of_two(graph: Rewriter, inputs: tuple[Any, ...], params: Any) -> Any:
    x, y = inputs
    if type(y) is not float or not _float(x) or math.frexp(y)[0] != 0.5:
        return None
    limit = np.finfo(x.dtype).maxexp - 2  # so that the type has normal numbers y and 1 / y
    return graph.make(ops.multiply, x, 1 / y) if abs(math.log2(y)) <= limit else None


def minus_nothing(graph: Rewriter, inputs: tuple[Any, ...], params: Any) -> Any:
    x, y = inputs
    return x if is_number(y, 0) and repr(y) != "-0.0" and _float(x) else None


def twice_negative(graph: Rewriter, inputs: tuple[Any, ...], params: Any) -> Any:
    found = inner(inputs[0], ops.negative)
    return found[0] if found else None


def plus_negative(graph: Rewriter, inputs: tuple[Any, ...], params: Any) -> Any:
    x, y = inputs
    if _float(y) and (found := inner(y, ops.negative)):  # an unsigned integer wraps when it is negated
        return graph.make(ops.subtract, x, found[0])
    if _float(x) and (found := inner(x, ops.negative)):
        return graph.make(ops.subtract, y, found[0])
    return None


def minus_negative(graph: Rewriter, inputs: tuple[Any, ...], params: Any) -> Any:
    found = inner(inputs[1], ops.negative) if _float(inputs[1]) else None
    return graph.make(ops.add, inputs[0], found[0]) if found else None


def same_type(graph: Rewriter, inputs: tuple[Any, ...], params: Any) -> Any:
    (x,) = inputs
    return x if x.dtype == np.dtype(params["dtype"]) else None


def itself(graph: Rewriter, inputs: tuple[Any, ...], params: Any) -> Any:
    return inputs[0]


def one_reshape(graph: Rewriter, inputs: tuple[Any, ...], params: Any) -> Any:
    (x,) = inputs
    shape = params["shape"]
    if x.size and (not isinstance(shape, tuple) or -1 in shape):
        shape = np.broadcast_to(np.zeros(()), x.shape).reshape(shape).shape
    if shape == x.shape:
        return x
    if found := inner(x, ops.reshape):
        return graph.make(ops.reshape, found[0], shape=shape)
    return None if shape == params["shape"] else graph.make(ops.reshape, x, shape=shape)


def order_of_axes(axes: int | tuple[int, ...] | None, ndim: int) -> tuple[int, ...]:
    if axes is None or isinstance(axes, int):  # a number is the only axis
        return tuple(reversed(range(ndim)))
    return tuple(axis % ndim for axis in axes)


def one_transpose(graph: Rewriter, inputs: tuple[Any, ...], params: Any) -> Any:
    (x,) = inputs
    axes = order_of_axes(params["axes"], x.ndim)
    if axes == tuple(range(x.ndim)):
        return x
    if found := inner(x, ops.transpose):
        before = order_of_axes(x.params["axes"], x.ndim)
        return graph.make(ops.transpose, found[0], axes=tuple(before[a] for a in axes))
    return None if axes == params["axes"] else graph.make(ops.transpose, x, axes=axes)


def to_same_shape(graph: Rewriter, inputs: tuple[Any, ...], params: Any) -> Any:
    (x,) = inputs
    return x if x.shape == params["shape"] else None


def contiguous_operand(graph: Rewriter, inputs: tuple[Any, ...], params: Any) -> Any:
    x, y = inputs
    if x.ndim <= 2 or y.ndim <= 2 or inner(y, ops.transpose) is None:
        return None
    if order_of_axes(y.params["axes"], y.ndim)[-1] == y.ndim - 1:  # the order of matrices, not that of their axes
        return None
    return graph.make(ops.matmul, x, graph.make(ops.copy, y))


def is_moderate(factors: Any, dtype: np.dtype[Any]) -> bool:
    """Whether a vector times `factors` does not vanish or overflow where its sums of products times these would not."""
    sizes = np.abs(factors)
    return dtype.char in "fd" and bool(np.all((sizes >= 2.0**-20) & (sizes <= 2.0**20)))


def rows_and_factor(x: Any) -> tuple[Any, Any] | None:
    """Rows x, as a matrix, and the vector v that each row is multiplied by, if `x` is their product."""
    product = x
    if (found := inner(x, ops.reshape)) and found[0].ndim and found[0].shape[-1:] == x.shape[-1:]:
        product = found[0]
    factors = inner(product, ops.multiply) or ()
    for rows, vector in (factors, factors[::-1]) if factors else ():
        both = isinstance(rows, Tensor) and isinstance(vector, Tensor) and rows.ndim > 1
        if both and rows.shape == product.shape and vector.shape == rows.shape[-1:]:
            return rows, vector
    return None


def sum_of_scaled(graph: Rewriter, inputs: tuple[Any, ...], params: Any) -> Any:
    x, y = inputs
    found = rows_and_factor(x) if isinstance(y, Tensor) and y.shape == x.shape[-1:] and x.ndim == 2 else None
    if found is None or y.role != "constant" or not is_moderate(array_of_constant(y), x.dtype):
        return None
    rows, vector = found
    together = vector if (array_of_constant(y) == 1).all() else graph.make(ops.multiply, vector, y)
    return graph.make(ops.matmul, graph.make(ops.reshape, rows, shape=x.shape), together)


def sum_of_known_products(graph: Rewriter, inputs: tuple[Any, ...], params: Any) -> Any:
    x, y = inputs
    if params["axis"] != -1 or params["keepdims"] or not isinstance(y, Tensor) or not isinstance(x, Tensor):
        return None
    if not is_moderate(1.0, np.result_type(x.dtype, y.dtype)):
        return None
    for scaled, other in ((x, y), (y, x)):
        found = rows_and_factor(scaled)
        if found is None or found[0].shape != other.shape:
            continue
        for pair in ((found[0], other), (other, found[0])):
            product = graph.known(ops.multiply, *pair)
            if product is not None:
                return graph.make(ops.matmul, product, found[1])
    return None


def factor_of_sum(graph: Rewriter, inputs: tuple[Any, ...], params: Any) -> Any:
    x, y = inputs
    return _into_vector(graph, x, y) if type(y) is float else _into_vector(graph, y, x)


def quotient_of_sum(graph: Rewriter, inputs: tuple[Any, ...], params: Any) -> Any:
    return _into_vector(graph, inputs[0], inputs[1], ops.divide)


def _into_vector(graph: Rewriter, x: Any, number: Any, op: Op = ops.multiply) -> Any:
    product = x
    if found := inner(x, ops.reshape):
        product = found[0]
    operands = inner(product, ops.matmul)
    if type(number) is not float or not operands or operands[1].ndim != 1 or operands[0].ndim < 2:
        return None
    if operands[1].role == "constant":  # a plain sum, whose mean is exact for equal elements if it is divided last
        return None
    if not is_moderate(number, x.dtype):
        return None
    scaled = graph.make(ops.matmul, operands[0], graph.make(op, operands[1], number))
    return scaled if product is x else graph.make(ops.reshape, scaled, shape=x.shape)


def centred_in_one_product(graph: Rewriter, inputs: tuple[Any, ...], params: Any) -> Any:
    x, y = inputs
    scaled, column = rows_and_factor(x), inner(y, ops.reshape)
    summed = inner(column[0], ops.matmul) if column else None
    if scaled is None or summed is None or summed[1].ndim != 1 or not 0 < x.shape[-1] < SHORT:
        return None
    (rows, v), (matrix, w) = scaled, summed
    if matrix is not graph.make(ops.reshape, rows, shape=matrix.shape) or y.shape != (*x.shape[:-1], 1):
        return None
    diagonal = graph.make(ops.multiply, constant(np.eye(x.shape[-1], dtype=x.dtype), name="identity"), v)
    both = graph.make(ops.subtract, diagonal, graph.make(ops.reshape, w, shape=(x.shape[-1], 1)))
    return graph.make(ops.reshape, graph.make(ops.matmul, matrix, both), shape=x.shape)


def from_log_total(graph: Rewriter, inputs: tuple[Any, ...], params: Any) -> Any:
    x, where = inputs
    steady = graph.known(simpler.steady, x) if where is None and params["axis"] in (-1, x.ndim - 1) else None
    total = None if steady is None else graph.known(simpler.log_total, steady)
    return None if total is None else graph.make(ops.exp, graph.make(ops.subtract, steady, total))


def scaled_when_joined(graph: Rewriter, inputs: tuple[Any, ...], params: Any) -> Any:
    products = [inner(x, ops.multiply) for x in inputs]
    for factor in products[0] if all(products) else ():
        key = exact_key(factor)
        parts: list[Any] = [x if exact_key(y) == key else y if exact_key(x) == key else None for x, y in products]
        if getattr(factor, "shape", ()) == () and all(map(_float, parts)) and len({x.dtype for x in parts}) == 1:
            joined = graph.known(ops.concatenate, *parts, **params)
            if joined is not None:
                return graph.make(ops.multiply, joined, factor)
    return None


def find_stretch(x: Any) -> tuple[int, int, int] | None:
    """Along which axis, and from where to where, `x` holds the values that it was made of, with zeros around them."""
    if inner(x, ops.scatter_add) is None or len(x.inputs) > 1 or None in x.params["index"]:
        return None
    entries = list(x.params["index"].with_arrays(()))
    place = entries.index(...) if ... in entries else len(entries)
    entries[place : place + 1] = [slice(None)] * (x.ndim - len(entries) + (... in entries))
    ranges = [
        range(n)[entry if isinstance(entry, slice) else slice(entry, entry + 1 or None)]
        for entry, n in zip(entries, x.shape, strict=True)
    ]
    cut = [axis for axis, n in enumerate(x.shape) if ranges[axis] != range(n)]
    if len(cut) != 1 or ranges[cut[0]].step != 1:
        return None
    return cut[0], ranges[cut[0]].start, ranges[cut[0]].stop


def neighbours_joined(graph: Rewriter, inputs: tuple[Any, ...], params: Any) -> Any:
    found = [(stretch, x) for x in inputs if (stretch := find_stretch(x)) is not None]
    if len(found) < 2:
        return None
    ((axis, start, end), x), ((other, after, stop), y) = sorted(found, key=lambda pair: pair[0])
    if (axis, end, x.shape, x.dtype) != (other, after, y.shape, y.dtype):
        return None
    parts: list[Any] = []
    for z, length in ((x, end - start), (y, stop - after)):
        values, shape = z.inputs[0], (*z.shape[:axis], length, *z.shape[axis + 1 :])
        if not isinstance(values, Tensor) or values.size != math.prod(shape):
            return None
        joined = values.op is ops.concatenate and values.params["axis"] == axis and values.shape == shape
        parts += values.inputs if joined else [graph.make(ops.reshape, values, shape=shape)]
    together = graph.make(ops.concatenate, *parts, axis=axis)
    if stop - start == x.shape[axis]:
        return together
    index = Index([*[Slice(None, None, None)] * axis, Slice(start, stop, None)])
    return graph.make(ops.scatter_add, together, index=index, shape=x.shape)


def _float(x: Any) -> bool:
    return isinstance(x, Tensor) and x.dtype.kind == "f"


TABLE = (
    Rule((ops.multiply,), "1 · x is x", times_one),
    Rule((ops.divide,), "x / 1 is x", by_one),
    Rule((ops.divide,), "x / 2ⁿ is x · 2⁻ⁿ, which is faster", by_power_of_two),
    Rule((ops.subtract,), "x − 0 is x", minus_nothing),
    Rule((ops.negative,), "−(−x) is x", twice_negative),
    Rule((ops.add,), "x + (−y) is x − y", plus_negative),
    Rule((ops.subtract,), "x − (−y) is x + y", minus_negative),
    Rule((ops.astype,), "x has that type already", same_type),
    Rule((ops.stop_gradient,), "no gradient is taken of a program", itself),
    Rule((ops.reshape,), "of two shapes in a row only the last counts", one_reshape),
    Rule((ops.transpose,), "two permutations are one", one_transpose),
    Rule((ops.sum_to, ops.broadcast_to), "x has that shape already", to_same_shape),
    Rule((ops.matmul,), "Σⱼ (xᵢⱼ vⱼ) cⱼ is Σⱼ xᵢⱼ (vⱼ cⱼ): a vector is multiplied, not all rows; to rounding",
         sum_of_scaled),
    Rule((ops.vecdot,), "Σⱼ (xᵢⱼ vⱼ) yᵢⱼ is Σⱼ (xᵢⱼ yᵢⱼ) vⱼ, where the products x y are there already; to rounding",
         sum_of_known_products),
    Rule((ops.multiply,), "a factor of Σⱼ xᵢⱼ vⱼ goes to v; to rounding", factor_of_sum),
    Rule((ops.divide,), "a divisor of Σⱼ xᵢⱼ vⱼ goes to v; to rounding", quotient_of_sum),
    Rule((ops.subtract,),
         "xᵢⱼ vⱼ − Σₖ xᵢₖ wₖ is one product of matrices, x (diag v − w 1ᵀ), for short rows; to rounding",
         centred_in_one_product),
    Rule((ops.softmax,), "exp(x − log Σ exp x) is softmax, where the logarithm is there already; to rounding",
         from_log_total),
    Rule((ops.concatenate,), "[x · s, y · s] is [x, y] · s for a number s, where x and y are joined already",
         scaled_when_joined),
    Rule((ops.add,), "values among zeros, and others beside them, are both among zeros; but for the sign of a 0",
         neighbours_joined),
    Rule((ops.matmul,), "BLAS is slow on batches whose second matrices are transposed: a copy costs less",
         contiguous_operand),
)  # fmt: skip

RULES: dict[Op, list[Rule]] = {}
for _rule in TABLE:
    for _op in _rule.ops:
        RULES.setdefault(_op, []).append(_rule)


def is_constant(tensor: Tensor) -> bool:
    """Whether the value is known and never changes."""
    # What no_grad computed outside has this role too, but may look into memory that is written to.
    return tensor.op is None and tensor.role in ("constant", "cotangent") and "made_by" not in tensor.params


def array_of_constant(tensor: Tensor) -> Array:
    """What a constant always is."""
    array = held_by(tensor)
    assert array is not None
    return array


def with_numbers(op: Op, inputs: tuple[Any, ...], params: dict[str, Any]) -> tuple[Any, ...]:
    """The operands with constants of one element as numbers, where result and type computed in stay the same."""
    given = inputs
    for position, x in enumerate(given):
        if isinstance(x, Tensor) and is_constant(x) and x.size == 1 and x.dtype.kind == "f":
            tried = (*inputs[:position], float(array_of_constant(x).item()), *inputs[position + 1 :])
            same = any(isinstance(y, Tensor) for y in tried) and common_type(tried) == common_type(given)
            if same and op.infer(tried, params) == op.infer(given, params):
                inputs = tried
    return inputs


def common_type(operands: tuple[Any, ...]) -> np.dtype[Any]:
    """The type that operands are compared in: of comparisons the result does not show it."""
    return np.result_type(*(getattr(x, "dtype", x) for x in operands if x is not None))


def without_broadcast(op: Op, inputs: tuple[Any, ...], params: dict[str, Any]) -> tuple[Any, ...]:
    """The operands as they were before `broadcast_to`, where the result has the same shape anyway."""
    given = inputs
    for position, x in enumerate(given):
        if found := inner(x, ops.broadcast_to):
            tried = (*inputs[:position], found[0], *inputs[position + 1 :])
            if op.infer(tried, params).shape == op.infer(given, params).shape:
                inputs = tried
    return inputs


def turned_operands(op: Op, inputs: tuple[Any, ...]) -> tuple[tuple[Any, ...], tuple[int, ...]] | None:
    """The operands as they lie in memory, and the order of axes in which all of them are seen, the last not the last.

    What is computed element by element is computed as it lies, but for copies, which are made to lie in order.
    """
    arrays = [x for x in inputs if isinstance(x, Tensor) and x.ndim]
    if op is ops.copy or not arrays or any(x.op is not ops.transpose or x.ndim < 3 for x in arrays):
        return None
    orders = {order_of_axes(x.params["axes"], x.ndim) for x in arrays}
    order = orders.pop()
    if orders or order[-1] == len(order) - 1:
        return None
    return tuple([x.inputs[0] if isinstance(x, Tensor) and x.ndim else x for x in inputs]), order
