"""What the engine says when it refuses something about captures and compiled results. Loaded where something fails.

Tensors enter, of which only facts are read, and sentences leave.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from minigrad.base.messages import describe
from minigrad.base.source import caller_line

if TYPE_CHECKING:
    from minigrad.core.op import Op


HOW_TO_MAKE_A_LEAF = "make a leaf with Tensor(data, requires_grad=True), and compute outside no_grad()"


def mixture(op: Op, inputs: Sequence[Any]) -> str:
    """Why what a compiled function returned cannot be joined with what requires a gradient."""
    without = next(x for x in inputs if getattr(x, "_requires_grad", False) not in (False, True))
    return (
        f"{op.name}: {describe(without)} comes from a compiled function, which keeps no graph, and meets what requires "
        "a gradient: the part of the gradient that flows through it would be lost. Compute both in one compiled "
        "function; or say that nothing shall flow there: take .detach() of it, or call the function under no_grad()"
    )


def finished(tensor: Any) -> str:
    """Why a Tensor of a capture that is over cannot be used."""
    return (
        f"{describe(tensor)} belongs to a finished capture and has no value: let the captured function return it, or "
        "keep it in state with minigrad.assign"
    )


def no_state(tensor: Any) -> str:
    """Why a Tensor cannot be assigned."""
    what = "a constant" if tensor.op is None else f"the result of {tensor.op.name}"
    return f"{describe(tensor)} is {what}; only leaves can be assigned, those that Tensor(…) makes"


def decided(tensor: Any) -> str:
    """Why `requires_grad` of a result cannot be set."""
    return (
        f"requires_grad of {describe(tensor)} follows from what it was made of: take .detach(), which has no history, "
        "compute it under no_grad(), or set requires_grad of the leaves"
    )


def nothing_behind(tensor: Any) -> str:
    """Why there is no gradient behind a Tensor."""
    hint = HOW_TO_MAKE_A_LEAF
    if tensor._requires_grad:
        hint = "a compiled function returned it without a graph; take the gradient inside the function"
    return f"nothing requires a gradient behind {describe(tensor)}: {hint}"


def not_reached(x: Any, outputs: Sequence[Any]) -> str:
    """What `grad` says of an input that the outputs do not depend on."""
    lost = next(iter(outputs), x)
    why = (
        "; unused='zero' or None allows it"
        if lost is x or any(y.requires_grad for y in outputs)
        else f": {nothing_behind(lost)}"
    )
    return f"grad: the outputs do not depend on {describe(x)}{why}"


def written_since(x: Any, node: Any) -> str:
    """Why there is no right gradient behind a node whose operand was written to."""
    return (
        f"{describe(x)} was written to after {node.op and node.op.name} used it, so its gradient would be wrong: call "
        "backward before the update, or compute the forward pass again"
    )


def misshapen(value: Any, x: Any, node: Any, position: int) -> str:
    """What is wrong with a rule whose result does not fit its input."""
    return (
        f"the gradient rule of {node.op.name} for {node.op.argument(position)!r} returned shape {value.shape}, "
        f"expected {x.shape}, or what broadcasting makes of it"
    )


def gradient_is_there(tensor: Any) -> str:
    """Why the gradients of a captured function cannot be added to one."""
    return (
        f"{describe(tensor)} already had a gradient when the function was captured: call zero_grad() at the start of "
        "the function, or before it"
    )


def rebound(tensor: Any, symbol: str) -> str:
    """Why `p += …` is refused."""
    return (
        f"`{symbol}=` on {describe(tensor)}, a leaf that requires a gradient, would rebind the Python name and train "
        f"nothing: write `p.data {symbol}= …`, or use minigrad.optim"
    )


def written_into(tensor: Any) -> str:
    """Why `x[i] = …` is refused."""
    return (
        f"writing into {describe(tensor)} would falsify its graph: minigrad.set_at(x, index, value) makes a new "
        "tensor, minigrad.assign(x, value) rewrites a leaf"
    )


def array_enters(array: Any, where: str) -> str:
    """An array that enters a captured function by itself would be the same for ever."""
    return (
        f"{where}, at {caller_line()}: a NumPy array {array.dtype}{array.shape} enters while a function is captured "
        "and would be the same for ever: pass it as an argument, keep it in a module as a Tensor, make it of numbers "
        "with minigrad.arange or minigrad.tri, or say minigrad.constant(a)"
    )


def value_is_read(tensor: Any) -> str:
    return (
        f"the value of {describe(tensor)} is read at {caller_line()}, but values are not known while a function is "
        "captured: use where(), minimum() or another op, return it, or read it outside"
    )


def leaf_is_made(tensor: Any) -> str:
    return (
        f"Tensor(…) of {describe(tensor)} at {caller_line()}: a captured function makes no leaves of what it is given: "
        "pass a Tensor that requires a gradient as the argument; detach() and copy() are operations"
    )
