"""Time subjects side by side, in turns, and print a table of ratios.

    python compare.py small "python torch_step.py" "python jax_step.py" "python path/to/train_step.py --mode eager"

Each subject is a command; the size and --seconds are appended. Rounds alternate the subjects so that a slow spell of
the machine hits all of them; the figure quoted is the minimum over rounds. --threads 1 (default) pins one core and one
thread; --threads 2 lets every library use two.
"""

import argparse
import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("size")
parser.add_argument("subjects", nargs="+")
parser.add_argument("--rounds", type=int, default=3)
parser.add_argument("--seconds", type=float, default=2.0)
parser.add_argument("--threads", type=int, default=1)
args = parser.parse_args()

here = Path(__file__).resolve().parent
environment = os.environ | {
    k: str(args.threads) for k in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
}
environment["PYTHONPATH"] = f"{here}{os.pathsep}{environment.get('PYTHONPATH', '')}"
if args.threads == 1:
    environment["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false"
cores = ["taskset", "-c", "0" if args.threads == 1 else f"0-{args.threads - 1}"]

best = {}
for _ in range(args.rounds):
    for command in args.subjects:
        words = [sys.executable if w in ("python", "python3") else w for w in shlex.split(command)]
        words = [str(here / w) if (here / w).exists() and w.endswith(".py") else w for w in words]
        run = subprocess.run(
            [*cores, *words, args.size, "--seconds", str(args.seconds)], env=environment, capture_output=True, text=True
        )
        if run.returncode:
            print(f"{command}: exit {run.returncode}\n{run.stderr[-800:]}", file=sys.stderr)
            continue
        row = json.loads(run.stdout.strip().splitlines()[-1])
        kept = best.setdefault(row["subject"], row)
        for key in ("min_ms", "median_ms", "first_ms", "peak_mb"):
            kept[key] = min(kept[key], row[key])

if not best:
    sys.exit("no subject ran")
baseline = next(iter(best.values()))
print(f"{'subject':18} {'size':7} {'min ms':>9} {'median':>9} {'ratio':>6} {'first ms':>9} {'MB':>5}  first loss")
for row in best.values():
    print(
        f"{row['subject']:18} {row['size']:7} {row['min_ms']:9.3f} {row['median_ms']:9.3f} "
        f"{row['min_ms'] / baseline['min_ms']:6.2f} {row['first_ms']:9.0f} {row['peak_mb']:5} {row['first_loss']:.5f}"
    )
