"""fit: the training loop that scripts and the command line share.

In come a function that does one step and the batches for it, out comes the history. What a step is, what is measured
and what is saved are functions of the caller; here are only the loop, its clock, its display, and Ctrl-C.
"""

from __future__ import annotations

import contextlib
import math
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from minigrad.checks.steps import StepChecker
from minigrad.core.errors import GradientCheckError

if TYPE_CHECKING:
    from minigrad.report import Report

CHECK_EVERY = 150  # steps: checks take less than a twentieth of the time then

Record = dict[str, Any]


class History(list[Record]):
    """The records of a run, a list that notebooks show as a table."""

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        from minigrad.drawing.notebook import show_history

        return show_history(self)


def fit(
    step: Callable[..., Any], batches: Iterable[Sequence[Any]], steps: int,
    validate: Callable[[], Any] | None = None, checkpoint: Callable[[list[Record]], None] | None = None,
    log: Callable[[Record], None] | None = None, *, every: int = 100, start: int = 0, history: Iterable[Record] = (),
    check_gradients: int = 0, report: Report | None = None,
) -> History:  # fmt: skip
    """Call `loss = step(*batch)` until `steps` steps are done, and return the history.

    Args:
        step: does one whole training step and returns its loss.
        batches: one tuple per step; not one more is taken than is used. Where they end early, so does training.
        steps: the number of the last step; `start` steps of them were done before.
        validate: measures the model; called at each record.
        checkpoint: saves what is needed to go on, given the history so far; called at each record.
        log: receives each record; by default they are shown, with a progress bar on a terminal where tqdm is installed.
        every: steps between two records; the last step always makes one.
        history: the records of the run that is continued.
        check_gradients: how many steps lie between two that are checked, from the first on; True for 150. Before such a
            step its gradients, as the step itself computes them, are compared with finite differences in float64 along
            a random direction of all parameters; and after it its new state with what `Graph.run` makes of its graph.
            The numbers of the training stay what they are, bit for bit, unless a run of Python's own code in the step
            counts: it is traced once more, and a counter or generator that it moves by itself moves with it.
        report: a `minigrad.Report`, the page of this run, which is written anew at each record.

    A record has `step`, `loss` (the mean since the last record), `tokens_per_second` (elements of a batch's first
    array; of floats, vectors along its last axis), with `validate` also `validation`, with checks `checks`, the figures
    of each since the last record (see `StepChecker.compare`), and with a report `layers`, the norms of gradients.
    Ctrl-C ends training after the step under way, with a record and a checkpoint; the `step` of the last record tells.
    A second Ctrl-C does not wait.

    Raises:
        ValueError: a `start` that is not between 0 and `steps`, or `every` below 1.
        GradientCheckError: a check failed; the step is not taken, or taken back, and a checkpoint is saved before.
        CaptureError: the step cannot be traced, and is to be checked.

    >>> history = fit(lambda x: x * x, [(1.0,), (2.0,), (3.0,)], steps=3, log=lambda record: None, every=2)
    >>> [(record["step"], record["loss"]) for record in history]
    [(2, 2.5), (3, 9.0)]
    """
    gap = CHECK_EVERY if check_gradients is True else int(check_gradients)
    if not 0 <= start <= steps or every < 1 or gap < 0:
        numbers = f"every={every} at least 1, and check_gradients={gap} at least 0"
        raise ValueError(f"fit: start={start} must be between 0 and steps={steps}, {numbers}")
    records, losses, tokens, clock = History(history), list[float](), 0, time.perf_counter()
    checker, checks = StepChecker(step), list[Record]()
    bar = _make_progress_bar(start, steps) if log is None else None

    def make_record() -> None:
        nonlocal losses, tokens, clock, checks
        seconds = max(time.perf_counter() - clock, 1e-9)
        records.append({"step": done, "loss": sum(losses) / len(losses), "tokens_per_second": round(tokens / seconds)})
        left = seconds / len(losses) * (steps - done)
        if validate is not None:
            records[-1]["validation"] = float(validate())
        if checks:
            records[-1]["checks"] = checks
        if report is not None:
            records[-1]["layers"] = report.measure_layers(step, batch)
        if checkpoint is not None:
            checkpoint(records)
        if report is not None:
            report.show(records)
        if log is not None:
            log(records[-1])
        else:
            (print if bar is None else bar.write)(_format_record(records[-1], steps, left), file=sys.stderr)
        losses, tokens, clock, checks = [], 0, time.perf_counter(), []

    def take_step(batch: Sequence[Any]) -> float:
        if not gap or done % gap != 1 % gap:
            return float(step(*batch))
        checker.begin(batch, done)
        loss = step(*batch)
        checks.append(checker.compare(loss))
        return float(loss)

    page = contextlib.nullcontext() if report is None else report.follow(records, steps)
    shown = contextlib.nullcontext() if bar is None else contextlib.closing(bar)
    with catch_interrupts() as interrupts, shown, page:
        for done, batch in zip(range(start + 1, steps + 1), batches, strict=False):
            try:
                losses.append(take_step(batch))
            except GradientCheckError:
                done -= 1  # it was not taken
                if losses:
                    make_record()
                elif checkpoint is not None:
                    checkpoint(records)
                raise
            tokens += _count_tokens(batch[0])
            if bar is not None:
                bar.update()
            if done % every == 0:
                make_record()
            if interrupts:
                break
        if losses:
            make_record()
    return records


def _count_tokens(array: Any) -> int:
    shape = np.shape(array)
    return math.prod(shape if np.asarray(array).dtype.kind != "f" else shape[:-1])


@contextlib.contextmanager
def catch_interrupts() -> Iterator[list[int]]:
    """A list into which the first Ctrl-C is put; the second interrupts as usual."""
    received: list[int] = []
    in_main_thread = threading.current_thread() is threading.main_thread()  # the one that Ctrl-C interrupts
    before = signal.getsignal(signal.SIGINT)

    def receive(number: int, frame: Any) -> None:
        received.append(number)
        signal.signal(signal.SIGINT, before)

    if in_main_thread:
        signal.signal(signal.SIGINT, receive)
    try:
        yield received
    finally:
        if in_main_thread:
            signal.signal(signal.SIGINT, before)


def _make_progress_bar(start: int, steps: int) -> Any:
    """tqdm's, where it is installed and there is a terminal to draw it on."""
    with contextlib.suppress(ImportError):
        from tqdm import tqdm

        return tqdm(total=steps, initial=start, unit="step", leave=False) if sys.stderr.isatty() else None


def _format_record(record: Record, steps: int, seconds_left: float) -> str:
    measured = [f"{name} {record[name]:.4f}" for name in ("loss", "validation") if name in record]
    measured += [f"{len(record['checks'])} checked"] if "checks" in record else []
    speed = f"{record['tokens_per_second']:,} tokens/s"
    clock = "{}:{:02} left".format(*divmod(round(seconds_left), 60))
    return "  ".join([f"step {record['step']:>{len(str(steps))}}/{steps}", *measured, speed, clock])
