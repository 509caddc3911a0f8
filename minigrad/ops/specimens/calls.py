"""What a function is tried on: sample calls, calls that it refuses, and points without a derivative."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple


class Call(NamedTuple):
    """One sample call of a function: what the law tests, the docs and the pictures try it on."""

    args: tuple[Any, ...]
    params: dict[str, Any]


class Refusal(NamedTuple):
    """A call that raises `error`, and what the message has to name."""

    call: Call
    error: type[Exception]
    names: tuple[str, ...]


class Kink(NamedTuple):
    """A call where there is no derivative, and what is returned by convention: one gradient per floating-point array.

    The cotangent is 1 everywhere.
    """

    call: Call
    gradients: tuple[Any, ...]


class Specimens(NamedTuple):
    """What tries a function, besides its declaration, which says what it is."""

    samples: tuple[Call, ...] = ()  # calls that show every keyword
    refusals: tuple[Refusal, ...] = ()  # calls that raise, and what their messages name
    kinks: tuple[Kink, ...] = ()  # calls without a derivative, and the convention there
    reference: Callable[..., Any] | None = None  # the same on arrays; by default NumPy's, or its definition
    flat: str = ""  # where its derivative is 0, for messages


def specimens(*cases: Call | Refusal | Kink, reference: Callable[..., Any] | None = None, flat: str = "") -> Specimens:
    """What tries a function: its samples, refusals and kinks, each in their order; the rest as in `Specimens`."""

    def of(kind: type[Any]) -> tuple[Any, ...]:
        return tuple(case for case in cases if isinstance(case, kind))

    return Specimens(of(Call), of(Refusal), of(Kink), reference, flat)


def call(*args: Any, **params: Any) -> Call:
    """A sample call."""
    return Call(args, params)


def refusal(sample: Call, error: type[Exception], *names: str) -> Refusal:
    """A call that must raise `error`, in a message that holds all of `names`."""
    return Refusal(sample, error, names)


def kink(sample: Call, *gradients: Any) -> Kink:
    """The convention at a point without a derivative."""
    return Kink(sample, gradients)
