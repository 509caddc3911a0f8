"""Random windows and consecutive windows."""

from itertools import islice

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad.data import text_batches, windows


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
        (lambda: windows(["a", "b"], 1), TypeError, "windows: ids: expected .* real numbers, got list"),
    ],
)
def test_misuse_is_explained_at_the_call(wrong, error, message):
    with pytest.raises(error, match=message):
        wrong()
