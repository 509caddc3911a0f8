"""Padding."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rows import pad, pad_targets


@given(st.lists(st.lists(st.integers(-5, 5), max_size=6), max_size=6))
def test_what_the_mask_keeps_of_a_padded_array_is_what_came_in(sequences):
    array, mask = pad(sequences, value=9)
    assert array.shape == mask.shape == (len(sequences), max(map(len, sequences), default=0))
    assert array.dtype == np.int64
    assert mask.dtype == np.bool_
    assert [row[kept].tolist() for row, kept in zip(array, mask, strict=True)] == sequences
    assert (array[~mask] == 9).all()
    assert (np.diff(mask.astype(int), axis=1) <= 0).all()


@given(st.lists(st.integers(0, 5), min_size=1, max_size=6), st.sampled_from([(), (3,), (2, 1)]))
def test_what_stands_behind_the_first_axis_stays_as_it_is(lengths, rest):
    rng = np.random.default_rng(0)
    sequences = [rng.standard_normal((length, *rest)).astype(np.float32) for length in lengths]
    array, mask = pad(sequences)
    assert array.shape == (len(lengths), max(lengths), *rest)
    assert array.dtype == (np.float32 if any(lengths) else np.int64)
    assert mask.sum(axis=1).tolist() == lengths
    assert (array[~mask] == 0).all()
    for row, kept, sequence in zip(array, mask, sequences, strict=True):
        assert np.array_equal(row[kept], sequence)


def test_padding_keeps_large_integers_next_to_an_empty_sequence():
    assert pad([[2**60 + 1], []], 0)[0].tolist() == [[2**60 + 1], [0]]


@pytest.mark.parametrize(
    ("sequences", "value", "dtype"),
    [
        ([np.ones(2, np.float32), np.ones(1, np.float32)], np.nan, np.float32),
        ([np.ones(2, np.uint8), [], np.ones(1, np.int16)], -1, np.int16),
        ([[True], [False, True]], False, np.bool_),
        ([[1, 2], [0.5]], 0, np.float64),
        ([[], []], 0, np.int64),
    ],
)
def test_padding_keeps_the_common_dtype(sequences, value, dtype):
    assert pad(sequences, value)[0].dtype == dtype


@pytest.mark.parametrize(
    ("wrong", "error", "message"),
    [
        (lambda: pad([[1], [[2]]], 0), ValueError, r"sequence 1 has \(1, 1\)"),
        (lambda: pad([np.ones((2, 3)), np.ones((2, 4))]), ValueError, r"0 has \(2, 3\), sequence 1 has \(2, 4\)"),
        (lambda: pad([5]), ValueError, r"\(length, …\)"),
        (lambda: pad([["a"]], 0), TypeError, "sequence 0 has dtype <U1"),
        (lambda: pad([[1, 2], [3]], 0.5), ValueError, "0.5 cannot be held by int64"),
        (lambda: pad([np.ones(2, np.uint8)], -1), ValueError, "-1 cannot be held by uint8"),
    ],
)
def test_misuse_is_explained_at_the_call(wrong, error, message):
    with pytest.raises(error, match=message):
        wrong()


def test_a_length_takes_the_place_of_the_longest():
    array, mask = pad([[1, 2], [3]], value=9, length=4)
    assert array.tolist() == [[1, 2, 9, 9], [3, 9, 9, 9]]
    assert mask.sum(axis=1).tolist() == [2, 1]
    assert pad([np.ones((2, 3), np.float32)], length=5)[0].shape == (1, 5, 3)
    with pytest.raises(ValueError, match="longest sequence has 2 places, more than length=1"):
        pad([[1, 2], [3]], length=1)


@given(st.lists(st.lists(st.integers(0, 5), min_size=2, max_size=6), min_size=1, max_size=6))
def test_targets_follow_what_is_read(sequences):
    inputs, following = pad_targets(sequences)
    for read, written, sequence in zip(inputs, following, sequences, strict=True):
        count = len(sequence) - 1
        assert read[:count].tolist() == sequence[:-1]
        assert written[:count].tolist() == sequence[1:]
        assert (written[count:] == -1).all()
        assert (read >= 0).all()
