"""How values lie in each other, by op: what is a view of what, where joined operands are found, what goes row by row.

`VIEWS` are expressions of the first operand, `PARTS` say where the operands of a joining op are found in its result,
and `ROWS` which operands go row by row with it.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from minigrad.compiler.expressions import Call, Item, Method, Value
from minigrad.core.arrays import shape_of
from minigrad.core.op import Op
from minigrad.graph import Node
from minigrad.ops import indexing, network, product, shape, windows
from minigrad.ops.kernels.windows import view_windows


def key_of(index: Any, indices: Iterable[Any]) -> tuple[Any, ...]:
    """An index with its arrays."""
    key: tuple[Any, ...] = index.with_arrays(tuple(indices))
    return key


VIEWS: dict[Op, Callable[..., Any]] = {
    shape.reshape: lambda x, *, shape: Method("reshape", x, (shape,)),
    shape.transpose: lambda x, *, axes: Method("transpose", x, (axes,)),
    shape.broadcast_to: lambda x, *, shape: Call(np.broadcast_to, (x, shape)),
    indexing.getitem: lambda x, *indices, index: Item(x, key_of(index, indices)),
    windows.sliding_window_view: lambda x, **params: Call(view_windows, (x, *params.values())),
}


def parts_of_joined(out: Value, *arrays: Any, axis: int | None) -> list[Any]:
    """Stretches along the axis; where there is none, of the flat result, each in the shape of its array."""
    shapes = [shape_of(x) for x in arrays]
    lengths = [math.prod(shape) if axis is None else shape[axis] for shape in shapes]
    before = (slice(None),) * (0 if axis is None else axis % len(shapes[0]))
    ends = itertools.accumulate(lengths)
    parts = [Item(out, (*before, slice(end - n, end))) for n, end in zip(lengths, ends, strict=True)]
    return [
        part if axis is not None or len(shape) == 1 else Method("reshape", part, (shape,))
        for part, shape in zip(parts, shapes, strict=True)
    ]


PARTS: dict[Op, Callable[..., list[Any]]] = {
    shape.concatenate: parts_of_joined,
    shape.reshape: lambda out, x, *, shape: [Method("reshape", out, (shape_of(x),))],
}


def rows_of_product(out: Node, x1: Any, x2: Any) -> tuple[bool, bool] | None:
    """Matrices of a batch, and the rows of a matrix."""
    if len(x1.shape) == 2 >= len(x2.shape):
        return True, False
    batch = [len(x.shape) == len(out.shape) > 2 and x.shape[0] == out.shape[0] for x in (x1, x2)]
    return (batch[0], batch[1]) if len(x2.shape) > 2 and any(batch) else None


def rows_of_softmax(out: Node, x: Any, where: Any, *, axis: int) -> tuple[bool, bool] | None:
    if len(out.shape) < 2 or axis not in (-1, len(out.shape) - 1) or getattr(x, "shape", ()) != out.shape:
        return None
    return True, where is not None and (len(where.shape), where.shape[:1]) == (len(x.shape), x.shape[:1])


def rows_of_vecdot(out: Node, x1: Any, x2: Any, *, axis: int, keepdims: bool) -> tuple[bool, bool] | None:
    return (True, True) if x1.shape == x2.shape and axis == -1 else None


# Whether row i of the result, along its first axis, depends on nothing but row i of some inputs: which these are, or
# None where the answer is no. Of elementwise ops it is known.
ROWS: dict[Op, Callable[..., Sequence[bool] | None]] = {
    product.matmul: rows_of_product,
    product.vecdot: rows_of_vecdot,
    network.softmax: rows_of_softmax,
    shape.reshape: lambda out, x, *, shape: (True,),
}


def rows_of(node: Node, operands: Sequence[Any]) -> list[Any] | None:
    """The operands that go row by row; None if rows depend on other rows."""
    op = node.function
    assert op is not None
    if not node.shape:
        return None
    if op.elementwise:
        shapes = [getattr(x, "shape", ()) for x in node.inputs]
        taken: Sequence[bool] | None = [len(s) == len(node.shape) and s[:1] == node.shape[:1] for s in shapes]
    else:
        taken = ROWS[op](node, *node.inputs, **node.params) if op in ROWS else None
    if taken is None:
        return None
    whole = {x for x, row in zip(node.inputs, taken, strict=True) if isinstance(x, Node) and not row}
    if any(row and x in whole for x, row in zip(node.inputs, taken, strict=True)):  # x @ x needs all of x
        return None
    return [x for x, row in zip(operands, taken, strict=True) if row]


def is_product_of_matrices(node: Node) -> bool:
    """Whether it is one product of two matrices, which is faster as a whole, in one thread."""
    return node.function is product.matmul and all(isinstance(x, Node) and len(x.shape) == 2 for x in node.inputs)
