"""`minigrad train TASK`: train a model on a text, a table, images or a toy task; stop and go on at any time."""

from __future__ import annotations

import argparse
import shlex
from dataclasses import replace
from pathlib import Path

from minigrad.cli.arguments import MOST_STEPS, CommandError, add_training, prepare_folder, whole_number
from minigrad.cli.datasets import DATASETS, CharacterText, Sequences
from minigrad.cli.extras import PROGRESS, print_missing
from minigrad.cli.labelled import ImageData, Labelled, TableData
from minigrad.cli.results import draw_attention, draw_loss_curve, report_answers, report_text
from minigrad.cli.run import SETTINGS, Run, resume_run
from minigrad.cli.threads import one_blas_thread
from minigrad.drawing.text import escape_hidden
from minigrad.memory import keep_memory
from minigrad.training import CHECK_EVERY

SUMMARY = "train a model: on a text, a table, images, or to reverse, copy or sort"
DESCRIPTION = (
    "Train an attention model to continue a text character by character, to tell one column of a table from the "
    "others, or what an image shows, or to reverse, copy or sort ten digits. The text is one of Python's, or your own "
    "by --data, as tables and images are. The checkpoint DIR/TASK.safetensors is saved at every line of progress and "
    "on Ctrl-C; --resume goes on from it, bit for bit. One thread computes, unless OPENBLAS_NUM_THREADS says otherwise."
)
EXAMPLE = "table --data houses.csv --target price --out results"
RECORDS = 20  # lines of progress
OWN_DATA = ("text", "table", "images")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("task", choices=SETTINGS, metavar="TASK", help=", ".join(SETTINGS))
    data = "a text (UTF-8), a table (CSV), or a folder with a folder of images for each class"
    parser.add_argument("--data", type=Path, metavar="PATH", help=data)
    parser.add_argument("--target", metavar="COLUMN", help="of a table, the column to be told from the others")
    defaults = ", ".join(f"{name} {settings.steps}" for name, settings in SETTINGS.items())
    add_training(parser, f"{defaults}; with --resume that of the checkpoint", "minigrad-train")
    parser.add_argument("--resume", action="store_true", help="go on from the checkpoint in DIR")
    parser.add_argument("--report", action="store_true", help="write a page about the run, DIR/TASK.html")
    parser.add_argument(
        "--check-gradients", type=whole_number(1, MOST_STEPS), nargs="?", const=CHECK_EVERY, default=0, metavar="N",
        help=f"every N steps, compare the gradients of the step with finite differences (default: {CHECK_EVERY})",
    )  # fmt: skip


@one_blas_thread()
def run(arguments: argparse.Namespace) -> int:
    keep_memory()
    task, folder = arguments.task, arguments.out
    checkpoint = folder / f"{task}.safetensors"
    data = read_data(task, arguments.data, arguments.target)
    pictures = [f"{task}_attention_layer_{number}.svg" for number in range(SETTINGS[task].layers)]
    if isinstance(data, ImageData):
        pictures = [f"{task}_attention.svg"]
    curve = [f"{task}_loss.svg"] * (data is not None)
    page = folder / f"{task}.html" if arguments.report else None
    files = [*pictures, *curve, *([page.name] if page else [])]
    print_missing(PROGRESS)
    if arguments.resume:
        if not checkpoint.exists():
            raise CommandError(f"there is no checkpoint {checkpoint} to go on from")
        training = resume_run(checkpoint, task, arguments.steps, arguments.seed, arguments.eager, data)
        print(f"{checkpoint}: going on from step {training.done}")
        prepare_folder(folder, files)
    else:
        prepare_folder(folder, [checkpoint.name, *files])
        settings = SETTINGS[task]
        settings = replace(settings, steps=arguments.steps or settings.steps, seed=arguments.seed or 0)
        training = Run(settings, arguments.eager, data)
    print(training.describe())
    given = {"--data": arguments.data, "--target": arguments.target, "--out": folder}
    options = [f"{name} {shlex.quote(str(value))}" for name, value in given.items() if value is not None]
    going_on = " ".join(["to go on: minigrad train", task, *options, "--resume", *["--report"] * arguments.report])
    steps = training.settings.steps
    if training.done == steps:
        print(f"all {steps} steps are done; a larger --steps goes on")
    elif page is not None:
        print(f"it fills in while training goes on: {page.resolve()}")
    try:
        training.fit(RECORDS, checkpoint, check_gradients=arguments.check_gradients, page=page)
        if training.done < steps:
            print(f"interrupted after step {training.done} of {steps}; {going_on}")
            return 130
        write_results(training, folder, curve, pictures)
    except KeyboardInterrupt:
        if training.saved is None:
            raise
        print(f"interrupted at once; {checkpoint} has step {training.saved} of {steps}; {going_on}")
        return 130
    print(f"written to {folder}: {', '.join([checkpoint.name, *files])}")
    return 0


def write_results(training: Run, folder: Path, curve: list[str], pictures: list[str]) -> None:
    """Say what was learned, beside the baselines, and draw the curve and the maps of attention."""
    losses = dict[str, float]()
    if isinstance(training.data, CharacterText):
        losses, _ = report_text(training)
    elif isinstance(training.data, Labelled):
        losses = report_answers(training)
    else:
        print(f"{training.data.goal}: {training.history[-1]['validation']:.1%}")
    for name in curve:
        draw_loss_curve(training, training.history, losses, folder / name)
    draw_attention(training, folder, pictures)


def read_data(task: str, path: Path | None, target: str | None) -> Sequences | Labelled | None:
    """The user's own data, or None where the task has its own.

    Raises:
        CommandError: data that is missing, cannot be understood, or that the task does not take.
        OSError: it cannot be read.
    """
    if (target is not None) != (task == "table"):
        raise CommandError("train table needs --target COLUMN" if task == "table" else f"train {task} has no --target")
    if path is None:
        if task in OWN_DATA and task not in DATASETS:
            raise CommandError(f"train {task} needs --data PATH; minigrad train --help shows an example")
        return None
    if task not in OWN_DATA:
        raise CommandError(f"train {task} makes its own data; --data is for {', '.join(OWN_DATA)}")
    try:
        if task == "text":
            return CharacterText(0, SETTINGS[task].tokens, path)
        return ImageData(path) if target is None else TableData(path, target)
    except ValueError as error:
        raise CommandError(escape_hidden(str(error))) from error
