"""Spoken vowels of nine men: sequences of different lengths, to be told apart by who speaks.

Out go utterances and speakers, split as their authors split them. Called by `recognise_speakers.py`.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from split import Split

FILE = Path(__file__).parent / "files" / "vowels.csv.gz"
TRAINING_UTTERANCES = 270


class Utterances(NamedTuple):
    """Utterances and who said them.

    `frames` has an array for each, float32 of shape (length, 12), and `pad` makes one of them; `speakers` are int64 of
    shape (count,), from 0 to 8.
    """

    frames: list[npt.NDArray[np.float32]]
    speakers: npt.NDArray[np.int64]


def vowels() -> Split[Utterances]:
    """Japanese vowels, 640 utterances of /ae/ by 9 men: 270 for training and 370 for validation.

    An utterance has 7 to 29 frames, one every 6.4 ms; a frame is the 12 cepstrum coefficients of a linear prediction
    over 25.6 ms of sound. It is the same two vowels each time: what can be learned is the voice.

    Source: M. Kudo, J. Toyama and M. Shimbo, Japanese Vowels, UCI Machine Learning Repository, 1999,
    https://doi.org/10.24432/C5NS47. Licence: CC BY 4.0. The file lies in `files/`, 454 KB.

    The parts are those of the authors, who recorded the second, with 24 to 88 utterances for each man instead of 30, on
    other occasions. Softmax regression on the mean of the frames has 96.8 % of it right.

    >>> found = vowels()
    >>> len(found.train.frames), len(found.validation.frames)
    (270, 370)
    >>> found.train.frames[0].shape, found.train.speakers[0]
    ((20, 12), np.int64(0))
    """
    table = np.loadtxt(FILE, delimiter=",")
    starts = np.flatnonzero(np.diff(table[:, 0], prepend=-1))
    frames = [frame.copy() for frame in np.split(table[:, 2:].astype(np.float32), starts[1:])]
    speakers = table[starts, 1].astype(np.int64)
    return Split(
        train=Utterances(frames[:TRAINING_UTTERANCES], speakers[:TRAINING_UTTERANCES].copy()),
        validation=Utterances(frames[TRAINING_UTTERANCES:], speakers[TRAINING_UTTERANCES:].copy()),
        source="M. Kudo, J. Toyama and M. Shimbo, Japanese Vowels, https://doi.org/10.24432/C5NS47",
        licence="CC BY 4.0",
    )
