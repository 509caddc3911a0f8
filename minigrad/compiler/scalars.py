"""What is computed of nothing but numbers: with Python's operators, on NumPy's scalars."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad.compiler.expressions import Call, Operation, Value
from minigrad.compiler.instructions import Instruction, bind_to, is_ufunc
from minigrad.core.op import Op
from minigrad.graph import Node
from minigrad.ops import elementwise
from minigrad.ops.elementwise import tensor_power

OPERATORS = {
    np.add: "+",
    np.subtract: "-",
    np.multiply: "*",
    np.divide: "/",
    tensor_power.forward: "**",
}  # much faster on numbers


def is_of_numbers(node: Node) -> bool:
    """Whether `compute_number` can do the node: a ufunc, or another type, of nothing but numbers."""
    function, nodes = node.function, (x for x in (node, *node.inputs) if isinstance(x, Node))
    if function is None or not all(x.shape == () and x.dtype.char in "fd" and x.dtype.isnative for x in nodes):
        return False
    return is_ufunc(function.forward) or function in (elementwise.astype, tensor_power)


def compute_number(op: Op, out: Value, operands: Sequence[Any]) -> Instruction:
    """A number, with Python's operators, on NumPy's scalars."""
    if op.forward in OPERATORS:
        return bind_to(out, Operation(OPERATORS[op.forward], tuple(operands)))
    return bind_to(out, Call(op.forward if is_ufunc(op.forward) else out.dtype.type, tuple(operands)))
