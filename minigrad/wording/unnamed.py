"""Errors of Python's and NumPy's own that come out of a public function get its name; loaded when something fails."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from minigrad.core.record import Function, registry
from minigrad.wording.calls import check_call

PLAIN = (TypeError, ValueError, IndexError, AttributeError, np.exceptions.AxisError)  # made of a message alone


def name_call_error(function: Function, error: Exception, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Exception:
    """What to raise where `function` raised `error` for these arguments.

    Raises:
        TypeError: it does not take them.
    """
    if isinstance(error, TypeError):
        check_call(function.name, function.call, args, kwargs)
    return name_error(function.name, error)


def name_error(name: str, error: Exception) -> Exception:
    """`error` itself where its message begins with a function on record, else the same with `name` before it.

    >>> name_error("stack", ValueError("stack: expected one array")), name_error("stack", ValueError("too few"))
    (ValueError('stack: expected one array'), ValueError('stack: too few'))
    """
    begins = re.match(r"(?:minigrad\.)?(\w+)(?:\(|: )", str(error))
    if type(error) not in PLAIN or (begins and begins[1] in registry):
        return error
    return type(error)(f"{name}: {error}")
