"""Everything that this folder's README.md shows, measured in one run and written there between its marks.

    python tests/bench/report.py            all of it: an hour, on a machine that does nothing else
    python tests/bench/report.py --quick    the tiny size, one short round of each, printed and not written

Subjects that are not installed are named and left out.
"""

import argparse
import importlib.util
import re
import subprocess
import sys
from pathlib import Path

from compare import compare
from measuring import describe_machine
from waits import PARTS, make_table
from workload import SIZES

HERE = Path(__file__).resolve().parent
PAGE = HERE / "README.md"
TABLES = re.compile(r"(?<=<!-- comparison: begin -->\n).*?(?=<!-- comparison: end -->)", re.DOTALL)

SUBJECTS = {  # by what has to be installed
    "python train_step.py --mode compiled": "minigrad",
    "python train_step.py --mode eager": "minigrad",
    "python torch_step.py": "torch",
    "python torch_step.py --mode linear": "torch",
    "python jax_step.py": "jax",
    "python numpy_step.py": "numpy",
    "python mygrad_step.py": "mygrad",
    "python autograd_step.py": "autograd",
    "python blas_floor.py": "numpy",
}
TRANSLATION = {  # of the second training step
    "python translation_step.py --mode compiled": "minigrad",
    "python translation_step.py --mode eager": "minigrad",
    "python translation_torch.py": "torch",
}
BASELINE = "torch-eager"
THREADS = (1, 2)
RUNS = 2  # an hour's neighbours come and go: each size is measured again when all others were


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="the tiny size, one short round of each; nothing written")
    quick = parser.parse_args().quick
    text = ""
    for line in report_all(quick):
        print(line, flush=True)  # as it is measured: what ends in an error has shown the rest
        text += f"{line}\n"
    if not quick:
        PAGE.write_text(TABLES.sub(lambda _: text, PAGE.read_text("utf-8")), "utf-8", newline="\n")


def report_all(quick):
    sizes, rounds, seconds = (["tiny"], 1, 0.2) if quick else (list(SIZES), 3, 2.0)
    missing = [needed for needed in SUBJECTS.values() if not importlib.util.find_spec(needed)]
    yield f"{describe_machine()}.\n"
    yield (
        f"A training step, in milliseconds: the least of {RUNS} runs of {rounds} rounds. In brackets the share of "
        "PyTorch's time with as many threads, in each of the runs, the lower first.\n"
    )
    runs = [measure_all_steps(sizes, rounds, seconds, number) for number in range(1, RUNS + 1)]
    first, second = zip(*runs, strict=True)
    yield from make_step_table(sizes, first)
    yield from (f"\n{needed} was not installed." for needed in missing)
    yield "\nThe second training step, `translation.py`, likewise:\n"
    yield from make_step_table(sizes, second)
    yield "\nWhat else there is to wait for, on one thread:\n"
    yield from make_table(PARTS, quick)
    yield "\nHow costs grow, on one thread:\n\n```"
    command = [sys.executable, str(HERE / "scaling.py"), *["--quick"] * quick]
    yield subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.rstrip()
    yield "```"


def measure_all_steps(sizes, rounds, seconds, number):
    """What `measure_steps` gives for each of the two training steps."""
    return [measure_steps(sizes, list_installed(table), rounds, seconds, number) for table in (SUBJECTS, TRANSLATION)]


def list_installed(subjects):
    return [subject for subject, needed in subjects.items() if importlib.util.find_spec(needed)]


def measure_steps(sizes, subjects, rounds, seconds, number):
    """What each subject printed, by threads, size and name."""
    found = {}
    for threads in THREADS:
        for size in sizes:
            print(f"run {number}: {size}, threads: {threads}", file=sys.stderr, flush=True)
            found[threads, size] = compare(size, subjects, rounds, seconds, threads)
            check_losses(size, found[threads, size])
    return found


def check_losses(size, rows):
    """End it where two subjects do not take the same step; what computes no loss prints 0."""
    losses = {subject: row["first_loss"] for subject, row in rows.items() if row["first_loss"]}
    if losses and max(losses.values()) - min(losses.values()) > 1e-4 * max(losses.values()):
        sys.exit(f"{size}: the subjects do not compute the same, their losses are {losses}")


def make_step_table(sizes, runs):
    largest = sizes[-1]
    columns = ("subject", "threads", *sizes, f"first call, {largest}", f"peak MB, {largest}")
    yield f"| {' | '.join(columns)} |"
    yield "|---" * len(columns) + "|"
    for threads in THREADS:
        for subject in runs[0][threads, sizes[0]]:
            cells = [make_cell([run[threads, size] for run in runs], subject) for size in sizes]
            rows = [run[threads, largest][subject] for run in runs if subject in run[threads, largest]]
            last = (
                f"{min(row['first_ms'] for row in rows) / 1e3:.1f} s" if rows else "",
                str(min(row["peak_mb"] for row in rows)) if rows else "",
            )
            yield f"| {' | '.join((subject, str(threads), *cells, *last))} |"


def make_cell(runs, subject):
    """The least time of a step, and its share of the baseline's in each run; nothing where the subject failed.

    >>> make_cell([{"torch-eager": {"min_ms": 2.0}, "ours": {"min_ms": 1.0}}, {"ours": {"min_ms": 1.5}}], "ours")
    '1.00 (0.50)'
    """
    times = [run[subject]["min_ms"] for run in runs if subject in run]
    shares = sorted(
        run[subject]["min_ms"] / run[BASELINE]["min_ms"] for run in runs if {subject, BASELINE} <= run.keys()
    )
    in_brackets = f" ({'–'.join(dict.fromkeys(f'{share:.2f}' for share in shares))})" if shares else ""
    return f"{format_figure(min(times))}{in_brackets}" if times else ""


def format_figure(number):
    """Three digits, or as many as stand before the point.

    >>> [format_figure(number) for number in (0.3254, 13.52, 1021.4)]
    ['0.325', '13.5', '1,021']
    """
    return f"{number:,.0f}" if number >= 100 else f"{number:#.3g}"


if __name__ == "__main__":
    main()
