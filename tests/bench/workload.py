"""The training step that every subject of this benchmark runs: same weights, same data, same arithmetic.

Model: token embedding + sinusoidal positions, L pre-norm blocks (multi-head self-attention, ReLU feed-forward of
width 4D), final layer norm, linear read-out, mean cross-entropy. Task: predict the reversed sequence. Optimiser: Adam
(lr 1e-3, betas 0.9/0.999, eps 1e-8). float32 throughout. One step = forward + backward + update.

Each `*_step.py` builds the step for one library and calls `measure`. The losses it prints must agree between
subjects (`first_loss` to 1e-4 relative), otherwise the comparison is void.

The subjects call the sizes B, T, D, H, L, V: batch, tokens, width, heads, layers, vocabulary.
"""

import argparse
import json
import os
import resource
import time

import numpy as np

#           batch, tokens, width, heads, layers, vocabulary
SIZES = {
    "tiny": (16, 8, 16, 2, 1, 16),
    "small": (32, 32, 64, 4, 2, 32),
    "medium": (16, 128, 256, 8, 4, 128),
}


def parameters(size):
    """Initial weights as float32 arrays, by name, in a fixed order."""
    _, _, d, _, layers, vocab = SIZES[size]
    rng = np.random.default_rng(0)

    def normal(*shape):
        return (rng.standard_normal(shape) / np.sqrt(shape[0])).astype(np.float32)

    def zeros(n):
        return np.zeros(n, np.float32)

    def ones(n):
        return np.ones(n, np.float32)

    p = {"embedding": normal(vocab, d) * np.float32(2)}
    for i in range(layers):
        p |= {
            f"{i}.norm1.gain": ones(d), f"{i}.norm1.bias": zeros(d),
            f"{i}.qkv.weight": normal(d, 3 * d), f"{i}.qkv.bias": zeros(3 * d),
            f"{i}.out.weight": normal(d, d), f"{i}.out.bias": zeros(d),
            f"{i}.norm2.gain": ones(d), f"{i}.norm2.bias": zeros(d),
            f"{i}.up.weight": normal(d, 4 * d), f"{i}.up.bias": zeros(4 * d),
            f"{i}.down.weight": normal(4 * d, d), f"{i}.down.bias": zeros(d),
        }  # fmt: skip
    return p | {
        "norm.gain": ones(d), "norm.bias": zeros(d),
        "readout.weight": normal(d, vocab), "readout.bias": zeros(vocab),
    }  # fmt: skip


def positions(size):
    """Sinusoidal positional encoding, float32, (tokens, width)."""
    _, t, d, *_ = SIZES[size]
    angle = np.arange(t)[:, None] / 10000 ** (np.arange(0, d, 2)[None] / d)
    out = np.empty((t, d), np.float32)
    out[:, 0::2], out[:, 1::2] = np.sin(angle), np.cos(angle)
    return out


def batches(size, count=4):
    """`count` batches (tokens, targets), int64, (batch, tokens) each."""
    b, t, _, _, _, vocab = SIZES[size]
    rng = np.random.default_rng(1)
    xs = [rng.integers(0, vocab, (b, t)) for _ in range(count)]
    return [(x, x[:, ::-1].copy()) for x in xs]


def arguments():
    p = argparse.ArgumentParser()
    p.add_argument("size", choices=SIZES)
    p.add_argument("--mode", default="")
    p.add_argument("--seconds", type=float, default=2.0)
    return p.parse_args()


def given_threads():
    """How many threads `compare.py` gives to every library."""
    return int(os.environ.get("OMP_NUM_THREADS", "1"))


def measure(name, args, step):
    """Time `step(i) -> loss` for `args.seconds` and print one JSON line: milliseconds, losses, peak memory."""
    print(json.dumps(time_steps(name, args, step)), flush=True)


def time_steps(name, args, step):
    """What `measure` prints."""
    start = time.perf_counter()
    first_loss = float(step(0))
    first = time.perf_counter() - start
    times, i, end = [], 1, time.perf_counter() + args.seconds
    while time.perf_counter() < end or len(times) < 7:
        start = time.perf_counter()
        loss = step(i)
        times.append(time.perf_counter() - start)
        i += 1
    loss = float(loss)
    times.sort()
    return {
        "subject": name,
        "size": args.size,
        "first_loss": round(first_loss, 5),
        "last_loss": round(loss, 5),
        "min_ms": round(times[0] * 1e3, 4),
        "median_ms": round(times[len(times) // 2] * 1e3, 4),
        "first_ms": round(first * 1e3, 1),
        "steps": len(times),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }
