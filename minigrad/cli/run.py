"""One training run: a model, its data and its optimiser, made from settings; checkpoints that go on bit for bit.

The commands `demo` and `train` make runs, show them and draw them.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import minigrad as mg
from minigrad.cli.datasets import DATASETS
from minigrad.io import load_checkpoint, save_checkpoint
from minigrad.nn import LanguageModel
from minigrad.optim import AdamW, WarmupCosine, clip_gradients
from minigrad.training import Record, fit


@dataclass(frozen=True)
class Settings:
    """Everything that decides what a run computes."""

    task: str
    steps: int
    batch: int  # sequences
    tokens: int  # of a sequence
    width: int
    heads: int
    layers: int
    rate: float  # at the end of the warm-up; then it falls along half a cosine to 0
    warmup: int  # steps, a tenth of all at most
    seed: int = 0


SETTINGS = {
    "text": Settings("text", steps=2000, batch=16, tokens=128, width=128, heads=4, layers=4, rate=3e-3, warmup=100),
    "reverse": Settings("reverse", steps=400, batch=64, tokens=10, width=64, heads=1, layers=1, rate=1e-2, warmup=20),
    "copy": Settings("copy", steps=200, batch=64, tokens=10, width=64, heads=1, layers=1, rate=5e-3, warmup=20),
    "sort": Settings("sort", steps=600, batch=64, tokens=10, width=64, heads=2, layers=2, rate=3e-3, warmup=20),
}
DEMO = Settings("text", steps=600, batch=16, tokens=64, width=96, heads=4, layers=2, rate=6e-3, warmup=30)

BETAS, WEIGHT_DECAY, LONGEST_GRADIENT = (0.9, 0.99), 0.1, 1.0


class Run:
    """A model in training. The same settings give the same run, on one machine and with one number of threads."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.history: list[Record] = []
        self.rng = np.random.default_rng(settings.seed)
        self.data = DATASETS[settings.task](settings.seed, settings.tokens)
        self.model = LanguageModel(
            self.data.vocabulary_size, settings.width, settings.heads, settings.layers, settings.tokens,
            causal=self.data.causal, rng=self.rng,
        )  # fmt: skip
        schedule = WarmupCosine(min(settings.warmup, settings.steps // 10), settings.steps)
        self.optimiser = AdamW(
            self.model.parameters(), settings.rate, BETAS, weight_decay=WEIGHT_DECAY, schedule=schedule
        )

    @property
    def done(self) -> int:
        """How many steps were taken."""
        return self.optimiser.steps

    def fit(self, checkpoint: Path | None, records: int, seconds: float | None = None) -> None:
        """Train to the last step, with about so many records; after `seconds`, where given, stop at the next step."""
        batches = self.data.batches(self.rng, self.settings.batch)
        self.history = fit(
            self._step, batches if seconds is None else _until(time.perf_counter() + seconds, batches),
            self.settings.steps, self.validate, None if checkpoint is None else lambda _: self.save(checkpoint),
            every=max(1, self.settings.steps // records), start=self.done, history=self.history,
        )  # fmt: skip

    def _step(self, tokens: Any, targets: Any) -> mg.Tensor:
        self.optimiser.zero_grad()
        loss = mg.cross_entropy(self.model(tokens), targets)
        loss.backward()
        clip_gradients(self.optimiser.parameters, LONGEST_GRADIENT)
        self.optimiser.step()
        return loss
