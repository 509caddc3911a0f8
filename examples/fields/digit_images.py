"""Handwritten digits: small images to classify, to draw, or to read pixel by pixel.

Out go images and labels, split once.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from split import Split

FILE = Path(__file__).parent / "files" / "digits.csv.gz"
BLACK = 16
EVERY = 5  # image of each digit is for validation


class Images(NamedTuple):
    """Images and what they show.

    `images` are float32 of shape (count, 8, 8), 0 for white paper to 1 for ink; `levels` the same as integers, the 17
    levels 0 to 16, int64; `labels` the digits, int64 of shape (count,).
    """

    images: npt.NDArray[np.float32]
    levels: npt.NDArray[np.int64]
    labels: npt.NDArray[np.int64]


def digits() -> Split[Images]:
    """Handwritten digits, 1,797 grey images of 8 × 8 pixels: 1,442 for training and 355 for validation.

    Source: E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, UCI Machine Learning Repository, 1998,
    https://doi.org/10.24432/C50P49, the part that they call the test set. Licence: CC BY 4.0. The file lies in
    `files/`, 57 KB.

    Of each digit every fifth image, in the order of the file, is for validation. The file goes from writer to writer,
    13 in all, so all of them are in both parts: a score tells about new images by known hands. It would be lower for
    new hands: softmax regression has 96.9 % of this validation part right, and 90 % of the file's last fifth where the
    rest is learned from.

    >>> split = digits()
    >>> split.train.images.shape, split.validation.images.shape
    ((1442, 8, 8), (355, 8, 8))
    >>> print("\\n".join("".join("..:-=+*#@"[level // 2] for level in row) for row in split.train.levels[0]))
    ..:*=...
    ..*#+#:.
    ..#..+=.
    .:*..==.
    .:=..==.
    .:+..*-.
    ..#:+*..
    ..-*+...
    """
    table = np.loadtxt(FILE, delimiter=",").astype(np.int64)
    levels, labels = table[:, :-1].reshape(-1, 8, 8), table[:, -1]
    rank = np.empty(len(labels), dtype=np.int64)
    for digit in range(10):
        of_digit = labels == digit
        rank[of_digit] = np.arange(np.count_nonzero(of_digit))
    held_out = rank % EVERY == EVERY - 1
    train, validation = (
        Images((levels[rows] / BLACK).astype(np.float32), levels[rows], labels[rows]) for rows in (~held_out, held_out)
    )
    return Split(
        train=train,
        validation=validation,
        source="E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, https://doi.org/10.24432/C50P49",
        licence="CC BY 4.0",
    )
