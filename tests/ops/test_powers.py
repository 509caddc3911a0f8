"""Powers of special values: a number as exponent is what NumPy makes of `x ** n`, all else the power of C's pow.

They differ at −0 and −∞ to the power 0.5, where NumPy takes the root; NumPy's `power` takes one or the other, as the
exponent lies in memory.
"""

import numpy as np
import pytest

import minigrad as mg

SPECIAL = [0.0, -0.0, 1.0, -1.0, 0.5, -2.5, 4.0, 3e4, -1e-4, np.inf, -np.inf, np.nan]
EXPONENTS = [0, 0.0, -0.0, 1, 2, 3, 4, -1, -2, -3, 0.5, -0.5, 1.5, -1.5, 1 / 3, 2.5, np.inf, -np.inf, np.nan]
TYPES = [np.float16, np.float32, np.float64]
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")


def require_alike(found, expected):
    """The same type and signs; NaN and infinities in the same places; the rest to rounding."""
    found, expected = np.asarray(found), np.asarray(expected)
    assert (found.dtype, found.shape) == (expected.dtype, expected.shape)
    np.testing.assert_allclose(found, expected, 8 * float(np.finfo(expected.dtype).eps))
    is_number = ~np.isnan(expected)
    np.testing.assert_array_equal(np.signbit(found[is_number]), np.signbit(expected[is_number]))


def power_of_c(x, exponent):
    """By numbers of Python, which are numbers of C."""
    power = np.float_power(x.astype(np.float64), np.full(x.shape, exponent, np.float64))
    return power.astype(x.dtype)


def expected_power(x, exponent):
    return np.sqrt(x) if exponent == 0.5 else power_of_c(x, exponent)


def executors(function, *args):
    """What each executor makes of it, and the function itself."""
    yield function(*map(mg.Tensor, args)).numpy()
    yield mg.trace(function, *args).run(*args)
    yield mg.compile(function)(*args).numpy()


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("exponent", EXPONENTS)
def test_a_number_as_exponent_is_numpys(exponent, dtype):
    x = np.array(SPECIAL, dtype)
    for given in (x, x.repeat(2)[::2], np.resize(x, (3, 12)).T, *(x[i] for i in range(len(x)))):
        array = np.asarray(given)
        for found in executors(lambda x: x**exponent, array):
            require_alike(found, expected_power(array, exponent))


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("exponent", EXPONENTS)
def test_other_powers_do_not_depend_on_how_the_exponent_lies_in_memory(exponent, dtype):
    x, n = np.resize(np.array(SPECIAL, dtype), (4, 12)), np.array(exponent, dtype)
    layouts = [n, n[None], np.full((4, 1), n), np.full((1, 12), n), np.full((4, 12), n), np.broadcast_to(n, (4, 12))]
    for layout in layouts:
        for found in executors(mg.tensor_power, x, layout):
            require_alike(found, power_of_c(x, exponent))
    for found in executors(lambda x: mg.tensor_power(x, exponent), x):
        require_alike(found, power_of_c(x, exponent))
    for number in x[0]:
        for found in executors(mg.tensor_power, np.asarray(number), n):
            require_alike(found, power_of_c(np.asarray(number), exponent))


def test_a_number_as_base_stays_weak():
    for base in (-np.inf, -0.0, 2, 2.0):
        exponents = np.array([0.5, 1.0, 2.0], np.float32)
        for found in executors(lambda n, base=base: mg.tensor_power(base, n), exponents):
            require_alike(found, np.array([base**0.5 if base > 0 else abs(base), base, base**2], np.float32))


def test_integers_have_powers():
    for found in executors(lambda x: mg.tensor_power(x, 0.5), np.array([4, 9])):
        assert found.tolist() == [2.0, 3.0]
    for found in executors(mg.tensor_power, np.array([2, 3]), np.array([3, 2])):
        assert found.tolist() == [8, 9]


@pytest.mark.parametrize("dtype", ["int64", "int8", "uint8", "bool", "float16", "float32", "float64"])
def test_numpys_float_power_is_of_the_type_that_numpy_makes(dtype):
    x, n = np.array([1, 0, 1], dtype), np.array([1, 2, 0], "int8")
    for values in ((x, n), (x, -n.astype(int) + 1), (3, x), (x, 2)):
        with np.errstate(divide="ignore"):
            expected = np.float_power(*values)
            found = np.float_power(*[mg.Tensor(v) if isinstance(v, np.ndarray) else v for v in values])
        assert found.dtype == expected.dtype == np.float64
        np.testing.assert_allclose(found.numpy(), expected)
