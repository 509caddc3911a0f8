"""Hard cases of activations: tails, where careless formulas give NaN or lose digits, and conventions at kinks."""

import functools
import math

import numpy as np
import pytest

import minigrad as mg
from minigrad import Tensor

inf = math.inf


def derivatives(function, x, order=1):
    """The value of a function of one number, and its derivatives up to `order`."""
    x = Tensor(float(x), requires_grad=True)
    found = [function(x)]
    for _ in range(order):
        found.append(mg.grad(found[-1], x, create_graph=True, unused="zero"))
    return [float(y) for y in found]


gelu_tanh = functools.partial(mg.gelu, approximate="tanh")

# case, function, input → value and derivative, within a relative error
TAILS = [
    ("N10", mg.sigmoid, 1000, 1, 0, 0), ("N10", mg.sigmoid, -1000, 0, 0, 0),
    ("N11", mg.softplus, -40, 4.248354255291589e-18, 4.248354255291589e-18, 1e-15),
    ("N11", mg.softplus, 25, 25.000000000013888, 0.9999999999861121, 1e-15),
    ("N12", mg.softplus, 1000, 1000, 1, 0), ("N12", mg.softplus, -1000, 0, 0, 0),
    ("N12", mg.log_sigmoid, -1000, -1000, 1, 0), ("N12", mg.log_sigmoid, 1000, 0, 0, 0),
    ("N13", mg.gelu, -6, -5.919525870226188e-9, -3.5468709453902015e-8, 1e-13),
    ("N14", mg.gelu, 40, 40, 1, 0), ("N14", mg.gelu, -40, 0, 0, 0),
    ("N14", gelu_tanh, 40, 40, 1, 0), ("N14", gelu_tanh, -40, 0, 0, 0),
    ("N14", mg.silu, 1000, 1000, 1, 0), ("N14", mg.silu, -1000, 0, 0, 0),
    ("N14", mg.mish, 1000, 1000, 1, 0), ("N14", mg.mish, -1000, 0, 0, 0),
    ("gelu", gelu_tanh, 1, 0.8411919906082768, 1.0829640838457826, 1e-14),
    ("elu", mg.elu, -1000, -1, 0, 0), ("elu", mg.elu, 1000, 1000, 1, 0),
    ("softsign", mg.softsign, 1e300, 1, 0, 0), ("softsign", mg.softsign, -1e300, -1, 0, 0),
]  # fmt: skip


@pytest.mark.parametrize(("function", "x", "value", "slope", "relative"), [case[1:] for case in TAILS],
                         ids=[f"{case[0]}-{case[2]}" for case in TAILS])  # fmt: skip
def test_value_and_derivative_keep_their_digits(function, x, value, slope, relative):
    np.testing.assert_allclose(derivatives(function, x), [value, slope], rtol=relative, atol=0.0)


SMOOTH = [mg.sigmoid, mg.softplus, mg.log_sigmoid, mg.gelu, gelu_tanh, mg.silu, mg.mish, mg.elu, mg.softsign]


@pytest.mark.parametrize("function", SMOOTH)
@pytest.mark.parametrize("x", [-1e50, -800.0, -700.0, 700.0, 800.0])
def test_N14_no_order_of_derivative_is_NaN_far_out(function, x):
    with np.errstate(over="ignore"):
        assert np.isfinite(derivatives(function, x, 3)).all()


@pytest.mark.parametrize("function", [mg.gelu, gelu_tanh, mg.silu, mg.mish])
def test_N14_infinite_inputs_have_the_limits(function):
    with np.errstate(over="ignore"):
        assert derivatives(function, -inf) == [0.0, 0.0]
        assert derivatives(function, inf)[0] == inf


@pytest.mark.parametrize(
    ("function", "slope"), [(mg.relu, 0.0), (functools.partial(mg.leaky_relu, slope=0.25), 0.25),
                            (functools.partial(mg.elu, alpha=0.5), 0.5), (mg.elu, 1.0)],
)  # fmt: skip
def test_N31_at_the_kink_the_slope_is_that_of_the_left_side(function, slope):
    assert derivatives(function, 0.0) == [0.0, slope]
    assert derivatives(function, -0.0) == [0.0, slope]


@pytest.mark.parametrize("function", SMOOTH + [mg.leaky_relu])
def test_NaN_stays_NaN(function):
    assert np.isnan(derivatives(function, math.nan)).all() or function is mg.leaky_relu


@pytest.mark.parametrize(
    ("function", "slope"), [(mg.gelu, mg.gelu_slope), (mg.silu, mg.silu_slope), (mg.mish, mg.mish_slope)]
)
def test_a_slope_is_the_derivative_and_its_definition_the_formula(function, slope):
    x = np.linspace(-8, 8, 101)
    variable = Tensor(x, requires_grad=True)
    np.testing.assert_array_equal(mg.grad(mg.sum(function(variable)), variable).numpy(), slope(x))
    with mg.expanded(function.name, slope.name):
        naive = mg.grad(mg.sum(function(variable)), variable).numpy()
    np.testing.assert_allclose(slope(x), naive, rtol=0, atol=1e-14)


@pytest.mark.parametrize(("slope", "zero"), [(mg.gelu_slope, -0.7517915246935645), (mg.silu_slope, -1.2784645427610737),
                                             (mg.mish_slope, -1.1924312145154952)])  # fmt: skip
def test_a_slope_changes_sign_between_the_neighbours_of_its_zero(slope, zero):
    below, above = (float(slope(np.float64(np.nextafter(zero, toward)))) for toward in (-9, 9))
    assert -1e-15 < below < 0 < above < 1e-15


@pytest.mark.parametrize("slope", [mg.gelu_slope, mg.silu_slope, mg.mish_slope])
def test_a_slope_far_out_is_0_or_1_and_warns_of_nothing(slope):
    assert slope(np.array([-inf, -1e6, -900.0, 900.0, 1e6, inf])).tolist() == [0, 0, 0, 1, 1, 1]
    assert derivatives(slope, inf)[1] == derivatives(slope, -inf)[1] == 0 or slope is not mg.gelu_slope


def test_elu_far_out_is_linear_in_the_incoming_gradient():
    assert mg.check_gradients(mg.elu, [np.array([800.0, -800.0])], order=2).passed
