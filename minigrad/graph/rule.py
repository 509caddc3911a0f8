"""What a gradient rule computes for one use of one node, as a line of mathematics, and which arrays it reads.

In come a node and the position of an operand, out goes a `RuleOfUse`. The rule is run on shapes, as capture does: no
value is computed. Where the values are wanted, it is run on those of one step of the backward pass.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from minigrad.core.arrays import Shaped
from minigrad.core.capture import Capture
from minigrad.core.modes import within
from minigrad.core.op import Op
from minigrad.core.record import registry
from minigrad.core.tensor import Tensor, new_tensor
from minigrad.graph.build import build
from minigrad.graph.formula import formula_of
from minigrad.graph.node import Array, Node

OWN_LETTERS = {"g": "incoming", "y": "result"}


class RuleOfUse(NamedTuple):
    """The contribution to one operand: its formula in `g` (what comes in), `y` (the result) and the arguments' names.

    Where an argument is called g or y itself, what comes in is `incoming`, and the result `result`.
    `reads` are the positions of the operands whose values it needs; `reads_result` says whether it needs `y`.
    """

    formula: str
    reads: tuple[int, ...]
    reads_result: bool


def rule_of_use(node: Node, position: int) -> RuleOfUse | None:
    """The rule for the operand at `position`, or None where the operation has none, or one for arrays alone.

    >>> import minigrad as mg
    >>> x = mg.Tensor([1.0, 2.0], requires_grad=True, name="x")
    >>> rule_of_use((x * 3.0).graph()[1], 0)
    RuleOfUse(formula='g · 3', reads=(), reads_result=False)
    >>> rule_of_use(mg.exp(x).graph()[1], 0)
    RuleOfUse(formula='g ⋆ y', reads=(), reads_result=True)
    """
    op = node.function
    if op is None or node.dtype.kind != "f" or op.argument(position) not in op.rules:
        return None
    incoming, y = (_stand_in(node, word if letter in op.arguments else letter) for letter, word in OWN_LETTERS.items())
    operands = [_stand_in(x, letter_of(op, i)) if isinstance(x, Node) else x for i, x in enumerate(node.inputs)]
    try:
        with within(capture=Capture(began=0), record=True, grad=True):
            result = op.rule(position)(incoming, y, *operands, **node.params)
    except Exception:  # a rule that reads values or takes arrays alone: users may write these, and have no formula then
        return None
    read = {leaf.name for leaf in build(result) if leaf.op is None} if isinstance(result, Tensor) else set()
    reads = tuple(i for i, x in enumerate(operands) if isinstance(x, Tensor) and x.name in read)
    return RuleOfUse(formula_of(result), reads, y.name in read)


def trace_rule(node: Node, position: int, incoming: Array) -> Node | None:
    """The contribution that `incoming` makes to the operand at `position`, with all the values it is made of behind it.

    None where a value is missing, and where the rule does not record what it does.

    >>> import minigrad as mg
    >>> x = mg.Tensor([1.0, 2.0], requires_grad=True, name="x")
    >>> trace_rule((x * 3.0).graph()[1], 0, np.array([1.0, 10.0])).value.tolist()
    [3.0, 30.0]
    """
    op, target = node.function, node.inputs[position]
    assert op is not None
    assert isinstance(target, Node)
    if any(x.value is None for x in (node, *node.inputs) if isinstance(x, Node)):
        return None
    operands = [_make_leaf(x) if isinstance(x, Node) else x for x in node.inputs]
    try:
        with within(record=True, grad=True), np.errstate(all="ignore"):
            result = op.rule(position)(_make_tensor(incoming), _make_leaf(node), *operands, **node.params)
            if isinstance(result, Tensor) and result.shape != target.shape:
                result = registry["sum_to"](result, shape=target.shape)
    except Exception:  # a rule for arrays alone
        return None
    return build(result).outputs[0] if isinstance(result, Tensor) else None


def _make_leaf(node: Node) -> Tensor:
    assert node.value is not None
    return _make_tensor(node.value)


def _make_tensor(array: Array) -> Tensor:
    return new_tensor(array, requires_grad=array.dtype.kind == "f", role="input")


def letter_of(op: Op, position: int) -> str:
    """The argument's name; of a variadic argument, the number tells which: `arrays[1]`."""
    number, name = position - len(op.arguments), op.argument(position)
    return name if number < 0 else f"{name}[{number}]"


def _stand_in(node: Node, name: str) -> Any:
    stand_in = new_tensor(Shaped(node.shape, node.dtype), requires_grad=node.dtype.kind == "f", role="input")
    stand_in.name = name
    return stand_in
