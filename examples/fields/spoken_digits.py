"""Digits as a synthesiser says them, in sequences and one by one: sound to be written down.

Out go spectrograms and what is said, split by voices. Called by `recognise_speech.py`; `speak_digits.py` made the file.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from split import Split

FILE = Path(__file__).parent / "files" / "spoken_digits.npz"
LEVELS = 15  # above silence, 4 decibels each
LOUD, PAUSE, ROOM = 0.35, 3, 145  # where a digit begins and ends; frames between digits, and in all, at most

Frames = npt.NDArray[np.float32]


class SpokenDigits(NamedTuple):
    """Utterances, what is said in them, and in which voice.

    `frames` has an array for each, float32 of shape (length, 40): a spectrogram of `log_mel`, a frame every 20 ms, from
    0, which is 60 decibels below its loudest place or less, to 1, in steps of 4 decibels. `digits` has what is said,
    and `voices` the name of espeak-ng's variant.
    """

    frames: list[Frames]
    digits: list[list[int]]
    voices: list[str]


def spoken_digits(single: bool = False) -> Split[SpokenDigits]:
    """Sequences of three to five digits: 1,360 in 68 voices for training, 340 in 17 others for validation.

    Nobody has spoken them: they are what the synthesiser espeak-ng 1.51 says in its variants, a voice each, 20
    sequences at one go, in English of eight regions at 130 to 210 words a minute. With `single`, each voice says each
    of the ten digits once, by itself: 680 and 170 utterances.

    Source: made by `speak_digits.py`; `files/SOURCES.md` says what the licence of espeak-ng, GPL 3, means for it. The
    file lies in `files/`, 1.8 MB. `warping_baseline` has 98 % of the single digits right.

    >>> found = spoken_digits()
    >>> len(found.train.frames), len(found.validation.frames)
    (1360, 340)
    >>> found.train.frames[0].shape, found.train.digits[0], found.train.voices[0]
    ((80, 40), [6, 5, 2, 3, 0], 'Alex')
    """
    with np.load(FILE) as file:
        levels, digits, table, names = (file[name] for name in ("levels", "digits", "utterances", "voices"))
    frames = np.split(levels.astype(np.float32) / LEVELS, np.cumsum(table[:-1, 5], dtype=np.int64))
    wanted = ((digits >= 0).sum(axis=1) == 1) == single
    train, validation = (np.flatnonzero(wanted & (table[:, 1] == part)) for part in (0, 1))

    def chosen(rows: npt.NDArray[np.int64]) -> SpokenDigits:
        said = [[int(digit) for digit in digits[row] if digit >= 0] for row in rows]
        return SpokenDigits([frames[row].copy() for row in rows], said, [str(names[table[row, 0]]) for row in rows])

    return Split(chosen(train), chosen(validation), "digits spoken by the synthesiser espeak-ng 1.51", "see SOURCES.md")


def draw_utterance(
    sequences: SpokenDigits, singles: SpokenDigits, rng: np.random.Generator
) -> tuple[Frames, list[int]]:
    """One of the sequences; or, as often, three to five single digits of one voice, with pauses of up to 40 ms.

    As many of them are taken as fit into 2.9 seconds. So every digit stands beside every other, and not only where
    `sequences` have them.

    >>> known = spoken_digits().train, spoken_digits(single=True).train
    >>> frames, digits = draw_utterance(*known, np.random.default_rng(1))
    >>> frames.shape, digits
    ((94, 40), [0, 1, 8, 9, 2])
    """
    if rng.random() < 0.5:
        row = rng.integers(len(sequences.frames))
        return sequences.frames[row], sequences.digits[row]
    voice = singles.voices[rng.integers(len(singles.voices))]
    rows = [row for row, name in enumerate(singles.voices) if name == voice]
    parts: list[Frames] = []
    digits: list[int] = []
    for row in rng.choice(rows, size=rng.integers(3, 6)):
        loud = np.flatnonzero(singles.frames[row].max(axis=1) > LOUD)
        part = singles.frames[row][loud[0] : loud[-1] + 1]
        if sum(map(len, parts)) + len(part) > ROOM:
            break
        parts += [part, np.zeros((rng.integers(PAUSE), part.shape[1]), np.float32)]
        digits += singles.digits[row]
    return np.concatenate(parts), digits
