"""What a program depends on besides arrays: attributes of modules, optimisers and plain objects among the arguments.

Modules, optimisers and Tensors move a clock when they change (`Storage.changes`), and are looked at only then. Lists,
dictionaries and plain objects have none, and are looked at before every call. Called by `Compiled`, and while it
captures by every module and optimiser that is used.
"""

from __future__ import annotations

import functools
import sys
import types
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from operator import is_
from typing import Any, NamedTuple

from minigrad.core.storage import Storage
from minigrad.core.structure import leaves
from minigrad.core.tensor import Tensor
from minigrad.wording.instructive import Instructive

_PLAIN = frozenset({int, float, complex, bool, str, bytes, type(None), types.EllipsisType, slice, range})
_HELD = (Tensor, Instructive)
_CLOSED = (sys.stdlib_module_names | {"numpy", "minigrad"}) - {
    "argparse",
    "types",
}  # but their namespaces are looked into


Reader = Callable[[Any], tuple[Any, ...]]


class Note(NamedTuple):
    """What one thing was made of when it was met."""

    name: str
    thing: Any
    reader: Reader
    parts: tuple[Any, ...]


class Settings:
    """Some things and all below them, as they were when each was met: a program is good for no others."""

    def __init__(self) -> None:
        self.began = Storage.changes
        self._roots: list[Note] = []
        self._met: dict[tuple[int, Any], Any] = {}  # by identity and reader, and kept alive
        self.clocked: list[Note] = []
        self.others: list[Note] = []

    @classmethod
    def of(cls, function: Any, arguments: Iterable[Any]) -> Settings:
        """What there is to look at before a function is captured."""
        settings = cls()
        for thing in (*arguments, *_given_before(function)):
            if not isinstance(thing, (set, frozenset)):  # of these the content is in the key
                settings.add(thing)
        for owner in _owners_in(function):
            if isinstance(owner, Instructive):
                settings.add(owner)
            else:  # at what it holds, and at nothing else of it
                settings._add(type(owner).__name__, owner, _holdings_of)
        return settings

    def add(self, root: Any, attribute: str = "") -> None:
        """Look at `root` and all below it from now on, or at one private attribute of it."""
        reader: Reader | None = _Attribute(attribute) if attribute else _reader_of(root)
        self._add(type(root).__name__, root, reader)

    def _add(self, name: str, root: Any, reader: Reader | None) -> None:
        waiting = [(name, root, reader)]
        while waiting:
            name, thing, reader = waiting.pop()
            if reader is None or (id(thing), reader) in self._met:
                continue
            self._met[id(thing), reader] = thing
            note = Note(name, thing, reader, reader(thing))
            if thing is root:
                self._roots.append(note)
            if not isinstance(thing, (tuple, frozenset)):  # which stay what they are
                has_clock = isinstance(thing, Instructive) or reader is _wish_of
                (self.clocked if has_clock else self.others).append(note)
            waiting += [(name, part, _reader_of(part)) for name, part in _named_parts(note)]

    def change(self, moved: bool) -> str | None:
        """The name of something that is not as it was, or None; `moved` says whether the clock has moved."""
        other_objects = False
        for notes in (self.others, self.clocked) if moved else (self.others,):
            for note in notes:
                now = note.reader(note.thing)
                if len(now) != len(note.parts) or not all(map(is_, now, note.parts)):
                    if _content(now) != _content(note.parts):
                        return _name_of_change(note, now)
                    other_objects = True
        if other_objects:  # that hold the same; from now on it is these that may change
            found = Settings()
            for root in self._roots:
                found._add(root.name, root.thing, root.reader)
            self.__dict__.update(found.__dict__)
        return None


def _owners_in(function: Any) -> Iterator[Any]:
    """Whose attributes a function may use: the object that it is a method of, modules and optimisers that it names."""
    waiting, seen = [function], set()
    while waiting:
        function = waiting.pop()
        if id(function) in seen:
            continue
        seen.add(id(function))
        if isinstance(function, functools.partial):
            waiting.append(function.func)
        elif isinstance(function, types.MethodType):
            yield function.__self__
            waiting.append(function.__func__)
        elif isinstance(function, types.FunctionType):
            found = [*_closed_over(function), *map(function.__globals__.get, _global_names(function.__code__))]
            yield from (x for x in found if isinstance(x, Instructive))
            waiting += [x for x in found if isinstance(x, types.FunctionType) and not _is_closed(x)]
        elif not _is_closed(type(function)) or isinstance(function, Instructive):
            yield function


def _given_before(function: Any) -> Iterator[Any]:
    """The arguments that `functools.partial` holds."""
    while isinstance(function, functools.partial):
        yield from leaves((function.args, function.keywords))
        function = function.func


def _closed_over(function: types.FunctionType) -> Iterator[Any]:
    for cell in function.__closure__ or ():
        try:
            yield cell.cell_contents
        except ValueError:  # not bound yet
            continue


def _global_names(code: types.CodeType) -> Iterator[str]:
    yield from code.co_names
    for inner in code.co_consts:
        if isinstance(inner, types.CodeType):
            yield from _global_names(inner)


def _reader_of(thing: Any) -> Callable[[Any], tuple[Any, ...]] | None:
    """How a thing is read, or None for what cannot change or is told apart by its identity alone."""
    if type(thing) in _PLAIN:
        return None
    if isinstance(thing, Instructive):
        return _settings_of
    if isinstance(thing, Tensor):
        return _wish_of
    if isinstance(thing, (list, tuple, set, frozenset)):
        return tuple
    if isinstance(thing, dict):
        return _items_of
    return None if _is_closed(thing if isinstance(thing, type) else type(thing)) else _attributes_of


def _is_closed(thing: Any) -> bool:
    """Whether a class or function is of Python, NumPy or minigrad, whose objects are not looked into."""
    return str(thing.__module__).partition(".")[0] in _CLOSED


def _settings_of(holder: Instructive) -> tuple[Any, ...]:
    """Names and values of what may be part of the computation: all in public, and Tensors and modules; see Watched."""
    found = vars(holder).items()
    return tuple([x for name, value in found if name[0] != "_" or isinstance(value, _HELD) for x in (name, value)])


def _wish_of(tensor: Tensor) -> tuple[Any, ...]:
    return (tensor.requires_grad,)


@dataclass(frozen=True)
class _Attribute:
    name: str

    def __call__(self, thing: Any) -> tuple[Any, ...]:
        return (getattr(thing, self.name),)


def _items_of(dictionary: dict[Any, Any]) -> tuple[Any, ...]:
    return (*dictionary, *dictionary.values())


def _attributes_of(thing: Any) -> tuple[Any, ...]:
    """Names and values of what an object says in public; its class, or of a class its bases, say the rest."""
    behind = thing.__bases__ if isinstance(thing, type) else type(thing)
    return (*[x for item in _attributes(thing).items() if item[0][0] != "_" for x in item], "class", behind)


def _holdings_of(owner: Any) -> tuple[Any, ...]:
    found = _attributes(owner).items()
    return tuple([x for item in found if isinstance(item[1], Instructive) or _is_state(item[1]) for x in item])


def _is_state(thing: Any) -> bool:
    return isinstance(thing, Tensor) and thing.op is None and thing.role is None


def _attributes(thing: Any) -> dict[str, Any]:
    found = dict(getattr(thing, "__dict__", {}))
    for kind in type(thing).__mro__:
        names = vars(kind).get("__slots__", ())
        for name in (names,) if isinstance(names, str) else names:
            if hasattr(thing, name):
                found[name] = getattr(thing, name)
    return found


_NAMED = (_settings_of, _items_of, _attributes_of, _holdings_of)  # readers of names and values


def _named_parts(note: Note) -> list[tuple[str, Any]]:
    if note.reader not in _NAMED:
        return [(note.name, part) for part in note.parts]
    names, values = note.parts[::2], note.parts[1::2]
    if note.reader is _items_of:
        names, values = note.parts[: len(note.parts) // 2], note.parts[len(note.parts) // 2 :]
    return [(f"{note.name}.{name}", value) for name, value in zip(names, values, strict=True)]


def _name_of_change(note: Note, now: tuple[Any, ...]) -> str:
    """The first attribute that has changed, or the name of the thing where it has no attributes."""
    before = dict(_named_parts(note))
    for name, value in _named_parts(note._replace(parts=now)):
        if name not in before or _content(value) != _content(before[name]):
            return name
    return note.name


def _content(thing: Any, above: tuple[int, ...] = ()) -> Any:
    """What two values have in common that are the same to a program: 1 is not True, and −0.0 is not 0.0."""
    if type(thing) in _PLAIN:
        return type(thing), repr(thing)
    if isinstance(thing, (tuple, list)) and id(thing) not in above:
        return type(thing), [_content(part, (*above, id(thing))) for part in thing]
    return id(thing)
