"""The vowels: what is in the file, and that the split is the authors'."""

import hashlib

import numpy as np
import pytest

from minigrad.data import regression_baseline
from rows import pad
from utterances import vowels


def test_the_parts_have_the_sizes_that_the_authors_give():
    found = vowels()
    assert np.bincount(found.train.speakers).tolist() == [30] * 9
    assert np.bincount(found.validation.speakers).tolist() == [31, 35, 88, 44, 29, 24, 40, 50, 29]
    lengths = [len(frames) for part in (found.train, found.validation) for frames in part.frames]
    assert (min(lengths), max(lengths), sum(lengths)) == (7, 29, 9961)


@pytest.mark.parametrize(("part", "expected"), [("train", "21fc4589"), ("validation", "abc6a6a6")])
def test_the_parts_are_fixed(part, expected):
    frames, speakers = getattr(vowels(), part)
    digest = hashlib.sha256(b"".join(array.tobytes() for array in (*frames, speakers))).hexdigest()
    assert digest.startswith(expected)


def test_dtypes_and_shapes():
    for frames, speakers in (vowels().train, vowels().validation):
        assert len(frames) == len(speakers)
        assert speakers.dtype == np.int64
        assert all(array.dtype == np.float32 and array.shape[1:] == (12,) for array in frames)


def test_the_first_frame_is_that_of_the_published_file():
    expected = [1.860936, -0.207383, 0.261557, -0.214562, -0.171253, -0.118167]
    assert vowels().train.frames[0][0, :6].tolist() == np.float32(expected).tolist()


def test_no_utterance_is_in_both_parts():
    found = vowels()
    assert not {frames.tobytes() for frames in found.train.frames} & {
        frames.tobytes() for frames in found.validation.frames
    }


def test_utterances_fit_into_one_array():
    frames, mask = pad(vowels().validation.frames)
    assert frames.shape == (370, 29, 12)
    assert mask.shape == (370, 29)


def test_what_one_does_to_the_arrays_leaves_the_others_alone():
    found = vowels()
    second = found.train.frames[1].copy()
    found.train.frames[0][:] = 7
    assert np.array_equal(found.train.frames[1], second)
    assert vowels().train.frames[0].max() < 7


def test_softmax_regression_has_what_the_documentation_says():
    found = vowels()
    train, validation = (
        np.array([frames.mean(axis=0) for frames in part.frames]) for part in (found.train, found.validation)
    )
    share = regression_baseline(train, found.train.speakers, validation, found.validation.speakers)
    assert share == pytest.approx(0.968, abs=0.003)
