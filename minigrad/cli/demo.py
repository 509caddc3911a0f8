"""`minigrad demo`: three tokens by hand, a block that is checked, a model trained on text, and a page of it all."""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import minigrad
from minigrad.cli import page
from minigrad.cli.arguments import add_training, prepare_folder
from minigrad.cli.extras import DRAWING, PROGRESS, print_missing
from minigrad.cli.lessons import check_block, format_array, one_head, three_tokens
from minigrad.cli.results import draw_attention, draw_checks, draw_loss_curve, report_text, write_explorer
from minigrad.cli.run import Run, Settings
from minigrad.cli.threads import one_blas_thread
from minigrad.graph import Graph
from minigrad.memory import keep_memory
from minigrad.report import pieces
from minigrad.training import CHECK_EVERY, Record

SUMMARY = "the three-token example, checked gradients, a trained model, and a page of it all"
DESCRIPTION = (
    "Work the three-token example, check the gradients of a transformer block, train a small attention model on the "
    "help topics of Python, and write pictures, a checkpoint and a page, index.html. It takes about a minute."
)
EXAMPLE = "--out results"

MODEL = Settings("text", steps=600, batch=16, tokens=64, width=96, heads=4, layers=2, rate=6e-3, warmup=30)
QUICK_STEPS = 40
LONGEST_TRAINING = 75.0  # seconds, without --steps: on a slow machine training ends early
RECORDS, QUICK_RECORDS = 12, 4  # lines of progress

CHECKPOINT, CURVE, PAGE, EXPLORER = "model.safetensors", "loss.svg", "index.html", "explorer.html"
CHECKS = "checks.svg"
ATTENTION = [f"attention_layer_{number}.svg" for number in range(MODEL.layers)]

Pieces = dict[str, str]  # of the page: HTML by the place where it stands in `page.html`


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_training(parser, f"{MODEL.steps}, or as many as {LONGEST_TRAINING:.0f} seconds allow", "minigrad-demo")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_STEPS} steps: everything in about 10 seconds")


@one_blas_thread()
def run(arguments: argparse.Namespace) -> int:
    keep_memory()
    folder: Path = arguments.out
    print(f"minigrad {minigrad.__version__}: the demo")
    print_missing(DRAWING, PROGRESS)
    ending = ".svg" if DRAWING.present() else ".dot"
    tokens, head = f"three_tokens{ending}", f"graph{ending}"
    files = [tokens, head, *ATTENTION, CURVE, CHECKS, CHECKPOINT, EXPLORER, PAGE]
    prepare_folder(folder, files)

    print(f"it fills in while the demo runs: {(folder / PAGE).resolve()}")
    steps = arguments.steps or (QUICK_STEPS if arguments.quick else MODEL.steps)
    with page.Page(folder / PAGE) as shown:
        shown.show(**_show_three_tokens(folder, tokens))
        shown.show(**_show_check())
        shown.show(**_show_head(folder, head))
        training = Run(replace(MODEL, steps=steps, seed=arguments.seed or 0), arguments.eager)
        shown.show(run=pieces.block(training.describe()))
        limit = LONGEST_TRAINING if arguments.steps is None else None
        early = _train(training, QUICK_RECORDS if arguments.quick else RECORDS, folder / CHECKPOINT, limit, shown)
        if early is None:
            shown.show(early=pieces.paragraph(f"interrupted after step {training.done} of {steps}"))
            print(f"interrupted after step {training.done} of {steps}")
            return 130
        shown.show(early=pieces.paragraph(early) if early else "", **_show_losses(training, folder))
        shown.show(**_show_attention(training, folder))
        shown.show(**_show_steps(training, folder))
    print(f"\nwritten to {folder}: {', '.join(files)}")
    print(f"to look at: {(folder / PAGE).resolve()}")
    return 0


def _show_three_tokens(folder: Path, file: str) -> Pieces:
    print("\n1. Three tokens: keys and values are the embeddings; the loss is the sum of the context")
    nodes = three_tokens()
    rows = [(name, format_array(node.numpy()), format_array(node.grad)) for name, node in nodes.items()]
    header = ("node", "value", "gradient of the loss")
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    for row in (header, *rows):
        print(" ", "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    caption = "Values, and dashed what flows back to them."
    picture = _draw(nodes["loss"].graph(), folder, file, caption, values=True, gradients=True, direction="TB")
    return {"tokens": pieces.table(header, rows), "tokens_picture": picture}


def _show_check() -> Pieces:
    print("\n2. The gradients of a transformer block, beside finite differences")
    begin = time.perf_counter()
    report = check_block()
    print(report)
    print(f"({time.perf_counter() - begin:.1f} s)")
    worst = report.worst
    return {
        "comparisons": f"{len(report.inputs)}",
        "worst": pieces.escape(f"{worst.name} at order {worst.order}, off by {worst.error:.1e}"),
        "report": pieces.details("The report", str(report)),
    }


def _show_head(folder: Path, file: str) -> Pieces:
    graph = one_head()
    print(f"\n3. One attention head and its gradient as one graph of {len(graph)} nodes: {file}")
    picture = _draw(graph, folder, file, f"{len(graph)} nodes; the gradient is orange and runs upwards.")
    return {"head_picture": picture, "head_listing": pieces.details("The same as a listing", str(graph))}


def _draw(graph: Graph, folder: Path, file: str, caption: str, **options: Any) -> str:
    """Draw `graph` and show it; where nothing can draw, the DOT text."""
    graph.draw(folder / file, **options | {"theme": "auto"})
    if file.endswith(".svg"):
        return page.picture(file, f"Graph of {len(graph)} nodes; the tables and listings here say the same.", caption)
    return pieces.details(f"{file}, for Graphviz", graph.dot(**options))


def _train(training: Run, records: int, checkpoint: Path, limit: float | None, shown: page.Page) -> str | None:
    """Train, and say that it ended early, if it did; None where it was interrupted."""

    def show(history: Sequence[Record]) -> None:
        step, loss, validation = (history[-1][key] for key in ("step", "loss", "validation"))
        told = f"Step {step} of {training.settings.steps}: loss {loss:.4f}, on the validation text {validation:.4f}."
        shown.show(
            progress=pieces.paragraph(told), curve=_draw_curve(training, history, {}, checkpoint.with_name(CURVE))
        )

    print("\n4. A model of characters, trained on text")
    print(training.describe())
    begin = time.perf_counter()
    training.fit(records, checkpoint, limit, show, CHECK_EVERY)
    if training.done == training.settings.steps:
        return ""
    if limit is None or time.perf_counter() - begin < limit:
        return None
    early = f"training stopped at step {training.done} of {training.settings.steps}, when its time was up"
    print(f"{early}; with --steps N it does not")
    return early


def _show_losses(training: Run, folder: Path) -> Pieces:
    losses, text = report_text(training)
    checked = draw_checks(training.history, folder / CHECKS)
    print(checked)
    rows = [(name, f"{loss:.4f}") for name, loss in losses.items()]
    return {
        "losses": pieces.table(("model", training.data.goal), rows),
        "curve": _draw_curve(training, training.history, losses, folder / CURVE),
        "checked": pieces.paragraph(checked),
        "checks": page.picture(CHECKS, checked, "Errors by step, and up to where they pass."),
        "sample": pieces.block(text, prose=True),
    }


def _draw_curve(training: Run, history: Sequence[Record], losses: Mapping[str, float], place: Path) -> str:
    draw_loss_curve(training, history, losses, place)
    alternative = f"Loss by step, from {history[0]['loss']:.2f} to {history[-1]['loss']:.2f}"
    return page.picture(place.name, alternative, "Training loss is the mean since the point before.")


def _show_attention(training: Run, folder: Path) -> Pieces:
    draw_attention(training, folder, ATTENTION)
    pictures = [
        page.picture(name, f"Heat maps of the attention weights of layer {number}", f"Layer {number}")
        for number, name in enumerate(ATTENTION)
    ]
    return {"attention": "\n".join(pictures)}


def _show_steps(training: Run, folder: Path) -> Pieces:
    graph = write_explorer(training, folder / EXPLORER)
    print(f"5. The trained model to step through, forward and backward, {len(graph)} nodes: {EXPLORER}")
    return {"nodes": f"{len(graph)}"}
