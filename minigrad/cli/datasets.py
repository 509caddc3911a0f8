"""What a run learns from: batches for training, and a measure of what was learned.

A text for the next character, or one of the sequence tasks; tables and images stand in `labelled.py`. All have the
same attributes: two runs whose `identity` is equal see the same data; `goal` says what `measure` measures, one number
on data that is not trained on, and `measures_loss` whether it is of one kind with the loss of training.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

import minigrad as mg
from minigrad import data, ops
from minigrad.nn import LanguageModel

Tokens = npt.NDArray[np.int64]
Batch = tuple[npt.NDArray[Any], ...]  # what the model reads, and last the targets

SEQUENCES = 8  # in a sample
SHOWN = 32  # characters in a picture of attention
PROMPT = 8  # characters of the validation text, after which a model of a text of one's own writes
PROSE = re.compile(r"\b[A-Z][a-z]+ [a-z ,]{" + str(SHOWN) + "}")


class Example(NamedTuple):
    """One input to look at, and what stands beside the rows and under the columns of its attention weights."""

    inputs: Batch
    queries: list[str]
    keys: list[str]


class Sequences:
    """What texts and tasks have in common: tokens in, logits of a token at each place out."""

    identity: str
    causal: bool
    vocabulary_size: int
    items, loss_axis = "sequences", "loss, nats per character"

    def __init__(self, tokens: int) -> None:
        self.tokens = tokens

    def describe(self) -> dict[str, str]:
        return {"data": self.identity}

    def new_model(self, width: int, heads: int, layers: int, rng: np.random.Generator) -> LanguageModel:
        return LanguageModel(self.vocabulary_size, width, heads, layers, self.tokens, causal=self.causal, rng=rng)

    def loss(self, outputs: Any, targets: Any) -> Any:
        return ops.cross_entropy(outputs, targets)


class CharacterText(Sequences):
    """A text, character by character: predict the next one. It is the same for every seed.

    The help topics of Python, or the file at `path`.
    """

    goal = "loss on the validation text, in nats per character"
    measures_loss = causal = True

    def __init__(self, seed: int, tokens: int, path: Path | None = None) -> None:
        super().__init__(tokens)
        self.text = data.python_topics() if path is None else data.read_text(path, tokens)
        words = self.text.validation.partition(" ")[2] or self.text.validation  # it may begin within a word
        self.prompt = "The " if path is None else words[:PROMPT]
        whole = self.text.train + self.text.validation
        self.vocabulary = data.Vocabulary(whole)
        self.vocabulary_size = len(self.vocabulary)
        content = f"{len(whole):,} characters, CRC {zlib.crc32(whole.encode()):08x}"
        self._named = f"{self.text.source}, {content}"
        self.identity = self._named if path is None else content  # a file may get another name
        self._train = self.vocabulary.encode(self.text.train)
        self._windows = data.windows(self.vocabulary.encode(self.text.validation), tokens)

    def describe(self) -> dict[str, str]:
        return {"data": self._named, "held out": f"the last tenth, {len(self.text.validation):,} characters"}

    def batches(self, rng: np.random.Generator, batch: int) -> Iterator[Batch]:
        return data.text_batches(self._train, batch, self.tokens, rng)

    def measure(self, model: LanguageModel) -> float:
        with mg.no_grad():
            sums = [float(ops.cross_entropy(model(x), targets)) * targets.size for x, targets in self._windows]
        return sum(sums) / sum(targets.size for _, targets in self._windows)

    def example(self) -> Example:
        words = PROSE.search(self.text.validation)
        start = words.start() if words else 0
        passage = self.text.validation[start : start + SHOWN]
        return Example((self.vocabulary.encode(passage),), list(passage), list(passage))

    def baselines(self) -> dict[str, float]:
        """The losses of n-gram models on the same validation text."""
        losses = data.ngram_baselines(self.text.train, self.text.validation)
        return {f"{order}-gram": loss for order, loss in losses.items()}

    def sample(self, model: LanguageModel, rng: np.random.Generator, count: int) -> str:
        """What the model writes after the prompt."""
        try:
            tokens = model.generate(self.vocabulary.encode(self.prompt), count, rng, temperature=0.8)
        except ValueError as error:  # of a model that has diverged; the run is to end as any other
            return f"({error})"
        return self.vocabulary.decode(tokens)

    def name_tokens(self, tokens: Tokens) -> list[str]:
        return list(self.vocabulary.decode(tokens))


class SequenceTask(Sequences):
    """Reversing, copying or sorting random digits."""

    goal = "share of new sequences that are right in every place"
    measures_loss = causal = False
    vocabulary_size = 10
    measured = 1000  # sequences

    def __init__(self, name: str, seed: int, tokens: int) -> None:
        super().__init__(tokens)
        self.identity = f"{name} {tokens} digits"
        self._task = data.TASKS[name]
        self._test = self._task(np.random.default_rng([seed, 1]), self.measured, tokens, self.vocabulary_size)

    def batches(self, rng: np.random.Generator, batch: int) -> Iterator[Batch]:
        while True:
            yield self._task(rng, batch, self.tokens, self.vocabulary_size)

    def measure(self, model: LanguageModel) -> float:
        tokens, targets = self._test
        with mg.no_grad():
            right = model(tokens).numpy().argmax(axis=-1) == targets
        return float(right.all(axis=-1).mean())

    def example(self) -> Example:
        tokens, targets = (array[0] for array in self._test)
        return Example((tokens,), [str(digit) for digit in targets], [str(digit) for digit in tokens])

    def sample(self, model: LanguageModel, rng: np.random.Generator, count: int) -> str:
        """What the model answers to some of the sequences that it is measured on."""
        tokens, targets = (array[:SEQUENCES] for array in self._test)
        with mg.no_grad():
            answers = model(tokens).numpy().argmax(axis=-1)
        words = [[" ".join(map(str, row)) for row in rows] for rows in (tokens, answers, targets)]
        rows = zip(*words, strict=True)
        return "\n".join(f"{x}  →  {y}  {'right' if y == z else f'wrong: {z}'}" for x, y, z in rows)

    def name_tokens(self, tokens: Tokens) -> list[str]:
        return [str(digit) for digit in tokens]


DATASETS: dict[str, Callable[[int, int], CharacterText | SequenceTask]] = {
    "text": CharacterText,
    **{name: partial(SequenceTask, name) for name in data.TASKS},
}
