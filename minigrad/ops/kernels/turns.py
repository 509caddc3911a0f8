"""Turns of a loop, shared among threads: NumPy releases the interpreter while it computes."""

from __future__ import annotations

import functools
import os
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from typing import Any

Turns = Callable[..., None]


def share_turns(turns: Turns, numbers: range, memories: Sequence[tuple[Any, ...]]) -> None:
    """`turns(some of the numbers, *memory)` once for each memory, in as many threads as are free, this one among them.

    Returns when all are done, and raises what one of them raised.
    """
    share = -(-len(numbers) // len(memories))
    parts = deque((numbers[i * share : (i + 1) * share], *memory) for i, memory in enumerate(memories))
    helpers: list[Future[None]] = []
    try:
        try:
            for _ in memories[1:]:  # a context each, for NumPy's errstate
                pool = helping_threads(len(memories) - 1)
                helpers.append(pool.submit(copy_context().run, take_parts, turns, parts))
        except RuntimeError:  # no more threads are to be had, or Python is about to end
            helping_threads.cache_clear()  # or what they were told would be kept for ever
        take_parts(turns, parts)
    finally:
        parts.clear()
        errors = wait_for(helpers)
    for error in errors:
        if error is not None:
            raise error


def take_parts(turns: Turns, parts: deque[tuple[Any, ...]]) -> None:
    """Each part goes to whoever comes first: who is late, or busy for others, finds nothing left to do."""
    while True:
        try:
            part = parts.popleft()
        except IndexError:
            return
        turns(*part)


def wait_for(helpers: Sequence[Future[None]]) -> list[BaseException | None]:
    """What those who have begun raised; the rest need not begin. Nobody writes any more when this is left."""
    try:
        return [helper.exception() for helper in helpers if not helper.cancel()]
    except BaseException:  # Ctrl-C, while this waits
        wait_for(helpers)
        raise


@functools.cache
def helping_threads(count: int) -> ThreadPoolExecutor:
    """So many threads that wait for work."""
    return ThreadPoolExecutor(count, thread_name_prefix="minigrad")


# A child has none of its parent's threads; where nobody can fork there is no such function.
getattr(os, "register_at_fork", dict)(after_in_child=helping_threads.cache_clear)
