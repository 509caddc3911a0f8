"""Saved scripts, many at once: each is run in one fresh process that has NumPy and nothing else.

    problems = check_saved([(step, [y.numpy() for y in results]), …], folder)

What ops of users call is imported: from `tests/trust/importable`, and from `modules`, a folder of one's own.

`step` is a compiled function that has run, and `results` are what its last call returned. A program that writes state
or draws random numbers is compared with another run instead, since a script begins where the program is; its state is
put back. Results are compared bit for bit, but for what NaNs hold beside being NaN.
"""

from __future__ import annotations

import os
import runpy
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

import numpy as np

if TYPE_CHECKING:
    from minigrad.compiler.compiled import Compiled

CANARY = "canary"  # the file that hostile names of other tests try to make in the folder
sys.path.append(str(Path(__file__).with_name("importable")))  # here, and in the fresh process
SECONDS = 900  # after which the process is given up


def check_saved(
    cases: Iterable[tuple[Compiled, Sequence[Any]]], folder: Path, modules: Path | None = None
) -> list[str]:
    """Save every program, run all of them elsewhere, and say which of them did not give what was expected."""
    folder = Path(folder)
    problems = []
    with mock.patch.object(os, "fsync"), np.errstate(all="ignore"):
        for number, (step, expected) in enumerate(cases):
            name = f"case_{number}"
            try:
                step.save_source(folder / f"{name}.py")
            except Exception as error:
                problems.append(f"{name}: it cannot be saved: {type(error).__name__}: {error}")
                continue
            found = _next_results(step.program, folder / f"{name}.npz", expected)
            problems += _other_kinds(name, found, expected)
            if isinstance(found, str):
                (folder / f"{name}_raises.txt").write_text(found)
            else:
                np.savez(folder / f"{name}_expected.npz", **{f"output_{i}": x for i, x in enumerate(found)})
    return problems + run_saved(folder, modules)


def run_saved(folder: Path, modules: Path | None = None) -> list[str]:
    """Run every script of a folder on the arguments beside it, in one process, and compare."""
    beginning = (
        f"import sys, runpy; sys.path += {[str(_numpy_alone(folder)), *([str(modules)] if modules else [])]!r}; "
        f"sys.argv = ['', {str(folder)!r}]; runpy.run_path({__file__!r}, run_name='__main__')"
    )
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "MINIGRAD"))}
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-X", "utf8", "-c", beginning], cwd=folder, env=kept, capture_output=True,
        check=False, encoding="utf-8", errors="backslashreplace", timeout=SECONDS,
    )  # fmt: skip
    problems = [line.removeprefix("problem ") for line in done.stdout.splitlines() if line.startswith("problem ")]
    if done.returncode or not done.stdout.endswith("all done\n"):
        problems.append(f"the process ended with {done.returncode}: {done.stdout[-200:]}{done.stderr[-1000:]}")
    if (folder / CANARY).exists():
        problems.append("a name was run as code")
    return problems


def _next_results(program: Any, saved: Path, expected: Sequence[Any]) -> Sequence[Any] | str:
    """What the text of the program gives on the saved arguments, or the name of what it raises.

    That is what the last call returned, unless state is written, random numbers are drawn or arguments are strided.
    """
    before = program.snapshot()
    with np.load(saved) as file:  # in memory as the script gets them: of strided ones NumPy may round otherwise
        arguments = [file[name] for name in file.files if name.startswith("arguments/")]
    try:
        results: Sequence[Any] = program._step(*arguments)
    except ArithmeticError as error:  # a script has no other way to go on
        return type(error).__name__
    finally:
        program.restore(before)
    strided = any(not (x.flags.c_contiguous or x.flags.f_contiguous) for x in program._arguments)
    return results if program.graph.updates or program.generators or strided else expected


def _other_kinds(name: str, found: Sequence[Any] | str, expected: Sequence[Any]) -> list[str]:
    """Where results are not of the number, shape and type of those that the last call returned."""
    ours = [] if isinstance(found, str) else [(x.shape, x.dtype) for x in found]
    theirs = [] if isinstance(found, str) else [(x.shape, x.dtype) for x in expected]
    return [f"{name}: {ours}, expected {theirs}"] if ours != theirs else []


def _numpy_alone(folder: Path) -> Path:
    """A folder to import from, in which there is NumPy and nothing else."""
    alone = folder / "numpy_alone"
    alone.mkdir(exist_ok=True)
    home = Path(np.__file__).parent
    for part in [home, *home.parent.glob("numpy.libs")]:
        if not (alone / part.name).exists():
            (alone / part.name).symlink_to(part)
    return alone


# --- in the fresh process ---------------------------------------------------------------------------------------------


def main(folder: Path) -> None:
    np.seterr(all="ignore")
    for path in sorted(folder.glob("case_*.py")):
        try:
            found = list(_problems(path))
        except BaseException as error:
            found = [f"{type(error).__name__}: {error}"]
        for problem in found:
            print(f"problem {path.stem}: {problem!a}", flush=True)
    if any(name.partition(".")[0] == "minigrad" for name in sys.modules):
        print("problem minigrad was imported")
    print("all done")


def _problems(path: Path) -> Iterator[str]:
    script = runpy.run_path(str(path))
    with np.load(path.with_suffix(".npz")) as file:
        arguments = [file[name] for name in file.files if name.startswith("arguments/")]
    refusal = path.with_name(f"{path.stem}_raises.txt")
    if refusal.exists():
        try:
            script["step"](*arguments)
        except Exception as error:
            if type(error).__name__ == refusal.read_text():
                return
            raise
        yield f"it does not raise {refusal.read_text()}"
        return
    results = script["step"](*arguments)
    with np.load(path.with_name(f"{path.stem}_expected.npz")) as file:
        expected = [file[f"output_{i}"] for i in range(len(file.files))]
    if len(results) != len(expected):
        yield f"{len(results)} results, expected {len(expected)}"
    for i, (ours, theirs) in enumerate(zip(results, expected, strict=False)):
        if (ours.shape, ours.dtype) != (theirs.shape, theirs.dtype):
            yield f"output {i} is {ours.dtype} {ours.shape}, expected {theirs.dtype} {theirs.shape}"
        elif not _same_bits(ours, theirs):
            yield f"output {i} is {ours.tolist()}, expected {theirs.tolist()}"


def _same_bits(ours: Any, theirs: Any) -> bool:
    if ours.dtype.kind == "f":
        gaps = np.isnan(ours) & np.isnan(theirs)
        ours, theirs = np.where(gaps, 0, ours), np.where(gaps, 0, theirs)
    return ours.tobytes() == theirs.tobytes()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
