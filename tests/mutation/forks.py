"""Each mutant in a fork of this process, so many at a time."""

from __future__ import annotations

import itertools
import multiprocessing
import time
from collections.abc import Callable, Iterable, Iterator
from multiprocessing.connection import wait
from typing import Any

from mutants import Mutant  # beside this script


def tried(
    mutants: Iterable[Mutant], verdict: Callable[[Mutant], str], jobs: int, seconds: float = 600.0
) -> Iterator[tuple[Mutant, str]]:
    """Each mutant and its verdict, in the order in which they end; one that takes `seconds` is found out by that."""
    fork = multiprocessing.get_context("fork")
    waiting = iter(mutants)
    running: dict[Any, tuple[Mutant, Any, float]] = {}

    def start(mutant: Mutant) -> None:
        receiver, sender = fork.Pipe(duplex=False)
        process = fork.Process(target=lambda: sender.send(verdict(mutant)))
        process.start()
        sender.close()
        running[receiver] = mutant, process, time.monotonic() + seconds

    while True:
        for mutant in itertools.islice(waiting, jobs - len(running)):
            start(mutant)
        if not running:
            return
        soonest = min(deadline for _, _, deadline in running.values())
        ended = wait(list(running), max(0.0, soonest - time.monotonic()))
        for receiver in ended or [r for r, (_, _, deadline) in running.items() if deadline <= time.monotonic()]:
            mutant, process, _ = running.pop(receiver)
            try:
                found_by = receiver.recv() if receiver in ended else "time"
            except EOFError:
                found_by = "time, or a crash"
            process.kill()
            process.join()
            yield mutant, found_by
