"""What a heat map is made of, as SVG elements: captions, panels of cells, the colour bar.

In come the weights, where everything goes, and the colours; out go lines of SVG.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from minigrad.drawing.colours import Scale
from minigrad.drawing.heatmap_layout import GAP, LABEL_FONTS, LONGEST_LABEL, MARGIN, TITLE_FONT, Labels, Layout
from minigrad.drawing.heatmap_theme import MISSING_INDEX, Look
from minigrad.drawing.svg_text import format_pixels, measure_text, write_text
from minigrad.drawing.text import format_number

VALUE_FONTS, HEAD_FONT = (8, 12), 12  # pixels

Heads = npt.NDArray[np.float64]  # (heads, queries, keys)
Places = npt.NDArray[np.int64]  # of each cell of a panel in the colours of the scale


def write_captions(layout: Layout, title: str | None, look: Look) -> Iterator[str]:
    """The title, and what the axes are."""
    left, top = layout.panels[0]
    right = layout.bar_left - GAP
    bottom = layout.panels[-1][1] + layout.panel[1]
    if title:
        room = (layout.width - 2 * MARGIN) / TITLE_FONT
        yield write_text(title, (MARGIN, MARGIN + TITLE_FONT - 2), TITLE_FONT, 'font-weight="bold"', room=room)
    font, style = LABEL_FONTS[1], f'text-anchor="middle" {look.part("faint")}'
    keys = _write_caption(layout.columns, layout.column_step)
    yield write_text(keys, ((left + right) / 2, bottom + layout.below), font, style)
    queries = _write_caption(layout.rows, layout.row_step)
    yield write_text(queries, (MARGIN + font - 2, (top + bottom) / 2), font, style, turned=True)


def _write_caption(labels: Labels, step: int) -> str:
    return f"{labels.axis}, 1 label in {step}" if labels.given and step > 1 else labels.axis


def write_panels(layout: Layout, heads: Heads, scale: Scale, look: Look, panel: str) -> Iterator[str]:
    """One panel per head, or whatever a `panel` is: labels, cells, and values where there is room."""
    value_font = _choose_value_font(layout, heads, scale)
    for number, ((left, top), values) in enumerate(zip(layout.panels, heads, strict=True)):
        places = np.where(np.isfinite(values), scale.index(np.nan_to_num(values)), MISSING_INDEX)
        yield f'<g transform="translate({left} {top})">'
        if len(heads) > 1:
            yield write_text(f"{panel} {number}", (0, -6), HEAD_FONT)
        if number % layout.per_line == 0:
            yield from _write_row_labels(layout)
        if number + layout.per_line >= len(heads):
            yield from _write_column_labels(layout)
        yield from _write_cells(layout, places, look)
        if value_font:
            yield from _write_values(layout, values, places, value_font, scale.limit, look)
        else:
            yield from _write_crosses(layout, values, look)
        yield "</g>"


def _write_row_labels(layout: Layout) -> Iterator[str]:
    for row in range(0, len(layout.rows.texts), layout.row_step):
        place = -6, (row + 0.5) * layout.cell[1] + 0.35 * layout.font
        yield write_text(layout.rows.texts[row], place, layout.font, 'text-anchor="end"', room=LONGEST_LABEL)


def _write_column_labels(layout: Layout) -> Iterator[str]:
    style = f'text-anchor="{"end" if layout.upright else "middle"}"'
    across, down = (0.35, 0) if layout.upright else (0, 0.8)
    for column in range(0, len(layout.columns.texts), layout.column_step):
        place = (column + 0.5) * layout.cell[0] + across * layout.font, layout.panel[1] + 6 + down * layout.font
        text = layout.columns.texts[column]
        yield write_text(text, place, layout.font, style, room=LONGEST_LABEL, turned=layout.upright)


def _write_cells(layout: Layout, places: Places, look: Look) -> Iterator[str]:
    """One path per colour, which joins neighbours in a row: a few hundred elements instead of a square per cell."""
    paths: dict[int, list[str]] = {}
    for place, row, start, stop in _list_runs(places):
        paths.setdefault(place, []).append(f"M{start} {row}h{stop - start}v1h{start - stop}z")
    width, height = layout.cell
    yield f'<g transform="scale({width} {height})" shape-rendering="crispEdges">'
    yield from (f'<path {look.cell(place)} d="{"".join(squares)}"/>' for place, squares in sorted(paths.items()))
    yield "</g>"
    if min(layout.cell) >= 14 and places.size > 1:
        lines = [f"M{width * column} 0v{layout.panel[1]}" for column in range(1, places.shape[1])]
        lines += [f"M0 {height * row}h{layout.panel[0]}" for row in range(1, places.shape[0])]
        yield f'<path {look.part("grid")} d="{"".join(lines)}"/>'
    yield _write_frame(*layout.panel, look)


def _list_runs(places: Places) -> Iterator[tuple[int, int, int, int]]:
    """Neighbours of one colour in a row: its place in the scale, row, first column, column after the last."""
    new = np.ones(places.shape, np.bool_)
    new[:, 1:] = places[:, 1:] != places[:, :-1]
    starts = np.flatnonzero(new)
    lengths = np.diff(starts, append=places.size)
    for start, length in zip(starts.tolist(), lengths.tolist(), strict=True):
        row, column = divmod(start, places.shape[1])
        yield int(places[row, column]), row, column, column + length


def _write_frame(width: int, height: int, look: Look) -> str:
    return f'<rect x="-0.5" y="-0.5" width="{width + 1}" height="{height + 1}" fill="none" {look.part("frame")}/>'


def _write_crosses(layout: Layout, values: Heads, look: Look) -> Iterator[str]:
    width, height = layout.cell
    missing = np.argwhere(~np.isfinite(values)).tolist()
    if missing:
        crosses = [f"M{x * width} {y * height}l{width} {height}m0 {-height}l{-width} {height}" for y, x in missing]
        yield f'<path {look.part("frame")} d="{"".join(crosses)}"/>'


def _choose_value_font(layout: Layout, heads: Heads, scale: Scale) -> int:
    """The size in which every value fits its cell, 0 where it would be too small to read."""
    width, height = layout.cell
    if width < 20 or height < 14:
        return 0
    widest = max(measure_text(_format_value(value, scale.limit)) for value in heads.ravel().tolist())
    size = min(VALUE_FONTS[1], int(0.88 * width / widest), int(0.6 * height))
    return size if size >= VALUE_FONTS[0] else 0


def _write_values(
    layout: Layout, values: Heads, places: Places, font: int, limit: float, look: Look
) -> Iterator[str]:  # fmt: skip
    yield f'<g font-size="{font}" text-anchor="middle">'
    for (row, column), value in np.ndenumerate(values):
        x, y = (column + 0.5) * layout.cell[0], (row + 0.5) * layout.cell[1] + 0.35 * font
        ink = look.on_cell(int(places[row, column]))
        yield f'<text x="{format_pixels(x)}" y="{format_pixels(y)}" {ink}>{_format_value(value, limit)}</text>'
    yield "</g>"


def _format_value(value: float, limit: float) -> str:
    """Two decimals for attention weights, fewer for larger numbers; never `-0.00`."""
    text = format_number(value)
    if math.isfinite(value) and 0.1 <= limit < 1000:
        text = f"{value:.{2 - max(0, math.floor(math.log10(limit)))}f}"
        text = text.lstrip("-") if float(text) == 0 else text
    return _set_minus(text if len(text) <= 6 else f"{value:.2g}")


def write_colour_bar(layout: Layout, heads: Heads, scale: Scale, look: Look) -> Iterator[str]:
    """The scale with its numbers; under it what a cross is, where there may be one."""
    yield f'<g transform="translate({layout.bar_left} {layout.panels[0][1]})">'
    for start in range(0, layout.bar, 2):
        colour = look.cell(round(255 * (1 - (start + 1) / layout.bar)))
        yield f'<rect y="{start}" width="12" height="2" {colour} shape-rendering="crispEdges"/>'
    yield _write_frame(12, layout.bar, look)
    finite, font = heads[np.isfinite(heads)], LABEL_FONTS[1]
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        value, y = scale.limit * (2 * share - 1 if scale.signed else share), (1 - share) * layout.bar
        below, above = share == 0 and (finite < value).any(), share == 1 and (finite > value).any()
        number = ("≤ " if below else "≥ " if above else "") + _set_minus(f"{value:.3g}")
        yield f'<path {look.part("frame")} d="M12.5 {format_pixels(y)}h4"/>'
        yield write_text(number, (20, y + 0.35 * font), font)
    yield "</g>"
    if finite.size < heads.size and not _choose_value_font(layout, heads, scale):
        yield from _write_legend(layout, look)


def _write_legend(layout: Layout, look: Look) -> Iterator[str]:
    yield f'<g transform="translate({layout.bar_left} {layout.panels[0][1] + layout.bar + 12})">'
    yield f'<rect width="12" height="12" {look.cell(MISSING_INDEX)}/>'
    yield f'<path {look.part("frame")} d="M0 0l12 12m0 -12l-12 12"/>'
    yield write_text("not finite", (20, 10), LABEL_FONTS[1])
    yield "</g>"


def describe_heatmap(heads: Heads, scale: Scale, axes: tuple[str, str, str]) -> str:
    """The picture in a few words, for those who do not see it."""
    count, rows, columns = heads.shape
    finite = heads[np.isfinite(heads)]
    size = f"{count} {axes[0]}{'s' if count > 1 else ''}, {rows} {axes[1]}, {columns} {axes[2]}"
    values = f"{format_number(finite.min())} to {format_number(finite.max())}" if finite.size else "none finite"
    colours = f"{format_number(-scale.limit) if scale.signed else 0} to {format_number(scale.limit)}"
    return f"{size}; values: {values}; colours: {colours}"


def _set_minus(text: str) -> str:
    return text.replace("-", "−")
