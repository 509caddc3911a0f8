"""The toy tasks."""

import numpy as np
import pytest

from minigrad.data import TASKS, copy, reversal, sort

EXPECTED = {
    reversal: lambda row: row[::-1],
    copy: lambda row: row,
    sort: sorted,
}


@pytest.mark.parametrize("task", EXPECTED)
def test_targets_are_what_the_name_says(task):
    tokens, targets = task(np.random.default_rng(1), 20, 9, 7)
    for row, target in zip(tokens.tolist(), targets.tolist(), strict=True):
        assert target == EXPECTED[task](row)


@pytest.mark.parametrize("task", EXPECTED)
def test_results_are_two_contiguous_int64_arrays_with_memory_of_their_own(task):
    tokens, targets = task(np.random.default_rng(1), 5, 3, 10)
    for array in (tokens, targets):
        assert array.shape == (5, 3)
        assert array.dtype == np.int64
        assert array.flags.c_contiguous
    assert not np.shares_memory(tokens, targets)


@pytest.mark.parametrize("task", EXPECTED)
def test_every_token_turns_up_and_none_beyond(task):
    tokens, _ = task(np.random.default_rng(1), 100, 10, 6)
    assert set(tokens.ravel().tolist()) == set(range(6))


@pytest.mark.parametrize("task", EXPECTED)
def test_the_same_seed_gives_the_same_sequences_and_the_next_call_others(task):
    rng = np.random.default_rng(3)
    first, second = task(rng, 4, 8, 50), task(rng, 4, 8, 50)
    again = task(np.random.default_rng(3), 4, 8, 50)
    assert np.array_equal(first, again)
    assert not np.array_equal(first, second)


def test_the_table_has_every_task_by_the_name_of_the_command_line():
    assert list(TASKS.items()) == [("reverse", reversal), ("copy", copy), ("sort", sort)]


@pytest.mark.parametrize("task", EXPECTED)
@pytest.mark.parametrize("position", range(3))
def test_a_size_below_one_is_named(task, position):
    sizes = [4, 5, 6]
    sizes[position] = 0
    name = ["batch", "length", "vocabulary_size"][position]
    with pytest.raises(ValueError, match=f"{task.__name__}: {name} must be at least 1, got 0"):
        task(np.random.default_rng(0), *sizes)
    sizes[position] = 2.5
    with pytest.raises(TypeError, match=f"{task.__name__}: {name} must be an integer, got float"):
        task(np.random.default_rng(0), *sizes)


@pytest.mark.parametrize("task", EXPECTED)
def test_a_seed_is_not_a_generator(task):
    with pytest.raises(TypeError, match=rf"{task.__name__}: rng .*default_rng\(0\), got int"):
        task(0, 4, 5, 6)
