"""Memory: leaves that are written to, always in place and always with a stamp of one clock.

Eager code and captured functions use the same `read` and `assign`. All threads share the clock, which numbers Tensors
as they are made and memory as it is written to. `next_id` needs no lock, with or without the global interpreter lock
of Python; writes do.
"""

from __future__ import annotations

import itertools
import os
import threading
from typing import TYPE_CHECKING, Any

import numpy as np

from minigrad.core.arrays import Array, Shaped, is_half, real_array, shape_of
from minigrad.core.errors import refusals
from minigrad.core.modes import current_mode
from minigrad.core.record import registry

if TYPE_CHECKING:
    from minigrad.core.tensor import Operand, Tensor

CUT = 2  # in the place of `requires_grad`: eager code would want a gradient here, but what led here was not recorded

next_id = itertools.count(1).__next__

lock = threading.RLock()
# A child made while another thread holds it would wait for ever; where nobody can fork there is no such function.
getattr(os, "register_at_fork", dict)(before=lock.acquire, after_in_parent=lock.release, after_in_child=lock.release)


class Storage:
    """When the memory that several Tensors look into was last written to; 0 for never."""

    __slots__ = ("stamp",)
    latest = 0  # the youngest stamp of all: backward compares it first, and is nearly always done
    changes = 0  # another number whenever memory, freezing or an attribute changed that programs may depend on

    def __init__(self) -> None:
        self.stamp = 0


def read(tensor: Tensor) -> Any:
    """The current value of a piece of state: a read-only array, or under capture the Tensor that stands for it.

    It has no history: a gradient that arrives there ends there, as in an array.
    """
    if current_mode().capture is None:
        return tensor.data
    value = memory_of(tensor)
    return value.detach() if value.requires_grad and current_mode().grad else value


def array_of(tensor: Any) -> Array:
    """The array itself, for those who compute with it; under capture there is none, and this says so."""
    if isinstance(tensor._held, Shaped) or current_mode().capture is not None:
        check_alive(tensor)
        raise refusals.value_is_read(tensor)
    array: Array = tensor._held
    return array


def held_by(tensor: Tensor) -> Array | None:
    """The array itself, for those who only look, whatever is in force; None where it was captured on shapes."""
    return None if isinstance(tensor._held, Shaped) else tensor._held


def memory_of(tensor: Tensor) -> Any:
    """As `read`, but the array itself: for those who write into it and `touch`, such as optimisers."""
    capture = current_mode().capture
    return array_of(tensor) if capture is None else capture.value_of(tensor)


def assign(tensor: Tensor, value: Operand) -> None:
    """Copy `value` into the memory of the leaf `tensor`; graphs that used the old value notice at backward.

    Raises:
        GraphError: `tensor` is the result of an op.
        ValueError: the shapes differ.

    >>> p = Tensor([1.0, 2.0])
    >>> assign(p, [3.0, 4.0])
    >>> p.tolist()
    [3.0, 4.0]
    """
    check_alive(tensor)
    if not is_state(tensor) and not isinstance(tensor._held, Shaped):
        raise refusals.no_state(tensor)
    if shape_of(value, "assign: ") != tensor.shape:
        raise refusals.other_shape("assign", tensor, value)
    capture = current_mode().capture
    if capture is not None:
        capture.assign(tensor, value)
    else:
        values = real_array(array_of(value) if hasattr(value, "_requires_grad") else value, what="assign: ")
        np.copyto(array_of(tensor), cast(values, tensor.dtype, "assign:", tensor))
        touch(tensor)


def is_state(tensor: Tensor) -> bool:
    """Whether it is memory that can be assigned: no stand-in, no result, no constant."""
    free = tensor.role is None or (tensor.role == "constant" and "made_by" in tensor.params)
    return tensor.op is None and free and not isinstance(tensor._held, Shaped)


def cast(value: Any, dtype: np.dtype[Any], use: str, tensor: Tensor | None = None) -> Any:
    """`value` in another type of the same kind, as a node where it is not in it already; `use` of `tensor` takes it."""
    if value.dtype != dtype and not np.can_cast(value.dtype, dtype, "same_kind"):
        raise refusals.other_kind(use, tensor, value)
    return value if value.dtype == dtype else registry["astype"](value, dtype=dtype)


def widen_operand(x: Any) -> Any:
    """float16 as float32, where it is computed with more than once before it is rounded; all else as it is."""
    return registry["astype"](x, dtype=np.float32) if is_half(x) else x


def check_differentiable(requires_grad: bool, dtype: np.dtype[Any]) -> None:
    if requires_grad and dtype.kind != "f":
        raise refusals.not_differentiable(dtype)


def check_alive(tensor: Any) -> None:
    """Refuse a Tensor that was captured, where its capture is over: it never had a value."""
    capture = current_mode().capture
    if type(getattr(tensor, "_held", None)) is Shaped and (capture is None or tensor.id < capture.began):
        raise refusals.finished_capture(tensor)


def touch(*tensors: Tensor) -> None:
    """Stamp the memory of `tensors` as just written to: for those who write into it themselves, as optimisers do."""
    with lock:  # `latest` must never go back
        Storage.latest = stamp = next_id()
        for tensor in tensors:
            (tensor._storage or storage_of(tensor)).stamp = stamp


def rebase(tensor: Tensor, memory: Array) -> None:
    """Let the leaf `tensor` live in `memory`, a part of a larger array, and keep its values."""
    if tensor.op is not None or memory.shape != tensor.shape or memory.dtype != tensor.dtype:
        raise refusals.no_home(tensor, memory)
    if tensor._held is not memory:
        np.copyto(memory, array_of(tensor))
        tensor._held = memory
        note_change()
        touch(tensor)


def note_change() -> None:
    """Let the clock of changes go on; to a number that no other thread gives it at the same time."""
    Storage.changes = next_id()


def storage_of(tensor: Tensor) -> Storage:
    """The stamp that `tensor` shares with everything that looks into its memory."""
    if tensor._storage is None:
        with lock:  # two threads that look at it for the first time must agree
            tensor._storage = tensor._storage or Storage()
    return tensor._storage
