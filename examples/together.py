"""Processes that work on one task together and end together, for `scale_out.py`.

If one of them dies or is silent for too long, the others would wait for it: all are ended, and an error says what
each of them did and printed last. What a process prints goes into a file of its own, whose growth is the sign of life.
"""

import multiprocessing
import os
import socket
import sys
import time
import traceback
from collections.abc import Callable
from multiprocessing.connection import wait
from pathlib import Path


def run_together(task: Callable[[int], object], count: int, folder: Path, patience: float) -> list[str]:
    """Call `task(number)` in each of `count` processes; what they have printed when all are through."""
    spawn = multiprocessing.get_context("spawn")  # a fork would inherit locks that threads of this process hold
    logs = [folder / f"process_{number}.log" for number in range(count)]
    processes = [spawn.Process(target=_work, args=(task, number, log)) for number, log in enumerate(logs)]
    try:
        for process, log in zip(processes, logs, strict=True):
            log.write_text("")
            process.start()
        while running := [process.sentinel for process in processes if process.exitcode is None]:
            wait(running, timeout=1)
            silences = [time.time() - log.stat().st_mtime for log in logs]
            codes = [process.exitcode for process in processes]
            silent = any(code is None and silence > patience for code, silence in zip(codes, silences, strict=True))
            if silent or any(codes):
                raise SystemExit(_describe(codes, silences, logs))
    finally:
        for process in processes:
            if process.pid is not None:
                process.kill()  # SIGTERM, which JAX catches, would not end it
                process.join()
    return [log.read_text("utf-8") for log in logs]


def free_address() -> str:
    """An address of this machine at which nobody listens, for processes to meet."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return "{}:{}".format(*free.getsockname())


def _work(task: Callable[[int], object], number: int, log: Path) -> None:
    with log.open("a") as file:
        os.dup2(file.fileno(), sys.stdout.fileno())
        os.dup2(file.fileno(), sys.stderr.fileno())
    sys.stdout.reconfigure(encoding="utf-8", line_buffering=True)
    sys.stderr.reconfigure(encoding="utf-8")
    print(f"process {number} is {os.getpid()}")
    try:
        task(number)
    except BaseException:
        traceback.print_exc()
        os._exit(1)  # at a regular exit JAX waits until the others leave too


def _describe(codes: list[int | None], silences: list[float], logs: list[Path]) -> str:
    fates = [_fate(code, silence) for code, silence in zip(codes, silences, strict=True)]
    first = max(range(len(codes)), key=lambda number: (bool(codes[number]), codes[number] is None, silences[number]))
    lines = [f"Process {first} {fates[first]}. The processes wait for each other, so all of them are ended."]
    for number, (fate, log) in enumerate(zip(fates, logs, strict=True)):
        printed = log.read_text("utf-8", errors="replace").splitlines()[-3:]
        lines += [f"Process {number} {fate}; the end of {log}:", *(f"    {line}" for line in printed)]
    return "\n".join(lines)


def _fate(code: int | None, silence: float) -> str:
    if code is None:
        return f"has printed nothing for {silence:.1f} s"
    return f"was killed by signal {-code}" if code < 0 else f"has left with exit code {code}"
