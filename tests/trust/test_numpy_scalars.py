"""NumPy scalars among the arguments of compiled and traced functions: they act as numbers, and one program serves."""

import warnings

import numpy as np
import pytest

import minigrad as mg
from minigrad import Tensor

SCALARS = [np.float64, np.float32, np.float16, np.int64, np.int8, np.uint16, np.bool_]
ARRAYS = [np.float64, np.float32, np.float16, np.int64, np.int32, np.uint8, np.bool_]
FUNCTIONS = {
    "operators": lambda x, s: (x * s, s - x * 1, x / (s + 1), x**s),
    "comparisons": lambda x, s: (x > s, s == x, mg.maximum(x, s), mg.clip(x, None, s)),
    "bits": lambda x, s: (x & s, s | x, x ^ (s + 1)),
    "choices": lambda x, s: (mg.where(x > 1, x, s), mg.where(x > 1, s, s + 1), mg.where(s, x, 0)),
    "of numbers alone": lambda x, s: (x * (s * 2), x * np.exp(s), x + abs(-(s + 1)), x * mg.sum(s), x * (s > 0)),
    "strong after all": lambda x, s: (x * mg.stack([s, s])[0], x + mg.reshape(s, (1,)), x * mg.astype(s, "float32")),
    "joined": lambda x, s: (mg.stack([x[0], s]), mg.concatenate([x, mg.reshape(s, (1,))])),
    "written": lambda x, s: (mg.set_at(x * 1.0, 0, s), mg.set_at(x, 0, s)),
}


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("scalar", SCALARS)
@pytest.mark.parametrize("dtype", ARRAYS)
def test_A5_types_and_values_are_those_of_eager_code(name, scalar, dtype):
    x = Tensor(np.array([0, 1, 2]).astype(dtype))
    step = mg.compile(FUNCTIONS[name])
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        for value in (1, 3):
            try:
                expected = FUNCTIONS[name](x, scalar(value))
            except (TypeError, ValueError, OverflowError):
                with pytest.raises((TypeError, ValueError, OverflowError)):
                    step(x, scalar(value))
                continue
            actual = step(x, scalar(value))
            graph = mg.trace(FUNCTIONS[name], x, scalar(value)).run(x, scalar(value))
            for ours, interpreted, exact in zip(actual, graph, expected, strict=True):
                assert ours.dtype == interpreted.dtype == exact.dtype
                np.testing.assert_allclose(ours.numpy(), np.asarray(exact), rtol=2e-3 if exact.dtype == "e" else 1e-6)
    assert len(step.programs) <= 1


def test_A5_one_program_for_all_values_and_another_for_arrays():
    step = mg.compile(lambda x, s: x * s)
    for x, wide in ((Tensor(np.ones(2, np.float32)), np.float32), (np.ones(2, np.float32), np.float64)):
        programs = len(step.programs)
        for value in (2.0, 3.0, -0.0):
            result = step(x, np.float64(value))
            assert result.dtype == (x * np.float64(value)).dtype == wide  # NumPy's own array is as NumPy has it
            assert str(result.tolist()) == str([value, value])
        assert len(step.programs) == programs + 1
        assert step(x, np.array(2.0)).dtype == np.float64
        assert step(x, np.float32(2)).dtype == np.float32
        assert len(step.programs) == programs + 3


@pytest.mark.parametrize("dtype", ["?", "i1", "u1", "i4", "f2", "f4", "f8"])
@pytest.mark.parametrize(
    "scalar", [np.bool_(True), np.int64(100), np.uint8(2), np.float16(0.5), np.float64(0.5)], ids=repr
)
def test_A5_arrays_of_numpys_own_beside_scalars_are_numpys(dtype, scalar):
    """In eager code NumPy computes with them; where a Tensor joins later, it finds the type that this made."""
    x = np.arange(4).astype(dtype)

    def function(x, s):
        product = mg.multiply(x, s)
        return mg.add(product, Tensor([1.0, 2.0, 3.0, 4.0])), mg.maximum(product, s)

    for actual, expected in zip(mg.compile(function)(x, scalar), function(x, scalar), strict=True):
        assert actual.dtype == expected.dtype
        assert actual.tolist() == expected.tolist()


@pytest.mark.parametrize("value", [0.5, 1e-300, np.nan, np.inf, -1, 256, 2**40, 0.0], ids=repr)
@pytest.mark.parametrize("dtype", ["u1", "i4", "f2", "f4", "f8"])
def test_A5_a_condition_keeps_its_type(value, dtype):
    """In the type of what it chooses among it might become 0, or have no place."""
    x, y = Tensor(np.ones(2, dtype)), Tensor(np.zeros(2, dtype))
    for condition in (np.asarray(value)[()], np.asarray(value, np.float64)[()]):
        actual, expected = mg.compile(mg.where)(condition, x, y), mg.where(condition, x, y)
        assert actual.dtype == expected.dtype
        assert actual.tolist() == expected.tolist()


@pytest.mark.parametrize("value", [300, -1, 2**40, 2])
@pytest.mark.parametrize("name", ["less", "greater_equal", "equal", "not_equal"])
def test_A5_integers_are_compared_with_what_their_type_cannot_hold(name, value):
    compare, x = mg.registry[name], Tensor(np.arange(4).astype(np.uint8))
    assert mg.compile(compare)(x, np.int64(value)).tolist() == compare(x, np.int64(value)).tolist()


def test_A5_gradients_and_comparisons_are_in_the_type_that_is_met():
    def gradient(x, s):
        return mg.grad(mg.sum(mg.where(x > s, x * s, x * x)), x)

    x = Tensor(np.array([0.1, 0.3], np.float32), requires_grad=True)
    step = mg.compile(gradient)
    for s in (np.float64(0.1), np.float64(np.float32(0.1)), np.float64(0.2)):  # 0.1 in float32 is not above 0.1
        assert step(x, s).tolist() == gradient(x, s).tolist()
        assert step(x, s).dtype == np.float32


def test_A5_what_a_small_integer_cannot_hold_is_an_error_as_eagerly():
    x = Tensor(np.array([1, 2], np.uint8))
    step = mg.compile(lambda x, s: x + s)
    assert step(x, np.int64(250)).tolist() == [251, 252]
    with pytest.raises(OverflowError):
        x + np.int64(300)
    with pytest.raises(TypeError, match="300 cannot be held by uint8"):
        step(x, np.int64(300))


def test_A5_where_numbers_are_part_of_the_program_an_argument_is_refused():
    with pytest.raises(TypeError, match="full_like: fill_value= must be plain Python values"):
        mg.compile(lambda x, s: mg.full_like(x, s))(np.ones(2), np.float64(2.0))
    with pytest.raises(mg.CaptureError, match=r"the value of int64 \(\) 's' is read"):
        mg.compile(lambda x, s: mg.sum(x, axis=s))(np.ones(2), np.int64(0))


def test_A5_lists_and_arange_are_scalars_where_numpy_makes_scalars_of_them():
    x = Tensor(np.ones(2, np.float32))

    def function(x):
        return x * mg.arange(1, 4)[1], x * mg.sum([1.0, 2.0]), x * mg.exp(0.0), x + mg.arange(2.0), x * mg.tri(2)[0, 0]

    for actual, expected in zip(mg.compile(function)(x), function(x), strict=True):
        assert actual.dtype == expected.dtype
        assert actual.tolist() == expected.tolist()


def test_A5_a_wide_float_stays_wide_as_eagerly():
    x, s = Tensor(np.ones(2, np.float32)), np.longdouble(2)
    assert mg.compile(lambda x, s: x * s)(x, s).dtype == (x * s).dtype


def test_A5_state_takes_what_a_scalar_makes():
    rate, weight = np.float64(0.5), Tensor(np.ones(2, np.float32), name="weight")

    def update(rate):
        mg.assign(weight, mg.read(weight) * rate)
        return mg.sum(weight)

    step = mg.compile(update)
    assert [float(step(rate)) for _ in range(2)] == [1.0, 0.5]
    assert weight.dtype == np.float32


@pytest.mark.parametrize("value", [np.float32(0.5), [1.0]], ids=["a scalar", "a list"])
def test_A5_what_state_was_assigned_is_as_strong_as_state(value):
    def run(wrap):
        state = Tensor(np.zeros(np.shape(value), np.float32))

        def step(chosen, value):
            mg.assign(state, value)
            return mg.where(chosen, state, state), state * 1.0

        return wrap(step)(Tensor([True]), value)

    for ours, exact in zip(run(mg.compile), run(lambda function: function), strict=True):
        assert ours.dtype == exact.dtype == np.float32
        assert ours.tolist() == exact.tolist()


def test_A5_a_number_where_an_array_is_needed_is_named_as_in_eager_code():
    for wrap in (lambda function: function, mg.compile):
        with pytest.raises(TypeError, match=r"setitem.*a Python number stands where an array is needed"):
            wrap(lambda x, y: mg.set_at(x, (), y * 2.0))(np.float32(0.5), Tensor(1.0))


def test_A5_a_place_that_was_computed_has_a_gradient():
    x = Tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    place = mg.argmax(np.array([0.0, 1.0]))  # NumPy's scalar
    assert mg.grad(mg.sum(x[place] ** 2), x).tolist() == [[0.0, 0.0], [6.0, 8.0]]


def test_A5_the_type_of_a_condition_is_none_of_the_result():
    for wrap in (mg.compile, lambda function: function):
        chosen = wrap(lambda x, s: mg.where(x, s, 0.0))(Tensor(np.float32([1.0, 0.0])), np.float32(0.5))
        assert chosen.dtype == np.float64
        assert chosen.tolist() == [0.5, 0.0]


@pytest.mark.parametrize(
    "scalar",
    [
        np.sum,
        mg.mean,
        lambda a: a[0],
        lambda a: a @ a,
        lambda a: mg.sum(a * 2.0) + 1.0,
        lambda a: -mg.reshape(a[:1], ()),
    ],
    ids=["sum", "mean", "element", "product", "sum of more", "negative"],
)
def test_A5_what_numpy_makes_a_scalar_of_acts_as_a_number(scalar):
    x, array = Tensor(np.float32([1.0, 2.0])), np.array([0.5, 1.0])
    function = lambda x, array: (x * scalar(array), array * scalar(array))  # noqa: E731
    for ours, exact in zip(mg.compile(function)(x, array), function(x, array), strict=True):
        assert ours.dtype == exact.dtype
        np.testing.assert_allclose(ours.numpy(), np.asarray(exact), rtol=1e-6)


ROWS = {
    "a sum beyond the small integer": (lambda s, x: (s + np.int64(100)) * x, np.int8(100)),
    "a product": (lambda s, x: (s * np.int64(3)) * x, np.uint8(200)),
    "beyond float16": (lambda s, x: s * np.float64(1e5) * x, np.float16(1)),
    "the digits of float64": (lambda s, x: (s + np.float64(1e-9) - 1) * x, np.float32(1)),
    "a comparison": (lambda s, x: mg.where(s > np.float64(0.1), x, -x), np.float32(0.1)),
    "a power": (lambda s, x: np.float64(0.999) ** s * x, np.float16(100)),
    "a scalar of an array": (lambda a, x: np.max(a) * np.int64(2) * x, np.array([200, 100], np.uint8)),
    "an element": (lambda a, x: (a[0] + np.int64(100)) * x, np.array([200, 100], np.uint8)),
    "a root": (lambda s, x: s / np.sqrt(8.0) * x, np.float32(1)),
    "the larger one": (lambda s, x: mg.maximum(s, np.float64(0.1)) * x, np.float32(0.05)),
    "a mean of a number": (lambda s, x: mg.sum(s) * mg.mean(0.1) * x, np.float16(3)),
    "a number": (lambda s, x: s * 2.5 * x, np.float16(3)),
    "the Tensor first": (lambda s, x: np.float64(2) * x * s, np.float16(3)),
    "joined": (lambda s, x: mg.stack([s, np.float64(0.1)]) * x, np.float32(0.3)),
}


@pytest.mark.parametrize("name", ROWS)
def test_A5_a_scalar_in_the_source_keeps_its_type_beside_scalars(name):
    function, argument = ROWS[name]
    x = Tensor([1.0, 2.0])
    with np.errstate(all="ignore"):
        exact = function(argument, x)
        for ours in (mg.compile(function)(argument, x), mg.trace(function, argument, x).run(argument, x)):
            assert np.asarray(ours).dtype == exact.dtype
            assert np.asarray(ours).tolist() == exact.tolist()


def test_A5_a_constant_is_compared_in_its_own_type():
    x, bound = Tensor(np.float32([0.1, 0.2])), mg.constant(np.array(0.1))  # 0.1 in float32 is above 0.1
    for wrap in (lambda function: function, mg.compile):
        assert wrap(lambda x: x > bound)(x).tolist() == [True, True]


@pytest.mark.parametrize(
    "function",
    [lambda x, s: x / s, lambda x, s: x / (s + 1), lambda x, s: s / (x + 1), lambda x, s: mg.arctan2(x, s)],
    ids=["quotient", "of a sum", "the other way", "angle"],
)
def test_A5_a_quotient_of_small_integers_is_a_float(function):
    x, step = Tensor(np.array([1, 2, 3], np.int8)), mg.compile(function)
    for value in (5, 250):
        exact, ours = function(x, np.uint8(value)), step(x, np.uint8(value))
        assert ours.dtype == exact.dtype
        np.testing.assert_allclose(ours.numpy(), exact.numpy(), rtol=1e-3)


@pytest.mark.parametrize("array", [np.int8([10]), np.uint8([200]), np.int32([2]), np.float32([2.5]), np.float16([2.5])])
@pytest.mark.parametrize("scalar", [np.int64(3), np.uint8(40), np.float64(2), np.float32(0.5)])
@pytest.mark.parametrize("name", ["power", "multiply", "add", "subtract", "divide", "maximum", "minimum", "less"])
def test_beside_plain_arrays_a_scalar_is_what_it_is_to_numpy(name, array, scalar):
    ours, numpys = getattr(mg, name), getattr(np, name)
    with np.errstate(over="ignore"):
        expected = numpys(array, scalar)
        for computed in (ours(array, scalar), mg.compile(ours)(array, scalar).numpy()):
            assert computed.dtype == expected.dtype
            np.testing.assert_array_equal(computed, expected)
