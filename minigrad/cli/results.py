"""What a trained run shows: attention, its graph to explore, its loss beside the baselines, a sample, the curve."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import numpy as np

from minigrad import ops
from minigrad.cli.datasets import CharacterText
from minigrad.cli.labelled import ImageData, Labelled
from minigrad.cli.run import SAMPLE, Run
from minigrad.drawing.convert import save_sheet
from minigrad.drawing.curves import draw_curves
from minigrad.drawing.heatmap import heatmap
from minigrad.drawing.lengths import PIXEL
from minigrad.drawing.text import escape_lines
from minigrad.graph import Graph
from minigrad.report.report import lay_out_checks
from minigrad.training import Record

MODEL = "this model"
LOSSES = {"validation": "validation", "training": "loss"}  # in records, by what they are called in pictures


def draw_attention(run: Run, folder: Path, names: list[str]) -> None:
    """Draw the attention weights of each layer on one input into the files `names`, one panel per head.

    Of images it is one picture, of some of them and what the model looks at.
    """
    if isinstance(run.data, ImageData):
        run.data.sample(run.model, run.rng, SAMPLE).save(folder / names[0])
        return
    example = run.data.example()
    for number, (name, weights) in enumerate(zip(names, run.attention(*example.inputs), strict=True)):
        title = f"{run.settings.task}: attention weights, layer {number}"
        heatmap(weights.numpy(), example.queries, example.keys, title, theme="auto").save(folder / name)


def write_explorer(run: Run, path: Path) -> Graph:
    """Write the page on which one sequence is followed through the trained model and back, and return its graph."""
    example = run.data.example()
    (tokens,) = example.inputs
    loss = ops.cross_entropy(run.model(tokens[:-1]), tokens[1:])
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
    text = escape_lines(data.sample(run.model, np.random.default_rng([run.settings.seed, 2]), SAMPLE))
    print(f"\n{data.goal}:", *format_losses(losses), sep="\n  ")
    print(f"\na sample of what it writes:\n\n{text}\n")
    return losses, text


def report_answers(run: Run) -> dict[str, float]:
    """Print how good the answers of a run and of its baselines are, and return their losses."""
    data = run.data
    assert isinstance(data, Labelled)
    answers = data.baselines() | {MODEL: data.predict(run.model, data.validation)}
    rated = {name: data.rate(outputs) for name, outputs in answers.items()}
    losses = {name: loss for name, (loss, _) in rated.items()}
    print(f"\n{data.goal}:", *format_losses(losses, {name: said for name, (_, said) in rated.items()}), sep="\n  ")
    return losses


def format_losses(losses: Mapping[str, float], remarks: Mapping[str, str] = MappingProxyType({})) -> list[str]:
    """A table of losses, with remarks to them, and which baselines the run is better than.

    >>> print(*format_losses({"1-gram": 3.2, "2-gram": 2.3, "this model": 2.5}), sep="\\n")
    1-gram      3.2000
    2-gram      2.3000
    this model  2.5000  better than 1-gram
    """
    beaten = [name for name, loss in losses.items() if losses[MODEL] < loss]
    verdict = f"  better than {', '.join(beaten)}" if beaten else "  better than none of them: more steps help"
    width = max(map(len, losses))
    rows = {name: f"{name:<{width}}  {loss:.4f}  {remarks.get(name, '')}".rstrip() for name, loss in losses.items()}
    return [row + verdict * (name == MODEL) for name, row in rows.items()]


def draw_loss_curve(run: Run, history: Sequence[Record], losses: Mapping[str, float], path: Path) -> None:
    """Training and validation loss by step, with the baselines as lines."""
    steps = [record["step"] for record in history]
    curves = {name: (steps, [record[key] for record in history]) for name, key in LOSSES.items()}
    baselines = {name: loss for name, loss in losses.items() if name != MODEL}
    draw_curves(path, curves, "step", run.data.loss_axis, levels=baselines, theme="auto")


def draw_checks(history: Sequence[Record], path: Path) -> str:
    """Draw what the checks of gradients have found while it trained, and say it in a sentence."""
    sheet, said = lay_out_checks(history)
    save_sheet(sheet, path, "auto", unit=PIXEL)
    return said
