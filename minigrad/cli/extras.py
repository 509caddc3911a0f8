"""What is not installed, and what commands do without it."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from minigrad.core.errors import MinigradError
from minigrad.drawing.engines import layout


@dataclass(frozen=True)
class Extra:
    """One thing that `pip` can add: its distribution, whether it is there, and what happens where it is not."""

    distribution: str
    present: Callable[[], bool]
    without: str


def can_draw() -> bool:
    """Whether there is a layout engine that works."""
    try:
        layout("digraph { a -> b }", "svg")
    except MinigradError:
        return False
    return True


def importable(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


DRAWING = Extra("graphviz-pure", can_draw, "pictures of graphs are DOT text (.dot) instead of .svg")
CHECKPOINTS = Extra("safetensors", partial(importable, "safetensors"), "no checkpoint is saved")
CURVES = Extra("matplotlib", partial(importable, "matplotlib"), "no loss curve is drawn")
PROGRESS = Extra("tqdm", partial(importable, "tqdm"), "progress is shown in plain lines")


def missing_extras(*extras: Extra) -> list[str]:
    """Lines that say which of `extras` are missing, what that means, and how to install them; none for none."""
    missing = [extra for extra in extras if not extra.present()]
    if not missing:
        return []
    width = max(len(extra.distribution) for extra in missing)
    return [
        "not installed:",
        *(f"  {extra.distribution:<{width}}  {extra.without}" for extra in missing),
        f"to install: {pip_line(*missing)}",
    ]


def pip_line(*extras: Extra) -> str:
    """What to type.

    >>> pip_line(CHECKPOINTS, PROGRESS)
    'python -m pip install safetensors tqdm'
    """
    return " ".join(["python -m pip install", *(extra.distribution for extra in extras)])
