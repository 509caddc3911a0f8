"""NumPy's own in a captured function: scalars and arrays among its arguments, and lists of numbers in its source.

NumPy scalars act as numbers, as they do in eager code: a Tensor that stands for one is weak, and beside others it takes
the type that a Python number would have. What is computed of scalars, numbers and lists of numbers alone is plain: in
eager code it is NumPy's, and weak where NumPy makes a scalar of it, as it does of a sum of an array.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import suppress
from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np

from minigrad.core.capture import Capture
from minigrad.core.errors import NUMPYS_OWN, CaptureError
from minigrad.core.op import Op
from minigrad.core.record import registry
from minigrad.core.storage import Storage, held_by, storage_of
from minigrad.core.tensor import Tensor
from minigrad.wording.messages import describe

NUMBERS = {"?": True} | dict.fromkeys("bBhHiIlLqQ", 1) | dict.fromkeys("efd", 1.0)  # by the type of the scalar


T = TypeVar("T")


class Sweep(NamedTuple, Generic[T]):
    """One call of `backward` or `grad`: of these outputs, with these cotangents, the gradient of each target."""

    outputs: list[T]
    cotangents: list[T]
    targets: list[T]
    gradients: list[T]


class Recording(Capture):
    """A capture that knows what NumPy would have computed by itself, and every gradient that was taken."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.arrays: set[Tensor] = set()  # what is NumPy's own in eager code: arrays, and what they make
        self.plain: set[Tensor] = set()  # and there: scalars and lists, and what they make
        self.weak: set[Tensor] = set()  # those of both that are scalars there: they act as numbers
        self.assigned: dict[Storage, list[Tensor]] = {}  # state that has a new value, by what it looks into
        self.late: dict[Tensor, list[Tensor]] = {}  # arguments → the state that had a new value when they were read
        self.sweeps: list[Sweep[Tensor]] = []
        self.example: tuple[Any, ...] = ()  # the arguments, as `strip` makes one for `flatten`

    def differentiate(self, outputs: Any, cotangents: Any, gradients: Any, targets: Collection[Tensor]) -> Any:
        self.sweeps.append(Sweep(list(outputs), list(cotangents), [*gradients], [*gradients.values()]))
        return super().differentiate(outputs, cotangents, gradients, targets)

    def assign(self, tensor: Tensor, value: Any) -> None:
        super().assign(tensor, value)
        self.assigned.setdefault(storage_of(tensor), []).append(tensor)

    def value_of(self, tensor: Tensor) -> Tensor:
        assigned = self.assigned.get(storage_of(tensor), []) if self.assigned else []
        for state in [] if tensor in self.updates else assigned:
            if np.shares_memory(held_by(state), held_by(tensor)):
                raise CaptureError(
                    f"{describe(tensor)} and {describe(state)} share memory, and the captured function has assigned "
                    "the second: read that one, or keep a copy() of what the first was"
                )
        if self.updates and tensor.role == "input":
            self.late[tensor] = list(self.updates)
        return super().value_of(tensor)

    def inputs_of(self, op: Op, inputs: tuple[Any, ...], params: Mapping[str, Any]) -> tuple[Any, ...]:
        if any(isinstance(x, np.generic) for x in inputs) and self._are_numpys(
            [x for x in inputs if isinstance(x, Tensor)]
        ):
            inputs = tuple([self._make_scalar(x) if isinstance(x, np.generic) else x for x in inputs])
        values = super().inputs_of(op, inputs, params)
        return values if self.weak.isdisjoint(values) else self._convert_weak(op, values, params)

    def note_result(self, result: Tensor, op: Op) -> None:
        super().note_result(result, op)
        if result.place.origin is not None:
            return  # a gradient is a Tensor, whatever it is made of
        if not (self.plain.isdisjoint(result.inputs) and self.arrays.isdisjoint(result.inputs)):
            self._note_plain(result, op)

    def make_constant(self, array: Any) -> Tensor:
        result = super().make_constant(array)
        self.plain.add(result)
        return result

    def own(self, value: Tensor) -> Tensor:
        """`value`, or its copy: what is NumPy's own may act as a number."""
        if value not in self.plain and value not in self.arrays:
            return super().own(value)
        copy = self.copy_of(value)
        for numpys_own in (self.arrays, self.plain, self.weak):
            numpys_own.discard(copy)
        return copy

    def _are_numpys(self, operands: list[Any]) -> bool:
        """Whether NumPy computes with these by itself, in eager code."""
        return all(x in self.plain or x in self.weak or x in self.arrays for x in operands)

    def _make_scalar(self, scalar: np.generic) -> Tensor:
        """What stands for a NumPy scalar in the source beside NumPy's own: it keeps its type, as in eager code."""
        result = self.make_constant(np.asarray(scalar))
        self.weak.add(result)
        return result

    def _convert_weak(self, op: Op, inputs: tuple[Any, ...], params: Mapping[str, Any]) -> tuple[Any, ...]:
        """The inputs of a node, with weak ones in the type that a number would have beside the others."""
        weak = self.weak
        if self._are_numpys([x for x in inputs if hasattr(x, "dtype")]):
            return inputs  # NumPy computes with NumPy's scalars
        numbers = tuple([NUMBERS[x.dtype.char] if x in weak else x for x in inputs])
        if op.elementwise:
            dtype = op.infer(numbers, params).dtype
            if dtype.kind != "b":
                return tuple([
                    _convert(x, dtype) if x in weak and _makes_type(op, numbers, place, params) else x
                    for place, x in enumerate(inputs)
                ])  # fmt: skip
            dtype = np.result_type(*(getattr(x, "dtype", x) for x in numbers if x is not None))
            if dtype.kind in "iu":  # integers are compared as they are, also with what the type cannot hold
                return inputs
            return tuple([_convert(x, dtype) if x in weak else x for x in inputs])
        whole = op.infer(numbers, params)
        differs = op.infer(inputs, params) != whole  # an index is none of what makes the type of the result
        return tuple(
            [
                _convert(x, whole.dtype) if x in weak and (differs or x.dtype.kind == whole.dtype.kind == "f") else x
                for x in inputs
            ]
        )

    def _note_plain(self, result: Tensor, op: Op) -> None:
        """Add what the op made to `plain` or `arrays` if all its operands are, and to `weak` if it is a scalar."""
        operands = [x for x in result.inputs if hasattr(x, "dtype")]
        if not all(x in self.plain or x in self.arrays for x in operands):
            return
        (self.plain if self.plain.issuperset(operands) else self.arrays).add(result)
        if result.shape == ():
            tried = [_make_zeros(x, x in self.weak) if hasattr(x, "dtype") else x for x in result.inputs]
            with np.errstate(all="ignore"), suppress(*NUMPYS_OWN):  # an op with `infer` need not take zeros
                if isinstance(op.forward(*tried, **result.params), np.generic):
                    self.weak.add(result)


def _makes_type(op: Op, operands: tuple[Any, ...], place: int, params: Mapping[str, Any]) -> bool:
    """Whether the type of the result depends on the operand at `place`; on a condition it does not."""
    narrow, wide = np.zeros((), np.float16), np.zeros((), np.float64)
    tried: list[Any] = [None if x is None else narrow for x in operands]
    with suppress(*NUMPYS_OWN):  # of integers alone
        before = op.infer(tuple(tried), params)
        tried[place] = wide
        return op.infer(tuple(tried), params) != before
    return True


def _convert(x: Any, dtype: np.dtype[Any]) -> Any:
    if x.dtype in (dtype, np.bool_):
        return x
    if dtype.kind in "iu" and not np.can_cast(x.dtype, dtype):  # what it cannot hold is an error, as it is eagerly
        return registry["set_at"](registry["zeros_like"](registry["astype"](x, dtype=dtype)), (), x)
    return registry["astype"](x, dtype=dtype)


def _make_zeros(x: Any, scalar: bool) -> Any:
    return x.dtype.type() if scalar else np.broadcast_to(np.zeros((), x.dtype), x.shape)
