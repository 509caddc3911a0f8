"""Test of the test: wrong gradient rules of what networks are made of, planted one at a time, all found out.

Each is wrong in one way, many only under a condition. A row holds the op, the argument, the wrong rule, and which law
of `check_op` finds it out on the op's own samples: the error names both.
"""

from typing import Any

import pytest

import minigrad as mg
from minigrad import ops

RIGHT = {name: dict(getattr(function, "rules", {})) for name, function in mg.registry.items()}


def bias_of_one_row(g, y, x, weight, bias):
    return g if g.ndim == 1 else ops.index(g, (0,) * (g.ndim - 1))


def first_of_the_batch(g, y, x, weight, bias):
    x, g = (a if a.ndim < 3 else ops.index(a, 0) for a in (x, g))
    rows, upstream = (a if a.ndim == 2 else ops.expand_dims(a, 0) for a in (x, g))
    return ops.matmul(ops.transpose(rows), upstream)


def mask_forgotten(g, y, x, where, *, axis):
    weights = ops.softmax(x, axis=axis)
    return weights * (g - ops.sum(g * weights, axis=axis, keepdims=True))


def last_axis_of_softmax(g, y, x, where, *, axis):
    return y * (g - ops.sum(g * y, axis=-1, keepdims=True))


def logarithm_for_the_weight(g, y, x, where, *, axis):
    return g - y * ops.sum(g, axis=axis, keepdims=True)


def coupling_dropped(g, y, x, where, *, axis):
    return g * (1.0 - ops.exp(y))


def epsilon_forgotten(g, y, x, *, epsilon):
    coupled = g - ops.mean(g, axis=-1, keepdims=True) - y * ops.mean(g * y, axis=-1, keepdims=True)
    return coupled * ops.inverse_deviation(x)


def mean_not_subtracted(g, y, x, *, epsilon):
    return (g - y * ops.mean(g * y, axis=-1, keepdims=True)) * ops.inverse_deviation(x, epsilon=epsilon)


def power_lost(g, y, x, *, epsilon):
    return ops.standardize(x, epsilon=epsilon) * (g * y * (-1.0 / x.shape[-1]))


def last_row_wins(g, y, weight, indices):
    return ops.set_at(ops.zeros_like(weight), indices, g)


def row_off_by_one(g, y, weight, indices):
    right = RIGHT["embedding"]["weight"](g, y, weight, indices)
    return ops.concatenate([ops.index(right, slice(1, None)), ops.index(right, slice(0, 1))])


def heads_not_merged(g, y, x, *, heads):
    return ops.reshape(g, x.shape)


def width_for_heads(g, y, x):
    return ops.reshape(ops.split_heads(g, heads=x.shape[-1]), x.shape)


def cross_entropy_with(**other):
    """The right rule for other parameters than those given."""
    rule = RIGHT["cross_entropy"]["logits"]
    return lambda *args, **params: rule(*args, **(params | other))


def weight_forgotten(g, y, logits, targets, weight, **params):
    return RIGHT["cross_entropy"]["logits"](g, y, logits, targets, None, **params)


PLANTED: dict[str, Any] = {
    "bias of one row only": ("linear", "bias", bias_of_one_row, "definition has the same"),
    "first of the batch only": ("linear", "weight", first_of_the_batch, "definition has the same"),
    "input for its gradient": ("linear", "x", lambda g, y, x, weight, bias: x * 1.0, "definition has the same"),
    "under a mask": ("softmax", "x", mask_forgotten, "definition has the same"),
    "for another axis": ("softmax", "x", last_axis_of_softmax, "definition has the same"),
    "logarithm not undone": ("log_softmax", "x", logarithm_for_the_weight, "definition has the same"),
    "only the diagonal": ("log_softmax", "x", coupling_dropped, "definition has the same"),
    "parameter forgotten": ("standardize", "x", epsilon_forgotten, "definition has the same"),
    "mean not subtracted": ("standardize", "x", mean_not_subtracted, "definition has the same"),
    "a power too few": ("inverse_deviation", "x", power_lost, "definition has the same"),
    "last row wins": ("embedding", "weight", last_row_wins, "finite differences"),
    "next row": ("embedding", "weight", row_off_by_one, "finite differences"),
    "heads not merged": ("split_heads", "x", heads_not_merged, "definition has the same"),
    "width taken for heads": ("merge_heads", "x", width_for_heads, "definition has the same"),
    "sum taken for a mean": (
        "cross_entropy", "logits", cross_entropy_with(reduction="sum"), "definition has the same"
    ),
    "smoothing forgotten": (
        "cross_entropy", "logits", cross_entropy_with(label_smoothing=0.0), "definition has the same"
    ),
    "ignored targets counted": (
        "cross_entropy", "logits", cross_entropy_with(ignore_index=None), "cross_entropy"
    ),
    "class weights forgotten": ("cross_entropy", "logits", weight_forgotten, "definition has the same"),
}  # fmt: skip


@pytest.mark.parametrize("name", PLANTED)
def test_wrong_rule_is_rejected_by_name(name, assert_rejected):
    assert_rejected(*PLANTED[name])
