"""Watched: what modules and optimisers do when an attribute is set.

The clock that compiled programs look at moves; and what would be set at the first of many calls alone, while a function
is captured, is refused.
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np

from minigrad.core.arrays import shape_of
from minigrad.core.errors import CaptureError, GraphError
from minigrad.core.modes import current_mode
from minigrad.core.storage import assign, note_change
from minigrad.core.tensor import Tensor
from minigrad.wording.instructive import Instructive
from minigrad.wording.messages import describe
from minigrad.wording.source import caller_line

_HELD = (Tensor, Instructive)


class Watched(Instructive, habits="Module"):
    """Base of modules and optimisers. Names that begin with `_` are their own affair, unless they hold Tensors."""

    _made_in: Any = None  # the capture in which it was made, if any

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        if (args or kwargs) and cls.__init__ is object.__init__:  # as Python says where there is no `__new__`
            raise TypeError(f"{cls.__name__}() takes no arguments")
        instance = object.__new__(cls)
        capture = current_mode().capture
        if capture is not None:
            object.__setattr__(instance, "_made_in", capture.began)
        return instance

    def __setattr__(self, name: str, value: Any) -> None:
        before = self.__dict__.get(name)
        if name[:1] == "_" and not isinstance(value, _HELD) and not isinstance(before, _HELD):
            object.__setattr__(self, name, value)
            return
        if not isinstance(getattr(type(self), name, None), property):
            self._refuse_in_capture(name, value)
        object.__setattr__(self, name, value)
        if vars(self).get(name) is not before:
            note_change()

    def __delattr__(self, name: str) -> None:
        self._refuse_in_capture(name, ...)
        object.__delattr__(self, name)
        note_change()

    def _refuse_in_capture(self, name: str, value: Any) -> None:
        """Raise where a captured function sets an attribute, which would happen once and not at each call."""
        capture = current_mode().capture
        if capture is None or name[:1] == "_" or self._made_in == capture.began:
            return
        before = vars(self).get(name)
        if value is before and name in vars(self):
            return
        what = f"{type(self).__name__}.{name} is set at {caller_line()} while a function is captured, "
        if isinstance(value, Tensor):
            raise CaptureError(
                f"{what}and would hold a Tensor of the capture: return it, or make a buffer in __init__, self.{name} = "
                f"minigrad.Tensor(…), and write minigrad.assign(self.{name}, value)"
            )
        raise CaptureError(
            f"{what}which happens once and not at each call: set it outside, or make it a Tensor in __init__ and write "
            f"minigrad.assign(self.{name}, value)"
        )


def assign_buffer(module: Any, name: str, before: Tensor, value: Any) -> bool:
    """Whether `value`, a result, was written into the buffer that the attribute holds, which stays the buffer.

    Raises:
        GraphError: a result that requires a gradient, or anything that would end a parameter.
        ValueError, TypeError: a result of another shape, or of another kind of numbers.
    """
    is_state = before.op is None and before.role is None
    is_result = isinstance(value, (np.ndarray, np.generic, bool, int, float)) or (
        isinstance(value, Tensor) and (value.op is not None or value.role is not None)
    )
    if not is_state or not is_result:
        return False
    what, attribute = f"{type(module).__name__}.{name}", f"module.{name}"
    wants_gradient = isinstance(value, Tensor) and value._requires_grad
    if before.requires_grad:
        if wants_gradient or current_mode().capture is not None:
            return False
        raise GraphError(
            f"{what} is a parameter, and {describe(value)} in its place would not be trained: write into it with "
            f"minigrad.assign({attribute}, value), or make a leaf with Tensor(value, requires_grad=True)"
        )
    if wants_gradient:
        raise GraphError(
            f"{what} is a buffer, and {describe(value)} requires a gradient: take its .detach(), or compute it under "
            "minigrad.no_grad()"
        )
    dtype = value.dtype if isinstance(value, (np.ndarray, Tensor)) else np.min_scalar_type(value)
    if shape_of(value) != before.shape:
        raise ValueError(
            f"{what} is a buffer of shape {before.shape}, which cannot take {describe(value)}: another buffer in its "
            "place is made with Tensor(value)"
        )
    if not np.can_cast(dtype, before.dtype, "same_kind"):
        raise TypeError(
            f"{what} is a buffer of {before.dtype}, which cannot take {describe(value)}: convert it with "
            f".astype({before.dtype}), or make another buffer with Tensor(value)"
        )
    assign(before, value)
    return True
