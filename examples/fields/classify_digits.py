"""Handwritten digits, read patch by patch: a class token asks the patches of an image what it shows.

    python examples/fields/classify_digits.py --out pictures

An image of 8 × 8 pixels is cut into 16 patches of 2 × 2, the tokens. A class token goes in front of them; after two
layers in which all see each other, the digit is read off it. The 1,442 images to learn from are deformed a little every
time they are seen (moved up to a pixel, turned up to 15 degrees, resized up to 15 %); those it is measured with never.

What to look at:
1. The share of new images that is right, beside softmax regression on the 64 pixels.
2. Patches in another order: the trained model is lost, as every patch is where it never was. Trained without positions
   (`--no-positions`) it never notices, and reads about half of the images: attention itself has no order.
3. class_token.svg, drawn with --out: where the class token looks in the last layer, over the image it looks at. It is
   not only ink: the white gap at the left of a 3, or at the right of a 5, tells what it is.
"""

import argparse
import os
from collections.abc import Iterator
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # read by NumPy; products as small as these gain nothing from more

import numpy as np

import digit_images
import minigrad as mg
from deform import deform
from minigrad import nn, optim
from minigrad.data import from_patches, patches, regression_baseline, row_batches

PATCH, TOKENS, WIDTH, BATCH = 2, 16, 64, 32


class Classifier(nn.Module):
    """Logits (count, 10) for patches (count, 16, 4)."""

    def __init__(self, rng: np.random.Generator, positions: bool = True) -> None:
        self.embedding = nn.Linear(PATCH**2, WIDTH, rng=rng)
        self.asking = mg.Tensor(rng.normal(size=(1, 1, WIDTH)).astype("f4"), requires_grad=True, name="class token")
        self.positions = nn.LearnedPositions(1 + TOKENS, WIDTH, rng) if positions else None
        self.encoder = nn.Encoder(layers=2, width=WIDTH, heads=4, hidden=2 * WIDTH, dropout=0.1, rng=rng)
        self.readout = nn.Linear(WIDTH, 10, rng=rng)

    def forward(self, patches: mg.Tensor) -> mg.Tensor:
        asking = mg.broadcast_to(self.asking, (len(patches), 1, WIDTH))
        seen = self.embedding(4 * patches)  # about as large as the positions
        x = mg.concatenate([asking, seen], axis=1)
        return self.readout(self.encoder(x if self.positions is None else self.positions(x))[:, 0])


def main() -> None:
    parser = argparse.ArgumentParser(description="Train an encoder to read digits.")
    parser.add_argument("--out", type=Path, help="folder for the picture; without it none is drawn")
    parser.add_argument("--quick", action="store_true", help="100 steps instead of 6000")
    parser.add_argument("--no-positions", action="store_true", help="do not tell the model where a patch is")
    parser.add_argument("--seed", type=int, default=0, help="of the initial weights and the batches")
    parser.add_argument("--eager", action="store_true", help="without minigrad.compile")
    arguments = parser.parse_args()
    steps = 100 if arguments.quick else 6000

    mg.keep_memory()
    digits, rng = digit_images.digits(), np.random.default_rng(arguments.seed)
    pixels = [part.images.reshape(-1, 64) for part in (digits.train, digits.validation)]
    baseline = regression_baseline(pixels[0], digits.train.labels, pixels[1], digits.validation.labels)

    model = Classifier(rng, positions=not arguments.no_positions)
    schedule = optim.WarmupCosine(warmup=steps // 20, steps=steps)
    optimiser = optim.AdamW(model.parameters(), rate=2e-3, weight_decay=0.05, schedule=schedule)

    def step(patches: np.ndarray, labels: np.ndarray) -> mg.Tensor:
        optimiser.zero_grad()
        loss = mg.cross_entropy(model(patches), labels)
        loss.backward()
        optim.clip_gradients(optimiser.parameters, maximum=1.0)
        optimiser.step()
        return loss

    def batches() -> Iterator[tuple[np.ndarray, np.ndarray]]:
        for rows in row_batches(len(digits.train.labels), BATCH, rng):
            images = deform(digits.train.images[rows], rng, turn=15, resize=0.15)
            yield patches(images, PATCH), digits.train.labels[rows]

    def share_right(order: np.ndarray | slice = slice(None)) -> float:
        model.eval()
        with mg.no_grad():
            answers = model(patches(digits.validation.images, PATCH)[:, order]).numpy().argmax(axis=-1)
        model.train()
        return float((answers == digits.validation.labels).mean())

    with mg.generator(np.random.default_rng(arguments.seed)):  # for dropout
        mg.fit(step if arguments.eager else mg.compile(step), batches(), steps, share_right, every=steps // 10)
    shuffled = [share_right(rng.permutation(TOKENS)) for _ in range(20)]
    print(f"patches in another order: {np.mean(shuffled):.1%} right, in the mean over 20 orders")
    print(f"result: new images right {share_right():.1%} (baseline {baseline:.1%})")

    if arguments.out is not None:
        arguments.out.mkdir(parents=True, exist_ok=True)
        shown = digits.validation.images[:20]
        model.eval()
        with mg.no_grad():
            answers = model(patches(shown, PATCH)).numpy().argmax(axis=-1)
        weights = model.encoder.blocks[-1].attention.weights.numpy().mean(axis=1)[:, 0, 1:]  # from the class token
        looks = from_patches(np.repeat(weights[..., None], PATCH**2, axis=-1), width=8)
        looks /= looks.max(axis=(1, 2), keepdims=True)
        orange = np.array([0.9, 0.45, 0.0])  # paper that is looked at; ink stays black
        coloured = (1 - shown[..., None]) * (1 - looks[..., None] * (1 - orange))
        captions = [
            f"{label} read as {answer}" for label, answer in zip(digits.validation.labels, answers, strict=False)
        ]
        mg.image_sheet(coloured, captions, title="Where the class token looks").save(arguments.out / "class_token.svg")


if __name__ == "__main__":
    main()
