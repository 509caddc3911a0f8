"""Arrays at the door of the engine: real numbers come in, and only read-only views of them go out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from minigrad.core.errors import refusals
from minigrad.core.structure import leaves

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, slots=True)
class Shaped:
    """What a captured Tensor holds in place of values; to compute with it as with an array is an error."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    __array_ufunc__ = __array_function__ = __array__ = __bool__ = None


class ReadOnly(np.ndarray[Any, np.dtype[Any]]):
    """A read-only array. In-place operators make a new array, for the setter of `t.data` to copy in.

    NumPy's own `ufunc.at` writes into read-only arrays too, so it is refused here, and other kinds of views are copies.
    """

    def view(self, *args: Any, **kwargs: Any) -> Any:
        """A view where it is of this kind, so that it is sealed too; else a copy."""
        result = super().view(*args, **kwargs)
        return result if isinstance(result, ReadOnly) else np.asarray(result.copy().data.toreadonly())

    def copy(self, order: Any = "C") -> Array:  # type: ignore[override]  # a plain array, not one of these
        """A plain array of its own."""
        return np.array(self, order=order)

    def __setitem__(self, index: Any, value: Any) -> None:
        if not self.flags.writeable:
            raise refusals.read_only()
        super().__setitem__(index, value)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        written = kwargs.get("out", inputs[:1] if method == "at" else ())
        if any(isinstance(out, ReadOnly) and not out.flags.writeable for out in written):
            raise refusals.read_only()
        if "out" in kwargs:
            kwargs["out"] = tuple(map(_plain, written))
        return getattr(ufunc, method)(*[_plain(x) for x in inputs], **kwargs)


for _name in ("add", "sub", "mul", "truediv", "pow", "matmul", "floordiv", "mod"):
    setattr(ReadOnly, f"__i{_name}__", getattr(ReadOnly, f"__{_name}__"))


PLAIN = [(kind.__mul__, kind.__array_ufunc__) for kind in (np.ndarray, ReadOnly)]
"""How arrays compute whose numbers are all they mean."""


def _plain(x: Any) -> Any:
    return np.asarray(x) if isinstance(x, ReadOnly) else x


def read_only(array: Array) -> ReadOnly:
    """A read-only view of `array`, which setting its flags cannot make writable again: its base is a sealed buffer."""
    return np.asarray(array.data.toreadonly()).view(ReadOnly)


def means_more(x: Any) -> bool:
    """Whether it is an array that computes in a way of its own: its numbers alone have lost a mask, or a unit."""
    return isinstance(x, np.ndarray) and (type(x).__mul__, type(x).__array_ufunc__) not in PLAIN


def real_array(data: Any, dtype: Any = None, copy: bool | None = None, what: str = "") -> Array:
    """`data` as an array of booleans, integers or floats; TypeError for anything else, after the words `what`."""
    for part in filter(means_more, {type(part): part for part in leaves(data)}.values()):  # one of each type tells
        raise refusals.other_meaning(what, part)
    try:
        array = np.array(data, copy=copy)  # in a type of its own: with another NumPy makes numbers of texts and None
    except ValueError as error:
        raise refusals.no_array(what) from error
    dtype = array.dtype if dtype is None else np.dtype(dtype)
    if {array.dtype.kind, dtype.kind} - {*"biuf"}:
        raise refusals.no_numbers(what, data, array.dtype if array.dtype.kind not in "biuf" else dtype)
    return array.astype(dtype if dtype.isnative else dtype.newbyteorder("="), copy=False)


def is_half(x: Any) -> bool:
    """Whether `x` is an array or a Tensor of float16, in either byte order."""
    return hasattr(x, "dtype") and x.dtype.char == "e"


def has_nan(*arrays: Any) -> bool:
    """Whether there is a NaN: the sum of squares tells, the fastest pass there is. It may warn of an overflow."""
    total = sum([(flat := array.ravel("K")).dot(flat) for array in arrays])
    return bool(total != total)


def owner_of(array: Array) -> Array:
    """The array whose memory `array` looks into."""
    while isinstance(base := getattr(array.base, "obj", array.base), np.ndarray):  # a seal in between has it as `obj`
        array = base
    return array


def shape_of(value: Any, what: str = "") -> tuple[int, ...]:
    """The shape of a Tensor, array, number or nested list, also of Tensors; one that is ragged is refused elsewhere."""
    if isinstance(value, (list, tuple)) and any(hasattr(x, "requires_grad") for x in leaves(value)):
        return (len(value), *shape_of(value[0], what))
    return tuple(value.shape) if hasattr(value, "shape") else real_array(value, what=what).shape
