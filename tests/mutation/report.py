"""What a mutation run found: a table, the survivors that `survivors.txt` explains, and those that nothing explains."""

from __future__ import annotations

import fnmatch
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from mutants import Mutant  # beside this script


class Result(NamedTuple):
    mutant: Mutant
    found_by: str  # "" where it survived
    reason: str = ""  # why it may


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
