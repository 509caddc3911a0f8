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
def test_S12_S13_S15_D10_values_and_gradients_of_an_index(key):
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


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.int32, np.int64, np.uint64])
def test_D10_gradients_of_every_reading_are_right_for_small_index_types(dtype):
    places, g = np.array([[7, 100], [100, 3]], dtype), numbered(2, 2)
    for x, read in (
        (np.zeros(300), lambda x: x[places]), (np.zeros((2, 300)), lambda x: mg.take(x, places, axis=1)[0]),
        (np.zeros((300, 2)), lambda x: x[places, [0, 1]]),
        (np.zeros((2, 300)), lambda x: mg.take_along_axis(x, places, 1)),
    ):  # fmt: skip
        found = gradient(read, x, g)
        expected = mg.vjp(read, [x + numbered(*x.shape)], g)[0].numpy()
        assert (found * numbered(*x.shape)).sum() == (expected * g).sum()  # <scatter(g), x> = <g, read(x)>


@pytest.mark.parametrize("dtype", [np.int8, np.int32, np.int64])
def test_D10_negative_indices_count_from_the_end(dtype):
    places = np.array([-1, 0, -1, -3], dtype)
    assert Tensor(numbered(3))[places].tolist() == [3.0, 1.0, 3.0, 1.0]
    assert gradient(lambda x: x[places], np.zeros(3), numbered(4)).tolist() == [6.0, 0.0, 4.0]
    assert np.flatnonzero(gradient(lambda x: x[places], np.zeros(300), numbered(4))).tolist() == [0, 297, 299]
    assert gradient(lambda x: x[places, places], np.zeros((3, 3)), numbered(4)).tolist() == (
        [[6.0, 0.0, 0.0], [0.0, 0.0, 0.0], [0.0, 0.0, 4.0]]
    )


def test_S1_numbers_have_indices_too():
    for read, shape in (
        (lambda x: x[()], ()), (lambda x: x[None], (1,)), (lambda x: x[...], ()), (lambda x: x[True], (1,)),
        (lambda x: mg.take(x, 0), ()), (lambda x: mg.set_at(x, (), 3.0 * x), ()),
    ):  # fmt: skip
        value, (found,) = mg.vjp(read, [np.array(2.0)], np.ones(shape))
        assert (type(value._held), value.shape, type(found._held), found.shape) == (np.ndarray, shape, np.ndarray, ())


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


@pytest.mark.parametrize("values", [np.ones((1, 1, 4)), np.ones((1, 4)), np.ones((1, 1, 1))])
def test_values_with_more_axes_than_their_place_have_gradients_of_their_shape(values):
    assert gradient(lambda v: mg.set_at(np.zeros((3, 4)), 1, v), values, numbered(3, 4)).tolist() == (
        mg.ops.sum_to(numbered(3, 4)[1].reshape((1,) * (values.ndim - 1) + (4,)), values.shape).tolist()
    )
    mg.check_gradients(lambda v: mg.set_at(np.zeros((3, 4)), ([1, 1],), v), [values], order=2)


@pytest.mark.parametrize(
    ("dtype", "value"),
    [(np.uint8, -1), (np.uint8, np.array([300])), (np.int64, 0.5), (np.int64, np.nan), (np.bool_, 2)],
)
def test_integers_never_silently_take_another_value(dtype, value):
    for x in (np.zeros(3, dtype), Tensor(np.zeros(3, dtype))):
        with pytest.raises(TypeError, match=rf"setitem.* cannot be held by {np.dtype(dtype)}"):
            mg.set_at(x, slice(0, 1), value)
    assert mg.set_at(np.zeros(2, np.uint8), 0, 255.0).tolist() == [255, 0]


@pytest.mark.parametrize("dtype", [np.bool_, np.uint8, np.int8])
def test_small_integers_add_up_as_in_numpys_sum(dtype):
    ones, places = np.ones(300, dtype), np.zeros(300, int)
    for total in (
        mg.scatter_add(ones, places, index=mg.ops.Index([True]), shape=(1,)),
        mg.scatter_add(ones, places, places, index=mg.ops.Index([True, True]), shape=(1, 1))[0],
        mg.add_along_axis(ones, places, axis=0, shape=(1,)),
    ):
        assert (total.tolist(), total.dtype) == ([300], np.sum(ones).dtype)


def test_D6_float16_adds_up_in_float32():
    ones, places = np.ones(5000, np.float16), np.zeros(5000, int)
    total = mg.scatter_add(ones, places, index=mg.ops.Index([True]), shape=(1,))
    assert (total.tolist(), total.dtype) == ([5000.0], np.float16)


def test_scatter_add_of_several_index_arrays_is_numpys():
    rng = np.random.default_rng(0)
    for key, shape in (
        ((rng.integers(-4, 4, 50), rng.integers(-3, 3, 50)), (4, 3)),
        ((0, slice(None), rng.integers(0, 3, 7)), (2, 4, 3)),
        ((slice(None), rng.integers(0, 3, (2, 5))), (4, 3)), ((rng.integers(0, 2, 6) == 1, 1), (6, 2)),
    ):  # fmt: skip
        static, arrays = mg.ops.indexing.parse_index(key)
        values = rng.standard_normal(np.zeros(shape)[key].shape)
        expected = np.zeros(shape)
        np.add.at(expected, key, values)
        np.testing.assert_allclose(mg.scatter_add(values, *arrays, index=static, shape=shape), expected, atol=1e-14)


def test_scatter_add_adds_up_rows_in_any_order():
    rng = np.random.default_rng(0)
    rows, values = rng.integers(-5, 5, (6, 7)), rng.standard_normal((6, 7, 3))
    expected = np.zeros((5, 3))
    np.add.at(expected, rows, values)
    found = mg.ops.scatter_add(values, rows, index=mg.ops.Index([True]), shape=(5, 3))
    np.testing.assert_allclose(found, expected, rtol=1e-14)


def test_scatter_add_broadcasts_its_values():
    rows, columns = np.array([[0], [1], [0]]), np.array([0, 2])
    for values in (2.0, np.array([1.0, 3.0]), np.array([[1.0], [2.0], [4.0]])):
        expected = np.zeros((2, 3))
        np.add.at(expected, (rows, columns), values)
        index = mg.ops.Index([True, True])
        found = mg.scatter_add(np.asarray(values), rows, columns, index=index, shape=(2, 3))
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("row", [-5, -4, 3, 4, 5])
def test_scatter_add_names_a_row_that_is_not_there(row):
    rows = np.array([0, row])
    with pytest.raises(IndexError, match=f"index {row} is out of bounds for axis 0 with size 3"):
        mg.scatter_add(np.ones((2, 2)), rows, index=mg.ops.Index([True]), shape=(3, 2))


def test_an_empty_list_is_an_index_and_an_empty_array_of_floats_is_none():
    x = Tensor(numbered(3, 2))
    assert x[[]].shape == (0, 2)
    with pytest.raises(IndexError, match="integers or booleans, got float64"):
        x[np.array([])]


def test_take_is_numpys_on_every_axis():
    x, indices = numbered(2, 3, 4), [[0, -1], [1, 1]]
    for axis in (None, 0, 1, -1):
        assert mg.take(Tensor(x), indices, axis).tolist() == np.take(x, indices, axis).tolist()


def test_take_takes_what_numpys_takes():
    x = numbered(2, 3)
    for indices in (
        1,
        -1,
        (0, 1),
        [],
        [[0], [1]],
        np.uint8(1),
        np.array(1),
        [True, False],
        np.array([True, True, False]),
    ):
        assert mg.take(Tensor(x), indices).tolist() == np.take(x, np.asarray(indices, int)).tolist()
        assert mg.take(x, indices, 1).tolist() == np.take(x, np.asarray(indices, int), 1).tolist()
    assert mg.take(Tensor(x), Tensor([True, False]), 1).tolist() == [[2.0, 1.0], [5.0, 4.0]]


def test_take_along_axis_broadcasts_as_numpys():
    for shape, places in (((2, 4), (1, 3)), ((1, 4), (3, 2)), ((2, 1, 4), (1, 3, 5))):
        x, indices = numbered(*shape), np.random.default_rng(0).integers(0, 4, places)
        expected = np.take_along_axis(x, indices, -1)
        assert mg.take_along_axis(Tensor(x), indices).tolist() == expected.tolist()
        mg.check_gradients(lambda x, indices=indices: mg.take_along_axis(x, indices), [x], order=2)


def test_sort_without_an_axis_is_of_the_flattened_array():
    x = np.array([[3.0, 1.0], [2.0, 0.0]])
    assert mg.sort(Tensor(x), None).tolist() == [0.0, 1.0, 2.0, 3.0]
    assert mg.argsort(Tensor(x), None).tolist() == [3, 1, 2, 0]
    assert gradient(lambda x: mg.sort(x, None), x, numbered(4)).tolist() == [[4.0, 2.0], [3.0, 1.0]]


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
