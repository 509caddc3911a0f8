"""Architectures as papers draw them: a module and its arguments enter, the picture of what they went through leaves.

The model is called once, on shapes. `architecture_parts.py` reads boxes and arrows from the graph of the call,
`architecture_names.py` has what they are called, `architecture_layout.py` places and `architecture_sheet.py` paints.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from minigrad.drawing.architecture_parts import Part, read_parts
from minigrad.drawing.architecture_sheet import describe_parts, fit_sheet, paint_architecture
from minigrad.drawing.convert import save_sheet
from minigrad.drawing.lengths import parse_length
from minigrad.drawing.sheet import Sheet, Text, Theme, walk_elements
from minigrad.drawing.svg import write_svg
from minigrad.drawing.tikz import write_tikz
from minigrad.graph import trace
from minigrad.graph.called import name_of

SLIDE = 960.0, 540.0  # points, 16:9
SMALLEST = 6.0  # points, of letters in print


@dataclass(frozen=True)
class Architecture:
    """The picture of a model; as text a line for each part, with what enters it. Notebooks show it.

    Args:
        parts: what is drawn, each after what enters it.
        sheet: the picture.
    """

    parts: tuple[Part, ...]
    sheet: Sheet
    theme: Theme

    def __str__(self) -> str:
        return describe_parts({part.number: part for part in self.parts})

    def _repr_svg_(self) -> str:
        return write_svg(self.sheet, self.theme)


def draw_architecture(
    model: Any,
    *args: Any,
    path: str | os.PathLike[str] | None = None,
    labels: Mapping[str | type, str] | None = None,
    slide: bool = False,
    width: str | None = None,
    theme: Theme = "light",
    title: str | None = None,
    dpi: float = 192,
) -> Architecture:
    """Draw a model as papers do: its modules as boxes, residual connections as loops, equal blocks once with ×N.

    Args:
        model: a module; it is called once with `args`, on shapes and without dropout.
        args: what it is called with.
        path: the picture: svg, png, pdf or tex, by its extension. Without one nothing is written.
        labels: what a module is called, by its path (`"encoder.blocks.0"`) or its class; it is drawn as one box then.
            Inputs go by their names, `"output"` is what leaves.
        slide: on a page of 16:9, from left to right; otherwise from the bottom upwards.
        width: on paper, such as "8.4cm", a column. Nothing is enlarged.
        theme: "light", "dark", or "auto" for pages that may be either.
        title: for those who do not see the picture; the class of the model by default.
        dpi: pixels per inch of a png.

    What is inside a module without a row in `architecture_names.py` is drawn, down to modules that hold no others.

    Raises:
        TypeError: what is no module, or does not take these arguments.
        ValueError: a model without modules inside, a label for what is not there, another file ending or theme.

    >>> from minigrad import nn
    >>> model = nn.LanguageModel(10, width=8, heads=2, layers=3, context=4, rng=np.random.default_rng(0))
    >>> print(draw_architecture(model, np.array([[1, 2, 3]])))
    """
    if not hasattr(model, "named_modules") or not hasattr(model, "forward"):
        raise TypeError(
            f"draw_architecture draws modules, got {name_of(model)}: minigrad.draw draws functions, by their operations"
        )
    modules = {place.replace(".", "/"): module for place, module in model.named_modules()}
    owners = {id(tensor): place.replace(".", "/").rpartition("/")[0] for place, tensor in model.named_parameters()}
    graph = _trace_without_dropout(model, modules.values(), args)
    if not any(node.scope in modules and node.scope for node in graph):
        raise ValueError(f"{name_of(model)} calls no modules that it holds, so there are no boxes: see minigrad.draw")
    given = labels or {}
    known = {*modules, *map(type, modules.values()), *(node.path for node in graph), "output"}
    for key in given:
        if (key.replace(".", "/") if isinstance(key, str) else key) not in known:
            raise ValueError(f"labels: {name_of(model)} has no {key!r}; its repr shows the paths of its modules")
    parts = read_parts(graph, modules, owners, given)
    sheet = paint_architecture(parts, title or name_of(model), rightwards=slide)
    if slide:
        sheet = fit_sheet(sheet, *SLIDE)
    elif width is not None:
        sheet = fit_sheet(sheet, parse_length(width), None)
    smallest = min(x.size for x in walk_elements(sheet.children) if isinstance(x, Text))
    if smallest < SMALLEST:
        warnings.warn(f"the smallest letters are {smallest:.1f} pt: name what is to be one box, labels=…", stacklevel=2)
    if path is not None:
        _save(sheet, Path(path), theme, dpi)
    return Architecture(tuple(parts.values()), sheet, theme)


def _trace_without_dropout(model: Any, modules: Any, args: tuple[Any, ...]) -> Any:
    training = [module for module in modules if module.training]
    model.eval()
    try:
        return trace(model, *args)
    finally:
        for module in training:
            module.training = True


def _save(sheet: Sheet, path: Path, theme: Theme, dpi: float) -> None:
    if path.suffix.lower() == ".tex":
        path.write_text(write_tikz(sheet, theme), encoding="utf-8", newline="\n")
    else:
        save_sheet(sheet, path, theme, width=sheet.width, dpi=dpi)
