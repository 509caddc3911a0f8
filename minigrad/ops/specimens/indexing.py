"""Specimens of reading and writing by index."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad import ops
from minigrad.ops.indexing import Index, Slice, write_at
from minigrad.ops.kernels import AxisError
from minigrad.ops.specimens.calls import call, refusal, specimens
from minigrad.ops.specimens.draws import booleans, integers, normal

keys = [
    (0,), (-1, slice(None)), (slice(None, None, -2),), (None, ..., 1), (slice(1, 1),), (..., 0),
    ([0, 0, 3], [1, 1, 2]), ((0, 3), range(2)), (range(0),), (slice(None), [0, 2]), (0, slice(None), [1, 2]),
]  # fmt: skip
OUTSIDE = np.array([0, 3])


def add_at(values: Any, key: Any, shape: tuple[int, ...]) -> Any:
    result = np.zeros(shape, values.dtype)
    np.add.at(result, key, values)
    return result


def add_along(values: Any, indices: Any, axis: int, shape: tuple[int, ...]) -> Any:
    mesh: list[Any] = list(np.ogrid[tuple(slice(n) for n in indices.shape)])
    mesh[axis] = indices
    return add_at(np.broadcast_to(values, indices.shape), tuple(mesh), shape)


ops.getitem.specimens = specimens(
    call(normal(4, 3), integers(4, 5), index=Index([True])), call(normal(), index=Index([None])),
    call(normal(4, 3), integers(3, 0), index=Index([..., True])), call(normal(4, 3), -1, index=Index([True])),
    refusal(call(normal(3), OUTSIDE, index=Index([True])), IndexError, "getitem", "(3,)", "index 3"),
    reference=lambda x, *indices, index: x[index.with_arrays(indices)],
)  # fmt: skip
ops.scatter_add.specimens = specimens(
    call(normal(5, 3), integers(4, 5), index=Index([True]), shape=(4, 3)),
    call(normal(2), index=Index([Slice(None, None, -2)]), shape=(3,)), call(normal(), index=Index([1]), shape=(3,)),
    call(normal(2, 2), integers(3, 2), integers(2, 2, 1), index=Index([True, True]), shape=(3, 2)),
    call(normal(3, 2), integers(3, 3), index=Index([0, Slice(None, None, None), True]), shape=(2, 2, 3)),
    call(normal(0, 3), integers(4, 0), index=Index([True]), shape=(4, 3)),
    refusal(call(normal(2, 3), np.array([0, 4]), index=Index([True]), shape=(4, 3)),
            IndexError, "scatter_add", "index 4", "(4, 3)"),
    refusal(call(normal(2), np.array([0, 1]), np.array([0, 2]), index=Index([True, True]), shape=(2, 2)),
            IndexError, "scatter_add", "index 2"),
    refusal(call(normal(3), integers(4, 2), index=Index([True]), shape=(4,)), ValueError, "scatter_add", "(3,)"),
    reference=lambda values, *indices, index, shape: add_at(values, index.with_arrays(indices), shape),
)  # fmt: skip
ops.index.specimens = specimens(
    *(call(normal(4, 3, 3), key) for key in keys), call(normal(4, 3), booleans(4)),
    call(normal(4, 3), integers(4, 2, 2)), call(normal(), ()),
    refusal(call(normal(3), 3), IndexError, "(3,)", "index 3"),
    refusal(call(normal(3), (0, 0)), IndexError, "(3,)", "too many indices"),
    refusal(call(normal(3), 1.5), IndexError, "integers", "float"),
    refusal(call(normal(3), np.array([0.0])), IndexError, "integers", "float64"),
    refusal(call(normal(3), booleans(2)), IndexError, "(3,)", "boolean"),
    reference=lambda x, key: x[tuple(key) if isinstance(key, list) else key],
)  # fmt: skip
ops.setitem.specimens = specimens(
    call(normal(4, 3), normal(2, 3), index=Index([Slice(1, 3, None)])),
    call(normal(4, 3), normal(2, 1), integers(2, 2), index=Index([True])),
    call(normal(4, 3), normal(0, 3), integers(4, 0), index=Index([True])),
    call(normal(), normal(), index=Index([])), call(normal(4, 3), normal(3), 2, index=Index([True])),
    refusal(call(normal(4, 3), normal(2), index=Index([0])), ValueError, "setitem", "(4, 3)", "(2,)"),
    refusal(call(np.ones(3, int), np.array([0.5]), index=Index([0])), TypeError, "setitem", "0.5", "int64"),
    reference=lambda x, values, *indices, index: write_at(x, values, index.with_arrays(indices)),
)  # fmt: skip
ops.set_at.specimens = specimens(
    call(normal(4, 3), 1, normal(3)), call(normal(4, 3), (slice(None), 0), 2.0),
    call(normal(4, 3), (slice(None), -1), normal()), call(normal(4, 3), [0, -1], normal(2, 1)),
    call(normal(), (), normal()),
    refusal(call(normal(4, 3), 4, 0.0), IndexError, "index 4", "(4, 3)"),
    refusal(call(normal(4, 3), 0, normal(2)), ValueError, "(4, 3)", "(2,)"),
    refusal(call(np.ones(3, np.uint8), 0, 300), TypeError, "300", "uint8"),
    refusal(call(normal(3), "a", 0.0), IndexError, "integers", "str"),
    reference=lambda x, key, values: write_at(x, values, key),
)  # fmt: skip
ops.take.specimens = specimens(
    call(normal(4, 3), integers(12, 2)), call(normal(4, 3), integers(3, 2, 2), axis=-1),
    call(normal(4, 3), 1, axis=0), call(normal(4, 3), (0, -1), 1), call(normal(2), [True, False]),
    call(normal(4, 3), integers(3, 0)), call(normal(4, 3), range(2)), call(normal(), 0),
    refusal(call(normal(4, 3), 0, 2), AxisError, "take", "axis 2", "dimension 2"),
    refusal(call(normal(4, 3), [0, 4], 0), IndexError, "index 4", "(4, 3)"),
    refusal(call(normal(4, 3), [0.5]), IndexError, "integers", "float64"),
)  # fmt: skip
ops.take_along_axis.specimens = specimens(
    call(normal(2, 4), integers(4, 2, 3), -1), call(normal(4, 2), integers(4, 3, 2), axis=0),
    call(normal(2, 4), integers(4, 1, 3), 1), call(normal(1, 4), integers(4, 3, 2), 1),
    call(normal(2, 3), integers(3, 2, 0), 1),
    refusal(call(normal(2, 3), integers(3, 2, 1), axis=2), AxisError, "take_along_axis", "axis 2", "dimension 2"),
    refusal(call(normal(2, 3), integers(3, 2)), ValueError, "take_along_axis", "(2, 3)", "(2,)", "dimensions"),
    refusal(call(normal(2, 3), [[3], [0]]), IndexError, "take_along_axis", "(2, 3)", "index 3"),
    refusal(call(normal(2, 3), normal(2, 1)), IndexError, "take_along_axis", "integer"),
    refusal(call(normal(2, 3), integers(3, 6), axis=None), TypeError, "take_along_axis", "axis"),
)  # fmt: skip
ops.add_along_axis.specimens = specimens(
    call(normal(2, 3), integers(4, 2, 3), axis=-1, shape=(2, 4)),
    call(normal(3, 2), integers(4, 3, 2), axis=0, shape=(4, 2)),
    refusal(call(normal(2, 3), integers(3, 2, 3), axis=2, shape=(2, 3)), AxisError, "add_along_axis", "axis 2"),
    refusal(call(normal(2, 1), [[3], [0]], axis=1, shape=(2, 3)), IndexError, "add_along_axis", "index 3"),
    reference=lambda values, indices, *, axis, shape: add_along(values, indices, axis, shape),
)
ops.argsort.specimens = specimens(
    call(normal(2, 4)), call(normal(4, 2), axis=0), call(normal(2, 3), None), call(normal(2, 0)),
    refusal(call(normal(2, 3), 2), AxisError, "argsort", "axis 2", "dimension 2"),
)  # fmt: skip
ops.partition.specimens = specimens(
    call(normal(2, 4), 1), call(normal(4, 2), (0, -1), axis=0), call(normal(2, 3), 5, None),
    refusal(call(normal(2, 3), 3), ValueError, "partition", "kth=3", "length 3"),
    refusal(call(normal(2, 3), 0, 2), AxisError, "partition", "axis 2", "dimension 2"),
    reference=lambda x, kth, axis=-1: np.sort(x, axis),
)  # fmt: skip
ops.sort.specimens = specimens(
    call(normal(2, 4)), call(normal(4, 2), axis=0), call(normal(2, 3), None), call(normal(0, 2), 1),
    refusal(call(normal(2, 3), 2), AxisError, "sort", "axis 2", "dimension 2"),
    refusal(call(normal()), AxisError, "sort", "axis -1", "dimension 0"),
)  # fmt: skip
