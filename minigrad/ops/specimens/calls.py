"""What a function is tried on: sample calls, calls that it refuses, and points without a derivative."""

from __future__ import annotations

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


def call(*args: Any, **params: Any) -> Call:
    """A sample call."""
    return Call(args, params)


def refusal(sample: Call, error: type[Exception], *names: str) -> Refusal:
    """A call that must raise `error`, in a message that holds all of `names`."""
    return Refusal(sample, error, names)


def kink(sample: Call, *gradients: Any) -> Kink:
    """The convention at a point without a derivative."""
    return Kink(sample, gradients)
