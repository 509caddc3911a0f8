"""A mutation run over the engine, the plainest executor, the compiler and the kernels: are small mistakes noticed?

    python tests/mutation/engine.py [compiler/memory.py …] [--sample 120] [--jobs 2] [--output table.md]

All tests run once before, and say which of them reach a line and how long they take; see `reach.py`. Each mutant meets
those that reach it, first the ones that have found most; see `trials.py`. The file as it is has to survive.
"""

from __future__ import annotations

import argparse
import ast
import importlib
import os
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

import pytest  # noqa: E402
from forks import tried  # noqa: E402  # beside this script
from mutants import Mutant, mutants_of, only_for_tests  # noqa: E402
from reach import Reach, measured  # noqa: E402
from report import Result, explanation, report, without_line  # noqa: E402
from trials import OPTIONS, Trials, found_on_import, is_inside_a_function  # noqa: E402

FILES = (
    "core/capture.py", "core/autodiff.py", "core/op.py", "graph/run.py", "graph/captured.py",
    *(f"compiler/{name}.py" for name in (
        "carried", "destinations", "expressions", "instructions", "layouts", "lowerings", "memory", "pieces", "places",
        "plan", "planner", "printer", "rewrite", "rules", "scalars", "script", "simpler",
    )),
    *sorted(f"ops/kernels/{path.name}" for path in (ROOT / "minigrad/ops/kernels").glob("*.py")),
)  # fmt: skip
IMPORTED_BEFORE = (  # what tests and minigrad import, so that no fork has to
    "graphviz", "hypothesis.extra.numpy", "mpmath", "numpy.lib.stride_tricks", "numpy.testing", "pytest", "safetensors",
)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("files", nargs="*", default=FILES, help="below minigrad/")
    parser.add_argument("--sample", type=int, help="so many mutants of each file, the same ones every time")
    parser.add_argument("--skip", type=int, default=0, help="leave out the first ones of the sample, tried before")
    parser.add_argument("--again", type=Path, help="the output of a former run: only what survived there unexplained")
    parser.add_argument("--reach", type=Path, help="where it is kept which tests reach which line; measured if missing")
    parser.add_argument("--seconds", type=float, default=60, help="of tests that each mutant meets at most")
    parser.add_argument("--jobs", type=int, default=1, help="how many at a time")
    parser.add_argument("--output", type=Path, help="a file for the result, beside the screen")
    args = parser.parse_args()
    mutants = [mutant for file in args.files for mutant in mutants_in(file, args.sample, args.skip)]
    if args.again:
        former = {without_line(line) for line in args.again.read_text("utf-8").splitlines()}
        mutants = [mutant for mutant in mutants if mutant.text_without_line in former]
    for module in IMPORTED_BEFORE:
        importlib.import_module(module)
    with tempfile.TemporaryDirectory() as folder:
        reach = measured(args.reach or Path(folder) / "reach.json", args.files)
    started = time.monotonic()
    finders: dict[str, Counter[str]] = {file: Counter() for file in args.files}
    results = []

    def try_each(found_by: Callable[..., str], mutants: list[Mutant]) -> None:
        def verdict(mutant: Mutant) -> str:
            tests = chosen_tests(mutant, reach, finders[mutant.file], args.seconds)
            return found_by(mutant, tests, sum(reach.seconds[test] for test in tests))

        files = dict.fromkeys(mutant.file for mutant in mutants)
        controls = [Mutant(file, "", 0, 0, 0, "nothing", "nothing", "") for file in files]
        for mutant, found in tried([*controls, *mutants], verdict, args.jobs):
            print(f"{mutant}  [{found or 'SURVIVED'}]  {time.monotonic() - started:.0f} s", flush=True)
            if mutant not in controls:
                finders[mutant.file][found] += 1
                results.append(Result(mutant, found, "" if found else explanation(mutant)))
            elif found:
                raise SystemExit(f"{mutant.file} is refused as it is: {found}")

    inside = [mutant for mutant in mutants if is_inside_a_function(mutant)]
    try_each(found_on_import, [mutant for mutant in mutants if mutant not in inside])
    trials = Trials(args.files, lambda trials: try_each(trials.found_by, inside))
    pytest.main([*OPTIONS, *dict.fromkeys(test.partition("::")[0] for test in reach.seconds)], plugins=[trials])
    results.sort(key=lambda result: mutants.index(result.mutant))
    text = report(results, time.monotonic() - started)
    print(text)
    if args.output:
        args.output.write_text(text, encoding="utf-8", newline="\n")


def mutants_in(file: str, sample: int | None, skipped: int) -> list[Mutant]:
    """So many mutants of a file; those of a smaller sample are among them."""
    source = (ROOT / "minigrad" / file).read_bytes()
    found = mutants_of(file, source, only_for_tests(ast.parse(source).body, set()))
    random.Random(file).shuffle(found)
    return sorted(found[skipped:sample], key=lambda mutant: mutant.line)


def chosen_tests(mutant: Mutant, reach: Reach, finders: Counter[str], seconds: float) -> list[str]:
    """Of the tests that reach a mutant, those that fit into so many seconds.

    First those of the file that mirrors its file, then what has found most for its time.
    """

    def rank(test: str) -> tuple[bool, float]:
        elsewhere = Path(test.partition("::")[0]).stem != f"test_{Path(mutant.file).stem}"
        return elsewhere, reach.seconds[test] / (finders[test] + 0.25)

    found = []
    for test in sorted(reach.tests_of(mutant.file, mutant.line), key=rank):
        seconds -= reach.seconds[test]
        if seconds > 0:
            found.append(test)
    return found


if __name__ == "__main__":
    main()
