"""Pictures and pages of functions: a function and its arguments enter, and it is called; the graph of that leaves."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from minigrad.drawing.phrases import Phrase
from minigrad.graph.called import SUM, graph_of_call, name_of

if TYPE_CHECKING:
    from minigrad.graph import Graph


def draw(function: Callable[..., Any], *args: Any, path: str | os.PathLike[str] | None = None, **options: Any) -> Graph:
    """Call `function(*args)` once, forward and backward, and draw what happened.

    Args:
        function: of Tensors; it returns a Tensor, or several in tuples, lists or dictionaries. A module is one. So is
            a PyTorch module, and a function that is given an array of JAX: those are read by `from_torch` and
            `from_jax`, and show no gradients but those that they compute.
        args: what it is called with, by position. Arrays become Tensors named after its parameters, those of floats
            with a gradient.
        path: the picture: svg, png, pdf, tex or dot, by its extension. Without one nothing is written.
        options: those of `Graph.draw`; by default with gradients, and with a title that says what was differentiated.

    What is no scalar is summed before it is differentiated. What Tensors have in `.grad` stays as it was.

    Returns the graph, which shows itself in notebooks.

    Raises:
        TypeError: the function does not take these arguments, or returns something that is no Tensor; or there are
            options, and no path.
        ValueError, OSError: as `Graph.draw`.

    >>> import numpy as np
    >>> graph = draw(lambda query, keys: mg.softmax(keys @ query), np.ones(2), np.ones((3, 2)))
    >>> [node.name or node.op for node in graph]
    ['keys', 'query', 'matmul', 'softmax', 'sum of the output']
    """
    _check_that_options_are_read(path, options)
    foreign = _read_foreign(function, args, values=bool(options.get("values")))
    graph = graph_of_call(function, *args) if foreign is None else foreign
    if path is not None:
        chosen: dict[str, Any] = {"gradients": foreign is None, "title": describe_call(function, graph)} | options
        graph.draw(path, **chosen)
    return graph


def explore(
    function: Callable[..., Any], *args: Any, path: str | os.PathLike[str] | None = None, **options: Any
) -> Graph:
    """Call `function(*args)` once, forward and backward, and write a page on which every step can be looked at.

    Args:
        function: as for `draw`.
        args: likewise.
        path: a file ending in .html. Without one nothing is written; in a notebook, `draw(function, *args).explore()`
            shows the page.
        options: those of `Graph.explore`.

    Returns the graph.

    Raises:
        TypeError: the function does not take these arguments, or returns something that is no Tensor; or there are
            options, and no path.
        ValueError, OSError: as `Graph.explore`.
    """
    _check_that_options_are_read(path, options)
    foreign = _read_foreign(function, args, values=True)
    graph = graph_of_call(function, *args) if foreign is None else foreign
    if path is not None:
        chosen: dict[str, Any] = {"title": describe_call(function, graph)} | options
        graph.explore(path, **chosen)
    return graph


def _read_foreign(function: Callable[..., Any], args: Sequence[Any], values: bool) -> Graph | None:
    """The graph of a call of PyTorch or JAX, None of any other."""
    from minigrad.foreign.program import read_program

    return read_program(function, *args, values=values)


def _check_that_options_are_read(path: object, options: Mapping[str, Any]) -> None:
    if path is None and options:
        raise TypeError(f"{', '.join(options)}: options of the file that path= names, and there is no path")


def describe_call(function: Callable[..., Any], graph: Graph) -> str:
    """A title: what was called, and what was differentiated where that is not its result."""
    name = name_of(function)
    name = Phrase("nameless function") if name == "<lambda>" else name
    return Phrase("with gradients of", name) if any(node.name == SUM for node in graph.outputs) else name
