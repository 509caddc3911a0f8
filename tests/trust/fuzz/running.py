"""Running a program three ways, each with state and generator of its own: eager, compiled, and its graph."""

from __future__ import annotations

import builtins
import contextlib
import functools
import operator
import sys
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

import minigrad as mg
from minigrad.compiler import pieces
from minigrad.core.structure import leaves

from .program import HELPERS, Leaf, Program, imports, made_leaf, objects

CACHED = type(functools.cache(len))
RUNS = (0, 1, 0)  # whose values a call gets
Arrays = list[Any]


class Outcome(NamedTuple):
    """Of one call: the arrays returned, or why there are none; then the arrays of state, and the generator's state."""

    arrays: Arrays | None
    error: BaseException | None
    state: Arrays
    draws: Any


class Way:
    """One way to run a program."""

    def __init__(self, program: Program, after: str = "", **names: Any) -> None:
        self.program = program
        self.rng = np.random.default_rng(0)
        self.memo: dict[int, Any] = {}
        for number in program.state:
            made_leaf(program, number, 0, self.memo)
        space: dict[str, Any] = {
            "mg": mg,
            "np": np,
            "operator": operator,
            "builtins": builtins,
            "rng": self.rng,
            **HELPERS,
            **names,
        }
        space |= {program.name(number): self.memo[number] for number in program.state}
        for line in set(imports(program)):
            exec(line, space)
        exec(compile(program.source(after), "<fuzzed>", "exec"), space)
        self.function: Callable[..., Any] = space["f"]

    def arguments(self, call: int) -> list[Any]:
        given: list[Any] = objects(self.program, call, self.memo)
        return given

    def call(self, call: int) -> Any:
        return self.function(*self.arguments(call))

    def outcome(self, call: int) -> Outcome:
        error, arrays = None, None
        try:
            with np.errstate(all="ignore"):
                arrays = [array_of(x) for x in leaves(self.call(call))]
        except Exception as raised:
            error = raised
        state = [self.memo[number]._held.copy() for number in self.program.state]
        return Outcome(arrays, error, state, self.rng.bit_generator.state["state"])

    def settle(self, other: Way) -> None:
        """Go on from the state and the draws of another, so that rounding is not carried on."""
        for number in self.program.state:
            mg.assign(self.memo[number], other.memo[number]._held)
            self.memo[number].grad = None
        self.rng.bit_generator.state = other.rng.bit_generator.state


class Eager(Way):
    pass


class Compiled(Way):
    def __init__(self, program: Program) -> None:
        super().__init__(program)
        self.function = mg.compile(self.function)

    def call(self, call: int) -> Any:
        for program in self.function.programs:  # type: ignore[attr-defined]  # a compiled function has them
            program._step.__globals__.get("memory", np.empty(0, np.uint8)).fill(0xFF)
        count = (None, 1, 2)[len(self.program.steps) % 3]
        with cut_in_pieces(threads=count) if self.program.in_pieces else contextlib.nullcontext():
            return super().call(call)

    def as_saved(self) -> tuple[Any, list[Any]]:
        """The function, and what its script has to return: arguments are saved without their layout in memory."""
        program = self.function.program  # type: ignore[attr-defined]
        before = program.snapshot()
        with np.errstate(all="ignore"):
            results = program.run([np.array(x, order="C") for x in program._arguments])
        program.restore(before)
        return self.function, list(results)


class Traced(Way):
    def __init__(self, program: Program) -> None:
        super().__init__(program)
        self.graphs: dict[int, Any] = {}

    def call(self, call: int) -> Any:
        given = self.arguments(call)
        if call not in self.graphs:
            changes = any(leaf.kind == "number" for leaf in self.program.leaves.values())
            graph = None if changes else next(iter(self.graphs.values()), None)
            self.graphs[call] = graph or mg.trace(self.function, *given)
        return self.graphs[call].run(*(x for x in leaves(given) if isinstance(x, (np.ndarray, np.generic, mg.Tensor))))


class Nudged(Way):
    """Eager, with the last bit of every result moved at random: as far as values move then, rounding moves them.

    Every second time by that of the largest value of the result, since a function in several ops rounds inside, too.
    Where floats of several types meet, what is given in the shorter ones is moved too: their rounding may show in
    results of the longer ones, computed in an order that is not seen from outside.
    """

    def __init__(self, program: Program, seed: int) -> None:
        self.noise, self.whole = np.random.default_rng(seed), seed % 2 == 1
        types = {x.dtype.newbyteorder("=") for leaf in program.leaves.values() for x in leaf.values[:1] if is_float(x)}
        self.longest = max(types, key=lambda dtype: dtype.itemsize, default=None)
        if len(types) > 1:
            program = program._replace(leaves={n: self.moved(leaf) for n, leaf in program.leaves.items()})
        super().__init__(program, "nudge", nudge=self.nudge)

    def moved(self, leaf: Leaf) -> Leaf:
        short = leaf.values and is_float(leaf.values[0]) and leaf.values[0].dtype.itemsize < self.longest.itemsize
        return leaf._replace(values=tuple(map(self.nudge, leaf.values))) if short else leaf

    def nudge(self, value: Any) -> Any:
        if isinstance(value, (list, tuple)):
            return [self.nudge(part) for part in value]
        if not isinstance(value, (mg.Tensor, np.ndarray, np.generic)) or value.dtype.kind != "f":
            return value
        moves = np.finfo(value.dtype).eps * self.noise.choice([-1.0, 0.0, 1.0], value.shape)
        if self.whole:
            array = np.abs(array_of(value)).astype(float)
            finite = np.isfinite(array) & (array > 0)
            moves = moves * np.divide(
                array.max(initial=0, where=finite), array, out=np.zeros(array.shape), where=finite
            )
        factors = (1 + moves).astype(value.dtype)
        return np.asarray(value * factors) if isinstance(value, np.ndarray) else value * factors


def is_float(value: Any) -> bool:
    return isinstance(value, (np.ndarray, np.generic)) and value.dtype.kind == "f"


@contextlib.contextmanager
def cut_in_pieces(threads: int | None) -> Iterator[None]:
    """All arrays are large, pieces as small as can be, and all loops are worth sharing."""
    limits = {"LARGE": 0, "PIECE": 16, "FLAT": 3, "SHARED": 16, "FLAT_SHARED": 3, "EFFORT": 0, "CALL": 0}
    before = {name: getattr(pieces, name) for name in limits}
    vars(pieces).update(limits)
    mg.use_threads(threads)
    try:
        yield
    finally:
        mg.use_threads(None)
        vars(pieces).update(before)


def array_of(x: Any) -> Any:
    return np.array(x._held if isinstance(x, mg.Tensor) else x)


def forget_what_was_inferred() -> None:
    """Clear all caches of the package, so that a program does not depend on those before it."""
    for cached in _caches():
        cached.cache_clear()


def _caches() -> list[Any]:
    if len(_known) != len(sys.modules):
        _known.update(dict.fromkeys(sys.modules))
        _found[:] = {
            id(x): x
            for name, module in list(sys.modules.items())
            if name.startswith("minigrad.") and module is not None
            for x in vars(module).values()
            if isinstance(x, CACHED)
        }.values()
    return _found


_known: dict[str, None] = {}
_found: list[Any] = []
