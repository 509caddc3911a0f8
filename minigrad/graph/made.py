"""Nodes for `Graph.of`: leaves and operations that nobody computed, as readers of foreign programs describe them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from minigrad.core.arrays import Array, Shaped
from minigrad.core.modes import Origin, Place
from minigrad.core.tensor import Tensor, new_tensor

if TYPE_CHECKING:
    from minigrad.core.op import Op


def make_leaf(
    role: str, shape: Iterable[int], dtype: Any, *, name: str | None = None, scope: str = "", value: Array | None = None
) -> Tensor:
    """What an operation takes that no operation made.

    Args:
        role: input, parameter, state (of what is updated), constant or cotangent. All but inputs have values.
        scope: where it belongs; by default where its first user does.
        value: the array itself; what `run` reads and updates write to.
    """
    held = Shaped(tuple(shape), np.dtype(dtype)) if value is None else value
    place, fixed = Place(scope), role if role in ("input", "constant", "cotangent") else None
    leaf = new_tensor(held, requires_grad=role == "parameter", place=place, role=fixed)
    leaf.name = name
    return leaf


def make_operation(
    op: Op, inputs: Sequence[Tensor | float | None], shape: Iterable[int], dtype: Any,
    params: Mapping[str, Any] = MappingProxyType({}), *, name: str | None = None, scope: str = "", order: int = 0,
    value: Array | None = None,
) -> Tensor:  # fmt: skip
    """The result of `op`. Inputs that are left out at the end are None, params that are missing are at their default.

    Args:
        order: of derivative; a node for which it is not 0 is drawn among the gradients, and is made for nothing named.
    """
    held = Shaped(tuple(shape), np.dtype(dtype)) if value is None else value
    absent = (None,) * (len(op.arguments) - len(inputs))
    place = Place(scope, Origin(None, 0, order) if order else None)
    node = new_tensor(held, op, (*inputs, *absent), {**op.defaults, **params}, place=place)
    node.name = name
    return node
