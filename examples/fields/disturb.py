"""Spectrograms as another throat, another pace and a noisier room would have made them: more sound to learn from.

In comes a spectrogram, out goes another. Called by `recognise_speech.py`.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

PACE, THROAT, NOISE = 0.15, 3.0, 0.1  # a share of the pace; bands; of the range from silence to the loudest place
GAPS, LONGEST_GAP = 2, 5  # silent spans of frames, and as many of bands, each so long at most

Frames = npt.NDArray[np.float32]


def disturb(frames: Frames, rng: np.random.Generator) -> Frames:
    """Another spectrogram of what is said in `frames`: float32 of shape (other length, bands), and a copy.

    `frames` has shape (length, bands), at least two of each, from 0, silence, to 1. The sound goes up to 15 % faster or
    slower, and everything up to three bands up or down, as in shorter and longer throats. Then comes noise, and a few
    spans of frames and of bands are silent.

    Raises ValueError when `frames` do not have two axes of at least two places each.

    Source: N. Jaitly and G. Hinton, Vocal tract length perturbation improves speech recognition, 2013; D. Park et al.,
    SpecAugment, 2019, https://arxiv.org/abs/1904.08779.

    >>> frames = np.linspace(0, 1, 100, dtype=np.float32).reshape(20, 5)
    >>> disturb(frames, np.random.default_rng(0)).shape
    (19, 5)
    """
    if frames.ndim != 2 or min(frames.shape) < 2:
        raise ValueError(f"disturb: frames have shape (length, bands), at least 2 of each; got {frames.shape}")
    times = np.arange(0, len(frames) - 1, rng.uniform(1 - PACE, 1 + PACE))
    bands = np.arange(frames.shape[1]) + rng.uniform(-THROAT, THROAT)
    disturbed = _read_between(_read_between(frames, times).T, bands).T
    disturbed = disturbed + np.float32(NOISE) * rng.standard_normal(disturbed.shape, np.float32)
    for surface in (disturbed, disturbed.T):
        for start in rng.integers(len(surface), size=GAPS):
            surface[start : start + rng.integers(1, LONGEST_GAP + 1)] = 0
    return disturbed


def _read_between(rows: Frames, places: npt.NDArray[np.floating]) -> Frames:
    """The rows at `places`, which lie between two of them, or beyond the first or the last."""
    places = places.clip(0, len(rows) - 1)
    lower = np.minimum(places.astype(np.int64), len(rows) - 2)
    share = (places - lower).astype(np.float32)[:, None]
    between: Frames = rows[lower] * (1 - share) + rows[lower + 1] * share
    return between
