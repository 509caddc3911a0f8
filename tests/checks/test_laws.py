"""The laws of `check_op`, on every sample of every function in the registry; and that a broken law is noticed."""

import pytest

import minigrad as mg
from minigrad import Tensor
from minigrad.checks.cases import cases_of
from minigrad.checks.declared import check_kink, check_refusal
from minigrad.checks.laws import LAWS
from minigrad.ops.specimens import specimens_of
from tests.tiers import in_two_tiers

FUNCTIONS = list(mg.registry.values())
TRIED = [(law, function.name) for law in LAWS.values() for function in FUNCTIONS
         if any(law.applies(case) for case in cases_of(function))]  # fmt: skip


@in_two_tiers(first=2)
@pytest.mark.parametrize(("law", "name"), TRIED, ids=[f"{law.name}-{name}" for law, name in TRIED])
def test_law(law, name, samples):
    for case in list(cases_of(mg.registry[name]))[samples]:
        if law.applies(case):
            try:
                law.holds(case)
            except BaseException as error:
                error.add_note(f"in sample {case.number} of {name}: {case.sample}")
                raise


REFUSALS = [(function, refused) for function in FUNCTIONS for refused in specimens_of(function).refusals]
KINKS = [(function, kink) for function in FUNCTIONS for kink in specimens_of(function).kinks]


@pytest.mark.parametrize(("function", "refused"), REFUSALS, ids=[function.name for function, _ in REFUSALS])
def test_refusal(function, refused):
    check_refusal(function, refused)


@pytest.mark.parametrize(("function", "kink"), KINKS, ids=[function.name for function, _ in KINKS])
def test_kink(function, kink):
    check_kink(function, kink)


def test_a_shape_that_depends_on_values_says_so():
    with pytest.raises(mg.CaptureError, match="where\\(mask, x, 0\\)"):
        mg.registry["getitem"].infer((Tensor([1.0, 2.0]), Tensor([True, False])), {"index": mg.ops.Index([True])})
