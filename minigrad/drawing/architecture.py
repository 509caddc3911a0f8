"""Architectures as papers draw them: a module and its arguments enter, the picture of what they went through leaves.

The model is called once, on shapes. `architecture_parts.py` reads boxes and arrows from the graph of the call,
`architecture_names.py` has what they are called, `architecture_layout.py` places and `architecture_sheet.py` paints.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from minigrad.drawing.architecture_parts import Part, read_parts
from minigrad.drawing.architecture_sheet import FONT, describe_parts, paint_architecture
from minigrad.drawing.convert import save_sheet
from minigrad.drawing.fit import SMALLEST
from minigrad.drawing.lengths import parse_length
from minigrad.drawing.look import check_labels
from minigrad.drawing.picture import DPI
from minigrad.drawing.sheet import Sheet, Theme
from minigrad.drawing.svg import write_svg
from minigrad.graph import Graph, trace
from minigrad.graph.called import name_of

SLIDE, RATIO = 960.0, 16 / 9  # points across
LARGEST = 2.0  # letters on slides are not more than twice as high


@dataclass(frozen=True, repr=False)
class Architecture:
    """The picture of a model; as text a line for each part, with what enters it. Notebooks show it.

    `parts` are in the order of the data flow; `sheet` is the picture.
    """

    parts: tuple[Part, ...]
    sheet: Sheet
    theme: Theme

    def __repr__(self) -> str:
        return describe_parts({part.number: part for part in self.parts})

    def _repr_svg_(self) -> str:
        return write_svg(self.sheet, self.theme)


def draw_architecture(
    model: Any,
    *args: Any,
    path: str | os.PathLike[str] | None = None,
    labels: Mapping[Any, str] | None = None,
    slide: bool = False,
    width: str | None = None,
    theme: Theme = "light",
    title: str | None = None,
    dpi: float = DPI,
) -> Architecture:
    """Draw a model as papers do: its modules as boxes, residual connections as loops, equal blocks once with ×N.

    Args:
        model: a module; it is called once with `args`, on shapes and without dropout.
        args: what it is called with.
        path: the picture: svg, png, pdf or tex, by its extension. Without one nothing is written.
        labels: what a module is called, by its path (`"encoder"`) or its class; it is drawn as one box then.
            Inputs go by their names, `"output"` is what leaves. Lines are broken where the label breaks them.
        slide: on a page of 16:9, from left to right; otherwise from the bottom upwards.
        width: on paper, such as "8.4cm", a column; the picture is not enlarged.
        theme: "light", "dark", or "auto" for pages that may be either.
        title: for those who do not see the picture; the class of the model by default.
        dpi: pixels per inch of a png.

    A module that has no name in the table of `architecture_names.py` and holds others is drawn by what is inside.

    Raises:
        TypeError: what is no module, or does not take these arguments.
        ValueError: a model without modules inside, a label for what is not there, another file ending or theme.

    >>> from minigrad import nn
    >>> model = nn.LanguageModel(10, width=8, heads=2, layers=3, context=4, rng=np.random.default_rng(0))
    >>> print(draw_architecture(model, np.array([[1, 2, 3]])))
    %0 = Positional Encoding
    %1 = Tokens
    %2 = Embedding(%1)
    %3 = +(%0, %2)
    %4 = Layer Norm(%3)  ×3
    %5 = Masked Multi-Head Attention(%4, %4, %4)  ×3
    %6 = +(%3, %5)  ×3
    %7 = Layer Norm(%6)  ×3
    %8 = Feed Forward(%7)  ×3
    %9 = +(%6, %8)  ×3
    %10 = Layer Norm(%9)
    %11 = Linear(%10)
    %12 = Output(%11)
    """
    if not (hasattr(model, "named_modules") and hasattr(model, "forward")):
        raise TypeError(f"draw_architecture draws modules, got {name_of(model)}: see minigrad.draw for functions")
    modules = {place.replace(".", "/"): module for place, module in model.named_modules()}
    owners = {id(tensor): place.replace(".", "/").rpartition("/")[0] for place, tensor in model.named_parameters()}
    graph = _trace_without_dropout(model, modules, args)
    if not any(node.scope and node.scope in modules for node in graph):
        raise ValueError(f"{name_of(model)} calls no modules that it holds, so there are no boxes: see minigrad.draw")
    check_labels(labels)
    given = {key.replace(".", "/") if isinstance(key, str) else key: text for key, text in (labels or {}).items()}
    unknown = given.keys() - {*modules, *map(type, modules.values()), *(node.path for node in graph), "output"}
    if unknown:
        names = ", ".join(sorted(map(str, unknown)))
        raise ValueError(f"labels: {name_of(model)} has no {names}; its repr shows the paths of its modules")
    parts = read_parts(graph, modules, owners, given)
    room = SLIDE if slide else None if width is None else parse_length(width)
    sheet = paint_architecture(
        parts, title or name_of(model), slide, (room or 0.0) / (LARGEST if slide else 1.0), RATIO if slide else None
    )
    letters = FONT * (room or sheet.width) / sheet.width
    if letters < SMALLEST:
        warnings.warn(f"the smallest letters are {letters:.1f} pt: name what is to be one box, labels=…", stacklevel=2)
    if path is not None:
        save_sheet(sheet, path, theme, room, dpi)
    return Architecture(tuple(parts.values()), sheet, theme)


def _trace_without_dropout(model: Any, modules: Mapping[str, Any], args: tuple[Any, ...]) -> Graph:
    training = [module for module in modules.values() if module.training]
    model.eval()
    try:
        return trace(model, *args)
    finally:
        for module in training:
            module.training = True
