"""Division with a remainder, and signs: special values, operators on both sides, and what a leaf refuses."""

import math

import numpy as np
import pytest

import minigrad as mg
from minigrad import Tensor

BOTH = pytest.mark.parametrize("run", [lambda f: f, mg.compile], ids=["eager", "compiled"])
NUMBERS = np.array([0.0, -0.0, 1.0, -1.0, 2.5, -2.5, np.inf, -np.inf, np.nan])
PAIRS = [x.ravel() for x in np.meshgrid(NUMBERS, NUMBERS)]


@BOTH
@pytest.mark.parametrize("function", [np.remainder, np.fmod, np.floor_divide, np.divmod, np.copysign])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_special_values_and_their_signs_are_numpys(function, run):
    expected = function(*PAIRS)
    found = run(function)(*map(Tensor, PAIRS))
    for y, right in zip(*[x if isinstance(x, tuple) else (x,) for x in (found, expected)], strict=True):
        np.testing.assert_array_equal(y.numpy(), right)
        known = ~np.isnan(right)
        np.testing.assert_array_equal(np.signbit(y.numpy()[known]), np.signbit(right[known]))


@BOTH
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_remainder_by_0_is_nan_and_gives_nothing_where_it_is_not_taken(run):
    def taken_elsewhere(x1, x2):
        return mg.grad(mg.sum(mg.where(mg.equal(x2, 0.0), x1, x1 % x2)), [x1, x2])

    x1, x2 = Tensor([3.0, 3.0], requires_grad=True), Tensor([0.0, 2.0], requires_grad=True)
    assert [g.tolist() for g in run(taken_elsewhere)(x1, x2)] == [[1.0, 1.0], [0.0, -1.0]]
    _, of_divisor = mg.grad(mg.sum(x1 % x2), [x1, x2])
    np.testing.assert_array_equal(of_divisor.numpy(), [math.nan, -1.0])  # as is the remainder itself


def test_operators_work_on_both_sides():
    t, a = Tensor([5.0, -5.0]), np.array([5.0, -5.0])
    for found, right in (
        (t % 3, a % 3), (7 % t, 7 % a), (t // 3, a // 3), (7 // t, 7 // a), (a % t, a % a), (+t, a),
        (divmod(t, 3)[0], a // 3), (divmod(t, 3)[1], a % 3), (divmod(7, t)[1], 7 % a), (np.positive(t), a),
    ):  # fmt: skip
        assert isinstance(found, Tensor)
        np.testing.assert_array_equal(found.numpy(), right)


@pytest.mark.parametrize("symbol", ["%", "//"])
def test_in_place_they_make_another_tensor_and_a_leaf_refuses_them(symbol):
    x, leaf = Tensor([5.0]), Tensor([5.0], requires_grad=True)
    before = x
    exec(f"x {symbol}= 3.0", scope := {"x": x})
    assert scope["x"] is not before
    with pytest.raises(mg.GraphError, match=f"`{symbol}=` on .*would rebind the Python name"):
        exec(f"x {symbol}= 3.0", {"x": leaf})


@pytest.mark.parametrize("dtype", [np.int64, np.int8, np.uint8])
def test_integers_stay_integers(dtype):
    a, b = np.array([7, 5, 0]).astype(dtype), np.array([2, 3, 4]).astype(dtype)
    for function in (np.remainder, np.fmod, np.floor_divide):
        y = function(Tensor(a), Tensor(b))
        assert y.dtype == dtype
        np.testing.assert_array_equal(y.numpy(), function(a, b))
