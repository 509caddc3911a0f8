"""Spectrograms: a tone is where its frequency is, and twice as loud is six decibels more."""

import numpy as np
import pytest

from log_mel import BANDS, band_centres, log_mel


def tone(frequency, rate=22050, seconds=0.5):
    return np.sin(2 * np.pi * frequency * np.arange(int(rate * seconds)) / rate)


@pytest.mark.parametrize("rate", [16000, 22050, 44100])
def test_a_tone_is_loudest_in_the_band_around_it(rate):
    for band in range(3, BANDS, 6):
        frames = log_mel(tone(band_centres()[band], rate), rate)
        assert frames.shape == (25, BANDS)
        assert (frames[:23].argmax(axis=1) == band).all()


def test_bands_are_evenly_apart_in_mel():
    centres = band_centres()
    assert centres.shape == (BANDS,)
    assert 60 < centres[0] < centres[-1] < 8000
    np.testing.assert_allclose(np.diff(np.log1p(centres / 700), n=2), 0, atol=1e-12)


def test_twice_as_loud_is_six_decibels_more():
    sound = np.random.default_rng(0).standard_normal(4000)
    np.testing.assert_allclose(log_mel(2 * sound, 16000) - log_mel(sound, 16000), 20 * np.log10(2), rtol=1e-6)


def test_silence_has_a_floor_and_a_click_stays_in_its_frames():
    sound = np.zeros(16000)
    assert (log_mel(sound, 16000) == -100).all()
    sound[8000] = 1  # after 0.5 seconds, frame 25
    heard = np.flatnonzero(log_mel(sound, 16000).max(axis=1) > -100)
    assert heard.tolist() == [24]  # at the edge of frame 25 the window is 0


@pytest.mark.parametrize(
    ("sound", "rate", "message"),
    [([], 16000, r"at least one of them, got \(0,\)"), (np.zeros((2, 9)), 16000, r"got \(2, 9\)"),
     (np.zeros(9), 8000, "need at least 16000 samples a second, got 8000")],
)  # fmt: skip
def test_what_is_no_sound_is_named(sound, rate, message):
    with pytest.raises(ValueError, match=message):
        log_mel(sound, rate)
