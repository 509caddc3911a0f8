"""Old faults of checks, of the cache and of the explorer's pages."""

from __future__ import annotations

import numpy as np

from tests.trust.planted.fault import Fault


def rounding_of_constants() -> None:
    """D1."""
    from minigrad.checks import undecided
    from minigrad.checks.differences import ROUNDING, Line

    def rounding(self, step):
        sizes = (np.sum(np.abs(w * y)) for w, y in zip(self.weights, self.values, strict=True))
        return ROUNDING * float(sum(sizes)) / step

    Line._rounding = rounding
    Line._has_moved = True
    undecided.lost_in_rounding = lambda numeric: ""


def never_undecided() -> None:
    """D2."""
    from minigrad.checks.gradients import Comparison

    Comparison.explain_doubt = lambda *_: ""


def under_no_grad() -> None:
    """D3."""
    from minigrad.checks import gradients
    from minigrad.core.modes import no_grad

    make_results = gradients._make_results

    def without_graphs(function, arguments):
        return lambda create_graph: make_results(function if create_graph else no_grad()(function), arguments)(
            create_graph
        )

    gradients._make_results = without_graphs


def growing_under_capture() -> None:
    """A3."""
    from minigrad.nn import cache

    cache._refuse_growing = lambda: None


def few_letters() -> None:
    """E8."""
    from minigrad.graph import formula

    formula._make_letters = lambda taken: iter(formula._LETTERS)


FAULTS = [
    Fault("A3", "a growing cache keeps Tensors of a finished capture", growing_under_capture,
          ("tests/trust/test_cache.py::test_what_a_cache_holds_is_never_of_a_capture",)),
    Fault("D1", "rounding counted from constants, and nothing undecided for it", rounding_of_constants,
          ("tests/trust/test_law8_checks.py::test_a_wrong_rule_is_never_agreed_with",)),
    Fault("D2", "WRONG where a difference proves nothing", never_undecided,
          ("tests/trust/test_law8_checks.py::test_a_right_function_at_an_awkward_place_is_never_called_wrong",)),
    Fault("D3", "functions evaluated under no_grad", under_no_grad,
          ("tests/trust/test_law8_checks.py::test_functions_that_differentiate_are_agreed_with",)),
    Fault("E8", "19 letters for what a formula shares", few_letters,
          ("tests/trust/test_pages.py::test_every_rule_has_a_formula_or_none",)),
]  # fmt: skip
