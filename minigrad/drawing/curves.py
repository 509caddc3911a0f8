"""Numbers along an axis as a picture of lines, written as SVG by matplotlib (the extra `plot`).

In come points by the name of their line, out goes a file.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

# Lines differ in colour and in dashes or markers too, so that they can be told apart in grey.
LOOKS: tuple[dict[str, Any], ...] = (
    {"color": "#0072B2", "marker": "o"},
    {"color": "#767676", "linestyle": "--"},
    {"color": "#B54708", "marker": "s"},
    {"color": "#1A1A1A", "marker": "^", "linestyle": "-."},
    {"color": "#007A5A", "marker": "D"},
    {"color": "#A3488A", "marker": "v", "linestyle": "--"},
    {"color": "#56B4E9", "marker": "x"},
    {"color": "#8A6D00", "linestyle": ":"},
)
LEVEL = "#B54708"
MOST_TICKS = 12  # of a logarithmic axis with the points themselves as ticks
MARKERS = 32  # about so many on a line of many points


def draw_curves(
    path: str | os.PathLike[str],
    curves: Mapping[str, tuple[npt.ArrayLike, npt.ArrayLike]],
    across: str,
    up: str,
    levels: Mapping[str, float] | None = None,
    logarithmic: Collection[str] = (),
) -> None:
    """Draw lines into an SVG file, each with its name above them.

    Args:
        curves: x and y by the name of the line, at most eight; y that is not finite leaves a gap.
        across: what x is, with its unit.
        up: what y is, with its unit.
        levels: heights by name, drawn as dotted lines from side to side: baselines.
        logarithmic: which axes are: "x", "y", "xy" or none. There, what is not positive leaves a gap.

    The same numbers give the same bytes with the same matplotlib.

    Raises:
        ModuleNotFoundError: matplotlib is missing; the message says how to install it.
        ValueError: no curve or more than eight, one whose x and y are not as many numbers, or another axis.

    >>> draw_curves("squares.svg", {"x²": ([1, 2, 3], [1, 4])}, across="x", up="y", levels={"five": 5})
    Traceback (most recent call last):
    ValueError: draw_curves: x² has x (3,) and y (2,), expected as many numbers of both
    """
    if not 1 <= len(curves) <= len(LOOKS):
        raise ValueError(f"draw_curves: {len(curves)} curves, expected 1 to {len(LOOKS)}")
    points = {name: (np.asarray(x, np.float64), np.asarray(y, np.float64)) for name, (x, y) in curves.items()}
    for name, (x, y) in points.items():
        if x.ndim != 1 or x.shape != y.shape:
            raise ValueError(f"draw_curves: {name} has x {x.shape} and y {y.shape}, expected as many numbers of both")
    if not {*logarithmic} <= {"x", "y"}:
        raise ValueError(f'draw_curves: logarithmic={logarithmic!r}, expected "x", "y", "xy" or nothing')
    try:
        import matplotlib
        from matplotlib.figure import Figure
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "draw_curves needs the library matplotlib, minigrad's extra `plot`: python -m pip install matplotlib, "
            'or in a clone of minigrad python -m pip install ".[plot]"',
            name=error.name,
        ) from None

    # Text stays text; the salt makes ids the same on every run.
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "minigrad", "font.size": 11}):
        figure = Figure(figsize=(8, 4.2), layout="constrained")
        axes = figure.add_subplot()
        for (name, (x, y)), look in zip(points.items(), LOOKS, strict=False):
            axes.plot(x, y, label=name, markersize=4, markevery=1 + len(x) // MARKERS, clip_on=False, **look)
        for name, height in (levels or {}).items():
            axes.axhline(height, color=LEVEL, linewidth=1, linestyle=":")
            axes.annotate(
                name, (1, height), xycoords=("axes fraction", "data"), xytext=(4, 0), textcoords="offset points",
                va="center", color=LEVEL,
            )  # fmt: skip
        axes.set(xlabel=across, ylabel=up)
        for axis in logarithmic:
            axes.set(**{f"{axis}scale": "log"})
        marked = max((x for x, _ in points.values()), key=len)
        if "x" in logarithmic and len(marked) <= MOST_TICKS:  # as they are, and not 3 × 10² and 4 × 10²
            axes.set_xticks(marked, [f"{x:g}" for x in marked])
            axes.set_xticks([], minor=True)
        axes.margins(x=0)
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False, loc="lower left", bbox_to_anchor=(0, 1), ncols=4)
        figure.savefig(path, format="svg", metadata={"Date": None, "Creator": None})
