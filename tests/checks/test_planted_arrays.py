"""Test of the test: wrong gradient rules of reductions, shapes and indices, planted one at a time, all found out.

Each is wrong in one way, many only under a condition. A row holds the op, the argument, the wrong rule, and which law
of `check_op` finds it out on the op's own samples: the error names both.
"""

from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import ops

RIGHT = {name: dict(getattr(function, "rules", {})) for name, function in mg.registry.items()}

# --- reductions, sums of all before, norms ----------------------------------------------------------------------------


def along(g, x, axis, keepdims):
    """The cotangent of a reduction with its axes back."""
    shape = ops.sum(x, axis=axis, keepdims=True).shape
    return ops.reshape(g, shape)


def shares_forgotten(g, y, x, *, axis, keepdims):
    chosen = ops.equal(x, along(y, x, axis, keepdims))
    return ops.where(chosen, along(g, x, axis, keepdims), 0.0)


def divided_by_all(g, y, x, *, axis, keepdims):
    return ops.broadcast_to(along(g / max(1, x.size), x, axis, keepdims), x.shape)


def mean_for_a_sum(g, y, x, *, axis, keepdims):
    return ops.broadcast_to(along(g, x, axis, keepdims), x.shape) / float(x.size // max(1, y.size) or 1)


def twice_for_numbers(g, y, x, *, axis, keepdims):
    spread = ops.broadcast_to(along(g, x, axis, keepdims), x.shape)
    return spread if x.ndim else spread * 2.0


def not_spread(g, y, x, *, axis, keepdims):
    return g * 1.0


def twice_where_axes_are_kept(g, y, x1, x2, *, axis, keepdims):
    return g * 2.0 * x2 if keepdims else ops.expand_dims(g, axis) * x2


def last_axis_always(g, y, x1, x2, *, axis, keepdims):
    return (g if keepdims else ops.expand_dims(g, -1)) * x1


def degrees_of_freedom_forgotten(g, y, x, *, axis, ddof, keepdims):
    count = x.size / max(1, y.size)
    return (x - ops.mean(x, axis=axis, keepdims=True)) * along(g / count / y, x, axis, keepdims)


def not_normalised(g, y, x, *, axis, keepdims):
    return along(g, x, axis, keepdims) * ops.exp(x)


def accumulated_forwards(g, y, x, *, axis):
    return ops.reshape(ops.cumsum(g, axis=axis), x.shape)


def without_its_own_place(g, y, x, *, axis):
    return RIGHT["cumsum"]["x"](g, y, x, axis=axis) - ops.reshape(g, x.shape)


def recurrence_not_reversed(g, y, a, b, *, axis, reverse):
    return ops.linear_recurrence(a, g, axis=axis, reverse=True)


def euclidean_always(g, y, x, *, axis, keepdims, ord):
    return RIGHT["vector_norm"]["x"](g, y, x, axis=axis, keepdims=keepdims, ord=2)


def without_a_convention_at_zero(g, y, x, *, axis, keepdims, ord):
    if ord == 2:
        nothing = ops.astype(ops.equal(y, 0.0), y.dtype)
        return along(g / (y + nothing), x, axis, keepdims) * (x + along(nothing, x, axis, keepdims))
    return RIGHT["vector_norm"]["x"](g, y, x, axis=axis, keepdims=keepdims, ord=ord)


REDUCTIONS: dict[str, Any] = {
    "mean of everything": ("mean", "x", divided_by_all, "definition has the same"),
    "mean in place of a sum": ("sum", "x", mean_for_a_sum, "finite differences"),
    "for numbers only": ("sum", "x", twice_for_numbers, "finite differences"),
    "not spread over the axis": ("sum", "x", not_spread, "the gradient rule of sum for 'x' returned shape"),
    "where axes are kept": ("vecdot", "x1", twice_where_axes_are_kept, "definition has the same"),
    "axis ignored": ("vecdot", "x2", last_axis_always, "vecdot"),
    "degrees of freedom forgotten": ("std", "x", degrees_of_freedom_forgotten, "definition has the same"),
    "denominator forgotten": ("logsumexp", "x", not_normalised, "definition has the same"),
    "every tie gets all": ("max", "x", shares_forgotten, "by convention"),
    "every tie of a minimum gets all": ("min", "x", shares_forgotten, "by convention"),
    "accumulated forwards": ("cumsum", "x", accumulated_forwards, "finite differences"),
    "one place short": ("cumsum", "x", without_its_own_place, "finite differences"),
    "recurrence not reversed": (
        "linear_recurrence", "b", recurrence_not_reversed, "finite differences"
    ),
    "order of the norm": ("vector_norm", "x", euclidean_always, "finite differences"),
    "direction of nothing": ("vector_norm", "x", without_a_convention_at_zero, "by convention"),
}  # fmt: skip

# --- shapes and indices -----------------------------------------------------------------------------------------------


def inverse_without_wrapping(g, y, x, *, axes):
    axes = axes or tuple(range(x.ndim))[::-1]
    return ops.transpose(g, axes=tuple(sorted(range(x.ndim), key=lambda i: axes[i])))


def axis_not_wrapped(g, y, *arrays, axis, argument):
    if axis is None:
        start = sum(x.size for x in arrays[:argument])
        return ops.reshape(ops.index(g, slice(start, start + arrays[argument].size)), arrays[argument].shape)
    start = sum(x.shape[axis] for x in arrays[:argument])
    return ops.index(g, (slice(None),) * axis + (slice(start, start + arrays[argument].shape[axis]),))


def first_part_for_all(g, y, *arrays, axis, argument):
    if axis is None:
        return ops.reshape(ops.index(g, slice(0, arrays[argument].size)), arrays[argument].shape)
    return ops.index(g, (slice(None),) * (axis % g.ndim) + (slice(0, arrays[argument].shape[axis]),))


def stretched_only(g, y, x, *, shape):
    return ops.sum_to(g, shape=x.shape) / float(max(1, y.size) // max(1, x.size) or 1)


def last_written_only(g, y, x, indices, *, axis):
    rows, columns = np.arange(y.shape[0])[:, None] % x.shape[0], np.arange(y.shape[1]) % x.shape[1]
    return ops.set_at(ops.zeros_like(x), (rows, indices) if axis % x.ndim else (indices, columns), g)


def shape_of_the_read_part(g, y, x, *indices, index):
    return g * 1.0


def written_places_kept(g, y, x, values, *indices, index):
    return g * 1.0


def every_value_counts(g, y, x, values, *indices, index):
    return ops.getitem(g, *indices, index=index) * 1.0


def surroundings_forgotten(g, y, x, *, pad_width, mode, constant_values):
    return RIGHT["pad"]["x"](g, y, x, pad_width=pad_width, mode="constant", constant_values=None)


SHAPES: dict[str, Any] = {
    "elements in another order": (
        "reshape", "x", lambda g, y, x, *, shape: ops.reshape(ops.transpose(g), x.shape), "finite differences"
    ),
    "reshaped, not exchanged": (
        "swapaxes", "x", lambda g, y, x, *, axis1, axis2: ops.reshape(g, x.shape), "finite differences"
    ),
    "for negative axes": ("transpose", "x", inverse_without_wrapping, "transpose"),
    "parts along the wrong axis": ("concatenate", "arrays", axis_not_wrapped, "concatenate"),
    "first part for all": ("concatenate", "arrays", first_part_for_all, "concatenate"),
    "mean over what was broadcast": ("broadcast_to", "x", stretched_only, "finite differences"),
    "mean over what was summed": (
        "sum_to", "x", lambda g, y, x, *, shape: ops.broadcast_to(g, shape=x.shape) * (y.size / max(1, x.size)),
        "finite differences",
    ),
    "main diagonal always": ("tril", "x", lambda g, y, x, *, k: ops.tril(g), "finite differences"),
    "the other triangle": ("triu", "x", lambda g, y, x, *, k: ops.tril(g, k=k), "finite differences"),
    "shape of the part": ("getitem", "x", shape_of_the_read_part, "the gradient rule of getitem for 'x'"),
    "for repeated indices": ("take_along_axis", "x", last_written_only, "finite differences"),
    "what was overwritten": ("setitem", "x", written_places_kept, "finite differences"),
    "values that were overwritten": ("setitem", "values", every_value_counts, "finite differences"),
    "axis of the batch": (
        "add_along_axis", "values",
        lambda g, y, values, indices, *, axis, shape: ops.take_along_axis(g, indices, axis=-1), "add_along_axis",
    ),
    "doubled where written": (
        "scatter_add", "values",
        lambda g, y, values, *indices, index, shape: ops.getitem(g, *indices, index=index) * 2.0, "finite differences",
    ),
    "shifted the same way": (
        "roll", "x", lambda g, y, x, *, shift, axis: ops.roll(g, shift=shift, axis=axis), "finite differences"
    ),
    "what was mirrored": ("pad", "x", surroundings_forgotten, "finite differences"),
    "windows read backwards": (
        "sliding_window_view", "x", lambda g, y, x, *, window_shape, **params: ops.add_windows(
            ops.flip(g, -1), shape=x.shape, **params
        ), "definition has the same",
    ),
    "doubled where windows meet": (
        "add_windows", "values", lambda g, y, values, *, shape, **params: ops.sliding_window_view(
            g, window_shape=values.shape[len(shape):], **params
        ) * 2.0, "definition has the same",
    ),
}  # fmt: skip

PLANTED = REDUCTIONS | SHAPES


@pytest.mark.parametrize("name", PLANTED)
def test_wrong_rule_is_rejected_by_name(name, assert_rejected):
    assert_rejected(*PLANTED[name])
