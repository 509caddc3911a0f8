"""A model draws digits, one pixel after the other, each from all the pixels before it.

    python examples/fields/generate_digits.py --out pictures

An image of 8 × 8 pixels is a sequence of 64 tokens, the grey levels 0 to 16, row by row. A causal transformer reads the
digit that is wanted and the pixels so far, and gives the odds of the next level. Drawing from them writes new digits.

What to look at:
1. The loss on images it has not seen, in nats per pixel, beside that of counting pairs and triples of neighbours
   (n-grams): counting knows the pixel to the left, but not the one above, 8 tokens ago, nor which digit it is to be.
2. samples.svg, drawn with --out: ten new drawings of each digit; under them, for comparison, images of the data.
3. looking_back.svg: where the heads of each layer look, in the mean over the images, to draw the pixel in the box: some
   to its left, some to what is above it, though that is 8 tokens ago, some to where its row began.
"""

import argparse
import os
from collections.abc import Iterator
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # read by NumPy; products as small as these gain nothing from more

import numpy as np

import digit_images
import minigrad as mg
from minigrad import data, nn, optim
from minigrad.data import row_batches

LEVELS, PIXELS, BATCH = 17, 64, 32


def main() -> None:
    parser = argparse.ArgumentParser(description="Train a causal transformer to draw digits.")
    parser.add_argument("--out", type=Path, help="folder for the pictures; without it none are drawn")
    parser.add_argument("--quick", action="store_true", help="30 steps instead of 600")
    parser.add_argument("--seed", type=int, default=0, help="of the initial weights, the batches and the samples")
    parser.add_argument("--eager", action="store_true", help="without minigrad.compile")
    arguments = parser.parse_args()
    steps = 30 if arguments.quick else 600

    mg.keep_memory()
    digits = digit_images.digits()
    text, new_text = ("".join(map(chr, part.levels.ravel() + 65)) for part in (digits.train, digits.validation))
    counted = data.ngram_baselines(text, new_text)
    print("n-gram models, nats per pixel:", ", ".join(f"{order}-gram {loss:.3f}" for order, loss in counted.items()))

    rng = np.random.default_rng(arguments.seed)
    model = nn.LanguageModel(LEVELS + 10, width=64, heads=4, layers=3, context=PIXELS, dropout=0.1, rng=rng)
    schedule = optim.WarmupCosine(warmup=steps // 20, steps=steps)
    optimiser = optim.AdamW(model.parameters(), rate=5e-3, weight_decay=0.1, schedule=schedule)

    def step(tokens: np.ndarray, targets: np.ndarray) -> mg.Tensor:
        optimiser.zero_grad()
        loss = mg.cross_entropy(model(tokens), targets)
        loss.backward()
        optim.clip_gradients(optimiser.parameters, maximum=1.0)
        optimiser.step()
        return loss

    tokens, targets = sequences(digits.train)
    new_tokens, new_targets = sequences(digits.validation)

    def batches() -> Iterator[tuple[np.ndarray, np.ndarray]]:
        for rows in row_batches(len(tokens), BATCH, rng):
            yield tokens[rows], targets[rows]

    def validate() -> float:
        model.eval()
        with mg.no_grad():
            loss = float(mg.cross_entropy(model(new_tokens), new_targets))
        model.train()
        return loss

    with mg.generator(np.random.default_rng(arguments.seed)):  # for dropout
        step = step if arguments.eager else mg.compile(step)
        history = mg.fit(step, batches(), steps, validate, every=max(30, steps // 10))
    print(f"result: nats per pixel {history[-1]['validation']:.3f} (baseline {counted[2]:.3f})")
    model.eval()

    if arguments.out is not None:
        arguments.out.mkdir(parents=True, exist_ok=True)
        wanted = np.tile(np.arange(10), 1 if arguments.quick else 10)
        images = np.concatenate([drawn(model, wanted, rng), digits.validation.levels[:20]]) / (LEVELS - 1)
        captions = [*wanted, *(f"data: {label}" for label in digits.validation.labels[:20])]
        sheet = mg.image_sheet(images, captions, title="Drawn by the model; the last two rows are data")
        sheet.save(arguments.out / "samples.svg")
        with mg.no_grad():
            model(new_tokens)
        seen = np.concatenate(
            [block.attention.weights.numpy().mean(axis=0)[:, 36] for block in model.transformer.blocks]
        )
        seen = np.column_stack([seen[:, 1:], np.zeros((len(seen), 1))]).reshape(-1, 8, 8)  # without the digit's token
        captions = [f"layer {layer}, head {head}" for layer in range(3) for head in range(4)]
        sheet = mg.image_sheet(seen / seen.max(axis=(1, 2), keepdims=True), captions, [[[4, 4, 5, 5]]] * 12, columns=4)
        sheet.save(arguments.out / "looking_back.svg")


def sequences(images: digit_images.Images) -> tuple[np.ndarray, np.ndarray]:
    """Inputs and targets, both (count, 64): the pixels, and before them as a token of its own the digit."""
    pixels = images.levels.reshape(-1, PIXELS)
    return np.column_stack([LEVELS + images.labels, pixels[:, :-1]]), pixels


def drawn(model: nn.LanguageModel, digits: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """New images (count, 8, 8) of these digits, one level after the other as the odds have it."""
    tokens = LEVELS + digits[:, None]
    with mg.no_grad():
        for _ in range(PIXELS):
            logits = model(tokens).numpy()[:, -1, :LEVELS]
            level = (logits + rng.gumbel(size=logits.shape)).argmax(axis=-1)  # one draw from softmax(logits)
            tokens = np.column_stack([tokens, level])
    return tokens[:, 1:].reshape(-1, 8, 8)


if __name__ == "__main__":
    main()
