"""Tensor: one node of the graph. It holds one array, and how that array came to be.

Ops make Tensors (op.py), `grad` walks them (autodiff.py). Nothing here knows an op by itself: operators find theirs in
the registry, and methods are given to the class where ops are declared.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NoReturn, Union

import numpy as np

from minigrad.core.arrays import Array, Shaped, read_only, real_array, shape_of
from minigrad.core.errors import refusals
from minigrad.core.modes import Origin, Place, current_mode
from minigrad.core.record import by_numpy, registry
from minigrad.core.storage import CUT, array_of, assign, check_alive, check_differentiable, next_id, note_change
from minigrad.core.structure import leaves

if TYPE_CHECKING:  # ops as methods: at run time `minigrad/ops/methods.py` gives them to the class
    from minigrad.core.methods import Methods
    from minigrad.core.op import Op
    from minigrad.core.storage import Storage
    from minigrad.graph import Graph
else:
    Methods = object

Operand = Union["Tensor", Array, np.generic, float, list[Any], tuple[Any, ...]]


def _operator(name: str) -> Callable[..., Tensor]:
    return lambda *operands: registry[name](*operands)


def _reflected(name: str) -> Callable[[Tensor, Operand], Tensor]:
    return lambda self, other: registry[name](other, self)


def _in_place(name: str, symbol: str) -> Callable[[Tensor, Operand], Tensor]:
    def operator(self: Tensor, other: Operand) -> Tensor:
        if self.op is None and self.requires_grad:
            raise refusals.rebinding(self, symbol)
        return registry[name](self, other)

    return operator


class Tensor(Methods):
    """An array that remembers how it was made.

    Args:
        data: array, list or number of real type; it is copied. A list of floats becomes float64, as in NumPy.
        dtype: NumPy dtype to convert to.
        requires_grad: whether gradients are wanted; floating-point types only.
        name: shown in listings, pictures and messages.

    Raises:
        TypeError: data that is not real numbers, or `requires_grad` for integers or booleans.

    >>> x = Tensor([1.0, 2.0], requires_grad=True, name="x")
    >>> y = (x * x).sum()
    >>> y.backward()
    >>> x.grad
    array([2., 4.])
    """

    __slots__ = (
        "__weakref__", "_grad", "_held", "_name", "_requires_grad", "_storage",
        "id", "inputs", "line", "op", "params", "place", "role", "trail",
    )  # fmt: skip

    def __init_subclass__(cls) -> None:
        raise refusals.subclass(cls.__name__)

    def __init__(self, data: Operand, dtype: Any = None, requires_grad: bool = False, name: str | None = None) -> None:
        refuse_under_capture(data, "Tensor")
        if isinstance(data, Tensor) and current_mode().capture is not None:
            raise refusals.leaf_is_made(data)
        array = real_array(array_of(data) if isinstance(data, Tensor) else data, dtype, copy=True)
        check_differentiable(requires_grad, array.dtype)
        mode = current_mode()
        self._fill(array, None, (), {}, requires_grad, mode.place, None)
        self.name = name
        if mode.watch is not None:
            mode.watch.node(self, None, ())

    def _fill(
        self, data: Array | Shaped, op: Op | None, inputs: tuple[Any, ...], params: Mapping[str, Any],
        requires_grad: int, place: Place, role: str | None,
    ) -> None:  # fmt: skip
        self.id = next_id()
        self._held = data
        self.op = op
        self.inputs = inputs
        self.params = params
        self._requires_grad = requires_grad
        self.place = place
        self.role = role
        self._name: str | None = None
        self.line: str | None = None
        self.trail: list[Any] | None = None
        self._grad: Any = None
        self._storage: Storage | None = None

    # --- what it is ---------------------------------------------------------------------------------------------------

    @property
    def shape(self) -> tuple[int, ...]:
        return self._held.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        return self._held.dtype

    @property
    def ndim(self) -> int:
        return len(self._held.shape)

    @property
    def size(self) -> int:
        return math.prod(self._held.shape)

    @property
    def scope(self) -> str:
        return self.place.scope

    @property
    def origin(self) -> Origin | None:
        return self.place.origin

    @property
    def name(self) -> str | None:
        return self._name

    @name.setter
    def name(self, value: str | None) -> None:
        if not (value is None or isinstance(value, str)):
            raise TypeError(f"a name is a text or None, got {value!r}")
        self._name = value

    @property
    def requires_grad(self) -> bool:
        """Whether gradients are wanted; it may be set for leaves, which freezes a parameter or thaws it.

        Raises:
            GraphError: it is set for a result, whose graph would be cut in silence, or made longer.
            TypeError: integers or booleans that should require a gradient.
        """
        return self._requires_grad is True

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        if bool(value) is not self.requires_grad:
            if self.op is not None or self._requires_grad == CUT:
                raise refusals.fixed_by_graph(self)
            check_differentiable(bool(value), self.dtype)
            capture = current_mode().capture
            if capture is not None:
                capture.use(self)
            self._requires_grad = bool(value)
            note_change()  # compiled functions look at it again

    def __repr__(self) -> str:
        values = "" if isinstance(self._held, Shaped) else np.array2string(self._held, separator=", ", prefix="Tensor(")
        leaf = "requires_grad=True" if self.requires_grad and not self.op else ""
        op, name = self.op and f"op={self.op.name}", self.name and f"name={self.name!r}"
        facts = (values, f"shape={self.shape}", f"dtype={self.dtype}", op, leaf, name)
        return f"Tensor({', '.join(fact for fact in facts if fact)})"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        from minigrad.drawing.notebook import show_tensor

        return show_tensor(self)

    # --- values: every reading passes through `array_of` --------------------------------------------------------------

    @property
    def data(self) -> Any:
        """A read-only view; `t.data -= step` and `t.data = array` write into the same memory through `assign`.

        While a function is captured it is a Tensor, the value without its gradient.
        """
        return read_only(array_of(self)) if current_mode().capture is None else self.detach()

    @data.setter
    def data(self, value: Operand) -> None:
        assign(self, value)

    def numpy(self) -> Array:
        """A copy as a plain array."""
        return array_of(self).copy()

    def item(self) -> Any:
        values = array_of(self)
        if values.size != 1:
            raise refusals.not_one_element(self)
        return values.item()

    def tolist(self) -> Any:
        return array_of(self).tolist()

    def detach(self) -> Tensor:
        """The same values without history; it shares memory, and later writes to either are noticed."""
        return registry["stop_gradient"](self)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        check_alive(self)
        if self.requires_grad:
            raise refusals.array_without_gradient(self)
        if copy is False:
            raise refusals.array_without_copy(self)
        return np.array(array_of(self), dtype=dtype)

    def __float__(self) -> float:
        return float(self.item())

    def __int__(self) -> int:
        return int(self.item())

    def __index__(self) -> int:
        return int(self.item().__index__())

    def __bool__(self) -> bool:
        return bool(array_of(self))

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if spec and self.size == 1 else format(repr(self), spec)

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("a 0-d Tensor has no length")
        return self.shape[0]

    def __iter__(self) -> Iterator[Tensor]:
        return (self[i] for i in range(len(self)))

    def __reduce__(self) -> tuple[Callable[..., Tensor], tuple[Any, ...]]:
        """An independent leaf: the values and the name, without the graph behind it; a result requires no gradient."""
        if self.op is not None or self.role is not None:  # no parameter or buffer, and neither is the copy
            return constant, (self.numpy(), self.name)
        return Tensor, (self.numpy(), None, self.requires_grad, self.name)

    # --- gradients ----------------------------------------------------------------------------------------------------

    @property
    def grad(self) -> Any:
        """The gradient left by `backward()`: an array of its own (a Tensor while a function is captured), or None."""
        capture = current_mode().capture
        return self._grad if capture is None else capture.gradient_of(self)

    @grad.setter
    def grad(self, value: Operand | None) -> None:
        if value is not None:
            check_alive(value)
            if shape_of(value, "a gradient: ") != self.shape:
                raise refusals.misshapen_gradient(value, self)
        capture = current_mode().capture
        if capture is not None:
            capture.set_gradient(self, value)
        else:
            self._grad = None if value is None else real_array(value, self.dtype, True, "a gradient: ")

    def backward(self, cotangent: Operand | None = None, keep: bool = False) -> None:
        """Add the gradient of this tensor into `.grad` of every leaf it depends on; see `autodiff.backward`."""
        from minigrad.core.autodiff import backward

        backward(self, cotangent, keep)

    def graph(self, gradients: bool = False) -> Graph:
        """The `Graph` that led here; with `gradients`, also the graph of the gradients of its parameters."""
        from minigrad.graph import graph_of

        return graph_of(self, gradients)

    # --- operators: each is an op of the registry ---------------------------------------------------------------------

    if not TYPE_CHECKING:  # pragma: no branch  # to a type checker every attribute would be there

        def __getattr__(self, name: str) -> NoReturn:
            from minigrad.wording.habits import describe_missing

            raise AttributeError(describe_missing("a Tensor", "Tensor", name), name=name, obj=self)

    __add__, __radd__, __iadd__ = _operator("add"), _reflected("add"), _in_place("add", "+")
    __sub__, __rsub__, __isub__ = _operator("subtract"), _reflected("subtract"), _in_place("subtract", "-")
    __mul__, __rmul__, __imul__ = _operator("multiply"), _reflected("multiply"), _in_place("multiply", "*")
    __truediv__, __rtruediv__, __itruediv__ = _operator("divide"), _reflected("divide"), _in_place("divide", "/")
    __matmul__, __rmatmul__, __imatmul__ = _operator("matmul"), _reflected("matmul"), _in_place("matmul", "@")
    __pow__, __rpow__, __ipow__ = _operator("power"), _reflected("power"), _in_place("power", "**")
    __lt__, __le__, __gt__, __ge__ = map(_operator, ("less", "less_equal", "greater", "greater_equal"))
    __eq__, __ne__ = _operator("equal"), _operator("not_equal")  # type: ignore[assignment]  # elementwise, as in NumPy
    __and__, __or__, __xor__ = map(_operator, ("bitwise_and", "bitwise_or", "bitwise_xor"))
    __rand__, __ror__, __rxor__ = map(_reflected, ("bitwise_and", "bitwise_or", "bitwise_xor"))
    __neg__, __pos__, __abs__, __invert__ = map(_operator, ("negative", "positive", "absolute", "invert"))
    __getitem__ = _operator("index")
    __hash__ = object.__hash__

    def __setitem__(self, index: Any, value: Any) -> NoReturn:
        raise refusals.item_assignment(self)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        function = ufunc if method == "__call__" else getattr(ufunc, method)
        return self.__array_function__(function, (), inputs, kwargs)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if kwargs.get("out") is not None or function is np.copyto or getattr(function, "__name__", "") == "at":
            return by_numpy[np.copyto](function, args, kwargs)
        if function in by_numpy:
            return by_numpy[function](*args, **kwargs)
        raise refusals.unsupported_function(function)


NO_PARAMS: Mapping[str, Any] = {}
RESULT: Mapping[str, Any] = {"made_by": None}  # of what is no constant, and not the result of one op
TOP = Place()


def new_tensor(
    data: Array | Shaped, op: Op | None = None, inputs: tuple[Any, ...] = (), params: Mapping[str, Any] = NO_PARAMS,
    requires_grad: int = False, place: Place = TOP, role: str | None = None,
) -> Tensor:  # fmt: skip
    """A Tensor around `data` itself, unchecked: for the engine."""
    tensor = _new(Tensor)
    _fill(tensor, data, op, inputs, params, requires_grad, place, role)
    return tensor


_new, _fill = Tensor.__new__, Tensor._fill


def constant(data: Operand, name: str | None = None) -> Tensor:
    """A fixed tensor, copied from `data`; the way for an array made inside a captured function to stay in it.

    >>> constant([1.0, 2.0]) * 2.0
    Tensor([2., 4.], shape=(2,), dtype=float64)
    """
    array = real_array(array_of(data) if isinstance(data, Tensor) else data, copy=True)
    tensor = new_tensor(array, place=current_mode().place, role="constant")
    tensor.name = name
    return tensor


def array_or_constant(value: Any) -> Any:
    """A list as an array, stacked if it holds Tensors. Under capture, one of plain numbers is part of the source."""
    kinds = {*map(type, leaves(value))}
    array, capture = registry["stack"](value) if Tensor in kinds else real_array(value), current_mode().capture
    return capture.make_constant(array) if capture is not None and kinds <= {int, float, bool} else array


def refuse_under_capture(value: Any, where: str) -> None:
    """An array that enters a captured function by itself would be the same for ever: an error."""
    if isinstance(value, np.ndarray) and current_mode().capture is not None:
        raise refusals.array_enters(value, where)
