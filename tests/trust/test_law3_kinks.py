"""Law 3: at every declared kink the gradient is the declared one, and derivatives to order 3 are numbers.

They are the same however they are computed: on arrays, recorded, and at each order from the one before.
"""

import numpy as np
import pytest

import minigrad as mg
from minigrad.checks.cases import Case, results, variables
from minigrad.core.structure import leaves
from minigrad.ops.specimens import specimens_of
from tests.trust.test_law2_choices_not_taken import fixed

KINKS = [
    pytest.param(Case(function, kink.call, number), kink, id=f"{name} {number}")
    for name, function in mg.registry.items()
    for number, kink in enumerate(specimens_of(function).kinks)
]


def total_of(outputs, seed):
    """Outputs along a direction; along ones for seed None."""
    rng = np.random.default_rng(seed)
    given = [y for y in outputs if isinstance(y, mg.Tensor) and y.requires_grad]
    return sum((mg.sum(y if seed is None else y * rng.standard_normal(y.shape)) for y in given), 0.0)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(("case", "kink"), KINKS)
def test_derivatives_at_a_kink_are_numbers(case, kink):
    xs = variables(case.floats())
    total = total_of(results(case(*xs)), None)
    for order in (1, 2, 3):
        on_arrays = mg.grad(total, xs, unused="zero")
        recorded = mg.grad(total, xs, create_graph=True, unused="zero")
        for number, (one, other) in enumerate(zip(on_arrays, recorded, strict=True)):
            np.testing.assert_array_equal(one.numpy(), other.numpy())
            assert np.isfinite(one.numpy()).all(), f"order {order}"
            if order == 1:
                np.testing.assert_allclose(one.numpy(), np.broadcast_to(kink.gradients[number], one.shape), atol=1e-12)
        total = total_of(recorded, order)
        if not isinstance(total, mg.Tensor):
            break


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(("case", "kink"), KINKS)
def test_programs_and_graphs_agree_at_a_kink(case, kink):
    def derivatives(*xs):
        total, found = total_of(results(not_captured_by_value(case, xs)), None), []
        while isinstance(total, mg.Tensor) and total.requires_grad and len(found) < 3:
            found.append(mg.grad(total, xs, create_graph=True, unused="zero"))
            total = total_of([mg.square(x) for x in found[-1]], None)
        return found

    xs = variables(case.floats())
    expected = [x.numpy() for x in leaves(derivatives(*xs))]
    for found in (mg.trace(derivatives, *xs).run(*case.floats()), mg.compile(derivatives)(*xs)):
        for one, other in zip(leaves(found), expected, strict=True):
            np.testing.assert_allclose(np.asarray(one), other, rtol=1e-9, atol=1e-12)


def not_captured_by_value(case, xs):
    """The case with its masks as constants, so that it can be captured."""
    return case.on(xs, lambda *args, **params: case.function(*map(fixed, args), **params))
