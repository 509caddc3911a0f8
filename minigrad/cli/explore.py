"""`minigrad explore FILE.py:FUNCTION -o x.html`: the graph of what a function returns, as a page to explore."""

from __future__ import annotations

import argparse
import json
import sys
import warnings
from pathlib import Path
from typing import Any

from minigrad.cli.arguments import CommandError
from minigrad.cli.user_graph import add_options, add_user_graph, read_options, record_graph
from minigrad.drawing.explorer.lessons import READY

SUMMARY = "explore the graph of a function in a Python file"
DESCRIPTION = (
    "Call FUNCTION, which takes no arguments and returns a Tensor or several, and write one HTML page on which every "
    "step of the computation can be looked at. It may also return (CALLABLE, INPUTS): then that call is shown, of a "
    "PyTorch module, or a function of JAX arrays or Tensors."
)
EXAMPLE = "model.py:loss -o loss.html --gradients"
ENDINGS = (".html",)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_user_graph(
        parser, picture="PAGE", endings=ENDINGS, gradients="show gradients and step through the backward pass"
    )
    add_options(parser, "title", "depth", "direction")
    parser.add_argument(
        "--lesson", metavar="NAME|FILE.json",
        help=f"a guided walk: {', '.join(READY)}, or a file with the stops that Graph.explore takes",
    )  # fmt: skip


def run(arguments: argparse.Namespace) -> int:
    page: Path = arguments.out
    lesson = _read_lesson(arguments.lesson)
    graph = record_graph(arguments, ENDINGS)
    replaced = page.exists()
    with warnings.catch_warnings(record=True) as noted:
        warnings.simplefilter("always")
        try:
            graph.explore(page, lesson=lesson, **read_options(arguments))
        except (ValueError, TypeError, LookupError) as error:  # a graph too large for a page, a lesson that is none
            raise CommandError(str(error)) from error
    for warning in noted:
        print(f"minigrad: {warning.message}", file=sys.stderr)
    size = f"{page.stat().st_size / 1000:,.0f} kB"
    print(f"{page}: {len(graph)} nodes, {size}{', written over the old file' if replaced else ''}")
    return 0


def _read_lesson(given: str | None) -> Any:
    """The name of a ready lesson, or what a file of stops holds."""
    if given is None or given in READY:
        return given
    place = Path(given)
    if place.suffix.lower() != ".json":
        raise CommandError(
            f"--lesson: no lesson is called {given!r}; there are {', '.join(READY)} and files, FILE.json"
        )
    try:
        lesson = json.loads(place.read_text("utf-8"))
    except OSError as error:
        raise CommandError(f"--lesson: {place}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise CommandError(f"--lesson: {place} is no JSON: {error}") from error
    if not isinstance(lesson, list) or not lesson:
        raise CommandError(f'--lesson: {place} must hold a list of stops, [{{"node": …, "en": …}}, …]')
    return lesson
