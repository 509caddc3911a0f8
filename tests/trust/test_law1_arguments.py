"""Law 1 for kinds of arguments: over every sample of every public function, compiled as eagerly and as interpreted.

One argument at a time is what a user might pass in its place: a NumPy scalar for a number, an array of the other byte
order, a list written in the source.
"""

import numpy as np
import pytest

import minigrad as mg
from minigrad import Tensor
from minigrad.checks.cases import cases_of
from minigrad.core.structure import leaves, map_leaves
from minigrad.ops.specimens import specimens_of

INNER = "getitem", "scatter_add", "setitem"  # which take the parsed arrays of an index
NAMES = [name for name, function in mg.registry.items() if specimens_of(function).samples and name not in INNER]
REFUSALS = TypeError, ValueError, IndexError, AttributeError, OverflowError, mg.CaptureError


def with_one(case, chosen, change, take):
    """The case with `change(leaf)` in place of the leaf number `chosen` of those that `take` holds for."""
    count = 0

    def given(leaf):
        nonlocal count
        if not take(leaf):
            return leaf
        count += 1
        return change(leaf) if count - 1 == chosen else leaf

    return map_leaves(given, case.arguments())


def require_as_eagerly(function, *arguments):
    """The compiled function gives what the function gives, and so does its graph."""
    with np.errstate(all="ignore"):
        expected = list(leaves(function(*arguments)))
        actual = leaves(mg.compile(function)(*arguments))
        interpreted = leaves(mg.trace(function, *arguments).run(*arguments))
        for ours, plainest, exact in zip(actual, interpreted, expected, strict=True):
            exact = exact.numpy() if isinstance(exact, Tensor) else np.asarray(exact)
            assert ours.dtype == plainest.dtype == exact.dtype
            np.testing.assert_allclose(ours.numpy(), exact, rtol=2e-3 if exact.dtype == "e" else 1e-6, atol=1e-12)
            np.testing.assert_allclose(plainest, exact, rtol=2e-3 if exact.dtype == "e" else 1e-6, atol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", NAMES)
def test_numpy_scalars_act_as_numbers(name, dtype):
    """In place of each number among the operands; what is static refuses them."""
    for case in cases_of(mg.registry[name]):
        args = case.arguments()[0]
        for position, number in enumerate(args):
            if type(number) not in (int, float):
                continue
            for scalar in (np.float64, np.float32) if type(number) is float else (np.int64, np.int8):
                if scalar(number) != number or not any(isinstance(x, np.ndarray) for x in args):
                    continue

                def function(s, *tensors, case=case, position=position):
                    following = iter(tensors)
                    args, params = map_leaves(lambda x: next(following) if is_array(x) else x, case.arguments())  # noqa: B023
                    return case.function(*args[:position], s, *args[position + 1 :], **params)

                tensors = [Tensor(x) for x in case.arrays(dtype)]
                try:
                    mg.trace(function, scalar(number), *tensors)
                except REFUSALS:
                    continue
                require_as_eagerly(function, scalar(number), *tensors)


def is_array(x):
    return isinstance(x, np.ndarray)


@pytest.mark.parametrize("name", NAMES)
def test_arrays_of_the_other_byte_order(name):
    for case in cases_of(mg.registry[name]):
        if case.shape_depends_on_values:
            continue
        for array in range(len(case.arrays())):
            args, params = with_one(case, array, lambda x: x.astype(x.dtype.newbyteorder(">")), is_array)
            given = [x for x in leaves((args, params)) if is_array(x)]

            def function(*arrays, case=case):
                following = iter(arrays)
                args, params = map_leaves(lambda x: next(following) if is_array(x) else x, case.arguments())  # noqa: B023
                return case.function(*args, **params)

            expected = list(leaves(function(*case.arrays())))
            for actual in (mg.compile(function)(*given), mg.trace(function, *given).run(*given)):
                for ours, exact in zip(leaves(actual), expected, strict=True):
                    assert ours.dtype == exact.dtype
                    np.testing.assert_allclose(np.asarray(ours), np.asarray(exact), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_A14_lists_in_the_source_are_constants(name):
    """In place of every array of every sample but the first, one at a time."""
    for case in cases_of(mg.registry[name]):
        for chosen in range(1, len(case.arrays())):
            if case.arrays()[chosen].size and not case.shape_depends_on_values:

                def function(x, case=case, chosen=chosen):
                    args, params = with_one(case, chosen, np.ndarray.tolist, is_array)
                    first = next(y for y in leaves((args, params)) if is_array(y))
                    args, params = map_leaves(
                        lambda y: x if y is first else mg.constant(y) if is_array(y) else y, (args, params)
                    )  # fmt: skip
                    return case.function(*args, **params)

                x = Tensor(case.arrays()[0])
                try:
                    function(x)
                except REFUSALS:  # lists are not taken here, captured or not
                    continue
                require_as_eagerly(function, x)
