"""The choice that was not taken, and kinks."""

from tests.trust.planted.fault import Fault


def plain_products():
    """A sweep in which NaN arrives is not made again."""
    from minigrad.core import autodiff

    autodiff.has_nan = lambda array: False


def plain_quotients():
    """The slope of a norm is g / y, and a deviation's too."""
    from minigrad.ops import linalg, reduction

    def unless_zero(y, value, otherwise=0.0):
        return value

    linalg.unless_zero = reduction.unless_zero = unless_zero


FAULTS = [
    Fault("C1", "only `strong_multiply` is strong: 0 · ∞ is NaN elsewhere", plain_products,
          ("tests/trust/test_law2_choices_not_taken.py::test_a_choice_not_taken_has_derivatives_of_0",)),
    Fault("C2", "norm and std divide by their value where it is 0", plain_quotients,
          ("tests/trust/test_law3_kinks.py::test_derivatives_at_a_kink_are_numbers",)),
]  # fmt: skip
