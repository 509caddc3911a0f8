"""How much of a gradient arrives from far back: attention beside a recurrent loop.

    python examples/long_range.py --out pictures

A loss is computed from the last place of a sequence. Through a loop h = tanh(x W + h U) its gradient comes back step by
step, each time multiplied with Uᵀ and with tanh' ≤ 1; through attention every place is one step away (Bengio, Simard
and Frasconi, 1994; Vaswani et al., arXiv 1706.03762, section 4). With an orthogonal U, and inputs so small that tanh'
stays near 1, a loop forgets more slowly.

What to look at:
1. The first table, drawn with --out as long_range.svg: the norm of the gradient by distance, before training. The plain
   loop loses a third of it with each step.
2. The second table: what that means for learning. The task is to name the first token once the last was read.
"""

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # read by NumPy; products as small as these gain nothing from more

import numpy as np

import minigrad as mg
from minigrad import nn, optim

KINDS = ("attention", "recurrent", "recurrent, orthogonal")
LETTERS, WIDTH, BATCH, LENGTH, DISTANCES = 8, 32, 32, 128, (0, 1, 2, 4, 8, 16, 32, 64, 127)


class Reader(nn.Module):
    def __init__(self, kind: str, rng: np.random.Generator) -> None:
        self.kind = kind
        self.embedding, self.readout = nn.Embedding(LETTERS, WIDTH, rng), nn.Linear(WIDTH, LETTERS, rng=rng)
        if kind == "attention":
            self.positions = nn.SinusoidalPositions(WIDTH)
            self.attention = nn.MultiHeadAttention(WIDTH, heads=4, rng=rng)
        else:
            self.enter, self.again = (nn.Linear(WIDTH, WIDTH, bias, rng=rng) for bias in (True, False))
        if kind == "recurrent, orthogonal":
            self.again.weight.data = np.linalg.qr(rng.standard_normal((WIDTH, WIDTH)))[0].astype(np.float32)
            self.enter.weight.data *= np.float32(0.1)

    def last(self, x: mg.Tensor) -> mg.Tensor:
        """What is known at the last of the embedded tokens, (sequences, WIDTH)."""
        if self.kind == "attention":
            x = self.positions(x)
            return self.attention(x[:, -1:], x)[:, 0]  # the last place asks, all of them answer
        entered, state = self.enter(x), mg.zeros_like(x[:, 0])
        for place in range(x.shape[1]):
            state = mg.tanh(entered[:, place] + self.again(state))
        return state

    def forward(self, tokens: np.ndarray) -> mg.Tensor:
        return self.readout(self.last(self.embedding(tokens)))


def main() -> None:
    parser = argparse.ArgumentParser(description="Gradients by distance: attention beside a recurrent loop.")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, help="folder for the curves; without it none are drawn")
    parser.add_argument("--quick", action="store_true", help="80 steps instead of 400, and shorter sequences")
    parser.add_argument("--eager", action="store_true", help="without minigrad.compile")
    arguments = parser.parse_args()
    far, steps = ((4, 16), 80) if arguments.quick else ((8, 32, 64), 400)
    mg.keep_memory()

    print("norm of the gradient, by distance from the last place, before training", row("", DISTANCES), sep="\n")
    norms = {kind: gradient_norms(Reader(kind, np.random.default_rng(arguments.seed))) for kind in KINDS}
    print(*(row(kind, found[[*DISTANCES]], ".1e") for kind, found in norms.items()), sep="\n")
    if arguments.out is not None:
        arguments.out.mkdir(parents=True, exist_ok=True)
        lines = {kind: (np.arange(LENGTH), found) for kind, found in norms.items()}
        mg.draw_curves(arguments.out / "long_range.svg", lines, "distance", "norm of the gradient", logarithmic="y")

    print(f"\nfirst tokens named, after {steps} steps, by distance", row("", far), sep="\n")
    named = {}
    for kind in KINDS:
        named[kind] = [trained(kind, arguments.seed, distance + 1, steps, arguments.eager) for distance in far]
        print(row(kind, named[kind], ".1%"), flush=True)
    found, baseline = named["attention"][-1], named["recurrent"][-1]
    print(f"result: first tokens named at the greatest distance {found:.2%} (baseline {baseline:.2%})")


def row(name: str, cells: Sequence[float], form: str = "") -> str:
    return f"{name:<22}" + "".join(f"{cell:>9{form}}" for cell in cells)


def gradient_norms(model: Reader) -> np.ndarray:
    """By distance from the last place: the norm of a random loss's gradient, in the mean over sequences."""
    rng = np.random.default_rng(1)
    x = mg.Tensor(rng.standard_normal((BATCH, LENGTH, WIDTH), np.float32), requires_grad=True)
    loss = mg.sum(model.last(x) * rng.standard_normal((BATCH, WIDTH), np.float32))
    return np.linalg.norm(mg.grad(loss, x).numpy().astype(np.float64), axis=-1).mean(axis=0)[::-1]


def trained(kind: str, seed: int, length: int, steps: int, eager: bool) -> float:
    """The share of new sequences whose first token the model names after so many steps."""
    rng = np.random.default_rng([seed, length])
    model = Reader(kind, rng)
    optimiser = optim.AdamW(model.parameters(), rate=3e-3, weight_decay=0.0)

    def step(tokens: np.ndarray, first: np.ndarray) -> mg.Tensor:
        optimiser.zero_grad()
        loss = mg.cross_entropy(model(tokens), first)
        loss.backward()
        optim.clip_gradients(optimiser.parameters, maximum=1.0)
        optimiser.step()
        return loss

    drawn = (rng.integers(0, LETTERS, (BATCH, length)) for _ in range(steps))
    mg.fit(step if eager else mg.compile(step), ((x, x[:, 0]) for x in drawn), steps, every=steps // 4)
    new = rng.integers(0, LETTERS, (1000, length))
    return float((model(new).numpy().argmax(axis=-1) == new[:, 0]).mean())


if __name__ == "__main__":
    main()
