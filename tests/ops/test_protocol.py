"""What NumPy's functions take besides what ours do: types, and the methods of ufuncs."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import Tensor

BOTH = pytest.mark.parametrize("run", [lambda f: f, mg.compile], ids=["eager", "compiled"])
X = np.array([[1.0, -2.0, 3.0], [0.5, 4.0, -1.5]])
Y = np.array([1.25, -0.75, 2.5])


def agree(function, run, *arrays):
    """The value is NumPy's, in its type, and so is what finite differences say of it."""
    tensors = [Tensor(x, requires_grad=True) for x in arrays]
    found, right = run(function)(*tensors), function(*arrays)
    assert found.dtype == right.dtype
    np.testing.assert_allclose(found.numpy(), right, rtol=1e-6)
    if found.dtype.kind == "f":
        mg.check_gradients(function, tensors)


@BOTH
@pytest.mark.parametrize("function", [np.concatenate, np.stack, np.vstack, np.hstack])
def test_joined_arrays_become_a_type(function, run):
    agree(lambda x, y: function([x, y], dtype=np.float64), run, X, X[::-1])
    found = run(lambda x, y: function([x, y], dtype="float32"))(X, X[::-1])
    assert found.dtype == np.float32
    agree(lambda x: function([x, x], dtype=int, casting="unsafe"), run, X)
    with pytest.raises(TypeError, match="int64 is not made of float64 with casting='same_kind'"):
        function([Tensor(X), X], dtype=int)


def test_the_axis_of_joined_arrays_may_come_by_its_place():
    np.testing.assert_array_equal(np.concatenate([Tensor(X), X], 1).numpy(), np.concatenate([X, X], 1))
    np.testing.assert_array_equal(np.stack([Tensor(X), X], -1, dtype=float).numpy(), np.stack([X, X], -1))


@BOTH
@pytest.mark.parametrize("function", [np.var, np.std])
def test_variances_are_computed_in_a_type(function, run):
    agree(lambda x: function(x, 1, np.float64, ddof=1), run, X)
    found = run(lambda x: function(x, axis=0, dtype=np.float32, keepdims=True))(Tensor(X))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found.numpy(), function(X, 0, keepdims=True), rtol=1e-6)


@BOTH
def test_evenly_spaced_numbers_become_a_type(run):
    agree(lambda x: np.linspace(x, 7.0, 4, dtype=int), run, X[0])
    agree(lambda x: np.linspace(x, 7.0, 4, endpoint=False, dtype=np.float64, axis=-1), run, X[0])
    with pytest.raises(TypeError, match="linspace: argument retstep is not supported"):
        np.linspace(Tensor(X), 1.0, retstep=True)


def test_of_numbers_evenly_spaced_numbers_are_numpys():
    np.testing.assert_array_equal(mg.linspace(0, 1, 7), np.linspace(0, 1, 7))
    np.testing.assert_array_equal(mg.linspace(np.float64(3), 1, 4, False), np.linspace(3, 1, 4, False))


def test_the_last_of_evenly_spaced_numbers_is_the_end_exactly():
    start, stop = np.random.default_rng(0).standard_normal((2, 1000))
    found = mg.linspace(Tensor(start), stop, 7).numpy()
    np.testing.assert_array_equal(found[[0, -1]], [start, stop])


@BOTH
@pytest.mark.parametrize("ufunc", [np.add, np.multiply, np.maximum, np.minimum])
def test_ufuncs_reduce_and_accumulate_from_the_first_axis_on(ufunc, run):
    agree(lambda x: ufunc.reduce(x), run, X)
    agree(lambda x: ufunc.reduce(x, axis=(0, 1), keepdims=True), run, X)
    agree(lambda x: ufunc.reduce(x, None), run, X)
    agree(lambda x: ufunc.accumulate(x), run, X)
    agree(lambda x: ufunc.accumulate(x, axis=1), run, X)


@BOTH
@pytest.mark.parametrize("ufunc", [np.logical_and, np.logical_or])
def test_truths_are_reduced(ufunc, run):
    agree(lambda x: ufunc.reduce(x > 0, 1), run, X)


@BOTH
@pytest.mark.parametrize("ufunc", [np.add, np.subtract, np.multiply, np.divide, np.maximum, np.minimum])
def test_ufuncs_of_every_pair(ufunc, run):
    agree(lambda x, y: ufunc.outer(x, y), run, X, Y)


def test_a_method_that_is_not_there_is_named_after_its_ufunc():
    with pytest.raises(TypeError, match=r"numpy\.hypot\.reduce is not supported .*x\.numpy\(\).*similar: add\.reduce"):
        np.hypot.reduce(Tensor(X))


@BOTH
@pytest.mark.parametrize("function", [np.fmax, np.fmin])
def test_beside_a_number_nan_is_nothing(function, run):
    numbers = np.array([0.0, -0.0, 1.0, -1.0, np.inf, -np.inf, np.nan])
    x1, x2 = (x.ravel() for x in np.meshgrid(numbers, numbers))
    np.testing.assert_array_equal(run(function)(Tensor(x1), Tensor(x2)).numpy(), function(x1, x2))
    np.testing.assert_array_equal(run(lambda x: function(x, 0.5))(Tensor(x1)).numpy(), function(x1, 0.5))


@pytest.mark.parametrize("axis", [-3, -1, 0, 1, 2])
@pytest.mark.parametrize("start", [-3, -1, 0, 1, 2, 3])
def test_an_axis_rolls_to_where_numpys_does(axis, start):
    x = np.arange(24.0).reshape(2, 3, 4)
    np.testing.assert_array_equal(np.rollaxis(Tensor(x), axis, start).numpy(), np.rollaxis(x, axis, start))
