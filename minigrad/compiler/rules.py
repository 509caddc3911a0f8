"""What may be written more simply: one row per rule, with its reason.

A rule sees one operation, after its operands were rewritten. It returns what to use instead (a tensor that is there
already, or `make(op, …)`), or None. Rules keep every bit, unless their reason says otherwise.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from minigrad.core.op import Op
from minigrad.core.tensor import Tensor

Rewrite = Callable[..., Any]


class Rule(NamedTuple):
    """`apply(make, inputs, params)` for each operation in `ops`."""

    ops: tuple[str, ...]
    reason: str
    apply: Rewrite


def is_number(x: Any, value: float) -> bool:
    return type(x) in (int, float) and x == value


def same(x: Any, like: Any, op: str) -> Any:
    """`x`, if the result of `op` on it and a number has its shape and dtype."""
    return x if isinstance(x, Tensor) and x.dtype.kind == "f" else None


def inner(x: Any, op: str) -> Any:
    """The inputs of the operation that made `x`, if that is `op`."""
    return x.inputs if isinstance(x, Tensor) and x.op is not None and x.op.name == op else None


def times_one(make: Rewrite, inputs: tuple[Any, ...], params: Any) -> Any:
    x, y = inputs
    return x if is_number(y, 1) and _float(x) else y if is_number(x, 1) and _float(y) else None


def by_one(make: Rewrite, inputs: tuple[Any, ...], params: Any) -> Any:
    x, y = inputs
    return x if is_number(y, 1) and _float(x) else None


def minus_nothing(make: Rewrite, inputs: tuple[Any, ...], params: Any) -> Any:
    x, y = inputs
    return x if is_number(y, 0) and repr(y) != "-0.0" and _float(x) else None


def twice_negative(make: Rewrite, inputs: tuple[Any, ...], params: Any) -> Any:
    found = inner(inputs[0], "negative")
    return found[0] if found else None


def plus_negative(make: Rewrite, inputs: tuple[Any, ...], params: Any) -> Any:
    x, y = inputs
    if found := inner(y, "negative"):
        return make("subtract", x, found[0])
    if found := inner(x, "negative"):
        return make("subtract", y, found[0])
    return None


def minus_negative(make: Rewrite, inputs: tuple[Any, ...], params: Any) -> Any:
    found = inner(inputs[1], "negative")
    return make("add", inputs[0], found[0]) if found else None


def same_type(make: Rewrite, inputs: tuple[Any, ...], params: Any) -> Any:
    x = inputs[0]
    return x if isinstance(x, Tensor) and x.dtype == np.dtype(params["dtype"]) else None


def itself(make: Rewrite, inputs: tuple[Any, ...], params: Any) -> Any:
    return inputs[0] if isinstance(inputs[0], Tensor) else None


def one_reshape(make: Rewrite, inputs: tuple[Any, ...], params: Any) -> Any:
    x = inputs[0]
    if not isinstance(x, Tensor):
        return None
    shape = np.broadcast_to(np.zeros(()), x.shape).reshape(params["shape"]).shape if x.size else params["shape"]
    if shape == x.shape:
        return x
    if found := inner(x, "reshape"):
        return make("reshape", found[0], shape=shape)
    return None if shape == params["shape"] else make("reshape", x, shape=shape)


def one_transpose(make: Rewrite, inputs: tuple[Any, ...], params: Any) -> Any:
    x = inputs[0]
    if not isinstance(x, Tensor):
        return None
    axes = tuple(reversed(range(x.ndim))) if params["axes"] is None else tuple(a % x.ndim for a in params["axes"])
    if axes == tuple(range(x.ndim)):
        return x
    if found := inner(x, "transpose"):
        before = x.params["axes"]
        return make("transpose", found[0], axes=tuple(before[a] for a in axes))
    return None if axes == params["axes"] else make("transpose", x, axes=axes)


def to_same_shape(make: Rewrite, inputs: tuple[Any, ...], params: Any) -> Any:
    x = inputs[0]
    return x if isinstance(x, Tensor) and x.shape == params["shape"] else None


def contiguous_operand(make: Rewrite, inputs: tuple[Any, ...], params: Any) -> Any:
    x, y = inputs
    if isinstance(x, Tensor) and isinstance(y, Tensor) and x.ndim > 2 and y.ndim > 2 and _is_view(y):
        return make("matmul", x, make("copy", y))
    return None


def _is_view(x: Any) -> bool:
    return x.op is not None and x.op.name == "transpose"


def _float(x: Any) -> bool:
    return isinstance(x, Tensor) and x.dtype.kind == "f"


TABLE = (
    Rule(("multiply",), "1 · x is x", times_one),
    Rule(("divide",), "x / 1 is x", by_one),
    Rule(("subtract",), "x − 0 is x", minus_nothing),
    Rule(("negative",), "−(−x) is x", twice_negative),
    Rule(("add",), "x + (−y) is x − y", plus_negative),
    Rule(("subtract",), "x − (−y) is x + y", minus_negative),
    Rule(("astype",), "x has that type already", same_type),
    Rule(("stop_gradient",), "no gradient is taken of a program", itself),
    Rule(("reshape",), "of two shapes in a row only the last counts", one_reshape),
    Rule(("transpose",), "two permutations are one", one_transpose),
    Rule(("sum_to", "broadcast_to"), "x has that shape already", to_same_shape),
    Rule(("matmul",), "BLAS is slow on batches whose second matrices are transposed: a copy costs less",
         contiguous_operand),
)  # fmt: skip

RULES: dict[str, list[Rule]] = {}
for _rule in TABLE:
    for _name in _rule.ops:
        RULES.setdefault(_name, []).append(_rule)


def without_broadcast(op: Op, inputs: tuple[Any, ...], params: dict[str, Any]) -> tuple[Any, ...]:
    """The operands as they were before `broadcast_to`, where the result has the same shape anyway."""
    shape = op.infer(inputs, params).shape
    for position, x in enumerate(inputs):
        if found := inner(x, "broadcast_to"):
            tried = (*inputs[:position], found[0], *inputs[position + 1 :])
            if op.infer(tried, params).shape == shape:
                inputs = tried
    return inputs
