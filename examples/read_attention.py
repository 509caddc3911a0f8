"""What attention weights tell and what they do not: ways to read them, and a map that misleads.

    python examples/read_attention.py --out pictures

A model of two layers learns to write ten digits backwards. Places enter queries and keys only; so what a token offers
in layer 0, its value, depends on its digit alone. What to look at:
1. The table: for each head the entropy of its weights in bits; how much of the weights, of the size of their gradients
   and of gradient × weight lies on the place that holds the answer; and what is still right when it is left out. Then
   the roll-out: both layers multiplied, with residual connections (Abnar and Zuidema, arXiv 2005.00928).
2. The map that misleads. Equal digits have equal values in layer 0, so their weights can be exchanged: all heads look
   elsewhere, and no result changes. With weights of other digits exchanged, results do change.
3. The maps, drawn with --out: read_weights.svg and read_gradients.svg (gradient × weight), where heads 0 and 1 are of
   layer 0; read_rollout.svg; and read_exchanged.svg, two maps with the same results.
"""

import argparse
import os
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # read by NumPy; products as small as these gain nothing from more

import numpy as np

import minigrad as mg
from minigrad import data, nn, optim

DIGITS, LENGTH, BATCH, WIDTH, HEADS, LAYERS = 10, 10, 64, 32, 2, 2
PLACES = mg.constant(nn.sinusoids(np.arange(LENGTH), WIDTH).astype(np.float32), name="places")


class Reverser(nn.Module):
    def __init__(self, rng: np.random.Generator) -> None:
        self.embedding, self.readout = nn.Embedding(DIGITS, WIDTH, rng), nn.Linear(WIDTH, DIGITS, rng=rng)
        self.norms = [nn.LayerNorm(WIDTH) for _ in range(LAYERS + 1)]
        self.linear = [[nn.Linear(WIDTH, WIDTH, rng=rng) for _ in range(4)] for _ in range(LAYERS)]

    def forward(self, tokens: np.ndarray, given: dict[int, np.ndarray]) -> tuple[mg.Tensor, list[mg.Tensor]]:
        x, maps = self.embedding(tokens), []  # the weights of each layer: its own, or those `given` in their place
        for layer, (query, key, value, output) in enumerate(self.linear):
            y = self.norms[layer](x)
            q, k, v = (mg.split_heads(z, heads=HEADS) for z in (query(y + PLACES), key(y + PLACES), value(y)))
            maps.append(given.get(layer, mg.softmax(q @ mg.swapaxes(k, -1, -2) / np.sqrt(WIDTH / HEADS))))
            x = x + output(mg.merge_heads(maps[-1] @ v))
        return self.readout(self.norms[-1](x)), maps


def main() -> None:
    parser = argparse.ArgumentParser(description="Read the attention of a small model, and misread it.")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, help="folder for the heat maps; without it none are drawn")
    parser.add_argument("--quick", action="store_true", help="100 steps instead of 250")
    parser.add_argument("--eager", action="store_true", help="without minigrad.compile")
    arguments = parser.parse_args()
    rng = np.random.default_rng(arguments.seed)
    model = trained(rng, 100 if arguments.quick else 250, arguments.eager)
    tokens, answers = data.reversal(rng, 500, LENGTH, DIGITS)

    def right(logits: mg.Tensor) -> float:
        return float((logits.numpy().argmax(axis=-1) == answers).mean())

    logits, maps = model(tokens, {})
    mg.cross_entropy(logits, answers).backward(keep=True)
    weights = np.stack([layer.numpy() for layer in maps], axis=1)  # (sequences, layers, heads, queries, keys)
    gradients = np.stack([np.asarray(layer.grad) for layer in maps], axis=1)
    print("layer  head  entropy  weights  |gradients|  |gradient × weight|  right without the head")
    for layer, head in np.ndindex(LAYERS, HEADS):
        w, g = weights[:, layer, head], gradients[:, layer, head]
        entropy = -np.sum(w * np.log2(w + 1e-30), axis=-1).mean()
        shares = f"{on_answer(w):>9.1%}{on_answer(abs(g)):>13.1%}{on_answer(abs(g * w)):>21.1%}"
        others = weights[:, layer] * (np.arange(HEADS) != head)[:, None, None]
        print(f"{layer:>5}{head:>6}{entropy:>9.2f}{shares}{right(model(tokens, {layer: others})[0]):>24.1%}")
    first, second = np.moveaxis(weights.mean(axis=2) + np.eye(LENGTH), 1, 0) / 2  # half by attention, half past it
    rollout = second @ first
    print(f"roll-out{on_answer(rollout):>21.1%}\n")
    order = np.tile(np.arange(LENGTH), (len(tokens), 1))
    for row, digit in np.ndindex(len(tokens), DIGITS):
        places = np.flatnonzero(tokens[row] == digit)
        order[row, places] = np.roll(places, 1)
    shares = {}
    for among, chosen in (("other", np.roll(order, 1, axis=0)), ("equal", order)):
        given = np.take_along_axis(weights[:, 0], chosen[:, None, None], axis=-1)
        results, moved = model(tokens, {0: given})[0], abs(given - weights[:, 0]).sum(axis=-1).mean() / 2
        shares[among], difference = right(results), abs(results.numpy() - logits.numpy()).max()
        print(f"weights of {among} digits exchanged: {moved:.0%} moved, logits differ by {difference:.0e} at most")
    assert difference < 1e-3 < moved, "another map, another result"
    if (out := arguments.out) is not None:
        out.mkdir(parents=True, exist_ok=True)
        products = abs(gradients * weights).mean(axis=0).reshape(-1, LENGTH, LENGTH)
        row = int((order != np.arange(LENGTH)).sum(axis=1).argmax())  # a sequence with many equal digits
        pair, digits = np.stack([weights[row, 0, 0], given[row, 0]]), tokens[row].tolist()
        mg.heatmap(weights.mean(axis=0).reshape(-1, LENGTH, LENGTH)).save(out / "read_weights.svg")
        mg.heatmap(products / products.sum(axis=-1, keepdims=True)).save(out / "read_gradients.svg")
        mg.heatmap(rollout.mean(axis=0)).save(out / "read_rollout.svg")
        mg.heatmap(pair, digits, digits, axes=("map", "queries", "keys")).save(out / "read_exchanged.svg")
    print(f"result: right with weights exchanged {shares['equal']:.2%} (baseline {shares['other']:.2%})")


def trained(rng: np.random.Generator, steps: int, eager: bool) -> Reverser:
    model = Reverser(rng)
    optimiser = optim.AdamW(model.parameters(), 1e-2, weight_decay=0.1, schedule=optim.WarmupCosine(10, steps))

    def step(tokens: np.ndarray, targets: np.ndarray) -> mg.Tensor:
        optimiser.zero_grad()
        loss = mg.cross_entropy(model(tokens, {})[0], targets)
        loss.backward()
        optimiser.step()
        return loss

    batches = (data.reversal(rng, BATCH, LENGTH, DIGITS) for _ in range(steps))
    mg.fit(step if eager else mg.compile(step), batches, steps, every=steps // 4)
    return model


def on_answer(map: np.ndarray) -> float:  # the share on the anti-diagonal
    return float(np.trace(map[..., ::-1], axis1=-2, axis2=-1).sum() / map.sum())


if __name__ == "__main__":
    main()
