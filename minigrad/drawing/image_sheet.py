"""Many small images as one picture: what a model was shown, what it made of it, and what it drew itself.

In come images as numbers, with captions and boxes where wanted; out goes a sheet with its SVG, which needs no library
and no font of its own.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import cycle
from typing import Any

import numpy as np
import numpy.typing as npt

from minigrad.drawing.fonts import measure_text
from minigrad.drawing.heatmap import Heatmap, read_numbers
from minigrad.drawing.heatmap_layout import LONGEST_LABEL, MARGIN, TITLE_FONT
from minigrad.drawing.heatmap_parts import draw_frame, draw_title
from minigrad.drawing.room import fit_text
from minigrad.drawing.sheet import Element, Group, Ink, Rectangle, Sheet, Text, Theme, Tiles
from minigrad.drawing.style import INKS
from minigrad.drawing.text import escape_hidden

# Lengths in points.
IMAGE, GAP = 80, 12  # an image is about so wide, and at least a pixel for each of its own
CAPTION_FONT = 11
BOX_WIDTH, BOX_COLOURS = 2.5, ("#b85e23", "#2e7fc3", "#56c4b0", "#7b3294")
MOST_PIXELS = 1_000_000

Numbers = npt.NDArray[Any]


def image_sheet(
    images: npt.ArrayLike, captions: Sequence[object] | None = None, boxes: npt.ArrayLike | None = None,
    title: str | None = None, columns: int = 10, theme: Theme = "light",
) -> Heatmap:  # fmt: skip
    """Draws images side by side, `columns` in a row, each with its caption under it.

    Args:
        images: (count, height, width), from 0, white paper, to 1, black ink; or with colours, (count, height, width,
            3), red, green and blue from 0 to 1. What is beyond is drawn like the end.
        captions: one for each image.
        boxes: (count, boxes, 4), the left, top, right and bottom of boxes, in pixels of the images from the left upper
            corner; drawn as outlines.
        theme: "light", "dark" or "auto", as of a heat map: the page; images are the same on every page.

    The same arguments give the same bytes. Raises TypeError when images or boxes are not real numbers, ValueError when
    a shape does not fit, a number is not finite, there are more than a million pixels, or `columns` is below 1.

    >>> sheet = image_sheet(np.eye(8)[None], captions=["a line"], boxes=[[[0, 0, 4, 4]]])
    >>> ">a line<" in sheet.svg, sheet
    (True, <Heatmap Images: 1 image, 8 × 8 pixels>)
    """
    coloured = _check_images(images)
    count, height, width = coloured.shape[:3]
    outlines = np.zeros((count, 0, 4)) if boxes is None else _check_boxes(boxes)
    texts = None if captions is None else [escape_hidden(str(caption)) for caption in captions]
    for name, given in (("captions", texts), ("boxes", outlines)):
        if given is not None and len(given) != count:
            raise ValueError(f"image_sheet: {len(given)} {name} for {count} images")
    if columns < 1:
        raise ValueError(f"image_sheet: columns={columns} must be at least 1")

    cell = max(1, round(IMAGE / width))
    wide, high = cell * width, cell * height
    widest = max((measure_text(text, CAPTION_FONT) for text in texts or ()), default=0)
    room = max(wide, math.ceil(min(widest, LONGEST_LABEL * CAPTION_FONT)))
    across, down = room + GAP, high + GAP + (CAPTION_FONT + 5 if texts else 0)
    top = MARGIN + (TITLE_FONT + GAP if title else 0)
    page = 2 * MARGIN - GAP + across * min(columns, count), top + MARGIN - GAP + down * math.ceil(count / columns)
    parts = [*draw_title(title, page[0])]
    for position, image in enumerate(coloured):
        row, column = divmod(position, columns)
        left, upper = MARGIN + across * column + (room - wide) // 2, top + down * row
        painted = [_draw_image(image, cell, left, upper)]
        painted += _draw_boxes(outlines[position] * cell + [left, upper, left, upper])
        painted.append(draw_frame(left, upper, wide, high))
        if texts:
            middle, baseline = left + wide / 2, upper + high + CAPTION_FONT + 4
            caption = Text(middle, baseline, texts[position], CAPTION_FONT, INKS.text, "middle")
            painted.append(fit_text(caption, room))
        parts.append(Group(painted))
    described = f"{count} image{'s' if count > 1 else ''}, {height} × {width} pixels"
    return Heatmap(Sheet(*page, parts, title or "Images", described), theme)


def _draw_image(image: Numbers, cell: int, left: int, upper: int) -> Element:
    colours, numbers = np.unique(image.reshape(-1, 3), axis=0, return_inverse=True)
    inks = [Ink(*2 * ["#{:02x}{:02x}{:02x}".format(*colour)]) for colour in colours.tolist()]  # alike in both themes
    return Tiles(left, upper, cell, cell, numbers.reshape(image.shape[:2]), inks)


def _draw_boxes(boxes: Numbers) -> Iterator[Element]:
    for (left, upper, right, lower), colour in zip(boxes.tolist(), cycle(BOX_COLOURS), strict=False):
        width, height = max(right - left, 0), max(lower - upper, 0)
        yield Rectangle(left, upper, width, height, stroke=Ink(colour, colour), stroke_width=BOX_WIDTH)


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


def _check_boxes(boxes: npt.ArrayLike) -> Numbers:
    array = _check_numbers("boxes", boxes)
    if array.ndim != 3 or array.shape[2] != 4:
        raise ValueError(f"image_sheet: boxes must have shape (count, boxes, 4), got {array.shape}")
    return array


def _check_numbers(name: str, values: npt.ArrayLike) -> Numbers:
    array = read_numbers("image_sheet", name, values)
    if not np.isfinite(array).all():
        raise ValueError(f"image_sheet: {name} must be finite")
    return array.astype(np.float64)
