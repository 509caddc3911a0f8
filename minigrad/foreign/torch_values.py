"""What passes between PyTorch and NumPy: values, types, and operations of PyTorch on arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from minigrad.core.arrays import Shaped
from minigrad.core.errors import CaptureError
from minigrad.core.tensor import Tensor
from minigrad.foreign.op import make_results


def as_torch(x: Any) -> Any:
    """Arrays and Tensors as tensors of PyTorch, and tensors as copies of them; all else as it is."""
    import torch

    x = x.numpy() if isinstance(x, Tensor) else x
    if isinstance(x, torch.Tensor):  # what is given twice, or is a weight as well, PyTorch would take for one input
        return x.detach().clone().requires_grad_(x.requires_grad)
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
    if found.kind == "V" or found.isbuiltin != 1:  # what other libraries add to NumPy, with JAX bfloat16 and complex32
        raise CaptureError(
            f"from_torch: {where} is of type {dtype}, which NumPy has not: convert the module, as by module.float(); "
            "if torch.autocast made it, read the module outside of that, or let it be of dtype=torch.float16"
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
    if value.layout is not torch.strided:
        raise CaptureError(f"from_torch: {where} is {value.layout}, which NumPy has not: make it dense, x.to_dense()")
    return Shaped(tuple(value.shape), dtype_of(value.dtype, where))


def name_of(target: Any) -> str:
    """What a foreign operation is called: `aten.topk`."""
    parts = str(target).split(".")
    return ".".join(parts[:2]) if len(parts) > 1 else f"torch.{parts[0]}"


@dataclass
class Call:
    """An operation of PyTorch and its arguments, among them Tensors of a graph."""

    target: Any
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    strides: Mapping[int, tuple[int, ...]] = field(default_factory=dict)  # of Tensors, by id, that lie not row by row

    @cached_property
    def operands(self) -> list[Tensor]:
        from torch.utils._pytree import tree_leaves

        return list({id(x): x for x in tree_leaves((self.args, self.kwargs)) if isinstance(x, Tensor)}.values())

    @property
    def random(self) -> bool:
        return "nondeterministic_seeded" in {tag.name for tag in getattr(self.target, "tags", ())}

    def ask(self, results: Sequence[Shaped | None], scope: str, order: int) -> list[Tensor | None]:
        """The nodes of a foreign operation, for the results that are used; the others are None."""
        kinds = [Shaped((), np.dtype(bool)) if x is None else x for x in results]
        return make_results(
            name_of(self.target), self.evaluate, self.operands, [(x.shape, x.dtype) for x in kinds], self._params(),
            used=[i for i, x in enumerate(results) if x is not None], scope=scope, order=order, effect=self.random,
            called=self._called(),
        )  # fmt: skip

    def evaluate(self, *arrays: Any) -> Any:
        """What PyTorch makes of one array for each operand: an array, or a list where there are several results."""
        import torch
        from torch.utils._pytree import tree_map

        cpu, values, copies = torch.device("cpu"), {}, writes(self.target)
        for x, array in zip(self.operands, arrays, strict=True):
            array = np.array(array) if copies else np.require(array, requirements=["C", "W"])
            values[id(x)] = torch.from_numpy(array)
            if id(x) in self.strides:
                lying = torch.empty_strided(array.shape, self.strides[id(x)], dtype=values[id(x)].dtype)
                values[id(x)] = lying.copy_(values[id(x)])

        def put(x: Any) -> Any:
            return cpu if isinstance(x, torch.device) else values.get(id(x), x)

        with torch.no_grad(), torch.autocast("cpu", enabled=False):
            made = self.target(*tree_map(put, self.args), **tree_map(put, dict(self.kwargs)))
        if isinstance(made, (tuple, list)):
            return [own(x, arrays) for x in made] if len(made) > 1 else own(made[0], arrays)
        return own(made, arrays)

    def _given(self) -> dict[str, tuple[Any, Any]]:
        """The arguments by name, each with its default; none where PyTorch does not declare them."""
        schema = getattr(self.target, "_schema", None)
        declared = {x.name: x.default_value for x in schema.arguments} if schema else {}
        given = {**dict(zip(declared, self.args, strict=False)), **(self.kwargs if schema else {})}
        return {name: (value, declared[name]) for name, value in given.items()}

    def _params(self) -> dict[str, Any]:
        """The arguments that are no Tensors and do not go without saying."""
        import torch

        params: dict[str, Any] = {}
        for name, (value, default) in self._given().items():
            if isinstance(value, torch.dtype):
                params[name] = dtype_of(value, name_of(self.target))
            elif isinstance(value, (bool, int, float, str)) and value != default:
                params[name] = value
            elif isinstance(value, (list, tuple)) and value != default:
                params[name] = tuple(value)
        return params

    def _called(self) -> list[str]:
        """The name of the argument in which each operand stands first."""
        from torch.utils._pytree import tree_leaves

        names: dict[int, str] = {}
        for name, (value, _) in self._given().items():
            for x in tree_leaves(value):
                names.setdefault(id(x), name)
        return [names[id(x)] for x in self.operands] if names else []


def writes(target: Any) -> bool:
    """Whether an operation writes into an operand, which is then its result."""
    schema = getattr(target, "_schema", None)
    return schema is not None and bool(schema.is_mutable)


def own(x: Any, arrays: Sequence[Any]) -> Any:
    """The array of a result: a copy of what looks into an operand, which may be written later."""
    array = as_array(x)
    looks = isinstance(array, np.ndarray) and any(np.may_share_memory(array, other) for other in arrays)
    return array.copy() if looks else array
