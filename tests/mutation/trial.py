"""One mutant on trial: put in the place of the right code in this process, which is a fork, and then tested."""

from __future__ import annotations

import ast
import contextlib
import io
import resource
import sys
import types
import warnings
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from mutants import Mutant, name_of

import minigrad as mg
from minigrad.checks.declared import check_refusal
from minigrad.core.record import by_numpy, registry
from minigrad.graph import shapes as engine
from minigrad.ops.specimens import specimens_of

MEMORY = 4 << 30  # bytes; a mutant that wants more fails, and so is found out
FEW = 8  # functions
SECONDS = 100  # of computing; one that takes longer is killed, and so is found out; the right code takes a tenth


def verdict(mutant: Mutant, root: Path, functions: list[str], tests: list[Path]) -> str:
    """What found the mutant out, "" if nothing did: the laws of `functions`, `tests`, or the test of accuracy."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    warnings.simplefilter("error")
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        try:
            install(root / "minigrad/ops" / mutant.file, mutant)
        except Exception as error:
            return f"declaration: {type(error).__name__}"
        by_tests, by_laws = partial(failed_test, tests), partial(broken_law, functions)
        # What nearly all functions use is tested soonest by itself.
        found_by = by_laws() or by_tests() if len(functions) <= FEW else by_tests() or by_laws()
        elementwise = [name for name in functions if getattr(registry[name], "elementwise", False)]
        if elementwise and not found_by:
            found_by = failed_test([root / "tests/ops/test_accuracy.py"], "-k", " or ".join(elementwise))
        return found_by


def broken_law(functions: list[str]) -> str:
    """The first law or refusal that does not hold, "" if all do."""
    for function in (registry[name] for name in functions):
        try:
            specimens = specimens_of(function)
            if specimens.samples:
                mg.check_op(function)
            for refused in () if specimens.samples else specimens.refusals:
                check_refusal(function, refused)
        except Exception as error:
            return f"laws: {' '.join(str(error).split())[:150]}"
    return ""


def failed_test(files: list[Path], *options: str) -> str:
    """The first test in `files` that fails, "" if none does."""
    options = ("-x", "-q", "-n", "0", "-p", "no:cacheprovider", "--no-header", *options)
    files = [file for file in files if file.exists()]
    with contextlib.redirect_stdout(io.StringIO()) as output:
        code = pytest.main([*options, *map(str, files)])
    failed = [line for line in output.getvalue().splitlines() if line.startswith(("FAILED", "ERROR"))]
    return "" if code in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED) else f"tests: {failed}"[:150]


def install(path: Path, mutant: Mutant) -> None:
    """Run the changed file in its module, and let everybody who holds something of the module hold the new one.

    Ops and functions stay the same objects, since others refer to them, and receive what was declared anew.
    """
    module = next(m for m in list(sys.modules.values()) if getattr(m, "__file__", None) == str(path))
    before, functions = dict(vars(module)), dict(registry)
    declared = {name_of(node) for node in ast.parse(path.read_bytes()).body} & registry.keys()
    for name in declared:
        del registry[name]
    exec(compile(mutant.applied(path.read_bytes()), str(path), "exec"), vars(module))
    if declared - registry.keys():
        raise NameError(f"no longer declared: {declared - registry.keys()}")
    kept: dict[int, Any] = {}  # what stays, by the id of what was made anew
    for name, new in registry.items():
        if new is not functions[name]:
            vars(functions[name]).update(vars(new))
            kept[id(new)] = functions[name]
    registry.clear()
    registry.update(functions)
    by_numpy.update({known: kept.get(id(function), function) for known, function in by_numpy.items()})
    replaced: dict[tuple[str, int], Any] = {}
    for name, old in before.items():
        new = vars(module)[name]
        if id(new) in kept:
            vars(module)[name] = kept[id(new)]
        elif isinstance(new, types.FunctionType) and new is not old and name != "_":
            old.__code__, old.__defaults__, old.__kwdefaults__ = new.__code__, new.__defaults__, new.__kwdefaults__
            vars(module)[name] = old
        elif new is not old and not name.startswith("_"):  # a class, a constant, a cached function
            replaced[name, id(old)] = new
    for other in [m for name, m in sys.modules.items() if name.startswith("minigrad.ops")]:
        vars(other).update({name: replaced.get((name, id(value)), value) for name, value in vars(other).items()})
    engine._infer.cache_clear()
