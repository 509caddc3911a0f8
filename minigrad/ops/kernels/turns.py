"""Turns of a loop, shared among threads: NumPy releases the interpreter while it computes."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from typing import Any


def share_turns(turns: Callable[..., None], numbers: range, memories: Sequence[tuple[Any, ...]]) -> None:
    """`turns(some of the numbers, *memory)` for each memory, in a thread of its own; the first in this one.

    Returns when all are done, and raises what one of them raised.
    """
    share = -(-len(numbers) // len(memories))
    parts = [(numbers[i * share : (i + 1) * share], *memory) for i, memory in enumerate(memories)]
    waiting: list[Future[None]] = []
    try:
        for part in parts[1:]:  # a context each, for NumPy's errstate
            waiting.append(helping_threads(len(memories) - 1).submit(copy_context().run, turns, *part))
    except RuntimeError:  # no more threads are to be had, or Python is about to end
        pass
    try:
        for part in (parts[0], *parts[1 + len(waiting) :]):
            turns(*part)
    finally:
        errors = [task.exception() for task in waiting]  # nobody writes any more when this is left
    for error in errors:
        if error is not None:
            raise error


@functools.cache
def helping_threads(count: int) -> ThreadPoolExecutor:
    """So many threads that wait for work."""
    return ThreadPoolExecutor(count, thread_name_prefix="minigrad")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=helping_threads.cache_clear)  # a child has none of its parent's threads
