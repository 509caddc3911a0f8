"""What errors of captured functions say; loaded when there is one."""

from __future__ import annotations

from typing import Any

from minigrad.base.messages import describe
from minigrad.base.source import caller_line


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
