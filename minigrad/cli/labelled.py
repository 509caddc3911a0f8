"""Tables and folders of images of one's own: what a run learns from where each row or image has an answer.

The attributes are those that `datasets.py` tells of. A fifth is held out; baselines learn from the rest, as the model.
"""

from __future__ import annotations

import abc
import zlib
from collections import Counter
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from minigrad import data
from minigrad.cli.datasets import Batch, Example
from minigrad.cli.readers import ImageReader, TableReader, Target, answer, fit_column
from minigrad.data.batches import count_repeated
from minigrad.data.files import read_table_and_rows, say_count
from minigrad.data.regression import measure_spread
from minigrad.drawing.heatmap import Heatmap
from minigrad.drawing.image_sheet import image_sheet
from minigrad.nn import Module, TableTransformer, VisionTransformer

SIZE, PATCH, SHIFT = 32, 4, 2  # pixels: of an image and of a patch; an image is shifted by up to so many to learn from
SAMPLES = 10  # answers in a sample, or images in a picture
FADED = 0.15  # how much is seen of what is not looked at
SAID = 4  # classes, or columns left out
DIGITS, WIDE = 4, 6  # of an answer, and of the least and the largest
ASKING = "answer"  # what the class token is called

Numbers = npt.NDArray[Any]


class Labelled(abc.ABC):
    """Rows with an answer: a class by its number, or a number, `targets` then scaled to variance 1."""

    measures_loss, causal = True, False
    items: str
    identity: str
    tokens: int
    repeated: int  # rows held out that are also among those to learn from
    reader: TableReader | ImageReader

    def __init__(self, target: Target, targets: Numbers, held_out: npt.NDArray[np.bool_]) -> None:
        self.target, self.targets = target, targets
        self.train, self.validation = np.flatnonzero(~held_out), np.flatnonzero(held_out)
        loss, unit = target.measure
        self.goal, self.loss_axis = f"{loss} on the {self.items} held out, in {unit}", f"{loss}, {unit}"

    @abc.abstractmethod
    def describe(self) -> dict[str, str]:
        """What is to be said before the training, line by line."""

    @abc.abstractmethod
    def new_model(self, width: int, heads: int, layers: int, rng: np.random.Generator) -> Module:
        """A model that reads such rows."""

    @abc.abstractmethod
    def name_tokens(self, read: Numbers) -> list[str]:
        """What the tokens of one row are called, of the first array that `read` gives."""

    @abc.abstractmethod
    def sample(self, model: Any, rng: np.random.Generator, count: int) -> Any:
        """What the model answers to some of the rows held out."""

    @abc.abstractmethod
    def read(self, rows: Numbers) -> Batch:
        """What the model reads of these rows, an array or several."""

    @abc.abstractmethod
    def features(self) -> Numbers:
        """What the baseline reads of every row, (count, width)."""

    def batches(self, rng: np.random.Generator, batch: int) -> Iterator[Batch]:
        count = len(self.train)
        for rows in data.row_batches(count, min(batch, count), rng):
            yield (*self.read(self.train[rows]), self.targets[self.train[rows]])

    def loss(self, outputs: Any, targets: Any) -> Any:
        return self.target.loss(outputs, targets)

    def predict(self, model: Any, rows: Numbers) -> Numbers:
        return answer(model, self.read, rows)

    def measure(self, model: Any) -> float:
        return float(self.loss(self.predict(model, self.validation), self.targets[self.validation]))

    def baselines(self) -> dict[str, Numbers]:
        """What simpler models answer to the rows held out, as the model does."""
        features, targets = self.features(), self.targets[self.train]
        known, new = features[self.train], features[self.validation]
        if self.target.classes is None:
            guesses = {"mean": np.full(len(new), targets.mean())}
            guesses["linear regression"] = data.linear_regression(known, targets, new)
            return {name: guess[:, None] for name, guess in guesses.items()}
        shares = np.bincount(targets) / len(targets)
        probabilities = {"class frequencies": np.broadcast_to(shares, (len(new), len(shares)))}
        probabilities["softmax regression"] = data.softmax_regression(known, targets, new)
        return {name: np.log(np.maximum(p, np.finfo(float).tiny)) for name, p in probabilities.items()}

    def rate(self, outputs: Numbers) -> tuple[float, str]:
        """The loss of such answers to the rows held out, and how good they are in words."""
        return self.target.rate(outputs, self.targets[self.validation])

    def name_answers(self, answers: Numbers) -> list[str]:
        """Targets, or outputs of the model, in words."""
        if self.target.classes is None:
            return [self.target.write(number, DIGITS) for number in self.target.unscale(answers.reshape(-1))]
        return [self.target.classes[number] for number in (answers if answers.ndim == 1 else answers.argmax(axis=-1))]


class TableData(Labelled):
    """The columns of a file, each a token; see `minigrad.data.read_table`."""

    items = "rows"
    reader: TableReader

    def __init__(self, path: Path, target: str) -> None:
        self.table, rows = table, _ = read_table_and_rows(path, target)
        classes, targets = None, table.target.numbers
        if targets is None:
            classes = sorted(set(table.target.texts))
            targets = np.array([classes.index(text) for text in table.target.texts])
        held_out = data.hold_out(targets if classes else np.zeros(len(targets)))
        scale = (0.0, 1.0) if classes else map(float, measure_spread(targets[~held_out]))
        asked = Target(table.target.name, classes, *scale)
        super().__init__(asked, targets if classes else asked.scale(targets), held_out)
        self.repeated = count_repeated(map(tuple, rows), held_out)
        self.name, self.tokens = path.name, len(table.columns)
        self.reader = TableReader(asked, [fit_column(column, self.train) for column in table.columns])
        self.labels, (self.codes, self.numbers) = self.reader.labels, self.reader.encode(table.columns)
        texts = [column.texts for column in [*table.columns, table.target]]
        crc = zlib.crc32(repr([target, [column.name for column in table.columns], texts]).encode())
        self.identity = f"{len(targets):,} rows, CRC {crc:08x}"

    def describe(self) -> dict[str, str]:
        columns, answer = self.table.columns, self.table.target
        numbers = sum(column.numbers is not None for column in columns)
        gaps = sum(column.gaps for column in columns)
        kinds = [f"{numbers} of numbers"] * bool(numbers)
        kinds += [f"{len(columns) - numbers} of categories"] * (numbers < len(columns))
        said = {"data": f"{self.name}, {self.identity}"}
        read_as = f"{say_count(gaps, 'gap')} {'is' if gaps == 1 else 'are'}"
        counted = " and ".join(kinds) + (f'; {read_as} read as "missing"' if gaps else "")
        said["columns"] = say_some([counted, *(x.doubt for x in [*columns, answer] if x.doubtful)])
        if self.table.left_out:
            said["left out"] = say_some([f"{name}: {why}" for name, why in self.table.left_out.items()])
        said["target"] = f"{answer.name}, " + (
            f"a number, {' to '.join(self.target.write(x, WIDE) for x in (answer.numbers.min(), answer.numbers.max()))}"
            if answer.numbers is not None else say_classes(answer.texts)
        )  # fmt: skip
        return said | {"held out": say_held_out(self)}

    def new_model(self, width: int, heads: int, layers: int, rng: np.random.Generator) -> TableTransformer:
        outputs = len(self.target.classes or [""])
        return TableTransformer(self.tokens, len(self.labels), outputs, width, heads, layers, rng=rng)

    def read(self, rows: Numbers) -> Batch:
        return self.codes[rows], self.numbers[rows]

    def features(self) -> Numbers:
        one_hot = (self.codes[..., None] == np.arange(len(self.labels))).any(axis=1)
        return np.concatenate([self.numbers, one_hot], axis=1)

    def example(self) -> Example:
        row = self.validation[0]
        texts = [f"{column.name} {column.texts[row] or 'missing'}" for column in self.table.columns]
        return Example((self.codes[row], self.numbers[row]), [ASKING, *texts], [ASKING, *texts])

    def name_tokens(self, codes: Numbers) -> list[str]:
        return [ASKING, *(self.labels[code] for code in codes)]

    def sample(self, model: Any, rng: np.random.Generator, count: int) -> str:
        rows = self.validation[:SAMPLES]
        answers = self.name_answers(self.predict(model, rows)), self.name_answers(self.targets[rows])
        return "\n".join(f"{answer}, right is {truth}" for answer, truth in zip(*answers, strict=True))


class ImageData(Labelled):
    """The images in a folder for each class, each patch a token; see `minigrad.data.read_images`."""

    items = "images"
    reader: ImageReader
    tokens = (SIZE // PATCH) ** 2

    def __init__(self, path: Path) -> None:
        self.images = images = data.read_images(path, SIZE)
        held_out = data.hold_out(images.labels)
        super().__init__(Target("class", images.classes), images.labels, held_out)
        self.repeated = count_repeated((image.tobytes() for image in images.pixels), held_out)
        self.name = path.resolve().name
        pixels = images.pixels[self.train]
        spread = float(pixels.mean()), float(pixels.std()) or 1.0
        self.reader = ImageReader(self.target, SIZE, PATCH, pixels.shape[-1], *spread)
        crc = zlib.crc32(images.pixels.tobytes() + repr([images.classes, images.labels.tolist()]).encode())
        self.identity = f"{len(images.labels):,} images, CRC {crc:08x}"

    def describe(self) -> dict[str, str]:
        images = self.images
        colours = "grey" if images.pixels.shape[-1] == 1 else "in colour"
        said = {"data": f"{self.name}, {self.identity}, {colours}, resized to {SIZE} × {SIZE} pixels"}
        said["classes"] = say_classes([images.classes[label] for label in images.labels])
        if images.ignored:
            said["ignored"] = f"{images.ignored} of other endings, no files, or beside the folders of classes"
        return said | {"held out": say_held_out(self)}

    def new_model(self, width: int, heads: int, layers: int, rng: np.random.Generator) -> VisionTransformer:
        features = PATCH**2 * self.images.pixels.shape[-1]
        return VisionTransformer(self.tokens, features, len(self.images.classes), width, heads, layers, rng=rng)

    def read(self, rows: Numbers) -> Batch:
        return self.reader.cut(self.images.pixels[rows])

    def batches(self, rng: np.random.Generator, batch: int) -> Iterator[Batch]:
        """Each image is shifted a little every time that it is seen; what comes in at the edges is as they are."""
        count, places = len(self.train), np.arange(SIZE)
        for drawn in data.row_batches(count, min(batch, count), rng):
            rows = self.train[drawn]
            down, right = rng.integers(-SHIFT, SHIFT + 1, size=(2, len(rows), 1))
            lines, columns = ((places + shift).clip(0, SIZE - 1) for shift in (down, right))
            shifted = self.images.pixels[rows[:, None, None], lines[:, :, None], columns[:, None, :]]
            yield (*self.reader.cut(shifted), self.targets[rows])

    def features(self) -> Numbers:
        return self.images.pixels.reshape(len(self.targets), -1)

    def name_tokens(self, patches: Numbers) -> list[str]:
        across = SIZE // PATCH
        return [ASKING, *(f"{row},{column}" for row in range(across) for column in range(across))]

    def sample(self, model: Any, rng: np.random.Generator, count: int) -> Heatmap:
        """Some of the images held out, and where the class token looks in the last layer: the rest is faded."""
        rows = self._choose()
        captions = self.name_answers(self.targets[rows]) + self.name_answers(self.predict(model, rows))
        weights = model.transformer.blocks[-1].attention.weights.numpy().mean(axis=1)[:, 0, 1:]
        looks = data.from_patches(np.repeat(weights[..., None], PATCH**2, axis=-1), width=SIZE)[..., None]
        looks = FADED + (1 - FADED) * looks / looks.max(axis=(1, 2), keepdims=True)
        shown = np.broadcast_to(self.images.pixels[rows] / 255, (len(rows), SIZE, SIZE, 3))
        pairs = np.concatenate([shown, 1 - looks * (1 - shown)])
        title = "Images held out; below them, where the class token looks and what it reads"
        return image_sheet(pairs, captions, title=title, columns=len(rows), theme="auto")

    def _choose(self) -> Numbers:
        """Some rows held out, of every class in turn."""
        rows, labels = self.validation, self.targets[self.validation]
        turns = zip_longest(*(rows[labels == label] for label in range(len(self.images.classes))))
        shown = [row for turn in turns for row in turn if row is not None]
        return np.array(shown[:SAMPLES])


def say_classes(texts: list[str]) -> str:
    """How many there are, with the frequent ones first.

    >>> say_classes(["cat", "dog", "cat"])
    '2 classes: cat 2, dog 1'
    """
    counts = Counter(texts).most_common()
    most = ", ".join(f"{name} {count:,}" for name, count in counts[:SAID])
    return f"{len(counts)} classes: {most}{', …' * (len(counts) > SAID)}"


def say_some(lines: list[str]) -> str:
    """The first of these, below each other, and how many more there are.

    >>> print(say_some(["one", "two", "three", "four", "five"]))
    one
              two
              three
              four
              and 1 more
    """
    more = [f"and {len(lines) - SAID} more"] * (len(lines) > SAID)
    return "\n          ".join(lines[:SAID] + more)


def say_held_out(found: Labelled) -> str:
    share = "every fifth" if found.target.classes is None else "every fifth of each class"
    said = f"{len(found.validation):,} {found.items}, {share}, by a draw that no seed changes"
    stand = "stands" if found.repeated == 1 else "stand"
    return said + f",\n          {found.repeated:,} of which also {stand} in training" * (found.repeated > 0)
