"""`minigrad train TASK`: train a model on the text or on one of the toy tasks; stop and go on at any time."""

from __future__ import annotations

import argparse
from dataclasses import replace

from minigrad.cli.arguments import MOST_STEPS, CommandError, add_training, prepare_folder, whole_number
from minigrad.cli.datasets import CharacterText
from minigrad.cli.extras import PROGRESS, print_missing
from minigrad.cli.results import draw_attention, report_text
from minigrad.cli.run import SETTINGS, Run, resume_run
from minigrad.cli.threads import one_blas_thread
from minigrad.memory import keep_memory
from minigrad.training import CHECK_EVERY

SUMMARY = "train a model: text, reverse, copy or sort"
DESCRIPTION = (
    "Train an attention model to continue a text character by character, or to reverse, copy or sort ten digits. The "
    "checkpoint DIR/TASK.safetensors is saved at every line of progress and on Ctrl-C; --resume goes on from it, bit "
    "for bit. One thread computes, unless OPENBLAS_NUM_THREADS says otherwise."
)
EXAMPLE = "reverse --out results"
RECORDS = 20  # lines of progress


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("task", choices=SETTINGS, metavar="TASK", help=", ".join(SETTINGS))
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
    pictures = [f"{task}_attention_layer_{number}.svg" for number in range(SETTINGS[task].layers)]
    page = folder / f"{task}.html" if arguments.report else None
    files = [*pictures, page.name] if page else pictures
    print_missing(PROGRESS)
    if arguments.resume:
        if not checkpoint.exists():
            raise CommandError(f"there is no checkpoint {checkpoint} to go on from")
        training = resume_run(checkpoint, task, arguments.steps, arguments.seed, arguments.eager)
        print(f"{checkpoint}: going on from step {training.done}")
        prepare_folder(folder, files)
    else:
        prepare_folder(folder, [checkpoint.name, *files])
        settings = SETTINGS[task]
        settings = replace(settings, steps=arguments.steps or settings.steps, seed=arguments.seed or 0)
        training = Run(settings, arguments.eager)
    print(training.describe())
    if training.done == training.settings.steps:
        print(f"all {training.done} steps are done; a larger --steps goes on")
        return 0
    if page is not None:
        print(f"it fills in while training goes on: {page.resolve()}")
    training.fit(RECORDS, checkpoint, check_gradients=arguments.check_gradients, page=page)
    if training.done < training.settings.steps:
        print(
            f"interrupted after step {training.done} of {training.settings.steps}; "
            f"to go on: minigrad train {task} --out {folder} --resume"
        )
        return 130
    if isinstance(training.data, CharacterText):
        report_text(training)
    else:
        print(f"{training.data.goal}: {training.history[-1]['validation']:.1%}")
    draw_attention(training, folder, pictures)
    print(f"written to {folder}: {', '.join([checkpoint.name, *files])}")
    return 0
