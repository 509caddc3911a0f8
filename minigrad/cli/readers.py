"""How rows and images become what a model reads, and what it answers becomes words.

`labelled.py` fits a reader to the part of the data to learn from, a checkpoint keeps it, `predict.py` takes it there.
"""

from __future__ import annotations

import json
import math
import reprlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

import minigrad as mg
from minigrad import data, ops
from minigrad.cli.datasets import Batch
from minigrad.data.files import Column
from minigrad.data.regression import measure_spread
from minigrad.nn import TableTransformer, VisionTransformer

READER = "reader"  # among the metadata of a checkpoint
LONGEST = 2**19  # bytes of it; what is longer is not saved, for a header has an end
MEASURED = 256  # rows at a time
MOST_DIGITS = 16  # that say something, of a float64
FARTHEST = 1e3  # deviations from the mean: what is beyond counts as that

Numbers = npt.NDArray[Any]


class Target(NamedTuple):
    """What is to be told: one of `classes`, or a number where there are none, scaled to variance 1 for the model."""

    name: str
    classes: list[str] | None
    centre: float = 0.0
    deviation: float = 1.0

    @property
    def measure(self) -> tuple[str, str]:
        """What its loss is called, and its unit."""
        return ("squared error", "variances") if self.classes is None else ("loss", "nats")

    def loss(self, outputs: Any, targets: Any) -> Any:
        if self.classes is None:
            return ops.mean(ops.square(ops.index(outputs, (..., 0)) - targets))
        return ops.cross_entropy(outputs, targets)

    def rate(self, outputs: Numbers, targets: Numbers) -> tuple[float, str]:
        """The loss of such answers, and how good they are in words."""
        loss = float(self.loss(outputs, targets))
        if self.classes is None:
            return loss, f"off by {loss**0.5 * self.deviation:.4g}, root mean square"
        return loss, f"{(outputs.argmax(axis=-1) == targets).mean():.1%} right"

    def scale(self, numbers: Numbers) -> Numbers:
        return ((numbers - self.centre) / self.deviation).astype(np.float32)

    def unscale(self, numbers: Numbers) -> Numbers:
        return numbers.astype(np.float64) * self.deviation + self.centre

    def write(self, number: float, digits: int) -> str:
        """A number in its own unit, in so many digits beside those that nearly all of its numbers share.

        >>> Target("year", None, 2000.0, 1.5).write(1998.75, 4), Target("price", None, 2000.0, 900.0).write(1998.75, 4)
        ('1998.75', '1999')
        """
        shared = math.log10(min(max(abs(self.centre) / self.deviation, 1), 10**MOST_DIGITS))
        return f"{number:.{min(digits + int(shared), MOST_DIGITS)}g}"


class ColumnReader(NamedTuple):
    """A column of `categories`, or of numbers where there are none; what was not learned from counts as missing."""

    name: str
    categories: list[str] | None
    centre: float = 0.0
    deviation: float = 1.0

    @property
    def labels(self) -> list[str]:
        """What its codes are called."""
        known = [self.name] if self.categories is None else [f"{self.name} {text}" for text in self.categories]
        return [f"{self.name} missing", *known]

    def encode(self, column: Column) -> tuple[Numbers, Numbers]:
        """The code of each row, from 0, and its number."""
        if self.categories is not None:
            codes = {text: code for code, text in enumerate(self.categories, 1)}
            return np.array([codes.get(text, 0) for text in column.texts]), np.zeros(len(column.texts), np.float32)
        numbers = np.asarray(column.numbers)
        there = ~np.isnan(numbers)
        scaled = np.where(there, (numbers - self.centre) / self.deviation, 0.0).clip(-FARTHEST, FARTHEST)
        return there.astype(np.int64), scaled.astype(np.float32)


def fit_column(column: Column, rows: Numbers) -> ColumnReader:
    """A reader that knows of these `rows` only."""
    if column.numbers is None:
        return ColumnReader(column.name, sorted({column.texts[row] for row in rows} - {""}))
    known = column.numbers[rows]
    return ColumnReader(column.name, None, *map(float, measure_spread(known[~np.isnan(known)])))


class TableReader(NamedTuple):
    """Reads the columns of a table, each a token."""

    target: Target
    columns: list[ColumnReader]

    @property
    def labels(self) -> list[str]:
        """What the codes of all columns are called."""
        return [label for column in self.columns for label in column.labels]

    def encode(self, columns: Sequence[Column]) -> tuple[Numbers, Numbers]:
        """Codes and numbers, (rows, columns) each; `columns` are in the order of those here."""
        codes, numbers = zip(*(own.encode(x) for own, x in zip(self.columns, columns, strict=True)), strict=True)
        firsts = np.cumsum([0, *(len(column.labels) for column in self.columns[:-1])])
        return np.stack(codes, axis=1) + firsts, np.stack(numbers, axis=1)

    def describe(self) -> dict[str, Any]:
        """Itself as what JSON can hold."""
        return {"target": self.target._asdict(), "columns": [column._asdict() for column in self.columns]}

    def fits(self, model: TableTransformer) -> bool:
        sizes = len(model.directions), len(model.categories), model.readout.weight.shape[-1]
        return sizes == (len(self.columns), len(self.labels), len(self.target.classes or [""]))


class ImageReader(NamedTuple):
    """Reads images of one size, (count, size, size, channels), each patch a token."""

    target: Target
    size: int
    patch: int
    channels: int
    centre: float
    deviation: float

    def cut(self, pixels: Numbers) -> Batch:
        return (data.patches(((pixels - self.centre) / self.deviation).astype(np.float32), self.patch),)

    def describe(self) -> dict[str, Any]:
        """Itself as what JSON can hold."""
        return self._asdict() | {"target": self.target._asdict()}

    def fits(self, model: VisionTransformer) -> bool:
        sizes = len(model.positions.weight), len(model.embedding.weight), model.readout.weight.shape[-1]
        tokens, rest = divmod(self.size, self.patch)
        return not rest and sizes == (tokens**2, self.patch**2 * self.channels, len(self.target.classes or []))


def save_reader(reader: TableReader | ImageReader) -> dict[str, Any]:
    """What is added to the metadata of a checkpoint; nothing where it is too long."""
    described = reader.describe()
    return {READER: described} if len(json.dumps(json.dumps(described))) < LONGEST else {}


def load_reader(described: Any) -> TableReader | ImageReader:
    """The reader that `describe` described.

    Raises:
        KeyError, TypeError, ValueError: it did not.
    """
    target = Target(**_take(described["target"], Target._fields))
    if "columns" in described:
        columns = [ColumnReader(**_take(column, ColumnReader._fields)) for column in described["columns"]]
        if len({target.name, *(column.name for column in columns)}) <= len(columns):
            raise ValueError("two columns of one name")
        return TableReader(target, columns)
    return ImageReader(target, **_take(described, ImageReader._fields[1:]))


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and math.isfinite(value)


def _is_list_of_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(text, str) for text in value) and len({*value}) == len(value)


_RIGHT: dict[str, Callable[[Any], bool]] = {
    "name": lambda value: isinstance(value, str),
    "centre": _is_number,
    "deviation": lambda value: _is_number(value) and value > 0,
    **dict.fromkeys(["classes", "categories"], lambda value: value is None or _is_list_of_texts(value)),
    **dict.fromkeys(["size", "patch", "channels"], lambda value: type(value) is int and value > 0),
}


def _take(described: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    wrong = [name for name in names if not _RIGHT[name](described[name])]
    if wrong:
        raise ValueError(f"{wrong[0]}={reprlib.repr(described[wrong[0]])}")
    return {name: described[name] for name in names}


def answer(model: Any, read: Callable[[Numbers], Batch], rows: Numbers) -> Numbers:
    """What the model answers to `rows`, of which `read` makes what it reads; as many at a time as in training."""
    parts = [rows[start : start + MEASURED] for start in range(0, len(rows), MEASURED)]
    with mg.no_grad():
        return np.concatenate([model(*read(part)).numpy() for part in parts])
