"""Recording a whole function on shapes: no value is computed, no memory used, no random number drawn.

`capture(fn, *args)` is called by `minigrad.trace`, which turns the `Recording` into a `Graph`.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from minigrad.core.errors import CaptureError
from minigrad.core.modes import Within, current_mode
from minigrad.core.structure import leaves, map_leaves
from minigrad.core.tensor import Shaped, Tensor, constant, describe, new_tensor, registry

if TYPE_CHECKING:
    from minigrad.core.op import Op


class Recording(NamedTuple):
    arguments: list[Tensor]  # stand-ins for the arrays among the arguments, left to right
    outputs: Any  # what the function returned, in its structure
    updates: dict[Tensor, Tensor]  # state → the node that holds its next value
    effects: list[Tensor]  # random draws, in order


def capture(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Recording:
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
    with Within(capture=recording, record=True):
        outputs = function(*given.args, **given.kwargs)
        outputs = map_leaves(lambda x: recording.value_of(x) if isinstance(x, Tensor) else x, outputs)
    for x in leaves(outputs):
        if isinstance(x, np.ndarray):
            raise CaptureError(f"the captured function returns a NumPy array of shape {x.shape}: return Tensors")
    return Recording(recording.arguments, outputs, recording.values, recording.effects)


class Capture:
    """What a function under capture has done so far to state and gradients."""

    def __init__(self) -> None:
        self.arguments: list[Tensor] = []
        self.values: dict[Tensor, Tensor] = {}
        self.gradients: dict[Tensor, Any] = {}
        self.effects: list[Tensor] = []

    def argument(self, name: str, value: Any) -> Any:
        """The stand-in for one array among the arguments; numbers, strings and modules stay what they are."""
        if not isinstance(value, (Tensor, np.ndarray, np.generic)):
            return value
        shaped = Shaped(value.shape, value.dtype)
        requires_grad = isinstance(value, Tensor) and value.requires_grad
        own_name = value.name if isinstance(value, Tensor) else None
        stand_in = new_tensor(shaped, requires_grad=requires_grad, role="input", name=own_name or name)
        self.arguments.append(stand_in)
        return stand_in

    def inputs_of(self, op: Op, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
        """The inputs of a node: state that was assigned has its new value; stray arrays are refused."""
        for position, x in enumerate(inputs):
            if isinstance(x, np.ndarray):
                raise CaptureError(
                    f"{op.name}: a NumPy array {x.dtype}{x.shape} enters as {op.argument(position)!r} while a function "
                    "is being captured, and would be fixed in it for ever: pass it as an argument, keep it in a "
                    "module as a Tensor, or say minigrad.constant(array)"
                )
        return tuple(self.values.get(x, x) if isinstance(x, Tensor) else x for x in inputs)

    def value_of(self, tensor: Tensor) -> Tensor:
        return self.values.get(tensor, tensor)

    def assign(self, tensor: Tensor, value: Any) -> None:
        value = self.value_of(value) if isinstance(value, Tensor) else constant(value)
        if isinstance(tensor._data, Shaped):
            raise CaptureError(f"{describe(tensor)} stands for an argument; only state can be assigned")
        if value.dtype != tensor.dtype:
            if not np.can_cast(value.dtype, tensor.dtype, "same_kind"):
                raise TypeError(f"assign: {describe(tensor)} cannot take {value.dtype} values")
            value = registry["astype"](value, tensor.dtype)
        self.values[tensor] = value

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
