"""Arrays in the other byte order are the same numbers: every function gives for them what it gives for its own."""

import numpy as np
import pytest

import minigrad as mg
from minigrad.checks.cases import cases_of, results
from tests.trust.test_law4_half_precision import takes_half

FUNCTIONS = [name for name, function in mg.registry.items() if any(case.floats() for case in cases_of(function))]


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_A11_the_other_byte_order_gives_the_same_numbers(name, dtype):
    other = np.dtype(dtype).newbyteorder()
    for case in cases_of(mg.registry[name]):
        if dtype is np.float16 and not takes_half(case):
            continue
        arrays = [np.asarray(array.astype(dtype)) for array in case.floats()]
        for given in ([x.astype(other) for x in arrays], [x.astype(other) if i else x for i, x in enumerate(arrays)]):
            for ours, theirs in zip(results(case(*given)), results(case(*arrays)), strict=True):
                assert ours.dtype.newbyteorder("=") == theirs.dtype, case
                np.testing.assert_allclose(ours, theirs, rtol=8 * np.finfo(dtype).eps, atol=1e-6, err_msg=str(case))
