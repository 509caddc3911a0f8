"""Many small images as one picture: what a model was shown, what it made of it, and what it drew itself.

In come images as numbers, with captions and boxes where wanted; out goes an SVG that needs no library and no font of
its own.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from minigrad.drawing.heatmap import Heatmap
from minigrad.drawing.heatmap_theme import LIGHT
from minigrad.drawing.svg_text import escape_text, measure_text, write_text
from minigrad.drawing.text import escape_hidden

# Lengths in pixels.
IMAGE, GAP, MARGIN = 80, 12, 16  # an image is about so wide, and at least a pixel for each of its own
CAPTION_FONT, TITLE_FONT = 11, 15
LONGEST_CAPTION = 9.6  # in font sizes: 16 Latin or 9 Chinese characters; what is longer is cut
BOX_COLOURS = ("#b85e23", "#2e7fc3", "#56c4b0", "#7b3294")
MOST_PIXELS = 1_000_000

Numbers = npt.NDArray[Any]


def image_sheet(
    images: npt.ArrayLike, captions: Sequence[object] | None = None, boxes: npt.ArrayLike | None = None,
    title: str | None = None, columns: int = 10,
) -> Heatmap:  # fmt: skip
    """Draws images side by side, `columns` in a row, each with its caption under it.

    Args:
        images: (count, height, width), from 0, white paper, to 1, black ink; or with colours, (count, height, width,
            3), red, green and blue from 0 to 1. What is beyond is drawn like the end.
        captions: one for each image.
        boxes: (count, boxes, 4), the left, top, right and bottom of boxes, in pixels of the images from the left upper
            corner; drawn as outlines.

    The same arguments give the same bytes. Raises TypeError when images or boxes are not real numbers, ValueError when
    a shape does not fit, a number is not finite, there are more than a million pixels, or `columns` is below 1.

    >>> sheet = image_sheet(np.eye(8)[None], captions=["a line"], boxes=[[[0, 0, 4, 4]]])
    >>> ">a line<" in sheet.svg, sheet
    (True, <Heatmap Images: 1 image, 8 × 8 pixels>)
    """
    coloured, outlines = _check_images(images), _check_boxes(boxes)
    count, height, width = coloured.shape[:3]
    for name, given in (("captions", captions), ("boxes", outlines)):
        if given is not None and len(given) != count:
            raise ValueError(f"image_sheet: {len(given)} {name} for {count} images")
    if columns < 1:
        raise ValueError(f"image_sheet: columns={columns} must be at least 1")

    cell = max(1, round(IMAGE / width))
    texts = [] if captions is None else [escape_hidden(str(caption)) for caption in captions]
    widest = math.ceil(CAPTION_FONT * max((min(measure_text(text), LONGEST_CAPTION) for text in texts), default=0))
    room = max(cell * width, widest)
    across, down = room + GAP, cell * height + GAP + (CAPTION_FONT + 5 if texts else 0)
    top = MARGIN + (TITLE_FONT + GAP if title else 0)
    wide = 2 * MARGIN - GAP + across * min(columns, count)
    high = top + MARGIN - GAP + down * math.ceil(count / columns)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" width="{wide}" height="{high}" '
        f'viewBox="0 0 {wide} {high}" font-family="Helvetica,Arial,sans-serif" fill="{LIGHT.ink}">',
        f"<title>{escape_text(title or 'Images')}</title>"
        f"<desc>{count} image{'s' if count > 1 else ''}, {height} × {width} pixels</desc>",
        f'<rect width="{wide}" height="{high}" fill="{LIGHT.paper}"/>',
    ]
    if title:
        title_room = (wide - 2 * MARGIN) / TITLE_FONT
        parts.append(write_text(title, (MARGIN, MARGIN + 11), TITLE_FONT, 'font-weight="bold"', room=title_room))
    for position in range(count):
        row, column = divmod(position, columns)
        left = MARGIN + across * column + (room - cell * width) // 2
        parts.append(f'<g transform="translate({left} {top + down * row})">')
        parts += _write_pixels(coloured[position], cell)
        parts += [] if outlines is None else _write_boxes(outlines[position] * cell)
        parts.append(
            f'<rect x="-0.5" y="-0.5" width="{cell * width + 1}" height="{cell * height + 1}" fill="none" '
            f'stroke="{LIGHT.frame}"/>'
        )
        if texts:
            place, style = (cell * width / 2, cell * height + CAPTION_FONT + 4), 'text-anchor="middle"'
            parts.append(write_text(texts[position], place, CAPTION_FONT, style, room=room / CAPTION_FONT))
        parts.append("</g>")
    return Heatmap("\n".join([*parts, "</svg>"]) + "\n")


def _write_pixels(image: Numbers, cell: int) -> list[str]:
    """One path per colour, which joins neighbours in a row; white is the paper itself."""
    paths: dict[str, str] = {}
    for row, line in enumerate(image):
        starts = [0, *(np.flatnonzero((line[1:] != line[:-1]).any(axis=-1)) + 1).tolist()]
        for start, stop in zip(starts, [*starts[1:], len(line)], strict=True):
            colour = "#{:02x}{:02x}{:02x}".format(*line[start])
            paths[colour] = paths.get(colour, "") + f"M{start} {row}h{stop - start}v1h{start - stop}z"
    paths.pop("#ffffff", None)
    squares = [f'<path fill="{colour}" d="{paths[colour]}"/>' for colour in sorted(paths)]
    return [f'<g transform="scale({cell} {cell})" shape-rendering="crispEdges">', *squares, "</g>"]


def _write_boxes(boxes: Numbers) -> list[str]:
    return [
        f'<rect x="{left:g}" y="{top:g}" width="{max(right - left, 0):g}" height="{max(bottom - top, 0):g}" '
        f'fill="none" stroke="{BOX_COLOURS[number % len(BOX_COLOURS)]}" stroke-width="2.5"/>'
        for number, (left, top, right, bottom) in enumerate(boxes.tolist())
    ]


def _check_images(images: npt.ArrayLike) -> Numbers:
    """Red, green and blue of each pixel, 0 to 255, (count, height, width, 3)."""
    array = _check_numbers("images", images)
    if array.ndim not in (3, 4) or (array.ndim == 4 and array.shape[3] != 3) or not array.size:
        raise ValueError(
            "image_sheet: images must have shape (count, height, width) or (count, height, width, 3), none of them 0; "
            f"got {array.shape}"
        )
    if math.prod(array.shape[:3]) > MOST_PIXELS:
        raise ValueError(f"image_sheet: images of shape {array.shape} have more than {MOST_PIXELS:,} pixels")
    shares = array if array.ndim == 4 else np.repeat(1 - array[..., None], 3, axis=-1)
    return (shares.clip(0, 1) * 255 + 0.5).astype(np.int64)


def _check_boxes(boxes: npt.ArrayLike | None) -> Numbers | None:
    if boxes is None:
        return None
    array = _check_numbers("boxes", boxes)
    if array.ndim != 3 or array.shape[2] != 4:
        raise ValueError(f"image_sheet: boxes must have shape (count, boxes, 4), got {array.shape}")
    return array


def _check_numbers(name: str, values: npt.ArrayLike) -> Numbers:
    array = np.asarray(values)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"image_sheet: {name} must be real numbers, got {array.dtype}")
    if not np.isfinite(array).all():
        raise ValueError(f"image_sheet: {name} must be finite")
    return array.astype(np.float64)
