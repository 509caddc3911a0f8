"""Module: a part of a network. It holds Tensors and other modules as attributes, and computes with them in `forward`.

Everything else is found by walking the attributes: parameters and their paths, state, names of scopes.
"""

from __future__ import annotations

import copy
import functools
import inspect
import os
import warnings
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextvars import Token
from typing import Any, NamedTuple, Self

import numpy as np

from minigrad.core.arrays import Array
from minigrad.core.modes import Mode, Place, current_mode, reset_mode, set_mode
from minigrad.core.storage import Storage, assign, check_alive, held_by, note_change
from minigrad.core.structure import enter
from minigrad.core.tensor import Tensor
from minigrad.nn.recipe import Recipe
from minigrad.nn.room import current_room
from minigrad.nn.state import check_state
from minigrad.nn.watched import Watched, assign_buffer
from minigrad.wording.misuse import explain_misuse


class Model:
    """A module that was called by no other, as nodes remember it: what tells apart two that share names of scopes."""

    __slots__ = ("title",)

    def __init__(self, title: str) -> None:
        self.title = title


class Held(NamedTuple):
    """Where a module is held: the attributes and keys that lead there, and how they are written."""

    keys: tuple[Any, ...]
    path: str


class Last(NamedTuple):
    """The last call of a module. It is replaced as a whole: another thread may call the module at the same time."""

    before: Mode | None = None  # that of the caller
    inside: Mode = Mode()  # what it became
    reached: Held | None = None  # where the caller holds the module
    looked: int = -1  # what the clock of changes said when it held it by an attribute, of which the clock hears


NEVER = Last()


class Calls:
    """What a module remembers of calls for the next one; it is no part of its state."""

    __slots__ = ("held", "known_as", "last", "model")

    def __init__(self, model: Model) -> None:
        self.model = model  # where it was called first
        self.held: dict[int, Held] | None = None  # where the modules called from here are, by their id
        self.last = NEVER
        self.known_as: tuple[str, Model] | None = None  # the path from who holds it and called last, and in which model


def _put_to_work(method: Callable[..., Any]) -> Callable[..., Any]:
    """A method during which its module is the one at work."""

    @functools.wraps(method)
    def inside(self: Module, *args: Any, **kwargs: Any) -> Any:
        token = self._begin()
        try:
            return method(self, *args, **kwargs)
        finally:
            if token is not None:
                reset_mode(token)

    return inside


class CallSignature:
    """How a module is called: as its `forward`. A class has the signature of its constructor."""

    def __get__(self, module: Module | None, owner: type[Module]) -> inspect.Signature:
        if module is None:
            raise AttributeError("__signature__")
        return inspect.signature(module.forward)


class Module(Watched, habits="Module"):
    """Base of all modules: write `forward`, call the module.

    Tensors with `requires_grad` held as attributes are parameters, other Tensors are buffers; both are part of the
    state. Modules held as attributes are children. Lists, tuples and dictionaries are walked. What an operation
    returned and what `minigrad.constant` made is neither parameter nor buffer. Nodes made by a child carry the name
    under which its parent holds it as scope, such as `blocks/0`; the module that is called first adds none.

    The parent is the module at work: whose `forward`, or other public method, the call came from. One that two parents
    hold has the scope of the one that called it; one that a parent holds twice, or further below, is called by the
    first path that leads to it; one that the caller does not hold adds none. Called from outside, a part keeps the
    name that it had in the whole. Where several models in one graph would
    share a scope or a name, the class of each stands before it: `Generator/layers/0`, and `Net 2/layers/0` for the
    second `Net`.

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

    __signature__ = CallSignature()
    _training: bool = True
    _calls: Calls | None = None
    _recipe: Recipe

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        module = super().__new__(cls, *args, **kwargs)
        object.__setattr__(module, "_recipe", Recipe(cls, args, kwargs))
        return module

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if vars(cls).get("__slots__"):
            raise TypeError(f"{cls.__name__}: a module has no __slots__: parameters are found among its attributes")
        for name, method in list(vars(cls).items()):
            public = name == "__call__" or not name.startswith("_")
            if public and name != "forward" and inspect.isfunction(method) and not inspect.isgeneratorfunction(method):
                type.__setattr__(cls, name, _put_to_work(method))

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What the module computes; to be written by every module."""
        raise TypeError(f"{type(self).__name__} has no forward method: write `def forward(self, x): …` in its class")

    def __call__(self, *args: Any, **kwargs: Any) -> Tensor:
        """What `forward` returns; the annotation is that of most modules."""
        token = self._begin()
        try:
            result: Tensor = self.forward(*args, **kwargs)
            return result
        except TypeError:
            from minigrad.wording.calls import check_call

            check_call(type(self).__name__, self.forward, args, kwargs)
            raise
        finally:
            if token is not None:
                reset_mode(token)

    def _begin(self) -> Token[Mode] | None:
        """Make this the module at work, in the scope by which the one that was until now holds it."""
        mode, calls, changes = current_mode(), self._calls, Storage.changes
        before, inside, reached, looked = NEVER if calls is None else calls.last
        if before is mode and looked == changes:
            return set_mode(inside)
        caller: Module | None = None if mode.module is None else mode.module[0]()
        if caller is self:
            return None
        known = before is mode or before == mode
        if calls is not None and known and (caller is None or caller._still_holds(self, reached)):
            if caller is None or (reached is not None and len(reached.keys) == 1):
                calls.last = Last(mode, inside, reached, changes)
            return set_mode(inside)
        return set_mode(self._make_mode_inside(mode, caller))

    def _make_mode_inside(self, mode: Mode, caller: Module | None) -> Mode:
        """The mode while this module is at work; kept for the next call, unless it would keep a graph alive."""
        if mode.capture is not None:
            mode.capture.use(self)
        calls, place = self._get_calls(), mode.place
        held = None if caller is None else caller._recall_child(self) or caller._find_child(self)
        model = calls.model
        if held is not None:
            model, calls.known_as = mode.module[1], (held.path, mode.module[1])
        if held is not None or caller is None:
            path, model = calls.known_as or ("", model)
            scope, origin, _ = place.inside(path)
            place = Place(scope, origin, model)
        if calls.held is None:  # the first call: what is held here has a name from now on, also outside
            calls.held = {}
            for keys, member in _members(self):
                if isinstance(member, Module) and member._calls is None:
                    member._get_calls().known_as = "/".join(map(str, keys)), model
        inside = mode._replace(place=place, module=(weakref.ref(self), model))
        if mode.capture is None and place.origin is None:
            calls.last = Last(mode, inside, held)
        return inside

    def _get_calls(self) -> Calls:
        if self._calls is None:
            object.__setattr__(self, "_calls", Calls(Model(type(self).__name__)))
        assert self._calls is not None
        return self._calls

    def __setattr__(self, name: str, value: Any) -> None:
        before = vars(self).get(name)
        if not isinstance(before, Tensor) or value is before or not assign_buffer(self, name, before, value):
            super().__setattr__(name, value)

    def _recall_child(self, child: Module) -> Held | None:
        """Where `child` was when it was called from here before; None if it is there no more."""
        held = None if self._calls is None or self._calls.held is None else self._calls.held.get(id(child))
        return held if held is not None and self._still_holds(child, held) else None

    def _still_holds(self, child: Module, held: Held | None) -> bool:
        """Whether `child` is where it was; nowhere, if that is where it was."""
        if held is None:
            return self._recall_child(child) is None
        try:
            member: Any = self.__dict__[held.keys[0]]
            for key in held.keys[1:]:
                member = member.__dict__[key] if isinstance(member, Module) else member[key]
        except (IndexError, KeyError, TypeError):
            return False
        return member is child

    def _find_child(self, child: Module) -> Held | None:
        """Where this module holds `child`, itself or below, on the shortest way; None if it does not."""
        held: dict[int, Held] = {}
        waiting: deque[tuple[Module, tuple[Any, ...]]] = deque([(self, ())])
        while waiting and id(child) not in held:
            module, above = waiting.popleft()
            for keys, member in _members(module):
                if isinstance(member, Module) and id(member) not in held:
                    held[id(member)] = Held(above + keys, "/".join(map(str, above + keys)))
                    waiting.append((member, above + keys))
        self._get_calls().held = held
        return held.get(id(child))

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "_calls"}

    @property
    def training(self) -> bool:
        """Whether the module behaves as in training, as dropout does; a compiled function notices when it changes."""
        capture = current_mode().capture
        if capture is not None:
            capture.use(self, "_training")
        return self._training

    @training.setter
    def training(self, value: bool) -> None:
        object.__setattr__(self, "_training", bool(value))
        note_change()

    # --- what it holds ------------------------------------------------------------------------------------------------

    def parameters(self) -> list[Tensor]:
        """The Tensors that are trained, in the order of the attributes; one that is held twice comes once."""
        return [parameter for _, parameter in self.named_parameters()]

    def named_parameters(self) -> Iterator[tuple[str, Tensor]]:
        """Parameters by path, such as `blocks.0.attention.query.weight`; one that is held twice by its first path."""
        return ((path, tensor) for path, tensor in self.named_tensors() if tensor.requires_grad)

    def named_tensors(self) -> Iterator[tuple[str, Tensor]]:
        """Parameters and buffers by path."""
        capture = current_mode().capture
        if capture is not None:
            capture.use(self)
        for labels, member in _walk(self):
            if isinstance(member, Tensor):
                check_alive(member)
                if held_by(member) is not None:
                    yield ".".join(labels), member

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

    @classmethod
    def load(cls, path: str | os.PathLike[str], classes: Iterable[type[Module]] = ()) -> Self:
        """The module that `save_checkpoint` wrote, made again as it was made then, with its parameters and buffers.

        Args:
            path: the checkpoint.
            classes: modules of your own that are among its parts. Nothing is imported by a name in a file: what is made
                is of this class, of these, or of `minigrad.nn`.

        Raises:
            CheckpointError: a file that is damaged, says nothing or too little of how the module was made, or says
                something that its arrays do not bear out.
            OSError: see `load_arrays`.

        A generator among the arguments is a new one. What was changed after the module was made, such as its list of
        layers, is not known: then make the module, and call `load_checkpoint(path, module)`.

        >>> import tempfile
        >>> from minigrad.io import save_checkpoint
        >>> from minigrad.nn import Linear
        >>> model = Linear(2, 3, rng=np.random.default_rng(0))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     save_checkpoint(f"{folder}/model.safetensors", model)
        ...     again = Linear.load(f"{folder}/model.safetensors")
        >>> bool((again.weight == model.weight).all())
        True
        """
        from minigrad.io.checkpoint import read_checkpoint
        from minigrad.io.models import make_model

        module: Self = make_model(read_checkpoint(path), cls, classes)
        return module

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
        module = copy.deepcopy(self, converted)  # a memo: where the old Tensor is met, the new one is put
        for part in module.modules():
            part._recipe.dtype = np.dtype(dtype).name
        return module

    def train(self, training: bool = True) -> Self:
        """Switch training behaviour, such as dropout, on (or off) here and below."""
        for module in self.modules():
            module.training = training
        return self

    def eval(self) -> Self:
        """Switch training behaviour off here and below."""
        return self.train(False)

    @explain_misuse
    def zero_grad(self) -> None:
        """Forget the gradients of all parameters."""
        for parameter in self.parameters():
            parameter.grad = None

    def __repr__(self) -> str:
        lines = []
        for labels, kind, count, held in _outline(self):
            title = "  " * len(labels) + "".join(f"{label}: " for label in labels[-1:]) + kind
            lines.append("  ".join([title, f"{count} parameters", *held]))
        return "\n".join(lines)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        from minigrad.drawing.notebook import show_module

        return show_module(self, lambda: [(".".join(labels), *facts) for labels, *facts in _outline(self)])


def new_parameter(values: Any, dtype: Any, name: str) -> Tensor:
    """A parameter of `dtype`, rounded from the float64 `values`: a float32 model is the rounded float64 model."""
    room = current_room()
    if room is not None:
        room.take(name, np.size(values))
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
                stack += reversed([((*labels, ".".join(map(str, keys))), x) for keys, x in _members(member)])


def _outline(root: Module) -> Iterator[tuple[tuple[str, ...], str, str, list[str]]]:
    """Of each module: the labels that lead to it, its class, how many parameters are in it, and its own Tensors."""
    for labels, module in _walk(root):
        if isinstance(module, Module):
            below = [tensor for _, tensor in _walk(module) if isinstance(tensor, Tensor)]
            count = sum(tensor.size for tensor in below if tensor.requires_grad and not tensor.op)
            held = [f"{'.'.join(map(str, keys))} {x.shape}" for keys, x in _members(module) if isinstance(x, Tensor)]
            yield labels, type(module).__name__, f"{count:,}", held


def _members(module: Module) -> Iterator[tuple[tuple[Any, ...], Module | Tensor]]:
    """The modules, parameters and buffers among the attributes, with the keys that lead to them."""
    stack: list[Any] = [((name,), value, ()) for name, value in reversed(vars(module).items())]
    while stack:
        keys, value, around = stack.pop()
        if isinstance(value, Module) or (isinstance(value, Tensor) and _is_member(value)):
            yield keys, value
        elif isinstance(value, (dict, list, tuple)):
            around = enter(value, around)
            items = list(value.items() if isinstance(value, dict) else enumerate(value))
            stack += [((*keys, key), item, around) for key, item in reversed(items)]


def _is_member(tensor: Tensor) -> bool:
    """Whether it is a parameter or a buffer; or was captured, and whoever wants its value must hear of that."""
    return (tensor.op is None and tensor.role is None) or held_by(tensor) is None
