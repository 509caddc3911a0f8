"""Specimens of ops that move, repeat, shift and surround elements."""

from __future__ import annotations

import numpy as np

from minigrad import ops
from minigrad.ops.kernels import AxisError
from minigrad.ops.specimens.calls import call, refusal, specimens
from minigrad.ops.specimens.draws import normal

ops.moveaxis.specimens = specimens(
    call(normal(2, 3, 4), 0, -1), call(normal(2, 3, 4), [0, 1], [-1, -2]), call(normal(2), 0, 0),
    refusal(call(normal(2, 3), 2, 0), AxisError, "moveaxis", "source", "axis 2", "dimension 2"),
    refusal(call(normal(2, 3), 0, -3), AxisError, "moveaxis", "destination", "axis -3", "dimension 2"),
    refusal(call(normal(2, 3), (0, 0), (0, 1)), ValueError, "moveaxis", "source", "repeated"),
    refusal(call(normal(2, 3), (0, 1), 0), ValueError, "moveaxis", "2", "1"),
)  # fmt: skip
ops.ravel.specimens = specimens(
    call(normal(2, 3)), call(normal()), call(normal(2, 0)),
    refusal(call(normal(2, 3), order="F"), TypeError, "order"),
)  # fmt: skip
ops.flip.specimens = specimens(
    call(normal(2, 3)), call(normal(2, 3), 1), call(normal(2, 3, 2), axis=(0, -1)), call(normal(2), ()),
    call(normal()), call(normal(0, 2), 0),
    refusal(call(normal(2, 3), 2), AxisError, "flip", "axis 2", "dimension 2"),
    refusal(call(normal(2, 3), (0, -2)), ValueError, "flip", "repeated"),
)  # fmt: skip
ops.flatten.specimens = specimens(
    call(normal(2, 3)), call(normal()), call(normal(2, 0)),
    refusal(call(normal(2, 3), order="F"), TypeError, "order"),
    reference=np.ravel,
)  # fmt: skip
ops.meshgrid.specimens = specimens(
    call(normal(2), normal(3)), call(normal(2), normal(3), normal(1), indexing="ij"), call(normal(3), normal()),
    call(normal(2), normal(3), normal(2), sparse=True), call(normal(3)),
    refusal(call(normal(2), indexing="yx"), ValueError, "meshgrid", "'yx'", "'xy' or 'ij'"),
)  # fmt: skip
ops.rollaxis.specimens = specimens(
    call(normal(2, 3, 4), axis=2), call(normal(2, 3, 4), 0, 3), call(normal(2, 3, 4), -1, -2), call(normal(2, 3), 1, 1),
    refusal(call(normal(2, 3), 2), AxisError, "rollaxis", "axis 2", "dimension 2"),
    refusal(call(normal(2, 3), 0, 3), AxisError, "rollaxis", "start", "axis 3", "dimension 2"),
)  # fmt: skip
ops.flipud.specimens = specimens(
    call(normal(2, 3)), call(normal(3)), call(normal(0, 2)),
    refusal(call(normal()), AxisError, "axis 0", "dimension 0"),
)  # fmt: skip
ops.fliplr.specimens = specimens(
    call(normal(2, 3)), call(normal(2, 0, 2)), refusal(call(normal(3)), AxisError, "axis 1", "dimension 1")
)
ops.rot90.specimens = specimens(
    *(call(normal(2, 3), k) for k in (1, 2, -1, 4)), call(normal(2, 3, 2), axes=(2, 0)), call(normal(2, 3), 7, [1, 0]),
    refusal(call(normal(2, 3), 1, (0, 2)), AxisError, "rot90", "axis 2", "dimension 2"),
    refusal(call(normal(2, 3), axes=(0, -2)), ValueError, "rot90", "repeated"),
    refusal(call(normal(2, 3), axes=(0,)), ValueError, "rot90", "two axes"),
)  # fmt: skip
ops.roll.specimens = specimens(
    call(normal(5), 2), call(normal(2, 3), -1, 1), call(normal(2, 3), (1, 2), axis=(0, -1)), call(normal(), 1),
    call(normal(2, 3), (4, 1), axis=(1, 1)), call(normal(2, 3), 1, (0, 1)), call(normal(0, 2), 1),
    refusal(call(normal(2, 3), 1, 2), AxisError, "roll", "axis 2", "dimension 2"),
    refusal(call(normal(2, 3), (1, 2), (0, 1, 1)), ValueError, "roll", "(1, 2)", "(0, 1, 1)"),
    refusal(call(normal(3), 1.5), TypeError, "roll", "shift", "integers", "1.5"),
)  # fmt: skip
ops.tile.specimens = specimens(
    call(normal(2, 3), 2), call(normal(3), (2, 1)), call(normal(2, 3), (2, 1, 3)), call(normal(2, 3), (0, 1)),
    call(normal(), (2, 2)), call(normal(2), ()),
    refusal(call(normal(2, 3), (2, -1)), ValueError, "tile", "reps", "-1"),
    refusal(call(normal(2, 3), 1.5), TypeError, "tile", "reps", "1.5"),
)  # fmt: skip
ops.repeat.specimens = specimens(
    call(normal(2, 3), 2), call(normal(2, 3), 3, axis=1), call(normal(2, 3), [1, 2], 0), call(normal(3), [2, 0, 1]),
    call(normal(2, 3), 0, axis=-1), call(normal(), 2), call(normal(2, 3), [2], -1),
    refusal(call(normal(2, 3), 2, 2), AxisError, "repeat", "axis 2", "dimension 2"),
    refusal(call(normal(3), -1), ValueError, "repeat", "repeats", "-1"),
    refusal(call(normal(3), 1.5), TypeError, "repeat", "repeats", "1.5"),
    refusal(call(normal(2, 3), [1, 2], 1), ValueError, "repeat", "repeats", "2", "3"),
)  # fmt: skip
ops.pad.specimens = specimens(
    call(normal(3), 2), call(normal(2, 3), (1, 2)), call(normal(2, 3), ((1, 0), (0, 2)), constant_values=1.0),
    call(normal(2, 3), ((1,), (2,)), constant_values=((1, 0), (0, 1))), call(normal(2, 3), 0), call(normal(), 0),
    call(normal(2, 0), 1), call(normal(3), (4, 2), mode="edge"), call(normal(3, 2), 3, "reflect"),
    call(normal(3), (4, 5), "symmetric"), call(normal(2, 3), ((5, 1), (0, 4)), mode="wrap"),
    refusal(call(normal(3), 1, "mean"), ValueError, "pad", "mode", "mean", "constant, edge, reflect"),
    refusal(call(normal(3), -1), ValueError, "pad", "pad_width", "negative"),
    refusal(call(normal(3), 1.5), TypeError, "pad", "pad_width", "integral"),
    refusal(call(normal(3), {0: 1}), TypeError, "pad", "pad_width", "pair"),
    refusal(call(normal(2, 3), ((1, 2), (3, 4), (5, 6))), ValueError, "pad", "pad_width", "(2, 3)"),
    refusal(call(normal(3), 1, "edge", constant_values=1.0), ValueError, "pad", "constant_values", "edge"),
    refusal(call(np.ones(3, np.uint8), 1, constant_values=-1), TypeError, "pad", "-1", "uint8"),
    refusal(call(normal(0), 1, mode="wrap"), ValueError, "pad", "wrap", "(0,)"),
)  # fmt: skip
ops.diagonal.specimens = specimens(
    call(normal(3, 3)), call(normal(2, 3), 1), call(normal(3, 2), -1), call(normal(2, 3, 4), 1, 0, 2),
    call(normal(2, 3, 4), axis1=-1, axis2=1), call(normal(2, 3), offset=5), call(normal(0, 3)),
    refusal(call(normal(2, 3), 0, 0, 2), AxisError, "diagonal", "axis 2", "dimension 2"),
    refusal(call(normal(2, 3), 0, 0, -2), ValueError, "diagonal", "axis1", "axis2"),
    refusal(call(normal(3)), ValueError, "diagonal", "two axes", "(3,)"),
)  # fmt: skip
ops.diag.specimens = specimens(
    call(normal(3)), call(normal(2), 1), call(normal(2), k=-2), call(normal(3, 3)), call(normal(2, 3), 1),
    call(normal(3, 2), k=-1), call(normal(0)), call(normal(0, 2)),
    refusal(call(normal()), ValueError, "diag", "one or two axes", "()"),
    refusal(call(normal(2, 2, 2)), ValueError, "diag", "one or two axes", "(2, 2, 2)"),
)  # fmt: skip
