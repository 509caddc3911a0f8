"""What is in force while code runs: recording, scope, capture, generator. One immutable `Mode` per thread and task.

Everybody reads `current_mode()`; a mode changes only for the length of a `with` block (or of a decorated call).
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from contextvars import ContextVar, Token
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import numpy as np

from minigrad.core.errors import GraphError

if TYPE_CHECKING:
    from minigrad.core.capture import Capture
    from minigrad.core.tensor import Tensor

F = TypeVar("F", bound=Callable[..., Any])


class Origin(NamedTuple):
    """Why a gradient node exists: the forward node it differentiates, the argument's position, the order.

    The node is None in a foreign program, which does not tell.
    """

    node: Tensor | None
    argument: int
    order: int


class Place(NamedTuple):
    """Where a node is made: the scope path, the origin of a gradient node, and what tells models apart."""

    scope: str = ""
    origin: Origin | None = None
    model: Any = None

    def inside(self, name: str) -> Place:
        """The place in a scope below this one; a name of several parts is several scopes, and empty parts are none."""
        if not isinstance(name, str):
            raise TypeError(f"a scope is called by a text, got {name!r}")
        return Place("/".join(filter(None, (self.scope, *name.split("/")))), self.origin, self.model)


class Watch:
    """What looks on while nodes are made and differentiated; this one does nothing."""

    def node(self, tensor: Any, op: Any, inputs: tuple[Any, ...]) -> None:
        """A leaf was made (`op` is None), or the result of an op, recorded or not."""

    def contribution(self, node: Any, position: int, incoming: Any, value: Any) -> None:
        """The rule of `node` for the input at `position` made `value` of the gradient `incoming`."""

    def strong_zero(self, fired: Any) -> None:
        """`strong_multiply` put 0 in place of NaN where the array `fired` is True, if anywhere."""


class Mode(NamedTuple):
    grad: bool = True  # results that depend on something differentiable require a gradient
    record: bool = False  # every operation is recorded, also where nothing requires a gradient
    place: Place = Place()
    capture: Capture | None = None
    expanded: frozenset[str] = frozenset()
    generator: np.random.Generator | None = None
    watch: Watch | None = None
    module: Any = None  # the module at work, weakly, and the model that it belongs to
    strong: bool = False  # products are strong: 0 times what is not finite is 0
    swept: bool = False  # rules compute on arrays of the engine, which need no second look


_mode: ContextVar[Mode] = ContextVar("minigrad mode", default=Mode())  # noqa: B039  # a Mode is immutable
current_mode, set_mode, reset_mode = _mode.get, _mode.set, _mode.reset


class Within:
    """A `with` block, or a decorator, under a changed mode. Leaving blocks out of order is an error."""

    __slots__ = ("_change", "_entered")

    def __init__(self, change: Callable[[Mode], Mode]) -> None:
        self._change = change
        self._entered: list[tuple[Mode, Token[Mode]]] = []

    def __enter__(self) -> None:
        mode = self._change(current_mode())
        self._entered.append((mode, set_mode(mode)))

    def __exit__(self, *exception: object) -> None:
        mode, token = self._entered.pop()
        if current_mode() is not mode:
            raise GraphError("a minigrad `with` block was left out of order: leave the inner block first")
        reset_mode(token)

    def __call__(self, function: F) -> F:
        from minigrad.decorate import decorate  # only where functions are decorated

        return decorate(functools.partial(Within, self._change), function)  # a fresh one per call, for nesting


def within(**changes: Any) -> Within:
    """Under the mode in force with some fields changed."""
    return Within(lambda mode: mode._replace(**changes))


def scope(name: str) -> Within:
    """Nodes made inside belong to the scope `name`, below the scope in force; listings and pictures show it.

    >>> import minigrad as mg
    >>> with mg.scope("attention"):
    ...     y = mg.Tensor([1.0, 2.0], requires_grad=True) * 2.0
    >>> y.scope
    'attention'
    """
    Place().inside(name)  # refused here already, what is no name
    return Within(lambda mode: mode._replace(place=mode.place.inside(name)))


def expanded(*names: str) -> Within:
    """Composite ops named here run as their definition, so that the graph shows its inside.

    >>> import minigrad as mg
    >>> with mg.expanded("softmax"):
    ...     y = mg.softmax(mg.Tensor([1.0, 2.0], requires_grad=True))
    >>> y.op.name
    'divide'
    """
    return Within(lambda mode: mode._replace(expanded=mode.expanded.union(names)))


def no_grad() -> Within:
    """Nothing computed inside requires a gradient: for evaluation and for generating text.

    >>> import minigrad as mg
    >>> with mg.no_grad():
    ...     y = mg.Tensor([1.0], requires_grad=True) * 2.0
    >>> y.requires_grad
    False
    """
    return within(grad=False)
