"""What modules and optimisers share: errors that say what a constructor takes, and what attributes are called here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from minigrad.wording.habits import describe_missing
from minigrad.wording.misuse import explain_misuse


class Instructive:
    """A class that explains itself to those who come from PyTorch; `habits` is its place in `habits.TABLES`.

    >>> mg.nn.LayerNorm(normalized_shape=8)
    Traceback (most recent call last):
    TypeError: LayerNorm: argument normalized_shape is not supported; it takes (width, epsilon=, dtype=, bias=); \
PyTorch's `normalized_shape` is `width` here (the last axis)
    """

    _habits: str

    def __init_subclass__(cls, habits: str = "", **options: Any) -> None:
        super().__init_subclass__(**options)
        cls._habits = habits or cls._habits
        if "__init__" in vars(cls):
            type.__setattr__(cls, "__init__", explain_misuse(vars(cls)["__init__"], cls.__name__))

    if not TYPE_CHECKING:  # to a type checker every attribute would be there

        def __getattr__(self, name: str) -> Any:
            raise AttributeError(describe_missing(type(self).__name__, self._habits, name), name=name, obj=self)
