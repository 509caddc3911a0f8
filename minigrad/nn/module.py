"""Module: a part of a network. It holds Tensors and other modules as attributes, and computes with them in `forward`.

Everything else is found by walking the attributes: parameters and their paths, state, names of scopes.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Iterator, Mapping
from typing import Any, Self

import numpy as np

from minigrad.base.arrays import Array
from minigrad.base.instructive import Instructive
from minigrad.base.signature import check_call, checked
from minigrad.core.modes import Mode, current_mode, reset_mode, scope, set_mode
from minigrad.core.state import assign
from minigrad.core.tensor import Tensor
from minigrad.nn.state import check_state


class Module(Instructive, habits="Module"):
    """Base of all modules: write `forward`, call the module.

    Tensors with `requires_grad` held as attributes are parameters, other Tensors are buffers; both are part of the
    state. Modules held as attributes are children. Lists, tuples and dictionaries are walked. What an operation
    returned and what `minigrad.constant` made is neither parameter nor buffer. Nodes made by a child carry the name
    under which its parent holds it as scope, such as `blocks/0`; the module that is called first adds none.

    >>> import minigrad as mg
    >>> class Affine(Module):
    ...     def __init__(self):
    ...         self.gain = mg.Tensor([2.0, 2.0], requires_grad=True, name="gain")
    ...     def forward(self, x):
    ...         return x * self.gain
    >>> class Twice(Module):
    ...     def __init__(self):
    ...         self.layers = [Affine(), Affine()]
    ...     def forward(self, x):
    ...         return self.layers[1](self.layers[0](x))
    >>> model = Twice()
    >>> y = model(mg.Tensor([1.0, 2.0]))
    >>> y.tolist(), y.scope
    ([4.0, 8.0], 'layers/1')
    >>> [path for path, parameter in model.named_parameters()]
    ['layers.0.gain', 'layers.1.gain']
    >>> model
    Twice  4 parameters
      layers.0: Affine  2 parameters  gain (2,)
      layers.1: Affine  2 parameters  gain (2,)
    """

    _training: bool = True
    _scope: str = ""  # given by the parent
    _children_named: bool = False
    _modes: tuple[Mode | None, Mode | None] = (None, None)  # of the last caller, and what it became inside

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What the module computes; to be written by every module."""
        raise TypeError(f"{type(self).__name__} has no forward method: write `def forward(self, x): …` in its class")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if not self._children_named:
            self._name_children()
        token = None
        if self._scope:
            mode = current_mode()
            before, inside = self._modes
            if inside is None or before != mode:
                inside = self._mode_inside(mode)
            token = set_mode(inside)
        try:
            return self.forward(*args, **kwargs)
        except TypeError:
            check_call(type(self).__name__, self.forward, args, kwargs)
            raise
        finally:
            if token is not None:
                reset_mode(token)

    def _mode_inside(self, mode: Mode) -> Mode:
        """The mode with the module's scope; kept for the next call, unless it would keep a graph alive."""
        with scope(self._scope):
            inside = current_mode()
        if mode.capture is None and mode.place.origin is None:
            object.__setattr__(self, "_modes", (mode, inside))
        return inside

    def __setattr__(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)
        if isinstance(value, (Module, list, tuple, dict)):
            self._children_named = False

    def _name_children(self) -> None:
        for keys, member in reversed(list(_members(self))):  # of several names, the first stays
            if isinstance(member, Module):
                member._scope = "/".join(keys)
                object.__setattr__(member, "_modes", (None, None))
        self._children_named = True

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "_modes"}

    @property
    def training(self) -> bool:
        """Whether the module behaves as in training, as dropout does; a compiled function notices when it changes."""
        capture = current_mode().capture
        if capture is not None:
            capture.flags.append((self, self._training))
        return self._training

    @training.setter
    def training(self, value: bool) -> None:
        object.__setattr__(self, "_training", bool(value))

    # --- what it holds ------------------------------------------------------------------------------------------------

    def parameters(self) -> list[Tensor]:
        """The Tensors that are trained, in the order of the attributes; one that is held twice comes once."""
        return [parameter for _, parameter in self.named_parameters()]

    def named_parameters(self) -> Iterator[tuple[str, Tensor]]:
        """Parameters by path, such as `blocks.0.attention.query.weight`; one that is held twice by its first path."""
        return ((path, tensor) for path, tensor in self.named_tensors() if tensor.requires_grad)

    def named_tensors(self) -> Iterator[tuple[str, Tensor]]:
        """Parameters and buffers by path."""
        return ((".".join(labels), member) for labels, member in _walk(self) if isinstance(member, Tensor))

    def modules(self) -> list[Module]:
        """This module and all below it, each once."""
        return [module for _, module in self.named_modules()]

    def named_modules(self) -> Iterator[tuple[str, Module]]:
        """This module, by the path "", and all below it."""
        return ((".".join(labels), member) for labels, member in _walk(self) if isinstance(member, Module))

    # --- state --------------------------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Array]:
        """Copies of all parameters and buffers, by path."""
        return {path: tensor.numpy() for path, tensor in self.named_tensors()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Write `state`, arrays by path, into the parameters and buffers.

        Raises:
            ValueError: keys that are missing or unexpected, arrays of another shape or dtype: all in one message, and
                nothing was changed.
        """
        tensors = dict(self.named_tensors())
        check_state(f"{type(self).__name__}.load_state_dict", tensors, state)
        for path, tensor in tensors.items():
            assign(tensor, state[path])

    def astype(self, dtype: Any) -> Self:
        """A copy whose floating-point parameters and buffers have another dtype; make optimisers from the copy.

        >>> from minigrad.nn import Linear
        >>> Linear(2, 3, rng=np.random.default_rng(0)).astype(np.float64).weight.dtype
        dtype('float64')
        """
        converted = {
            id(tensor): Tensor(tensor, dtype, tensor.requires_grad, tensor.name)
            for _, tensor in self.named_tensors()
            if tensor.dtype.kind == "f"
        }
        return copy.deepcopy(self, converted)  # a memo: where the old Tensor is met, the new one is put

    def train(self, training: bool = True) -> Self:
        """Switch training behaviour, such as dropout, on (or off) here and below."""
        for module in self.modules():
            module.training = training
        return self

    def eval(self) -> Self:
        """Switch training behaviour off here and below."""
        return self.train(False)

    @checked
    def zero_grad(self) -> None:
        """Forget the gradients of all parameters."""
        for parameter in self.parameters():
            parameter.grad = None

    def __repr__(self) -> str:
        lines = []
        for labels, module in _walk(self):
            if isinstance(module, Module):
                title = "  " * len(labels) + "".join(f"{label}: " for label in labels[-1:]) + type(module).__name__
                count = sum(parameter.size for parameter in module.parameters())
                own = [f"{'.'.join(keys)} {x.shape}" for keys, x in _members(module) if isinstance(x, Tensor)]
                lines.append("  ".join([title, f"{count:,} parameters", *own]))
        return "\n".join(lines)


def new_parameter(values: Any, dtype: Any, name: str) -> Tensor:
    """A parameter of `dtype`, rounded from the float64 `values`: a float32 model is the rounded float64 model."""
    return Tensor(np.asarray(values), dtype, requires_grad=True, name=name)


def check_precision(x: Any, parameter: Tensor) -> None:
    """Warn where float64 data makes everything that follows a float32 parameter float64."""
    if parameter.dtype == _SINGLE and getattr(x, "dtype", None) == _DOUBLE:
        warnings.warn(
            "float64 data meets float32 parameters: what follows is computed in float64, several times slower. "
            "Convert the data with x.astype(numpy.float32), or make the module with dtype=numpy.float64",
            stacklevel=1,  # always this line, so that Python shows it once
        )


_SINGLE, _DOUBLE = np.dtype(np.float32), np.dtype(np.float64)


def _walk(root: Module) -> Iterator[tuple[tuple[str, ...], Module | Tensor]]:
    """The root and everything below it, in the order of the attributes, each thing once, with one label per level."""
    seen: set[int] = set()
    stack: list[tuple[tuple[str, ...], Module | Tensor]] = [((), root)]
    while stack:
        labels, member = stack.pop()
        if id(member) not in seen:
            seen.add(id(member))
            yield labels, member
            if isinstance(member, Module):
                stack += reversed([((*labels, ".".join(keys)), inner) for keys, inner in _members(member)])


def _members(module: Module) -> Iterator[tuple[tuple[str, ...], Module | Tensor]]:
    """The modules, parameters and buffers among the attributes, with the keys that lead to them."""
    stack: list[tuple[tuple[str, ...], Any]] = [((name,), value) for name, value in reversed(vars(module).items())]
    while stack:
        keys, value = stack.pop()
        if isinstance(value, Module) or (isinstance(value, Tensor) and value.op is None and value.role is None):
            yield keys, value
        elif isinstance(value, dict):
            stack += [((*keys, str(key)), item) for key, item in reversed(value.items())]
        elif isinstance(value, (list, tuple)):
            stack += [((*keys, str(i)), item) for i, item in reversed(list(enumerate(value)))]
