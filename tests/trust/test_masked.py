"""Arrays that mean more than their numbers: what would be lost is refused at the door, with what to write instead."""

import numpy as np
import pytest

import minigrad as mg

MASKED = np.ma.array([1.0, 2.0, 3.0], mask=[False, True, False])


def leaf():
    return mg.Tensor([1.0, 2.0, 3.0], requires_grad=True, name="leaf")


@pytest.mark.parametrize(
    "compute",
    [
        lambda x: MASKED * x, lambda x: np.ma.multiply(MASKED, x), lambda x: np.ma.multiply(x, MASKED),
        lambda x: np.ma.less(MASKED, x), lambda x: np.ma.concatenate([MASKED, x]),
        lambda x: np.ma.where(MASKED > 0, x, 0),
    ],
)  # fmt: skip
def test_A8_functions_of_masked_arrays_do_not_drop_the_gradient_of_a_tensor(compute):
    """They look for an attribute `_data` first, as theirs is called: a Tensor has none."""
    with pytest.raises(TypeError, match=r"would lose the gradient of float64 \(3,\) 'leaf': use \.numpy\(\)"):
        compute(leaf())
