"""What attention costs: with twice the length four times the time and, done plainly, four times the memory.

    python examples/attention_cost.py --out pictures

Each query meets each key, so there are length² scores. Plain attention keeps them all, and their weights, for the
gradient. With `block=512` it never has more than 512 × 512 at a time: it goes on with a running sum, and computes
scores again on the way back (Dao et al., arXiv 2205.14135). That is no less arithmetic, but little memory.

What to look at:
1. What `graph.cost()` counts from shapes alone, before anything is run: operations, and the most bytes at a time. What
   it counts to be more than half a gigabyte is not run.
2. Beside it what is measured: the time of forward and backward pass, and the most memory at a time (tracemalloc). For
   blocks it is more than counted: what an operation needs on its way is no result, so it is not counted.
3. Both as curves, drawn with --out as cost_time.svg and cost_memory.svg, on logarithmic axes: from 1024 on, twice the
   length takes four times the time either way, and four times the memory, or by blocks twice as much.
"""

import argparse
import os
import time
import tracemalloc
from functools import partial
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # read by NumPy; one thread is a fair comparison

import numpy as np

import minigrad as mg

WIDTH, BLOCK = 64, 512
MOST = 500e6  # bytes; what needs more is only counted
WAYS = {"by blocks": BLOCK, "plain": None}


def main() -> None:
    parser = argparse.ArgumentParser(description="Time and memory of attention by length.")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, help="folder for the curves; without it none are drawn")
    parser.add_argument("--quick", action="store_true", help="lengths up to 1024 instead of 8192")
    arguments = parser.parse_args()
    lengths, times = ([256, 512, 1024], 1) if arguments.quick else ([256, 512, 1024, 2048, 4096, 8192], 3)
    rng = np.random.default_rng(arguments.seed)

    print(f"one head of width {WIDTH}, float32, forward and backward; blocks of {BLOCK}\n")
    print("                counted:             measured:")
    print("length  way         Gflop        MB   seconds        MB")
    seconds, megabytes = {way: [] for way in WAYS}, {way: [] for way in WAYS}
    for length in lengths:
        tokens = [mg.Tensor(rng.standard_normal((length, WIDTH), np.float32), requires_grad=True) for _ in range(3)]
        found = []
        for way, block in WAYS.items():
            cost = mg.trace(partial(gradients, block=block), *tokens).cost()
            counted = f"{length:>6}  {way:<9}{cost.total.flops / 1e9:>8.2f}{cost.peak_bytes / 1e6:>10.1f}"
            if cost.peak_bytes > MOST:
                print(f"{counted}   not run")
                continue
            found.append(gradients(*tokens, block=block))
            seconds[way].append(shortest_time(times, *tokens, block=block))
            megabytes[way].append(most_memory(*tokens, block=block))
            print(f"{counted}{seconds[way][-1]:>10.3f}{megabytes[way][-1]:>10.1f}", flush=True)
        for one, other in zip(*found, strict=True) if len(found) == 2 else ():
            assert np.abs(one.numpy() - other.numpy()).max() < 1e-6, "the two ways differ"

    if arguments.out is not None:
        arguments.out.mkdir(parents=True, exist_ok=True)
        for name, curves, unit in (("time", seconds, "s"), ("memory", megabytes, "MB")):
            lines = {way: (lengths[: len(figures)], figures) for way, figures in curves.items()}
            path = arguments.out / f"cost_{name}.svg"
            mg.draw_curves(path, lines, "length", f"{name} of forward and backward, {unit}", logarithmic="xy")
    longest = len(megabytes["plain"]) - 1
    print(f"both ways give the same gradients; the longest that both ran has {lengths[longest]} tokens")
    found, baseline = megabytes["by blocks"][longest], megabytes["plain"][longest]
    print(f"result: megabytes by blocks {found:.1f} (baseline {baseline:.1f})")


def gradients(*tokens: mg.Tensor, block: int | None) -> tuple[mg.Tensor, ...]:
    """Of the sum of squares of the context, for query, key and value."""
    context = mg.scaled_dot_product_attention(*tokens, block=block)
    return mg.grad(mg.sum(context * context), tokens)


def shortest_time(times: int, *tokens: mg.Tensor, block: int | None) -> float:
    """In seconds; of several, since others use the machine too."""
    found = []
    for _ in range(times):
        begin = time.perf_counter()
        gradients(*tokens, block=block)
        found.append(time.perf_counter() - begin)
    return min(found)


def most_memory(*tokens: mg.Tensor, block: int | None) -> float:
    """In megabytes, at any time while gradients are computed."""
    tracemalloc.start()
    gradients(*tokens, block=block)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 1e6


if __name__ == "__main__":
    main()
