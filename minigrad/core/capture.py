"""What is noted while a whole function is recorded on shapes: no value is computed, no random number drawn.

The engine asks the `Capture` in force; `minigrad/graph/captured.py` runs the function.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from minigrad.core.arrays import Shaped
from minigrad.core.errors import refusals
from minigrad.core.modes import current_mode, within
from minigrad.core.record import registry
from minigrad.core.storage import cast, check_alive, is_state, next_id
from minigrad.core.tensor import Tensor, constant, refuse_under_capture

if TYPE_CHECKING:
    from minigrad.core.op import Op


class Capture:
    """What a captured function was given, and has done to state and gradients."""

    weak: Collection[Tensor] = frozenset()  # what acts as a number; see `Recording` in minigrad/graph/weak.py

    def __init__(self, use: Callable[..., None] = lambda *thing: None, began: int | None = None) -> None:
        self.began = next_id() if began is None else began  # what has no value and is older belongs to another
        self.use = use  # called with every module and optimiser that is used
        self.given: list[Tensor] = []  # what stands for each array among the arguments, left to right
        self.met: set[int] = set()  # the ids of Tensors with values that the function has used
        self.differentiated: set[int] = set()  # those for which it takes gradients
        self.outputs: Any = None  # what the function returned, in its structure
        self.updates: dict[Tensor, Tensor] = {}  # state → the node that holds its next value
        self.gradients: dict[Tensor, Any] = {}  # what stands for `.grad`
        self.originals: dict[Tensor, Tensor] = {}  # of copies that stand for what state or a gradient took over
        self.effects: list[Tensor] = []  # random draws, in order

    def inputs_of(self, op: Op, inputs: tuple[Any, ...], params: Mapping[str, Any]) -> tuple[Any, ...]:
        """The inputs of a node: state has its new value, NumPy scalars are numbers; stray arrays are refused."""
        for position, x in enumerate(inputs):
            refuse_under_capture(x, f"{op.name}, argument {op.argument(position)!r}")
            if isinstance(x, Tensor) and op.differentiable and current_mode().grad:
                self.check_current(x)
        values = [self.value_of(x) if isinstance(x, Tensor) else x for x in inputs]
        return tuple([x.item() if isinstance(x, np.generic) else x for x in values])

    def check_current(self, *tensors: Tensor) -> None:
        """Refuse to differentiate what was assigned before: the graph of its new value is not that of a leaf."""
        for x in tensors:
            if x.requires_grad and x in self.updates:
                raise refusals.second_update(x)

    def note_result(self, result: Tensor, op: Op) -> None:
        """Note that the op made `result`."""
        if op.effect:
            self.effects.append(result)

    def compute(self, forward: Callable[..., Any], arrays: Sequence[Any], params: Mapping[str, Any]) -> Any:
        """What an op makes of arrays and numbers; what it does on the way is none of the function's."""
        with within(capture=None, record=False):
            return forward(*arrays, **params)

    def make_constant(self, array: Any) -> Tensor:
        """The constant of an array that numbers in the source make."""
        return constant(array)

    def value_of(self, tensor: Tensor) -> Tensor:
        check_alive(tensor)
        self.meet(tensor)
        return self.updates.get(tensor, tensor)

    def meet(self, *tensors: Tensor) -> None:
        """Note that the function uses these Tensors by itself; stand-ins and results have ids of their own."""
        self.met.update([x.id for x in tensors if not isinstance(x._held, Shaped)])

    def differentiate(self, outputs: Any, cotangents: Any, gradients: Any, targets: Collection[Tensor]) -> Any:
        """Note that the function takes these gradients, by Tensor, and of what; or, for some of `targets`, none."""
        self.meet(*gradients, *targets)
        self.differentiated.update([x.id for x in (*gradients, *targets)])
        return gradients

    def assign(self, tensor: Tensor, value: Any) -> None:
        self.meet(tensor)
        value = self.copy_in(tensor, value, "assign")
        if isinstance(tensor._held, Shaped):
            raise refusals.stand_in(tensor)
        if value.requires_grad and not tensor.requires_grad:  # memory has no history
            value = value.detach()
        self.updates[tensor] = value

    def set_gradient(self, tensor: Tensor, value: Any) -> None:
        """What `tensor.grad = value` does; None forgets it."""
        self.meet(tensor)
        self.gradients[tensor] = None if value is None else self.copy_in(tensor, value, "a gradient")

    def copy_in(self, tensor: Tensor, value: Any, use: str) -> Tensor:
        """`value` as it is now, in the type of `tensor`, for which it is meant."""
        refuse_under_capture(value, use)
        given = self.value_of(value) if isinstance(value, Tensor) else constant(value)
        return self.own(cast(given, tensor.dtype, f"{use}:", tensor))

    def own(self, value: Tensor) -> Tensor:
        """`value`, or its copy where it is state, which may change."""
        return self.copy_of(value) if is_state(value) else value

    def copy_of(self, value: Tensor) -> Tensor:
        copy = value.detach()
        self.originals[copy] = value
        return copy

    def gradient_of(self, tensor: Tensor) -> Any:
        self.meet(tensor)
        if tensor not in self.gradients and tensor._grad is not None:
            raise refusals.gradient_is_there(tensor)
        if tensor not in self.gradients:
            self.use(tensor, "_grad")
        return self.gradients.get(tensor)

    def add_gradient(self, tensor: Tensor, gradient: Tensor) -> None:
        before = self.gradient_of(tensor)
        self.gradients[tensor] = self.own(gradient) if before is None else registry["add"](before, gradient)
