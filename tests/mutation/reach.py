"""Which tests reach which line of a file, and how long each test takes: from one run of them under coverage."""

from __future__ import annotations

import ast
import json
import multiprocessing
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
TESTS = (
    "tests/compiler", "tests/core", "tests/graph", "tests/ops", "tests/checks", "tests/optim", "tests/nn",
    "tests/trust", "tests/test_transforms.py",
)  # fmt: skip
LEAST = 0.002  # seconds of a test: what it takes to begin one


@dataclass
class Reach:
    """Tests by file and line, and the seconds that each takes."""

    lines: dict[str, dict[int, list[str]]]
    seconds: dict[str, float]

    def tests_of(self, file: str, line: int) -> list[str]:
        """The tests that reach a line; where it runs on import only, all that reach the file."""
        lines = self.lines.get(file, {})
        source = (ROOT / "minigrad" / file).read_text("utf-8")
        found = {test for n in lines_of_statement(source, line) for test in lines.get(n, ())}
        return sorted(found or {test for tests in lines.values() for test in tests})


def lines_of_statement(source: str, line: int) -> list[int]:
    """The lines of the innermost simple statement at a line, or of the head of a compound one."""
    best = range(line, line + 1)
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.stmt) and node.lineno <= line <= (node.end_lineno or 0):
            body = getattr(node, "body", None)
            end = body[0].lineno - 1 if body else node.end_lineno or line
            if line <= end and not isinstance(node, (ast.FunctionDef, ast.ClassDef)):
                best = range(node.lineno, end + 1)
    return list(best)


class Witness:
    """A plugin of pytest: which test is running, for coverage, and how long each takes."""

    def __init__(self, coverage: Any) -> None:
        self.coverage = coverage
        self.seconds: dict[str, float] = {}

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: Any) -> Iterator[None]:
        self.coverage.switch_context(item.nodeid)
        return (yield)

    def pytest_runtest_logreport(self, report: Any) -> None:
        if report.passed:
            self.seconds[report.nodeid] = self.seconds.get(report.nodeid, LEAST) + report.duration


def measured(path: Path, files: Iterable[str]) -> Reach:
    """The reach that is kept in a file, or a new one."""
    if not path.exists():
        process = multiprocessing.get_context("fork").Process(target=measure, args=(path, tuple(files)))
        process.start()
        process.join()
    kept = json.loads(path.read_text("utf-8"))
    lines = {file: {int(n): tests for n, tests in found.items()} for file, found in kept["lines"].items()}
    return Reach(lines, kept["seconds"])


def measure(path: Path, files: tuple[str, ...]) -> None:
    """Run all tests under coverage, and write down what they reach."""
    from coverage import Coverage  # of the extra dev

    os.environ["COVERAGE_CORE"] = "ctrace"  # which can tell tests apart
    coverage = Coverage(data_file=None, include=[str(ROOT / "minigrad" / file) for file in files])
    witness = Witness(coverage)
    os.chdir(ROOT)
    coverage.start()
    pytest.main(
        ["-q", "-n", "0", "-p", "no:cacheprovider", "-p", "no:cov", "--assert=plain", *TESTS], plugins=[witness]
    )
    coverage.stop()
    lines = {}
    for file in files:
        found = coverage.get_data().contexts_by_lineno(str(ROOT / "minigrad" / file))
        lines[file] = {line: sorted(witness.seconds.keys() & tests) for line, tests in found.items()}
    path.write_text(json.dumps({"lines": lines, "seconds": witness.seconds}), "utf-8")
