"""Random programs of all public functions: eager, compiled and as a graph they must give the same.

    python tests/fuzz.py [--programs 1000] [--seed 1] [--jobs 1] [--save]

Prints what differs, made small, and at last what the programs came to. With `--save` every program is also saved as a
script, which a fresh process with NumPy alone runs. The same seed draws the same programs.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import time
from collections import Counter
from functools import partial
from pathlib import Path

BATCH = 250


def main() -> int:
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--programs", type=int, default=1000, help="how many")
    parser.add_argument("--seed", default="1", help="what they are drawn from")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--save", action="store_true", help="also save every program, and run the scripts")
    args = parser.parse_args()
    from tests.trust.fuzz.campaign import Tally, fuzz
    from tests.trust.fuzz.drawing import seeds

    started = time.monotonic()
    batches = [
        list(seeds(args.seed, min(BATCH, args.programs - first), first)) for first in range(0, args.programs, BATCH)
    ]  # fmt: skip
    total = Tally(Counter(), 0, [])
    with multiprocessing.get_context("spawn").Pool(args.jobs) as pool:
        for tally in pool.imap_unordered(partial(fuzz, save=args.save), batches):
            for failure in tally.failures:
                print(f"{failure}\n", flush=True)
            total += tally
    for what, count in total.counts.most_common():
        print(f"{count:7,}  {what}")
    print(
        f"{args.programs:,} programs of seed {args.seed} in {time.monotonic() - started:.0f} s: {len(total.failures)} "
        f"failures; {total.undecided} arrays that only rounding tells apart"
    )
    return bool(total.failures)


if __name__ == "__main__":
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    sys.exit(main())
