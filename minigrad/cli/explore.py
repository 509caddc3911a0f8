"""`minigrad explore FILE.py:FUNCTION -o x.html`: the graph of what a function returns, as a page to explore."""

from __future__ import annotations

import argparse
import sys
import warnings
from pathlib import Path

from minigrad.cli.arguments import CommandError
from minigrad.cli.user_graph import add_user_graph, record_graph

SUMMARY = "explore the graph of a function in a Python file"
DESCRIPTION = (
    "Call FUNCTION, which takes no arguments and returns a Tensor or several, and write one HTML page on which every "
    "step of the computation can be looked at."
)
EXAMPLE = "model.py:loss -o loss.html --gradients"
ENDINGS = (".html",)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_user_graph(
        parser, picture="PAGE", endings=ENDINGS, gradients="show gradients and step through the backward pass"
    )


def run(arguments: argparse.Namespace) -> int:
    page: Path = arguments.out
    graph = record_graph(arguments, ENDINGS)
    replaced = page.exists()
    with warnings.catch_warnings(record=True) as noted:
        warnings.simplefilter("always")
        try:
            graph.explore(page)
        except ValueError as error:  # the graph is too large for a page
            raise CommandError(str(error)) from error
    for warning in noted:
        print(f"minigrad: {warning.message}", file=sys.stderr)
    size = f"{page.stat().st_size / 1000:,.0f} kB"
    print(f"{page}: {len(graph)} nodes, {size}{', written over the old file' if replaced else ''}")
    return 0
