"""Optimiser: what all optimisers share. It holds the parameters and the state; a subclass brings the rule.

`step` does the same arithmetic on arrays and under capture, bit for bit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from minigrad import ops
from minigrad.core.arrays import Array
from minigrad.core.errors import GraphError
from minigrad.core.modes import current_mode, no_grad, scope
from minigrad.core.storage import assign, memory_of, touch
from minigrad.core.tensor import Tensor
from minigrad.nn.state import check_state
from minigrad.nn.watched import Watched
from minigrad.optim.arguments import check, check_parameters
from minigrad.optim.buffer import Buffer, widen_dtype
from minigrad.optim.schedules import Constant, Schedule
from minigrad.wording.messages import describe
from minigrad.wording.misuse import explain_misuse


class Optimiser(Watched, habits="Optimiser"):
    """Base of all optimisers. A subclass names its `moments` and writes `coefficients` and `rule`.

    Args:
        parameters: leaves that require a gradient. They move into one array per dtype, and stay the same Tensors.
        rate: the learning rate.
        schedule: a function from the number of the step to a factor of the rate; see `minigrad.optim.schedules`.

    Raises:
        ValueError: no parameters, one that is listed twice or is not a leaf that requires a gradient, a rate below 0.

    A parameter without a gradient is left alone, and so are its moments. The number of steps is one for all parameters.
    The moments of float16 parameters are float32, and so is the update, which is rounded once.

    >>> class SignDescent(Optimiser):
    ...     def rule(self, parameter, gradient, rate):
    ...         return (parameter - ops.sign(gradient) * rate,)
    >>> p = Tensor([1.0, -2.0], requires_grad=True)
    >>> optimiser = SignDescent([p], rate=0.5)
    >>> (p * p).sum().backward()
    >>> optimiser.step()
    >>> p.tolist(), optimiser.steps
    ([0.5, -1.5], 1)
    """

    moments: tuple[str, ...] = ()  # arrays of the parameters' size that the rule keeps from step to step

    def __init__(self, parameters: Iterable[Tensor], rate: float, schedule: Schedule | None = None) -> None:
        self.schedule = Constant() if schedule is None else schedule
        self._check_settings()
        self._parameters = tuple(_check_parameters(type(self).__name__, parameters))
        self._rate = Tensor(0.0, np.float64, name="rate")
        self._steps = Tensor(0.0, np.float64, name="steps")
        self.rate = rate
        self._buffers = []
        for dtype in dict.fromkeys(parameter.dtype for parameter in self.parameters):
            members = [parameter for parameter in self.parameters if parameter.dtype == dtype]
            zeros = np.zeros(sum(parameter.size for parameter in members), widen_dtype(dtype))
            self._buffers.append(Buffer(members, [Tensor(zeros, name=m) for m in self.moments]))

    def __setattr__(self, name: str, value: Any) -> None:
        """Settings may change at any time, also between calls of a compiled step; a value that is wrong is refused."""
        settings = vars(self)
        if "_buffers" not in settings or name not in settings or name[0] == "_":
            super().__setattr__(name, value)
            return
        if name == "moments":
            raise GraphError(f"{type(self).__name__}.{name} cannot change, memory is laid out for it: make another")
        before = settings[name]
        super().__setattr__(name, value)
        try:
            self._check_settings()
        except BaseException:
            super().__setattr__(name, before)
            raise

    def _check_settings(self) -> None:
        """Raise for settings that are wrong; a subclass adds its own."""
        if not callable(self.schedule):
            raise TypeError(
                f"{type(self).__name__}: schedule={self.schedule!r} must be a function of the number of the step"
            )

    def coefficients(self, step: Any, rate: Any) -> tuple[Any, ...]:
        """The numbers that the rule takes at this step; 0-d, they are cast to the dtype of the moments."""
        return (rate,)

    def rule(self, parameter: Any, gradient: Any, *rest: Any) -> tuple[Any, ...]:
        """The parameter and its moments after the step; `rest` are the moments, then the coefficients.

        Written in operators and ops, elementwise: it is run on pieces of flat arrays, or on Tensors.
        """
        raise TypeError(f"{type(self).__name__} has no rule method: write `def rule(self, parameter, gradient, …)`")

    def step(self) -> None:
        """Move every parameter that has a gradient, and count the step.

        Raises:
            GraphError: under capture, no parameter has a gradient; the captured step would do nothing for ever.
        """
        capture = current_mode().capture
        if capture is None:
            self._step(lambda coefficient, dtype: float(coefficient))
            return
        capture.use(self)
        if all(parameter.grad is None for parameter in self.parameters):
            raise GraphError(
                f"{type(self).__name__}.step: no parameter has a gradient while a function is being captured: call "
                "loss.backward() first, and capture one training step at a time"
            )
        with no_grad(), scope("optimiser"):
            self._step(lambda coefficient, dtype: ops.astype(coefficient, dtype))

    def _step(self, cast: Callable[[Any, Any], Any]) -> None:
        """`cast` turns a coefficient into what leaves the dtype of the update alone; on arrays, a Python number."""
        step = memory_of(self._steps) + 1.0  # a number, or a Tensor: what is made of it cannot write to the state
        assign(self._steps, step)
        coefficients = self.coefficients(step, memory_of(self._rate) * self.schedule(step))
        for buffer in self._buffers:
            numbers = [cast(coefficient, buffer.wide) for coefficient in coefficients]
            buffer.update(lambda *values, numbers=numbers: self.rule(*values, *numbers))

    @explain_misuse
    def zero_grad(self) -> None:
        """Forget the gradients of all parameters."""
        for parameter in self.parameters:
            parameter.grad = None

    @property
    def parameters(self) -> tuple[Tensor, ...]:
        """The Tensors that it trains; another optimiser has to be made for others."""
        return self._parameters

    @parameters.setter
    def parameters(self, value: Any) -> None:
        raise GraphError(f"{type(self).__name__}: the parameters stay those it was made with: make another optimiser")

    @property
    def rate(self) -> float:
        """The learning rate, before the schedule; it may be set at any time."""
        return float(self._rate)

    @rate.setter
    def rate(self, value: float) -> None:
        check(type(self).__name__, "at least 0", 0 <= value < np.inf, rate=value)
        assign(self._rate, float(value))

    @property
    def steps(self) -> int:
        """How many steps were taken."""
        return int(self._steps)

    def state_dict(self, names: Sequence[str] | None = None) -> dict[str, Array]:
        """Copies of the state: `rate`, `steps`, and each moment by parameter, as `first_moment.NAME`.

        `names` has one name for each of the parameters; their numbers by default. The settings are not part of it.
        """
        state = {"rate": self._rate.numpy(), "steps": self._steps.numpy()}
        return state | {key: values.copy() for key, values in self._moments_by_name(names)}

    def load_state_dict(self, state: Mapping[str, Any], names: Sequence[str] | None = None) -> None:
        """Take over a state that `state_dict` returned.

        Raises:
            ValueError: keys that are missing or unexpected, arrays of another shape or dtype: all in one message, and
                nothing was changed.
        """
        check_state(f"{type(self).__name__}.load_state_dict", self.state_dict(names), state)
        assign(self._rate, state["rate"])
        assign(self._steps, state["steps"])
        for key, values in self._moments_by_name(names):
            values[...] = state[key]
        for buffer in self._buffers:
            touch(*buffer.moments)

    def _moments_by_name(self, names: Sequence[str] | None) -> Iterator[tuple[str, Array]]:
        """Every moment of every parameter, in its memory and in the parameter's shape."""
        if names is None:
            names = [str(i) for i in range(len(self.parameters))]
        by_id = {id(parameter): name for parameter, name in zip(self.parameters, names, strict=True)}
        for buffer in self._buffers:
            for moment in buffer.moments:
                for parameter, part in zip(buffer.parameters, buffer.slices, strict=True):
                    yield f"{moment.name}.{by_id[id(parameter)]}", memory_of(moment)[part].reshape(parameter.shape)


def _check_parameters(optimiser: str, parameters: Iterable[Tensor]) -> list[Tensor]:
    listed = check_parameters(optimiser, parameters)
    for position, parameter in enumerate(listed):
        if parameter.op is not None or not parameter.requires_grad:
            raise ValueError(
                f"{optimiser}: parameters[{position}], {describe(parameter)}, is not a leaf that requires a gradient: "
                "make it with Tensor(data, requires_grad=True)"
            )
    if not listed:
        raise ValueError(f"{optimiser}: parameters is empty, at least one is needed; are they held as attributes?")
    return listed
