"""Lessons: what the guided walk of a page stops at, and the sentence that it says there.

In come stops as a reader writes them, or the name of a ready lesson; out go stops with numbers of nodes and of steps of
both passes. Ready lessons are files in the folder `ready`, and speak of nodes that many graphs have.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from importlib.resources import files
from typing import Any

from minigrad.drawing.explorer.names import call_nodes
from minigrad.drawing.explorer.payload import Plain
from minigrad.drawing.explorer.walk import Seed, Step
from minigrad.drawing.phrases import LANGUAGES
from minigrad.drawing.text import make_text
from minigrad.graph import Backward, Forward, Graph, Node
from minigrad.graph.search import find, find_all, node_of

KEYS = ("node", "step", "view", *LANGUAGES)
READY = ("softmax", "head_forward", "head_backward", "training_step")
Lesson = str | Sequence[Mapping[str, Any]]


def read_lesson(lesson: Lesson | None, graph: Graph, steps: Sequence[Step], views: Sequence[str]) -> list[Plain]:
    """The stops of a lesson on `graph`, whose passes have `steps` and whose page has `views`; none without a lesson.

    Raises:
        TypeError: a lesson, a step of it or one of its sentences is of another kind.
        ValueError: a ready lesson, a key, a step of the passes or a view that there is not.
        LookupError: a node that there is not; for a ready lesson, none of those that it speaks of.
    """
    if lesson is None:
        return []
    if isinstance(lesson, str):
        return _read_ready(lesson, graph, steps, views)
    if not isinstance(lesson, Sequence):
        raise TypeError(f"explore: a lesson is a list of steps or a name, got {type(lesson).__name__}")
    return [_read_stop(f"step {i} of the lesson", stop, graph, steps, views) for i, stop in enumerate(lesson, 1)]


def _read_ready(name: str, graph: Graph, steps: Sequence[Step], views: Sequence[str]) -> list[Plain]:
    """The stops of a ready lesson whose nodes are in the graph."""
    if name not in READY:
        raise ValueError(f"explore: no lesson is called {name!r}; ready ones are {', '.join(READY)}")
    written = files("minigrad.drawing.explorer").joinpath("ready", f"{name}.json").read_text("utf-8")
    stops, wanted = [], []
    for stop in json.loads(written):
        facts = stop.pop("about", None)
        node = _find_by_facts(graph, facts) if facts else None
        if facts and node is None:
            wanted.append(" ".join(facts.values()))
            continue
        about = {"node": node} if node is not None else {}
        stops.append((node, _read_stop(f"lesson {name}", stop | about, graph, steps, views)))
    if all(node is None for node, _ in stops):
        raise LookupError(
            f"explore: the lesson {name!r} is about {', '.join(dict.fromkeys(wanted))}, of which there is none"
        )
    return [stop for _, stop in stops]


def _find_by_facts(graph: Graph, facts: Mapping[str, str]) -> Node | None:
    """The first node that is called so, of that operation or of that role, or the first operand of such a one."""
    called = dict(zip(graph, call_nodes(graph), strict=True))
    tell: dict[str, Callable[[Node], str | None]] = {
        "called": called.__getitem__, "op": lambda node: node.op, "role": lambda node: node.role,
        "operand_of": lambda node: node.op,
    }  # fmt: skip
    ((fact, wanted),) = facts.items()
    found = next((node for node in graph if tell[fact](node) == wanted), None)
    if fact != "operand_of" or found is None:
        return found
    operand = found.inputs[0]
    return operand if isinstance(operand, Node) else None


def _read_stop(where: str, stop: Any, graph: Graph, steps: Sequence[Step], views: Sequence[str]) -> Plain:
    if not isinstance(stop, Mapping):
        raise TypeError(
            f"explore: {where} must be a dictionary with some of {', '.join(KEYS)}, got {type(stop).__name__}"
        )
    unknown = [key for key in stop if key not in KEYS]
    if unknown:
        raise ValueError(f"explore: {where} has {unknown[0]!r}; there are {', '.join(KEYS)}")
    texts = {language: stop[language] for language in LANGUAGES if language in stop}
    if not texts or not all(isinstance(text, str) for text in texts.values()):
        raise TypeError(f"explore: {where} needs its sentence as a text: 'en', 'zh' or both")
    written: Plain = {"texts": {language: make_text(text) for language, text in texts.items()}}
    node = _find_node(where, stop["node"], graph) if "node" in stop else None
    if node is not None:
        written["node"] = node.number
    if "step" in stop:
        number = _find_step(where, stop["step"], node, steps)
        written |= {} if number is None else {"step": number}
    if "view" in stop:
        fitting = [key for key in (stop["view"], f"scope {stop['view']}") if key in views]
        if not fitting:
            raise ValueError(f"explore: {where}: no view {stop['view']!r}; there are {', '.join(views)}")
        written["view"] = fitting[0]
    return written


def _find_node(where: str, given: Any, graph: Graph) -> Node:
    """A node, or the first one that a path fits."""
    try:
        return (find_all(graph, given) or (find(graph, given),))[0] if isinstance(given, str) else node_of(graph, given)
    except (LookupError, TypeError) as error:
        raise type(error)(f"explore: {where}: {error}") from None


def _find_step(where: str, wanted: Any, node: Node | None, steps: Sequence[Step]) -> int | None:
    """How many steps have been taken: those to the value of the node, or to its whole gradient, or a number of them.

    None where there are no steps to take, as in a graph that was captured on shapes.
    """
    if type(wanted) is int and 0 <= wanted <= len(steps):
        return wanted
    if wanted not in ("forward", "backward") or node is None:
        raise ValueError(
            f"explore: {where}: step={wanted!r}, expected 'forward' or 'backward' beside a node, "
            f"or a number from 0 to {len(steps)}"
        )
    found = None
    for number, step in enumerate(steps, 1):
        about = step.target if isinstance(step, Backward) else step.node
        kind = Forward if wanted == "forward" else (Seed, Backward)
        if about is node and isinstance(step, kind):
            found = number
    return found
