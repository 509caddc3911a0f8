"""Trials of mutants: in a fork, one file of minigrad is another one, and tests run that reach the change.

A mutant inside a function is tried in a process that has collected all tests: each fork gives the functions of the file
their new code, which is all that differs. Any other changes what runs on import: it is tried in a fork of a process
that has not imported minigrad, which does so with the file changed.
"""

from __future__ import annotations

import ast
import gc
import importlib
import importlib.util
import linecache
import os
import resource
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

import pytest
from mutants import Mutant  # beside this script

ROOT = Path(__file__).resolve().parents[2]
MEMORY = 4 << 30  # bytes; a mutant that wants more fails, and so is found out
OPTIONS = ("-q", "-s", "-n", "0", "-m", "", "-p", "no:cacheprovider", "-p", "no:cov", "--assert=plain")
FEW = 12  # tests that run first, so that the files of all others need not be read


def path_of(mutant: Mutant) -> Path:
    return ROOT / "minigrad" / mutant.file


def name_of_module(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def is_inside_a_function(mutant: Mutant) -> bool:
    """Whether the change lies in the body of a function, which runs when it is called."""
    source = path_of(mutant).read_bytes()
    starts = [0]
    for line in source.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, (ast.FunctionDef, ast.Lambda)):
            first, last = (node.body[0], node.body[-1]) if isinstance(node, ast.FunctionDef) else (node.body, node.body)
            begin = starts[first.lineno - 1] + first.col_offset
            end = starts[(last.end_lineno or 0) - 1] + (last.end_col_offset or 0)
            if begin <= mutant.start and mutant.end <= end:
                return True
    return False


def limit(seconds: float) -> None:
    """In a fork: so much computing, and no output. What takes longer is killed, and so is found out."""
    allowed = 20 + int(3 * seconds)
    resource.setrlimit(resource.RLIMIT_CPU, (allowed, allowed))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    os.chdir(ROOT)


class Failures:
    """A plugin of pytest: the first test that fails."""

    def __init__(self) -> None:
        self.first = ""

    def pytest_runtest_logreport(self, report: Any) -> None:
        if report.failed:
            self.first = self.first or report.nodeid

    def pytest_collectreport(self, report: Any) -> None:
        if report.failed:
            self.first = self.first or f"import: {report.nodeid}"


# --- inside functions -------------------------------------------------------------------------------------------------


class Trials(Failures):
    """A plugin of pytest that runs a function, `every`, in the place of the tests; there `found_by` tries a mutant."""

    def __init__(self, files: Iterable[str], every: Callable[[Trials], None]) -> None:
        super().__init__()
        self.files, self.every = files, every

    def pytest_runtestloop(self, session: Any) -> bool:
        for file in self.files:  # what is imported when it is needed, too
            importlib.import_module(name_of_module(ROOT / "minigrad" / file))
        self.items = {item.nodeid: item for item in session.items}
        self.functions = [one for one in gc.get_objects() if isinstance(one, FunctionType)]
        gc.freeze()  # so that forks need not copy what they only look at
        self.every(self)
        return True

    def found_by(self, mutant: Mutant, tests: Sequence[str], seconds: float) -> str:
        """In a fork: the first of these tests that fails with the mutant, "" if none does."""
        limit(seconds)
        try:
            give_new_code(mutant, self.functions)
        except SyntaxError:
            return "syntax"
        items = [self.items[test] for test in tests if test in self.items]
        for item, following in zip(items, [*items[1:], None], strict=True):
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            if self.first:
                break
        return self.first


def give_new_code(mutant: Mutant, functions: Sequence[FunctionType]) -> None:
    """Let the functions of the mutant's file run its code."""
    path = path_of(mutant)
    right = path.read_bytes()
    wrong = mutant.applied(right)
    show_source(path, wrong)
    old, new = (names_of_functions(compile(source, str(path), "exec", dont_inherit=True)) for source in (right, wrong))
    known = {key_of(code): name for name, code in old.items()}
    for function in functions:
        name = known.get(key_of(function.__code__)) if function.__code__.co_filename == str(path) else None
        if name in new:
            function.__code__ = new[name]


def names_of_functions(module: CodeType) -> dict[tuple[str, int], CodeType]:
    """The code of each function, by its name and how many of that name there were before."""
    found: dict[tuple[str, int], CodeType] = {}
    counts: Counter[str] = Counter()
    for code in codes_in(module):
        found[code.co_qualname, counts[code.co_qualname]] = code
        counts[code.co_qualname] += 1
    return found


def codes_in(code: CodeType) -> Iterator[CodeType]:
    """The code of functions and classes in the code of a module, in order."""
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield inner
            yield from codes_in(inner)


def key_of(code: CodeType) -> tuple[Any, ...]:
    return code.co_qualname, code.co_firstlineno, *next(iter(code.co_positions()), ())


# --- what runs on import ----------------------------------------------------------------------------------------------


class Changed(SourceFileLoader, MetaPathFinder):
    """Imports one file with other source."""

    def __init__(self, path: Path, source: bytes) -> None:
        super().__init__(name_of_module(path), str(path))
        self.source = source

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        if fullname != self.name:
            return None
        return importlib.util.spec_from_file_location(fullname, self.path, loader=self)

    def get_code(self, fullname: str) -> CodeType:
        code: CodeType = compile(self.source, self.path, "exec", dont_inherit=True)
        return code


class Chosen(Failures):
    """A plugin of pytest: some of the tests, in their order."""

    def __init__(self, tests: Sequence[str]) -> None:
        super().__init__()
        self.order = {test: number for number, test in enumerate(tests)}

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        items[:] = sorted((x for x in items if x.nodeid in self.order), key=lambda x: self.order[x.nodeid])


def found_on_import(mutant: Mutant, tests: Sequence[str], seconds: float) -> str:
    """In a fork: the first of these tests that fails with the mutant, "" if none does."""
    limit(seconds)
    source = mutant.applied(path_of(mutant).read_bytes())
    show_source(path_of(mutant), source)
    sys.meta_path.insert(0, Changed(path_of(mutant), source))
    return first_failure(tests[:FEW]) or first_failure(tests[FEW:])


def first_failure(tests: Sequence[str]) -> str:
    if not tests:
        return ""
    chosen = Chosen(tests)
    code = pytest.main([*OPTIONS, "-x", *dict.fromkeys(test.partition("::")[0] for test in tests)], plugins=[chosen])
    ended_well = code in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED)
    return chosen.first or ("" if ended_well else f"pytest: {code}")


def show_source(path: Path, source: bytes) -> None:
    """Let Python's own tools see this source, which saved scripts are made of."""
    linecache.cache[str(path)] = len(source), None, source.decode().splitlines(keepends=True), str(path)
