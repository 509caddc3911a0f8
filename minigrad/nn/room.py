"""Room: how large a module may become that is made from what a file says of it.

Where there is a limit, sizes are held against it before they are believed, and every draw. Elsewhere there is none.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import numpy as np

LEAST = 2**16  # a size that is never too large: a context, say, for which no array is held


class Room:
    """So many elements of parameters, all in all; and a generator that draws no more than these at a time."""

    def __init__(self, elements: int) -> None:
        self.left = elements
        self.most = max(elements, LEAST)
        self.generator = _Measured(self)
        self.limited = True

    def check(self, name: str, size: Any) -> None:
        """Raise for a single size, or a number of elements, that the file has no arrays for."""
        if self.limited and size > self.most:
            raise ValueError(f"{name}={size:,} is more than the arrays of the file hold, {self.most:,} numbers")

    def take(self, name: str, elements: int) -> None:
        """Count the elements of a parameter."""
        self.left -= elements
        if self.left < 0:
            raise ValueError(f"its parameters are more than the arrays of the file hold, from {name} on")


_room: ContextVar[Room | None] = ContextVar("minigrad_room", default=None)


def current_room() -> Room | None:
    return _room.get()


@contextmanager
def limited_to(elements: int) -> Iterator[Room]:
    """While modules are made that may have so many elements."""
    room = Room(elements)
    token = _room.set(room)
    try:
        yield room
    finally:
        _room.reset(token)
        room.limited = False  # modules keep the generator, and draw what they like


class _Measured(np.random.Generator):
    """A generator that is asked for what is as large as a parameter only."""

    def __init__(self, room: Room) -> None:
        super().__init__(np.random.PCG64(0))
        self._room = room

    def _check(self, size: Any) -> None:
        shape = size if isinstance(size, tuple) else tuple(size) if isinstance(size, list) else (size or 1,)
        self._room.check("size", math.prod(map(int, shape)))


def _measure(name: str, position: int) -> Any:
    drawn = getattr(np.random.Generator, name)

    def draw(self: _Measured, *args: Any, **kwargs: Any) -> Any:
        self._check(kwargs.get("size", args[position] if len(args) > position else None))
        return drawn(self, *args, **kwargs)

    return draw


_SIZE_AT = {  # where the size stands among the arguments
    "random": 0, "standard_normal": 0, "standard_exponential": 0, "normal": 2, "uniform": 2, "integers": 2, "choice": 1,
}  # fmt: skip
for _name, _position in _SIZE_AT.items():
    setattr(_Measured, _name, _measure(_name, _position))
