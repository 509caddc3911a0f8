"""`minigrad draw FILE.py:FUNCTION -o x.svg`: the graph of what a function returns, as a picture."""

from __future__ import annotations

import argparse
from pathlib import Path

from minigrad.cli.arguments import CommandError
from minigrad.cli.extras import DRAWING, pip_line
from minigrad.cli.user_graph import add_options, add_user_graph, read_options, record_graph
from minigrad.drawing.engines import GraphvizNotFoundError
from minigrad.drawing.picture import FORMATS

SUMMARY = "draw the graph of a function in a Python file"
DESCRIPTION = (
    "Call FUNCTION, which takes no arguments and returns a Tensor or several, and draw how they were computed. It may "
    "also return (CALLABLE, INPUTS): then that call is drawn, of a PyTorch module, a function of JAX arrays or Tensors."
)
EXAMPLE = "model.py:loss -o loss.svg --values"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_user_graph(
        parser, picture="PICTURE", endings=FORMATS,
        gradients="write into each box its gradient, and draw what flows back",
    )  # fmt: skip
    parser.add_argument("--values", action="store_true", help="write into each box its value")
    add_options(parser, "title", "depth", "direction", "theme", "width")


def run(arguments: argparse.Namespace) -> int:
    picture: Path = arguments.out
    graph = record_graph(arguments, FORMATS)
    replaced = picture.exists()
    try:
        graph.draw(picture, values=arguments.values, gradients=arguments.gradients, **read_options(arguments))
    except ValueError as error:  # a width that is none
        raise CommandError(str(error)) from error
    except GraphvizNotFoundError as error:
        raise CommandError(
            f"there is no layout engine for {picture.suffix} (to install one: {pip_line(DRAWING)}, or Graphviz from "
            f"graphviz.org); the DOT text is in {error.saved}"
        ) from error
    print(f"{picture}: {len(graph)} nodes{', written over the old file' if replaced else ''}")
    return 0
