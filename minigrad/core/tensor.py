"""Tensor: one node of the graph. It holds one array, and how that array came to be.

Ops make Tensors (op.py), `grad` walks them (autodiff.py). Nothing here knows an op by itself: operators and methods
find theirs in the registry.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn, Union

import numpy as np

from minigrad.core.errors import CaptureError, GraphError
from minigrad.core.modes import Origin, Place, caller_line, current_mode

if TYPE_CHECKING:
    from minigrad.core.op import Function, Op

Array = np.ndarray[Any, np.dtype[Any]]
Operand = Union["Tensor", Array, np.generic, float, list[Any], tuple[Any, ...]]

registry: dict[str, Function] = {}
by_numpy: dict[Callable[..., Any], Callable[..., Any]] = {}  # the NumPy function *object* → the op that stands for it

_ids = itertools.count(1)
next_id = _ids.__next__


class Shaped(NamedTuple):
    """What a captured Tensor holds in place of values."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        return int(np.prod(self.shape, dtype=object))


class Storage:
    """When the memory that several Tensors look into was last written to; 0 for never."""

    __slots__ = ("stamp",)
    latest = 0  # the youngest stamp of all: backward compares it first, and is nearly always done

    def __init__(self) -> None:
        self.stamp = 0


class Tensor:
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
        "__weakref__", "_data", "_grad", "_storage",
        "id", "inputs", "line", "name", "op", "params", "place", "requires_grad", "role", "trail",
    )  # fmt: skip

    id: int
    op: Op | None
    inputs: tuple[Any, ...]
    params: Mapping[str, Any]
    requires_grad: bool
    name: str | None
    place: Place
    line: str | None
    role: str | None
    trail: list[Any] | None
    _data: Array | Shaped
    _grad: Any
    _storage: Storage | None

    def __init__(self, data: Operand, dtype: Any = None, requires_grad: bool = False, name: str | None = None) -> None:
        mode = current_mode()
        if mode.capture is not None and isinstance(data, np.ndarray):
            raise CaptureError(
                f"a NumPy array {data.dtype}{data.shape} enters while a function is being captured, and would be "
                "fixed in it for ever: pass it as an argument, keep it in a module, or say minigrad.constant(array)"
            )
        array = real_array(data.numpy() if isinstance(data, Tensor) else data, dtype, copy=True)
        if requires_grad and array.dtype.kind != "f":
            raise TypeError(
                f"Tensor {name or ''}: {array.dtype} values cannot require a gradient; "
                "pass dtype=numpy.float64 (or float32)"
            )
        _fill(self, array, None, (), {}, requires_grad, mode.place)
        self.name = name
        if mode.lines:
            self.line = caller_line()

    # --- what it is -------------------------------------------------------------------------------------------------

    @property
    def shape(self) -> tuple[int, ...]:
        return self._data.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        return self._data.dtype

    @property
    def ndim(self) -> int:
        return self._data.ndim

    @property
    def size(self) -> int:
        return self._data.size

    @property
    def scope(self) -> str:
        return self.place.scope

    @property
    def origin(self) -> Origin | None:
        return self.place.origin

    @property
    def T(self) -> Tensor:  # noqa: N802 (NumPy's name)
        return registry["transpose"](self)

    def __repr__(self) -> str:
        named = f", name={self.name!r}" if self.name else ""
        made = f", op={self.op.name}" if self.op else ", requires_grad=True" if self.requires_grad else ""
        if isinstance(self._data, Shaped):
            return f"Tensor(shape={self.shape}, dtype={self.dtype}{made}{named})"
        values = np.array2string(self._data, separator=", ", prefix="Tensor(")
        return f"Tensor({values}, shape={self.shape}, dtype={self.dtype}{made}{named})"

    # --- values: every reading passes through `_values` ---------------------------------------------------------------

    def _values(self) -> Array:
        if isinstance(self._data, Shaped) or current_mode().capture is not None:
            raise CaptureError(
                f"the value of {describe(self)} is read at {caller_line()} while a function is being captured; its "
                "values are not known then. Use where(), minimum() or another op, return it, or read it outside"
            )
        return self._data

    @property
    def data(self) -> Array:
        """A read-only view; `t.data -= step` and `t.data = array` write into the same memory through `assign`."""
        view = self._values().view(ReadOnly)
        view.flags.writeable = False
        return view

    @data.setter
    def data(self, value: Operand) -> None:
        assign(self, value)

    def numpy(self) -> Array:
        """A copy as a plain array."""
        return self._values().copy()

    def item(self) -> Any:
        return self._values().item()

    def tolist(self) -> Any:
        return self._values().tolist()

    def detach(self) -> Tensor:
        """The same values without history; it shares memory, and later writes to either are noticed."""
        return registry["stop_gradient"](self)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        if self.requires_grad:
            raise TypeError(
                f"{describe(self)} requires a gradient, which a NumPy array would lose: "
                "use .numpy() for its values, or a minigrad function to keep the graph"
            )
        return np.array(self._values(), dtype=dtype)

    def __float__(self) -> float:
        return float(self._one())

    def __int__(self) -> int:
        return int(self._one())

    def __index__(self) -> int:
        return self._one().__index__()  # type: ignore[no-any-return]  # an integer scalar's own answer

    def __bool__(self) -> bool:
        return bool(self._values())

    def _one(self) -> Any:
        if self.size != 1:
            raise TypeError(f"{describe(self)} has {self.size} elements, not one")
        return self._values().reshape(())[()]

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if spec and self.size == 1 else format(repr(self), spec)

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("a 0-d Tensor has no length")
        return self.shape[0]

    def __iter__(self) -> Iterator[Tensor]:
        return (self[i] for i in range(len(self)))

    def __copy__(self) -> Tensor:
        return self.__deepcopy__({})

    def __deepcopy__(self, memo: dict[int, Any]) -> Tensor:
        """An independent leaf: the values, the name and `requires_grad`, without the graph behind it."""
        memo[id(self)] = copy = Tensor(self.numpy(), requires_grad=self.requires_grad, name=self.name)
        return copy

    def __reduce__(self) -> tuple[Any, ...]:
        return Tensor, (self.numpy(), None, self.requires_grad, self.name)

    # --- gradients ----------------------------------------------------------------------------------------------------

    @property
    def grad(self) -> Any:
        """The gradient left by `backward()`: an array of its own (a Tensor while a function is captured), or None."""
        capture = current_mode().capture
        return self._grad if capture is None else capture.gradient_of(self)

    @grad.setter
    def grad(self, value: Operand | None) -> None:
        if value is not None and shape_of(value) != self.shape:
            raise ValueError(f"the gradient of {describe(self)} cannot have shape {shape_of(value)}")
        capture = current_mode().capture
        if capture is not None:
            capture.gradients[self] = value
        else:
            self._grad = None if value is None else real_array(value, self.dtype, copy=True)

    def backward(self, cotangent: Operand | None = None, keep: bool = False) -> None:
        """Add the gradient of this tensor into `.grad` of every leaf it depends on; see `autodiff.backward`."""
        from minigrad.core.autodiff import backward

        backward(self, cotangent, keep)

    def graph(self, gradients: bool = False) -> Any:
        """The `Graph` that led here; with `gradients`, also the graph of the gradients of its parameters."""
        from minigrad.graph import graph_of

        return graph_of(self, gradients)

    # --- operators: each is an op of the registry ---------------------------------------------------------------------

    if TYPE_CHECKING:  # every registered function is a method

        def __getattr__(self, name: str) -> Callable[..., Tensor]: ...

    def __add__(self, other: Operand) -> Tensor:
        return registry["add"](self, other)

    def __radd__(self, other: Operand) -> Tensor:
        return registry["add"](other, self)

    def __sub__(self, other: Operand) -> Tensor:
        return registry["subtract"](self, other)

    def __rsub__(self, other: Operand) -> Tensor:
        return registry["subtract"](other, self)

    def __mul__(self, other: Operand) -> Tensor:
        return registry["multiply"](self, other)

    def __rmul__(self, other: Operand) -> Tensor:
        return registry["multiply"](other, self)

    def __truediv__(self, other: Operand) -> Tensor:
        return registry["divide"](self, other)

    def __rtruediv__(self, other: Operand) -> Tensor:
        return registry["divide"](other, self)

    def __matmul__(self, other: Operand) -> Tensor:
        return registry["matmul"](self, other)

    def __rmatmul__(self, other: Operand) -> Tensor:
        return registry["matmul"](other, self)

    def __pow__(self, other: Operand) -> Tensor:
        return registry["power"](self, other)

    def __rpow__(self, other: Operand) -> Tensor:
        return registry["power"](other, self)

    def __neg__(self) -> Tensor:
        return registry["negative"](self)

    def __abs__(self) -> Tensor:
        return registry["absolute"](self)

    def __invert__(self) -> Tensor:
        return registry["logical_not"](self)

    def __and__(self, other: Operand) -> Tensor:
        return registry["logical_and"](self, other)

    def __or__(self, other: Operand) -> Tensor:
        return registry["logical_or"](self, other)

    def __lt__(self, other: Operand) -> Tensor:
        return registry["less"](self, other)

    def __le__(self, other: Operand) -> Tensor:
        return registry["less_equal"](self, other)

    def __gt__(self, other: Operand) -> Tensor:
        return registry["greater"](self, other)

    def __ge__(self, other: Operand) -> Tensor:
        return registry["greater_equal"](self, other)

    def __eq__(self, other: Operand) -> Tensor:  # type: ignore[override]  # elementwise, as in NumPy
        return registry["equal"](self, other)

    def __ne__(self, other: Operand) -> Tensor:  # type: ignore[override]  # elementwise, as in NumPy
        return registry["not_equal"](self, other)

    __hash__ = object.__hash__

    def __getitem__(self, index: Any) -> Tensor:
        return registry["index"](self, index)

    def __setitem__(self, index: Any, value: Any) -> NoReturn:
        raise GraphError(
            f"{describe(self)} cannot be written to by item, which would falsify its graph: "
            "y = minigrad.set_at(x, index, value) makes a new tensor, minigrad.assign(x, value) rewrites a leaf"
        )

    def __iadd__(self, other: Operand) -> Tensor:
        return self._not_a_trained_leaf("+=") + other

    def __isub__(self, other: Operand) -> Tensor:
        return self._not_a_trained_leaf("-=") - other

    def __imul__(self, other: Operand) -> Tensor:
        return self._not_a_trained_leaf("*=") * other

    def __itruediv__(self, other: Operand) -> Tensor:
        return self._not_a_trained_leaf("/=") / other

    def _not_a_trained_leaf(self, operator: str) -> Tensor:
        if self.op is None and self.requires_grad:
            raise GraphError(
                f"`{operator}` on {describe(self)}, a leaf that requires a gradient, would only rebind the Python name "
                f"and train nothing: write `p.data {operator} …`, or use minigrad.optim"
            )
        return self

    # --- NumPy's functions on Tensors ---------------------------------------------------------------------------------

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Tensor:
        if method != "__call__" or ufunc not in by_numpy:
            _refuse(ufunc.__name__ if method == "__call__" else f"{ufunc.__name__}.{method}")
        result: Tensor = by_numpy[ufunc](*inputs, **kwargs)
        return result

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if function not in by_numpy:
            _refuse(function.__name__)
        return by_numpy[function](*args, **kwargs)


def _refuse(name: str) -> NoReturn:
    known = ", ".join(sorted({function.__name__ for function in by_numpy}))
    raise TypeError(f"numpy.{name} is not supported on minigrad Tensors; supported: {known}. Or use x.numpy()")


class ReadOnly(np.ndarray[Any, np.dtype[Any]]):
    """The view that `Tensor.data` gives. In-place operators make a new array, for the setter to copy in."""

    def __setitem__(self, index: Any, value: Any) -> None:
        if not self.flags.writeable:
            raise GraphError("`t.data` is read-only: write `t.data = array`, or minigrad.assign(t, array)")
        super().__setitem__(index, value)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if any(isinstance(out, ReadOnly) and not out.flags.writeable for out in kwargs.get("out", ())):
            raise GraphError("`t.data` is read-only: out= cannot write to it; minigrad.assign(t, array) can")
        inputs = tuple(np.asarray(x) if isinstance(x, ReadOnly) else x for x in inputs)
        return getattr(ufunc, method)(*inputs, **kwargs)


def _out_of_place(ufunc: Any) -> Callable[[Any, Any], Any]:
    return lambda self, other: ufunc(np.asarray(self), other)


for _name, _ufunc in {
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "truediv": np.divide, "pow": np.power,
    "matmul": np.matmul, "floordiv": np.floor_divide, "mod": np.remainder,
}.items():  # fmt: skip
    setattr(ReadOnly, f"__i{_name}__", _out_of_place(_ufunc))


def _fill(
    tensor: Tensor, data: Array | Shaped, op: Op | None, inputs: tuple[Any, ...], params: Mapping[str, Any],
    requires_grad: bool, place: Place,
) -> Tensor:  # fmt: skip
    tensor.id = next_id()
    tensor._data = data
    tensor.op = op
    tensor.inputs = inputs
    tensor.params = params
    tensor.requires_grad = requires_grad
    tensor.place = place
    tensor.name = tensor.line = tensor.role = tensor.trail = tensor._grad = tensor._storage = None
    return tensor


def new_tensor(
    data: Array | Shaped, op: Op | None = None, inputs: tuple[Any, ...] = (), params: Mapping[str, Any] | None = None,
    requires_grad: bool = False, place: Place | None = None, role: str | None = None, name: str | None = None,
) -> Tensor:  # fmt: skip
    """A Tensor around `data` itself, unchecked: for the engine."""
    place = place or current_mode().place
    tensor = _fill(object.__new__(Tensor), data, op, inputs, params or {}, requires_grad, place)
    tensor.role, tensor.name = role, name
    return tensor


def real_array(data: Any, dtype: Any = None, copy: bool | None = None) -> Array:
    """`data` as an array of booleans, integers or floats; TypeError for anything else."""
    try:
        array = np.array(data, dtype=dtype, copy=copy)
    except ValueError as error:
        raise TypeError(f"not an array of numbers: {error}") from None
    if array.dtype.kind not in "biuf":
        raise TypeError(f"expected booleans, integers or floats, got dtype {array.dtype}")
    return array.view(np.ndarray)


def shape_of(value: Any) -> tuple[int, ...]:
    """The shape of a Tensor, array, number or nested list."""
    return value.shape if isinstance(value, Tensor) else np.shape(value)


def constant(data: Operand, name: str | None = None) -> Tensor:
    """A fixed tensor, copied from `data`; the way for an array made inside a captured function to stay in it.

    >>> constant([1.0, 2.0]) * 2.0
    Tensor([2., 4.], shape=(2,), dtype=float64)
    """
    array = real_array(data.numpy() if isinstance(data, Tensor) else data, copy=True)
    return new_tensor(array, role="constant", name=name)


def read(tensor: Tensor) -> Any:
    """The current value of a piece of state: its array, or under capture the Tensor that stands for it."""
    capture = current_mode().capture
    return tensor._values() if capture is None else capture.value_of(tensor)


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
    if tensor.op is not None:
        raise GraphError(f"{describe(tensor)} is the result of {tensor.op.name}; only leaves can be assigned")
    if shape_of(value) != tensor.shape:
        raise ValueError(f"assign: {describe(tensor)} cannot take values of shape {shape_of(value)}")
    capture = current_mode().capture
    if capture is not None:
        capture.assign(tensor, value)
        return
    values = real_array(value._values() if isinstance(value, Tensor) else value)
    np.copyto(tensor._values(), values, casting="same_kind")
    touch(tensor)


def touch(tensor: Tensor) -> None:
    """Stamp the memory of `tensor` as just written to: for those who write into it themselves, as optimisers do."""
    storage_of(tensor).stamp = Storage.latest = next_id()


def rebase(tensor: Tensor, memory: Array) -> None:
    """Let the leaf `tensor` live in `memory`, a part of a larger array, and keep its values."""
    if tensor.op is not None or memory.shape != tensor.shape or memory.dtype != tensor.dtype:
        raise GraphError(f"{describe(tensor)} cannot live in {memory.dtype} memory of shape {memory.shape}")
    np.copyto(memory, tensor._values())
    tensor._data = memory
    touch(tensor)


def storage_of(tensor: Tensor) -> Storage:
    """The stamp that `tensor` shares with everything that looks into its memory."""
    if tensor._storage is None:
        tensor._storage = Storage()
    return tensor._storage


def describe(tensor: Tensor) -> str:
    """`float32 (2, 3) 'weight' made by matmul`, for messages."""
    name = f" {tensor.name!r}" if tensor.name else ""
    made = f" made by {tensor.op.name}" if tensor.op else ""
    line = f" at {tensor.line}" if tensor.line else ""
    return f"{tensor.dtype} {tensor.shape}{name}{made}{line}"
