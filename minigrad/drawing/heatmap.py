"""Attention weights as a picture: one coloured square per query and key, one panel per head.

In come an array or a Tensor and the texts of the tokens, none of them trusted; out goes a sheet with its SVG, which
needs no library and no font of its own.
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from minigrad.core.arrays import real_array
from minigrad.core.tensor import Tensor
from minigrad.drawing.colours import Scale
from minigrad.drawing.convert import save_sheet
from minigrad.drawing.heatmap_layout import Labels, Layout
from minigrad.drawing.heatmap_parts import Heads, HeatmapPainter, describe_heatmap, draw_title
from minigrad.drawing.lengths import PIXEL, parse_length
from minigrad.drawing.sheet import Sheet, Theme
from minigrad.drawing.svg import write_svg
from minigrad.drawing.text import escape_hidden, make_text

MOST_CELLS = 1_000_000


class Heatmap:
    """A finished heat map: `svg` is its text, notebooks show it, `save` writes it."""

    def __init__(self, sheet: Sheet, theme: Theme) -> None:
        self.sheet, self.theme = sheet, theme
        self.svg = write_svg(sheet, theme)

    def save(self, path: str | os.PathLike[str], *, width: str | None = None, dpi: float = 192) -> None:
        """Write the picture to `path`: svg, png, pdf or tex, by its ending.

        Args:
            width: on paper, such as "8.4cm", "84mm", "3.3in" or "240pt"; without it a pixel is 1/96 of an inch.
            dpi: pixels per inch of a png.

        The same picture gives the same bytes; for png and pdf, with the same fonts. In all but svg, a heat map with the
        theme "auto" is light.

        Raises:
            ValueError: another ending, a width that is none, or a dpi that gives no pixels or too many.
            FileNotFoundError: there is no folder for it.
            ModuleNotFoundError: png needs resvg-py, the extra `dot`, and pdf svg2pdf-py, the extra `pdf`; the message
                says how to install it.
        """
        on_paper = None if width is None else parse_length(width)
        save_sheet(self.sheet, path, self.theme, on_paper, dpi, unit=PIXEL)

    def __repr__(self) -> str:
        return f"<Heatmap {make_text(self.sheet.title)}: {make_text(self.sheet.description)}>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Heatmap) and self.svg == other.svg

    def __hash__(self) -> int:
        return hash(self.svg)

    def _repr_svg_(self) -> str:
        return self.svg


def heatmap(
    weights: npt.ArrayLike | Tensor,
    rows: Sequence[object] | None = None,
    columns: Sequence[object] | None = None,
    title: str | None = None,
    limit: float | None = None,
    theme: Theme = "light",
    axes: tuple[str, str, str] = ("head", "queries", "keys"),
) -> Heatmap:
    """Draws `weights`, of shape (queries, keys) or (heads, queries, keys), as a heat map.

    `rows` and `columns` are the texts of the query and key tokens, a string counting as its characters; without them
    the positions are written. Where there is room each cell shows its value. What is not finite is grey.

    `limit` is the value of the strongest colour: 1 for weights from 0 to 1, otherwise, and when none of them reaches
    0.1, the largest magnitude. Values beyond it have the same colour. Data with negative values gets two hues, one on
    each side of 0.

    `axes` says what a panel, a row and a column are, where they are no heads, queries and keys.

    `theme` is "light", "dark", or "auto": an SVG that is light or dark as its page or the reader's system is.

    The same arguments give the same bytes. Raises TypeError when the weights are not real numbers, ValueError when
    their shape, the number of labels or axes, the limit or the theme does not fit, or a million cells do not suffice.

    >>> picture = heatmap([[1.0, 0.0], [0.6652, 0.3348]], rows=["I", "am"], columns=["I", "am"], title="weights")
    >>> picture.svg.startswith("<svg "), ">0.67<" in picture.svg
    (True, True)
    >>> picture.save("weights.gif")
    Traceback (most recent call last):
    ValueError: a picture is saved as .svg, .png, .pdf or .tex, got 'weights.gif'
    """
    heads = _check_weights(weights)
    if isinstance(axes, str) or len(axes) != 3:
        raise ValueError(f"heatmap: axes says what a panel, a row and a column are, three texts; got {axes!r}")
    scale = _choose_scale(heads, limit)
    row_labels = _make_labels("rows", rows, heads.shape[1], axes[1])
    column_labels = _make_labels("columns", columns, heads.shape[2], axes[2])
    layout = Layout(heads.shape, row_labels, column_labels, title)
    painter = HeatmapPainter(layout, heads, scale)
    parts = [
        *draw_title(title, layout.width),
        *painter.paint_captions(),
        *painter.paint_panels(axes[0]),
        *painter.paint_colour_bar(),
    ]
    described = describe_heatmap(heads, scale, axes)
    return Heatmap(Sheet(layout.width, layout.height, parts, title or "Attention weights", described), theme)


def _check_weights(weights: npt.ArrayLike | Tensor) -> Heads:
    array = read_numbers("heatmap", "weights", weights)
    if array.ndim not in (2, 3) or array.size == 0:
        advice = "; choose one element of the batch, as in weights[0]" if array.ndim > 3 else ""
        raise ValueError(
            "heatmap: weights must have shape (queries, keys) or (heads, queries, keys), none of them 0, "
            f"got {array.shape}{advice}"
        )
    if array.size > MOST_CELLS:
        raise ValueError(
            f"heatmap: weights of shape {array.shape} have {array.size} cells, the limit is {MOST_CELLS}; "
            "choose heads or tokens, as in weights[:4, :256, :256]"
        )
    return array.astype(np.float64).reshape(-1, *array.shape[-2:])


def read_numbers(caller: str, name: str, values: npt.ArrayLike | Tensor) -> npt.NDArray[Any]:
    """The argument `name` as an array; TypeError where it holds no real numbers."""
    return real_array(values.data if isinstance(values, Tensor) else values, what=f"{caller}: {name}: ")


def _make_labels(argument: str, labels: Sequence[object] | None, count: int, axis: str) -> Labels:
    if labels is None:
        return Labels([str(position) for position in range(count)], given=False, axis=axis)
    if len(labels) != count:
        raise ValueError(f"heatmap: {argument} has {len(labels)} labels, but weights have {count} {axis}")
    return Labels([_show_spaces(escape_hidden(str(label))) for label in labels], given=True, axis=axis)


def _show_spaces(text: str) -> str:
    """Spaces at the ends, where they are part of a token but cannot be seen, as dots, as editors do."""
    body = text.lstrip(" ")
    inner = body.rstrip(" ")
    return "·" * (len(text) - len(body)) + inner + "·" * (len(body) - len(inner))


def _choose_scale(heads: Heads, limit: float | None) -> Scale:
    finite = heads[np.isfinite(heads)]
    signed = bool((finite < 0).any())
    if limit is None:
        largest = float(np.abs(finite).max(initial=0))
        like_weights = not signed and (0.1 <= largest <= 1 or largest == 0)
        return Scale(1.0 if like_weights else largest, signed)
    if not 0 < limit < math.inf:
        raise ValueError(f"heatmap: limit must be a positive number, got {limit}")
    return Scale(float(limit), signed)
