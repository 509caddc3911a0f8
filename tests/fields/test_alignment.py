"""Edits, and distances of what may be stretched: against plain recursion over all ways."""

import math
from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alignment import edit_distance, share_right, warped_distances, warping_baseline

signs = st.lists(st.integers(0, 3), max_size=6)


@given(signs, signs)
def test_edits_are_the_fewest_of_all_ways(first, second):
    @cache
    def fewest(row, column):
        if row == len(first) or column == len(second):
            return len(first) - row + len(second) - column
        exchanged = fewest(row + 1, column + 1) + (first[row] != second[column])
        return min(exchanged, fewest(row + 1, column) + 1, fewest(row, column + 1) + 1)

    assert edit_distance(first, second) == edit_distance(second, first) == fewest(0, 0)


@given(signs, signs, signs)
def test_edits_are_a_distance(first, second, third):
    assert (edit_distance(first, second) == 0) == (first == second)
    assert edit_distance(first, third) <= edit_distance(first, second) + edit_distance(second, third)


def test_the_share_counts_signs_and_not_sequences():
    assert share_right([[1, 2, 3], [4]], [[1, 2, 3], [5]]) == 0.75
    assert share_right([[], []], [[1, 2], [3]]) == 0
    assert share_right([[1, 1, 1]], [[2]]) == -2
    with pytest.raises(ValueError, match="zip"):
        share_right([[1]], [[1], [2]])


def sounds(rng, *lengths):
    return [rng.standard_normal((length, 3)) for length in lengths]


@pytest.mark.parametrize("seed", range(4))
def test_a_warped_distance_is_that_of_the_shortest_of_all_ways(seed):
    rng = np.random.default_rng(seed)
    (query,), references = sounds(rng, 5), sounds(rng, 1, 4, 6, 5)

    def shortest(reference, row, column):
        here = math.dist(query[row], reference[column])
        if row == column == 0:
            return here
        before = [(row - 1, column), (row, column - 1), (row - 1, column - 1)]
        return here + min(shortest(reference, *place) for place in before if min(place) >= 0)

    expected = [shortest(each, 4, len(each) - 1) / (5 + len(each)) for each in references]
    np.testing.assert_allclose(warped_distances(query, references), expected)


def test_what_is_stretched_is_as_near_as_before_and_what_stands_beside_it_changes_nothing():
    rng = np.random.default_rng(0)
    query, other = sounds(rng, 7, 9)
    stretched = np.repeat(query, rng.integers(1, 4, 7), axis=0)
    np.testing.assert_allclose(warped_distances(query, [query, stretched]), 0, atol=1e-7)
    np.testing.assert_allclose(
        warped_distances(query, [stretched, other])[1:], warped_distances(query, [other]), rtol=1e-12
    )


def test_distances_are_symmetric():
    rng = np.random.default_rng(0)
    first, second = sounds(rng, 4, 8)
    np.testing.assert_allclose(warped_distances(first, [second]), warped_distances(second, [first]))


@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        (((3,), (3, 2)), r"\(length, features\), got \(3,\)"),
        (((3, 2), (3, 1)), r"got \(3, 2\) and \[\(3, 1\)\]"),
        (((3, 2), (0, 2)), "without frames"),
        (((0, 2), (3, 2)), "without frames"),
    ],
)
def test_what_cannot_be_aligned_is_named(shapes, message):
    query, *references = map(np.zeros, shapes)
    with pytest.raises(ValueError, match=message):
        warped_distances(query, references)


def test_the_baseline_finds_again_what_it_knows():
    known = sounds(np.random.default_rng(0), 4, 6, 5)
    assert warping_baseline(known, [[0], [1], [2]], known[::-1], [[2], [1], [0]]) == 1
    assert warping_baseline(known, [0, 1, 2], known, [0, 2, 1]) == pytest.approx(1 / 3)
