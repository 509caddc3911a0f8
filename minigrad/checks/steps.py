"""A training step checked while it trains: its gradients by finite differences, its new state by the plainest executor.

In come a step and each batch that it is about to take, figures leave; `fit` asks for them. Nothing is written and no
draw is used up: what follows is, bit for bit, what follows without a check. That is so for what the graph knows of;
the step's Python is run once more to be traced, and what it counts or draws past the graph moves with it.

The step is traced as it is now. Its nodes are run in float64, which makes the gradients and all that finite
differences start from (`sweeps.py`). After the step, its state is compared with what `Graph.run` makes of the same
nodes; how much of a difference is rounding is known from the run in float64.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from minigrad.checks.report import GradientReport, align_columns
from minigrad.checks.sweeps import TOLERANCE, SweepCheck, apply_wide, widen
from minigrad.core.arrays import Array
from minigrad.core.errors import CaptureError, GradientCheckError, MinigradError
from minigrad.core.storage import array_of, assign
from minigrad.core.tensor import Tensor
from minigrad.graph import Graph, Node
from minigrad.graph.build import graph_of_capture
from minigrad.graph.called import name_of
from minigrad.graph.captured import record
from minigrad.graph.run import bind_arguments, compute, find_last_uses, interpret, values_of_leaves

SAME = 1e-5  # of what a step changes: so far two ways to compute it may be apart
AGAIN = 16.0  # and so many times as far as rounding is known to take them
NUDGES = 4  # runs on state whose last bits are changed, where two ways are further apart


class StepChecker:
    """Checks steps of one function: `begin` before a step, `compare` after it.

    Args:
        step: a function that can be traced, compiled or not.

    >>> weight = Tensor([1.0, 2.0], requires_grad=True, name="weight")
    >>> optimiser = mg.optim.SGD([weight], rate=0.1)
    >>> def step(x):
    ...     optimiser.zero_grad()
    ...     loss = mg.sum(mg.square(weight - x))
    ...     loss.backward()
    ...     optimiser.step()
    ...     return loss
    >>> checker = StepChecker(step)
    >>> checker.begin([np.array([1.0, 1.0])], number=1).passed
    True
    >>> figures = checker.compare(step(np.array([1.0, 1.0])))
    >>> figures["gradient"] < 1e-6 and figures["program"] < 1e-5
    True
    """

    def __init__(self, step: Callable[..., Any]) -> None:
        self.step = step
        self.traced: Traced | None = None
        self._program: Any = None  # that has taken the step which was traced

    def begin(self, batch: Sequence[Any], number: int) -> GradientReport:
        """Check the gradients of the step that is about to be taken with `batch`; its number chooses the directions.

        Raises:
            CaptureError: the step cannot be traced, or takes no gradient.
            GradientCheckError: a gradient is wrong; the message is the report, parameter by parameter.
        """
        if self.traced is None or not self._is_as_traced(self.traced.graph, batch):
            self.traced = Traced.of(self.step, batch)
        traced, graph, self.number = self.traced, self.traced.graph, number
        inputs, self._draws = bind_arguments(graph, tuple(batch)), read_draws(graph)
        self._leaves = values_of_leaves(graph, inputs)
        rng = np.random.default_rng(number)
        with np.errstate(all="ignore"), draws_put_back(self._draws):
            values = [widen(x) for x in self._leaves]
            interpret(graph.nodes, values, apply_wide, traced.last_uses)
            self.report = GradientReport(1, tuple(row for sweep in traced.sweeps for row in sweep.check(values, rng)))
        if any(row.wrong for row in self.report.inputs):
            raise GradientCheckError(_describe_wrong(number, self.report))
        with np.errstate(all="ignore"), draws_put_back(self._draws):  # the step itself will warn
            (result, _), after = compute(graph, list(self._leaves))
        self._states = [
            State(node.path or f"%{node.number}", array_of(cell).copy(), value, values[updated.number], cell)
            for (node, updated), (cell, value) in zip(graph.updates.items(), after, strict=True)
        ]
        output = graph.returned[0]
        if isinstance(output, Node):
            zeros = np.zeros(output.shape, output.dtype)
            self._states.append(State("what it returned", zeros, result, values[output.number]))
        return self.report

    def compare(self, result: Any) -> dict[str, Any]:
        """After the step: compare the state that it left, and its `result`, with what its graph makes.

        Returns:
            The figures of the check, each of the worst place: `gradient`, where up to 1e-6 passes, is None if nothing
            can be told, and `note` says why; `program` passes up to 1e-5.

        Raises:
            GradientCheckError: they are further apart than rounding takes them; state is put back then.
        """
        arrays = [array_of(result if state.cell is None else state.cell) for state in self._states]
        states = self._states
        apart = [state.distance(array) for state, array in zip(states, arrays, strict=True)]
        if max(apart, default=0.0) > SAME:  # where a gradient is nothing but rounding, Adam makes it large
            states = self._learn_rounding()
            apart = [state.distance(array) for state, array in zip(states, arrays, strict=True)]
        lines = [f"  {s.name}: {distance:.1e}" for s, distance in zip(states, apart, strict=True) if distance > SAME]
        if lines:
            for state in states:
                if state.cell is not None:
                    assign(state.cell, state.before)
            put_back(self._draws)
            raise GradientCheckError(
                f"step {self.number} left something else than its graph makes, and was taken back. Apart, for what the "
                f"step changes ({SAME:.0e} is allowed):\n"
                + "\n".join(lines)
                + "\nEither its program is wrong, or its Python does something else at each call, as with a counter or "
                "a generator that its graph does not know of: keep such things in Tensors, draw by minigrad's functions"
            )
        self._program, self._states, self._leaves = _last_program(self.step), [], []
        worst = self.report.worst
        gradient = None if worst.undecided else TOLERANCE * worst.severity
        figures = {"step": self.number, "gradient": gradient, "program": max(apart, default=0.0)}
        return figures | ({"note": worst.note} if worst.undecided else {})

    def _is_as_traced(self, graph: Graph, batch: Sequence[Any]) -> bool:
        """Whether a program has taken the step that was traced, and would take this one as well."""
        program = _last_program(self.step)
        same = program is not None and program is self._program and program.change() is None
        kinds = [(node.shape, node.dtype) for node in graph.inputs]
        return same and kinds == [(x.shape, x.dtype) if type(x) is np.ndarray else None for x in batch]

    def _learn_rounding(self) -> list[State]:
        """The states, told how far they move where the last bits of all state before the step are others."""
        assert self.traced is not None
        graph, states = self.traced.graph, self._states
        for node, state in zip(graph.updates, states, strict=False):
            self._leaves[node.number] = state.before
        rng = np.random.default_rng(self.number)
        for _ in range(NUDGES):
            nudged = [
                _nudge(x, rng) if node.role in ("parameter", "state") else x
                for node, x in zip(graph, self._leaves, strict=True)
            ]
            with draws_put_back(self._draws):
                (result, _), after = compute(graph, nudged)
            moved = [*(value for _, value in after), result]
            states = [state.learn(value) for state, value in zip(states, moved, strict=False)]
        return states


@dataclass(frozen=True)
class Traced:
    """The graph of a step, which returns what that does and all its sweeps, and what to check of it."""

    graph: Graph
    sweeps: list[SweepCheck]
    last_uses: dict[int, list[int]]

    @classmethod
    def of(cls, step: Callable[..., Any], batch: Sequence[Any]) -> Traced:
        try:
            recording = record(step, tuple(batch), {})
        except MinigradError as error:
            raise CaptureError(
                f"{name_of(step)} cannot be traced, so its gradients cannot be looked at: {error}"
            ) from error
        if not recording.sweeps:
            raise CaptureError(f"{name_of(step)} takes no gradient that could be checked: call backward() in it")
        graph = graph_of_capture(recording, recording.sweeps)
        sweeps = [SweepCheck(sweep) for sweep in graph.returned[1]]
        kept = [*graph.outputs, *graph.updates.values(), *(node for sweep in sweeps for node in sweep.needed)]
        return cls(graph, sweeps, find_last_uses(graph.nodes, kept))


@dataclass(frozen=True)
class State:
    """What a step makes of one piece of state, or returns: `after` by its graph, in float64 `exact`.

    `moved` is how far, as far as it is known, the last bits of state before the step move it.
    """

    name: str
    before: Array
    after: Array
    exact: Array
    cell: Tensor | None = None
    moved: float = 0.0

    def distance(self, actual: Array) -> float:
        """How far `actual` is from `after`, for what the step changes; what is rounding counts as little."""
        apart = self._measure(actual)
        rounding = max(self.moved, self._measure(self.exact))
        allowed = self._measure(self.before) + AGAIN / SAME * rounding
        return 0.0 if apart == 0.0 else apart / allowed if allowed else math.inf

    def learn(self, value: Array) -> State:
        return replace(self, moved=max(self.moved, self._measure(value)))

    def _measure(self, other: Array) -> float:
        """The length of what `other` differs by, where `after` is finite."""
        with np.errstate(all="ignore"):
            apart = np.subtract(other, self.after, dtype=np.float64).ravel()
            square = float(apart @ apart)
            if not math.isfinite(square):
                apart = np.where(np.isfinite(self.after.ravel()), apart, 0.0)
                square = float(np.nan_to_num(apart, nan=np.inf) @ apart)
            return math.sqrt(square) if square >= 0 else math.inf


def _last_program(step: Callable[..., Any]) -> Any:
    """The program that has taken the last step, where steps are compiled."""
    from minigrad.compiler.compiled import Compiled  # programs are none of a check's business, except here

    return step.program if isinstance(step, Compiled) and step.programs else None


def _describe_wrong(number: int, report: GradientReport) -> str:
    """Every parameter, in the order in which gradients reach them: from a wrong rule on, all are wrong."""
    wrong = sum(entry.wrong for entry in report.inputs)
    rows = [(verdict, name, *found) for _, name, _, _, _, *found, verdict in report.table]
    counted = f"step {number}: the gradients for {wrong} of {len(rows) - 1} parameters are WRONG"
    heading = f"{counted}, beside finite differences in float64. From the loss backwards:"
    return "\n".join([heading, *align_columns(rows), *report.notes])


Draws = list[tuple[np.random.Generator, Any]]  # generators and their states


def read_draws(graph: Graph) -> Draws:
    """The generators that the graph draws from, as they are now."""
    drawn = {id(x): x for node in graph.effects for x in node.params.values() if isinstance(x, np.random.Generator)}
    return [(generator, generator.bit_generator.state) for generator in drawn.values()]


def put_back(draws: Draws) -> None:
    for generator, state in draws:
        generator.bit_generator.state = state


@contextmanager
def draws_put_back(draws: Draws) -> Iterator[None]:
    """After what is inside, generators are as they were."""
    try:
        yield
    finally:
        put_back(draws)


def _nudge(array: Array, rng: np.random.Generator) -> Array:
    """`array` with its last bits changed."""
    if array.dtype.kind != "f":
        return array
    nudged: Array = array * (1 + rng.choice([-1, 1], array.shape) * np.finfo(array.dtype).eps)
    return nudged.astype(array.dtype)
