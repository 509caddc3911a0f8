"""Four ways to score a key against a query, on one task: dot, scaled dot, multiplicative and additive.

    python examples/scores.py --out pictures

Eight keys with a digit each are shown and one is asked for, by a sign that must be learned to mean that key; the answer
is its digit. The model is one attention and a readout. All that differs is the score of a query q and a key k:

    dot             q · k                  Luong et al., arXiv 1508.04025
    scaled dot      q · k / √width         Vaswani et al., arXiv 1706.03762
    multiplicative  q · (W k)              Luong et al., "general"
    additive        v · tanh(W q + U k)    Bahdanau et al., arXiv 1409.0473

What to look at:
1. Steps to reach 95 %, and the entropy of the weights before training, out of 3 bits. Large products put all weight on
   one key from the start, softmax is flat there, and little gradient passes: that is what 1/√width is for.
2. Milliseconds a step: an additive score takes `width` numbers for each pair of query and key, a product only one.
3. The curves, drawn with --out as scores.svg.
"""

import argparse
import os
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # read by NumPy; products as small as these gain nothing from more

import numpy as np

import minigrad as mg
from minigrad import nn, optim

Ids = np.ndarray  # integers (sequences, SHOWN) or (sequences,)
SIGNS, DIGITS, SHOWN, WIDTH, BATCH, REACHED = 40, 10, 8, 64, 64, 0.95
SCORES = ("dot", "scaled dot", "multiplicative", "additive")


class Lookup(nn.Module):
    def __init__(self, score: str, rng: np.random.Generator) -> None:
        self.score = score
        self.queries, self.keys, self.values = (nn.Embedding(count, WIDTH, rng) for count in (SIGNS, SIGNS, DIGITS))
        self.readout = nn.Linear(WIDTH, DIGITS, rng=rng)
        if score in ("multiplicative", "additive"):
            self.of_keys = nn.Linear(WIDTH, WIDTH, bias=False, rng=rng)
        if score == "additive":
            self.of_queries, self.total = (nn.Linear(WIDTH, width, bias=False, rng=rng) for width in (WIDTH, 1))

    def scores(self, query: mg.Tensor, keys: mg.Tensor) -> mg.Tensor:
        """(sequences, SHOWN), for a query (sequences, 1, WIDTH) and keys (sequences, SHOWN, WIDTH)."""
        if self.score == "additive":
            return self.total(mg.tanh(self.of_queries(query) + self.of_keys(keys)))[..., 0]
        scores = mg.vecdot(query, self.of_keys(keys) if self.score == "multiplicative" else keys)
        return scores / np.sqrt(WIDTH) if self.score == "scaled dot" else scores

    def weights(self, asked: Ids, shown: Ids) -> mg.Tensor:
        return mg.softmax(self.scores(self.queries(asked[:, None]), self.keys(shown)))

    def forward(self, asked: Ids, shown: Ids, digits: Ids) -> mg.Tensor:
        return self.readout(mg.sum(self.weights(asked, shown)[..., None] * self.values(digits), axis=1))


def draw_tasks(rng: np.random.Generator, count: int) -> tuple[Ids, Ids, Ids, Ids]:
    """The sign asked for, the signs shown, their digits, and the answer."""
    shown = rng.random((count, SIGNS)).argsort(axis=1)[:, :SHOWN]
    digits, place = rng.integers(0, DIGITS, (count, SHOWN)), rng.integers(0, SHOWN, count)
    return shown[np.arange(count), place], shown, digits, digits[np.arange(count), place]


def main() -> None:
    parser = argparse.ArgumentParser(description="Four scores of attention on one task.")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, help="folder for the curves; without it none are drawn")
    parser.add_argument("--quick", action="store_true", help="100 steps instead of 600")
    parser.add_argument("--eager", action="store_true", help="without minigrad.compile")
    arguments = parser.parse_args()
    steps = 100 if arguments.quick else 600
    *asked, answers = draw_tasks(np.random.default_rng([arguments.seed, 1]), 1000)  # to measure with
    mg.keep_memory()

    table, curves = [], {}
    for score in SCORES:
        print(f"{score} …", flush=True)
        rng = np.random.default_rng(arguments.seed)
        model = Lookup(score, rng)
        weights = model.weights(*asked[:2]).numpy()
        bits = -np.sum(weights * np.log2(weights + 1e-30), axis=-1).mean()  # 3 where eight keys have equal weights
        history = train(model, rng, steps, asked, answers, arguments.eager)
        curves[score] = [r["step"] for r in history], [r["validation"] for r in history]
        reached = next((r["step"] for r in history if r["validation"] >= REACHED), "never")
        milliseconds = 1000 * BATCH / np.median([r["tokens_per_second"] for r in history[1:]])
        size, right = sum(p.size for p in model.parameters()), history[-1]["validation"]
        table.append(f"{score:<15}{size:>12}{bits:>15.2f}{reached:>14}{right:>8.1%}{milliseconds:>11.1f}")

    print(f"\n{'score':<15}  parameters  bits at first  steps to {REACHED:.0%}   right  ms a step", *table, sep="\n")
    if arguments.out is not None:
        arguments.out.mkdir(parents=True, exist_ok=True)
        mg.draw_curves(arguments.out / "scores.svg", curves, across="step", up="share of answers that are right")
    found = curves["scaled dot"][1][-1]
    baseline = np.mean([np.bincount(digits).argmax() for digits in asked[2]] == answers)  # the commonest digit shown
    print(f"result: right with scaled dot {found:.2%} (baseline {baseline:.2%})")


def train(model: Lookup, rng: np.random.Generator, steps: int, asked: list[Ids], answers: Ids, eager: bool) -> list:
    optimiser = optim.AdamW(model.parameters(), rate=3e-3, weight_decay=0.0)

    def step(asked: Ids, shown: Ids, digits: Ids, answers: Ids) -> mg.Tensor:
        optimiser.zero_grad()
        loss = mg.cross_entropy(model(asked, shown, digits), answers)
        loss.backward()
        optimiser.step()
        return loss

    def share_right() -> float:
        return float((model(*asked).numpy().argmax(axis=-1) == answers).mean())

    batches = (draw_tasks(rng, BATCH) for _ in range(steps))
    return mg.fit(step if eager else mg.compile(step), batches, steps, share_right, every=20)


if __name__ == "__main__":
    main()
