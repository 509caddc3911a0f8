"""Which rows a batch takes, and which are held out."""

from itertools import islice

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad.data import hold_out, row_batches


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
        (lambda: row_batches(3, 4, np.random.default_rng(0)), ValueError, "got 4 > 3"),
        (lambda: row_batches(3, 0, np.random.default_rng(0)), ValueError, "batch must be at least 1"),
        (lambda: row_batches(3, 1, np.random.default_rng(0), [1, 2]), ValueError, r"\(3,\), got \(2,\)"),
        (lambda: row_batches(3, 1, 0), TypeError, "row_batches: rng must be"),
    ],
)
def test_misuse_is_explained_at_the_call(wrong, error, message):
    with pytest.raises(error, match=message):
        wrong()


@given(st.lists(st.integers(0, 4), max_size=60))
def test_of_each_class_a_fifth_is_held_out_and_there_is_something_left(labels):
    held_out = hold_out(labels)
    assert held_out.shape == (len(labels),)
    for label in set(labels):
        count = labels.count(label)
        expected = 0 if count == 1 else max(1, count // 5)
        assert held_out[np.array(labels) == label].sum() == expected


def test_what_is_held_out_does_not_follow_the_order_of_the_file():
    assert np.abs(np.diff(np.flatnonzero(hold_out(np.zeros(100)))) - 5).max() > 0
