"""Loops over pieces whose turns are shared among threads.

In comes a plan, and out goes one in which such loops know what else each further thread writes to: what is needed in
one turn only has a twin per thread. Which loops these are, `pieces.py` has found; how many threads, users say.
"""

from __future__ import annotations

import functools
import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from minigrad.compiler.expressions import Value, substitute
from minigrad.compiler.instructions import Instruction, Loop
from minigrad.compiler.places import Place, Places
from minigrad.compiler.plan import Plan

VARIABLES = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")  # which tell BLAS how many

_count: int | None = None
_limiting = threading.Lock()  # held by the one program that limits BLAS


def use_threads(count: int | None) -> None:
    """Let compiled functions share their long loops among `count` threads.

    It holds for the whole process, and for programs that are made from now on. Those over arrays of megabytes gain:
    each thread takes its part of a batch, pieces of some 4 MB, through products and all else. Results have the same
    bits for any number, since pieces do not depend on it. While such a program runs, BLAS uses one thread for each
    product: its own would be in the way, since they wait without sleeping. Programs whose calls are short are what they
    were, and ops of yours are called in one thread.

    Args:
        count: threads; no more than there are cores, or they wait for each other. None, as at first: products are left
            whole and to the threads of BLAS, everything else to one.

    Raises:
        ValueError: a count below 1.
        ModuleNotFoundError: threadpoolctl is not installed, and no environment variable limits BLAS to one thread.

    >>> use_threads(None)
    """
    global _count
    if count is not None:
        if not isinstance(count, (int, np.integer)) or isinstance(count, bool) or count < 1:
            raise ValueError(f"use_threads: expected a whole number of threads, 1 or more, or None, got {count!r}")
        _find_blas()
    _count = None if count is None else int(count)


def count_threads() -> int | None:
    """Among how many threads programs share their loops; None where they do not."""
    return _count


@functools.cache
def _find_blas() -> Any:
    """What limits the threads of BLAS; None where it is missing, and an environment variable does it."""
    try:
        from threadpoolctl import ThreadpoolController
    except ModuleNotFoundError:
        if any(os.environ.get(name) == "1" for name in VARIABLES):
            return None
        raise ModuleNotFoundError(
            "use_threads needs the library threadpoolctl, part of minigrad's extra `demo`: python -m pip install "
            "threadpoolctl; or set OPENBLAS_NUM_THREADS=1 before Python starts"
        ) from None
    return ThreadpoolController()


def with_one_blas_thread(step: Callable[..., Any]) -> Callable[..., Any]:
    """The function, run while BLAS uses one thread.

    The limit is one of the whole process: whoever begins while it holds sets and lifts none.
    """
    blas = _find_blas()
    if blas is None:
        return step

    def run(*arrays: Any) -> Any:
        if not _limiting.acquire(blocking=False):
            return step(*arrays)
        try:
            with blas.limit(limits=1, user_api="blas"):
                return step(*arrays)
        finally:
            _limiting.release()

    return run


def make_twins(plan: Plan, threads: int) -> Plan:
    """The plan with memory for every thread in the loops that are shared."""
    loops, places = [], dict[Value, Place]()
    for loop in plan.loops:
        inside = plan.instructions[loop.first : loop.last + 1]
        count = min(threads, loop.turns) if loop.shared else 1
        twins = tuple(_twins(plan.places, inside, loop, number) for number in range(1, count))
        for each in twins:
            places |= {twin: _place(plan.places[value], each) for value, twin in each.items()}
        loops.append(loop._replace(twins=twins))
    return plan._replace(loops=loops, places=plan.places.changed(places))


def take_turns_alone(plan: Plan) -> Plan:
    """The plan with the same loops, all turns in one thread."""
    twins = {twin for loop in plan.loops for each in loop.twins for twin in each.values()}
    return plan._replace(
        loops=[loop._replace(twins=()) for loop in plan.loops],
        blocks=[block for block in plan.blocks if block.members[0] not in twins],
    )


def _twins(places: Places, inside: Sequence[Instruction], loop: Loop, number: int) -> dict[Value, Value]:
    """What is needed in one turn only, and its views; for each what a further thread uses instead."""
    return {
        value: Value(value.shape, value.dtype, label=f"{{}}_of_thread_{number}", owner=value)
        for value in dict.fromkeys(_chains(places, inside))
        if places.root(value) in loop.members
    }


def _chains(places: Places, inside: Sequence[Instruction]) -> Iterator[Value]:
    """The values of instructions, each after those that it is a view of."""
    for one in inside:
        for value in (*one.reads, *one.written):
            chain = [value]
            while (base := places[chain[-1]].base) is not None:
                chain.append(base)
            yield from reversed(chain)


def _place(place: Place, twins: Mapping[Value, Value]) -> Place:
    base = None if place.base is None else twins[place.base]
    return Place(place.kind, place.array, base, substitute(place.view, twins))
