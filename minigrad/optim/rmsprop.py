"""RMSprop."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from minigrad import ops
from minigrad.core.tensor import Tensor
from minigrad.optim.arguments import check
from minigrad.optim.optimiser import Optimiser
from minigrad.optim.schedules import Schedule


class RMSprop(Optimiser):
    """p ← p − rate · g / (√v + epsilon), where v ← decay · v + (1 − decay) · g² (Tieleman and Hinton, 2012).

    With momentum the quotient is added to a velocity, p ← p − rate · u, where u ← momentum · u + g / (√v + epsilon).

    Args:
        parameters, rate, schedule: as `Optimiser` takes them.
        decay: how much of the mean square stays at each step.
        epsilon: is added to its root, so that it is never 0.
        momentum: how much of the velocity stays at each step.

    Raises:
        ValueError: a decay or momentum outside [0, 1), an epsilon that is not above 0, and what `Optimiser` raises.

    >>> p = Tensor([1.0, -2.0], requires_grad=True)
    >>> optimiser = RMSprop([p], rate=0.01)
    >>> (p * p).sum().backward()
    >>> optimiser.step()
    >>> p.numpy().round(6).tolist()
    [0.9, -1.9]
    """

    def __init__(
        self, parameters: Iterable[Tensor], rate: float = 0.01, decay: float = 0.99, epsilon: float = 1e-8,
        momentum: float = 0.0, schedule: Schedule | None = None,
    ) -> None:  # fmt: skip
        self.decay, self.epsilon, self.momentum = decay, epsilon, momentum
        self.moments = ("mean_square", "velocity") if momentum else ("mean_square",)
        super().__init__(parameters, rate, schedule)

    def _check_settings(self) -> None:
        super()._check_settings()
        momentum, has_velocity = self.momentum, "velocity" in self.moments
        check("RMSprop", "at least 0 and below 1", 0 <= self.decay < 1, decay=self.decay)
        check("RMSprop", "at least 0 and below 1", 0 <= momentum < 1, momentum=momentum)
        check("RMSprop", "above 0", self.epsilon > 0, epsilon=self.epsilon)
        check("RMSprop", "0, as it was made without a velocity", momentum == 0 or has_velocity, momentum=momentum)

    def rule(self, parameter: Any, gradient: Any, *rest: Any) -> tuple[Any, ...]:
        mean_square, *velocity, rate = rest
        mean_square = mean_square * self.decay + gradient * gradient * (1 - self.decay)
        direction = gradient / (ops.sqrt(mean_square) + self.epsilon)
        if not velocity:
            return parameter - direction * rate, mean_square
        direction = velocity[0] * self.momentum + direction
        return parameter - direction * rate, mean_square, direction
