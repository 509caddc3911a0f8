"""Test of the test: wrong gradient rules of elementwise ops, planted one at a time, are found out by `check_op`.

Each is wrong in one way, many only under a condition. A row holds the op, the argument, the wrong rule, and which law
of `check_op` finds it out on the op's own samples: the error names both.
"""

from typing import Any

import numpy as np
import pytest

from minigrad import Tensor, ops

# --- wrong values -----------------------------------------------------------------------------------------------------


def all_to_the_first_at_ties(g, y, x1, x2):
    return ops.where(ops.greater_equal(x1, x2), g, 0.0)


def nothing_at_ties(g, y, x1, x2):
    return ops.where(ops.less(x1, x2), g, 0.0)


def off_by_one_in_the_exponent(g, y, x, *, exponent):
    return g * ops.number_power(x, exponent=exponent) * exponent


def exact_form_whatever_was_asked(g, y, x, *, approximate):
    density = ops.exp(ops.square(x) * -0.5) * 0.3989422804014327
    return g * (ops.erfc(x * -0.7071067811865476) * 0.5 + x * density)


def clipped_gradient(g, y, x1, x2):
    return ops.clip(g, -3.0, 3.0) * x2


def large_cotangents_ignored(g, y, x):
    return ops.where(ops.greater(ops.absolute(g), 3.0), 0.0, g * ops.sigmoid(x))


WRONG_VALUES: dict[str, Any] = {
    "sign of a quotient": ("divide", "x2", lambda g, y, x1, x2: g * y / x2, "finite differences"),
    "times for divided by": ("divide", "x1", lambda g, y, x1, x2: g * x2, "finite differences"),
    "operand exchanged": ("multiply", "x1", lambda g, y, x1, x2: g * x1, "finite differences"),
    "value for its square": ("reciprocal", "x", lambda g, y, x: -(g * y), "finite differences"),
    "factor lost": ("square", "x", lambda g, y, x: g * x, "finite differences"),
    "sign lost": ("absolute", "x", lambda g, y, x: g, "finite differences"),
    "exponent off by one": ("number_power", "x", off_by_one_in_the_exponent, "finite differences"),
    "another logarithm": ("log", "x", lambda g, y, x: g / (x + 1.0), "finite differences"),
    "inverse of the factor": ("sqrt", "x", lambda g, y, x: g * 2.0 * y, "finite differences"),
    "sign of a term": ("sigmoid", "x", lambda g, y, x: g * y * (1.0 + y), "definition has the same"),
    "value for the input": ("softplus", "x", lambda g, y, x: g * ops.sigmoid(y), "definition has the same"),
    "constant factor forgotten": ("erf", "x", lambda g, y, x: g * ops.exp(-ops.square(x)), "finite differences"),
    "for one value of a parameter": ("gelu", "x", exact_form_whatever_was_asked, "definition has the same"),
    "bounds exchanged": (
        "clip", "a_min", lambda g, y, x, a_min, a_max: ops.where(ops.greater(x, y), g, 0.0), "finite differences"
    ),
    "through the bound": ("clip", "x", lambda g, y, x, a_min, a_max: g, "finite differences"),
    "exponent and base exchanged": (
        "tensor_power", "x1", lambda g, y, x1, x2: g * x1 * ops.tensor_power(x1, x2 - 1.0), "finite differences"
    ),
    "ties to one side": ("maximum", "x1", all_to_the_first_at_ties, "by convention"),
    "ties to nobody": ("minimum", "x1", nothing_at_ties, "by convention"),
    "a slope at the kink": ("relu", "x", lambda g, y, x: ops.where(ops.less(x, 0.0), 0.0, g), "by convention"),
    "gradient clipped": ("multiply", "x1", clipped_gradient, "linear in the cotangents"),
    "large cotangents ignored": ("softplus", "x", large_cotangents_ignored, "linear in the cotangents"),
    "sign of an angle": ("arctan2", "x1", lambda g, y, x1, x2: -g * x2 / (x1 * x1 + x2 * x2), "finite differences"),
    "at the origin": (
        "hypot", "x1", lambda g, y, x1, x2: g * ops.where(ops.equal(y, 0.0), 1.0, x1 / y), "by convention"
    ),
    "half for everybody": ("logaddexp", "x1", lambda g, y, x1, x2: g * 0.5, "finite differences"),
    "inverse of a unit": ("deg2rad", "x", lambda g, y, x: ops.rad2deg(g), "finite differences"),
    "slope at the kink": (
        "elu", "x", lambda g, y, x, *, alpha: ops.where(ops.less(x, 0.0), g * (y + alpha), g), "by convention"
    ),
}  # fmt: skip

# --- right values, got in a wrong way ---------------------------------------------------------------------------------

random = np.random.default_rng(0)
ZEROS: dict[Any, Any] = {}


def right_on_tensors_only(g, y, x):
    return g * ops.cos(x) if isinstance(g, Tensor) else g * ops.cos(x) * 1.0001


def right_on_arrays_only(g, y, x):
    return g * ops.sigmoid(x) * (1.0001 if isinstance(g, Tensor) else 1.0)


def in_double_precision(g, y, x):
    return g * (x * np.full(x.shape, 2.0))


def in_single_precision(g, y, x):
    return ops.astype(ops.astype(g, np.float32), g.dtype) * x * 2.0


def with_noise(g, y, x):
    return g * ops.cos(x) * (1.0 + 1e-12 * random.random())


def with_a_constant(g, y, x):
    return g * ops.cos(x) + 1e-12


def memory_order_for_index_order(g, y, x):
    return g * 2.0 * (x if isinstance(x, Tensor) else np.ravel(x, order="K").reshape(x.shape))


def written_over_the_value(g, y, x):
    return g * y if isinstance(y, Tensor) else np.multiply(g, y, out=y)


def one_array_for_all(g, y, x):
    return ops.zeros_like(g) if isinstance(g, Tensor) else ZEROS.setdefault(g.shape, np.zeros_like(g))


WRONG_WAYS: dict[str, Any] = {
    "wrong on arrays": ("sin", "x", right_on_tensors_only, "finite differences"),
    "wrong on Tensors": ("softplus", "x", right_on_arrays_only, "finite differences"),
    "double precision inside": ("square", "x", in_double_precision, "D1 float32"),
    "single precision inside": ("square", "x", in_single_precision, "linear in the cotangents"),
    "other bits every time": ("sin", "x", with_noise, "G16 same bits"),
    "a little of something for nothing": ("sin", "x", with_a_constant, "zero cotangents"),
    "memory order taken for index order": ("square", "x", memory_order_for_index_order, "S20 the layout"),
    "written over the value": ("exp", "x", written_over_the_value, "M7 read-only"),
    "one array for all gradients": ("sign", "x", one_array_for_all, "M3 gradients share"),
    "second derivative cut off": (
        "tanh", "x", lambda g, y, x: g * (1.0 - ops.square(ops.stop_gradient(y))), "finite differences"
    ),
    "cotangent cut off": ("negative", "x", lambda g, y, x: -ops.stop_gradient(g), "finite differences"),
}  # fmt: skip

PLANTED = WRONG_VALUES | WRONG_WAYS


@pytest.mark.parametrize("name", PLANTED)
def test_wrong_rule_is_rejected_by_name(name, assert_rejected):
    assert_rejected(*PLANTED[name])
