"""Calls that failed: what a function takes, and its name before errors of Python's and NumPy's own."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from minigrad.core.record import registry
from minigrad.wording.habits import find_argument_hints

if TYPE_CHECKING:
    from minigrad.core.signature import Signature


PLAIN = (TypeError, ValueError, IndexError, AttributeError, np.exceptions.AxisError)  # made of a message alone


def make_call_error(signature: Signature, problem: str, given: Iterable[str]) -> TypeError:
    """The error for a call of an op."""
    takes = [*signature.arguments, *([f"*{signature.variadic}"] if signature.variadic else [])]
    takes += [f"{name}=" for name in signature.defaults]
    return TypeError(_describe_refusal(signature.name, problem, takes, given))


def check_call(name: str, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Raise TypeError if `function` does not take these arguments: for those who caught one and wonder whose it is.

    >>> check_call("sort", lambda x, axis=-1: x, ([2, 1],), {"dim": 0})
    Traceback (most recent call last):
    TypeError: sort: argument dim is not supported; it takes (x, axis=); PyTorch's `dim` is `axis` here (NumPy's name)
    """
    signature = inspect.signature(function)
    try:
        signature.bind(*args, **kwargs)
    except TypeError as error:
        parameters = [p for p in signature.parameters.values() if p.name != "self"]
        unknown = ", ".join(sorted(kwargs.keys() - {p.name for p in parameters}))
        takes_any = any(p.kind is p.VAR_KEYWORD for p in parameters)
        problem = f"argument {unknown} is not supported" if unknown and not takes_any else f"{error}"
        raise TypeError(_describe_refusal(name, problem, [_write_parameter(p) for p in parameters], kwargs)) from None


def name_call_error(
    name: str, function: Callable[..., Any], error: Exception, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> None:
    """Raise what says more than `error`, which `function` raised for these arguments, if anything does.

    Raises:
        TypeError: it does not take them.
        Exception: the same as `error`, with the name of the function.
    """
    if isinstance(error, TypeError):
        check_call(name, function, args, kwargs)
    named = name_error(name, error)
    if named is not error:
        raise named from error


def name_error(name: str, error: Exception) -> Exception:
    """`error` itself where its message begins with a function on record, else the same with `name` before it.

    >>> name_error("stack", ValueError("stack: expected one array")), name_error("stack", ValueError("too few"))
    (ValueError('stack: expected one array'), ValueError('stack: too few'))
    """
    beginning = re.match(r"(?:minigrad\.)?(\w+)(?:\(|: )", str(error))
    if type(error) not in PLAIN or (beginning and beginning[1] in registry):
        return error
    return type(error)(f"{name}: {error}")


def _write_parameter(parameter: inspect.Parameter) -> str:
    """`x`, `*arrays`, `axis=` or `**options`."""
    stars = "**" if parameter.kind is parameter.VAR_KEYWORD else "*" * (parameter.kind is parameter.VAR_POSITIONAL)
    by_name = parameter.kind is parameter.KEYWORD_ONLY or parameter.default is not parameter.empty
    return f"{stars}{parameter.name}{'=' if by_name else ''}"


def _describe_refusal(name: str, problem: str, takes: Sequence[str], given: Iterable[str]) -> str:
    """What is wrong with a call, what the function takes, and what habits from PyTorch are called here."""
    habits = find_argument_hints(given, {taken.strip("*=") for taken in takes})
    return "; ".join([f"{name}: {problem}", f"it takes ({', '.join(takes)})", *habits])
