"""What is in force while code runs: recording, scope, capture, generator. One immutable `Mode` per thread and task.

Everybody reads `current_mode()`; a mode changes only for the length of a `with` block (or of a decorated call).
"""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable
from contextvars import ContextVar, Token
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, ParamSpec, TypeVar

import numpy as np

from minigrad.core.errors import GraphError

if TYPE_CHECKING:
    from minigrad.core.capture import Capture
    from minigrad.core.tensor import Tensor

P = ParamSpec("P")
R = TypeVar("R")


class Origin(NamedTuple):
    """Why a gradient node exists: the forward node it differentiates, the argument's position, the order."""

    node: Tensor
    argument: int
    order: int


class Place(NamedTuple):
    """Where a node is made: the scope path, and the origin of a gradient node."""

    scope: str = ""
    origin: Origin | None = None


class Mode(NamedTuple):
    grad: bool = True  # results that depend on something differentiable require a gradient
    record: bool = False  # every operation is recorded, also where nothing requires a gradient
    place: Place = Place()
    capture: Capture | None = None
    expanded: frozenset[str] = frozenset()
    generator: np.random.Generator | None = None
    lines: bool = False


_mode: ContextVar[Mode] = ContextVar("minigrad mode", default=Mode())  # noqa: B039  # a Mode is immutable
current_mode = _mode.get
set_mode = _mode.set
reset_mode = _mode.reset


class Within:
    """A `with` block, or a decorator, under a changed mode. Leaving blocks out of order is an error."""

    __slots__ = ("_changes", "_entered")

    def __init__(self, **changes: Any) -> None:
        self._changes = changes
        self._entered: list[tuple[Mode, Token[Mode]]] = []

    def changed(self, mode: Mode) -> Mode:
        return mode._replace(**self._changes)

    def __enter__(self) -> None:
        mode = self.changed(current_mode())
        self._entered.append((mode, set_mode(mode)))

    def __exit__(self, *exception: object) -> None:
        mode, token = self._entered.pop()
        if current_mode() is not mode:
            raise GraphError("a minigrad `with` block was left out of order: leave the inner block first")
        reset_mode(token)

    def __call__(self, function: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(function)
        def inside(*args: P.args, **kwargs: P.kwargs) -> R:
            again = object.__new__(type(self))  # a fresh one per call: calls nest and run in several threads
            again._changes, again._entered = self._changes, []
            with again:
                return function(*args, **kwargs)

        return inside


class scope(Within):  # noqa: N801  # used like a function
    """Nodes made inside belong to the scope `name`, below the scope in force; listings and pictures show it.

    >>> import minigrad as mg
    >>> with mg.scope("attention"):
    ...     y = mg.Tensor([1.0, 2.0], requires_grad=True) * 2.0
    >>> y.scope
    'attention'
    """

    __slots__ = ()

    def __init__(self, name: str) -> None:
        super().__init__(name=name)

    def changed(self, mode: Mode) -> Mode:
        outer, origin = mode.place
        name: str = self._changes["name"]
        return mode._replace(place=Place(f"{outer}/{name}" if outer else name, origin))


class expanded(Within):  # noqa: N801  # used like a function
    """Composite ops named here run as their definition, so that the graph shows its inside.

    >>> import minigrad as mg
    >>> with mg.expanded("softmax"):
    ...     y = mg.softmax(mg.Tensor([1.0, 2.0], requires_grad=True))
    >>> y.op.name
    'divide'
    """

    __slots__ = ()

    def __init__(self, *names: str) -> None:
        super().__init__(names=frozenset(names))

    def changed(self, mode: Mode) -> Mode:
        return mode._replace(expanded=mode.expanded | self._changes["names"])


def no_grad() -> Within:
    """Nothing computed inside requires a gradient: for evaluation and for generating text.

    >>> import minigrad as mg
    >>> with mg.no_grad():
    ...     y = mg.Tensor([1.0], requires_grad=True) * 2.0
    >>> y.requires_grad
    False
    """
    return Within(grad=False)


def generator(rng: np.random.Generator) -> Within:
    """Random operations inside (dropout, …) draw from `rng`.

    >>> import minigrad as mg, numpy as np
    >>> with mg.generator(np.random.default_rng(0)):
    ...     mg.dropout(np.ones(4), 0.5)
    array([2., 0., 0., 0.])
    """
    if not isinstance(rng, np.random.Generator):
        raise TypeError(f"generator(rng): expected a numpy.random.Generator, got {type(rng).__name__}")
    return Within(generator=rng)


def current_generator(rng: np.random.Generator | None) -> np.random.Generator:
    """`rng` itself, or the one of the enclosing `with minigrad.generator(rng):`; never a global one."""
    rng = rng or current_mode().generator
    if rng is None:
        raise GraphError(
            "a random operation needs a generator: pass rng=, or put the call inside\n"
            "    with minigrad.generator(numpy.random.default_rng(0)):"
        )
    return rng


def trace_lines() -> Within:
    """Every node made inside remembers the source line that made it (`tensor.line`); costs some time per node."""
    return Within(lines=True)


_PACKAGE = f"{Path(__file__).parent.parent}{os.sep}"


def caller_line() -> str:
    """`file.py:12` of the innermost frame outside this package."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        frame = frame.f_back
    return f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno}"
