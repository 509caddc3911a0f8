"""`minigrad predict CHECKPOINT --data …`: what a model of tables or images says of rows or images, as CSV."""

from __future__ import annotations

import argparse
import csv
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from minigrad.cli.arguments import CommandError
from minigrad.cli.datasets import Batch
from minigrad.cli.readers import READER, ImageReader, Numbers, TableReader, Target, answer, load_reader
from minigrad.cli.run import SETTINGS
from minigrad.cli.threads import one_blas_thread
from minigrad.data.files import Column, name_number, quote, read_columns, say_count
from minigrad.data.images import find_images, load_images
from minigrad.drawing.text import escape_hidden
from minigrad.io.checkpoint import read_checkpoint
from minigrad.io.models import make_model
from minigrad.nn import TableTransformer, VisionTransformer

SUMMARY = "let a model of tables or images that was saved say what it sees"
DESCRIPTION = (
    "Write what a model says of each row of a table, or of each image, as CSV: the target in its own unit, or the "
    "class with its probability. The model and how it reads data are taken from CHECKPOINT, which `minigrad train "
    "table` and `minigrad train images` write. Where the data has the answers, too, the standard error says how good "
    "the model is."
)
EXAMPLE = "minigrad-train/table.safetensors --data houses.csv"
DIGITS = 9  # of a predicted number, which float32 has
SAID = 3  # categories


class Questions(NamedTuple):
    """What a model is asked: how rows are read, and what is known of each; names where it has one.

    `targets` are as in training, NaN for an answer that is not known; `remarks` are what is to be said of the data.
    """

    item: str
    read: Callable[[Numbers], Batch]
    targets: Numbers
    names: list[str] | None
    remarks: list[str]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("checkpoint", type=Path, metavar="CHECKPOINT", help="a .safetensors file")
    data = "a table (CSV) with the columns of the one in training; or images, and folders of images"
    parser.add_argument("--data", type=Path, nargs="+", required=True, metavar="PATH", help=data)


@one_blas_thread()
def run(arguments: argparse.Namespace) -> int:
    reader, model = load_reader_and_model(arguments.checkpoint)
    target = reader.target
    try:
        ask: Any = ask_table if isinstance(reader, TableReader) else ask_images
        questions: Questions = ask(reader, arguments.data)
    except ValueError as error:
        raise CommandError(escape_hidden(str(error))) from error
    outputs = answer(model, questions.read, np.arange(len(questions.targets)))
    if not np.isfinite(outputs).all():
        raise CommandError(f"{arguments.checkpoint} answers with NaN or infinity: its training has diverged")
    header = [target.name] if target.classes is None else [target.name, "probability"]
    rows = name_outputs(target, outputs)
    if questions.names is not None:
        header, rows = ["file", *header], [[name, *row] for name, row in zip(questions.names, rows, strict=True)]
    write_csv([header, *rows])
    for remark in [*questions.remarks, *rate(target, outputs, questions)]:
        print(escape_hidden(remark), file=sys.stderr)
    return 0


def load_reader_and_model(path: Path) -> tuple[TableReader | ImageReader, Any]:
    """How data is read, and the model that it is read for.

    Raises:
        CommandError: a checkpoint of something else, or one that does not say how data is read.
        CheckpointError, OSError: it cannot be read, or its model cannot be made.
    """
    checkpoint = read_checkpoint(path)
    notes = checkpoint.notes
    if READER not in notes:
        raise CommandError(f"{path} {_explain_absence(notes)}")
    try:
        reader = load_reader(notes[READER])
    except (KeyError, TypeError, ValueError) as error:
        raise CommandError(f"{path}: what it says of how data is read cannot be understood: {error}") from error
    model = make_model(checkpoint, TableTransformer if isinstance(reader, TableReader) else VisionTransformer)
    if not reader.fits(model):
        raise CommandError(f"{path}: what it says of how data is read does not fit its model")
    return reader, model.eval()


def _explain_absence(notes: dict[str, Any]) -> str:
    settings = notes.get("settings")
    task = settings.get("task") if isinstance(settings, dict) else None
    if task in ("table", "images"):
        return (
            "does not say how its data is read: an earlier minigrad wrote it, or it knows more categories than a "
            "checkpoint holds; in the first case, go on with --resume and some more --steps"
        )
    known = isinstance(task, str) and task in SETTINGS
    return "is no checkpoint of a table or of images" + (f", but one of `minigrad train {task}`" if known else "")


def ask_table(reader: TableReader, paths: Sequence[Path]) -> Questions:
    """The rows of a file.

    Raises:
        CommandError: several files.
        OSError, ValueError: as of `read_columns`.
    """
    if len(paths) > 1:
        raise CommandError(f"this model reads one table at a time, got {len(paths)} files")
    target = reader.target
    numbers = {column.name: column.categories is None for column in reader.columns}
    table = read_columns(paths[0], numbers | {target.name: target.classes is None}, target.name)
    columns, remarks = [table[x.name] for x in reader.columns], [x.doubt for x in table.values() if x.doubtful]
    for own, column in zip(reader.columns, columns, strict=True):
        known = {"", *(column.texts if own.categories is None else own.categories)}
        if new := Counter(text for text in column.texts if text not in known):
            said = ", ".join([*map(quote, list(new)[:SAID]), *["…"] * (len(new) > SAID)])
            remarks.append(
                f"{own.name}: {said} in {say_count(new.total(), 'row')} is new to the model, and read as missing"
            )
    codes, scaled = reader.encode(columns)
    targets = find_answers(target, table.get(target.name), len(codes))
    return Questions("row", lambda rows: (codes[rows], scaled[rows]), targets, None, remarks)


def find_answers(target: Target, column: Column | None, count: int) -> Numbers:
    """The targets in a table, as in training; NaN where there is none."""
    if column is None:
        return np.full(count, np.nan)
    if target.classes is None:
        return target.scale(np.asarray(column.numbers))
    numbers = [name_number(number) for number in column.numbers] if column.numbers is not None else column.texts
    codes = {text: code for code, text in enumerate(target.classes)}
    return np.array([codes.get(x, codes.get(y, np.nan)) for x, y in zip(column.texts, numbers, strict=True)])


def ask_images(reader: ImageReader, paths: Sequence[Path]) -> Questions:
    """Images, and those in folders; a folder that is called as a class tells the answer.

    Raises:
        OSError, ValueError, ModuleNotFoundError: as of `find_images` and `load_images`.
    """
    files = find_images(paths)
    pixels = load_images(files, reader.size, reader.channels)
    codes = {name: code for code, name in enumerate(reader.target.classes or [])}
    targets = np.array([codes.get(file.absolute().parent.name, np.nan) for file in files])
    return Questions("image", lambda rows: reader.cut(pixels[rows]), targets, [*map(str, files)], [])


def name_outputs(target: Target, outputs: Numbers) -> list[list[str]]:
    """For each row the number, in its own unit; or the class, and its probability."""
    if target.classes is None:
        return [[target.write(number, DIGITS)] for number in target.unscale(outputs[:, 0])]
    outputs = outputs.astype(np.float64)
    odds = np.exp(outputs - outputs.max(axis=-1, keepdims=True))
    likeliest, most = outputs.argmax(axis=-1), 1 / odds.sum(axis=-1)
    return [[target.classes[place], f"{share:.4f}"] for place, share in zip(likeliest, most, strict=True)]


def rate(target: Target, outputs: Numbers, questions: Questions) -> list[str]:
    """How good the answers are, as a training says it, where any are known."""
    known = ~np.isnan(questions.targets)
    if not known.any():
        return []
    right = questions.targets[known].astype(np.float32 if target.classes is None else np.int64)
    loss, said = target.rate(outputs[known], right)
    name, unit = target.measure
    share = f"{known.sum():,} of " * (not known.all())
    items = say_count(len(known), questions.item)
    return [f"{target.name}, known of {share}{items}: {said}; {name} {loss:.4f}, in {unit}"]


def write_csv(rows: Sequence[Sequence[str]]) -> None:
    """As it is into a file or another program; a terminal is spared what moves its cursor."""
    show = escape_hidden if sys.stdout.isatty() else str
    csv.writer(sys.stdout, lineterminator="\n").writerows([[show(cell) for cell in row] for row in rows])
