"""Adam and AdamW."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from minigrad import ops
from minigrad.core.tensor import Tensor
from minigrad.optim.arguments import check
from minigrad.optim.optimiser import Optimiser
from minigrad.optim.schedules import Schedule


class Adam(Optimiser):
    """Kingma and Ba (arXiv 1412.6980, algorithm 1).

    The bias corrections are done on numbers instead of arrays, as at the end of the paper's section 2; epsilon is
    scaled along, so that the result is that of algorithm 1.

    Args:
        parameters, rate, schedule: as `Optimiser` takes them.
        betas: how much of the first and of the second moment stays at each step.
        epsilon: is added to the root of the second moment, so that it is never 0.

    Raises:
        ValueError: betas outside [0, 1), an epsilon that is not above 0, and what `Optimiser` raises.

    >>> p = Tensor([1.0, -2.0], requires_grad=True)
    >>> optimiser = Adam([p], rate=0.1)
    >>> (p * p).sum().backward()
    >>> optimiser.step()
    >>> p.numpy().round(6).tolist()
    [0.9, -1.9]
    """

    moments = ("first_moment", "second_moment")

    def __init__(
        self, parameters: Iterable[Tensor], rate: float = 1e-3, betas: tuple[float, float] = (0.9, 0.999),
        epsilon: float = 1e-8, schedule: Schedule | None = None,
    ) -> None:  # fmt: skip
        self.betas, self.epsilon = betas, epsilon
        super().__init__(parameters, rate, schedule)

    def _check_settings(self) -> None:
        super()._check_settings()
        name, betas = type(self).__name__, self.betas
        valid = len(betas) == 2 and all(0 <= beta < 1 for beta in betas)
        check(name, "two numbers, each at least 0 and below 1", valid, betas=betas)
        check(name, "above 0", self.epsilon > 0, epsilon=self.epsilon)

    def coefficients(self, step: Any, rate: Any) -> tuple[Any, ...]:
        first, second = self.betas
        correction = ops.sqrt(1.0 - second**step)
        return rate * correction / (1.0 - first**step), self.epsilon * correction

    def rule(self, parameter: Any, gradient: Any, *rest: Any) -> tuple[Any, ...]:
        first_moment, second_moment, rate, epsilon = rest
        first, second = self.betas
        first_moment = first_moment * first + gradient * (1 - first)
        second_moment = second_moment * second + gradient * gradient * (1 - second)
        return parameter - first_moment / (ops.sqrt(second_moment) + epsilon) * rate, first_moment, second_moment


class AdamW(Adam):
    """Adam with decoupled weight decay: parameters also shrink by rate · weight_decay (arXiv 1711.05101, algorithm 2).

    Args:
        weight_decay: the share of a parameter that a step of rate 1 would take; the others are those of `Adam`.

    Raises:
        ValueError: a weight decay below 0, and what `Adam` raises.

    >>> p = Tensor([1.0, -2.0], requires_grad=True)
    >>> optimiser = AdamW([p], rate=0.1, weight_decay=0.5)
    >>> (p * p).sum().backward()
    >>> optimiser.step()
    >>> p.numpy().round(6).tolist()
    [0.85, -1.8]
    """

    def __init__(
        self, parameters: Iterable[Tensor], rate: float = 1e-3, betas: tuple[float, float] = (0.9, 0.999),
        epsilon: float = 1e-8, weight_decay: float = 0.01, schedule: Schedule | None = None,
    ) -> None:  # fmt: skip
        self.weight_decay = weight_decay
        super().__init__(parameters, rate, betas, epsilon, schedule)

    def _check_settings(self) -> None:
        super()._check_settings()
        check("AdamW", "at least 0", self.weight_decay >= 0, weight_decay=self.weight_decay)

    def coefficients(self, step: Any, rate: Any) -> tuple[Any, ...]:
        return (*super().coefficients(step, rate), 1.0 - rate * self.weight_decay)

    def rule(self, parameter: Any, gradient: Any, *rest: Any) -> tuple[Any, ...]:
        *others, remaining = rest
        return super().rule(parameter * remaining, gradient, *others)
