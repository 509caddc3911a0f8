"""What a saved script carries with it, and what it imports: kernels as they stand in their files, and all else by name.

In come functions, out go lines of imports and definitions. Kernels load nothing but NumPy, modules of Python's, each
other and plain data (see `minigrad/ops/kernels`), so that what they need is found by looking their names up.
"""

from __future__ import annotations

import dis
import functools
import inspect
import pprint
import sys
from collections.abc import Iterable, Iterator
from types import CodeType, FunctionType, ModuleType
from typing import Any, NamedTuple

import numpy as np

from minigrad.compiler.instructions import is_kernel, is_of_numpy
from minigrad.compiler.printer import text_of
from minigrad.core.errors import GraphError


class Carried(NamedTuple):
    """Lines of imports, and definitions in an order in which Python can run them: data first."""

    imports: list[str]
    definitions: list[str]


def carry(functions: Iterable[Any]) -> Carried:
    """The source of functions and classes, and of all that they need."""
    imports, data, found = dict[str, None](), dict[str, str](), dict[Any, None]()
    waiting = list(functions)
    while waiting:
        value = waiting.pop()
        if value in found:
            continue
        found[value] = None
        space = vars(sys.modules[value.__module__])
        for name in _names_of(value):
            used = space.get(name)
            if isinstance(used, ModuleType):
                imports[f"import {used.__name__}" + (f" as {name}" if used.__name__ != name else "")] = None
            elif is_kernel(used):
                waiting.append(used)
            elif isinstance(used, (type, FunctionType)) or isinstance(getattr(used, "__self__", None), ModuleType):
                imports[f"from {used.__module__} import {name}"] = None
            elif name in space:
                data[name] = f"{name} = {_text_of_data(used)}"
    in_order = sorted(found, key=lambda value: (value.__module__, inspect.getsourcelines(value)[1]))
    texts = [inspect.getsource(inspect.unwrap(value)).rstrip("\n") for value in in_order]
    return Carried(list(imports), [*(["\n".join(data[name] for name in sorted(data))] if data else []), *texts])


def _names_of(value: Any) -> Iterator[str]:
    """The global names that a function or class loads."""
    if isinstance(value, type):
        yield from (base.__name__ for base in getattr(value, "__orig_bases__", value.__bases__))
        parts = [part.fget if isinstance(part, property) else part for part in vars(value).values()]
        for part in parts:
            if isinstance(part, FunctionType) and part.__module__ == value.__module__:
                yield from _names_in(part.__code__)
        return
    if hasattr(value, "__wrapped__"):  # by a cache
        yield functools.__name__
    yield from _names_in(inspect.unwrap(value).__code__)


def _names_in(code: CodeType) -> Iterator[str]:
    for step in dis.get_instructions(code):
        if step.opname == "LOAD_GLOBAL":
            yield step.argval
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from _names_in(inner)


def _text_of_data(value: Any) -> str:
    """Numbers, tables of them, types and functions of NumPy as Python writes them."""
    if isinstance(value, dict):
        return pprint.pformat(value, width=100, compact=True, sort_dicts=False)
    if isinstance(value, np.dtype):
        return f"np.{value!r}"
    if is_of_numpy(value):
        return f"np.{value.__name__}"
    owner = getattr(value, "__self__", None)  # of np.add.reduce it is np.add
    return f"np.{owner.__name__}.{value.__name__}" if isinstance(owner, np.ufunc) else text_of(value)


def import_by_name(name: str, value: Any) -> str:
    """The line that imports what a program calls `name`; a user's op, where its function has no name of its own.

    Raises:
        GraphError: it lives in a script or a prompt, or no name of its module stands for it.
    """
    module = getattr(value, "__module__", None) or type(value).__module__
    if module == "__main__":
        raise GraphError(
            f"save_source: {name}, which the program calls, lives in __main__, from which nothing can be imported: "
            "define it in a module"
        )
    space = vars(sys.modules[module]) if module in sys.modules else {}
    own = getattr(value, "__name__", "")
    for known in (own, *space):
        thing = space.get(known)
        if thing is value or (thing is not None and getattr(thing, "forward", None) is value):
            return f"from {module} import {known}" + (f" as {name}" if known != name else "")
    raise GraphError(
        f"save_source: {name}, which the program calls, has no name in the module {module} by which a script could "
        "import it: define it there"
    )
