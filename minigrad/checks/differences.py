"""A derivative along a direction, by central differences, and how far it can be trusted.

Results, a variable and a direction enter, a `Slope` leaves. The gradient under test has no part in it. Called by
`gradients.py`, which compares and judges.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from minigrad.core.arrays import Array
from minigrad.core.storage import assign
from minigrad.core.tensor import Tensor

# The first step, for a coordinate of size 1 or less: the fourth-order error of the extrapolated difference and the
# rounding error are then both about 1e-12 (Press et al., Numerical Recipes, 3rd edition, section 5.7).
FIRST_STEP = float(np.finfo(np.float64).eps) ** 0.25
FACTOR, ATTEMPTS = 8.0, 9  # a step that is too long or too short is followed by one 8 times as short or as long
EPSILON, TINY = float(np.finfo(np.float64).eps), float(np.finfo(np.float64).tiny)
JUMP = 64 * EPSILON  # of a result, for its size: rounding alone makes a step 8 times as long not move it so far
ROUNDING = 4 * EPSILON  # of a result, for its size: it is the end of a longer calculation
LOST = 1e-6  # what rounding hides is of no account where it is so small beside the largest derivatives
CLEAR = 0.1  # a doubt that is this small beside what is allowed need not become smaller


class Allowed(NamedTuple):
    """How exact a slope is wanted: `relative` to itself, or to `small`; rounding may hide `lost`."""

    relative: float
    small: float
    lost: float

    def margin(self, slope: Slope) -> float:
        return self.relative * abs(slope.value) + self.small

    def doubt(self, slope: Slope) -> float:
        return (slope.uncertainty + slope.rounding) / max(self.margin(slope), TINY)


class Slope(NamedTuple):
    """A derivative along a direction.

    Attributes:
        value: the derivative.
        uncertainty: how far two step sizes are apart.
        step: the longer of them.
        rounding: what rounding of the results that move can add to the value.
        extent: the larger of the slopes to both sides.
        kink: what to say where these differ; "" if they do not.
        hidden: how large a slope could be that moves no result because each is rounded.
    """

    value: float = float("nan")
    uncertainty: float = float("inf")
    step: float = FIRST_STEP
    rounding: float = 0.0
    extent: float = 0.0
    kink: str = ""
    hidden: float = 0.0


class Line:
    """The results along a straight line through the present value of a variable."""

    def __init__(
        self, results: Callable[[], list[Tensor]], variable: Tensor, direction: Array, weights: list[Array],
        values: list[Array],
    ) -> None:  # fmt: skip
        self.results, self.variable, self.direction = results, variable, direction
        self.origin, self.weights, self.values = variable.numpy(), weights, values
        self.moved = [np.zeros(y.shape, bool) for y in values]  # the results that depend on the variable, so far
        self.jumped = False  # whether a result has moved by far more than rounding

    def slope(self, first: float, allowed: Allowed) -> Slope:
        """The derivative of Σ c·f, from the step that agrees best with half of it, rounding considered."""
        tried = [self._difference(first)]
        while len(tried) < ATTEMPTS and not self._is_exact(tried[-1], allowed):
            longer = self._is_blurred(tried[-1])
            if len(tried) > 1 and longer != (tried[-1].step > tried[-2].step):
                break  # what the one direction gains the other loses
            flat = not self._has_moved
            tried.append(self._difference(tried[-1].step * (FACTOR if longer else 1 / FACTOR)))
            if flat and self.jumped:  # a staircase: where the variable is, it is flat
                del tried[1:]
                self.moved = [np.zeros(y.shape, bool) for y in self.values]
                break
        found = [self._with_rounding(slope) for slope in tried if np.isfinite(slope.value + slope.uncertainty)]

        def doubt(slope: Slope) -> tuple[bool, float]:
            # Beside the largest derivatives, kinks so small are rounding that a longer calculation leaves in zeros.
            return bool(slope.kink) and slope.extent > allowed.lost, allowed.doubt(slope)

        best = min(found, key=doubt, default=Slope(step=tried[-1].step))
        return best._replace(hidden=0.0 if self._has_moved else self._rounding(best.step))

    def settles(self, best: Slope) -> bool:
        """Whether shorter steps say the same as well, as far as rounding lets them; it takes some time."""
        shortest = max(
            best.step / FACTOR**ATTEMPTS, 8 * EPSILON * float(np.max(np.abs(self.origin[self.direction != 0.0])))
        )
        step = best.step / FACTOR
        while step > shortest:
            other = self._with_rounding(self._difference(step))
            if abs(other.value - best.value) > CLEAR * abs(best.value) + best.rounding + other.rounding:
                return False
            step /= FACTOR
        return True

    def _difference(self, step: float) -> Slope:
        (right, far_right), (left, far_left) = (self._rise(end) for end in (step, -step))
        (inner_right, _), (inner_left, _) = (self._rise(end) for end in (step / 2, -step / 2))
        coarse, fine = (right + left) / 2, (inner_right + inner_left) / 2
        extent = max(far_right, far_left)
        slope = Slope(
            (4 * fine - coarse) / 3, abs(fine - coarse) / 3, step, ROUNDING * extent, max(abs(right), abs(left))
        )
        blur = 4 * self._with_rounding(slope).rounding
        return slope._replace(kink=_kink(abs(right - left), inner_left, inner_right, step, blur))

    def _rise(self, step: float) -> tuple[float, float]:
        """Σ c·(f(x + step · direction) − f(x)) / step, and the same of sizes."""
        try:
            assign(self.variable, self.origin + step * self.direction)
            found = [y.numpy() for y in self.results()]
        finally:
            assign(self.variable, self.origin)
        total = extent = 0.0
        for there, here, weight, moved in zip(found, self.values, self.weights, self.moved, strict=True):
            changed = there != here
            moved |= changed
            change = np.where(changed, there - here, 0.0)  # an infinity that stays one has not moved
            self.jumped |= bool(np.any(np.abs(change) > JUMP * np.abs(here)))
            changes = weight * change
            total, extent = total + float(np.sum(changes)), extent + float(np.sum(np.abs(changes)))
        return total / step, extent / abs(step)

    # --- rounding ---------------------------------------------------------------------------------------------------

    @property
    def _has_moved(self) -> bool:
        return any(bool(moved.any()) for moved in self.moved)

    def _rounding(self, step: float) -> float:
        """What rounding of the results can make of a slope: of those that moved, or of all while none did."""
        every = not self._has_moved
        sizes = (
            float(np.sum(np.abs(weight * y), where=np.isfinite(y) & (moved | every)))
            for weight, y, moved in zip(self.weights, self.values, self.moved, strict=True)
        )
        return ROUNDING * sum(sizes) / step

    def _with_rounding(self, slope: Slope) -> Slope:
        return slope._replace(rounding=slope.rounding + (self._rounding(slope.step) if self._has_moved else 0.0))

    def _is_blurred(self, slope: Slope) -> bool:
        """Whether a longer step would help: rounding hides more than two step sizes differ."""
        return slope.rounding + self._rounding(slope.step) > slope.uncertainty

    def _is_exact(self, slope: Slope, allowed: Allowed) -> bool:
        blur = slope.rounding + self._rounding(slope.step)
        lost = max(allowed.relative * abs(slope.value), CLEAR * max(allowed.lost, LOST * slope.extent))
        return not slope.kink and slope.uncertainty <= CLEAR * allowed.margin(slope) and blur <= lost


def _kink(gap: float, left: float, right: float, step: float, blur: float) -> str:
    """What to say where the one-sided slopes differ, by hardly less at half the step, where `left` and `right` are."""
    if abs(right - left) > 0.75 * gap and abs(right - left) > 1e-3 * max(abs(left), abs(right)) + blur:
        return f"a kink or a jump within {step:.0e}: slope {left:.6g} before, {right:.6g} after; choose other inputs"
    return ""
