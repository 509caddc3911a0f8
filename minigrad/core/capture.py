"""Recording a whole function on shapes: no value is computed, no memory used, no random number drawn.

`capture(fn, *args)` is called by `minigrad.trace`, which turns what it returns into a `Graph`.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from minigrad.base.arrays import Shaped
from minigrad.base.record import registry
from minigrad.base.structure import leaves, map_leaves
from minigrad.core.errors import CaptureError
from minigrad.core.modes import current_mode, within
from minigrad.core.state import cast
from minigrad.core.tensor import Tensor, constant, describe, new_tensor, refuse_under_capture

if TYPE_CHECKING:
    from minigrad.core.op import Op


def capture(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Capture:
    """Run `function` once on stand-ins that have a shape and a dtype but no values.

    Raises:
        CaptureError: the function reads a value, or lets an array in that is not an argument.
    """
    if current_mode().capture is not None:
        raise CaptureError("capture inside capture: call the inner function directly")
    recording = Capture()
    given = inspect.signature(function).bind(*args, **kwargs)
    for name, value in given.arguments.items():
        given.arguments[name] = map_leaves(functools.partial(recording.argument, name), value)
    with within(capture=recording, record=True):
        outputs = function(*given.args, **given.kwargs)
    recording.outputs = map_leaves(lambda x: recording.updates.get(x, x) if isinstance(x, Tensor) else x, outputs)
    if any(isinstance(x, np.ndarray) for x in leaves(outputs)):
        raise CaptureError("the captured function returns a NumPy array: return Tensors")
    return recording


class Capture:
    """What a captured function was given, and has done to state and gradients."""

    def __init__(self) -> None:
        self.arguments: list[Tensor] = []  # stand-ins for the arrays among the arguments, left to right
        self.outputs: Any = None  # what the function returned, in its structure
        self.updates: dict[Tensor, Tensor] = {}  # state → the node that holds its next value
        self.gradients: dict[Tensor, Any] = {}  # what stands for `.grad`
        self.effects: list[Tensor] = []  # random draws, in order
        self.flags: list[tuple[Any, bool]] = []  # modules whose `training` was read, and what it was

    def argument(self, name: str, value: Any) -> Any:
        """The stand-in for one array among the arguments; numbers, strings and modules stay what they are."""
        if not isinstance(value, (Tensor, np.ndarray, np.generic)):
            return value
        if value.dtype.kind not in "biuf":
            raise TypeError(f"argument {name!r}: expected real numbers, got {value.dtype} of shape {value.shape}")
        requires_grad = getattr(value, "requires_grad", False)
        stand_in = new_tensor(Shaped(value.shape, value.dtype), requires_grad=requires_grad, role="input")
        stand_in.name = getattr(value, "name", None) or name
        self.arguments.append(stand_in)
        return stand_in

    def inputs_of(self, op: Op, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
        """The inputs of a node: state that was assigned has its new value; stray arrays are refused."""
        for position, x in enumerate(inputs):
            if isinstance(x, np.ndarray):
                refuse_under_capture(x, f"{op.name}, argument {op.argument(position)!r}")
            if isinstance(x, Tensor) and x in self.updates and x.requires_grad and current_mode().grad:
                raise CaptureError(f"{describe(x)} was updated before: capture one training step, or use no_grad()")
        return tuple(self.value_of(x) if isinstance(x, Tensor) else x for x in inputs)

    def value_of(self, tensor: Tensor) -> Tensor:
        return self.updates.get(tensor, tensor)

    def assign(self, tensor: Tensor, value: Any) -> None:
        value = self.value_of(value) if isinstance(value, Tensor) else constant(value)
        if isinstance(tensor._data, Shaped):
            raise CaptureError(f"{describe(tensor)} stands for an argument; only state can be assigned")
        if value.requires_grad and not tensor.requires_grad:  # memory has no history
            value = value.detach()
        self.updates[tensor] = cast(value, tensor.dtype, f"assign: {describe(tensor)}")

    def gradient_of(self, tensor: Tensor) -> Any:
        if tensor not in self.gradients and tensor._grad is not None:
            raise CaptureError(
                f"{describe(tensor)} already had a gradient when the function was captured: "
                "call zero_grad() at the start of the function, or before it"
            )
        return self.gradients.get(tensor)

    def add_gradient(self, tensor: Tensor, gradient: Tensor) -> None:
        before = self.gradient_of(tensor)
        self.gradients[tensor] = gradient if before is None else registry["add"](before, gradient)
