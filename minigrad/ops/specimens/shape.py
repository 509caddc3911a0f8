"""Specimens of ops that give arrays another shape, and join them."""

from __future__ import annotations

from minigrad import ops
from minigrad.ops.kernels import AxisError
from minigrad.ops.kernels.sums import sum_to
from minigrad.ops.specimens.calls import call, refusal, specimens
from minigrad.ops.specimens.draws import normal

ops.reshape.specimens = specimens(
    call(normal(2, 3), (3, 2)), call(normal(2, 3), (-1, 2)), call(normal(2, 3), 6), call(normal(), (1, 1)),
    call(normal(1, 1), ()), call(normal(0, 5), (5, -1)),
    refusal(call(normal(2, 3), (4, 2)), ValueError, "reshape", "(2, 3)", "(4, 2)"),
    refusal(call(normal(2, 3), (4, -1)), ValueError, "reshape", "(2, 3)", "(4, -1)"),
    refusal(call(normal(2, 3), (-1, -1)), ValueError, "reshape", "one unknown"),
    refusal(call(normal(0, 5), (-1, 0)), ValueError, "reshape", "(0, 5)", "(-1, 0)"),
    refusal(call(normal(2, 3), 6, order="F"), TypeError, "reshape", "order is not supported"),
    refusal(call(normal(4), (2.0, 2)), TypeError, "reshape", "2.0", "integer"),
)  # fmt: skip
ops.transpose.specimens = specimens(
    call(normal(2, 3)), call(normal(2, 3, 4), (2, 0, 1)), call(normal(2, 3, 4, 1), (0, -2, -1, 1)), call(normal()),
    call(normal(0, 2), (1, 0)), call(normal(3), 0), call(normal(3), -1),
    refusal(call(normal(2, 3), (0, 2)), AxisError, "transpose", "axis 2", "dimension 2"),
    refusal(call(normal(2, 3), (0, -2)), ValueError, "transpose", "(2, 3)", "(0, -2)", "repeated"),
    refusal(call(normal(2, 3), (0, 1, 2)), ValueError, "transpose", "(2, 3)", "(0, 1, 2)"),
    refusal(call(normal(2, 3), 1), ValueError, "transpose", "(2, 3)", "axes=1"),
)  # fmt: skip
ops.swapaxes.specimens = specimens(
    call(normal(2, 3), 0, 1), call(normal(2, 3, 4), -1, 0), call(normal(2), 0, 0), call(normal(2, 0), 0, 1),
    refusal(call(normal(2, 3), 0, 2), AxisError, "swapaxes", "axis 2", "dimension 2"),
)  # fmt: skip
ops.expand_dims.specimens = specimens(
    call(normal(2, 3), 0), call(normal(2, 3), (0, -1)), call(normal(), 0), call(normal(0), ()),
    refusal(call(normal(2, 3), 3), AxisError, "expand_dims", "axis 3", "dimension 3"),
    refusal(call(normal(2, 3), (0, 0)), ValueError, "expand_dims", "repeated"),
)  # fmt: skip
ops.squeeze.specimens = specimens(
    call(normal(1, 3, 1)), call(normal(1, 3, 1), 0), call(normal(1, 3, 1), (0, -1)), call(normal()),
    call(normal(1, 0), 0),
    refusal(call(normal(1, 3), 2), AxisError, "squeeze", "axis 2", "dimension 2"),
    refusal(call(normal(1, 3), 1), ValueError, "squeeze", "(1, 3)", "axis=1"),
)  # fmt: skip
ops.broadcast_to.specimens = specimens(
    call(normal(3), (2, 3)), call(normal(5, 1), (2, 5, 5)), call(normal(), (2, 1)), call(normal(1, 3), (0, 3)),
    call(normal(1), 4),
    refusal(call(normal(3), (3, 2)), ValueError, "broadcast_to", "(3,)", "(3, 2)"),
    refusal(call(normal(1), (2**40,)), ValueError, "broadcast_to", "1,099,511,627,776 elements"),
    refusal(call(normal(2, 3), (3,)), ValueError, "broadcast_to", "(2, 3)", "more dimensions"),
)  # fmt: skip
ops.sum_to.specimens = specimens(
    call(normal(2, 3), (3,)), call(normal(2, 5, 5), (5, 1)), call(normal(2, 3), ()), call(normal(2, 3), (2, 3)),
    call(normal(), ()), call(normal(0, 3), (1, 3)), call(normal(4, 0), (0,)),
    refusal(call(normal(2, 3), (2,)), ValueError, "sum_to", "(2,)", "(2, 3)"),
    refusal(call(normal(3), (1, 3)), ValueError, "sum_to", "(1, 3)", "(3,)"),
    reference=lambda x, shape: sum_to(x, shape),
)  # fmt: skip
ops.concatenate.specimens = specimens(
    call([normal(2, 3), normal(1, 3)]), call([normal(2, 3), normal(2, 0), normal(2, 1)], -1),
    call([normal(2, 2), normal(3)], axis=None), call([normal(), normal(2)], axis=None), call([normal(2, 3)]),
    refusal(call([normal(2, 3), normal(2, 2)]), ValueError, "concatenate", "(2, 3)", "(2, 2)"),
    refusal(call([normal(2, 3), normal(2, 3)], 2), AxisError, "concatenate", "axis 2", "dimension 2"),
    refusal(call([normal(2, 3), normal(3)]), ValueError, "concatenate", "(2, 3)", "(3,)"),
    refusal(call([normal(), normal()]), ValueError, "concatenate", "zero-dimensional"),
    refusal(call([]), ValueError, "concatenate", "at least one"),
    flat="the gradient arrives at other parts of its result",
)  # fmt: skip
ops.stack.specimens = specimens(
    call([normal(2, 3), normal(2, 3)]), call([normal(2), normal(2)], axis=-1), call([normal(2)]),
    call([normal(), normal()]), call([normal(0, 2), normal(0, 2)], 1),
    refusal(call([normal(2, 3), normal(3, 2)]), ValueError, "stack", "(2, 3)", "(3, 2)"),
    refusal(call([normal(2), normal(2)], 2), AxisError, "stack", "axis 2", "dimension 2"),
    refusal(call([]), ValueError, "stack", "at least one"),
)  # fmt: skip
for function in (ops.tril, ops.triu):
    function.specimens = specimens(
        call(normal(3, 3)), call(normal(2, 3, 4), 1), call(normal(3, 4), k=-1), call(normal(3)),
        call(normal(0, 2), -1), refusal(call(normal()), ValueError, function.name, "at least one axis", "()"),
    )  # fmt: skip
