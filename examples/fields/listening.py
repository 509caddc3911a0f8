"""A picture of what a model listens to: a spectrogram, attention over it, and the same weights as rows below.

In come the sound, the weights and what was written; out goes a picture. Called by `recognise_speech.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from log_mel import HOP, band_centres
from minigrad.drawing.colours import FRAME, Scale
from minigrad.drawing.curves import LOOKS, Look
from minigrad.drawing.fonts import measure_text
from minigrad.drawing.heatmap import Heatmap
from minigrad.drawing.sheet import PAPER, Element, Group, Ink, Path, Rectangle, Sheet, Text, Theme, Tiles, join_points
from minigrad.drawing.style import INKS

# Lengths in points.
WIDTH, BAND, ROW = 640, 4, 20  # the sound is about so wide; heights of a band and of a row of weights
LEFT, MARGIN, GAP, TICK = 64, 14, 22, 4
TITLE, FONT, SMALL = 15, 13, 11
FREQUENCIES = (250, 500, 1000, 2000, 4000)  # hertz, written beside the sound
GREYS = 32  # of the sound, from paper to the loudest: pale enough for lines over it
LOUDEST = Ink("#8c959f", "#6e7a87")


def draw_listening(
    sound: npt.NDArray[np.floating], weights: npt.NDArray[np.floating], spoken: Sequence[object],
    written: Sequence[object], together: int = 1, theme: Theme = "auto",
) -> Heatmap:  # fmt: skip
    """The sound in grey with a line for each sign that was written: where attention lay when it was.

    `sound` has shape (frames, 40), from 0, silence, to 1; `spoken` are the signs in it, and `written` those
    that were written, the end being the last. `weights` has shape (signs, tokens), a token being so many frames
    `together`; what lies beyond the signs that were written, or beyond the sound, is left out.

    Raises ValueError when shapes do not fit, or when there are more signs than lines can be told apart, eight.

    >>> picture = draw_listening(np.zeros((10, 40)), np.eye(2, 4), [3], [3, "end"], together=3)
    >>> picture
    <Heatmap Spoken: 3: 0.2 seconds of sound; written: 3 end>
    """
    bands, signs, tokens = len(band_centres()), len(written), -(-len(sound) // together)
    fits = weights.ndim == 2 and len(weights) >= signs and weights.shape[1] >= tokens
    if sound.ndim != 2 or sound.shape[1] != bands or not fits or not 1 <= signs <= len(LOOKS):
        raise ValueError(
            f"draw_listening: sound (frames, {bands}), weights (signs, tokens) of {together} frames each, 1 to "
            f"{len(LOOKS)} signs and a text for each; got {sound.shape}, {weights.shape} and {signs} texts"
        )
    weights = weights[:signs, :tokens]
    whole = np.zeros((tokens * together, bands))  # the last token too
    whole[: len(sound)] = sound
    cell, title = max(1, round(WIDTH / len(whole))), f"Spoken: {' '.join(map(str, spoken))}"
    chart = Chart(written, weights, cell * together, top=MARGIN + TITLE + GAP + FONT, high=BAND * bands)
    strongest = f"attention, at most {weights.max():.2f}"
    parts = [
        Text(LEFT, MARGIN + TITLE - 2, title, TITLE, INKS.text, bold=True),
        Text(LEFT + chart.wide, MARGIN + TITLE - 2, strongest, SMALL, INKS.quiet, "end"),
        *_draw_sound(whole, cell, chart.top),
        *_draw_lines(chart),
        *_draw_rows(chart),
        *_draw_times(len(whole), cell, chart.bottom),
    ]
    described = f"{len(sound) * HOP:.1f} seconds of sound; written: {' '.join(map(str, written))}"
    page = LEFT + chart.wide + 2 * MARGIN, chart.bottom + TICK + SMALL + FONT + MARGIN
    return Heatmap(Sheet(*page, parts, title, described), theme)


@dataclass(frozen=True)
class Chart:
    """Where lines and rows lie: all of a token's width is its `span`."""

    written: Sequence[object]
    weights: npt.NDArray[np.floating]
    span: int
    top: int
    high: int

    @property
    def wide(self) -> int:
        return self.span * len(self.weights.T)

    @property
    def rows(self) -> int:
        """The upper edge of the map."""
        return self.top + self.high + GAP

    @property
    def bottom(self) -> int:
        return self.rows + ROW * len(self.weights)

    @property
    def looks(self) -> list[Look]:
        """Colours for the signs, and grey for the end."""
        return [*(LOOKS[:1] + LOOKS[2:])[: len(self.written) - 1], LOOKS[1]]


def _draw_sound(sound: npt.NDArray[np.floating], cell: int, top: int) -> Iterator[Element]:
    """High frequencies above, some of them written at the left."""
    places = np.rint(sound.T[::-1].clip(0, 1) * (GREYS - 1)).astype(np.int64)
    yield Tiles(LEFT, top, cell, BAND, places, _greys())
    yield Rectangle(LEFT - 0.5, top - 0.5, cell * len(sound) + 1, BAND * sound.shape[1] + 1, stroke=FRAME)
    centres = band_centres()
    for frequency in FREQUENCIES:
        y = top + BAND * (len(centres) - 0.5 - np.interp(frequency, centres, np.arange(len(centres))))
        yield Path(join_points((LEFT - TICK, y), (LEFT - 0.5, y)), stroke=FRAME)
        yield Text(LEFT - TICK - 3, y + 0.35 * SMALL, f"{frequency}", SMALL, INKS.text, "end")
    middle = top + BAND * len(centres) / 2
    yield Text(MARGIN + SMALL - 2, middle, "frequency, Hz", SMALL, INKS.quiet, "middle", turned=True)


def _greys() -> list[Ink]:
    """From the paper of each theme to the loudest sound."""
    themes = []
    for paper, loud in zip(PAPER, LOUDEST, strict=True):
        first, last = ([int(colour[at : at + 2], 16) for at in (1, 3, 5)] for colour in (paper, loud))
        shades = np.rint(np.linspace(first, last, GREYS)).astype(int).tolist()
        themes.append(["#{:02x}{:02x}{:02x}".format(*shade) for shade in shades])
    return [Ink(*pair) for pair in zip(*themes, strict=True)]


def _draw_lines(chart: Chart) -> Iterator[Element]:
    """A line over the sound for each sign, which is written above its highest place, or beside another one."""
    scale = 0.94 * chart.high / chart.weights.max()
    middles = LEFT + chart.span * (np.arange(chart.weights.shape[1]) + 0.5)
    highest = chart.weights.argmax(axis=1)
    free = 0.0  # to the right of what is written there
    for place in highest.argsort(kind="stable").tolist():
        sign, look, row = str(chart.written[place]), chart.looks[place], chart.weights[place]
        points = zip(middles.tolist(), (chart.top + chart.high - scale * row).tolist(), strict=True)
        half = measure_text(sign, FONT) / 2
        middle = max(float(middles[highest[place]]), free + half)
        free = middle + half + 4
        line = Path(join_points(*points), stroke=look.ink, stroke_width=2.0, dash=look.dash)
        yield Group([line, Text(middle, chart.top - 7, sign, FONT, look.ink, "middle", bold=True)])


def _draw_rows(chart: Chart) -> Iterator[Element]:
    """The same weights as a map, a row for each sign, in time with the sound above."""
    scale = Scale(float(chart.weights.max()), signed=False)
    yield Tiles(LEFT, chart.rows, chart.span, ROW, scale.index(chart.weights.astype(np.float64)), scale.inks)
    yield Rectangle(LEFT - 0.5, chart.rows - 0.5, chart.wide + 1, ROW * len(chart.weights) + 1, stroke=FRAME)
    for place, (sign, look) in enumerate(zip(chart.written, chart.looks, strict=True)):
        y = chart.rows + ROW * (place + 0.5) + 0.35 * FONT
        yield Text(LEFT - TICK - 3, y, str(sign), FONT, look.ink, "end", bold=True)
    middle = (chart.rows + chart.bottom) / 2
    yield Text(MARGIN + SMALL - 2, middle, "written", SMALL, INKS.quiet, "middle", turned=True)


def _draw_times(frames: int, cell: int, bottom: int) -> Iterator[Element]:
    """Ticks every fifth of a second, and a number at every other."""
    for place in range(int(frames * HOP / 0.2) + 1):
        x = LEFT + place * 0.2 / HOP * cell
        yield Path(join_points((x, bottom + 0.5), (x, bottom + TICK)), stroke=FRAME)
        yield Text(x, bottom + TICK + SMALL, f"{place * 0.2:.1f}", SMALL, INKS.text, "middle")
    middle = LEFT + frames * cell / 2
    yield Text(middle, bottom + TICK + SMALL + FONT + 2, "seconds", SMALL, INKS.quiet, "middle")


def share_onwards(weights: npt.NDArray[np.floating], written: Sequence[Sequence[object]]) -> float:
    """How often what is listened to lies later for a sign than for the one before, as a share of all such pairs.

    `weights` has shape (sequences, signs, tokens); as many signs of each are asked as there are in `written`. The
    place of attention is the mean of its tokens, by their weights. NaN where no sequence has two signs.

    >>> share_onwards(np.array([[[0.9, 0.1], [0, 1], [1, 0]], [[1, 0], [0.5, 0.5], [0, 1]]]), ["abc", "ab"])
    0.6666666666666666
    """
    centres = weights @ np.arange(weights.shape[-1]) / weights.sum(axis=-1)
    onwards = np.concatenate([np.diff(row[: len(signs)]) > 0 for row, signs in zip(centres, written, strict=True)])
    return float(onwards.mean()) if len(onwards) else np.nan
