"""Arrays side by side and taken apart: what is not said by the laws, and NumPy's own answers."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import Tensor

VALUES = np.arange(12.0).reshape(3, 4)


@pytest.mark.parametrize("sections", [1, 2, 3, 5, [1], [0, 2, 7], (2, 1)])
@pytest.mark.parametrize("axis", [0, 1, -1])
def test_array_split_cuts_where_numpy_does(sections, axis):
    found, right = np.array_split(Tensor(VALUES), sections, axis), np.array_split(VALUES, sections, axis)
    assert [part.tolist() for part in found] == [part.tolist() for part in right]


def test_append_is_no_method_for_of_a_list_it_changes_the_list():
    with pytest.raises(AttributeError, match="append"):
        Tensor([1.0]).append(2.0)


def test_at_least_so_many_axes_also_of_lists_and_of_several():
    for function in (np.atleast_1d, np.atleast_2d, np.atleast_3d):
        ours = mg.registry[function.__name__]
        found, right = function(Tensor(1.0), Tensor(VALUES)), function(1.0, VALUES)
        assert [x.shape for x in found] == [x.shape for x in right]
        np.testing.assert_array_equal(ours([1.0, 2.0]), function([1.0, 2.0]))
        assert ours(Tensor(VALUES[None])).shape == (1, 3, 4)


@pytest.mark.parametrize("key", [range(2), (range(1, 3), (0, 3)), ((0, 2),), (range(0),), (slice(None), (1, 1))])
def test_tuples_and_ranges_are_indices(key):
    x = Tensor(VALUES, requires_grad=True)
    np.testing.assert_array_equal(x[key].numpy(), VALUES[key])
    expected = np.zeros_like(VALUES)
    np.add.at(expected, key, 1.0)
    np.testing.assert_array_equal(mg.grad(mg.sum(x[key]), x).numpy(), expected)
    fast = mg.compile(lambda x: x[key])
    np.testing.assert_array_equal(fast(VALUES).numpy(), VALUES[key])


def test_close_and_equal_are_answers_that_a_program_can_use():
    x = Tensor(VALUES)
    assert np.allclose(x, VALUES + 1e-9)
    assert not np.allclose(x, VALUES + 1.0)
    assert np.array_equal(x, VALUES)
    assert not np.array_equal(x, VALUES[0])
    near = mg.compile(lambda a, b: (mg.allclose(a, b), mg.array_equal(a, b), mg.array_equal(a, b[0])))
    assert [bool(answer) for answer in near(VALUES, VALUES + 1e-9)] == [True, False, False]
