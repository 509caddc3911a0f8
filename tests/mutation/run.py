"""A mutation run: are small mistakes in minigrad/ops noticed? By hand, in about half an hour:

    python tests/mutation/run.py [--family elementwise] [--sample 200] [--jobs 2] [--output table.md]

Every mutant runs in a fork of one process that has imported minigrad: first the laws of the functions it is in, then
the tests that mirror its file. One that takes too long or too much memory, or crashes, is found out too.
Survivors that do no harm are explained in survivors.txt. The result is a table, and the survivors nothing explains.
"""

from __future__ import annotations

import argparse
import ast
import fnmatch
import itertools
import multiprocessing
import os
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any, NamedTuple

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from mutants import Mutant, mutants_of, name_of, only_for_tests, used_names  # noqa: E402  # beside this script
from trial import FEW, verdict  # noqa: E402

from minigrad.core.record import registry  # noqa: E402  # of the tree that the script lies in

FILES = sorted(path for path in (ROOT / "minigrad/ops").glob("*.py") if path.stem not in ("__init__", "samples"))
SECONDS = 600.0  # for one mutant that sleeps; one that computes is stopped before that


class Result(NamedTuple):
    mutant: Mutant
    found_by: str  # "" where it survived
    reason: str = ""  # why it may


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
    for mutant, found_by in tried(trials, args.jobs):
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


# --- trying them ------------------------------------------------------------------------------------------------------


def tried(trials: dict[Mutant, Whereabouts], jobs: int) -> Iterator[tuple[Mutant, str]]:
    """Each mutant and what found it out, in the order in which they end."""
    fork = multiprocessing.get_context("fork")
    waiting = iter(trials)
    running: dict[Any, tuple[Mutant, Any, float]] = {}

    def start(mutant: Mutant) -> None:
        receiver, sender = fork.Pipe(duplex=False)
        process = fork.Process(target=lambda: sender.send(verdict(mutant, ROOT, *trials[mutant])))
        process.start()
        sender.close()
        running[receiver] = mutant, process, time.monotonic() + SECONDS

    while True:
        for mutant in itertools.islice(waiting, jobs - len(running)):
            start(mutant)
        if not running:
            return
        soonest = min(deadline for _, _, deadline in running.values())
        ended = wait(list(running), max(0.0, soonest - time.monotonic()))
        for receiver in ended or [r for r, (_, _, deadline) in running.items() if deadline <= time.monotonic()]:
            mutant, process, _ = running.pop(receiver)
            try:
                found_by = receiver.recv() if receiver in ended else "time"
            except EOFError:
                found_by = "time, or a crash"
            process.kill()
            process.join()
            yield mutant, found_by


# --- the result -------------------------------------------------------------------------------------------------------


def without_line(text: str) -> str:
    """The text of a mutant as it stands in a report, without its line, which moves."""
    place, _, rest = text.partition(" ")
    return f"{place.partition(':')[0]} {rest}"


def explanations() -> dict[str, str]:
    """From survivors.txt: a pattern for the text of mutants → why they may live, which is the line before it."""
    found, reason = {}, ""
    for line in (Path(__file__).parent / "survivors.txt").read_text("utf-8").splitlines():
        if line.startswith(" "):
            found[line.strip()] = reason
        elif line:
            reason = line
    return found


def explanation(mutant: Mutant) -> str:
    return next((reason for pattern, reason in EXPLANATIONS.items() if fits(mutant, pattern)), "")


def fits(mutant: Mutant, pattern: str) -> bool:
    """Whether the text of a mutant begins with a pattern, in which * stands for anything."""
    return fnmatch.fnmatchcase(mutant.text_without_line, pattern.replace("[", "[[]") + "*")


EXPLANATIONS = explanations()


def report(results: list[Result], seconds: float) -> str:
    rows = [
        "| file | mutants | found | survived | explained | found, of those not explained |",
        "|---|---|---|---|---|---|",
    ]
    files = list(dict.fromkeys(result.mutant.file for result in results))
    for name in [*files, "all"]:
        part = [result for result in results if name in (result.mutant.file, "all")]
        found = sum(bool(result.found_by) for result in part)
        explained = sum(bool(result.reason) for result in part)
        rate = found / max(1, len(part) - explained)
        rows.append(f"| {name} | {len(part)} | {found} | {len(part) - found} | {explained} | {rate:.1%} |")
    reasons = Counter(result.reason for result in results if result.reason)
    unexplained = [str(result.mutant) for result in results if not result.found_by and not result.reason]
    living = [result.mutant for result in results if not result.found_by]
    of_others = [pattern for pattern in EXPLANATIONS if not {pattern.split()[0], "*"} & {*files, pattern[0]}]
    stale = [
        pattern for pattern in EXPLANATIONS
        if pattern not in of_others and not any(fits(mutant, pattern) for mutant in living)
    ]  # fmt: skip
    return "\n".join([
        *rows, "", "| explained, since | survivors |", "|---|---|",
        *(f"| {reason} | {count} |" for reason, count in reasons.most_common()),
        "", f"{seconds:.0f} s", "", f"Survivors that nothing explains: {len(unexplained)}", *unexplained,
        "", f"Explanations without a survivor: {len(stale)}", *stale, "",
    ])  # fmt: skip


if __name__ == "__main__":
    main()
