"""The spoken digits: what is in the file, that no voice is in both parts, and that espeak-ng still says the same."""

import hashlib
import shutil
import subprocess

import numpy as np
import pytest

from speak_digits import ACCENTS, all_variants, difference, distinct, speak, to_levels
from spoken_digits import FILE, ROOM, draw_utterance, spoken_digits

each_kind = pytest.mark.parametrize("single", [False, True])


@each_kind
def test_the_parts_have_every_voice_and_every_digit(single):
    found = spoken_digits(single)
    for part, voices in ((found.train, 68), (found.validation, 17)):
        frames, digits, names = part
        each = 10 if single else 20
        assert len(frames) == len(digits) == len(names) == each * voices
        assert {names.count(name) for name in names} == {each}
        assert {len(said) for said in digits} == ({1} if single else {3, 4, 5})
        counts = np.bincount(np.concatenate(digits))
        assert counts.min() > 0.8 * counts.mean()
        assert not single or set(counts) == {voices}


@each_kind
def test_no_voice_is_in_both_parts_and_no_sound(single):
    """Voices that differ by name alone would say the same: so it was where `en-gb` took every voice for one."""
    train, unseen = spoken_digits(single).train, spoken_digits(single).validation
    assert not {*train.voices} & {*unseen.voices}
    assert not {each.tobytes() for each in train.frames} & {each.tobytes() for each in unseen.frames}


@each_kind
def test_frames_are_steps_from_silence_to_the_loudest_place(single):
    for part in (spoken_digits(single).train, spoken_digits(single).validation):
        for frames in part.frames:
            assert frames.dtype == np.float32
            assert frames.shape[1:] == (40,)
            assert frames.max() == 1
            assert frames.min() == 0
        assert set(np.unique(part.frames[0] * 15).round(4)) <= {*range(16)}


@pytest.mark.parametrize(("part", "expected"), [("train", "2bf19d04"), ("validation", "456ccafa")])
def test_the_parts_are_fixed(part, expected):
    frames, digits, voices = getattr(spoken_digits(), part)
    content = b"".join(each.tobytes() for each in frames) + repr((digits, voices)).encode()
    assert hashlib.sha256(content).hexdigest().startswith(expected)


def test_what_one_does_to_the_arrays_leaves_the_others_alone():
    found = spoken_digits()
    second = found.train.frames[1].copy()
    found.train.frames[0][:] = 7
    assert np.array_equal(found.train.frames[1], second)
    assert spoken_digits().train.frames[0].max() == 1


def test_half_of_what_is_drawn_is_put_together_from_single_digits_of_one_voice():
    known, singles, rng = spoken_digits().train, spoken_digits(single=True).train, np.random.default_rng(0)
    whole = {frames.tobytes(): digits for frames, digits in zip(known.frames, known.digits, strict=True)}
    parts: dict[str, list] = {}
    for frames, _, voice in zip(*singles, strict=True):
        parts.setdefault(voice, []).append(frames)
    drawn = [draw_utterance(known, singles, rng) for _ in range(300)]
    joined = [each for each in drawn if each[0].tobytes() not in whole]
    assert all(whole[frames.tobytes()] == digits for frames, digits in drawn if frames.tobytes() in whole)
    assert 120 < len(joined) < 180
    for frames, digits in joined:
        assert frames.dtype == np.float32
        assert len(digits) <= 5
        assert len(frames) <= ROOM + 2
    for frames, _ in joined[:20]:  # they begin as some single digit does
        start = frames[:5].tobytes()
        assert any(start in each.tobytes() for voice in parts.values() for each in voice)
    assert {len(digits) for _, digits in joined} >= {3, 4, 5}


def test_the_files_beside_the_examples_stay_small():
    assert FILE.stat().st_size < 2_000_000


def test_steps_are_cut_off_sixty_decibels_below_the_loudest_place():
    levels = to_levels(np.array([[0.0, -3.0, -59.0, -61.0, -100.0, -31.0]]))
    assert levels.tolist() == [[15, 14, 0, 0, 0, 7]]
    assert levels.dtype == np.uint8


def espeak_version():
    if shutil.which("espeak-ng") is None:
        return ""
    return subprocess.run(["espeak-ng", "--version"], capture_output=True, text=True, check=True).stdout


with_espeak = pytest.mark.skipif("1.51 " not in espeak_version(), reason="espeak-ng 1.51 is not installed")


@with_espeak
def test_espeak_says_what_is_in_the_file():
    with np.load(FILE) as file:
        levels, digits, table, voices = (file[name] for name in ("levels", "digits", "utterances", "voices"))
        assert file["accents"].tolist() == list(ACCENTS)
    ends = np.cumsum(table[:, 5], dtype=np.int64)
    for row in (0, 700, 1500, 2500):
        place, _, accent, speed, pitch, length = map(int, table[row])
        said = [digit for digit in digits[row].tolist() if digit >= 0]
        spoken = to_levels(speak(f"{ACCENTS[accent]}+{voices[place]}", said, speed, pitch))
        kept = levels[ends[row] - length : ends[row]]
        assert spoken.shape == kept.shape
        assert np.abs(spoken.astype(int) - kept).max() <= 1  # another FFT may round otherwise
        assert (spoken != kept).mean() < 0.001


@with_espeak
def test_voices_that_sound_alike_are_left_out():
    assert len(all_variants()) == 101
    assert distinct(["adam", "caleb", "f1"]) == ["adam", "f1"]


@with_espeak
@pytest.mark.parametrize("accent", ACCENTS)
def test_every_accent_is_spoken_in_the_voice_that_is_asked_for(accent):
    """English of Great Britain, `en-gb`, is not: it has one voice whatever one asks for."""
    first, second = (to_levels(speak(f"{accent}+{voice}", [3, 9], 170, 50)) for voice in ("f1", "m3"))
    assert first.shape != second.shape or difference(first.astype(float), second.astype(float)) > 2
