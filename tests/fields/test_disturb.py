"""Disturbed spectrograms: another pace, other bands, noise and gaps, each within its limits."""

import numpy as np
import pytest

import disturb as module
from disturb import disturb


@pytest.fixture
def calm(monkeypatch):
    """Nothing is disturbed, but what a test asks for."""
    monkeypatch.setattr(module, "PACE", 0.0)
    monkeypatch.setattr(module, "THROAT", 0.0)
    monkeypatch.setattr(module, "NOISE", 0.0)
    monkeypatch.setattr(module, "GAPS", 0)
    return lambda **amounts: [monkeypatch.setattr(module, name, amount) for name, amount in amounts.items()]


FRAMES = np.random.default_rng(0).random((60, 40), np.float32)


def disturbed(frames, count=200):
    return [disturb(frames, np.random.default_rng(seed)) for seed in range(count)]


def test_the_seed_decides_and_the_input_stays():
    before = FRAMES.copy()
    first, second, other = (disturb(FRAMES, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert np.array_equal(first, second)
    assert not np.array_equal(first, other[: len(first)])
    assert np.array_equal(FRAMES, before)
    assert first.dtype == np.float32


def test_with_no_amounts_nothing_but_the_last_frame_goes(calm):
    np.testing.assert_array_equal(disturb(FRAMES, np.random.default_rng(0)), FRAMES[:-1])


def test_the_pace_is_at_most_15_percent_off(calm):
    calm(PACE=0.15)
    rise = np.arange(60, dtype=np.float32)[:, None].repeat(2, axis=1)
    paces = [float(frames[1, 0] - frames[0, 0]) for frames in disturbed(rise)]
    assert 0.85 <= min(paces) < 0.87 < 1.13 < max(paces) <= 1.15
    for frames, pace in zip(disturbed(rise, 20), paces, strict=False):
        np.testing.assert_allclose(np.diff(frames[:, 0]), pace, rtol=1e-4)
        assert 59 - pace - 1e-3 < frames[-1, 0] < 59


def test_bands_move_together_by_at_most_three(calm):
    calm(THROAT=3.0)
    rise = np.arange(40, dtype=np.float32)[None].repeat(3, axis=0)
    moves = [frames[0, 20] - 20 for frames in disturbed(rise)]
    assert -3 <= min(moves) < -2.85 < 2.85 < max(moves) <= 3
    for frames, move in zip(disturbed(rise, 20), moves, strict=False):
        np.testing.assert_allclose(frames[0], (np.arange(40) + move).clip(0, 39), atol=1e-4)


def test_noise_has_its_deviation(calm):
    calm(NOISE=0.1)
    noise = np.concatenate([(frames - FRAMES[:-1]).ravel() for frames in disturbed(FRAMES, 20)])
    assert abs(noise.mean()) < 0.002
    assert abs(noise.std() - 0.1) < 0.002


def test_gaps_are_spans_of_frames_and_of_bands(calm):
    calm(GAPS=2)
    ones = np.ones((60, 40), np.float32)
    for frames in disturbed(ones, 50):
        silent_frames, silent_bands = (frames == 0).all(axis=1), (frames == 0).all(axis=0)
        assert 1 <= silent_frames.sum() <= 10
        assert 1 <= silent_bands.sum() <= 10
        assert np.array_equal(frames == 0, silent_frames[:, None] | silent_bands)


@pytest.mark.parametrize("shape", [(5,), (1, 4), (4, 1), (2, 2, 2)])
def test_what_is_no_spectrogram_is_named(shape):
    with pytest.raises(ValueError, match="shape \\(length, bands\\), at least 2 of each"):
        disturb(np.zeros(shape, np.float32), np.random.default_rng(0))
