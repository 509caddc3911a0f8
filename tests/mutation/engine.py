"""A mutation run over the engine, the plainest executor and the compiler: are small mistakes noticed? By hand:

    python tests/mutation/engine.py [core/op.py …] [--sample 120] [--jobs 2] [--output table.md]

What everything imports cannot be changed in a process that runs already, as `run.py` does it: here each job has a copy
of the tree, in which one file is changed at a time, and pytest runs there in a process of its own. First the tests that
mirror the file, then those of everything that stands on it. The copy as it is has to pass before.
"""

from __future__ import annotations

import argparse
import ast
import os
import queue
import random
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from mutants import Mutant, mutants_of, only_for_tests  # noqa: E402  # beside this script
from run import Result, explanation, report, without_line  # noqa: E402

FILES = ("core/capture.py", "core/autodiff.py", "core/op.py", "graph/run.py", "graph/captured.py")
MIRRORS = {
    "core/capture.py": ("core/test_capture.py", "compiler/test_arguments.py", "compiler/test_state.py", "optim"),
    "core/autodiff.py": (
        "core/test_autodiff.py",
        "core/test_mutation.py",
        "core/test_messages.py",
        "test_transforms.py",
    ),
    "core/op.py": ("core/test_tensor.py", "core/test_messages.py", "core/test_modes.py", "core/test_autodiff.py"),
    "graph/run.py": ("graph/test_run.py", "graph/test_expand.py", "compiler/test_compiled.py"),
    "graph/captured.py": (
        "core/test_capture.py",
        "graph/test_build.py",
        "compiler/test_arguments.py",
        "compiler/test_state.py",
    ),
}
COMPILER = (
    "carried", "destinations", "expressions", "instructions", "layouts", "lowerings", "memory", "pieces", "places",
    "plan", "planner", "printer", "rewrite", "rules", "scalars", "script", "simpler",
)  # fmt: skip
MIRRORS |= dict.fromkeys((f"compiler/{name}.py" for name in COMPILER), tuple(
    f"compiler/test_{name}.py"
    for name in ("memory", "pieces", "printer", "rules", "state", "compiled", "laws", "random_updates", "script")
))  # fmt: skip
SLOW = (
    "core/test_resources.py", "core/test_concurrency.py", "trust/test_law_names.py", "trust/test_law1_arguments.py",
    "trust/test_law1_programs.py", "trust/test_law2_choices_not_taken.py", "trust/test_law4_half_precision.py",
    "trust/test_law8_checks.py", "trust/test_special_values_of_all_ops.py", "trust/test_command_line.py",
    "trust/test_program_text.py", "trust/test_machines.py", "trust/test_cache.py", "trust/test_growth.py",
    "trust/test_law_growth.py",
)  # fmt: skip
FAST = ("trust", "core", "graph", "optim", "nn/test_module.py", "compiler/test_compiled.py", "compiler/test_state.py")
REST = ("wording", "compiler", "checks", "nn", "test_transforms.py")
SECONDS = (90, 300, 600, 900)  # of pytest in each stage; a mutant that takes longer is found out


class Copy:
    """A copy of the tree, in which one file at a time is changed."""

    def __init__(self, folder: Path, stages: int) -> None:
        self.folder, self.stages = folder, stages
        for name in ("minigrad", "tests", "examples", "pyproject.toml", "README.md", "docs"):
            source = ROOT / name
            if source.is_dir():
                shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, folder / name)

    def found_by(self, mutant: Mutant) -> str:
        """What found the mutant out, "" if nothing did."""
        path = self.folder / "minigrad" / mutant.file
        right = path.read_bytes()
        path.write_bytes(mutant.applied(right))
        for compiled in path.parent.glob(f"__pycache__/{path.stem}.*"):  # as long and as old as the next one, perhaps
            compiled.unlink()
        try:
            fast = (*FAST, *(f"--deselect=tests/{name}" for name in SLOW))
            stages = list(zip((MIRRORS[mutant.file], fast, SLOW, REST), SECONDS, strict=True))[: self.stages]
            return next((failed for tests, seconds in stages if (failed := self.failed(tests, seconds))), "")
        finally:
            path.write_bytes(right)

    def failed(self, tests: tuple[str, ...], seconds: float) -> str:
        """The first test that fails."""
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-n", "0", "-m", "", "-p", "no:cacheprovider"]
        command += [name if name.startswith("-") else f"tests/{name}" for name in tests]
        environment = os.environ | {"PYTHONPATH": str(self.folder), "OPENBLAS_NUM_THREADS": "1"}
        try:
            done = subprocess.run(
                command, cwd=self.folder, env=environment, capture_output=True, text=True, timeout=seconds, check=False
            )
        except subprocess.TimeoutExpired:
            return "time"
        if done.returncode == 0:
            return ""
        lines = [line for line in done.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
        return f"tests: {lines or done.stdout.splitlines()[-3:] + done.stderr.splitlines()[-3:]}"[:200]


def mutants_in(file: str, sample: int | None) -> list[Mutant]:
    source = (ROOT / "minigrad" / file).read_bytes()
    found = mutants_of(file, source, only_for_tests(ast.parse(source).body, set()))
    if sample is None or sample >= len(found):
        return found
    return sorted(random.Random(file).sample(found, sample), key=lambda mutant: mutant.line)


def main() -> None:
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("files", nargs="*", default=FILES, help="below minigrad/")
    parser.add_argument("--sample", type=int, help="so many mutants of each file, the same ones every time")
    parser.add_argument("--again", type=Path, help="the output of a former run: only what survived there unexplained")
    parser.add_argument("--stages", type=int, default=4, help="of the tests: 1 for those that mirror the file alone")
    parser.add_argument("--jobs", type=int, default=1, help="how many at a time")
    parser.add_argument("--output", type=Path, help="a file for the result, beside the screen")
    args = parser.parse_args()
    mutants = [mutant for file in args.files for mutant in mutants_in(file, args.sample)]
    if args.again:
        former = {without_line(line) for line in args.again.read_text("utf-8").splitlines()}
        mutants = [mutant for mutant in mutants if mutant.text_without_line in former]
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(args.jobs) as pool:
        copies: queue.SimpleQueue[Copy] = queue.SimpleQueue()
        for number in range(args.jobs):
            copies.put(Copy(Path(folder) / str(number), args.stages))

        def tried(mutant: Mutant) -> Result:
            copy = copies.get()
            try:
                found_by = copy.found_by(mutant)
            finally:
                copies.put(copy)
            print(f"{mutant}  [{found_by or 'SURVIVED'}]  {time.monotonic() - started:.0f} s", flush=True)
            return Result(mutant, found_by, "" if found_by else explanation(mutant))

        control = Mutant(args.files[0], "", 0, 0, 0, "nothing", "nothing", "")
        if refused := tried(control).found_by:
            raise SystemExit(f"the tree is refused as it is: {refused}")
        results = list(pool.map(tried, mutants))
    text = report(results, time.monotonic() - started)
    print(text)
    if args.output:
        args.output.write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
