"""Seven ways to tell a model where its tokens stand, on one task, and on sequences longer than any it was trained on.

    python examples/positions.py --out pictures

A small causal model reads the help topics of Python, 64 characters at a time, and predicts each next character. All
that differs is what tells it the places; docs/positions.md explains each.

What to look at:
1. The loss on unseen text, in nats per character, and its curves, drawn with --out as positions.svg.
2. The last columns: the same models reading further than they were trained to. Place 64 has no learned vector, its
   sinusoids were never seen, and only the linear price of ALiBi goes on as before.
"""

import argparse
import os
from functools import partial
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # read by NumPy; products as small as these gain nothing from more

import numpy as np

import minigrad as mg
from minigrad import data, nn, optim

WIDTH, HEADS, LAYERS, BATCH, LENGTHS = 64, 4, 2, 16, (64, 128, 256)  # trained on the first length
KINDS = ("none", "added", "concatenated", "learned", "learnable scale", "rotary", "ALiBi")


class Block(nn.Module):
    def __init__(self, kind: str, rng: np.random.Generator) -> None:
        self.kind = kind
        self.before, self.after = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.query, self.key, self.value, self.output = (nn.Linear(WIDTH, WIDTH, rng=rng) for _ in range(4))
        self.feed_forward = nn.FeedForward(WIDTH, 2 * WIDTH, rng=rng)

    def forward(self, x: mg.Tensor) -> mg.Tensor:
        y = self.before(x)
        query, key, value = (mg.split_heads(part(y), heads=HEADS) for part in (self.query, self.key, self.value))
        if self.kind == "rotary":
            query, key = nn.rotary(query), nn.rotary(key)
        bias = nn.linear_biases(HEADS, x.shape[-2]) if self.kind == "ALiBi" else None
        x = x + self.output(mg.merge_heads(mg.scaled_dot_product_attention(query, key, value, bias=bias, causal=True)))
        return x + self.feed_forward(self.after(x))


class Reader(nn.Module):
    def __init__(self, kind: str, characters: int, rng: np.random.Generator) -> None:
        self.positions = {
            "added": nn.SinusoidalPositions(WIDTH),
            "concatenated": nn.SinusoidalPositions(WIDTH // 4, combine="concatenate"),
            "learned": nn.LearnedPositions(LENGTHS[0], WIDTH, rng),
            "learnable scale": nn.SinusoidalPositions(WIDTH, learnable_scale=True),
        }.get(kind, lambda x: x)
        self.embedding = nn.Embedding(characters, WIDTH * 3 // 4 if kind == "concatenated" else WIDTH, rng)
        self.blocks = [Block(kind, rng) for _ in range(LAYERS)]
        self.norm, self.readout = nn.LayerNorm(WIDTH), nn.Linear(WIDTH, characters, rng=rng)

    def forward(self, tokens: np.ndarray) -> mg.Tensor:
        x = self.positions(self.embedding(tokens))
        for block in self.blocks:
            x = block(x)
        return self.readout(self.norm(x))


def main() -> None:
    parser = argparse.ArgumentParser(description="Seven kinds of positions on one task.")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, help="folder for the curves; without it none are drawn")
    parser.add_argument("--quick", action="store_true", help="8 steps instead of 400")
    parser.add_argument("--eager", action="store_true", help="without minigrad.compile")
    arguments = parser.parse_args()
    steps, measured = (8, 1024) if arguments.quick else (400, 16384)
    text = data.python_topics()
    vocabulary = data.Vocabulary(text.train + text.validation)
    seen, unseen = vocabulary.encode(text.train), vocabulary.encode(text.validation[: measured + 1])
    mg.keep_memory()
    curves, table = {}, []
    for kind in KINDS:
        print(f"{kind} …", flush=True)
        rng = np.random.default_rng(arguments.seed)
        model = Reader(kind, len(vocabulary), rng)
        history = train(model, seen, unseen, steps, rng, arguments.eager)
        curves[kind] = [r["step"] for r in history], [r["validation"] for r in history]
        losses = [f"{mean_loss(model, unseen, n):>8.3f}" for n in LENGTHS if kind != "learned" or n == LENGTHS[0]]
        table.append(f"{kind:<17}{sum(p.size for p in model.parameters()):>10}" + "".join(losses))
    print(f"\n{'positions':<17}parameters" + "".join(f"{length:>8}" for length in LENGTHS), *table, sep="\n")
    print(f"{'counting pairs':<27}{data.ngram_baselines(text.train, text.validation[:measured], [2])[2]:>8.3f}")
    if arguments.out is not None:
        arguments.out.mkdir(parents=True, exist_ok=True)
        mg.draw_curves(arguments.out / "positions.svg", curves, "step", "loss on unseen text, nats per character")
    found, baseline = curves["rotary"][1][-1], curves["none"][1][-1]
    print(f"result: nats per character with rotary {found:.4f} (baseline {baseline:.4f})")


def train(
    model: Reader, seen: np.ndarray, unseen: np.ndarray, steps: int, rng: np.random.Generator, eager: bool
) -> list[dict]:
    optimiser = optim.AdamW(model.parameters(), 5e-3, weight_decay=0.1, schedule=optim.WarmupCosine(steps // 20, steps))

    def step(tokens: np.ndarray, following: np.ndarray) -> mg.Tensor:
        optimiser.zero_grad()
        loss = mg.cross_entropy(model(tokens), following)
        loss.backward()
        optim.clip_gradients(optimiser.parameters, maximum=1.0)
        optimiser.step()
        return loss

    batches = data.text_batches(seen, BATCH, LENGTHS[0], rng)
    validate = partial(mean_loss, model, unseen, LENGTHS[0])
    return mg.fit(step if eager else mg.compile(step), batches, steps, validate, every=steps // 8)


def mean_loss(model: Reader, ids: np.ndarray, length: int) -> float:
    return float(np.mean([float(mg.cross_entropy(model(x), y)) for x, y in data.windows(ids, length, batch=16)]))


if __name__ == "__main__":
    main()
