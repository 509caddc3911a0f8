"""Law 2: `where(False, op(x), 0)` has derivatives of exactly 0 to order 3, for every op, wherever it is taken.

Every sample of every differentiable function on record is tried, with numbers in its arrays at which functions have
kinks and poles; so are all declared kinks. New ops join by themselves. The same holds for captured graphs, run by the
interpreter and as programs.
"""

import numpy as np
import pytest

import minigrad as mg
from minigrad.checks.cases import Case, cases_of, results, variables
from minigrad.core.structure import leaves
from minigrad.ops.specimens import specimens_of
from tests.tiers import in_two_tiers

NUMBERS = (0.0, 1.0, -1.0, 0.5, np.inf, -np.inf, np.nan, 1e300, 1e-310)
FUNCTIONS = [name for name, function in mg.registry.items() if getattr(function, "differentiable", True)]


def not_taken(case, xs):
    """A sum of all results, of which none was chosen; masks and indices are constants, so that it can be captured."""

    def function(*args, **params):
        return case.function(*map(fixed, args), **{name: fixed(value) for name, value in params.items()})

    given = [y for y in results(case.on(xs, function)) if y.dtype.kind == "f"]
    return sum((mg.sum(mg.where(False, y, 0.0)) for y in given), 0.0)


def fixed(x):
    of_numbers = isinstance(x, list) and not any(isinstance(part, mg.Tensor) for part in leaves(x))
    return mg.constant(np.asarray(x)) if isinstance(x, np.ndarray) or of_numbers else x


def derivatives(case, xs, orders=3):
    """Of order 1, 2, …, each a list; every one but the first along a direction, and the last one unrecorded."""
    total = not_taken(case, xs)
    for order in range(1, orders + 1):
        if not isinstance(total, mg.Tensor) or not total.requires_grad:
            return
        gradients = mg.grad(total, xs, create_graph=order < orders, unused="zero")
        yield gradients
        rng = np.random.default_rng(order)
        recorded = [gradient for gradient in gradients if gradient.requires_grad]
        directions = [mg.constant(np.asarray(rng.standard_normal(gradient.shape))) for gradient in recorded]
        total = sum(map(mg.sum, map(mg.multiply, recorded, directions)), 0.0)


def points(case):
    """The sample's arrays with one number everywhere, or everywhere in one of them; kinks as they are declared."""
    given = case.floats()
    for number in NUMBERS:
        yield [np.full(x.shape, number) for x in given]
        if len(given) > 1:
            for i in range(len(given)):
                yield [np.full(x.shape, number) if i == j else x for j, x in enumerate(given)]


def takes(case, arrays):
    """Whether there is a value of which nothing is chosen: a singular matrix has no inverse."""
    try:
        case(*arrays)
    except np.linalg.LinAlgError:
        return False
    return True


def tried(name, samples):
    """Each a case and its arrays; kinks with the first samples."""
    function = mg.registry[name]
    for case in list(cases_of(function))[samples]:
        if case.floats():
            yield from ((case, arrays) for arrays in points(case) if takes(case, arrays))
    for number, kink in enumerate(() if samples.start else specimens_of(function).kinks):
        case = Case(function, kink.call, number)
        yield case, case.floats()


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@in_two_tiers(first=1)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_choice_not_taken_has_derivatives_of_0(name, samples):
    for case, arrays in tried(name, samples):
        for order, gradients in enumerate(derivatives(case, variables(arrays)), 1):
            for gradient in gradients:
                assert not gradient.numpy().any(), f"order {order} of {case.sample} at {arrays}"


@pytest.mark.deep
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_same_for_captured_graphs_and_programs(name):
    for case, arrays in firsts(name):

        @mg.compile
        def step(*xs, case=case):
            return list(derivatives(case, xs))

        given = [mg.Tensor(x, requires_grad=True) for x in arrays]
        graph = mg.trace(step.function, *given)
        for point in [arrays, *(point for point in points(case) if takes(case, point))]:
            assert not any(np.any(x) for x in leaves(graph.run(*point))), f"graph.run of {case.sample} at {point}"
            given = [mg.Tensor(x, requires_grad=True) for x in point]
            assert not any(x.numpy().any() for x in leaves(step(*given))), f"program of {case.sample} at {point}"


def firsts(name):
    """The first sample and the first kink, each with its arrays; what cannot be captured is left out."""
    cases = [case for case in cases_of(mg.registry[name]) if case.floats() and not case.shape_depends_on_values]
    kinks = [
        Case(mg.registry[name], kink.call, number) for number, kink in enumerate(specimens_of(mg.registry[name]).kinks)
    ]
    yield from ((case, case.floats()) for case in [*cases[:1], *kinks[:1]])


def test_something_is_tried_at_every_order():
    assert len(FUNCTIONS) > 100
    case = next(cases_of(mg.log))
    assert len(list(derivatives(case, variables(case.floats())))) == 3
