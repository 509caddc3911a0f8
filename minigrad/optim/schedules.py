"""Schedules: how the rate of an optimiser changes from step to step.

A schedule takes the number of the step, 1 for the first, and returns a factor of the optimiser's rate. It is written in
ops: on the step counter of an optimiser it becomes part of a captured training step.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from minigrad import ops
from minigrad.optim.arguments import check

Schedule = Callable[[Any], Any]


@dataclass(frozen=True)
class Constant:
    """The same rate at every step.

    >>> Constant()(step=100)
    1.0
    """

    def __call__(self, step: Any) -> Any:
        return 1.0


@dataclass(frozen=True)
class WarmupCosine:
    """From 0 to the full rate in a straight line, then along half a cosine down to `final` of it at step `steps`.

    Loshchilov and Hutter (arXiv 1608.03983, eq. 5, one period), after a warm-up of `warmup` steps.

    Args:
        warmup: the step at which the rate is full.
        steps: the step at which it has fallen; from there on it stays.
        final: what is left of it, a share.

    Raises:
        ValueError: a warm-up below 0, `steps` that are not more, or a share outside [0, 1].

    >>> schedule = WarmupCosine(warmup=10, steps=110, final=0.1)
    >>> [round(float(schedule(step)), 3) for step in (1, 10, 60, 110, 200)]
    [0.1, 1.0, 0.55, 0.1, 0.1]
    """

    warmup: int
    steps: int
    final: float = 0.0

    def __post_init__(self) -> None:
        check("WarmupCosine", "0 or more", self.warmup >= 0, warmup=self.warmup)
        check("WarmupCosine", f"larger than warmup={self.warmup}", self.steps > self.warmup, steps=self.steps)
        check("WarmupCosine", "between 0 and 1", 0 <= self.final <= 1, final=self.final)

    def __call__(self, step: Any) -> Any:
        progress = ops.clip((step - self.warmup) * (1.0 / (self.steps - self.warmup)), 0.0, 1.0)
        factor = (ops.cos(progress * math.pi) + 1.0) * (0.5 * (1.0 - self.final)) + self.final
        return warm_up(step, self.warmup) * factor


@dataclass(frozen=True)
class InverseSquareRoot:
    """From 0 to the full rate in a straight line, then like 1 / √step (Vaswani et al., 2017, eq. 3).

    Args:
        warmup: the step at which the rate is full.

    Raises:
        ValueError: a warm-up below 1.

    >>> schedule = InverseSquareRoot(warmup=100)
    >>> [round(float(schedule(step)), 3) for step in (1, 50, 100, 400)]
    [0.01, 0.5, 1.0, 0.5]
    """

    warmup: int

    def __post_init__(self) -> None:
        check("InverseSquareRoot", "at least 1", self.warmup >= 1, warmup=self.warmup)

    def __call__(self, step: Any) -> Any:
        return ops.minimum(warm_up(step, self.warmup), ops.sqrt(self.warmup / step))


@dataclass(frozen=True)
class StepDecay:
    """The full rate for `every` steps, then `factor` of it for as many, and so on; with `every=1` it is exponential.

    Args:
        every: how many steps the rate stays.
        factor: what it is multiplied by then.

    Raises:
        ValueError: `every` below 1, or a factor that is not above 0.

    >>> schedule = StepDecay(every=10, factor=0.5)
    >>> [float(schedule(step)) for step in (1, 10, 11, 21)]
    [1.0, 1.0, 0.5, 0.25]
    """

    every: int
    factor: float = 0.1

    def __post_init__(self) -> None:
        check("StepDecay", "at least 1", self.every >= 1, every=self.every)
        check("StepDecay", "above 0", self.factor > 0, factor=self.factor)

    def __call__(self, step: Any) -> Any:
        return ops.power(self.factor, ops.floor((step - 1.0) / self.every))


@dataclass(frozen=True)
class Milestones:
    """The full rate up to the first of `steps`, after that `factor` of it, and again after each of the others.

    Args:
        steps: after which the rate is multiplied, in order.
        factor: what it is multiplied by.

    Raises:
        ValueError: steps that are not in order, or a factor that is not above 0.

    >>> schedule = Milestones(steps=(10, 50), factor=0.1)
    >>> [round(float(schedule(step)), 3) for step in (1, 10, 11, 51)]
    [1.0, 1.0, 0.1, 0.01]
    """

    steps: tuple[int, ...]
    factor: float = 0.1

    def __post_init__(self) -> None:
        check("Milestones", "in order", list(self.steps) == sorted(self.steps), steps=self.steps)
        check("Milestones", "above 0", self.factor > 0, factor=self.factor)

    def __call__(self, step: Any) -> Any:
        passed = sum((ops.minimum(ops.maximum(step - last, 0.0), 1.0) for last in self.steps), start=0.0)
        return ops.power(self.factor, passed)


def warm_up(step: Any, warmup: int) -> Any:
    """From 1 / `warmup` at the first step to 1 at step `warmup` and after it."""
    return ops.minimum(step * (1.0 / warmup), 1.0) if warmup else 1.0
