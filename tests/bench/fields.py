"""Runs the examples that learn from real data, and writes what they reached into docs/fields.md.

    python tests/bench/fields.py                            # every script, seeds 0, 1 and 2: over an hour
    python tests/bench/fields.py classify_digits --seeds 0  # one script; the rows of the others stay

A script says what it reached in lines `result: pixels right 96.1% (baseline 91.0%)`. Minutes are of
processor time, of the slowest seed, on the machine that runs this.
"""

import argparse
import os
import re
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
PAGE = ROOT / "docs" / "fields.md"
SCRIPTS = (
    "generate_text", "translate_dates", "classify_digits", "segment_digits", "generate_digits", "recognise_speakers",
    "recognise_speech", "write_tunes", "graph_attention",
)  # fmt: skip
RESULT = re.compile(r"^result: (?P<what>.+?) (?P<value>[-\d.]+%?) \(baseline (?P<baseline>[-\d.]+%?)\)$", re.MULTILINE)
TABLE = re.compile(r"(?<=<!-- fields: begin -->\n).*?(?=<!-- fields: end -->)", re.DOTALL)
COLUMNS = ("script", "on data that it has not seen", "seed 0", "seed 1", "seed 2", "baseline", "processor minutes")
HEADER = f"| {' | '.join(COLUMNS)} |\n{'|---' * len(COLUMNS)}|\n"


def main() -> None:
    parser = argparse.ArgumentParser(description="Run the field scripts and write docs/fields.md.")
    parser.add_argument("scripts", nargs="*", choices=[*SCRIPTS, []], metavar="SCRIPT", help=", ".join(SCRIPTS))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2], choices=[0, 1, 2])
    arguments = parser.parse_args()
    for script in arguments.scripts or SCRIPTS:
        found: dict[str, list[str]] = {}  # what is measured: seeds 0 to 2, then the baseline
        minutes = 0.0
        for seed in arguments.seeds:
            before = processor_seconds()
            printed = run(script, seed)
            minutes = max(minutes, (processor_seconds() - before) / 60)
            for result in RESULT.finditer(printed):
                row = found.setdefault(result["what"], ["", "", "", ""])
                row[seed], row[3] = result["value"], result["baseline"]
                print(f"{script}, seed {seed}: {result[0]}", flush=True)
        rows = [[script_link(script), what, *values, f"{minutes:.1f}"] for what, values in found.items()]
        text = PAGE.read_text("utf-8")
        PAGE.write_text(TABLE.sub(lambda table, rows=rows: updated(table[0], rows), text), "utf-8", newline="\n")


def run(script: str, seed: int) -> str:
    """What the script prints with its default settings; its pictures are thrown away."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, str(path_of(script)), "--seed", str(seed), "--out", folder]
        path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
        done = subprocess.run(
            command, env=os.environ | {"PYTHONPATH": path}, check=True, stdout=subprocess.PIPE, text=True
        )
    return done.stdout


def path_of(script: str) -> Path:
    """Where it lies: in `examples/`, or in `examples/fields/` beside data of its own."""
    (path,) = (ROOT / "examples").glob(f"**/{script}.py")
    return path


def processor_seconds() -> float:
    """What the scripts that have ended took so far: on a busy machine this says more than the clock."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def script_link(script: str) -> str:
    return f"[{script}.py](../{path_of(script).relative_to(ROOT).as_posix()})"


def updated(table: str, rows: list[list[str]]) -> str:
    """The table with `rows` in place of those of the same script, in the order of `SCRIPTS`."""
    kept = [line for line in table.splitlines()[2:] if line.startswith("| [")]
    new = [f"| {' | '.join(row)} |" for row in rows]
    replaced = {row[0] for row in rows}
    lines = [line for line in kept if line.split(" | ")[0].removeprefix("| ") not in replaced] + new
    place = {script_link(script): position for position, script in enumerate(SCRIPTS)}
    lines.sort(key=lambda line: place[line.split(" | ")[0].removeprefix("| ")])
    return HEADER + "".join(f"{line}\n" for line in lines)


if __name__ == "__main__":
    main()
