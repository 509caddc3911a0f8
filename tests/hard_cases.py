"""Which test stands for which hard case: lists the ids against the tests, and fails when one has none.

    python tests/hard_cases.py

A test carries an id in its name, test_N7_…, or in that of its parameters. pytest runs those of one case by `-k N7_`.
There are two lists with ids of their own: what breaks engines like this one, and wrong numbers that were found in this
one, whose tests lie in tests/trust (`pytest tests/trust -k A2_`).
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

HARD = {
    "N": ("numerics", 38), "S": ("shapes", 21), "G": ("graph structure", 19), "M": ("mutation and aliasing", 10),
    "D": ("dtypes", 10), "E": ("errors", 10), "R": ("resources", 7), "C": ("concurrency", 6),
    "K": ("checkpoints", 12), "H": ("rendering", 7), "L": ("command line", 4),
}  # fmt: skip
TRUST = {
    "A": ("compiled programs: the key and the identity of things", 15), "B": ("compiled programs: the text", 4),
    "C": ("rules", 9), "D": ("checks that can be fooled", 3), "E": ("memory, life, text", 14),
}  # fmt: skip
ID = re.compile(r"(?<![A-Za-z0-9])([A-Z][1-9][0-9]?)(?![A-Za-z0-9])")


def collected() -> list[str]:
    """The id of every test that pytest finds, parameters included."""
    command = [
        sys.executable,
        "-m",
        "pytest",
        "--collect-only",
        "-q",
        "-n",
        "0",
        "-m",
        "",
        "-p",
        "no:cacheprovider",
        "tests",
    ]
    root = Path(__file__).parent.parent
    listing = subprocess.run([*command, "tests"], cwd=root, capture_output=True, text=True, check=False)
    if listing.returncode:
        raise SystemExit(listing.stdout[-2000:] + listing.stderr)
    return [line for line in listing.stdout.splitlines() if "::" in line]


def by_case(tests: list[str]) -> dict[str, list[str]]:
    """The tests of each id."""
    found = defaultdict(list)
    for test in tests:
        for case in ID.findall(test.partition("::")[2].replace("_", " ")):
            found[case].append(test)
    return found


def listed(title: str, sections: dict[str, tuple[str, int]], tests: list[str]) -> list[str]:
    """Print the cases of one list against their tests, and return those without one."""
    print(f"\n=== {title}")
    found = by_case(tests)
    missing = []
    for letter, (section, count) in sections.items():
        print(f"\n{section}")
        for case in (f"{letter}{number}" for number in range(1, count + 1)):
            names = sorted({test.partition("[")[0] for test in found.get(case, [])})
            print(f"  {case:<4}{len(found.get(case, [])):>5} tests  {names[0] if names else 'NONE'}")
            missing += [] if names else [case]
    return missing


def main() -> int:
    tests = collected()
    of_trust = [test for test in tests if test.startswith("tests/trust/")]
    missing = listed("what breaks engines like this one", HARD, [test for test in tests if test not in set(of_trust)])
    missing += [f"trust {case}" for case in listed("wrong numbers that were found in this one", TRUST, of_trust)]
    print(f"\nwithout a test: {', '.join(missing)}" if missing else "\nevery case has a test")
    return bool(missing)


if __name__ == "__main__":
    sys.exit(main())
