"""Test of the test: wrong gradient rules, planted one at a time, are all found out by `check_gradients`.

The report names the argument and the order. Those of the other files are found out by `check_op`.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest

import minigrad as mg
from minigrad import ops


def normal(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


class Planted(NamedTuple):
    """A wrong rule for one argument of an op, and a function that uses it, with its arguments by name."""

    op: str
    argument: str
    rule: Callable[..., Any]
    function: Callable[..., Any]
    inputs: dict[str, Any]
    order: int = 1  # the first order at which it is wrong


def swapped(x):
    return ops.swapaxes(x, -1, -2)


def matmul_without_transpose(g, y, x1, x2):
    return ops.matmul(g, x2)


def sum_along_another_axis(g, y, x, *, axis, keepdims):
    return ops.broadcast_to(ops.expand_dims(g, 1 - axis), x.shape)


def getitem_without_accumulation(g, y, x, *indices, index):
    return ops.setitem(ops.zeros_like(x), g, *indices, index=index)


def broadcast_without_sum(g, y, x, *, shape):
    return ops.reshape(ops.index(g, (slice(0, 1),)), x.shape)


def slice_off_by_one(g, y, *arrays, axis, argument):
    start = sum(x.shape[axis] for x in arrays[:argument])
    return ops.index(g, slice(start - (argument > 0), start - (argument > 0) + arrays[argument].shape[axis]))


def softmax_without_the_coupling(g, y, x, where, *, axis):
    return y * g * (1.0 - y)


def softmax_with_the_wrong_axis(g, y, x, where, *, axis):
    return y * (g - ops.sum(g * y, axis=0, keepdims=True))


def standardize_as_if_the_variance_were_fixed(g, y, x, *, epsilon):
    return (g - ops.mean(g, axis=-1, keepdims=True)) * ops.inverse_deviation(x, epsilon=epsilon)


def cross_entropy_without_the_mean(g, y, logits, targets, *others, **params):
    return g * (ops.softmax(logits) - ops.one_hot(targets, classes=logits.shape[-1], dtype="float64"))


def second_derivative_cut_off(g, y, x):
    return g * ops.stop_gradient(ops.cos(x))


def frozen_cotangent(g, y, x):
    return ops.stop_gradient(g) * y


def prod_that_divides_by_a_detached_input(g, y, x, *, axis, keepdims):
    return g * y / ops.stop_gradient(x)


def permutation_instead_of_its_inverse(g, y, x, *, axes):
    return ops.transpose(g, axes=axes)


def gelu_by_the_other_form(g, y, x, *, approximate):
    t = ops.tanh(x * 0.7978845608)
    return g * (0.5 * (1.0 + t))


def maximum_to_both(g, y, x1, x2):
    return g


def without_the_diagonal(g, y, x, *, k):
    return ops.tril(g, k=k - 1)


A, B = normal(3, 3), normal(3, 3, seed=1)
PLANTED = {
    "factor 2": Planted("multiply", "x1", lambda g, y, x1, x2: g * x2 * 2.0, mg.multiply, {"x1": A, "x2": B}),
    "wrong sign": Planted("subtract", "x2", lambda g, y, x1, x2: g, mg.subtract, {"x1": A, "x2": B}),
    "missing transpose": Planted("matmul", "x1", matmul_without_transpose, mg.matmul, {"x1": A, "x2": B}),
    "operands exchanged": Planted(
        "matmul", "x2", lambda g, y, x1, x2: swapped(ops.matmul(x1, g)), mg.matmul, {"x1": A, "x2": B}
    ),
    "wrong axis": Planted("sum", "x", sum_along_another_axis, lambda x: mg.sum(x, axis=0), {"x": A}),
    "dropped accumulation": Planted("getitem", "x", getitem_without_accumulation, lambda x: x[[0, 0, 2]], {"x": A}),
    "missing sum over broadcast": Planted(
        "broadcast_to", "x", broadcast_without_sum, lambda x: mg.broadcast_to(x, (4, 3)), {"x": normal(3)}
    ),
    "slice off by one": Planted(
        "concatenate", "arrays", slice_off_by_one, lambda x, y: mg.concatenate([x, y]), {"first": A, "arrays": B}
    ),
    "derivative of another function": Planted("sin", "x", lambda g, y, x: -g * ops.sin(x), mg.sin, {"x": A}),
    "derivative missing": Planted("exp", "x", lambda g, y, x: g, mg.exp, {"x": A}),
    "forgotten branch": Planted(
        "where", "y", lambda g, r, c, x, y: ops.zeros_like(g), mg.where, {"condition": A > 0, "x": A, "y": B}
    ),
    "branches exchanged": Planted(
        "where", "x", lambda g, r, c, x, y: ops.where(c, 0.0, g), mg.where, {"condition": A > 0, "x": A, "y": B}
    ),
    "both branches": Planted("maximum", "x1", maximum_to_both, mg.maximum, {"x1": A, "x2": B}),
    "one term dropped": Planted("softmax", "x", softmax_without_the_coupling, mg.softmax, {"x": A}),
    "sum over the wrong axis": Planted("softmax", "x", softmax_with_the_wrong_axis, mg.softmax, {"x": A}),
    "dependence through the variance dropped": Planted(
        "standardize", "x", standardize_as_if_the_variance_were_fixed, mg.layer_norm, {"x": A}
    ),
    "a constant slightly off": Planted("tanh", "x", lambda g, y, x: g * (1.0 - y * y) * 1.00001, mg.tanh, {"x": A}),
    "mean taken for a sum": Planted(
        "cross_entropy",
        "logits",
        cross_entropy_without_the_mean,
        lambda x: mg.cross_entropy(x, [0, 2, 1]),
        {"logits": A},
    ),
    "permutation not inverted": Planted(
        "transpose",
        "x",
        permutation_instead_of_its_inverse,
        lambda x: mg.transpose(x, (1, 2, 0)),
        {"x": normal(2, 2, 2)},
    ),
    "coarse approximation": Planted("gelu", "x", gelu_by_the_other_form, mg.gelu, {"x": A}),
    "edge of a triangle": Planted("tril", "x", without_the_diagonal, mg.tril, {"x": A}),
    "logarithm forgotten": Planted(
        "tensor_power", "x2", lambda g, y, x1, x2: g * y, mg.power, {"x1": np.abs(A) + 0.5, "x2": B}
    ),
    "zero at one place only": Planted(
        "square",
        "x",
        lambda g, y, x: ops.where(ops.greater(x, 2.5), 0.0, g * x * 2.0),
        mg.square,
        {"x": normal(50, 50)},
    ),
    "second derivative cut off": Planted("sin", "x", second_derivative_cut_off, mg.sin, {"x": A}, 2),
    "no derivative for the cotangent": Planted("exp", "x", frozen_cotangent, mg.exp, {"x": A}, 2),
    "wrong second derivative": Planted("prod", "x", prod_that_divides_by_a_detached_input, mg.prod, {"x": A + 3.0}, 2),
}


def check(planted):
    inputs = [mg.Tensor(x, name=name) if x.dtype.kind == "f" else x for name, x in planted.inputs.items()]
    return mg.check_gradients(planted.function, inputs, order=planted.order)


@pytest.mark.parametrize("name", PLANTED)
def test_wrong_rule_is_rejected_by_name(name, plant):
    planted = PLANTED[name]
    plant(planted.op, planted.argument, planted.rule)
    with pytest.raises(mg.GradientCheckError, match="WRONG") as raised:
        check(planted)
    wrong = [line.split()[:2] for line in str(raised.value).splitlines() if line.endswith("WRONG")]
    assert wrong[0][0] == str(planted.order)
    if planted.order == 1:
        assert [argument for order, argument in wrong if order == "1"] == [planted.argument]


@pytest.mark.parametrize("name", PLANTED)
def test_right_rule_is_accepted(name):
    assert check(PLANTED[name]).passed
