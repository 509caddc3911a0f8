"""float16 as float32, where it is computed with more than once before it is rounded.

Called by the sweep where it meets a node in float16, and by functions that are written in several ops.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from minigrad.base.record import registry

if TYPE_CHECKING:
    from minigrad.core.tensor import Tensor

HALF = np.dtype(np.float16)


def is_half(x: Any) -> bool:
    """Whether `x` is an array or a Tensor of float16, in either byte order."""
    return hasattr(x, "dtype") and x.dtype.char == "e"


def widened_operand(x: Any) -> Any:
    """Arrays and Tensors of float16 as float32, everything else as it is."""
    return registry["astype"](x, dtype=np.float32) if is_half(x) else x


def widened_node(node: Tensor, incoming: Any, values: Sequence[Any]) -> tuple[Any, Any, list[Any]]:
    """What the rules of a node in float16 are given: float32, where they neither overflow nor lose small terms.

    The result is computed again too: its rounding would come out multiplied. What a rule returns is rounded once.
    """
    assert node.op is not None
    wide = [widened_operand(x) for x in values]
    return widened_operand(incoming), node.op(*wide, **node.params), wide
