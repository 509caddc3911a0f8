"""The choice that was not taken, and kinks."""

import numpy as np

from tests.trust.planted.fault import Fault


def plain_products():
    """A sweep in which NaN arrives is not made again."""
    from minigrad.core import autodiff

    autodiff.has_nan = lambda *arrays: False


def plain_quotients():
    """The slope of a norm is g / y, and a deviation's too."""
    from minigrad.ops import linalg, reduction

    def unless_zero(y, value, otherwise=0.0):
        return value

    linalg.unless_zero = reduction.unless_zero = unless_zero


def programs_that_do_not_look():
    """A compiled program hands out a gradient with a NaN."""
    from minigrad.compiler import rewrite

    rewrite.guarded = lambda graph: []


def plain_graphs():
    """`graph.run` multiplies plainly."""
    from minigrad.graph import run

    run._apply_to_arrays = lambda node, operands: np.asarray(node.function.forward(*operands, **node.params))


FAULTS = [
    Fault("C1", "only `strong_multiply` is strong: 0 · ∞ is NaN elsewhere", plain_products,
          ("tests/trust/test_law2_choices_not_taken.py::test_a_choice_not_taken_has_derivatives_of_0",)),
    Fault("C1 in programs", "a program does not look for NaN in its gradients", programs_that_do_not_look,
          ("tests/trust/test_law2_choices_not_taken.py::test_the_same_for_captured_graphs_and_programs",)),
    Fault("C1 in graph.run", "recorded gradients are run with plain products", plain_graphs,
          ("tests/trust/test_law2_choices_not_taken.py::test_the_same_for_captured_graphs_and_programs",)),
    Fault("C2", "norm and std divide by their value where it is 0", plain_quotients,
          ("tests/trust/test_law3_kinks.py::test_derivatives_at_a_kink_are_numbers",)),
]  # fmt: skip
