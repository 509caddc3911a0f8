"""A mutation run: are small mistakes in minigrad/ops noticed? By hand, in about half an hour:

    python tests/mutation/run.py [--family elementwise] [--sample 200] [--jobs 2] [--output table.md]

Every mutant runs in a fork of one process that has imported minigrad: first the laws of the functions it is in, then
the tests that mirror its file. One that takes too long or too much memory, or crashes, is found out too.
Survivors that do no harm are explained in survivors.txt. The result is a table, and the survivors nothing explains.
"""

from __future__ import annotations

import argparse
import ast
import os
import random
import sys
import time
from pathlib import Path
from typing import NamedTuple

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from forks import tried  # noqa: E402  # beside this script
from mutants import Mutant, mutants_of, name_of, only_for_tests, used_names  # noqa: E402
from report import Result, explanation, report, without_line  # noqa: E402
from trial import FEW, verdict  # noqa: E402

from minigrad.core.record import registry  # noqa: E402  # of the tree that the script lies in

FILES = sorted(path for path in (ROOT / "minigrad/ops").glob("*.py") if path.stem not in ("__init__", "samples"))


def main() -> None:
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    families = [path.stem for path in FILES]
    parser.add_argument("--family", choices=families, nargs="+", default=families, help="files of minigrad/ops")
    parser.add_argument("--sample", type=int, help="so many mutants of each family, the same ones every time")
    parser.add_argument("--again", type=Path, help="the output of a former run: only what survived there unexplained")
    parser.add_argument("--jobs", type=int, default=1, help="how many at a time")
    parser.add_argument("--output", type=Path, help="a file for the result, beside the screen")
    parser.add_argument("--verbose", action="store_true", help="show what found each mutant out")
    args = parser.parse_args()

    statements = {path.stem: ast.parse(path.read_bytes()).body for path in FILES}
    imports = [node for nodes in statements.values() for node in nodes if isinstance(node, ast.ImportFrom)]
    imported = {alias.name for node in imports for alias in node.names}
    mutants = [
        mutant for family in args.family
        for mutant in mutants_in(family, only_for_tests(statements[family], imported), args.sample)
    ]  # fmt: skip
    if args.again:
        former = {without_line(line) for line in args.again.read_text("utf-8").splitlines()}
        mutants = [mutant for mutant in mutants if mutant.text_without_line in former]
    controls = [control(family, mutants) for family in args.family]
    uses = [(family, name_of(node), set(used_names(node))) for family, nodes in statements.items() for node in nodes]
    trials = {mutant: whereabouts(mutant, uses) for mutant in [*controls, *mutants]}
    started = time.monotonic()
    results = []
    for mutant, found_by in tried(trials, lambda mutant: verdict(mutant, ROOT, *trials[mutant]), args.jobs):
        if mutant not in controls:
            results.append(Result(mutant, found_by, "" if found_by else explanation(mutant)))
        elif found_by:
            raise SystemExit(f"{mutant.file} is refused as it is: {found_by}")
        if args.verbose:
            print(f"{mutant}  [{found_by or 'SURVIVED'}]", flush=True)
    results.sort(key=lambda result: mutants.index(result.mutant))
    text = report(results, time.monotonic() - started)
    print(text)
    if args.output:
        args.output.write_text(text, encoding="utf-8", newline="\n")


# --- which mutants, and where they may be noticed ---------------------------------------------------------------------


def mutants_in(family: str, skipped: set[str], sample: int | None) -> list[Mutant]:
    path = next(path for path in FILES if path.stem == family)
    found = mutants_of(path.name, path.read_bytes(), skipped)
    if sample is None or sample >= len(found):
        return found
    return sorted(random.Random(family).sample(found, sample), key=lambda mutant: mutant.line)


def control(family: str, mutants: list[Mutant]) -> Mutant:
    """The file as it is: if this does not survive, nothing that is found out means anything."""
    file = f"{family}.py"
    places = dict.fromkeys(mutant.place for mutant in mutants if mutant.file == file)
    return Mutant(file, ", ".join(places), 0, 0, 0, "nothing", "nothing", "")


class Whereabouts(NamedTuple):
    functions: list[str]  # the public functions that a mutant may be noticed in
    tests: list[Path]  # the tests that mirror its file and theirs


def whereabouts(mutant: Mutant, uses: list[tuple[str, str, set[str]]]) -> Whereabouts:
    """Where a mutant may be noticed: at its place, or in what calls what is there."""
    seen, waiting = [], mutant.place.split(", ")
    while waiting:
        name = waiting.pop(0)
        if name and name not in seen:
            seen.append(name)
            if name not in registry:
                waiting += [user for _, names, used in uses if name in used for user in names.split(", ")]
    functions = [name for name in seen if name in registry]
    homes = [home for name in functions[:FEW] for home, names, _ in uses if name in names.split(", ")]
    stems = dict.fromkeys([mutant.file.removesuffix(".py"), *homes, "dtypes"])
    return Whereabouts(functions, [ROOT / f"tests/ops/test_{stem}.py" for stem in stems])


if __name__ == "__main__":
    main()
