"""A training step of minigrad exported to JAX, beside the same step written in JAX by hand.

    python tests/bench/exported_step.py [--size small] [--rounds 100]

Both run in one process, step by step in turn, and the minima of their times are compared. `--size` is one of those of
`workload.py`, all of them by default.
"""

import argparse
import time

import jax
import jax.numpy as jnp
import jax_step
import train_step
from workload import SIZES, batches

import minigrad as mg


def make_step(size):
    """`step(i) -> loss` on the batches in turn."""
    data = [(jnp.array(x), jnp.array(y)) for x, y in batches(size)]
    step = mg.trace(train_step.make_step(size, "eager"), *batches(size)[0]).to_jax()
    state, run = step.state, jax.jit(step)

    def step_on(i):
        nonlocal state
        state, loss = run(state, *data[i % len(data)])
        return loss.block_until_ready()

    return step_on


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--size", choices=SIZES)
    parser.add_argument("--rounds", type=int, default=100)
    args = parser.parse_args()
    for size in [args.size] if args.size else SIZES:
        steps = {"exported": make_step(size), "by hand": jax_step.make_step(size)}
        compiling, least, losses = {}, dict.fromkeys(steps, float("inf")), {}
        for i in range(args.rounds + 1):
            for name, step in steps.items():
                start = time.perf_counter()
                losses[name] = float(step(i))
                seconds = time.perf_counter() - start
                if i:
                    least[name] = min(least[name], seconds)
                else:
                    compiling[name] = seconds
        parts = [f"{name} {least[name] * 1e3:.2f} ms (first {compiling[name]:.1f} s)" for name in steps]
        ratio = least["exported"] / least["by hand"]
        apart = abs(losses["exported"] / losses["by hand"] - 1)
        print(f"{size:<6} {', '.join(parts)}: {ratio:.2f}; losses of step {args.rounds} {apart:.1e} apart", flush=True)


if __name__ == "__main__":
    main()
