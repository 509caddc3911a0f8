"""What is not installed, and what commands do without it."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from typing import NamedTuple

from minigrad.core.errors import MinigradError
from minigrad.drawing.engines import layout


class Extra(NamedTuple):
    """One thing that `pip` can add: its distribution, what happens without it, and whether it is there."""

    distribution: str
    without: str
    present: Callable[[], bool]


def can_draw() -> bool:
    """Whether there is a layout engine that works."""
    try:
        layout("digraph { a -> b }")
    except MinigradError:
        return False
    return True


DRAWING = Extra("graphviz-pure", "pictures of graphs are DOT text (.dot) instead of .svg", can_draw)
PROGRESS = Extra("tqdm", "progress is shown in plain lines", lambda: importlib.util.find_spec("tqdm") is not None)


def print_missing(*extras: Extra) -> None:
    """Say which of `extras` are missing, what that means, and how to install them."""
    missing = [extra for extra in extras if not extra.present()]
    if missing:
        width = max(len(extra.distribution) for extra in missing)
        lines = (f"  {extra.distribution:<{width}}  {extra.without}" for extra in missing)
        print("not installed:", *lines, f"to install: {pip_line(*missing)}", sep="\n")


def pip_line(*extras: Extra) -> str:
    """What to type.

    >>> pip_line(DRAWING, PROGRESS)
    'python -m pip install graphviz-pure tqdm'
    """
    return " ".join(["python -m pip install", *(extra.distribution for extra in extras)])
