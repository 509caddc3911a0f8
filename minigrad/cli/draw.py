"""`minigrad draw FILE.py:FUNCTION -o x.svg`: the graph of what a function returns, as a picture."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from minigrad.base.structure import leaves
from minigrad.cli.arguments import CommandError
from minigrad.cli.extras import DRAWING, pip_line
from minigrad.cli.user_file import user_function
from minigrad.core.tensor import Tensor, describe
from minigrad.drawing.engines import GraphvizNotFoundError
from minigrad.drawing.picture import FORMATS
from minigrad.graph import graph_of

SUMMARY = "draw the graph of a function in a Python file"
DESCRIPTION = (
    "Call FUNCTION, which takes no arguments and returns a Tensor or several, and draw how they were computed."
)
EXAMPLE = "model.py:loss -o loss.svg --values"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("function", metavar="FILE.py:FUNCTION", help="split at the last colon")
    parser.add_argument("-o", "--out", type=Path, required=True, metavar="PICTURE", help=f"{', '.join(FORMATS)}")
    parser.add_argument("--values", action="store_true", help="write into each box its value")
    parser.add_argument(
        "--gradients", action="store_true",
        help="write into each box its gradient, and draw what flows back: after backward(keep=True) of the one result, "
        "if FUNCTION has not called it",
    )  # fmt: skip


def run(arguments: argparse.Namespace) -> int:
    picture: Path = arguments.out
    _check_place(picture)
    with user_function(arguments.function) as function:
        outputs = function()
        graph = graph_of(_checked(outputs, arguments.function))
        if arguments.gradients and all(node.gradient is None for node in graph):
            graph = _differentiated(outputs)
    replaced = picture.exists()
    try:
        graph.draw(picture, values=arguments.values, gradients=arguments.gradients)
    except GraphvizNotFoundError as error:
        raise CommandError(
            f"there is no layout engine for {picture.suffix} (to install one: {pip_line(DRAWING)}, or Graphviz from "
            f"graphviz.org); the DOT text is in {picture.with_suffix('.dot')}"
        ) from error
    print(f"{picture}: {len(graph)} nodes{', written over the old file' if replaced else ''}")
    return 0


def _check_place(picture: Path) -> None:
    """Before the user's function runs, which may take long."""
    if picture.suffix.lower() not in FORMATS:
        raise CommandError(f"{picture} must end in one of {', '.join(FORMATS)}")
    if not picture.parent.is_dir():
        raise CommandError(f"there is no folder {picture.parent}; make it first")
    if picture.is_dir():
        raise CommandError(f"{picture} is a folder")


def _checked(outputs: Any, target: str) -> Any:
    found = list(leaves(outputs))
    wrong = [x for x in found if not isinstance(x, Tensor)]
    if wrong or not found:
        kind = type(wrong[0]).__name__ if wrong else "nothing"
        raise CommandError(f"{target} must return a Tensor or several in a tuple, list or dictionary, got {kind}")
    return outputs


def _differentiated(outputs: Any) -> Any:
    found = list(leaves(outputs))
    if len(found) != 1 or found[0].shape != () or not found[0].requires_grad:
        shown = ", ".join(describe(x) for x in found)
        raise CommandError(
            "--gradients needs one scalar that requires a gradient, or a function that calls backward(keep=True) "
            f"itself; got {shown}"
        )
    found[0].backward(keep=True)
    return graph_of(outputs)
