"""Many programs, one after the other: what they came to, counted, and each failure made small."""

from __future__ import annotations

import re
import tempfile
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from .comparing import Verdict, judge
from .drawing import draw_program
from .program import Program, script
from .shrinking import shrink

REFUSED_BY_SCRIPTS = r"NotANumberError: a gradient has a NaN"
"""What a saved program refuses, which minigrad itself would compute again in another way."""


class Failure(NamedTuple):
    seed: str
    kind: str
    detail: str
    script: str

    def __str__(self) -> str:
        return f"program {self.seed}: {self.kind}\n{self.detail}\n\n{self.script}\n"


class Tally(NamedTuple):
    """`counts` by what programs came to, `undecided` arrays that only rounding tells apart, and the failures."""

    counts: Counter[str]
    undecided: int
    failures: list[Failure]

    def __add__(self, other: Tally) -> Tally:  # type: ignore[override]  # not as tuples are joined
        return Tally(
            self.counts + other.counts, self.undecided + other.undecided, self.failures + other.failures
        )  # fmt: skip


def fuzz(seeds: Iterable[str], save: bool = False, judge: Callable[[Program], Verdict] = judge) -> Tally:
    """Draw the program of each seed, judge it, and make it small where it fails."""
    counts: Counter[str] = Counter()
    undecided, failures, compiled = 0, [], []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for seed in seeds:
            program = draw_program(seed)
            verdict = judge(program)
            undecided += verdict.undecided
            if verdict.failed:
                failure = made_small(program, verdict.kind, judge)
                counts["FAILED"] += 1
                failures.append(failure)
            else:
                counts[f"{verdict.kind}: {verdict.detail}" if verdict.detail else verdict.kind] += 1
            if verdict.compiled is not None and save:
                compiled.append((seed, verdict.compiled.as_saved()))
        for failure in saved_otherwise(compiled):
            if re.search(REFUSED_BY_SCRIPTS, failure.detail):
                counts["refused by the script alone"] += 1
            else:
                failures.append(failure)
    return Tally(counts, undecided, failures)


def made_small(program: Program, kind: str, judge: Callable[[Program], Verdict]) -> Failure:
    small = shrink(program, kind, judge)
    return Failure(program.seed, kind, judge(small).detail, script(small))


def saved_otherwise(compiled: list[tuple[str, Any]]) -> Iterator[Failure]:
    """Programs that give something else as scripts for NumPy alone."""
    from ..saved import check_saved

    if not compiled:
        return
    with tempfile.TemporaryDirectory() as folder:
        problems: dict[str, list[str]] = {}
        for problem in check_saved([case for _, case in compiled], Path(folder)):
            number = re.match(r"case_(\d+)", problem)
            problems.setdefault(compiled[int(number[1])][0] if number else "", []).append(problem)
        for seed, found in problems.items():
            yield Failure(seed, "saved", "\n".join(found), script(draw_program(seed)) if seed else "")
