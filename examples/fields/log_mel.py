"""Sound as a spectrogram of log-mel bands: how loud it is, in decibels, around each pitch that the ear tells apart.

In comes a waveform, out go frames. Called by `speak_digits.py`.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

BANDS, LOWEST, HIGHEST = 40, 60.0, 8000.0  # hertz
WINDOW, HOP = 0.032, 0.02  # seconds
FLOOR = 1e-10  # of the power in a band, so that silence has a logarithm


def log_mel(sound: npt.ArrayLike, rate: int) -> npt.NDArray[np.float64]:
    """A frame of 40 bands for every 20 ms of `sound`: float64 of shape (frames, 40), in decibels, low bands first.

    `sound` has shape (samples,), `rate` of them a second. A frame looks at the 32 ms after its time, through a Hann
    window; what is missing at the end is silence. Bands are triangles between 60 and 8,000 Hz, evenly apart in mel.

    Raises ValueError when `sound` has no sample or more than one axis, or when `rate` is too low to hold 8,000 Hz.

    Source: S. Davis and P. Mermelstein, Comparison of parametric representations for monosyllabic word recognition in
    continuously spoken sentences, 1980, https://doi.org/10.1109/TASSP.1980.1163420, of which this is the first half.

    >>> tone = np.sin(2 * np.pi * 1000 * np.arange(16000) / 16000)
    >>> frames = log_mel(tone, rate=16000)
    >>> frames.shape, int(frames[20].argmax()), round(float(band_centres()[13]))
    ((50, 40), 13, 1047)
    """
    samples = np.asarray(sound, dtype=np.float64)
    if samples.ndim != 1 or samples.size == 0:
        raise ValueError(f"log_mel: sound has shape (samples,), at least one of them, got {samples.shape}")
    if rate < 2 * HIGHEST:
        raise ValueError(f"log_mel: {HIGHEST:.0f} Hz need at least {2 * HIGHEST:.0f} samples a second, got {rate}")
    window, hop = round(WINDOW * rate), round(HOP * rate)
    samples = np.pad(samples, (0, window - 1))
    windows = np.lib.stride_tricks.sliding_window_view(samples, window)[::hop] * np.hanning(window)
    size = 1 << (window - 1).bit_length()
    power = np.abs(np.fft.rfft(windows, size)) ** 2
    decibels: npt.NDArray[np.float64] = 10 * np.log10(power @ _bands(size, rate).T + FLOOR)
    return decibels


def band_centres() -> npt.NDArray[np.float64]:
    """The frequency of each band's peak in hertz, of shape (40,)."""
    return _band_edges()[1:-1]


def _band_edges() -> npt.NDArray[np.float64]:
    lowest, highest = (2595 * np.log10(1 + hertz / 700) for hertz in (LOWEST, HIGHEST))
    edges: npt.NDArray[np.float64] = 700 * (10 ** (np.linspace(lowest, highest, BANDS + 2) / 2595) - 1)
    return edges


def _bands(size: int, rate: int) -> npt.NDArray[np.float64]:
    """What each frequency of a transform over `size` samples adds to each band."""
    frequencies, edges = np.fft.rfftfreq(size, 1 / rate), _band_edges()[:, None]
    rising = (frequencies - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - frequencies) / (edges[2:] - edges[1:-1])
    return np.maximum(np.minimum(rising, falling), 0)
