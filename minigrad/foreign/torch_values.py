"""What passes between PyTorch and NumPy: values, types, and operations of PyTorch on arrays."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad.core.arrays import Array, Shaped
from minigrad.core.errors import CaptureError
from minigrad.core.tensor import Tensor


def as_torch(x: Any) -> Any:
    """Arrays and Tensors as tensors of PyTorch; all else as it is."""
    import torch

    x = x.numpy() if isinstance(x, Tensor) else x
    return torch.from_numpy(np.array(x)) if isinstance(x, np.ndarray) else x


def as_array(x: Any) -> Any:
    """A tensor of PyTorch as an array, which shares its memory where that is on the CPU; all else as it is."""
    import torch

    return x.numpy(force=True) if isinstance(x, torch.Tensor) else x


def dtype_of(dtype: Any, where: str) -> np.dtype[Any]:
    """NumPy's name for a type of PyTorch."""
    try:
        found = np.dtype(str(dtype).removeprefix("torch."))
    except TypeError:
        found = np.dtype(np.void)
    if found.kind == "V":  # as that of what other libraries add to NumPy, bfloat16 with JAX
        raise CaptureError(
            f"from_torch: {where} is of type {dtype}, which NumPy has not: convert the module, as by module.float()"
        )
    return found


def shape_of(value: Any, where: str) -> Shaped:
    """The shape and type of a tensor in an exported program."""
    import torch

    if not isinstance(value, torch.Tensor) or any(not isinstance(length, int) for length in value.shape):
        raise CaptureError(
            f"from_torch: {where} is {'a number' if not hasattr(value, 'shape') else 'of a shape'} that depends on "
            "values, so that the rest of the program would differ from call to call: it cannot be one graph"
        )
    return Shaped(tuple(value.shape), dtype_of(value.dtype, where))


def name_of(node: Any) -> str:
    """What a foreign operation is called: `aten.conv2d`."""
    parts = str(node.target).split(".")
    return ".".join(parts[:2]) if len(parts) > 1 else f"torch.{parts[0]}"


def params_of(node: Any) -> dict[str, Any]:
    """The arguments of a foreign operation that are no tensors and do not go without saying."""
    import torch

    schema = getattr(node.target, "_schema", None)
    declared = {x.name: x.default_value for x in schema.arguments} if schema else {}
    params: dict[str, Any] = {}
    for name, value in {**dict(zip(declared, node.args, strict=False)), **node.kwargs}.items():
        if isinstance(value, torch.dtype):
            params[name] = dtype_of(value, name_of(node))
        elif value != declared[name] and isinstance(value, (bool, int, float, str)):
            params[name] = value
        elif value != declared[name] and isinstance(value, (list, tuple)):
            params[name] = tuple(value)
    return params


def evaluator(target: Any, args: Any, kwargs: Any, operands: list[Tensor]) -> Callable[..., Any]:
    """A function of one array for each of `operands`, which are among the arguments, that has PyTorch call `target`.

    It returns an array, or a list of them where there are several results.
    """
    import torch
    from torch.utils._pytree import tree_map

    cpu = torch.device("cpu")

    def evaluate(*arrays: Array) -> Any:
        values = {id(x): _tensor(array) for x, array in zip(operands, arrays, strict=True)}
        put = functools.partial(tree_map, lambda x: cpu if isinstance(x, torch.device) else values.get(id(x), x))
        with torch.no_grad():
            made = target(*put(args), **put(kwargs))
        if isinstance(made, (tuple, list)):
            return [own(x, arrays) for x in made] if len(made) > 1 else own(made[0], arrays)
        return own(made, arrays)

    return evaluate


def own(x: Any, arrays: tuple[Array, ...]) -> Any:
    """The array of a result: a copy of what looks into an operand, which may be written later."""
    array = as_array(x)
    looks = isinstance(array, np.ndarray) and any(np.may_share_memory(array, other) for other in arrays)
    return array.copy() if looks else array


def _tensor(array: Array) -> Any:
    import torch

    return torch.from_numpy(np.require(array, requirements=["C", "W"]))  # what is read-only is copied
