"""One axis of a picture of curves: where numbers lie on it, and which of them are written beside it.

In come the numbers and whether the axis is logarithmic; out go shares of its length, and ticks with their labels.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.float64]

STEPS = ((1.0, 0), (2.0, 0), (2.5, 1), (5.0, 0), (10.0, -1))  # of linear ticks, with the decimals that each needs
MANTISSAS = (1, 2, 5)  # of logarithmic ticks, where there are few powers of ten
MOST_MARKED = 6  # powers of ten between which there are small ticks
LARGEST, SMALLEST = 1e250, 1e-250  # of these, differences and powers can be taken
PLAIN = (1e-4, 1e6)  # between these, a label has no power of ten
RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True)
class Axis:
    """From `low` to `high`, which are logarithms to base ten where the axis is `logarithmic`.

    Of `whole` numbers, such as steps, the ticks are whole, too.
    """

    low: float
    high: float
    logarithmic: bool
    whole: bool = False

    def place(self, numbers: npt.ArrayLike) -> Numbers:
        """Where each number lies, 0 at the low end and 1 at the high one; NaN for what has no place.

        >>> Axis(0.0, 3.0, logarithmic=True).place([1, 10, 0]).round(3).tolist()
        [0.0, 0.333, nan]
        """
        return (_scale(numbers, self.logarithmic) - self.low) / (self.high - self.low)

    def list_ticks(self, most: int) -> dict[float, str]:
        """Round numbers on the axis with their labels, about `most` of them or fewer.

        >>> Axis(-0.05, 1.05, logarithmic=False).list_ticks(6)
        {0.0: '0.0', 0.2: '0.2', 0.4: '0.4', 0.6: '0.6', 0.8: '0.8', 1.0: '1.0'}
        >>> Axis(-2.0, 7.0, logarithmic=True).list_ticks(4)
        {0.01: '0.01', 10.0: '10', 10000.0: '10000', 10000000.0: '10⁷'}
        """
        if not self.logarithmic:
            return _list_linear_ticks(self.low, self.high, most, self.whole)
        powers = range(math.ceil(self.low), math.floor(self.high) + 1)
        if len(powers) > 2:
            numbers = [10.0**power for power in powers[:: math.ceil(len(powers) / most)]]
            return {number: format_tick(number) for number in numbers}
        decades = range(math.floor(self.low), math.ceil(self.high))
        numbers = self._keep_inside(digit * 10.0**power for power in decades for digit in MANTISSAS)
        if len(numbers) > 2:
            return {number: format_tick(number) for number in numbers}
        return _list_linear_ticks(10**self.low, 10**self.high, most)

    def list_minor(self) -> list[float]:
        """What lies between the powers of ten of a logarithmic axis that is not too long: marked, not written."""
        powers = range(math.floor(self.low), math.ceil(self.high)) if self.logarithmic else range(0)
        if len(powers) > MOST_MARKED:
            return []
        return self._keep_inside(digit * 10.0**power for power in powers for digit in range(2, 10))

    def _keep_inside(self, numbers: Iterable[float]) -> list[float]:
        return [number for number in numbers if self.low <= math.log10(number) <= self.high]


def fit_axis(numbers: Iterable[npt.ArrayLike], logarithmic: bool, margin: float = 0.0) -> Axis:
    """The axis on which all of the numbers lie that have a place on it, with a `margin` at both ends, in its length.

    Raises ValueError for a number that is too large for it, or on a logarithmic axis too small.
    """
    given = np.concatenate([np.ravel(np.asarray(each, np.float64)) for each in numbers])
    given = given[np.isfinite(_scale(given, logarithmic))]
    size = np.abs(given)
    beyond = given[(size > LARGEST) | (logarithmic & (size < SMALLEST))]
    if beyond.size:
        raise ValueError(
            f"draw_curves: {beyond[0]:g} has no place on an axis, from {SMALLEST:g} to {LARGEST:g} at most"
        )
    if not given.size:
        return Axis(0.0, 1.0, logarithmic)
    scaled = _scale(given, logarithmic)
    whole = not logarithmic and bool((scaled % 1 == 0).all())
    low, high = float(scaled.min()), float(scaled.max())
    if high - low <= max(1e-12 * max(abs(low), abs(high)), SMALLEST):
        around = 0.5 if logarithmic else abs(low) / 10 or 0.5
        return Axis(low - around, high + around, logarithmic, whole)
    return Axis(low - margin * (high - low), high + margin * (high - low), logarithmic, whole)


def _scale(numbers: npt.ArrayLike, logarithmic: bool) -> Numbers:
    """The numbers, or their logarithms; NaN for what has no place."""
    scaled: Numbers = np.array(numbers, np.float64)
    scaled[~np.isfinite(scaled) | (logarithmic & (scaled <= 0))] = np.nan
    return np.log10(scaled) if logarithmic else scaled


def _list_linear_ticks(low: float, high: float, most: int, whole: bool = False) -> dict[float, str]:
    least = (high - low) / most
    if whole:
        least = max(least, 1.0)
    power = math.floor(math.log10(least))
    step, decimals = next(
        (step, decimals)
        for step, decimals in STEPS
        if step * 10.0**power >= least * (1 - 1e-9) and (decimals <= power or not whole)
    )
    decimals, step = max(0, decimals - power), step * 10.0**power
    numbers = [
        float(f"{count * step:.12g}")
        for count in range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)
    ]
    return {number: format_tick(number, decimals, max(abs(low), abs(high))) for number in numbers}


def format_tick(number: float, decimals: int | None = None, largest: float | None = None) -> str:
    """A number beside an axis, with so many `decimals` where it is one of several up to `largest`.

    >>> [format_tick(0.5), format_tick(-3e-7), format_tick(1e9), format_tick(2.0, 2), format_tick(0.0, 2, 1e9)]
    ['0.5', '−3·10⁻⁷', '10⁹', '2.00', '0']
    """
    if number and not PLAIN[0] <= (largest or abs(number)) < PLAIN[1]:
        mantissa, power = f"{number:.9e}".split("e")
        factor = "" if float(mantissa) == 1 else f"{float(mantissa):g}·"
        return f"{factor}10{str(int(power)).translate(RAISED)}".replace("-", "−")
    if largest and not PLAIN[0] <= largest < PLAIN[1]:
        return "0"
    return (f"{number:g}" if decimals is None else f"{number:.{decimals}f}").replace("-", "−")
