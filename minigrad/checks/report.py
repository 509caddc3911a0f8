"""What a gradient check found: plain data that prints as a table. Made by `check_gradients`."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import Any


@dataclass(frozen=True)
class InputReport:
    """The worst place of one input: where the gradient and the finite difference differ most, for their size.

    Attributes:
        order: 1 for the gradient, 2 for the gradient of the gradient, …
        name: the input, parameter or cotangent that was varied.
        shape: its shape.
        compared: what was compared, "6 elements" or "4 directions".
        element: index of the worst element; None where it was a random direction.
        analytic: the derivative there by minigrad.
        numeric: the derivative there by finite differences.
        uncertainty: how far `numeric` itself may be off, from two step sizes.
        error: |analytic − numeric|.
        tolerance: the largest error that passes there.
        note: what else is known, such as a kink, or why it is undecided; "" if nothing.
        undecided: whether finite differences can tell nothing there.
    """

    order: int
    name: str
    shape: tuple[int, ...]
    compared: str
    element: tuple[int, ...] | None = None
    analytic: float = 0.0
    numeric: float = 0.0
    uncertainty: float = 0.0
    error: float = 0.0
    tolerance: float = 0.0
    note: str = ""
    undecided: bool = False

    @property
    def passed(self) -> bool:
        return not self.undecided and self.error <= self.tolerance and isfinite(self.error)

    @property
    def wrong(self) -> bool:
        return not self.undecided and not self.passed

    @property
    def severity(self) -> float:
        """The error as a multiple of the tolerance; infinite where it is NaN."""
        if not self.tolerance:
            return float("inf") if self.error else 0.0
        return self.error / self.tolerance if isfinite(self.error) else float("inf")

    @property
    def rank(self) -> tuple[bool, bool, float]:
        """For the worst of several: what is wrong, then what is undecided, then what is nearest to it."""
        return self.wrong, self.undecided, self.severity


@dataclass(frozen=True)
class GradientReport:
    """The outcome of `check_gradients`: `passed`, and the worst place of each input at each order.

    `passed` is False too where something is undecided: where rounding, or steps that are too long, leave a finite
    difference too uncertain to tell a right gradient from a wrong one. The notes say why, and what to do.

    >>> report = mg.check_gradients(lambda x: x * x, [np.array([1.0, 2.0])])
    >>> report.passed, report.worst.name, report.worst.element
    (True, 'x', (0,))
    """

    order: int
    inputs: tuple[InputReport, ...]

    @property
    def passed(self) -> bool:
        return all(entry.passed for entry in self.inputs)

    @property
    def worst(self) -> InputReport:
        """What is wrong, else what is undecided; of several, the entry with the largest error for its tolerance."""
        return max(self.inputs, key=lambda entry: entry.rank)

    @property
    def verdict(self) -> str:
        orders = "order 1" if self.order == 1 else f"orders 1 {'and' if self.order == 2 else 'to'} {self.order}"
        counts = [(word, sum(_verdict(entry) == word for entry in self.inputs)) for word in ("WRONG", "undecided")]
        failed = " and ".join(f"{word} for {count}" for word, count in counts if count)
        outcome = f"{failed} of {len(self.inputs)} inputs" if failed else "agree with finite differences"
        return f"gradients of {orders} {outcome}"

    @property
    def table(self) -> list[tuple[str, ...]]:
        """What is printed, as cells: the header, then a row for each entry of `inputs`."""
        return [HEADER, *(_cells(entry) for entry in self.inputs)]

    @property
    def notes(self) -> list[str]:
        return [f"order {entry.order}, {entry.name}: {entry.note}" for entry in self.inputs if entry.note]

    def __str__(self) -> str:
        return "\n".join([self.verdict, *align_columns(self.table), *self.notes])

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        from minigrad.drawing.notebook import show_report

        return show_report(self)


def align_columns(rows: list[tuple[str, ...]]) -> list[str]:
    """Lines in which the cells of a column stand below each other."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


HEADER = ("order", "input", "shape", "compared", "worst at", "analytic", "numeric", "error", "allowed", "")


def _cells(entry: InputReport) -> tuple[str, ...]:
    return (
        str(entry.order),
        entry.name,
        str(entry.shape),
        entry.compared,
        "a direction" if entry.element is None else str(list(entry.element)) if entry.element else "",
        f"{entry.analytic:.8g}",
        f"{entry.numeric:.8g} ± {entry.uncertainty:.0e}",
        f"{entry.error:.1e}",
        f"{entry.tolerance:.1e}",
        _verdict(entry),
    )


def _verdict(entry: InputReport) -> str:
    return "undecided" if entry.undecided else "ok" if entry.passed else "WRONG"
