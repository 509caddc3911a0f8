"""The gradients of a traced step against finite differences, in float64 whatever the step computes in.

In come a graph and what one sweep of its backward pass has made of what, rows of a report leave. Called by `steps.py`.
What no gradient flows through is held while parameters move: draws, masks, what was detached.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from minigrad.checks.differences import ROUNDING
from minigrad.checks.report import InputReport
from minigrad.core.arrays import Array
from minigrad.graph import Node
from minigrad.graph.part import find_needed
from minigrad.graph.run import apply_to_arrays, find_last_uses, interpret
from minigrad.graph.weak import Sweep

TOLERANCE = 1e-6  # of a slope, for the length of the gradient along a random direction
# How far to both sides, and along how many directions, which must all pass. What fails is tried again, less far: there
# are fewer kinks there.
ROUNDS = ((1e-5, 1), (1e-6, 4), (1e-7, 4))
UNCLEAR = 1e-2  # where rounding may hide so much of the gradient, a difference tells nothing
BEND = 4.0  # an error of up to so many times the difference of the slopes to both sides may be that of a kink
KINK = "a kink, where the slopes to both sides differ"


class Slope(NamedTuple):
    """Along a direction, by gradients and by differences; `bend` is how far the slopes to both sides are apart.

    `typical` is the length of the gradient along a random direction, `rounding` what this can add to the difference.
    """

    analytic: float
    numeric: float
    bend: float
    typical: float
    rounding: float

    @property
    def error(self) -> float:
        return abs(self.analytic - self.numeric)

    @property
    def tolerance(self) -> float:
        return TOLERANCE * self.typical + self.rounding

    @property
    def note(self) -> str:
        """Why the difference tells nothing; "" where it does."""
        if not np.isfinite(self.analytic + self.numeric):
            return "infinite, or not a number"
        slope = max(self.typical, abs(self.numeric))  # a rule that gives nothing is typical of nothing
        if self.rounding > UNCLEAR * slope and (self.error or self.typical):
            return f"rounding may add {self.rounding:.0e} to a slope of {slope:.0e}"
        return ""

    @property
    def passed(self) -> bool:
        return not self.note and self.error <= self.tolerance


class SweepCheck:
    """One sweep of a graph; `needed` are the nodes whose values `check` reads."""

    def __init__(self, sweep: Sweep[Node]) -> None:
        self.sweep = sweep
        self._moving = _find_moving(sweep)
        self._last_uses = find_last_uses(self._moving, sweep.outputs)
        operands = [x for node in self._moving for x in node.inputs if isinstance(x, Node)]
        self.needed = [*operands, *sweep.outputs, *sweep.cotangents, *sweep.targets, *sweep.gradients]

    def check(self, values: Sequence[Any], rng: np.random.Generator) -> Iterator[InputReport]:
        """One row, along a random direction of all targets; where that is wrong, one for each of them."""
        targets = self.sweep.targets
        row = self._compare(" + ".join(map(_name, self.sweep.outputs)), targets, values, rng)
        if row.wrong:
            yield from (self._compare(_name(target), [target], values, rng, ROUNDS[1:2]) for target in targets)
        else:
            yield row

    def _compare(
        self, name: str, targets: Sequence[Node], values: Sequence[Any], rng: np.random.Generator,
        rounds: Sequence[tuple[float, int]] = ROUNDS,
    ) -> InputReport:  # fmt: skip
        slopes: list[Slope] = []
        for length, count in rounds:
            others = [self._measure(targets, length, values, rng) for _ in range(count)]
            if slopes and any(slope.note for slope in others):
                break  # so short a step tells nothing
            slopes = others
            slope = max(slopes, key=lambda slope: slope.error / (slope.tolerance or 1.0))
            if slope.passed or slope.note:
                break
        bent = sum(s.error**2 for s in slopes) <= BEND**2 * sum(s.bend**2 for s in slopes)
        note = slope.note or (KINK if bent and not slope.passed else "")
        size = sum(math.prod(target.shape) for target in targets)
        return InputReport(
            1, name, (size,), "a direction", None, slope.analytic, slope.numeric, slope.rounding, slope.error,
            slope.tolerance, note, undecided=bool(note),
        )  # fmt: skip

    def _measure(
        self, targets: Sequence[Node], length: float, values: Sequence[Any], rng: np.random.Generator
    ) -> Slope:  # fmt: skip
        gradients = dict(zip((x.number for x in self.sweep.targets), self.sweep.gradients, strict=True))
        drawn = {target.number: rng.standard_normal(target.shape) for target in targets}
        norm = _norm(drawn.values()) or 1.0
        analytic = sum(float(np.sum(values[gradients[x].number] * move)) for x, move in drawn.items()) / norm
        size = max(1, sum(move.size for move in drawn.values()))
        ahead, behind = (
            self._results(values, {x: factor * length / norm * move for x, move in drawn.items()}) for factor in (1, -1)
        )
        rise = fall = extent = 0.0
        for cotangent, output, further, nearer in zip(
            self.sweep.cotangents, self.sweep.outputs, ahead, behind, strict=True
        ):
            weight, here = values[cotangent.number], values[output.number]
            rise += float(np.sum(weight * (further - here)))
            fall += float(np.sum(weight * (here - nearer)))
            extent += float(np.sum(np.abs(weight * here)))
        rounding = ROUNDING * extent / length
        bend = max(0.0, abs(rise - fall) / length - 2 * rounding)
        typical = _norm(values[gradients[x].number] for x in drawn) / math.sqrt(size)
        return Slope(analytic, (rise + fall) / (2 * length), bend, typical, rounding)

    def _results(self, values: Sequence[Any], moves: Mapping[int, Array]) -> list[Array]:
        """The outputs where targets are moved, and what is computed of them with it."""
        moved = list(values)
        for number, move in moves.items():
            moved[number] = values[number] + move

        def apply(node: Node, operands: list[Any]) -> Array:
            result = apply_wide(node, operands)
            return result + moves[node.number] if node.number in moves else result

        interpret(self._moving, moved, apply, self._last_uses)
        return [moved[output.number] for output in self.sweep.outputs]


def widen(x: Any) -> Any:
    """Numbers of any precision in float64; all else as it is."""
    return x.astype(np.float64, copy=False) if isinstance(x, np.ndarray) and x.dtype.kind == "f" else x


def apply_wide(node: Node, operands: list[Any]) -> Array:
    """What the operation of a node makes of operands in float64, and in it, too; what is drawn is drawn as it was."""
    changed: dict[str, Any] = {}
    if node.role != "random" and "dtype" in node.params and np.dtype(node.params["dtype"]).kind == "f":
        changed = {"dtype": np.dtype(np.float64)}
    result: Array = widen(apply_to_arrays(node, operands, {**node.params, **changed}))
    return result


def _find_moving(sweep: Sweep[Node]) -> list[Node]:
    """The operations through which gradients flow from the outputs to the targets, in order."""
    found: list[Node] = []
    moving = {target.number for target in sweep.targets}
    for node in find_needed(sweep.outputs, lambda node: node.requires_grad):
        if any(isinstance(x, Node) and x.number in moving for x in node.inputs):
            moving.add(node.number)
            found.append(node)
    return found


def _name(node: Node) -> str:
    return node.path or f"%{node.number}"


def _norm(arrays: Iterable[Array]) -> float:
    return math.sqrt(sum(float(np.sum(np.square(x))) for x in arrays))
