"""Random windows, consecutive windows and padding."""

from itertools import islice

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad.data import pad, row_batches, text_batches, windows


def test_targets_follow_inputs_in_the_text():
    ids = np.random.default_rng(0).integers(0, 50, size=200)
    for inputs, targets in islice(text_batches(ids, 8, 12, np.random.default_rng(1)), 20):
        assert inputs.shape == targets.shape == (8, 12)
        assert inputs.dtype == targets.dtype == np.int64
        assert inputs.flags.c_contiguous
        assert targets.flags.c_contiguous
        assert np.array_equal(inputs[:, 1:], targets[:, :-1])


def test_every_place_of_the_text_is_drawn_the_first_and_the_last_too():
    starts = set()
    for inputs, targets in islice(text_batches(np.arange(13), 10, 3, np.random.default_rng(1)), 50):
        assert np.array_equal(targets, inputs + 1)
        starts.update(inputs[:, 0].tolist())
    assert starts == set(range(10))


def test_a_text_of_one_window_gives_that_window():
    inputs, targets = next(text_batches([7, 8, 9], 2, 2, np.random.default_rng(0)))
    assert inputs.tolist() == [[7, 8], [7, 8]]
    assert targets.tolist() == [[8, 9], [8, 9]]


def test_the_generator_is_all_that_batches_remember():
    ids = np.arange(1000)
    rng = np.random.default_rng(5)
    batches = text_batches(ids, 4, 16, rng)
    list(islice(batches, 3))
    state = rng.bit_generator.state
    expected = list(islice(batches, 5))

    resumed = np.random.default_rng()
    resumed.bit_generator.state = state
    assert np.array_equal(list(islice(text_batches(ids, 4, 16, resumed), 5)), expected)


def test_nothing_is_drawn_before_a_batch_is_asked_for():
    rng = np.random.default_rng(5)
    before = rng.bit_generator.state
    text_batches(np.arange(10), 2, 3, rng)
    assert rng.bit_generator.state == before


def test_writing_into_a_batch_leaves_the_text_alone():
    ids = np.arange(10)
    inputs, targets = next(text_batches(ids, 2, 3, np.random.default_rng(0)))
    inputs[:] = targets[:] = -1
    assert np.array_equal(ids, np.arange(10))


@given(length=st.integers(2, 200), tokens=st.integers(1, 60), batch=st.integers(1, 9))
def test_windows_cover_the_text_once_and_in_order(length, tokens, batch):
    ids = np.random.default_rng(length).integers(0, 1000, size=length)
    pairs = windows(ids, tokens, batch)
    assert np.array_equal(np.concatenate([inputs.ravel() for inputs, _ in pairs]), ids[:-1])
    assert np.array_equal(np.concatenate([targets.ravel() for _, targets in pairs]), ids[1:])
    for inputs, targets in pairs:
        assert inputs.shape == targets.shape
        assert inputs.shape[0] <= batch
        assert inputs.shape[1] <= tokens
    assert all(inputs.shape == (batch, tokens) for inputs, _ in pairs[:-2])


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
        (lambda: text_batches(np.arange(5), 2, 5, np.random.default_rng(0)), ValueError, "tokens \\+ 1 = 6 .* only 5"),
        (lambda: text_batches(np.arange(5), 0, 2, np.random.default_rng(0)), ValueError, "batch must be at least 1"),
        (lambda: text_batches(np.arange(5), 1, 2, 0), TypeError, "rng must be"),
        (lambda: text_batches(np.ones((2, 3), int), 1, 2, np.random.default_rng(0)), ValueError, r"got \(2, 3\)"),
        (lambda: text_batches(np.arange(5.0), 1, 2, np.random.default_rng(0)), TypeError, "got float64"),
        (lambda: windows([1], 2), ValueError, "at least 2 ids"),
        (lambda: windows([1, 2, 3], 0), ValueError, "tokens must be at least 1"),
        (lambda: windows(["a", "b"], 1), TypeError, "ids must be integers"),
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
