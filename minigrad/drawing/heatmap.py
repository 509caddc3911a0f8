"""Attention weights as a picture: one coloured square per query and key, one panel per head, written as SVG.

In come an array and the texts of the tokens, none of them trusted; out goes an SVG that needs no library and no font of
its own. Called by users, by the demo and by notebooks.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from minigrad.drawing.colours import Scale, text_colour
from minigrad.drawing.heatmap_layout import GAP, LABEL_FONTS, LONGEST_LABEL, MARGIN, TITLE_FONT, Labels, Layout, lay_out
from minigrad.drawing.svg_text import ems, escaped, pixels, text_element
from minigrad.drawing.text import format_number, visible

MOST_CELLS = 1_000_000
VALUE_FONTS, HEAD_FONT = (8, 12), 12  # pixels

INK, FAINT, FRAME, MISSING = "#1a1a1a", "#595959", "#767676", "#dcdcdc"

Heads = npt.NDArray[np.float64]
Fills = npt.NDArray[np.str_]


@dataclass(frozen=True)
class Heatmap:
    """A finished heat map: `svg` is its text, notebooks show it, `save` writes it."""

    svg: str

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the picture to `path`, which ends in .svg; raises ValueError for another ending."""
        if Path(path).suffix.lower() != ".svg":
            raise ValueError(f"a heat map is saved as .svg, got {os.fspath(path)!r}; browsers print an SVG as PDF")
        Path(path).write_text(self.svg, encoding="utf-8", newline="\n")

    def _repr_svg_(self) -> str:
        return self.svg


def heatmap(
    weights: npt.ArrayLike,
    rows: Sequence[object] | None = None,
    columns: Sequence[object] | None = None,
    title: str | None = None,
    limit: float | None = None,
) -> Heatmap:
    """Draws `weights`, of shape (queries, keys) or (heads, queries, keys), as a heat map.

    `rows` and `columns` are the texts of the query and key tokens, a string counting as its characters; without them
    the positions are written. Where there is room each cell shows its value. What is not finite is grey.

    `limit` is the value of the strongest colour: 1 for weights from 0 to 1, otherwise, and when none of them reaches
    0.1, the largest magnitude. Values beyond it have the same colour. Data with negative values gets two hues, one on
    each side of 0.

    The same arguments give the same bytes. Raises TypeError when the weights are not real numbers, ValueError when
    their shape, the number of labels or the limit does not fit, or when there are more than a million cells.

    >>> picture = heatmap([[1.0, 0.0], [0.6652, 0.3348]], rows=["I", "am"], columns=["I", "am"], title="weights")
    >>> picture.svg.startswith("<svg "), ">0.67<" in picture.svg
    (True, True)
    >>> picture.save("weights.png")
    Traceback (most recent call last):
    ValueError: a heat map is saved as .svg, got 'weights.png'; browsers print an SVG as PDF
    """
    heads = _checked_weights(weights)
    scale = _scale(heads, limit)
    row_labels = _labels("rows", rows, heads.shape[1])
    column_labels = _labels("columns", columns, heads.shape[2])
    layout = lay_out(heads.shape, row_labels, column_labels, title)
    value_font = _value_font(layout, heads, scale)
    size = f'width="{layout.width}" height="{layout.height}"'
    elements = [
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" {size} viewBox="0 0 {layout.width} {layout.height}" '
        f'font-family="Helvetica,Arial,sans-serif" fill="{INK}">',
        f"<title>{escaped(title or 'Attention weights')}</title><desc>{_description(heads, scale)}</desc>",
        f'<rect {size} fill="#ffffff"/>',
        *_captions(layout, title),
        *_panels(layout, heads, scale, value_font),
        *_colour_bar(layout, heads, scale),
        *(() if value_font or np.isfinite(heads).all() else _legend(layout)),
        "</svg>",
    ]
    return Heatmap("\n".join(elements) + "\n")


# What comes in


def _checked_weights(weights: npt.ArrayLike) -> Heads:
    array = np.asarray(weights)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"heatmap: weights must be real numbers, got {array.dtype}")
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


def _labels(argument: str, labels: Sequence[object] | None, count: int) -> Labels:
    if labels is None:
        return Labels([str(position) for position in range(count)], given=False)
    if len(labels) != count:
        axis = {"rows": "queries", "columns": "keys"}[argument]
        raise ValueError(f"heatmap: {argument} has {len(labels)} labels, but weights have {count} {axis}")
    return Labels([_shown_spaces(visible(str(label))) for label in labels], given=True)


def _shown_spaces(text: str) -> str:
    """Spaces at the ends, where they are part of a token but cannot be seen, as dots, as editors do."""
    body = text.lstrip(" ")
    inner = body.rstrip(" ")
    return "·" * (len(text) - len(body)) + inner + "·" * (len(body) - len(inner))


def _scale(heads: Heads, limit: float | None) -> Scale:
    finite = heads[np.isfinite(heads)]
    signed = bool((finite < 0).any())
    if limit is None:
        largest = float(np.abs(finite).max(initial=0))
        like_weights = not signed and (0.1 <= largest <= 1 or largest == 0)
        return Scale(1.0 if like_weights else largest, signed)
    if not 0 < limit < math.inf:
        raise ValueError(f"heatmap: limit must be a positive number, got {limit}")
    return Scale(float(limit), signed)


# What is drawn


def _captions(layout: Layout, title: str | None) -> Iterator[str]:
    left, top = layout.panels[0]
    right = layout.bar_left - GAP
    bottom = layout.panels[-1][1] + layout.panel[1]
    if title:
        room = (layout.width - 2 * MARGIN) / TITLE_FONT
        yield text_element(title, (MARGIN, MARGIN + TITLE_FONT - 2), TITLE_FONT, 'font-weight="bold"', room=room)
    font, style = LABEL_FONTS[1], f'text-anchor="middle" fill="{FAINT}"'
    keys = _caption("keys", layout.column_step, layout.columns)
    yield text_element(keys, ((left + right) / 2, bottom + layout.below), font, style)
    queries = _caption("queries", layout.row_step, layout.rows)
    yield text_element(queries, (MARGIN + font - 2, (top + bottom) / 2), font, style, turned=True)


def _caption(axis: str, step: int, labels: Labels) -> str:
    return f"{axis}, 1 label in {step}" if labels.given and step > 1 else axis


def _panels(layout: Layout, heads: Heads, scale: Scale, value_font: int) -> Iterator[str]:
    palette = np.array([*scale.palette, MISSING])
    for number, ((left, top), values) in enumerate(zip(layout.panels, heads, strict=True)):
        fills = palette[np.where(np.isfinite(values), scale.index(np.nan_to_num(values)), -1)]
        yield f'<g transform="translate({left} {top})">'
        if len(heads) > 1:
            yield text_element(f"head {number}", (0, -6), HEAD_FONT)
        if number % layout.per_line == 0:
            yield from _row_labels(layout)
        if number + layout.per_line >= len(heads):
            yield from _column_labels(layout)
        yield from _cells(layout, fills)
        if value_font:
            yield from _values(layout, values, fills, value_font, scale.limit)
        else:
            yield from _crosses(layout, values)
        yield "</g>"


def _row_labels(layout: Layout) -> Iterator[str]:
    for row in range(0, len(layout.rows.texts), layout.row_step):
        place = -6, (row + 0.5) * layout.cell[1] + 0.35 * layout.font
        yield text_element(layout.rows.texts[row], place, layout.font, 'text-anchor="end"', room=LONGEST_LABEL)


def _column_labels(layout: Layout) -> Iterator[str]:
    style = f'text-anchor="{"end" if layout.upright else "middle"}"'
    across, down = (0.35, 0) if layout.upright else (0, 0.8)
    for column in range(0, len(layout.columns.texts), layout.column_step):
        place = (column + 0.5) * layout.cell[0] + across * layout.font, layout.panel[1] + 6 + down * layout.font
        text = layout.columns.texts[column]
        yield text_element(text, place, layout.font, style, room=LONGEST_LABEL, turned=layout.upright)


def _cells(layout: Layout, fills: Fills) -> Iterator[str]:
    """One path per colour, which joins neighbours in a row: a few hundred elements instead of a square per cell."""
    paths: dict[str, list[str]] = {}
    for fill, row, start, stop in _runs(fills):
        paths.setdefault(fill, []).append(f"M{start} {row}h{stop - start}v1h{start - stop}z")
    width, height = layout.cell
    yield f'<g transform="scale({width} {height})" shape-rendering="crispEdges">'
    yield from (f'<path fill="{fill}" d="{"".join(squares)}"/>' for fill, squares in sorted(paths.items()))
    yield "</g>"
    if min(layout.cell) >= 14:
        lines = [f"M{width * column} 0v{layout.panel[1]}" for column in range(1, fills.shape[1])]
        lines += [f"M0 {height * row}h{layout.panel[0]}" for row in range(1, fills.shape[0])]
        yield f'<path stroke="#ffffff" d="{"".join(lines)}"/>'
    yield _frame(*layout.panel)


def _runs(fills: Fills) -> Iterator[tuple[str, int, int, int]]:
    """Neighbours of one colour in a row: colour, row, first column, column after the last."""
    new = np.ones(fills.shape, np.bool_)
    new[:, 1:] = fills[:, 1:] != fills[:, :-1]
    starts = np.flatnonzero(new)
    lengths = np.diff(starts, append=fills.size)
    for start, length in zip(starts.tolist(), lengths.tolist(), strict=True):
        row, column = divmod(start, fills.shape[1])
        yield str(fills[row, column]), row, column, column + length


def _frame(width: int, height: int) -> str:
    return f'<rect x="-0.5" y="-0.5" width="{width + 1}" height="{height + 1}" fill="none" stroke="{FRAME}"/>'


def _crosses(layout: Layout, values: Heads) -> Iterator[str]:
    width, height = layout.cell
    missing = np.argwhere(~np.isfinite(values)).tolist()
    if missing:
        crosses = [f"M{x * width} {y * height}l{width} {height}m0 {-height}l{-width} {height}" for y, x in missing]
        yield f'<path stroke="{FRAME}" d="{"".join(crosses)}"/>'


def _value_font(layout: Layout, heads: Heads, scale: Scale) -> int:
    """The size in which every value fits its cell, 0 where it would be too small to read."""
    width, height = layout.cell
    if width < 20 or height < 14:
        return 0
    widest = max(ems(_cell_number(value, scale.limit)) for value in heads.ravel().tolist())
    size = min(VALUE_FONTS[1], int(0.88 * width / widest), int(0.6 * height))
    return size if size >= VALUE_FONTS[0] else 0


def _values(layout: Layout, values: Heads, fills: Fills, font: int, limit: float) -> Iterator[str]:
    yield f'<g font-size="{font}" text-anchor="middle">'
    for (row, column), value in np.ndenumerate(values):
        x, y = (column + 0.5) * layout.cell[0], (row + 0.5) * layout.cell[1] + 0.35 * font
        ink = text_colour(str(fills[row, column]))
        yield f'<text x="{pixels(x)}" y="{pixels(y)}" fill="{ink}">{_cell_number(value, limit)}</text>'
    yield "</g>"


def _cell_number(value: float, limit: float) -> str:
    """Two decimals for attention weights, fewer for larger numbers; never `-0.00`."""
    text = format_number(value)
    if math.isfinite(value) and 0.1 <= limit < 1000:
        text = f"{value:.{2 - max(0, math.floor(math.log10(limit)))}f}"
        text = text.lstrip("-") if float(text) == 0 else text
    return _minus(text if len(text) <= 6 else f"{value:.2g}")


def _colour_bar(layout: Layout, heads: Heads, scale: Scale) -> Iterator[str]:
    palette = scale.palette
    yield f'<g transform="translate({layout.bar_left} {layout.panels[0][1]})">'
    for start in range(0, layout.bar, 2):
        fill = palette[round(255 * (1 - (start + 1) / layout.bar))]
        yield f'<rect y="{start}" width="12" height="2" fill="{fill}" shape-rendering="crispEdges"/>'
    yield _frame(12, layout.bar)
    finite, font = heads[np.isfinite(heads)], LABEL_FONTS[1]
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        value, y = scale.limit * (2 * share - 1 if scale.signed else share), (1 - share) * layout.bar
        below, above = share == 0 and (finite < value).any(), share == 1 and (finite > value).any()
        number = ("≤ " if below else "≥ " if above else "") + _minus(f"{value:.3g}")
        yield f'<path stroke="{FRAME}" d="M12.5 {pixels(y)}h4"/>'
        yield text_element(number, (20, y + 0.35 * font), font)
    yield "</g>"


def _legend(layout: Layout) -> Iterator[str]:
    yield f'<g transform="translate({layout.bar_left} {layout.panels[0][1] + layout.bar + 12})">'
    yield f'<rect width="12" height="12" fill="{MISSING}"/>'
    yield f'<path stroke="{FRAME}" d="M0 0l12 12m0 -12l-12 12"/>'
    yield text_element("not finite", (20, 10), LABEL_FONTS[1])
    yield "</g>"


def _description(heads: Heads, scale: Scale) -> str:
    count, queries, keys = heads.shape
    finite = heads[np.isfinite(heads)]
    size = f"{count} {'heads' if count > 1 else 'head'}, {queries} queries, {keys} keys"
    values = f"{format_number(finite.min())} to {format_number(finite.max())}" if finite.size else "none finite"
    colours = f"{format_number(-scale.limit) if scale.signed else 0} to {format_number(scale.limit)}"
    return f"{size}; values: {values}; colours: {colours}"


def _minus(text: str) -> str:
    return text.replace("-", "−")
