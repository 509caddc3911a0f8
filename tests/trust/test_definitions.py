"""A definition is its op, also on infinities, NaN, zeros of both signs, the huge and the masked: to the second order.

Where the op says a number the definition says the same. Where it says NaN, of a value that is NaN itself, the
definition may say a number: what its own steps make of 0 · NaN. With no cotangent on such values they agree again.
"""

import itertools

import numpy as np
import pytest

import minigrad as mg
from minigrad.checks.cases import Case, cases_of, cotangents_for, results
from minigrad.core.modes import expanded
from minigrad.core.op import Op
from minigrad.ops.specimens.calls import call

DEFINED = [
    name for name, op in mg.registry.items()
    if isinstance(op, Op) and op.definition is not None and any(case.differentiable for case in cases_of(op))
]  # fmt: skip
LEFT_OUT = ["blockwise_attention", "blockwise_attention_gradient"]  # of NaN: blocks that are masked are not looked at
FINITE = [0.5, 0.0, -0.0, 1.0, -1.0, 2.0, -3.0, 40.0, -40.0, 1e3, -1e3]
WEIGHTS = [0.5, 0.0, 1.0, -0.0, 2.0]  # of classes: the sums of others cancel, or are ∞
SPECIAL = [*FINITE[:7], np.inf, -np.inf, np.nan, *FINITE[7:]]
HUGE = np.finfo(float).max
EXTREME = [*SPECIAL, 1e10, -1e10, 1e200, -1e200, HUGE, -HUGE, np.finfo(float).tiny, 5e-324, -5e-324]
MASKS = [
    [[True, False, True, False], [False, False, False, False], [True, True, True, True]],
    [[True, False, False, False]] * 3,
]
ROWS = np.zeros((3, 4))
MASKED = {
    "softmax": [call(ROWS, np.array(mask), axis=axis) for mask in MASKS for axis in (0, 1)],
    "log_softmax": [call(ROWS, np.array(mask), axis=axis) for mask in MASKS for axis in (0, 1)],
}


def cases(name):
    function = mg.registry[name]
    return [*cases_of(function), *(Case(function, sample, 0) for sample in MASKED.get(name, ()))]


def values_for(name):
    if name in LEFT_OUT:
        return FINITE
    return EXTREME if mg.registry[name].elementwise else SPECIAL


def derivatives(case, floats, drop):
    """Value and derivatives of orders 1 and 2; with `drop` no cotangent meets what is NaN."""
    xs = [mg.Tensor(x, requires_grad=True) for x in floats]
    found = [results(case(*xs))]
    for _ in range(2):
        ys = [y for y in found[-1] if y.requires_grad]
        if not ys:
            break
        cotangents = [np.where(np.isnan(y.numpy()), 0.0, c) if drop else c
                      for y, c in zip(ys, cotangents_for(ys), strict=True)]  # fmt: skip
        found.append(list(mg.grad(tuple(ys), xs, tuple(cotangents), create_graph=True, unused="zero")))
    return [[np.asarray(y.numpy()) for y in ys] for ys in found]


def specials(case, values, start):
    places = iter(range(start, start + 100, 3))
    stride = [1, 5, 7][start % 3]
    found = []
    for number, (x, at) in enumerate(zip(case.floats(), places, strict=False)):
        of = WEIGHTS if number and case.function.name in ("cross_entropy", "nll") else values
        found.append(np.array([of[(at + i * stride) % len(of)] for i in range(x.size)]).reshape(x.shape))
    return found


def largest_of(arrays):
    return max([1.0, *(abs(x) for array in arrays for x in array.flat if np.isfinite(x))])


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("drop", [False, True], ids=["", "none on NaN"])
@pytest.mark.parametrize("name", DEFINED)
def test_a_definition_has_the_values_and_derivatives_of_its_op(name, drop):
    values = values_for(name)
    for case in cases(name):
        for start in range(len(values) if case.differentiable else 0):
            floats = specials(case, values, start)
            expected = derivatives(case, floats, drop)
            with expanded(name):
                actual = derivatives(case, floats, drop)
            undefined = not drop and any(np.isnan(y).any() for y in expected[0])
            scale = (
                1.0 if case.function.elementwise else largest_of([*floats, *itertools.chain(*expected)])
            )  # of what cancels
            for order, (found, wanted) in enumerate(zip(actual, expected, strict=False)):
                for one, other in zip(found, wanted, strict=True):
                    same = np.isclose(one, other, rtol=1e-8, atol=1e-12 * scale, equal_nan=True)
                    wrong = ~(same | (bool(order and undefined) & np.isnan(other)))
                    assert not wrong.any(), (
                        f"order {order}, sample {case.number} {case.sample.params}: the definition says "
                        f"{one[wrong]}, the op {other[wrong]}, of {floats}"
                    )
