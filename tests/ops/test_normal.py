"""The Gaussian, erf, erfc, gelu and its slope: how far off, in every type, and what they do with memory.

Values and derivatives at points of ordinary size are in test_accuracy.py.
"""

import math

import numpy as np
import pytest
from mpmath import mp, mpf

from minigrad.ops.kernels import normal
from tests.ops.normal_tables import DEGREES, find_center, fit_table, of_slope, of_tail, write_number
from tests.tiers import deep_after

ALLOWED = 4  # units in the last place


def gelu(x, out=None):
    return normal.gelu(x, "none", out)


def bell(x, out=None):
    return normal.gaussian(x, 1.0, out)


def exact_erfc(x):
    return mp.erfc(x) if x < 100 else mpf(0)  # mpmath fails for very large numbers


def exact_share(x):
    return exact_erfc(-x / mp.sqrt(2)) / 2


def exact_bell(x):
    return mp.exp(-x * x) if abs(x) < 100 else mpf(0)


# function → its value, and how many of the smallest number it may be off where it is below the smallest normal one
EXACT = {
    normal.erf: (mp.erf, 1),
    normal.erfc: (exact_erfc, 2),
    gelu: (lambda x: x * exact_share(x), 2),
    normal.gelu_slope: (lambda x: exact_share(x) + x * exact_bell(x / mp.sqrt(2)) / mp.sqrt(2 * mp.pi), 16),
    bell: (exact_bell, 1),
}
every_function = pytest.mark.parametrize("function", EXACT, ids=lambda function: function.__name__)
every_dtype = pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
EDGES = [0.0, 0.5, 1.0, 1 - 2**-24, 1 + 2**-23, 5.0, 6.0, 26.5, 27.0, 27.2, 37.5, 38.4, 39.0, 40.0, 1e3, 6e4]


def everywhere(dtype):
    """Numbers of both signs: of every exponent, subnormal ones, those of some size, and edges."""
    limits, rng = np.finfo(dtype), np.random.default_rng(0)
    powers = np.exp2(np.arange(limits.minexp - limits.nmant, limits.maxexp, dtype=np.float64))
    with np.errstate(under="ignore"):
        parts = [powers, powers * 1.7, rng.uniform(0, 40, 400), rng.uniform(0, 3, 400), EDGES]
        x = np.concatenate(parts).astype(dtype)
    return np.concatenate([x, -x])


@every_dtype
@every_function
def test_values_of_every_size_are_exact_to_4_units_in_the_last_place(function, dtype):
    x = everywhere(dtype)
    exact, smallest = EXACT[function]
    limits = np.finfo(dtype)
    with mp.workdps(50):
        for argument, value in zip(x.tolist(), function(x).tolist(), strict=True):
            expected = exact(mpf(argument))
            if abs(expected) < float(limits.tiny):
                unit, allowed = float(limits.smallest_subnormal), smallest
            else:
                unit, allowed = float(np.spacing(dtype(abs(float(expected))))), ALLOWED
            assert abs(mpf(value) - expected) <= allowed * unit, argument


@pytest.mark.parametrize("step", deep_after(1, [6211, 97]))
@every_function
def test_float32_is_what_float64_is_at_a_large_sample_of_all_numbers(function, step):
    limits = np.finfo(np.float32)
    for bits in np.array_split(np.arange(0, 2**32, step, dtype=np.int64).astype(np.uint32), 64):
        x = bits.view(np.float32)
        x = x[np.isfinite(x)]
        expected = function(x.astype(np.float64))
        with np.errstate(under="ignore"):
            unit = np.spacing(np.abs(expected).astype(np.float32)).astype(np.float64)
        allowed = np.where(np.abs(expected) < limits.tiny, EXACT[function][1], ALLOWED)
        assert (np.abs(function(x) - expected) <= allowed * unit).all()


@every_dtype
def test_erf_and_erfc_are_those_of_the_C_library(dtype):
    x = np.linspace(-5, 5, 4001).astype(dtype)
    for function, reference in ((normal.erf, math.erf), (normal.erfc, math.erfc)):
        expected = np.array([*map(reference, x.tolist())])
        np.testing.assert_allclose(function(x), expected, rtol=4 * np.finfo(dtype).eps, atol=np.finfo(dtype).tiny)


@every_dtype
def test_erf_is_odd_and_knows_the_sign_of_zero(dtype):
    x = everywhere(dtype)
    np.testing.assert_array_equal(normal.erf(-x), -normal.erf(x))
    zeros = np.array([0.0, -0.0], dtype)
    for function in (normal.erf, gelu):
        assert np.signbit(function(zeros)).tolist() == [False, True]
    assert normal.erfc(zeros).tolist() == bell(zeros).tolist() == [1, 1]
    assert normal.gelu_slope(zeros).tolist() == [0.5, 0.5]


@every_dtype
def test_limits_and_NaN(dtype):
    x = np.array([-np.inf, np.inf, np.nan], dtype)
    limits = {
        normal.erf: [-1, 1], normal.erfc: [2, 0], gelu: [0, np.inf], normal.gelu_slope: [0, 1], bell: [0, 0],
    }  # fmt: skip
    for function, expected in limits.items():
        np.testing.assert_array_equal(function(x), [*expected, np.nan])


@every_dtype
@every_function
def test_no_finite_number_raises_a_flag(function, dtype):
    with np.errstate(all="raise"):
        assert np.isfinite(function(everywhere(dtype))).all()


def test_erfc_ends_in_subnormal_numbers():
    assert 0 < normal.erfc(np.float64(27.2)) < np.finfo(np.float64).tiny
    assert normal.erfc(np.float64(28)) == 0


# --- memory -----------------------------------------------------------------------------------------------------------


@every_dtype
@every_function
def test_results_are_written_wherever_they_are_to_lie(function, dtype):
    x = np.random.default_rng(0).standard_normal((3, normal.BLOCK // 2 + 5)).astype(dtype)
    expected = function(x)
    np.testing.assert_array_equal(function(x.T), expected.T)
    outs = [np.empty_like(x), np.empty(x.shape[::-1], dtype).T, np.empty((3, 2 * x.shape[1]), dtype)[:, ::2]]
    for out in outs:
        assert function(x, out) is out
        np.testing.assert_array_equal(out, expected)
    own = x.copy()
    function(own, own)
    np.testing.assert_array_equal(own, expected)


@every_function
def test_results_have_the_shape_and_the_type_of_what_they_are_of(function):
    for shape in [(), (0,), (2, 0, 3), (1, 4)]:
        for dtype in (np.float16, np.float32, np.float64, np.longdouble):
            assert (function(np.zeros(shape, dtype)).shape, function(np.zeros(shape, dtype)).dtype) == (shape, dtype)
    assert function(np.arange(3)).dtype == np.float64
    assert function(np.zeros(3, np.int8)).dtype == np.float16
    assert type(function(1.0)) is np.ndarray


# --- the tables -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "char"), [(name, char) for name, degrees in DEGREES.items() for char in degrees])
def test_tables_are_those_that_mpmath_computes(name, char):
    computed = [float(write_number(x, char)) for x in fit_table(name, char)]
    assert getattr(normal, name)[char] == tuple(computed)


def test_polynomials_are_one_half_at_their_centers():
    for function, center in ((of_tail, normal.TAIL_CENTER), (of_slope, normal.SLOPE_CENTER)):
        with mp.workdps(50):
            assert float(find_center(function)) == center
