"""`minigrad demo`: three tokens by hand, a block that is checked, a model trained on text, and a page of it all."""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import minigrad
from minigrad.cli import page
from minigrad.cli.arguments import add_eager, add_out, add_seed, add_steps, prepare_folder
from minigrad.cli.datasets import CharacterText
from minigrad.cli.extras import CHECKPOINTS, CURVES, DRAWING, PROGRESS, print_missing
from minigrad.cli.lessons import check_block, format_array, one_head, three_tokens
from minigrad.cli.results import (
    compare_losses,
    draw_attention,
    draw_loss_curve,
    format_losses,
    write_explorer,
    write_sample,
)
from minigrad.cli.run import Run, Settings
from minigrad.cli.threads import one_blas_thread
from minigrad.graph import Graph
from minigrad.memory import keep_memory

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

NEXT = (
    ("minigrad train text", "trains a larger model for longer, with a checkpoint to go on from"),
    ("minigrad train reverse", "trains a model that reverses digits, in seconds; its attention is an anti-diagonal"),
    ("minigrad draw FILE.py:FUNCTION -o x.svg", "draws a computation of yours"),
    ("minigrad explore FILE.py:FUNCTION -o x.html", "makes a page of it to step through"),
    ("minigrad check FILE.py:FUNCTION", "checks its gradients"),
)
CHECKPOINT, CURVE, PAGE, EXPLORER = "model.safetensors", "loss.svg", "index.html", "explorer.html"
ATTENTION = [f"attention_layer_{number}.svg" for number in range(MODEL.layers)]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_out(parser, "minigrad-demo")
    add_steps(parser, f"default: {MODEL.steps}, or as many as {LONGEST_TRAINING:.0f} seconds allow")
    add_seed(parser)
    add_eager(parser)
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_STEPS} steps: everything in about 10 seconds")


@one_blas_thread()
def run(arguments: argparse.Namespace) -> int:
    keep_memory()
    folder: Path = arguments.out
    print(f"minigrad {minigrad.__version__}: the demo")
    print_missing(DRAWING, CHECKPOINTS, CURVES, PROGRESS)
    ending = ".svg" if DRAWING.present() else ".dot"
    tokens, head = f"three_tokens{ending}", f"graph{ending}"
    curve, checkpoint = [CURVE] * CURVES.present(), [CHECKPOINT] * CHECKPOINTS.present()
    files = [tokens, head, *ATTENTION, *curve, *checkpoint, EXPLORER, PAGE]
    prepare_folder(folder, files)

    sections = [_show_three_tokens(folder, tokens), _show_check(), _show_head(folder, head)]
    steps = arguments.steps or (QUICK_STEPS if arguments.quick else MODEL.steps)
    training = Run(replace(MODEL, steps=steps, seed=arguments.seed or 0), arguments.eager)
    limit = LONGEST_TRAINING if arguments.steps is None else None
    if not _train(training, QUICK_RECORDS if arguments.quick else RECORDS, folder, checkpoint, limit):
        print(f"interrupted after step {training.done} of {steps}")
        return 130
    sections += [
        _show_losses(training, folder, curve),
        _show_attention(training, folder),
        _show_steps(training, folder),
    ]
    page_text = page.page("minigrad demo", [_introduce(training), *sections, _list_next_steps(checkpoint)])
    (folder / PAGE).write_text(page_text, encoding="utf-8", newline="\n")
    print(f"\nwritten to {folder}: {', '.join(files)}")
    print(f"to look at: {(folder / PAGE).resolve()}")
    return 0


def _show_three_tokens(folder: Path, file: str) -> str:
    print("\n1. Three tokens: keys and values are the embeddings; the loss is the sum of the context")
    nodes = three_tokens()
    rows = [(name, format_array(node.numpy()), format_array(node.grad)) for name, node in nodes.items()]
    header = ("node", "value", "gradient of the loss")
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    for row in (header, *rows):
        print(" ", "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    caption = "Values, and dashed what flows back to them."
    return page.section(
        "1. Three tokens",
        page.paragraph(
            "A query looks at three tokens. Its scores are the products of query and keys, softmax makes weights "
            "of them, and the context is the mean of the values by these weights. Keys and values are the "
            "embeddings themselves, so gradients reach them along two paths and add up."
        ),
        page.table(header, rows),
        _draw(nodes["loss"].graph(), folder, file, caption, values=True, gradients=True, direction="TB"),
    )


def _show_check() -> str:
    print("\n2. The gradients of a transformer block, beside finite differences")
    begin = time.perf_counter()
    report = check_block()
    print(report)
    print(f"({time.perf_counter() - begin:.1f} s)")
    worst = report.worst
    return page.section(
        "2. Gradients, checked",
        page.paragraph(
            "A transformer block (causal attention with two heads, layer normalisation, feed-forward part) in "
            "float64: the gradients for its input and all its parameters, and the gradients of these, beside "
            f"central finite differences. {len(report.inputs)} comparisons, all within what is allowed; the worst "
            f"is {worst.name} at order {worst.order}, off by {worst.error:.1e}."
        ),
        page.details("The report", str(report)),
    )


def _show_head(folder: Path, file: str) -> str:
    graph = one_head()
    print(f"\n3. One attention head and its gradient as one graph of {len(graph)} nodes: {file}")
    return page.section(
        "3. One attention head and its gradient, as one graph",
        page.paragraph(
            "The forward pass, and beside it the graph that computes the gradients for query, key and value. It is "
            "made of the same operations, so it can be differentiated again."
        ),
        _draw(graph, folder, file, f"{len(graph)} nodes; the gradient is yellow and runs upwards."),
        page.details("The same as a listing", str(graph)),
    )


def _draw(graph: Graph, folder: Path, file: str, caption: str, **options: Any) -> str:
    """Draw `graph` and show it; where nothing can draw, the DOT text."""
    graph.draw(folder / file, **options)
    if file.endswith(".svg"):
        return page.picture(file, f"Graph of {len(graph)} nodes; the tables and listings here say the same.", caption)
    return page.details(f"{file}, for Graphviz", graph.dot(**options))


def _train(training: Run, records: int, folder: Path, checkpoint: list[str], limit: float | None) -> bool:
    """Train; whether it was not interrupted."""
    print("\n4. A model of characters, trained on text")
    print(training.describe())
    if not training.eager:
        print(training.compare_speed())
    begin = time.perf_counter()
    training.fit(records, folder / checkpoint[0] if checkpoint else None, limit)
    if training.done == training.settings.steps:
        return True
    if limit is None or time.perf_counter() - begin < limit:
        return False
    print(f"{_say_ended_early(training)}; with --steps N it does not")
    return True


def _say_ended_early(training: Run) -> str:
    return f"training stopped at step {training.done} of {training.settings.steps}, when its time was up"


def _show_losses(training: Run, folder: Path, curve: list[str]) -> str:
    data = training.data
    assert isinstance(data, CharacterText)
    losses, text = compare_losses(training, data), write_sample(training, data)
    print(f"\n{data.goal}:", *format_losses(losses), sep="\n  ")
    print("\na sample of what it writes:\n")
    print(text)
    pictures = []
    for name in curve:
        draw_loss_curve(training, {key: loss for key, loss in losses.items() if key.endswith("gram")}, folder / name)
        alternative = f"Loss by step, from {training.history[0]['loss']:.2f} to {training.history[-1]['loss']:.2f}"
        pictures.append(page.picture(name, alternative, "Training loss is the mean since the point before."))
    return page.section(
        "4. A model trained on text",
        page.paragraph(
            "It predicts the next character of the help topics of Python. The baselines count runs of one, two and "
            "three characters in the same training text (interpolated Kneser-Ney smoothing)."
        ),
        page.table(("model", data.goal), [(name, f"{loss:.4f}") for name, loss in losses.items()]),
        *pictures,
        page.heading(3, "What it writes"),
        page.paragraph("Drawn from the model character by character, after “The ”, at temperature 0.8."),
        page.block(text, prose=True),
    )


def _show_attention(training: Run, folder: Path) -> str:
    draw_attention(training, folder, ATTENTION)
    return page.section(
        "5. What it attends to",
        page.paragraph(
            "Attention weights on a few words of the validation text, one panel per head. Each row is a "
            "character and shows how it divides its attention among itself and those before it."
        ),
        *(
            page.picture(name, f"Heat maps of the attention weights of layer {number}", f"Layer {number}")
            for number, name in enumerate(ATTENTION)
        ),
    )


def _show_steps(training: Run, folder: Path) -> str:
    assert isinstance(training.data, CharacterText)
    graph = write_explorer(training, training.data, folder / EXPLORER)
    print(f"\n5. The trained model to step through, forward and backward, {len(graph)} nodes: {EXPLORER}")
    return page.section(
        "6. Step through it",
        page.paragraph(
            f"The page below follows these characters through the model and back: {len(graph)} nodes with their "
            "values and gradients. The arrow keys go from step to step; boxes open, close and say what they hold."
        ),
        page.files([(EXPLORER, "both passes, contribution by contribution, with the attention of each head")]),
    )


def _introduce(training: Run) -> str:
    parts = [
        page.heading(1, "minigrad demo"),
        page.paragraph(
            "A small engine for automatic differentiation shows what it does: three tokens worked by hand, "
            "gradients that are checked, and an attention model trained on real text."
        ),
        page.block(training.describe()),
    ]
    if training.done < training.settings.steps:
        parts.append(page.paragraph(_say_ended_early(training)))
    return "\n".join(parts)


def _list_next_steps(checkpoint: list[str]) -> str:
    what = "the weights, by names that other frameworks can read, and what training needs to go on"
    return page.section(
        "From here",
        page.table(("command", "what it does"), NEXT),
        *(page.files([(name, what)]) for name in checkpoint),
    )
