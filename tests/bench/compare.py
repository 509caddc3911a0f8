"""Time subjects side by side, in turns, and print a table of ratios.

    python compare.py small "python torch_step.py" "python jax_step.py" "python path/to/train_step.py --mode eager"

Each subject is a command; the size and --seconds are appended. Rounds alternate the subjects so that a slow spell of
the machine hits all of them; the figure quoted is the minimum over rounds. --threads 1 (default) pins one core and one
thread; --threads 2 lets every library use two. `report.py` runs all subjects at all sizes.
"""

import argparse
import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("size")
    parser.add_argument("subjects", nargs="+")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    best = compare(args.size, args.subjects, args.rounds, args.seconds, args.threads)
    if not best:
        sys.exit("no subject ran")
    baseline = next(iter(best.values()))
    print(f"{'subject':18} {'size':7} {'min ms':>9} {'median':>9} {'ratio':>6} {'first ms':>9} {'MB':>5}  first loss")
    for row in best.values():
        print(
            f"{row['subject']:18} {row['size']:7} {row['min_ms']:9.3f} {row['median_ms']:9.3f} "
            f"{row['min_ms'] / baseline['min_ms']:6.2f} {row['first_ms']:9.0f} {row['peak_mb']:5} "
            f"{row['first_loss']:.5f}"
        )


def compare(size, subjects, rounds, seconds, threads):
    """By the name of a subject the least of what it printed in any round; what fails is told, and missing."""
    best = {}
    for _ in range(rounds):
        for command in subjects:
            row = run_subject(command, size, seconds, threads)
            if row is not None:
                kept = best.setdefault(row["subject"], row)
                for key in ("min_ms", "median_ms", "first_ms", "peak_mb"):
                    kept[key] = min(kept[key], row[key])
    return best


def run_subject(command, size, seconds, threads):
    """The line of JSON that a subject prints, or None where it fails."""
    words = [sys.executable if word in ("python", "python3") else word for word in shlex.split(command)]
    words = [str(HERE / word) if word.endswith(".py") and (HERE / word).exists() else word for word in words]
    cores = ["taskset", "-c", "0" if threads == 1 else f"0-{threads - 1}"]
    environment = os.environ | dict.fromkeys(THREADS, str(threads))
    environment["PYTHONPATH"] = f"{HERE}{os.pathsep}{environment.get('PYTHONPATH', '')}"
    if threads == 1:
        environment["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false"
    run = subprocess.run(
        [*cores, *words, size, "--seconds", str(seconds)], env=environment, capture_output=True, text=True
    )
    if run.returncode:
        print(f"{command}: exit {run.returncode}\n{run.stderr[-800:]}", file=sys.stderr)
        return None
    return json.loads(run.stdout.strip().splitlines()[-1])


if __name__ == "__main__":
    main()
