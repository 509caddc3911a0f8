"""Where the time of a program goes: its lines, timed one by one."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from minigrad.compiler.printer import print_program, print_step
from minigrad.core.arrays import Array
from minigrad.core.errors import GraphError
from minigrad.ops.kernels import check_numbers

if TYPE_CHECKING:
    from minigrad.compiler.program import Program

SECONDS = 1.0  # for which lines are timed
FEWEST, MOST = 3, 1000  # runs


@dataclass(frozen=True)
class Line:
    """The shortest time that a line took, and its share of all."""

    seconds: float
    share: float
    text: str


@dataclass(frozen=True, repr=False)
class Profile:
    """The dearest lines of a program, and what all its lines take together; shown as a table."""

    lines: tuple[Line, ...]
    seconds: float

    def __repr__(self) -> str:
        rows = [f"{line.seconds * 1e6:10.1f} µs  {line.share:6.1%}  {line.text}" for line in self.lines]
        rest = 1 - sum(line.share for line in self.lines)
        return "\n".join([*rows, f"{self.seconds * 1e6:10.1f} µs in all lines, {rest:.1%} of it in those not shown"])


def profile(program: Program, arrays: Sequence[Array], lines: int) -> Profile:
    """Run the program with a clock after every statement; state and generators are put back afterwards."""
    if len(arrays) != len(program.graph.inputs):
        raise GraphError("profile: the program has not run yet; call the compiled function first")
    texts = print_step(program.plan)
    checks = [name for name, value in program.printed.bound.items() if value is check_numbers]
    unchecked = dict.fromkeys(checks, lambda *gradients: None)  # a NaN takes no longer than a number
    step = program._defined(print_program(program.plan, clocks=True).text, clock=time.perf_counter_ns, **unchecked)
    before = program.snapshot()
    best = np.full(len(texts), np.inf)
    end, runs = time.perf_counter() + SECONDS, 0
    try:
        while runs < FEWEST or (time.perf_counter() < end and runs < MOST):
            program.restore(before)  # what a step may do once, as fill the last place of a cache, it may do again
            times: list[int] = step(*arrays)
            best = np.minimum(best, np.diff(times))
            runs += 1
    finally:
        program.restore(before)
    total = float(best.sum())
    order = np.argsort(-best, kind="stable")[:lines]
    shown = [Line(best[i] * 1e-9, best[i] / total, texts[i]) for i in order]
    return Profile(tuple(shown), total * 1e-9)
