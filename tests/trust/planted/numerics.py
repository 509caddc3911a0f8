"""Faults of numbers: float16, tails, bounds that cross, axes, bits, and rows with an infinity."""

import numpy as np

from tests.trust.planted.fault import Fault

HALVES = "tests/trust/test_law4_half_precision.py::"
LAW = "tests/checks/test_laws.py::test_law"
SPECIAL = "tests/trust/test_special_values_of_all_ops.py::test_B3_compiled_ops_give_what_eager_ones_give"
TAILS = "tests/trust/test_tails.py::test_C4_second_derivatives_keep_their_digits_into_the_tails"
SHAPES = "tests/trust/test_operators_and_shapes.py::"


def compiled_deviation_of_infinity():
    from minigrad import ops
    from minigrad.compiler import simpler
    from minigrad.ops import normalisation

    def lowered(x, *, epsilon):
        deviations, _ = simpler.centre(x, epsilon)
        squares = ops.vecdot(deviations, deviations, keepdims=True)
        width = x.shape[-1]
        return ops.reshape(width**0.5 / ops.sqrt(squares + width * epsilon), shape=(*x.shape[:-1], 1))

    simpler.SIMPLER[normalisation.inverse_deviation] = lowered


def squares_of_clipped_gradients():
    from minigrad import ops
    from minigrad.optim import clipping

    def vector_norm(x):
        return ops.sqrt(ops.vecdot(x, x))

    clipping.ops = type("ops", (), {**vars(ops), "vector_norm": staticmethod(vector_norm)})
    clipping.widen_operand = lambda x: x


def moments_in_float16():
    from minigrad.optim import buffer, optimiser

    buffer.widen_dtype = optimiser.widen_dtype = np.dtype


def rules_in_float16():
    from minigrad.core import autodiff

    autodiff._widen_node = lambda node, incoming, values: (incoming, node, values)


def deviations_in_float16():
    from minigrad.ops.kernels import sums

    sums.widen_half = lambda x: (x, x.dtype)


def products_in_float16():
    from minigrad.ops import cumulative, reduction

    cumulative.HALF = reduction.HALF = None


def quotients_by_any_power_of_two():
    from minigrad.compiler import rules

    rules.np = type("np", (), {**vars(np), "finfo": staticmethod(lambda dtype: np.finfo(np.float64))})


def factors_of_any_size_into_vectors():
    from minigrad.compiler import rules

    rules.is_moderate = lambda factors, dtype: True


def slope_of_tanh_by_its_growth():
    import minigrad as mg
    from minigrad import ops

    def rule(g, y, x):
        growth = ops.sinh(x)
        return g * (1.0 / (ops.strong_multiply(growth, growth) + 1.0))

    mg.tanh.vjp("x")(rule)


def slope_of_arctan_by_a_square():
    import minigrad as mg
    from minigrad import ops

    mg.arctan.vjp("x")(lambda g, y, x: g * (1.0 / (ops.square(x) + 1.0)))


def small_losses_as_differences():
    from minigrad.ops.kernels import rows

    rows.SMALL_LOSS = -1.0
    rows.compute_losses = lambda x, classes: (
        np.log(np.exp(x - x.max(-1, keepdims=True)).sum(-1)) + x.max(-1) - x[np.arange(len(x)), classes]
    )


def gradients_of_crossing_bounds():
    import minigrad as mg
    from minigrad import ops

    mg.clip.vjp("x")(lambda g, y, x, a_min, a_max: ops.where(ops.equal(x, y), g, 0.0))
    mg.clip.vjp("a_min")(lambda g, y, x, a_min, a_max: ops.where(ops.less(x, y), g, 0.0))
    mg.clip.vjp("a_max")(lambda g, y, x, a_min, a_max: ops.where(ops.greater(x, y), g, 0.0))


def a_bias_of_nothing_added():
    import minigrad as mg

    mg.linear.forward = lambda x, weight, bias=None: np.matmul(x, weight) + bias


def operators_of_truths():
    import minigrad as mg

    mg.Tensor.__and__ = lambda self, other: mg.logical_and(self, other)
    mg.Tensor.__or__ = lambda self, other: mg.logical_or(self, other)
    mg.Tensor.__invert__ = lambda self: mg.logical_not(self)
    del mg.Tensor.__rand__, mg.Tensor.__ror__, mg.Tensor.__xor__, mg.Tensor.__rxor__


def axes_of_numbers():
    import minigrad as mg
    from minigrad import ops
    from minigrad.ops.shape import inverse_permutation

    mg.transpose.vjp("x")(
        lambda g, y, x, *, axes: g.T if axes is None else ops.transpose(g, axes=inverse_permutation(axes))
    )


FAULTS = [
    Fault("B3", "a compiled deviation of a row with an infinity is 0", compiled_deviation_of_infinity, (SPECIAL,)),
    Fault("C3", "gradients are squared in their own type", squares_of_clipped_gradients,
          (f"{HALVES}test_clipped_gradients_are_those_of_float32",
           f"{HALVES}test_clipping_far_from_1_keeps_the_direction")),
    Fault("C3 moments", "moments of float16 parameters are float16", moments_in_float16,
          (f"{HALVES}test_every_optimiser_steps_as_in_float32",)),
    Fault("C3 rules", "rules of float16 nodes are computed in float16", rules_in_float16,
          (f"{HALVES}test_every_function_is_rounded_once", f"{HALVES}test_every_compiled_function_is_rounded_once")),
    Fault("C3 std", "deviations are squared in float16", deviations_in_float16,
          (f"{HALVES}test_every_function_is_rounded_once",)),
    Fault("C3 products", "products and recurrences run in float16", products_in_float16,
          (f"{HALVES}test_every_function_is_rounded_once",)),
    Fault("C3 quotient", "x / 2ⁿ is rewritten where 2⁻ⁿ is infinite", quotients_by_any_power_of_two,
          (f"{HALVES}test_a_quotient_by_a_power_of_two_is_that_quotient",)),
    Fault("C3 factors", "a factor of any size is moved into a vector", factors_of_any_size_into_vectors,
          ("tests/trust/test_numbers.py::test_C3_a_factor_moved_into_a_vector_neither_vanishes_nor_overflows_there",)),
    Fault("C4", "the slope of tanh is 1 / (1 + sinh²)", slope_of_tanh_by_its_growth, (TAILS,)),
    Fault("C4 arctan", "the slope of arctan is 1 / (1 + x²)", slope_of_arctan_by_a_square, (TAILS,)),
    Fault("C4 losses", "a small loss is a difference", small_losses_as_differences,
          ("tests/trust/test_numbers.py::test_C4_a_small_loss_keeps_its_digits",)),
    Fault("C6", "a bias of None is added", a_bias_of_nothing_added,
          (f"{LAW}[value is that of NumPy or of the reference-linear-further samples]",)),
    Fault("C7", "where bounds cross, the lower one gets the gradient", gradients_of_crossing_bounds,
          ("tests/checks/test_laws.py::test_kink",)),
    Fault("C8", "bits are taken for truths", operators_of_truths,
          (f"{SHAPES}test_C8_operators_are_bit_by_bit_on_both_sides",)),
    Fault("C9", "the rule of transpose takes no number", axes_of_numbers,
          (f"{LAW}[gradients of orders 1 and 2 agree with finite differences-transpose-further samples]",)),
]  # fmt: skip
