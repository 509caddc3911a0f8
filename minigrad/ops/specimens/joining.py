"""Specimens of what puts arrays side by side, and takes them apart."""

from __future__ import annotations

from minigrad import ops
from minigrad.ops.kernels import AxisError
from minigrad.ops.specimens.calls import call, refusal, specimens
from minigrad.ops.specimens.draws import normal

# --- joining ----------------------------------------------------------------------------------------------------------

ops.vstack.specimens = specimens(
    call([normal(2, 3), normal(1, 3)]), call([normal(3), normal(3)]), call([normal(), normal()]),
    refusal(call([normal(2), normal(3)]), ValueError, "(1, 2)", "(1, 3)"),
)  # fmt: skip
ops.hstack.specimens = specimens(
    call([normal(2, 3), normal(2, 1)]), call([normal(2), normal(3)]), call([normal(), normal()]),
    refusal(call([normal(2, 2), normal(3, 2)]), ValueError, "(2, 2)", "(3, 2)"),
)  # fmt: skip
ops.dstack.specimens = specimens(
    call([normal(2, 3), normal(2, 3)]), call([normal(2), normal(2)]), call([normal(2, 3, 1), normal(2, 3)]),
    refusal(call([normal(2), normal(3)]), ValueError, "(1, 2, 1)", "(1, 3, 1)"),
)  # fmt: skip
ops.column_stack.specimens = specimens(
    call([normal(3), normal(3, 2)]), call([normal(2), normal(2)]), call([normal(), normal()]),
    refusal(call([normal(2), normal(3)]), ValueError, "(2, 1)", "(3, 1)"),
)  # fmt: skip
ops.append.specimens = specimens(
    call(normal(2, 3), normal(2)), call(normal(2, 3), normal(1, 3), axis=0), call(normal(2), 1.5),
    call(normal(2, 2), normal(2, 1), -1), call(normal(), normal(0)),
    refusal(call(normal(2, 3), normal(2, 2), 0), ValueError, "(2, 3)", "(2, 2)"),
    refusal(call(normal(2), normal(2), 1), AxisError, "append", "axis 1", "dimension 1"),
)  # fmt: skip

# --- taking apart -----------------------------------------------------------------------------------------------------

parts = [
    call(normal(4, 3), 2), call(normal(3, 4), 2, axis=-1), call(normal(5, 2), [1, 4]), call(normal(0, 2), 3),
    call(normal(3), [-1, 7]),
]  # fmt: skip

ops.split.specimens = specimens(
    *parts,
    refusal(call(normal(4, 3), 3), ValueError, "split", "length 4", "3 equal sections"),
    refusal(call(normal(4, 3), 0), ValueError, "split", "0 equal sections"),
    refusal(call(normal(4, 3), 2, 2), AxisError, "split", "axis 2", "dimension 2"),
    refusal(call(normal(), 1), AxisError, "split", "axis 0", "dimension 0"),
)  # fmt: skip
ops.array_split.specimens = specimens(
    *parts, call(normal(5, 2), 3), call(normal(2), 4), call(normal(3, 7), 3, -1),
    refusal(call(normal(4), 0), ValueError, "array_split", "0 sections"),
    refusal(call(normal(4), 2, 1), AxisError, "array_split", "axis 1", "dimension 1"),
)  # fmt: skip
ops.vsplit.specimens = specimens(
    call(normal(4, 3), 2), call(normal(3, 2), [1]), refusal(call(normal(4), 2), ValueError, "vsplit", "(4,)", "2 axes")
)
ops.hsplit.specimens = specimens(
    call(normal(3, 4), 2), call(normal(4), 2), call(normal(3, 2), [1]),
    refusal(call(normal(), 1), ValueError, "hsplit", "()", "1 axes"),
)  # fmt: skip
ops.dsplit.specimens = specimens(
    call(normal(1, 3, 4), 2), call(normal(2, 2, 2), [1]),
    refusal(call(normal(4, 4), 2), ValueError, "dsplit", "(4, 4)", "3 axes"),
)  # fmt: skip

# --- further axes -----------------------------------------------------------------------------------------------------

for function in (ops.atleast_1d, ops.atleast_2d, ops.atleast_3d):
    function.specimens = specimens(
        call(normal()), call(normal(3)), call(normal(2, 3)), call(normal(2, 1, 3)), call(normal(2, 1, 1, 2)),
        call(normal(), normal(2)), refusal(call(normal(2), axis=0), TypeError, "axis"),
    )  # fmt: skip
