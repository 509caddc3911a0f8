import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from minigrad.drawing.explorer.samples import (
    LADDER,
    MAP_LADDER,
    Arrays,
    Limits,
    Sampling,
    choose_grid,
    choose_map_grid,
    count_in_bins,
    round_numbers,
    summarise,
)

shapes = arrays.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=7) | arrays.array_shapes(
    min_dims=1, max_dims=2, max_side=40
)


@given(shapes, st.sampled_from(LADDER), st.sampled_from(MAP_LADDER), st.booleans())
def test_a_sample_is_within_its_limits_and_has_the_first_element(shape, limits, maps, sliced):
    grid = choose_map_grid(shape, maps) if sliced and len(shape) > 1 else choose_grid(shape, limits)
    array = np.arange(np.prod(shape, dtype=int)).reshape(shape)
    sample = grid.pick(array)
    assert sample.shape == tuple(axis.shown for axis in grid)
    assert sample.size == grid.elements <= max(maps.heads * maps.tokens**2 if sliced else 0, limits.side**2)
    assert grid.complete == (sample.size == array.size)
    if array.size:
        assert sample.flat[0] == 0


@given(st.lists(arrays.arrays(np.float64, (3, 40), elements=st.floats(-1e3, 1e3)), min_size=1, max_size=4))
def test_what_adds_up_in_the_arrays_adds_up_in_their_samples(added):
    grid = choose_grid((3, 40), Limits(8))
    assert np.array_equal(sum(grid.pick(x) for x in added), grid.pick(sum(added)))


def test_the_first_limits_show_sixteen_by_sixteen():
    assert choose_grid((16, 16), LADDER[0]).complete
    assert choose_map_grid((8, 64, 64), MAP_LADDER[0]).complete
    assert [axis.shown for axis in choose_grid((17, 33), LADDER[0])] == [1, 9, 11]


def test_an_array_is_written_once():
    found = Arrays()
    grid = choose_grid((2,), LADDER[0])
    sampling = Sampling(grid, 5, 7)
    places = [found.add(np.array(x), sampling, 5) for x in ([1.0, 2.0], [3.0, 4.0], [1.0, 2.0], [1, 2])]
    assert places == [0, 1, 0, 0]
    assert found.rows == [[1, 2], [3, 4]]


@given(st.integers(30, 80), st.sets(st.integers(0, 29), min_size=1, max_size=14))
def test_TX6_rows_where_the_gradient_is_are_shown_before_others(size, present):
    """As in an embedding, of which a sequence uses few rows."""
    gradient = np.zeros((size, 3))
    gradient[sorted(present)] = 1.0
    rows = choose_grid(gradient.shape, LADDER[0], gradient).rows
    assert present <= set(rows.places)
    assert len(rows.places) <= LADDER[0].side
    assert list(rows.places) == sorted(set(rows.places))


def test_TX5_maps_of_attention_have_all_tokens_and_are_packed_apart():
    found = Arrays()
    weights = np.random.default_rng(0).random((2, 40, 40))
    sampling = Sampling(choose_map_grid(weights.shape, MAP_LADDER[0]), 4, 7, is_map=True)
    place = found.add(weights, sampling, 4)
    assert len(found.rows[place]) == weights.size
    assert found.maps == {place}


@given(arrays.arrays(np.float64, arrays.array_shapes(min_dims=0, max_side=4)))
def test_H5_numbers_are_json_whatever_they_are(array):
    written = json.dumps(round_numbers(array, 7), allow_nan=False)
    back = np.array([float(x) for x in json.loads(written)]).reshape(array.shape)
    np.testing.assert_allclose(back, array, rtol=1e-6)


@pytest.mark.parametrize("array", [np.array([True, False]), np.array([3, -7], np.int8), np.array([2**62])])
def test_whole_numbers_stay_whole_where_javascript_has_them(array):
    numbers = round_numbers(array, 3)
    assert [float(x) for x in numbers] == array.tolist()


@given(
    arrays.arrays(
        np.float64,
        arrays.array_shapes(min_dims=0, max_side=5),
        elements=st.floats(-1e300, 1e300) | st.just(np.nan) | st.just(-np.inf),
    )
)
def test_EX4_statistics_are_those_of_numpy(array):
    found, finite = summarise(array), array[np.isfinite(array)]
    assert (found["nan"], found["inf"]) == (np.isnan(array).sum(), np.isinf(array).sum())
    if not finite.size:
        assert "min" not in found
        return
    with np.errstate(over="ignore"):
        expected = {"min": finite.min(), "max": finite.max(), "mean": finite.mean(), "norm": np.linalg.norm(finite)}
    for name, x in expected.items():
        np.testing.assert_allclose(float(found[name]), x, rtol=1e-6, err_msg=name)


@given(arrays.arrays(np.float64, st.integers(2, 60), elements=st.floats(-1e308, 1e308)))
def test_a_histogram_counts_every_element(array):
    counts = count_in_bins(array)
    assert sum(counts) == array.size
    assert len(counts) == 12


def test_a_histogram_has_bins_of_one_width():
    array = np.random.default_rng(0).normal(size=1_000)
    assert count_in_bins(array) == np.histogram(array, bins=12)[0].tolist()


def test_constant_and_small_arrays_have_no_histogram():
    assert "histogram" not in summarise(np.ones(100))
    assert "histogram" not in summarise(np.arange(5.0))
    assert "histogram" in summarise(np.arange(50.0))
