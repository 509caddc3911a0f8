"""Finding the first value that is not finite, forward or backward, and the source line that made it.

`detect_anomaly` is for users; it puts a `Watch` into the mode, which the engine calls for every node and contribution.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from minigrad.core.arrays import Array
from minigrad.core.errors import AnomalyError
from minigrad.core.modes import Watch, Within
from minigrad.core.storage import held_by
from minigrad.core.tensor import Tensor
from minigrad.graph.watching import join_watches
from minigrad.wording.messages import describe
from minigrad.wording.source import caller_line


@dataclass(frozen=True)
class StrongZero:
    """Where the convention of `strong_multiply` decided a gradient: the rule's factor was infinite or NaN.

    Attributes:
        op: the name of the forward op.
        argument: the argument its rule was asked about.
        count: at how many places 0 stands for NaN.
        line: the source line of the forward op.
    """

    op: str
    argument: str
    count: int
    line: str | None

    def __str__(self) -> str:
        places = "1 place" if self.count == 1 else f"{self.count} places"
        return f"{self.op} at {self.line}: the gradient for {self.argument} is 0 by convention at {places}, not NaN"


class Anomalies(Watch):
    """What `detect_anomaly` has seen so far: `strong_zeros`. What is not finite is raised."""

    def __init__(self, infinities: bool) -> None:
        self.strong_zeros: list[StrongZero] = []
        self._fired = 0  # in the rule that runs just now
        self._infinities = infinities

    def node(self, tensor: Tensor, op: Any, inputs: tuple[Any, ...]) -> None:
        tensor.line = caller_line()
        self._fired = self._fired if tensor.origin else 0  # by strong_multiply in the forward pass: no gradient yet
        # Inside a rule an infinite factor is no anomaly yet: strong_multiply may turn it into 0.
        if tensor.origin is None and self._is_bad(held_by(tensor)):
            given = [(op.argument(i), x) for i, x in enumerate(inputs) if x is not None] if op else []
            bad = [name for name, x in given if self._is_bad(_values_of(x))]
            raise AnomalyError(
                f"{op.name if op else 'a new Tensor'} at {tensor.line} gave {self._describe_bad(held_by(tensor))}"
                + (f" from {', '.join(f'{name}: {_describe_operand(x)}' for name, x in given)}" if given else "")
                + (f"; {' and '.join(bad)} came in like that" if bad else "; what came in was finite" if given else "")
            )

    def contribution(self, node: Tensor, position: int, incoming: Any, value: Any) -> None:
        assert node.op is not None
        argument, line = node.op.argument(position), node.line
        if self._fired:
            self.strong_zeros.append(StrongZero(node.op.name, argument, self._fired, line))
            self._fired = 0
        values = _values_of(value)
        if self._is_bad(values):
            came = "a gradient that was not finite" if self._is_bad(_values_of(incoming)) else "a finite one"
            inputs = ", ".join(_describe_operand(x) for x in node.inputs if x is not None)
            raise AnomalyError(
                f"backward: the rule of {node.op.name} for {argument!r} gave {self._describe_bad(values)} from {came}; "
                f"{node.op.name} ran at {line} on {inputs}"
            )

    def strong_zero(self, fired: Any) -> None:
        self._fired += int(np.count_nonzero(fired))

    def _is_bad(self, values: Any) -> bool:
        if not isinstance(values, np.ndarray) or values.dtype.kind != "f":
            return False
        return bool((~np.isfinite(values) if self._infinities else np.isnan(values)).any())

    def _describe_bad(self, values: Any) -> str:
        array: Array = values
        wrong = ~np.isfinite(array) if self._infinities else np.isnan(array)
        place = tuple(int(i) for i in np.argwhere(wrong)[0])
        where = f", first at {list(place)}" if place else ""
        return f"{array[place]} ({np.count_nonzero(wrong)} of {array.size} values are not finite{where})"


@contextlib.contextmanager
def detect_anomaly(infinities: bool = True) -> Iterator[Anomalies]:
    """Inside, the first value that is not finite raises, forward or backward, and says where it was made.

    Args:
        infinities: whether infinities count, or NaN alone; scores may be −∞ on purpose.

    Returns:
        For `as`: what was seen. `strong_zeros` lists the ops whose gradient the strong zero decided, by convention.

    Raises:
        AnomalyError: a value that is not finite. The message names the op, its operands and its forward source line.

    Every node is inspected, which costs as much time as computing it: use it to find a mistake, not while training.

    >>> x = mg.Tensor([0.0, 1.0], requires_grad=True)
    >>> with mg.detect_anomaly() as found:
    ...     mg.where(x > 0.0, mg.sqrt(x), 0.0).sum().backward()
    >>> [(zero.op, zero.count) for zero in found.strong_zeros]
    [('sqrt', 1)]
    """
    found = Anomalies(infinities)
    with Within(lambda mode: mode._replace(watch=join_watches(mode.watch, found, instead_of=Anomalies))):
        yield found


def _values_of(x: Any) -> Any:
    return held_by(x) if isinstance(x, Tensor) else x


def _describe_operand(x: Any) -> str:
    """An operand with the range of its values, which often says what went wrong."""
    values = _values_of(x)
    if isinstance(values, np.ndarray) and values.size:
        return f"{describe(x)} from {values.min()} to {values.max()}"
    return describe(x)
