"""What a saved script does beside its steps: it loads what is saved with it, and runs when it is told to.

These functions are copied into every script, so they use NumPy and Python alone. Called by scripts.
"""

from __future__ import annotations

import functools
import inspect
import io
import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np


def stored(script: str, kind: str) -> dict[str, Any]:
    """The arrays of one kind that are saved beside the script, by name."""
    with np.load(Path(script).with_suffix(".npz"), allow_pickle=False) as file:
        return {name.partition("/")[2]: file[name] for name in file.files if name.startswith(f"{kind}/")}


def restored(text: Any) -> np.random.Generator:
    """The generator of random numbers in the state that `text` describes."""
    state = json.loads(str(text))
    bits = getattr(np.random, state["bit_generator"])()
    bits.state = state
    return np.random.Generator(bits)


def checked(
    step: Callable[..., Any], expected: Mapping[str, tuple[tuple[int, ...], str]], state: Mapping[str, Any]
) -> Callable[..., Any]:
    """`step` for arrays of these shapes and types alone; those that lie where state does are copied first."""

    def owner_of(array: Any) -> Any:
        while isinstance(array.base, np.ndarray):
            array = array.base
        return array

    owners = {id(owner_of(array)) for array in state.values()}

    @functools.wraps(step)
    def checked_step(*given: Any, **named: Any) -> Any:
        arrays = inspect.signature(step).bind(*given, **named).arguments
        for name, (shape, dtype) in expected.items():
            array = arrays[name]
            if not isinstance(array, np.ndarray) or array.shape != shape or array.dtype != dtype:
                kind = f"{array.dtype} {array.shape}" if hasattr(array, "dtype") else type(array).__name__
                raise TypeError(f"step: argument {name!r} must be an array {dtype} {shape}, got {kind}")
        return step(*[array.copy() if id(owner_of(array)) in owners else array for array in arrays.values()])

    return checked_step


def run(step: Callable[..., Sequence[Any]], arguments: Mapping[str, Any], outputs: Sequence[str]) -> None:
    """Take steps, show what the first and the last of them return, and how long one takes."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    seconds = 0.0
    for number in range(1, count + 1):
        begin = time.perf_counter()
        results = step(*arguments.values())
        seconds += time.perf_counter() - begin
        if number in (1, count):
            for name, result in zip(outputs, results, strict=True):
                text = np.array2string(result, precision=6, threshold=8, edgeitems=2)
                print(f"step {number}: {name} {result.shape} {result.dtype}", " ".join(text.split()))
    print(f"{seconds / max(count, 1) * 1e6:.1f} µs per step")
