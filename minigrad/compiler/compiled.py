"""compile: a function as NumPy programs, one per kind of arguments.

The first call with given shapes captures the function and runs the program; later calls only run it.
"""

from __future__ import annotations

import functools
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Generic, ParamSpec, TypeVar, overload

import numpy as np

from minigrad.compiler import threads
from minigrad.compiler.check import compare_with_eager
from minigrad.compiler.fork import Locked
from minigrad.compiler.profile import Profile
from minigrad.compiler.program import Program, Stats
from minigrad.compiler.settings import Settings
from minigrad.core.errors import GraphError
from minigrad.core.modes import current_mode
from minigrad.core.structure import enter, leaves
from minigrad.core.tensor import Tensor
from minigrad.graph import Graph
from minigrad.graph.captured import record, signature_of
from minigrad.graph.exact import Exact
from minigrad.graph.node import printable
from minigrad.graph.watching import Lines

P = ParamSpec("P")
R = TypeVar("R")

MOST_PROGRAMS = 32  # kinds of arguments whose programs are kept; the oldest goes
MOST_VERSIONS = 4  # programs for one kind of arguments, as settings change; the oldest goes
WARN_AFTER = 8  # programs that differ only in one number, or in one setting


@overload
def compile(function: Callable[P, R], *, check: int = 0) -> Compiled[P, R]: ...
@overload
def compile(function: None = None, *, check: int = 0) -> Callable[[Callable[P, R]], Compiled[P, R]]: ...
def compile(function: Callable[..., Any] | None = None, *, check: int = 0) -> Any:
    """`function` as a program of NumPy calls over memory that is allocated once.

    The first call with arguments of new shapes captures the function, as `minigrad.trace` does, and runs the program;
    later calls only run it. The results are those of the function itself, to rounding, as Tensors without a graph.
    State is written, and `.grad` is left as it is found.

    Args:
        function: takes Tensors, arrays, numbers, strings and modules, also in tuples, lists and dictionaries, and
            returns Tensors in the same ways. Arrays may differ from call to call; everything else is part of the
            program, and so is what the function reads elsewhere that is not a Tensor: a Python number is read once.
        check: how many first calls of each program are compared with the function itself.

    Raises:
        CaptureError: the function reads a value, or lets an array in that is not an argument; the line is named.
        GraphError: with `check`, results that differ.

    >>> import minigrad as mg, numpy as np
    >>> weight = mg.Tensor([1.0, 2.0], requires_grad=True, name="weight")
    >>> optimiser = mg.optim.SGD([weight], rate=0.1)
    >>> @compile
    ... def step(x):
    ...     optimiser.zero_grad()
    ...     loss = mg.sum((weight - x) ** 2)
    ...     loss.backward()
    ...     optimiser.step()
    ...     return loss
    >>> [round(float(step(np.array([1.0, 1.0]))), 4) for _ in range(3)]
    [1.0, 0.64, 0.4096]
    >>> step.stats.instructions < len(step.graph)
    True
    """
    if function is None:
        return lambda function: Compiled(function, check)
    return Compiled(function, check)


class Compiled(Locked, Generic[P, R]):
    """A function that runs as programs; made by `compile`.

    `programs` are those made so far; `graph`, `source`, `stats`, `profile` and `save_source` are those of the last
    one used.
    """

    def __init__(self, function: Callable[P, R], check: int = 0) -> None:
        if not callable(function):
            hint = "; write @classmethod above @compile" if isinstance(function, classmethod) else ""
            raise TypeError(f"compile: expected a function, got {type(function).__name__}{hint}")
        self.function: Callable[P, R] = function.function if isinstance(function, Compiled) else function
        functools.update_wrapper(self, self.function, updated=())
        self.check = check
        self._programs: dict[Any, list[Program]] = {}
        self._last: Program | None = None
        self._numbers: dict[Any, list[str]] = {}
        self._changed: dict[str, int] = {}
        self._signature = signature_of(self.function)
        super().__init__()

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        mode = current_mode()
        watched = mode.watch is not None and not isinstance(mode.watch, Lines)
        if mode.record or watched:  # a part of something larger, whose graph is wanted, or under `detect_anomaly`
            return self.function(*args, **kwargs)
        objects: list[Any] = []
        # By name they are taken in the order of the signature, as capture does.
        given = self._signature.bind(*args, **kwargs).arguments if kwargs else args
        key: tuple[Any, ...] = (_key(given, objects), mode.grad, mode.generator, mode.expanded)
        plain = _ARRAYS.issuperset(map(type, objects))
        if not plain and len(objects) > 1:
            first = {id(x): i for i, x in reversed(list(enumerate(objects))) if isinstance(x, Tensor)}
            if len(first) < sum(isinstance(x, Tensor) for x in objects):
                places = [first.get(id(x), i) for i, x in enumerate(objects)]
                key = (*key, tuple(places))  # which of them are the same Tensor
                objects = [x for i, x in enumerate(objects) if places[i] == i]
        program = self._known(key, objects, plain)
        if program is None:
            with self._lock:  # of several threads that come first, one compiles
                program = self._known(key, objects, plain) or self._new_program(key, args, kwargs, objects)
        self._last = program
        arrays = objects if plain else program.arrays_of(objects)
        if program.unchecked:
            checked: R = compare_with_eager(self.function, program, args, kwargs, arrays)
            return checked
        results: R = program.results(program.run(arrays))
        return results

    def _known(self, key: Any, objects: list[Any], plain: bool) -> Program | None:
        for program in self._programs.get(key, ()):
            if (plain or program.takes(objects)) and program.change() is None:
                return program
        return None

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        """As a method: a compiled function of the instance's own, kept with its attributes."""
        if instance is None or not hasattr(type(self.function), "__get__"):
            return self
        made = _methods_of(instance)
        if self not in made:
            made[self] = Compiled(self.function.__get__(instance, owner), self.check)
        return made[self]

    def __getattr__(self, name: str) -> Any:
        """What the function has, as the parameters of a module."""
        if name == "function" or name.startswith("__"):
            raise AttributeError(f"a compiled function has no attribute {name!r}", name=name, obj=self)
        return getattr(self.function, name)

    def __repr__(self) -> str:
        name = printable(str(getattr(self.function, "__qualname__", self.function)))
        return f"<compiled {name}, {len(self.programs)} programs>"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        from minigrad.drawing.notebook import show_compiled

        return show_compiled(self)

    def __reduce__(self) -> str | tuple[Any, ...]:
        found: Any = sys.modules.get(self.__module__)
        name = getattr(self, "__qualname__", "")
        for part in name.split("."):
            found = getattr(found, part, None)
        if found is self:
            return name  # a function of a module is found again by its name
        return Compiled, (self.function, self.check)  # a copy compiles anew: its modules are others

    def _new_program(self, key: Any, args: Any, kwargs: Any, objects: list[Any]) -> Program:
        # The identity of what is no array is part of the key, so it must not be given to something else.
        kept = [x for x in leaves((args, kwargs)) if not isinstance(x, (np.ndarray, Tensor))]
        settings = Settings.of(self.function, kept)
        program = Program(
            record(self.function, args, kwargs, settings.add), settings, self.check, kept, threads.count_threads()
        )
        others = self._programs.pop(key, [])
        self._warn_of_changes([p.change() for p in others])
        self._programs[key] = [program, *(p for p in others if p.may_be_current())][:MOST_VERSIONS]
        self._warn_of_numbers(key)
        while len(self._programs) > MOST_PROGRAMS:
            del self._programs[next(iter(self._programs))]
        return program

    def _warn_of_numbers(self, key: Any) -> None:
        """Warn where a number that changes makes a program per value."""
        for path, number in _numbers(key):
            others = self._numbers.setdefault((path, _without(key, path)), [])
            others.append(number)
            if len(others) == WARN_AFTER:
                name = getattr(self.function, "__name__", "a function")
                warnings.warn(
                    f"compile: {WARN_AFTER} programs of {name} differ only in a number, {self._argument(key, path)} "
                    f"({', '.join(others[:4])}, …): each value is compiled anew; pass it as an array, "
                    "numpy.asarray(value)",
                    stacklevel=4,
                )

    def _warn_of_changes(self, changed: Iterable[str | None]) -> None:
        """Warn where an attribute that changes makes a program per value."""
        for name in dict.fromkeys(changed):
            if name is not None:
                self._changed[name] = count = self._changed.get(name, 0) + 1
                if count == WARN_AFTER:
                    function = getattr(self.function, "__name__", "a function")
                    warnings.warn(
                        f"compile: {name} has changed {WARN_AFTER} times, and {function} was "
                        "compiled anew each time: make it a Tensor and write into that with minigrad.assign, or, where "
                        "the function does not use it, begin its name with `_`",
                        stacklevel=4,
                    )

    def _argument(self, key: Any, path: tuple[int, ...]) -> str:
        """The argument that a path through a key leads into."""
        kind, given = key[0]
        place = path[2]
        if kind is dict:
            return f"{given[place][0]!r}"
        parameters = list(self._signature.parameters)
        return f"{parameters[min(place, len(parameters) - 1)]!r}"  # the last may take several

    # --- what there is to see -----------------------------------------------------------------------------------------

    @property
    def programs(self) -> tuple[Program, ...]:
        """The programs made so far, the oldest first."""
        return tuple(program for programs in self._programs.values() for program in programs)

    @property
    def program(self) -> Program:
        """The program that was used last."""
        if self._last is None:
            raise GraphError(
                "nothing is compiled before the first call, which tells the shapes: call the function once"
            )
        return self._last

    @property
    def graph(self) -> Graph:
        """The graph that was captured."""
        return self.program.graph

    @property
    def source(self) -> str:
        """The program as Python."""
        return self.program.source

    @property
    def stats(self) -> Stats:
        """Instructions, buffers, bytes before and after reuse, floating-point operations."""
        return self.program.stats

    def profile(self, lines: int = 10) -> Profile:
        """The dearest lines, timed on the arguments of the last call; state is put back."""
        return self.program.profile(lines)

    def save_source(self, path: Any) -> None:
        """Write the program as a script that runs with NumPy alone; state and constants go to an `.npz` beside it."""
        self.program.save_source(path)


Made = dict[Compiled[..., Any], Compiled[..., Any]]


class _Methods:
    """The compiled methods of one object; a copy of the object has none yet."""

    def __init__(self, owner: Any) -> None:
        self.owner = owner
        self.made: Made = {}  # by what the class holds: an override is not what it overrides

    def __reduce__(self) -> tuple[Any, ...]:
        return _Methods, (None,)


def _methods_of(instance: Any) -> Made:
    """The compiled methods of an object or a class, among its attributes."""
    if not hasattr(instance, "__dict__"):
        raise TypeError(
            f"compile: {type(instance).__name__} has __slots__ and so no place for the programs of its methods: "
            "add '__dict__' to them"
        )
    methods = instance.__dict__.get("_compiled_methods")
    if methods is None or methods.owner is not instance:  # a copy has the attributes of the original
        methods = _Methods(instance)
        if isinstance(instance, type):
            type.__setattr__(instance, "_compiled_methods", methods)
        else:
            instance.__dict__["_compiled_methods"] = methods
    made: Made = methods.made
    return made


def _key(x: Any, objects: list[Any], around: tuple[int, ...] = ()) -> Any:
    """What of an argument is part of the program; its arrays and Tensors are put into `objects`."""
    kind = type(x)
    if isinstance(x, np.ndarray):
        objects.append(x)
        return kind, x.shape, x.dtype
    if kind is Tensor:
        objects.append(x)
        return x.shape, x.dtype, x._requires_grad, x.name
    if kind in _PLAIN:
        return kind, repr(x)  # 1 is not True, and −0.0 is not 0.0
    if isinstance(x, dict):
        names, around = [name if type(name) is str else Exact(name) for name in x], enter(x, around)
        return kind, tuple(zip(names, [_key(value, objects, around) for value in x.values()], strict=True))
    if isinstance(x, (tuple, list)):
        around = enter(x, around)
        return kind, tuple([_key(value, objects, around) for value in x])
    if isinstance(x, (set, frozenset)):
        return kind, Exact(x)
    if isinstance(x, np.generic):
        objects.append(np.asarray(x))
        return kind, x.dtype  # no array: it acts as a number
    return kind, id(x)


_ARRAYS = frozenset({np.ndarray})
_PLAIN = frozenset({int, float, bool, str, type(None)})


def _numbers(key: Any, path: tuple[int, ...] = ()) -> Iterator[tuple[tuple[int, ...], str]]:
    """The numbers in a key, each with the positions that lead to it."""
    if isinstance(key, tuple):
        if len(key) == 2 and key[0] in (int, float):
            yield path, key[1]
        else:
            for i, part in enumerate(key):
                yield from _numbers(part, (*path, i))


def _without(key: Any, path: tuple[int, ...]) -> Any:
    """The key with a hole at that path."""
    return None if not path else (*key[: path[0]], _without(key[path[0]], path[1:]), *key[path[0] + 1 :])
