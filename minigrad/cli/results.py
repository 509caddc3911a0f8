"""What a trained run shows: attention, its graph to explore, its loss beside the baselines, a sample, the curve."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from minigrad import ops
from minigrad.cli.datasets import CharacterText
from minigrad.cli.run import SAMPLE, Run
from minigrad.drawing.convert import save_sheet
from minigrad.drawing.curves import draw_curves
from minigrad.drawing.heatmap import heatmap
from minigrad.drawing.lengths import PIXEL
from minigrad.drawing.text import escape_hidden
from minigrad.graph import Graph
from minigrad.report.report import lay_out_checks
from minigrad.training import Record

MODEL = "this model"
LOSSES = {"validation": "validation", "training": "loss"}  # in records, by what they are called in pictures


def draw_attention(run: Run, folder: Path, names: list[str]) -> None:
    """Draw the attention weights of each layer on one sequence into the files `names`, one panel per head."""
    example = run.data.example()
    for number, (name, weights) in enumerate(zip(names, run.attention(example.tokens), strict=True)):
        title = f"{run.settings.task}: attention weights, layer {number}"
        heatmap(weights.numpy(), example.queries, example.keys, title, theme="auto").save(folder / name)


def write_explorer(run: Run, path: Path) -> Graph:
    """Write the page on which one sequence is followed through the trained model and back, and return its graph."""
    example = run.data.example()
    loss = ops.cross_entropy(run.model(example.tokens[:-1]), example.tokens[1:])
    loss.name = "loss"
    loss.backward(keep=True)
    graph: Graph = loss.graph()
    graph.explore(path, title="minigrad demo: a trained model", tokens=example.keys[:-1])
    run.optimiser.zero_grad()
    return graph


def report_text(run: Run) -> tuple[dict[str, float], str]:
    """Print what a model of characters has learned, and return it.

    Returns:
        The losses on the validation text of n-gram models and of the run, nats per character; and what it writes, in
        which nothing can move the cursor of a terminal.
    """
    data = run.data
    assert isinstance(data, CharacterText)
    losses = data.baselines() | {MODEL: run.history[-1]["validation"]}
    text = data.sample(run.model, np.random.default_rng([run.settings.seed, 2]), SAMPLE)
    text = "\n".join(escape_hidden(line) for line in text.split("\n"))
    print(f"\n{data.goal}:", *format_losses(losses), sep="\n  ")
    print(f"\na sample of what it writes:\n\n{text}\n")
    return losses, text


def format_losses(losses: Mapping[str, float]) -> list[str]:
    """A table of losses, and which baselines the run is better than.

    >>> print(*format_losses({"1-gram": 3.2, "2-gram": 2.3, "this model": 2.5}), sep="\\n")
    1-gram      3.2000
    2-gram      2.3000
    this model  2.5000  better than 1-gram
    """
    beaten = [name for name, loss in losses.items() if losses[MODEL] < loss]
    verdict = f"  better than {', '.join(beaten)}" if beaten else "  better than none of them: more steps help"
    return [f"{name:<10}  {loss:.4f}{verdict if name == MODEL else ''}" for name, loss in losses.items()]


def draw_loss_curve(history: Sequence[Record], losses: Mapping[str, float], path: Path) -> None:
    """Training and validation loss by step, with the n-gram models as lines."""
    steps = [record["step"] for record in history]
    curves = {name: (steps, [record[key] for record in history]) for name, key in LOSSES.items()}
    baselines = {name: loss for name, loss in losses.items() if name != MODEL}
    draw_curves(path, curves, "step", "loss, nats per character", levels=baselines, theme="auto")


def draw_checks(history: Sequence[Record], path: Path) -> str:
    """Draw what the checks of gradients have found while it trained, and say it in a sentence."""
    sheet, said = lay_out_checks(history)
    save_sheet(sheet, path, "auto", unit=PIXEL)
    return said
