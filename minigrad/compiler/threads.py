"""Loops over pieces whose turns are shared among threads.

In comes a plan, and out goes one in which some loops know what else each further thread writes to: what is needed in
one turn only has a twin per thread. Pieces are the same for any number of threads, and so are results, to the bit.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence

from minigrad.compiler.expressions import Value, substitute
from minigrad.compiler.instructions import Instruction, Loop
from minigrad.compiler.places import Place, Places
from minigrad.compiler.plan import Plan

WORTH = 2**22  # bytes written in all turns: as long as waking another thread takes ten times


def count_threads() -> int:
    """As many as BLAS is told to use, or as there are cores."""
    for name in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS"):
        if os.environ.get(name, "").isdecimal():
            return max(1, int(os.environ[name]))
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def share_loops(plan: Plan, threads: int) -> Plan:
    """The plan with its longer loops shared among so many threads."""
    loops, places = [], dict[Value, Place]()
    for loop in plan.loops:
        inside = plan.instructions[loop.first : loop.last + 1]
        count = min(threads, loop.turns)
        if count > 1 and sum(x.size * x.dtype.itemsize for one in inside for x in one.written) >= WORTH:
            twins = tuple(_twins(plan.places, inside, loop, number) for number in range(1, count))
            for each in twins:
                places |= {twin: _place(plan.places[value], each) for value, twin in each.items()}
            loop = loop._replace(twins=twins)
        loops.append(loop)
    return plan._replace(loops=loops, places=plan.places.changed(places))


def _twins(places: Places, inside: Sequence[Instruction], loop: Loop, number: int) -> dict[Value, Value]:
    """What is needed in one turn only, and its views; for each what a further thread uses instead."""
    return {
        value: Value(value.shape, value.dtype, label=f"{{}}_of_thread_{number}", owner=value)
        for value in dict.fromkeys(_chain(places, inside))
        if places.root(value) in loop.members
    }


def _chain(places: Places, inside: Sequence[Instruction]) -> Iterator[Value]:
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
