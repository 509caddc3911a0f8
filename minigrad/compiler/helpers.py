"""The source of functions, with all that they need, as one text that needs NumPy alone.

In come functions and the names that a program calls them by; out go imports, definitions in an order in which Python
can run them, and arrays. Called by `save_script`.

A function is found in its file and cut out. Every global name that it loads is looked up, and what it stands for is
written before it: other functions and classes in the same way, what NumPy and Python bring along as an import, data as
it is written down. An op becomes the function that computes it. Of Tensors there are none.
"""

from __future__ import annotations

import ast
import builtins
import functools
import keyword
import linecache
import math
import sys
from collections.abc import Iterable, Iterator, Mapping
from types import EllipsisType, FunctionType, ModuleType
from typing import Any

import numpy as np

from minigrad.compiler.cutting import (
    Edit,
    NotWrittenError,
    as_declared,
    begin,
    check_alone,
    definitions,
    edited,
    global_loads,
    instead_of,
    is_installed,
    local_names,
    named,
    source_of,
    text_at,
    without_annotations,
    without_doctests,
)
from minigrad.compiler.names import word
from minigrad.core.arrays import Array
from minigrad.core.errors import GraphError
from minigrad.core.modes import current_mode
from minigrad.core.op import Op
from minigrad.core.record import Function

PACKAGE = __name__.partition(".")[0]
NO_MODE = '''\
class {name}:
    """What is in force, when it is called: nothing is recorded, captured or watched."""

    grad = record = capture = generator = watch = None'''
NOT_FINITE = {math.inf: "np.inf", -math.inf: "-np.inf"}
NO_TENSORS = "{name} = ()  # there are no Tensors here: isinstance(x, ()) is False"


class Helpers:
    """Definitions of functions and of what they need.

    `imports` are lines, `definitions` what follows them, and `arrays` are those that the latter find in `constants`.

    Args:
        taken: names that mean something else where the definitions will stand.
    """

    def __init__(self, taken: Iterable[str]) -> None:
        self.imports: dict[str, None] = {}
        self.definitions: list[str] = []
        self.arrays: dict[str, Array] = {}
        self._taken = {*taken, "np", "constants", *keyword.kwlist}
        self._known: dict[Any, str] = {}  # the names of what is defined
        self._alive: list[Any] = []  # so that no other object gets the id of one that is known

    def define(self, functions: Mapping[str, Any]) -> None:
        """Define `functions` by the names that they have there, which are taken.

        Raises:
            GraphError: the source of a function cannot be found, or it needs something that cannot be written down.
        """
        own = {name: value for name, value in functions.items() if _is_function(value) and not _is_from_library(value)}
        self._known |= {id(value): name for name, value in reversed(own.items())}
        for name, value in functions.items():
            try:
                if self._known.get(id(value)) == name:
                    self._cut(name, value)
                else:
                    self.definitions.append(f"{name} = {self.text_of(name, value)}")
            except (NotWrittenError, SyntaxError, RecursionError) as error:
                raise GraphError(f"save_source: {name}, which the program calls, cannot be copied: {error}") from error

    def new_name(self, name: str) -> str:
        """`name`, or one like it that nothing else has."""
        if not name.isidentifier() or name.startswith("__"):
            name = word(name) if word(name).isidentifier() else "value"
        free, number = name, 1
        while free in self._taken or hasattr(builtins, free):
            number += 1
            free = f"{name}_{number}"
        self._taken.add(free)
        return free

    def text_of(self, name: str, value: Any) -> str:
        """An expression of `value`, which is called `name` where it comes from; what it needs is defined."""
        if isinstance(value, Function):
            value = value.forward if isinstance(value, Op) else value.call
        if id(value) in self._known:
            return self._known[id(value)]
        if value is current_mode or _is_of_tensors(value):
            return self._defined(name, value, NO_MODE if value is current_mode else NO_TENSORS)
        if (text := self._library(value)) is not None:
            return text
        if _is_function(value):
            known = self._register(name, value)
            self._cut(known, value)
            return known
        if isinstance(value, type):
            return self._class(value)
        if isinstance(value, np.ndarray):
            known = self._defined(name, value, "{name} = constants[{name!r}]")
            self.arrays[known] = value
            return known
        return self._data(name, value)

    # --- definitions --------------------------------------------------------------------------------------------------

    def _register(self, name: str, value: Any) -> str:
        self._alive.append(value)
        self._known[id(value)] = free = self.new_name(name)
        return free

    def _defined(self, name: str, value: Any, definition: str) -> str:
        known = self._register(name, value)
        self.definitions.append(definition.format(name=known))
        return known

    def _data(self, name: str, value: Any) -> str:
        text = self._literal(value)
        if (name, text) not in self._known:
            self._known[name, text] = self.new_name(name)
            self.definitions.append(f"{self._known[name, text]} = {text}")
        return self._known[name, text]

    def _alias(self, name: str, text: str) -> str:
        """Another name for what `text` says, which no function uses for something of its own."""
        key = "alias", text
        if key not in self._known:
            self._known[key] = self.new_name(f"global_{name}")
            self.definitions.append(f"{self._known[key]} = {text}")
        return self._known[key]

    def _literal(self, value: Any) -> str:
        """Data as Python writes it, exactly."""
        kind = type(value)
        if value is None or kind in (bool, int, str, bytes, complex, EllipsisType, range):
            return repr(value)
        if kind is float:
            return repr(value) if math.isfinite(value) else NOT_FINITE.get(value, "np.nan")
        if isinstance(value, np.dtype):
            return f"np.{value!r}"
        if isinstance(value, np.generic) and value.dtype.kind in "biuf" and value.dtype.itemsize <= 8:
            return f"np.{kind.__name__}({self._literal(value.item())})"
        if kind is slice:
            return f"slice({', '.join(map(self._literal, (value.start, value.stop, value.step)))})"
        if isinstance(value, tuple):
            inside = f"({', '.join(map(self._literal, value))}{',' if len(value) == 1 else ''})"
            if kind is tuple:
                return inside
            return f"{self.text_of(kind.__name__, kind)}{'._make' if hasattr(kind, '_make') else ''}({inside})"
        if kind is list:
            return f"[{', '.join(map(self._literal, value))}]"
        if kind in (set, frozenset):
            return f"{kind.__name__}([{', '.join(sorted(map(self._literal, value)))}])"
        if kind is dict:
            return f"{{{', '.join(f'{self._literal(k)}: {self._literal(v)}' for k, v in value.items())}}}"
        if kind is functools.partial:
            given = [*map(self._literal, value.args)]
            given += [f"**{self._literal(value.keywords)}"] if value.keywords else []
            return f"{self._module(functools)}.partial({', '.join([self._literal(value.func), *given])})"
        if callable(value) or isinstance(value, (np.ndarray, ModuleType)):
            return self.text_of(getattr(value, "__name__", "array"), value)
        raise NotWrittenError(f"it needs an object of type {kind.__name__}; give its functions arrays and plain values")

    # --- imports ------------------------------------------------------------------------------------------------------

    def _module(self, module: ModuleType) -> str:
        if module is np:
            return "np"
        if id(module) not in self._known:
            name = self._register(module.__name__.rpartition(".")[2], module)
            same = name == module.__name__
            self.imports[f"import {module.__name__}{'' if same else f' as {name}'}"] = None
        return self._known[id(module)]

    def _library(self, value: Any) -> str | None:
        """An expression of what NumPy, Python or an installed package brings along; None for anything else."""
        name = getattr(value, "__name__", "")
        if isinstance(value, ModuleType):
            return None if _is_ours(name) else self._module(value)
        if not callable(value) and not name:
            return None
        if getattr(builtins, name, None) is value:
            return self._builtin(name)
        if getattr(np, name, None) is value:
            return f"np.{name}"
        owner = getattr(value, "__self__", None)
        if isinstance(owner, np.ufunc) and (text := self._library(owner)):
            return f"{text}.{name}"  # as np.add.reduce
        if not _is_from_library(value):
            return None
        if id(value) not in self._known:
            known = self._register(name, value)
            self.imports[f"from {value.__module__} import {name}{'' if known == name else f' as {known}'}"] = None
        return self._known[id(value)]

    def _builtin(self, name: str) -> str:
        return f"{self._module(builtins)}.{name}" if name in self._taken else name

    # --- source -------------------------------------------------------------------------------------------------------

    def _cut(self, name: str, value: Any) -> None:
        """Define the function `value` under `name`, from its source."""
        cache = ""
        if isinstance(value, functools._lru_cache_wrapper):
            size = value.cache_parameters()["maxsize"]
            value, cache = value.__wrapped__, f"@{self._module(functools)}.lru_cache(maxsize={size})\n"
        if own := vars(value).keys() - {"__wrapped__"}:
            raise NotWrittenError(f"{value.__qualname__} has an attribute, {min(own)}, which would be lost")
        lines, node = source_of(value)
        text = text_at(lines, node)
        if isinstance(node, ast.Lambda):
            text = f"{name} = {f'({text})' if chr(10) in text else text}"
        else:
            text = named(text, "def", node.name, name)
        try:
            cells = [cell.cell_contents for cell in value.__closure__ or ()]
        except ValueError:
            raise NotWrittenError(f"{value.__qualname__} needs a variable that has no value yet") from None
        names = {**value.__globals__, **dict(zip(value.__code__.co_freevars, cells, strict=True))}
        tree = ast.parse(text)
        function = tree.body[0].value if isinstance(tree.body[0], ast.Assign) else tree.body[0]
        edits = [*self._defaults(function, value), *without_doctests(function), *without_annotations(function, text)]
        self.definitions.append(cache + self._rewritten(text, tree, names, edits))

    def _class(self, value: type) -> str:
        module = sys.modules.get(value.__module__)
        lines = linecache.getlines(getattr(module, "__file__", None) or "")
        nodes = [node for here in definitions("".join(lines)).values() for node in here]
        found = [node for node in nodes if isinstance(node, ast.ClassDef) and node.name == value.__qualname__]
        if not found:
            raise NotWrittenError(f"the source of the class {value.__qualname__} cannot be found; define it in a file")
        node = found[-1]
        above = [f"@{text_at(lines, decorator)}\n" for decorator in node.decorator_list]
        known = self._register(value.__name__, value)
        text = "".join(above) + named(text_at(lines, node), "class", node.name, known)
        tree = ast.parse(text)
        self.definitions.append(self._rewritten(text, tree, vars(module), [*without_doctests(tree.body[0])]))
        return known

    def _defaults(self, node: Any, function: FunctionType) -> Iterator[Edit]:
        """The defaults of arguments as what they are now: the names in them may have meant something else then."""
        arguments = node.args
        pairs: list[tuple[Any, Any]] = [*zip(arguments.defaults, function.__defaults__ or (), strict=True)]
        keywords = function.__kwdefaults__ or {}
        pairs += [
            (default, keywords[argument.arg])
            for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
            if default is not None
        ]
        for default, value in pairs:
            if not isinstance(default, ast.Constant) or repr(default.value) != repr(value):
                yield instead_of(default, self._literal(value))

    def _rewritten(self, text: str, tree: ast.Module, names: Mapping[str, Any], edits: list[Edit]) -> str:
        """The text with every global name as it is called here."""
        parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
        nodes = {
            begin(node): node
            for node in ast.walk(tree)
            if isinstance(node, ast.Name) and not any(edit.begin <= begin(node) < edit.end for edit in edits)
        }
        check_alone(tree)
        local = local_names(text)
        for name, place in global_loads(text):
            node: Any = nodes.get(place)
            if any(edit.begin <= place < edit.end for edit in edits):
                continue
            if node is None or node.id != name:
                if name.startswith("__") and name.endswith("__"):  # what Python itself looks up for a class
                    continue
                raise NotWrittenError(f"it loads {name} in a place where that cannot be renamed; use a variable for it")
            if name not in names:
                if not hasattr(builtins, name):
                    raise NotWrittenError(f"it loads {name}, which is not defined")
                edits.append(instead_of(node, self._builtin(name)))
                continue
            value = names[name]
            while isinstance(parents[node], ast.Attribute) and _is_opened(value):
                node = parents[node]
                name, value = node.attr, getattr(value, node.attr)
            written = self.text_of(name, value)
            if written.partition(".")[0] in local:  # there it would mean something else
                written = self._alias(name, written)
            edits.append(instead_of(node, written))
            call = parents[node]
            if isinstance(value, Op) and isinstance(call, ast.Call) and call.func is node:
                edits += as_declared(value, call)
        return edited(text, edits)


def _is_function(value: Any) -> bool:
    return isinstance(value, (FunctionType, functools._lru_cache_wrapper))


def _is_opened(value: Any) -> bool:
    """Whether an attribute of it is looked up now: there is no such module, and no such op, in the script."""
    return isinstance(value, Function) or (isinstance(value, ModuleType) and _is_ours(value.__name__))


def _is_ours(module: str) -> bool:
    return module.partition(".")[0] == PACKAGE


def _is_of_tensors(value: Any) -> bool:
    """Whether it belongs to the engine, which the script has not; errors are plain classes."""
    if not isinstance(value, (FunctionType, type)) or (isinstance(value, type) and issubclass(value, Exception)):
        return False
    room, _, file = value.__module__.removeprefix(f"{PACKAGE}.").partition(".")
    return room == "core" and file not in ("arrays", "structure")


def _is_from_library(value: Any) -> bool:
    module = getattr(value, "__module__", None) or ""
    if getattr(sys.modules.get(module), getattr(value, "__name__", ""), None) is not value:
        return False
    return is_installed(module.partition(".")[0])
