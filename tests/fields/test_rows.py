"""Which rows a batch takes, and padding."""

from itertools import islice

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rows import pad, row_batches


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


@pytest.mark.parametrize("lengths", [None, np.arange(37) % 5])
def test_rows_of_a_batch_are_different_and_all_are_drawn_equally_often(lengths):
    drawn = np.zeros(37)
    for rows in islice(row_batches(37, 4, np.random.default_rng(0), lengths), 5000):
        assert rows.shape == (4,)
        assert rows.dtype == np.int64
        assert len(set(rows.tolist())) == 4
        drawn[rows] += 1
    # 20,000 rows: 541 of each are expected, with a standard deviation of 22.
    assert (np.abs(drawn - 20_000 / 37) < 110).all()


def test_sequences_of_a_batch_are_of_similar_length():
    lengths = np.random.default_rng(0).integers(1, 100, size=1000)

    def padding(batches):
        return np.mean([(lengths[rows].max() - lengths[rows]).mean() for rows in islice(batches, 200)])

    mixed = padding(row_batches(1000, 16, np.random.default_rng(1)))
    assert padding(row_batches(1000, 16, np.random.default_rng(1), lengths)) < mixed / 5


@pytest.mark.parametrize("lengths", [None, range(50)])
def test_the_generator_is_all_that_batches_of_rows_remember(lengths):
    rng = np.random.default_rng(5)
    batches = row_batches(50, 4, rng, lengths)
    list(islice(batches, 3))
    state = rng.bit_generator.state
    expected = list(islice(batches, 5))

    resumed = np.random.default_rng()
    resumed.bit_generator.state = state
    assert np.array_equal(list(islice(row_batches(50, 4, resumed, lengths), 5)), expected)


@pytest.mark.parametrize("lengths", [None, range(3)])
def test_a_batch_may_be_everything(lengths):
    rows = next(row_batches(3, 3, np.random.default_rng(0), lengths))
    assert sorted(rows.tolist()) == [0, 1, 2]


@pytest.mark.parametrize(
    ("wrong", "error", "message"),
    [
        (lambda: pad([[1], [[2]]], 0), ValueError, r"sequence 1 has \(1, 1\)"),
        (lambda: pad([np.ones((2, 3)), np.ones((2, 4))]), ValueError, r"0 has \(2, 3\), sequence 1 has \(2, 4\)"),
        (lambda: pad([5]), ValueError, r"\(length, …\)"),
        (lambda: row_batches(3, 4, np.random.default_rng(0)), ValueError, "got 4 > 3"),
        (lambda: row_batches(3, 0, np.random.default_rng(0)), ValueError, "batch must be at least 1"),
        (lambda: row_batches(3, 1, np.random.default_rng(0), [1, 2]), ValueError, r"\(3,\), got \(2,\)"),
        (lambda: row_batches(3, 1, 0), TypeError, "row_batches: rng must be"),
        (lambda: pad([["a"]], 0), TypeError, "sequence 0 has dtype <U1"),
        (lambda: pad([[1, 2], [3]], 0.5), ValueError, "0.5 cannot be held by int64"),
        (lambda: pad([np.ones(2, np.uint8)], -1), ValueError, "-1 cannot be held by uint8"),
    ],
)
def test_misuse_is_explained_at_the_call(wrong, error, message):
    with pytest.raises(error, match=message):
        wrong()
