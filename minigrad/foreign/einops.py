"""einops on Tensors: `import minigrad.foreign.einops`, and `einops.rearrange(x, "b h t d -> b t (h d)")` takes them.

einops looks for the backend of an array among the subclasses of its `AbstractBackend`: that this one exists is enough.
Every method is made of operations, so that gradients, graphs and compiled functions are those of the operations.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from minigrad import ops
from minigrad.core.tensor import Tensor

try:
    from einops._backends import AbstractBackend
except ModuleNotFoundError as error:
    message = "minigrad.foreign.einops needs the library einops: python -m pip install einops"
    raise ModuleNotFoundError(message, name=error.name) from error


class MinigradBackend(AbstractBackend):
    """What einops asks of Tensors; shapes, `reshape`, `transpose` and reductions it finds on them."""

    framework_name = "minigrad"

    def is_appropriate_type(self, tensor: Any) -> bool:
        return isinstance(tensor, Tensor)

    def from_numpy(self, x: Any) -> Tensor:
        return Tensor(x)

    def to_numpy(self, x: Tensor) -> Any:
        return x.data

    def is_float_type(self, x: Tensor) -> bool:
        return x.dtype.kind == "f"

    def stack_on_zeroth_dimension(self, tensors: Sequence[Tensor]) -> Any:
        return ops.stack(tensors)

    def concat(self, tensors: Sequence[Tensor], axis: int) -> Any:
        return ops.concatenate(tensors, axis=axis)

    def add_axis(self, x: Tensor, new_position: int) -> Any:
        return ops.expand_dims(x, axis=new_position)

    def tile(self, x: Tensor, repeats: Sequence[int]) -> Any:
        return ops.tile(x, repeats)

    def einsum(self, pattern: str, *x: Tensor) -> Any:
        return ops.einsum(pattern, *x)
