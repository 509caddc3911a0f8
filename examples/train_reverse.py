"""A model learns to write digits backwards, and its attention shows how.

    python examples/train_reverse.py --out pictures

One layer with one head of attention, in which every place sees every other. To write the first digit of the result, a
place must look at the last digit of the input, and so on: nothing but the attention can bring it there.

What to look at:
1. The share of sequences that are right in every place: from 0 to 100 % within some seconds.
2. The heat map, drawn with --out as reverse_attention.svg: an anti-diagonal. Place i looks at place 9 - i.
3. The second map, of the model before training: nothing of it was built in.
"""

import argparse
import os
from collections.abc import Iterator
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # read by NumPy; products as small as these gain nothing from more

import numpy as np

import minigrad as mg
from minigrad import data, nn, optim

Tokens = np.ndarray  # integers (sequences, LENGTH)
DIGITS, LENGTH, BATCH = 10, 10, 64


def main() -> None:
    parser = argparse.ArgumentParser(description="Train a model to reverse ten digits.")
    parser.add_argument("--out", type=Path, help="folder for the heat maps; without it none are drawn")
    parser.add_argument("--quick", action="store_true", help="100 steps instead of 400")
    arguments = parser.parse_args()
    steps = 100 if arguments.quick else 400

    mg.keep_memory()
    rng = np.random.default_rng(0)
    model = nn.LanguageModel(DIGITS, width=64, heads=1, layers=1, context=LENGTH, causal=False, rng=rng)
    schedule = optim.WarmupCosine(warmup=10, steps=steps)
    optimiser = optim.AdamW(model.parameters(), rate=1e-2, weight_decay=0.1, schedule=schedule)
    tokens, targets = data.reversal(np.random.default_rng(1), 1000, LENGTH, DIGITS)  # to measure with

    def step(tokens: Tokens, targets: Tokens) -> mg.Tensor:
        optimiser.zero_grad()
        loss = mg.cross_entropy(model(tokens), targets)
        loss.backward()
        optim.clip_gradients(optimiser.parameters, maximum=1.0)
        optimiser.step()
        return loss

    def share_right() -> float:
        with mg.no_grad():
            answers = model(tokens).numpy().argmax(axis=-1)
        return float((answers == targets).all(axis=-1).mean())

    def batches() -> Iterator[tuple[Tokens, Tokens]]:
        while True:
            yield data.reversal(rng, BATCH, LENGTH, DIGITS)

    before = attention(model, tokens)
    print(f"untrained: {share_right():.1%} of the sequences right, {on_anti_diagonal(before):.0%} on the anti-diagonal")
    mg.fit(step, batches(), steps, validate=share_right, every=steps // 10)
    after = attention(model, tokens)
    print(f"trained  : {share_right():.1%} of the sequences right, {on_anti_diagonal(after):.0%} on the anti-diagonal")
    print("place i looks most at place", after.argmax(axis=-1).tolist())

    if arguments.out is not None:
        arguments.out.mkdir(parents=True, exist_ok=True)
        mg.heatmap(after, title="Attention weights, trained").save(arguments.out / "reverse_attention.svg")
        mg.heatmap(before, title="Attention weights, untrained").save(arguments.out / "reverse_untrained.svg")


def attention(model: nn.LanguageModel, tokens: Tokens) -> np.ndarray:
    """The weights of the only head, (queries, keys), in the mean over all sequences."""
    with mg.no_grad():
        model(tokens)
    return model.transformer.blocks[0].attention.weights.numpy().mean(axis=0)[0]


def on_anti_diagonal(weights: np.ndarray) -> float:
    """The share of the attention that goes where it should."""
    return float(np.fliplr(weights).trace() / weights.sum())


if __name__ == "__main__":
    main()
