"""One training run: a model, its data and its optimiser, made from settings; checkpoints that go on bit for bit."""

from __future__ import annotations

import copy
import operator
import reprlib
import time
import timeit
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

import minigrad as mg
from minigrad.cli.arguments import LARGEST_SEED, MOST_STEPS, CommandError
from minigrad.cli.datasets import DATASETS, Batch, CharacterText, Sequences
from minigrad.cli.labelled import Labelled
from minigrad.cli.readers import save_reader
from minigrad.core.errors import CheckpointError, GradientCheckError
from minigrad.drawing.text import LONGEST_LABEL_LINE, make_text
from minigrad.io import save_checkpoint
from minigrad.io.checkpoint import VOCABULARY, read_checkpoint, restore_checkpoint
from minigrad.optim import AdamW, WarmupCosine, clip_gradients
from minigrad.report import Report
from minigrad.training import Record, fit


@dataclass(frozen=True)
class Settings:
    """Everything that decides what a run computes."""

    task: str
    steps: int
    batch: int  # sequences, rows or images
    tokens: int  # of a sequence; 0 where the data says how many
    width: int
    heads: int
    layers: int
    rate: float  # at the end of the warm-up; then it falls along half a cosine to 0
    warmup: int  # steps, and a tenth of all at most
    seed: int = 0


SETTINGS = {
    "text": Settings("text", steps=2000, batch=16, tokens=128, width=128, heads=4, layers=4, rate=3e-3, warmup=100),
    "reverse": Settings("reverse", steps=400, batch=64, tokens=10, width=64, heads=1, layers=1, rate=1e-2, warmup=20),
    "copy": Settings("copy", steps=200, batch=64, tokens=10, width=64, heads=1, layers=1, rate=5e-3, warmup=20),
    "sort": Settings("sort", steps=600, batch=64, tokens=10, width=64, heads=2, layers=2, rate=3e-3, warmup=20),
    "table": Settings("table", steps=1000, batch=64, tokens=0, width=32, heads=4, layers=2, rate=3e-3, warmup=50),
    "images": Settings("images", steps=600, batch=32, tokens=0, width=64, heads=4, layers=2, rate=2e-3, warmup=50),
}
SAMPLE = 400  # characters that a model of text writes
RECORDED = ("step", "loss", "validation")  # numbers, in each record
TIMED = 3  # steps, to compare speeds
LONGEST_NAME = 30  # of a setting, in a message
BETAS, WEIGHT_DECAY, LONGEST_GRADIENT = (0.9, 0.99), 0.1, 1.0


class Run:
    """A model in training. Equal settings give equal runs, on one machine and with one number of threads.

    Its steps are compiled, unless `eager`; `data` is that of its task, or of one's own.
    """

    def __init__(self, settings: Settings, eager: bool = False, data: Sequences | Labelled | None = None) -> None:
        self.settings = settings
        self.eager = eager
        self.history: list[Record] = []
        self.saved: int | None = None  # steps, in the checkpoint
        self.rng = np.random.default_rng(settings.seed)
        self.data: Any = data or DATASETS[settings.task](settings.seed, settings.tokens)
        self.model: Any = self.data.new_model(settings.width, settings.heads, settings.layers, self.rng)
        schedule = WarmupCosine(min(settings.warmup, settings.steps // 10), settings.steps)
        self.optimiser = AdamW(
            self.model.parameters(), settings.rate, BETAS, weight_decay=WEIGHT_DECAY, schedule=schedule
        )
        self.step = self._step if eager else mg.compile(self._step)

    @property
    def done(self) -> int:
        """How many steps were taken."""
        return self.optimiser.steps

    def describe(self) -> str:
        s = self.settings
        size = sum(parameter.size for parameter in self.model.parameters())
        layers = f"{s.layers} layer{'s' * (s.layers > 1)} of {s.heads} head{'s' * (s.heads > 1)}, width {s.width}"
        lines = self.data.describe() | {
            "model": f"{layers}, {self.data.tokens} tokens, {size:,} parameters",
            "training": f"{s.steps} steps of {s.batch} {self.data.items}, AdamW, rate {s.rate:g}, seed {s.seed}",
            "measured": self.data.goal,
        }
        text = "\n".join(f"{name:<8}  {said}" for name, said in lines.items())
        return "\n".join(make_text(line, LONGEST_LABEL_LINE) for line in text.split("\n"))

    def fit(
        self, records: int, checkpoint: Path, seconds: float | None = None,
        show: Callable[[Sequence[Record]], None] = lambda history: None, check_gradients: int = 0,
        page: Path | None = None,
    ) -> None:  # fmt: skip
        """Train up to the last step, as fast as is said first; Ctrl-C ends it earlier, and the clock after `seconds`.

        At most so many `records` are made, and with each of them the `checkpoint`; then `show` gets all of them. Where
        a check of gradients fails, the checkpoint is saved before that step, and the error says so. Of a run whose
        steps are all done there is only the `page` to write.
        """
        if self.done == self.settings.steps:
            if page is not None:
                self._report_end(page)
            return
        if not self.eager:
            print(self.compare_speed())
        batches = self.data.batches(self.rng, self.settings.batch)

        def save_and_show(history: list[Record]) -> None:
            self.save(checkpoint, history)
            if history:
                show(history)

        try:
            self.history = fit(
                self.step,
                batches if seconds is None else _take_until(time.perf_counter() + seconds, batches),
                self.settings.steps,
                validate=lambda: self.data.measure(self.model),
                checkpoint=save_and_show,
                every=-(-self.settings.steps // records),
                start=self.done,
                history=self.history,
                check_gradients=check_gradients,
                report=None if page is None else self._report(page),
            )
        except GradientCheckError as error:
            raise GradientCheckError(f"{error}\nThe run has stopped; saved before this step: {checkpoint}") from None

    def _report_end(self, page: Path) -> None:
        """Write the page; its example is of the batch that would have followed."""
        batch = next(self.data.batches(copy.deepcopy(self.rng), self.settings.batch))
        report = self._report(page)
        with report.follow(self.history, self.settings.steps):
            self.history[-1].setdefault("layers", report.measure_layers(self.step, batch))
            report.show(self.history)

    def _report(self, page: Path) -> Report:
        data, seed = self.data, [self.settings.seed, 2]
        return Report(
            page, self.model, lambda: data.sample(self.model, np.random.default_rng(seed), SAMPLE),
            tokens=data.name_tokens, measure=None if data.measures_loss else data.goal,
            title=f"minigrad train {self.settings.task}",
        )  # fmt: skip

    def _step(self, *batch: Any) -> mg.Tensor:
        self.optimiser.zero_grad()
        *inputs, targets = batch
        loss: mg.Tensor = self.data.loss(self.model(*inputs), targets)
        loss.backward()
        clip_gradients(self.optimiser.parameters, LONGEST_GRADIENT)
        self.optimiser.step()
        return loss

    def compare_speed(self) -> str:
        """How much faster a compiled step is than one that is not, measured on a copy of the run."""
        twin = copy.deepcopy(self, {id(self.data): self.data})
        batch = next(twin.data.batches(twin.rng, self.settings.batch))
        eager, compiled = (_time_step(step, batch) for step in (twin._step, twin.step))
        return (
            f"compiled  {compiled * 1e3:.1f} ms a step, {eager / compiled:.1f} times as fast as with --eager "
            f"({eager * 1e3:.1f} ms)"
        )

    def save(self, path: Path, history: Sequence[Record]) -> None:
        """Equal runs write equal bytes: how fast it went is not saved."""
        records = [{key: value for key, value in r.items() if key != "tokens_per_second"} for r in history]
        metadata = {"settings": asdict(self.settings), "data": self.data.identity, "history": records}
        if isinstance(self.data, CharacterText):
            metadata[VOCABULARY] = self.data.vocabulary.characters
        elif isinstance(self.data, Labelled):
            metadata |= save_reader(self.data.reader)
        save_checkpoint(path, self.model, self.optimiser, generators={"training": self.rng}, metadata=metadata)
        self.saved = self.done

    def attention(self, *inputs: Any) -> list[mg.Tensor]:
        """The attention weights of each layer, (heads, queries, keys), for one input of the model."""
        with mg.no_grad():
            self.model(*inputs)
        weights = (block.attention.weights for block in self.model.transformer.blocks)
        return [layer for layer in weights if layer is not None]


def resume_run(
    path: Path, task: str, steps: int | None, seed: int | None, eager: bool = False,
    data: Sequences | Labelled | None = None,
) -> Run:  # fmt: skip
    """The run that was saved at `path`, to go on with; `steps` moves its end.

    Raises:
        CommandError: a checkpoint of something else.
        CheckpointError, OSError: it cannot be read.
    """
    checkpoint = read_checkpoint(path)
    try:
        notes = checkpoint.notes
        saved, identity, history = dict(notes["settings"]), notes["data"], list(notes["history"])
        settings = replace(SETTINGS[task], steps=operator.index(saved["steps"]), seed=operator.index(saved["seed"]))
        if not (1 <= settings.steps <= MOST_STEPS and 0 <= settings.seed <= LARGEST_SEED):
            raise ValueError("steps or seed out of range")
        if not all(isinstance(record[key], (int, float)) for record in history for key in RECORDED):
            raise TypeError("a history of something else than numbers")
    except (KeyError, TypeError, ValueError, CheckpointError) as error:
        raise CommandError(f"{path} is not a checkpoint of `minigrad train`") from error
    expected = asdict(settings)
    differences = [
        f"{make_text(name, LONGEST_NAME)}={reprlib.repr(saved.get(name))} instead of {expected.get(name)!r}"
        for name in expected | saved
        if saved.get(name) != expected.get(name)
    ]
    if differences:
        raise CommandError(f"{path} has settings of another task or version: {', '.join(differences[: len(expected)])}")
    if seed not in (None, settings.seed):
        raise CommandError(f"{path} was made with --seed {settings.seed}; go on with that, or start without --resume")
    run = Run(replace(settings, steps=steps or settings.steps), eager, data)
    if identity != run.data.identity:
        other = make_text(identity, LONGEST_LABEL_LINE)
        raise CommandError(f"{path} was trained on other data ({other}) than there is here ({run.data.identity})")
    restore_checkpoint(checkpoint, run.model, run.optimiser, {"training": run.rng})
    run.history, run.saved = history, run.done
    if run.done and not history:
        raise CommandError(f"{path} is not a checkpoint of `minigrad train`")
    if run.done > run.settings.steps:
        raise CommandError(f"{path} has {run.done} steps already: give --steps of at least as many")
    return run


def _time_step(step: Callable[..., Any], batch: Batch) -> float:
    """The time of the fastest of a few steps, in seconds; the first, which may compile, does not count."""
    return min(timeit.repeat(lambda: step(*batch), number=1, repeat=TIMED + 1)[1:])


def _take_until(end: float, batches: Iterator[Batch]) -> Iterator[Batch]:
    """`batches`, as long as the clock allows."""
    for batch in batches:
        yield batch
        if time.perf_counter() > end:
            return
