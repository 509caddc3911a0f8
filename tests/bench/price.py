"""What the engine's safety costs on a training step: the write guard and the strong zero, each against a step without.

    python tests/bench/price.py [--rounds 200]

The model is a decoder of attention, as in training. Both sides run in one process, step by step in turn, and the minima
of their times are compared; "nothing" is a side with nothing changed, and so shows the noise.
"""

import argparse
import time
from contextlib import ExitStack
from unittest.mock import patch

import numpy as np

import minigrad as mg
from minigrad import nn, optim
from minigrad.core import autodiff

SIZES = {"tiny": (8, 32, 32, 2, 64), "small": (16, 64, 128, 4, 64)}  # batch, tokens, width, layers, vocabulary


def make_step(size):
    """A training step on random tokens."""
    batch, tokens, width, layers, vocabulary = SIZES[size]
    rng = np.random.default_rng(0)
    embedding = nn.Embedding(vocabulary, width, rng=rng)
    decoder = nn.Encoder(layers, width, 4, rng=rng)
    readout = nn.Linear(width, vocabulary, rng=rng)
    adam = optim.Adam([*embedding.parameters(), *decoder.parameters(), *readout.parameters()], rate=1e-3)
    inputs, targets = rng.integers(0, vocabulary, (2, batch, tokens))

    def step():
        adam.zero_grad()
        mg.cross_entropy(readout(decoder(embedding(inputs))), targets).backward()
        adam.step()

    return step


def without_guard():
    return patch.object(autodiff, "_check_unchanged", lambda order: None)


def without_strong_zero():
    """The plain product in its place, also where rules call it on arrays."""
    return patch.object(mg.strong_multiply, "forward", np.multiply)


WITHOUT = {"nothing": ExitStack, "the write guard": without_guard, "the strong zero": without_strong_zero}


def price(step, without, rounds):
    """The least time of a step with everything over that of a step without, minus 1."""
    least = [float("inf"), float("inf")]
    for _ in range(rounds):
        for side, changed in enumerate((ExitStack, without)):
            with changed():
                start = time.perf_counter()
                step()
                least[side] = min(least[side], time.perf_counter() - start)
    return least[0] / least[1] - 1, least[0]


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=200)
    rounds = parser.parse_args().rounds
    mg.keep_memory()
    for size in SIZES:
        step = make_step(size)
        for _ in range(5):
            step()
        for name, without in WITHOUT.items():
            cost, least = price(step, without, rounds)
            print(f"{size:<6} {name:<16} {cost:+7.2%} of a step of {least * 1e3:.2f} ms")


if __name__ == "__main__":
    main()
