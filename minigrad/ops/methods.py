"""How functions on record are offered: as methods of Tensor, and with a signature that `help` and editors can read.

`x.softmax()` is `softmax(x)`, and `Tensor.softmax` is `softmax` itself.
"""

from __future__ import annotations

import functools
import inspect
from types import MethodType, NoneType
from typing import Any, TypeVar

import numpy as np

from minigrad.core.op import Op
from minigrad.core.record import Function, registry
from minigrad.core.tensor import Tensor, _in_place, _operator, _reflected

F = TypeVar("F", bound=Function)

NO_OPERANDS = ("str", "int", "float", "Sequence")  # what annotations of texts, numbers and lists of arrays begin with


NO_METHODS = {"append"}  # of a list it changes the list, and here it would do nothing
DEVICE = np.empty(0).__dlpack_device__()
OPERATORS = {"mod": ("remainder", "%"), "floordiv": ("floor_divide", "//"), "divmod": ("divmod", "")}


class Method:
    """What a class holds under the name of a function: bound to a Tensor, or of the class the function as it is."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def __get__(self, tensor: Tensor | None, owner: type | None = None) -> Any:
        function = registry.get(self.name)
        if function is None:  # it was taken off the record
            raise AttributeError(f"a Tensor has no attribute {self.name!r}", name=self.name, obj=tensor)
        return function if tensor is None else MethodType(function, tensor)


def offer_function(function: F) -> F:
    """Make the function a method of Tensor, if its first argument is an array; what Tensor has of its own it keeps."""
    held = inspect.getattr_static(Tensor, function.name, None)
    if isinstance(held, (Method, NoneType)):
        if takes_array_first(function) and function.name not in NO_METHODS:
            setattr(Tensor, function.name, Method(function.name))
        elif held is not None:  # one of this name was declared before
            delattr(Tensor, function.name)
    if isinstance(function, Op) and function.arity == function.fewest and not function.defaults:
        vars(function)["__signature__"] = _signature_of(function.arguments)  # a ufunc has another, or none
    return function


@functools.cache
def _signature_of(arguments: tuple[str, ...]) -> inspect.Signature:
    return inspect.Signature([inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD) for name in arguments])


def takes_array_first(function: Function) -> bool:
    """Whether the first argument is an array: of an op they all are, of a composition what no annotation denies.

    >>> takes_array_first(mg.registry["softmax"]), takes_array_first(mg.registry["einsum"])
    (True, False)
    """
    if isinstance(function, Op):
        return bool(function.arguments)
    call = inspect.unwrap(function.call)  # read by hand: `inspect.signature` would make the import wait
    code = getattr(call, "__code__", None)
    if code is None or not code.co_argcount:
        return False
    annotation = call.__annotations__.get(code.co_varnames[0], "")
    return not getattr(annotation, "__name__", str(annotation)).startswith(NO_OPERANDS)


Tensor.T = property(lambda tensor: registry["transpose"](tensor))  # type: ignore[method-assign, assignment]
Tensor.__dlpack__ = lambda tensor, **options: np.array(tensor).__dlpack__(**options)  # type: ignore[attr-defined]
Tensor.__dlpack_device__ = lambda tensor: DEVICE  # type: ignore[attr-defined]  # torch.tensor(x) asks, among others
Function.__get__ = lambda function, tensor, owner=None: function  # type: ignore[attr-defined]  # `help` shows routines
Tensor.real = property(lambda tensor: tensor)  # type: ignore[method-assign, assignment]  # all numbers are real

for _suffix, (_name, _symbol) in OPERATORS.items():
    setattr(Tensor, f"__{_suffix}__", _operator(_name))
    setattr(Tensor, f"__r{_suffix}__", _reflected(_name))
    if _symbol:
        setattr(Tensor, f"__i{_suffix}__", _in_place(_name, _symbol))
