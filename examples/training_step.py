"""A whole training step as one graph: forward, backward, clipping and Adam.

    python examples/training_step.py --out pictures

The model is one head of causal attention between an embedding and a linear map, which learns to count: after 0 comes 1,
after 1 comes 2, and after the last number 0. The function `step` is ordinary eager code.

What to look at:
1. The listing. `zero_grad` leaves no node, since there is nothing to compute. The forward pass ends with `loss`, the
   gradient begins with `∂loss`; then come the scopes `clipping` and `optimiser`. The last lines are the updates: every
   parameter, the moments of Adam and its step counter get a next value. Nothing else happens in a step.
2. The state. Adam's rate and step counter are state and not constants, so the graph is right at every step, not only at
   the first; the schedule is computed in the graph.
3. The proof. One model is trained by calling `step`, its twin by running the graph: after each step the losses, and in
   the end all parameters, are the same to the last bit.
With --out, training_step.svg shows it all on one sheet.
"""

import argparse
from pathlib import Path
from typing import Any

import numpy as np

import minigrad as mg
from minigrad import nn, optim

NUMBERS, LENGTH, WIDTH = 5, 4, 4


def main() -> None:
    parser = argparse.ArgumentParser(description="A whole training step as one graph.")
    parser.add_argument("--out", type=Path, help="folder for the picture; without it none is drawn")
    parser.add_argument("--quick", action="store_true", help="100 steps instead of 500")
    arguments = parser.parse_args()

    tokens = np.arange(LENGTH)
    targets = (tokens + 1) % NUMBERS
    eager, traced = Learner(), Learner()  # two models with the same weights

    print("1. The graph")
    graph = mg.trace(traced.step, tokens, targets)
    print(graph)

    print("\n2. What it is made of")
    print(graph.stats())
    print("state:", ", ".join(node.path for node in graph if node.role == "state"))

    print("\n3. The graph does what the function does")
    rng = np.random.default_rng(1)
    steps = 100 if arguments.quick else 500
    for number in range(1, steps + 1):
        tokens = rng.integers(0, NUMBERS, LENGTH)
        targets = (tokens + 1) % NUMBERS
        loss = eager.step(tokens, targets).numpy()
        if not np.array_equal(loss, graph.run(tokens, targets)):
            raise SystemExit(f"step {number}: the losses differ")
        if number in (1, 10, 100, 500):
            print(f"step {number:3}  loss {loss:.4f}, and the same from the graph")
    pairs = zip(eager.model.parameters(), traced.model.parameters(), strict=True)
    print("all parameters equal, bit for bit:", all(np.array_equal(a.numpy(), b.numpy()) for a, b in pairs))

    if arguments.out is not None:
        arguments.out.mkdir(parents=True, exist_ok=True)
        graph.draw(arguments.out / "training_step.svg")


class Head(nn.Module):
    """Embedding, one head of causal attention, a linear map to one logit per number."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.embedding = nn.Embedding(NUMBERS, WIDTH, rng)
        self.readout = nn.Linear(WIDTH, NUMBERS, rng=rng)

    def forward(self, tokens: Any) -> Any:
        x = self.embedding(tokens)
        return self.readout(mg.scaled_dot_product_attention(x, x, x, causal=True))


class Learner:
    """A model, its optimiser, and the step that trains it."""

    def __init__(self) -> None:
        self.model = Head(np.random.default_rng(0))
        schedule = optim.WarmupCosine(warmup=10, steps=500)
        self.optimiser = optim.Adam(self.model.parameters(), rate=0.05, schedule=schedule)

    def step(self, tokens: Any, targets: Any) -> mg.Tensor:
        self.optimiser.zero_grad()
        loss = mg.cross_entropy(self.model(tokens), targets)
        loss.name = "loss"
        loss.backward()
        optim.clip_gradients(self.model.parameters(), maximum=1.0)
        self.optimiser.step()
        return loss


if __name__ == "__main__":
    main()
