"""Stochastic gradient descent, with momentum where wanted."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from minigrad.core.tensor import Tensor
from minigrad.optim.arguments import check
from minigrad.optim.optimiser import Optimiser
from minigrad.optim.schedules import Schedule


class SGD(Optimiser):
    """p ← p − rate · v, where v ← momentum · v + g; with `nesterov`, p ← p − rate · (g + momentum · v).

    Without momentum v is the gradient g (Sutskever et al., 2013, section 2, in the form that keeps v free of the rate).

    Args:
        parameters, rate, schedule: as `Optimiser` takes them.
        momentum: how much of the velocity stays at each step.
        nesterov: look ahead along the velocity.

    Raises:
        ValueError: a momentum outside [0, 1), `nesterov` without momentum, and what `Optimiser` raises.

    >>> p = Tensor([1.0, 2.0], requires_grad=True)
    >>> optimiser = SGD([p], rate=0.1)
    >>> (p * p).sum().backward()
    >>> optimiser.step()
    >>> p.tolist()
    [0.8, 1.6]
    """

    def __init__(
        self, parameters: Iterable[Tensor], rate: float, momentum: float = 0.0, nesterov: bool = False,
        schedule: Schedule | None = None,
    ) -> None:  # fmt: skip
        self.momentum, self.nesterov = momentum, nesterov
        self.moments = ("velocity",) if momentum else ()
        super().__init__(parameters, rate, schedule)

    def _check_settings(self) -> None:
        super()._check_settings()
        momentum, nesterov = self.momentum, self.nesterov
        check("SGD", "at least 0 and below 1", 0 <= momentum < 1, momentum=momentum)
        check("SGD", "False where momentum is 0", momentum > 0 or not nesterov, nesterov=nesterov)
        check("SGD", "0, as it was made without a velocity", momentum == 0 or bool(self.moments), momentum=momentum)

    def rule(self, parameter: Any, gradient: Any, *rest: Any) -> tuple[Any, ...]:
        if not self.moments:
            (rate,) = rest
            return (parameter - gradient * rate,)
        velocity, rate = rest
        velocity = velocity * self.momentum + gradient
        direction = gradient + velocity * self.momentum if self.nesterov else velocity
        return parameter - direction * rate, velocity
