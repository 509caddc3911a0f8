"""Reading and writing by index, as NumPy does it; in gradients repeated places add up."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import Tensor


def gradient(function, x, g):
    return mg.vjp(function, [x], g)[1][0].numpy()


def numbered(*shape):
    return np.arange(1.0, np.prod(shape) + 1).reshape(shape)


KEYS = {
    "S12 repeats": ([0, 0, 0],), "S12 repeated pairs": ([0, 0, 3], [1, 1, 3]), "S12 negative repeats": ([-1, 3, 3],),
    "S13 mask of nothing": (np.zeros((4, 4), bool),), "S13 mask": (np.eye(4, dtype=bool),),
    "S13 mask of rows": (np.array([True, False, True, False]),), "S13 list of booleans": ([True, False, True, True],),
    "S15 backwards": (slice(None, None, -2),), "S15 new axis": (None,), "S15 everything": (...,),
    "S15 nothing": (slice(1, 1),), "S15 zero-dimensional array": (np.array(2),), "S15 True": (True,),
    "S15 empty list": ([],), "S15 integer": (-1,), "S15 NumPy integer": (np.int64(1),), "S15 all of it": (),
    "S15 mixed": (slice(1, None), None, ..., 0), "S15 array and slice": (slice(1, 3), [[0, 1], [2, 2]]),
    "S15 mask and integer": (np.array([True, False, True, False]), 1), "D10 uint8": (np.array([0, 3], np.uint8),),
    "D10 int32": (np.array([0, -1], np.int32),),
}  # fmt: skip


@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS.keys())
def test_values_and_gradients_of_an_index(key):
    x = numbered(4, 4)
    expected = x[key]
    value, (found,) = mg.vjp(lambda x: x[key], [x], numbered(*expected.shape))
    assert value.numpy().tolist() == expected.tolist()
    right = np.zeros((4, 4))
    np.add.at(right, key, numbered(*expected.shape))
    assert found.tolist() == right.tolist()


def test_S12_three_uses_of_one_place_give_three():
    assert gradient(lambda x: x[[0, 0, 0]], np.zeros(4), np.ones(3)).tolist() == [3.0, 0.0, 0.0, 0.0]


def test_S13_a_mask_that_is_all_false():
    x = Tensor([1.0, 2.0], requires_grad=True)
    y = x[[False, False]]
    assert y.shape == (0,)
    assert mg.grad(y, x, np.zeros(0)).tolist() == [0.0, 0.0]


def test_S14_split_index_arrays_move_to_the_front():
    x = np.random.default_rng(0).standard_normal((2, 3, 4))
    for key, shape in (((0, slice(None), [1, 2]), (2, 3)), ((slice(None), 0, [1, 2]), (2, 2))):
        assert Tensor(x)[key].shape == x[key].shape == shape
        mg.check_gradients(lambda x, key=key: x[key], [x], order=2)


def test_index_tensors_are_inputs_of_the_node():
    x, places = Tensor(numbered(3), requires_grad=True), Tensor([2, 0])
    y = x[places]
    assert y.tolist() == [3.0, 1.0]
    assert y.inputs == (x, places)


@pytest.mark.parametrize("key", [1.5, "a", [0.5], (slice(None), np.ones(2))])
def test_indices_that_are_neither_integers_nor_booleans_are_refused(key):
    with pytest.raises(IndexError, match="an index must be integers"):
        Tensor(numbered(3, 3))[key]


def test_indices_out_of_range_name_op_and_shapes():
    with pytest.raises(IndexError, match=r"getitem\(x: float64 \(3,\).*out of bounds"):
        Tensor(numbered(3))[[0, 3]]


def test_iteration_ends():
    assert [row.tolist() for row in Tensor([[1.0], [2.0]])] == [[1.0], [2.0]]


WRITES = {
    "integer": (1, numbered(4)), "row of one value": (0, 5.0), "slice": (slice(1, 3), numbered(2, 4)),
    "broadcast": (slice(None), numbered(4)), "column": ((slice(None), -1), numbered(4)),
    "places": (([0, 2], [1, 1]), numbered(2)), "the last of repeated places": ([1, 1, 2], numbered(3, 4)),
    "mask": (np.eye(4, dtype=bool), numbered(4)), "mask, one value": (np.eye(4, dtype=bool), 7.0),
    "nothing": (slice(1, 1), numbered(0, 4)),
}  # fmt: skip


@pytest.mark.parametrize(("key", "values"), WRITES.values(), ids=WRITES.keys())
def test_set_at_is_item_assignment_on_a_copy(key, values):
    x = -numbered(4, 4)
    expected = x.copy()
    expected[key] = values
    y = mg.set_at(Tensor(x), key, values)
    assert y.numpy().tolist() == expected.tolist()
    mg.check_gradients(lambda x, v: mg.set_at(x, key, v), [x, np.asarray(values)], order=2)


def test_scatter_add_adds_up_rows_in_any_order():
    rng = np.random.default_rng(0)
    rows, values = rng.integers(-5, 5, (6, 7)), rng.standard_normal((6, 7, 3))
    expected = np.zeros((5, 3))
    np.add.at(expected, rows, values)
    found = mg.ops.scatter_add(values, rows, index=mg.ops.Index([True]), shape=(5, 3))
    np.testing.assert_allclose(found, expected, rtol=1e-14)


def test_take_is_numpys_on_every_axis():
    x, indices = numbered(2, 3, 4), [[0, -1], [1, 1]]
    for axis in (None, 0, 1, -1):
        assert mg.take(Tensor(x), indices, axis).tolist() == np.take(x, indices, axis).tolist()


def test_take_along_axis_and_sort():
    x = np.random.default_rng(0).standard_normal((3, 5))
    for axis in (0, 1, -1):
        order = mg.argsort(x, axis)
        assert order.tolist() == np.argsort(x, axis, kind="stable").tolist()
        assert mg.sort(Tensor(x), axis).tolist() == np.sort(x, axis).tolist()
        assert mg.take_along_axis(Tensor(x), order, axis).tolist() == np.sort(x, axis).tolist()
        g = np.random.default_rng(1).standard_normal(x.shape)
        right = np.empty_like(x)
        np.put_along_axis(right, order, g, axis)
        assert gradient(lambda x, axis=axis: mg.sort(x, axis), x, g).tolist() == right.tolist()


def test_repeated_indices_along_an_axis_add_up():
    found = gradient(lambda x: mg.take_along_axis(x, np.array([[1, 1, 0]])), np.zeros((1, 2)), [[1.0, 10.0, 100.0]])
    assert found.tolist() == [[100.0, 11.0]]


def test_equal_elements_keep_their_order_when_sorted():
    assert mg.argsort([1.0, 0.0, 1.0, 0.0]).tolist() == [1, 3, 0, 2]
