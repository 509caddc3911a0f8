"""Every op that a program writes in its own way, on infinities, NaN, zeros of both signs, the huge and the tiny."""

import numpy as np
import pytest

import minigrad as mg
from minigrad.checks.cases import cases_of, is_float_array, results
from minigrad.core.op import Op
from minigrad.core.structure import map_leaves
from tests.compiler.test_laws import TAKE_LISTS, lists_as_arrays
from tests.tiers import in_two_tiers

OPS = [
    name for name, op in mg.registry.items()
    if isinstance(op, Op) and any(case.floats() and not case.shape_depends_on_values for case in cases_of(op))
]  # fmt: skip
TYPES = [np.float16, np.float32, np.float64]
ROWS = [[0.0, 1.0, -np.inf], [np.inf, 0.0, 1.0], [0.0, np.inf, np.inf], [np.nan, 0.0, 1.0], [1.0, -np.inf, np.inf]]


def special_values(dtype):
    kind = np.finfo(dtype)
    extremes = [kind.max, -kind.max, kind.tiny, kind.smallest_subnormal, -kind.smallest_subnormal]
    return np.array(
        [0.5, 0.0, -0.0, 1.0, -1.0, np.inf, 2.0, -np.inf, np.nan, -3.0, *extremes, 20.0, -20.0, 700.0], dtype
    )


def arguments_of(case, dtype, start, stride):
    """The case with special values in its arrays of floats, taken in turn from a place on."""
    values = special_values(dtype)
    places = iter(range(start, start + 100, 3))

    def filled(leaf):
        return values[(next(places) + np.arange(leaf.size) * stride) % len(values)].reshape(leaf.shape)

    args, params = case.arguments()
    if case.function.name == "take":
        args = (args[0], np.asarray(args[1]), *args[2:])
    elif case.function.name not in TAKE_LISTS:
        args, params = lists_as_arrays(args), {key: lists_as_arrays(x) for key, x in params.items()}
    return map_leaves(lambda leaf: filled(leaf) if is_float_array(leaf) else leaf, (args, params))


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@in_two_tiers(first=1)
@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("name", OPS)
def test_B3_compiled_ops_give_what_eager_ones_give(name, dtype, samples):
    for case in list(cases_of(mg.registry[name]))[samples]:
        if not case.floats() or case.shape_depends_on_values:
            continue
        program = mg.compile(lambda args, params, op=case.function: results(op(*args, **params)))
        for start in range(len(special_values(dtype))):
            args, params = arguments_of(case, dtype, start, [1, 5, 7][start % 3])
            try:
                found = results(case.function(*args, **params))
            except (TypeError, np.linalg.LinAlgError) as error:
                with pytest.raises(type(error)):
                    program(args, params)
                continue
            for actual, expected in zip(program(args, params), found, strict=True):
                require_alike(actual.numpy(), np.asarray(expected), f"sample {case.number}, {args}")


def require_alike(actual, expected, what):
    """The same type; NaN and infinities in the same places; the rest within four units in the last place."""
    assert (actual.shape, actual.dtype) == (expected.shape, expected.dtype)
    if actual.dtype.kind != "f":
        np.testing.assert_array_equal(actual, expected, err_msg=what)
        return
    finite = np.isfinite(expected)
    np.testing.assert_array_equal(np.where(finite, 0, actual), np.where(finite, 0, expected), err_msg=what)
    np.testing.assert_array_max_ulp(np.abs(actual[finite]) * np.sign(actual[finite]), expected[finite] + 0, 4)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("epsilon", [1e-5, 0.0])
@pytest.mark.parametrize("width", [3, 30])
@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("row", ROWS)
def test_B3_a_row_with_an_infinity_has_no_deviation(row, dtype, width, epsilon):
    x = np.array([row + [0.5] * (width - 3), np.arange(width)], dtype)
    for function in (mg.inverse_deviation, mg.standardize):
        for run in (function, mg.compile(lambda x, f=function: f(x, epsilon=epsilon))):
            y = np.asarray(run(x, epsilon=epsilon) if run is function else run(x).numpy())
            assert np.isnan(y[0]).all()
            assert np.isfinite(y[1]).all()
