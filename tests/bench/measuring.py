"""What the benchmark scripts share: their parts, the least time of a call, processes, memory, the machine."""

import argparse
import importlib.metadata
import importlib.util
import multiprocessing
import os
import platform
import time
from pathlib import Path

PEERS = ("torch", "jax", "autograd", "mygrad", "tinygrad", "torchviz", "safetensors")


def parse_parts(description, parts, what_is_quick):
    """Which of the parts are asked for, all of them by default, and whether it is to be quick."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="part", help=f"any of {', '.join(parts)}; all of them by default")
    parser.add_argument("--quick", action="store_true", help=what_is_quick)
    args = parser.parse_args()
    unknown = [part for part in args.parts if part not in parts]
    if unknown:
        parser.error(f"no part is called {unknown[0]!r}; there are {', '.join(parts)}")
    return args.parts or list(parts), args.quick


def least(run, rounds, seconds=0.0):
    """The least seconds of so many calls, and of more while time is left."""
    times, end = [], time.perf_counter() + seconds
    while len(times) < rounds or time.perf_counter() < end:
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return min(times)


def in_a_new_process(function, *arguments):
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(function, arguments)


def peak_megabytes():
    return kilobytes("VmHWM") / 1024


def resident_megabytes():
    return kilobytes("VmRSS") / 1024


def kilobytes(key):
    """What Linux counts for this process alone; `ru_maxrss` of a new process begins where its parent was."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith(key)))


def processor():
    """The name of the processor, as `lscpu` has it."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.machine())


def describe_machine():
    """The processor, its cores, and the versions of everything that takes part."""
    system = f"{processor()}, {os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}"
    peers = [
        f"{name} {importlib.metadata.version(name)}" for name in ("numpy", *PEERS) if importlib.util.find_spec(name)
    ]
    return f"{system}; {', '.join(peers)}"
