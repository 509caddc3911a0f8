"""A program: one captured function as Python source, its memory, and what it takes to run it."""

from __future__ import annotations

import functools
import linecache
import os
import weakref
from collections.abc import Sequence, Set
from dataclasses import dataclass
from itertools import count
from typing import Any, NamedTuple

import numpy as np

from minigrad.compiler.fork import Locked
from minigrad.compiler.planner import make_plan
from minigrad.compiler.printer import print_program
from minigrad.compiler.profile import Profile, profile
from minigrad.compiler.rewrite import rewritten
from minigrad.compiler.settings import Settings
from minigrad.compiler.threads import with_one_blas_thread
from minigrad.core.arrays import Array, owner_of
from minigrad.core.errors import GraphError
from minigrad.core.op import Op
from minigrad.core.storage import CUT, Storage, array_of, held_by, touch
from minigrad.core.structure import leaves, map_leaves
from minigrad.core.tensor import RESULT, Tensor, new_tensor
from minigrad.graph import Node
from minigrad.graph.build import graph_of_capture
from minigrad.graph.cost import flops_of
from minigrad.graph.node import printable
from minigrad.graph.run import run_on_inputs
from minigrad.graph.weak import Recording
from minigrad.ops.kernels import NotANumberError
from minigrad.ops.strong import check_numbers
from minigrad.wording.messages import describe

_numbers = count(1)


@dataclass(frozen=True)
class Stats:
    """How large a program is: lines that compute, buffers, bytes of them alone and as they share memory, and flops."""

    instructions: int
    buffers: int
    bytes_before_reuse: int
    bytes: int
    flops: int

    def __str__(self) -> str:
        return (
            f"{self.instructions:,} instructions, {self.buffers:,} buffers of {self.bytes_before_reuse:,} bytes in "
            f"{self.bytes:,} bytes of memory, {self.flops:,} floating-point operations"
        )


def refuse_history(argument: Tensor, differentiated: Set[int]) -> None:
    """GraphError for an argument that was computed from what the function takes gradients for."""
    waiting, seen = [argument], {argument.id}
    while waiting:
        tensor = waiting.pop()
        if tensor.id in differentiated:
            raise GraphError(
                f"{describe(argument)}, an argument of a compiled function, was computed from {describe(tensor)}, for "
                "which the function takes gradients: that path would be lost. Compute the argument in the function; or "
                "pass .detach() of it, if no gradient shall flow there"
            )
        for x in tensor.inputs:
            if isinstance(x, Tensor) and x.requires_grad and x.id not in seen:
                seen.add(x.id)
                waiting.append(x)


class Snapshot(NamedTuple):
    """Copies of the state that a program writes, and the states of the generators that it draws from."""

    state: list[Array]
    draws: list[Any]


class Program(Locked):
    """A captured function, compiled.

    `graph` is what was captured, `simplified` what the program computes, `source` its text. `check` first calls are
    compared with the function; `kept` is what must live as long as the program, `settings` what must stay as it is.
    """

    def __init__(
        self, recording: Recording, settings: Settings, check: int = 0, kept: Any = None, threads: int | None = None
    ) -> None:
        self.graph = graph = graph_of_capture(recording)
        self.unchecked = check
        self.kept = kept
        self.plan = plan = make_plan(rewritten(graph), threads)
        self.simplified = plan.graph
        self.printed = printed = print_program(plan)
        self.source = printed.text
        self.file = f"<minigrad program {next(_numbers)}>"
        super().__init__()
        self._met = frozenset(recording.met)
        self._differentiated = self._met & recording.differentiated
        self._state_arguments = [0 if held_by(x) is None else x.id for x in dict.fromkeys(recording.given)]
        cells = [(node.role, node.cell) for node in graph if node.cell is not None and node.role != "input"]
        self._memory = [(cell, array_of(cell)) for role, cell in cells if role in ("state", "parameter")]
        for _, cell in cells:
            settings.add(cell)
        self._settings, self._changes, self._declared = settings, settings.began, Op.declared
        self._cut = [x._requires_grad and CUT for x in leaves(recording.outputs) if isinstance(x, Tensor)]
        self._state = [node.cell for node in graph.updates if node.cell is not None]
        self._written = {id(owner_of(array)) for array in self.state.values()} if self._state else set()
        self._late = [recording.late.get(x, []) for x in dict.fromkeys(recording.given) if held_by(x) is None]
        self._arguments: Sequence[Array] = ()
        guarded = any(node.function is check_numbers for node in plan.graph)
        self._drawn = list(self.generators.values()) if guarded else []
        linecache.cache[self.file] = (len(self.source), None, self.source.splitlines(keepends=True), self.file)
        weakref.finalize(self, linecache.cache.pop, self.file, None)
        self._step = self._defined(self.source)
        self._single = isinstance(graph.returned, Node)

    def _defined(self, text: str, **names: Any) -> Any:
        """The function `step` of the text."""
        space = {"state": self.state, "constants": self.constants, **self.printed.bound, **names}
        exec(compile(text, self.file, "exec"), space)
        shared = any(loop.shared for loop in self.plan.loops)
        return with_one_blas_thread(space["step"]) if shared else space["step"]

    @property
    def state(self) -> dict[str, Array]:
        """The arrays that the program reads and writes, by name: the memory of the Tensors themselves."""
        return self.printed.state

    @property
    def constants(self) -> dict[str, Array]:
        """The arrays that never change, by name."""
        return self.printed.constants

    @property
    def generators(self) -> dict[str, np.random.Generator]:
        """What the program draws random numbers from, by name."""
        return {name: value for name, value in self.printed.bound.items() if isinstance(value, np.random.Generator)}

    # --- arguments ----------------------------------------------------------------------------------------------------

    def takes(self, objects: Sequence[Any]) -> bool:
        """Whether those Tensors among the arguments, and no others, that were state of the function are so now."""
        ids = [x.id if isinstance(x, Tensor) else 0 for x in objects]
        return [number if number in self._met else 0 for number in ids] == self._state_arguments

    def arrays_of(self, objects: Sequence[Any]) -> list[Array]:
        """The arrays that the program takes of the arguments; those that are state as well are where they are."""
        if self._differentiated:
            for x in objects:
                if isinstance(x, Tensor) and x.op is not None and x.requires_grad:
                    refuse_history(x, self._differentiated)
        arrays = [array_of(x) if isinstance(x, Tensor) else np.asarray(x) for x in objects]
        return [array for array, state in zip(arrays, self._state_arguments, strict=True) if not state]

    # --- running ------------------------------------------------------------------------------------------------------

    def run(self, arrays: Sequence[Array]) -> tuple[Array, ...]:
        """The outputs, in arrays of their own; state is written."""
        with self._lock:
            if self._written:  # state is written as soon as its new value is known, perhaps before an argument is read
                arrays = [self._apart(i, x) if id(owner_of(x)) in self._written else x for i, x in enumerate(arrays)]
            self._arguments = arrays
            draws = [generator.bit_generator.state for generator in self._drawn] if self._drawn else ()
            try:
                results: tuple[Array, ...] = self._step(*arrays)
            except NotANumberError:
                return self._strongly(arrays, draws)
            except BaseException as error:
                self._explain(error)
                raise
            if self._state:
                touch(*self._state)
            return results

    def _apart(self, position: int, array: Array) -> Array:
        """The copy of an argument that lies where state does; refused if the function reads it after it has written."""
        for state in self._late[position]:
            if np.shares_memory(array, array_of(state)):
                raise GraphError(
                    f"argument {self.graph.inputs[position].name!r} of a compiled function looks into the memory of "
                    f"{describe(state)}, which the function assigns before it reads the argument: pass a copy of it, "
                    "or read it before"
                )
        return array.copy()

    def _strongly(self, arrays: Sequence[Array], draws: Sequence[Any]) -> tuple[Array, ...]:
        """The same by the interpreter, whose products are strong; the program had written nothing."""
        for generator, state in zip(self._drawn, draws, strict=True):
            generator.bit_generator.state = state
        computed = zip(leaves(self.graph.returned), leaves(run_on_inputs(self.graph, arrays)), strict=True)
        return tuple([array for node, array in computed if isinstance(node, Node)])

    def results(self, arrays: tuple[Array, ...]) -> Any:
        """Arrays that `run` returned, as Tensors in the structure that the function returns."""
        if self._single:
            return new_tensor(arrays[0], params=RESULT, requires_grad=self._cut[0], role="constant")
        marked = zip(arrays, self._cut, strict=True)
        following = (new_tensor(array, params=RESULT, requires_grad=cut, role="constant") for array, cut in marked)
        return map_leaves(lambda x: next(following) if isinstance(x, Node) else x, self.graph.returned)

    def snapshot(self) -> Snapshot:
        """What a run of the program changes, as it is now."""
        draws = [generator.bit_generator.state for generator in self.generators.values()]
        return Snapshot([array_of(tensor).copy() for tensor in self._state], draws)

    def restore(self, snapshot: Snapshot) -> None:
        """Put everything back as it was."""
        for tensor, array in zip(self._state, snapshot.state, strict=True):
            np.copyto(array_of(tensor), array)
        for generator, state in zip(self.generators.values(), snapshot.draws, strict=True):
            generator.bit_generator.state = state
        if self._state:
            touch(*self._state)

    def _explain(self, error: BaseException) -> None:
        """Say in the error whether state was written already."""
        frame, line = error.__traceback__, 0
        while frame is not None:
            if frame.tb_frame.f_code.co_filename == self.file:
                line = frame.tb_lineno
            frame = frame.tb_next
        if line >= self.printed.first_write:
            touch(*self._state)
            error.add_note(
                "this stopped a compiled call after it began to write: parameters and other state may be half "
                "updated; load a checkpoint before you go on"
            )

    def change(self) -> str | None:
        """The name of something that the program depends on and that is not as it was; None if the program is good."""
        if Op.declared != self._declared:
            return "an operation that was declared again"
        changes = Storage.changes
        moved = changes != self._changes
        if moved or self._settings.others:
            found = self._settings.change(moved)
            if found is not None:
                return found
            if moved and not self.may_be_current():
                return "the memory of a parameter"
            self._changes = changes
        return None

    def may_be_current(self) -> bool:
        """Whether all state is where it was."""
        return all(array_of(tensor) is memory for tensor, memory in self._memory)

    # --- what there is to see -----------------------------------------------------------------------------------------

    @functools.cached_property
    def stats(self) -> Stats:
        plan, places = self.plan, self.plan.places
        buffers = [places.array(value) for block in plan.blocks for value in block.members]
        return Stats(
            instructions=len(plan.instructions) + len(plan.copies),
            buffers=len(buffers),
            bytes_before_reuse=sum(array.nbytes for array in buffers),
            bytes=plan.nbytes,
            flops=sum(map(flops_of, dict.fromkeys(one.node for one in plan.instructions))),
        )

    def profile(self, lines: int = 10) -> Profile:
        """The dearest lines, timed on the arguments of the last call; state is put back."""
        return profile(self, self._arguments, lines)

    def save_source(self, path: str | os.PathLike[str]) -> None:
        """Write the program as a script for NumPy alone; see `Compiled.save_source`."""
        from minigrad.compiler.script import save_script

        save_script(self, path)

    def __repr__(self) -> str:
        takes = ", ".join(
            f"{printable(node.name or f'%{node.number}')} {node.shape} {node.dtype}" for node in self.graph.inputs
        )
        return f"<program of {takes or 'no arrays'}: {self.stats.instructions} instructions>"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        from minigrad.drawing.notebook import show_program

        return show_program(self)
