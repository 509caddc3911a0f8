"""A training step of a small convolutional net on the 8 × 8 digits, beside PyTorch's, in turns in one process.

    OMP_NUM_THREADS=1 python tests/bench/digits_step.py [--rounds 200]

Two convolutions of 16 and 32 channels, 3 × 3, each with ReLU and a pooling by two, and a linear map to ten classes; 64
digits, cross-entropy, Adam. PyTorch begins with the same weights and takes the same batches, and so the same losses.
The medians of their times are compared: neighbours of a virtual machine slow both down alike.
"""

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

BATCH, CHANNELS, CLASSES = 64, (16, 32), 10
sys.path.insert(0, str(Path(__file__).parent.parent.parent / "examples" / "fields"))


def batches(count=8):
    """Images (BATCH, 1, 8, 8), float32, and labels, int64."""
    from digit_images import digits

    train = digits().train
    parts = range(0, count * BATCH, BATCH)
    return [(train.images[i : i + BATCH, None], train.labels[i : i + BATCH]) for i in parts]


def make_net():
    import minigrad as mg
    from minigrad import nn

    rng, (few, many) = np.random.default_rng(0), CHANNELS
    return nn.Sequential(
        nn.Conv2d(1, few, 3, padding=1, rng=rng), mg.relu, lambda x: mg.max_pool(x, 2),
        nn.Conv2d(few, many, 3, padding=1, rng=rng), mg.relu, lambda x: mg.max_pool(x, 2),
        lambda x: mg.reshape(x, (-1, many * 4)), nn.Linear(many * 4, CLASSES, rng=rng),
    )  # fmt: skip


def make_step(net):
    """minigrad's step, compiled."""
    import minigrad as mg

    optimiser = mg.optim.Adam(net.parameters(), rate=1e-3)

    @mg.compile
    def step(x, targets):
        optimiser.zero_grad()
        loss = mg.cross_entropy(net(x), targets)
        loss.backward()
        optimiser.step()
        return loss

    return lambda x, targets: float(step(x, targets))


def make_torch_step(net):
    """The same weights in PyTorch's modules, whose step is eager."""
    import torch
    from safetensors.torch import load_file

    from minigrad.io import save_weights

    nn, (few, many) = torch.nn, CHANNELS
    theirs = nn.Sequential(
        nn.Conv2d(1, few, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(few, many, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(many * 4, CLASSES),
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        save_weights(net, f"{folder}/net.safetensors")
        theirs.load_state_dict(load_file(f"{folder}/net.safetensors"))
    optimiser = torch.optim.Adam(theirs.parameters(), lr=1e-3)

    def step(x, targets):
        optimiser.zero_grad()
        loss = nn.functional.cross_entropy(theirs(torch.from_numpy(x)), torch.from_numpy(targets))
        loss.backward()
        optimiser.step()
        return float(loss.detach())

    return step


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=200)
    args = parser.parse_args()
    net = make_net()
    steps = {"PyTorch, eager": make_torch_step(net), "minigrad, compiled": make_step(net)}
    data, times, losses = batches(), {name: [] for name in steps}, {}
    for number in range(args.rounds + 1):
        for name, step in steps.items():
            start = time.perf_counter()
            losses[name] = step(*data[number % len(data)])
            times[name].append(time.perf_counter() - start)
    theirs, ours = (statistics.median(found[1:]) * 1e3 for found in times.values())
    apart = abs(losses["minigrad, compiled"] / losses["PyTorch, eager"] - 1)
    print(f"minigrad, compiled {ours:.2f} ms, PyTorch, eager {theirs:.2f} ms: {ours / theirs:.2f}; "
          f"losses of step {args.rounds + 1} {apart:.1e} apart")  # fmt: skip


if __name__ == "__main__":
    main()
