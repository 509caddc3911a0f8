"""Old faults, put back one at a time: does a law notice?

    python tests/faults.py [A1 C3 …] [--jobs 2] [--write]

Each file in tests/trust/planted says of some faults how they are put back, by patching what mended them, and which laws
must fail then. A law runs in a process of its own, where `MINIGRAD_FAULT` names the fault. With `--write` the table in
docs/testing.md is made anew.
"""

from __future__ import annotations

import argparse
import importlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "testing.md"
BEGIN, END = "<!-- faults: begin -->\n", "<!-- faults: end -->\n"


def faults() -> Iterator:
    """All faults, by file and then as they are listed."""
    for path in sorted((ROOT / "tests" / "trust" / "planted").glob("*.py")):
        if path.stem != "fault":
            yield from importlib.import_module(f"tests.trust.planted.{path.stem}").FAULTS


def plant(name: str) -> None:
    """Put one fault back, for the rest of the process."""
    (fault,) = (fault for fault in faults() if fault.name == name)
    fault.plant()


def noticed(fault, law: str) -> bool:
    """Whether a law, as pytest names it, fails with the fault."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-n", "0", "-m", "", "-p", "no:cacheprovider", law]
    environment = os.environ | {"MINIGRAD_FAULT": fault.name}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1):  # no test failed or passed: the law is not there, or the fault breaks the import
        raise SystemExit(f"{fault.name}: {law} did not run\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
    return done.returncode == 1


def row(fault) -> tuple[str, bool]:
    found = [law for law in fault.laws if noticed(fault, law)]
    laws = ", ".join(f"`{law.removeprefix('tests/')}`" for law in found) or "**none**"
    return f"| {fault.name} | {fault.what} | {laws} |", len(found) == len(fault.laws) > 0


def main() -> int:
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("names", nargs="*", help="of faults; all by default")
    parser.add_argument("--jobs", type=int, default=1, help="how many at a time")
    parser.add_argument("--write", action="store_true", help="write the table into docs/testing.md")
    args = parser.parse_args()
    chosen = [fault for fault in faults() if not args.names or fault.name in args.names]
    with ThreadPoolExecutor(args.jobs) as pool:
        rows = []
        for text, complete in pool.map(row, chosen):
            print(text if complete else f"{text} <- a law did not notice", flush=True)
            rows.append((text, complete))
    if args.write:
        table = "\n".join(
            ["| fault | what is put back | laws that fail |", "|---|---|---|", *(text for text, _ in rows)]
        )
        page = PAGE.read_text("utf-8")
        PAGE.write_text(re.sub(f"{BEGIN}.*{END}", lambda _: f"{BEGIN}{table}\n{END}", page, flags=re.DOTALL), "utf-8")
    missed = sum(not complete for _, complete in rows)
    print(f"{len(rows) - missed} of {len(rows)} faults are noticed by all their laws")
    return bool(missed)


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    sys.exit(main())
