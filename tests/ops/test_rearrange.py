"""Moving, repeating, shifting and surrounding elements, and diagonals, as NumPy does it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad import Tensor


def gradient(function, x, g):
    """The gradient of one input."""
    return mg.vjp(function, [x], g)[1][0].numpy()


def numbered(*shape):
    """1, 2, 3, … in a shape: an incoming gradient whose places can be told apart."""
    return np.arange(1.0, np.prod(shape) + 1).reshape(shape)


def assert_as_numpy(name, x, *args, **params):
    """Value as NumPy's; and since each element is a copy of one of x, the gradient sums where NumPy read from."""
    function, in_numpy = getattr(mg, name), getattr(np, name)
    expected = in_numpy(x, *args, **params)
    value = function(Tensor(x), *args, **params).numpy()
    np.testing.assert_array_equal(value, expected, strict=True)
    sources = in_numpy(np.arange(1, x.size + 1).reshape(x.shape), *args, **params)  # 0 where nothing was read
    g = numbered(*expected.shape)
    right = np.bincount(sources.ravel(), g.ravel(), x.size + 1)[1:].reshape(x.shape).astype(float)
    found = gradient(lambda x: function(x, *args, **params), x, g)
    np.testing.assert_array_equal(found, right, strict=True)


# --- tile and repeat --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reps", [2, 0, (), (2,), (2, 1), (0, 2), (2, 0), (3, 1, 2), (2, 2, 1, 1), np.int64(2), [1, 3]])
@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (2, 0)])
def test_S16_tile_is_numpys(shape, reps):
    assert_as_numpy("tile", numbered(*shape), reps)


def test_S16_the_gradient_of_no_copies_is_zeros_of_the_input():
    for function in (lambda x: mg.tile(x, (0, 1)), lambda x: mg.repeat(x, 0, axis=1)):
        y = function(Tensor(np.ones((2, 3))))
        assert y.size == 0
        assert gradient(function, np.ones((2, 3)), np.zeros(y.shape)).tolist() == [[0.0] * 3] * 2


@pytest.mark.parametrize("axis", [None, 0, 1, -1])
@pytest.mark.parametrize("repeats", [0, 1, 3, [2], (2, 0), np.array([1, 2]), np.uint8(2)])
def test_S16_repeat_is_numpys(repeats, axis):
    x = numbered(2, 2)
    if axis is None and np.size(repeats) == 2:
        repeats = [*repeats, 0, 1]
    assert_as_numpy("repeat", x, repeats, axis)


def test_S16_repeat_of_empty_and_zero_dimensional_arrays():
    assert_as_numpy("repeat", np.ones((0, 2)), 3, 0)
    assert_as_numpy("repeat", np.ones((0, 2)), [], 0)
    assert_as_numpy("repeat", np.ones(()), 2)


def test_repeats_that_depend_on_captured_values_are_refused_by_capture():
    with pytest.raises(mg.CaptureError, match="value"):
        mg.trace(lambda x, counts: mg.repeat(x, counts), np.ones(2), np.array([1, 2]))


def test_repeat_with_a_number_for_each_element_can_be_captured():
    graph = mg.trace(lambda x: mg.repeat(x, [2, 0, 1]), np.ones(3))
    assert graph.run(np.array([5.0, 6.0, 7.0])).tolist() == [5.0, 5.0, 7.0]


# --- flip, roll, moveaxis, ravel --------------------------------------------------------------------------------------


@pytest.mark.parametrize("axis", [None, 0, -1, (), (0,), (0, 2), (-1, 0, 1)])
def test_S16_flip_is_numpys(axis):
    assert_as_numpy("flip", numbered(2, 3, 4), axis)


@pytest.mark.parametrize(
    ("shift", "axis"),
    [(2, None), (-9, None), (0, 0), (1, (0, 1)), ((1, 2), (0, 1)), ((5, -7), (1, 1)), ((1, 2), None), ((2, 1), 0),
     ((), ()), (np.int64(3), -1)],
)  # fmt: skip
def test_S16_roll_is_numpys_by_tuples_too(shift, axis):
    assert_as_numpy("roll", numbered(2, 3), shift, axis)


def test_S16_roll_of_nothing():
    assert_as_numpy("roll", np.ones((0, 3)), 1)
    assert_as_numpy("roll", np.ones((0, 3)), (1, 1), (0, 1))


@pytest.mark.parametrize(
    ("source", "destination"), [(0, -1), (-1, 0), ((0, 1), (-1, -2)), ([2, 0], [0, 1]), ((), ()), (1, 1)]
)
def test_S7_S8_moveaxis_is_numpys_with_axes_of_both_signs(source, destination):
    assert_as_numpy("moveaxis", numbered(2, 3, 4), source, destination)


def test_ravel_is_row_by_row_whatever_the_layout():
    assert mg.ravel(Tensor(np.asfortranarray(numbered(2, 3)))).tolist() == [1, 2, 3, 4, 5, 6]
    assert mg.ravel(numbered(2, 3).T).tolist() == [1, 4, 2, 5, 3, 6]
    assert mg.ravel([[1, 2], [3, 4]]).tolist() == [1, 2, 3, 4]


# --- pad --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["constant", "edge", "reflect", "symmetric", "wrap"])
@pytest.mark.parametrize("width", [0, 2, (1, 4), ((7, 0),), ((1, 2), (5, 3)), ((1,), (2,)), [[0, 0], [0, 1]]])
def test_S16_pad_is_numpys_in_every_mode_and_form_of_width(mode, width):
    assert_as_numpy("pad", numbered(2, 3), width, mode)


def test_S16_pad_by_nothing():
    assert_as_numpy("pad", np.ones((0, 2)), 1)
    assert_as_numpy("pad", np.array(5.0), 0)
    assert_as_numpy("pad", np.array(5.0), 3, "edge")


@pytest.mark.parametrize("value", [7, 7.5, (1.0, 2.0), ((1.0, 2.0), (3.0, 4.0)), ((1.0,), (2.0,)), -np.inf])
def test_pad_with_constants_in_every_form(value):
    x = numbered(2, 3)
    expected = np.pad(x, ((1, 2), (0, 3)), constant_values=value)
    assert mg.pad(Tensor(x), ((1, 2), (0, 3)), constant_values=value).tolist() == expected.tolist()
    g = numbered(*expected.shape)
    found = gradient(lambda x: mg.pad(x, ((1, 2), (0, 3)), constant_values=value), x, g)
    assert found.tolist() == g[1:3, :3].tolist()


def test_pad_never_writes_another_number_than_it_was_given():
    for dtype, value in ((np.uint8, -1), (np.uint8, 256), (np.int64, 0.5), (np.int64, np.nan), (np.bool_, 2)):
        with pytest.raises(TypeError, match=rf"pad.*{value} cannot be held by {np.dtype(dtype)}"):
            mg.pad(np.ones(2, dtype), 1, constant_values=value)
    assert mg.pad(np.ones(1, np.uint8), 1, constant_values=255).tolist() == [255, 1, 255]


def test_pad_in_other_modes_can_be_captured_with_its_gradient():
    def function(x):
        y = mg.sum(mg.square(mg.pad(x, 2, "reflect")))
        return mg.grad(y, x, create_graph=True)

    x = numbered(4)
    expected = mg.grad(mg.sum(mg.square(mg.pad(t := Tensor(x, requires_grad=True), 2, "reflect"))), t)
    assert mg.trace(function, Tensor(x, requires_grad=True)).run(x).tolist() == expected.tolist()


# --- diagonals --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("offset", range(-5, 6))
@pytest.mark.parametrize("shape", [(3, 3), (2, 4), (4, 2), (0, 3), (3, 0), (1, 1)])
def test_diagonals_are_numpys(shape, offset):
    assert_as_numpy("diagonal", numbered(*shape), offset)
    assert_as_numpy("diag", numbered(*shape), offset)
    assert_as_numpy("diag", numbered(shape[0]), offset)


@given(st.permutations(range(4)), st.integers(-4, 4), st.booleans())
def test_diagonals_of_any_two_axes_are_numpys(order, offset, negative):
    axis1, axis2 = (axis - 4 * negative for axis in order[:2])
    assert_as_numpy("diagonal", numbered(2, 3, 1, 4), offset, axis1, axis2)


def test_a_diagonal_reads_and_writes_without_index_arrays():
    graph = mg.diag(mg.diag(Tensor([1.0, 2.0], requires_grad=True))).graph()
    assert all(node.dtype.kind == "f" for node in graph)


# --- joining ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["vstack", "hstack"])
@pytest.mark.parametrize("shapes", [((), ()), ((2,), (2,)), ((2, 3), (2, 3)), ((1, 2, 3), (1, 2, 3)), ((3,),)])
def test_vstack_and_hstack_are_numpys(name, shapes):
    arrays = [numbered(*shape) * (i + 1) for i, shape in enumerate(shapes)]
    expected = getattr(np, name)(arrays)
    value, found = mg.vjp(lambda *xs: getattr(mg, name)(xs), arrays, expected)
    assert value.numpy().tolist() == expected.tolist()
    assert [g.tolist() for g in found] == [x.tolist() for x in arrays]


def test_joining_nothing_is_refused():
    for function in (mg.vstack, mg.hstack):
        with pytest.raises(ValueError, match="need at least one array"):
            function([])


# --- numbers and types ------------------------------------------------------------------------------------------------

EVERY = {
    "moveaxis": lambda x: mg.moveaxis(x, 0, -1), "ravel": mg.ravel, "tile": lambda x: mg.tile(x, (2, 2)),
    "repeat": lambda x: mg.repeat(x, [2, 1], 0), "flip": mg.flip, "roll": lambda x: mg.roll(x, 1),
    "pad": lambda x: mg.pad(x, 1), "wrap": lambda x: mg.pad(x, 3, "wrap"), "diagonal": mg.diagonal, "diag": mg.diag,
    "vstack": lambda x: mg.vstack([x, x]), "hstack": lambda x: mg.hstack([x, x]),
}  # fmt: skip


@pytest.mark.parametrize("function", EVERY.values(), ids=EVERY.keys())
@pytest.mark.parametrize("dtype", [np.bool_, np.uint8, np.int32, np.float16, np.float32, np.float64])
def test_every_type_is_kept(function, dtype):
    x = np.array([[1, 0, 1], [0, 1, 1]], dtype)
    assert function(x).dtype == function(Tensor(x)).dtype == dtype


@pytest.mark.parametrize(
    "function", [mg.ravel, mg.flip, lambda x: mg.tile(x, 3), lambda x: mg.repeat(x, 3), lambda x: mg.roll(x, 2),
                 lambda x: mg.pad(x, 0), lambda x: mg.vstack([x, x]), lambda x: mg.hstack([x, x]),
                 lambda x: mg.moveaxis(x, (), ())],
)  # fmt: skip
def test_S1_numbers_can_be_rearranged(function):
    y = function(Tensor(2.0))
    g = gradient(function, 2.0, np.ones(y.shape))
    assert (type(y._held), type(g), g.shape, float(g)) == (np.ndarray, np.ndarray, (), y.size)


def test_N38_the_sign_of_zero_survives():
    x = Tensor([[-0.0, 0.0]])
    for y in (mg.ravel(x), mg.tile(x, 2), mg.repeat(x, 2), mg.roll(x, 0), mg.pad(x, 0), mg.diagonal(x), mg.flip(x, 0)):
        assert np.signbit(y.numpy()).ravel()[0]


@pytest.mark.parametrize("name", ["moveaxis", "repeat", "flip", "roll", "diagonal"])
def test_E2_an_axis_that_is_not_there_names_function_axis_and_dimensions(name):
    arguments = {"moveaxis": (5, 0), "repeat": (2, 5), "flip": (5,), "roll": (1, 5), "diagonal": (0, 5, 0)}[name]
    for x in (np.ones((2, 3)), Tensor(np.ones((2, 3)))):
        with pytest.raises(np.exceptions.AxisError, match=rf"{name}.*axis 5 is out of bounds .* dimension 2"):
            getattr(mg, name)(x, *arguments)
