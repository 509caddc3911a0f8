"""The graph of what a user's function returns: FILE.py:FUNCTION enters, a `Graph` leaves, and one file is written."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

from minigrad.cli.arguments import CommandError, whole_number
from minigrad.cli.user_file import user_function
from minigrad.core.structure import leaves
from minigrad.core.tensor import Tensor
from minigrad.foreign.program import read_program
from minigrad.graph import Graph, graph_of
from minigrad.graph.called import differentiate, graph_of_call
from minigrad.wording.messages import describe

DEEPEST = 100
OPTIONS: dict[str, dict[str, Any]] = {  # of pictures and pages, by the name that both have for it
    "title": {"metavar": "TEXT", "help": "a line above it"},
    "depth": {
        "type": whole_number(0, DEEPEST), "metavar": "N",
        "help": "open scopes down to this depth, 0 closes all of them (default: as many as one can take in)",
    },
    "direction": {
        "choices": ("TB", "LR", "BT", "RL"),
        "help": "the way it runs: to the bottom, right, top or left (default: what suits the graph)",
    },
    "theme": {"choices": ("light", "dark", "auto"), "help": "auto follows the reader's setting (default: light)"},
    "width": {"metavar": "LENGTH", "help": "for print, 8.4cm say; letters stay legible (default: as large as it is)"},
}  # fmt: skip


def add_options(parser: argparse.ArgumentParser, *names: str) -> None:
    for name in names:
        parser.add_argument(f"--{name}", **OPTIONS[name])


def read_options(arguments: argparse.Namespace) -> dict[str, Any]:
    """Those of `OPTIONS` that were given."""
    given = {name: getattr(arguments, name, None) for name in OPTIONS}
    return {name: value for name, value in given.items() if value is not None}


def add_user_graph(parser: argparse.ArgumentParser, *, picture: str, endings: Collection[str], gradients: str) -> None:
    """The arguments `function`, `out` and `gradients`; the texts name the file and say what gradients are for."""
    parser.add_argument("function", metavar="FILE.py:FUNCTION", help="split at the last colon")
    parser.add_argument("-o", "--out", type=Path, required=True, metavar=picture, help=", ".join(endings))
    parser.add_argument(
        "--gradients", action="store_true",
        help=f"{gradients}: after backward(keep=True) of the one result, if FUNCTION has not called it",
    )  # fmt: skip


def record_graph(arguments: argparse.Namespace, endings: Collection[str]) -> Graph:
    """Check the place to write to, then call the function, which may take long, and look at what it returns.

    Raises:
        CommandError: a place that cannot be written to, a function that returns no Tensors and no callable with its
            inputs, gradients of several.
    """
    _check_place(arguments.out, endings)
    with user_function(arguments.function) as function:
        outputs = function()
        if isinstance(outputs, tuple) and len(outputs) == 2 and callable(outputs[0]):
            return _read_call(*outputs, arguments)
        tensors = _find_tensors(outputs, arguments.function)
        graph = graph_of(outputs)
        if arguments.gradients and all(tensor.trail is None for tensor in tensors):  # of these, by the function itself
            graph = _differentiate(tensors)
    return graph


def _read_call(function: Callable[..., Any], inputs: Any, arguments: argparse.Namespace) -> Graph:
    """The graph of a call that has not been made yet, in whichever engine."""
    inputs, values = inputs if isinstance(inputs, tuple) else (inputs,), getattr(arguments, "values", True)
    try:
        graph = read_program(function, *inputs, gradients=arguments.gradients, values=values)
    except TypeError as error:
        raise CommandError(str(error)) from error
    return graph_of_call(function, *inputs) if graph is None else graph


def _check_place(place: Path, endings: Collection[str]) -> None:
    if place.suffix.lower() not in endings:
        raise CommandError(f"{place} must end in {'one of ' if len(endings) > 1 else ''}{', '.join(endings)}")
    if not place.parent.is_dir():
        raise CommandError(f"there is no folder {place.parent}; make it first")
    if place.is_dir():
        raise CommandError(f"{place} is a folder")


def _find_tensors(outputs: Any, target: str) -> list[Tensor]:
    tensors: list[Tensor] = list(leaves(outputs))
    wrong = [type(output).__name__ for output in tensors if not isinstance(output, Tensor)]
    if wrong or not tensors:
        kind = wrong[0] if wrong else "nothing"
        raise CommandError(f"{target} must return a Tensor or several in a tuple, list or dictionary, got {kind}")
    return tensors


def _differentiate(outputs: list[Tensor]) -> Graph:
    if len(outputs) != 1 or outputs[0].shape != () or not outputs[0].requires_grad:
        raise CommandError(
            "--gradients needs one scalar that requires a gradient, or a function that calls backward(keep=True) "
            f"itself; got {', '.join(map(describe, outputs))}"
        )
    return differentiate(outputs[0])
