"""Two digits somewhere on a canvas: which pixel belongs to which digit, and where is the box around each?

    python examples/fields/segment_digits.py --out pictures

Two digits stand on 16 × 16 pixels, side by side or one above the other. The canvas is cut into 64 patches, the tokens;
two more tokens stand for the boxes, of the left or upper digit and of the other. All see each other in an encoder. Each
patch then names its four pixels (paper, or one of ten digits), and each box token the lines, 0 to 16, at which its box
begins and ends. Images to learn from are deformed a little every time; those it is measured with are not.

What to look at:
1. The pixels right, beside softmax regression on each pixel's 7 × 7 neighbours: a stroke belongs to a 3 or to an 8 by
   what is drawn elsewhere, and it takes attention to bring that there.
2. Intersection over union of the boxes, 1 where a box is exact. Beside it: the ink of the left and of the right half.
3. segments.svg, drawn with --out: canvas, truth and answer, a colour for each digit, with the boxes.
"""

import argparse
import os
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # read by NumPy; products as small as these gain nothing from more

import numpy as np

import digit_images
import minigrad as mg
from boxes import bounding_boxes, intersection_over_union
from canvases import canvases
from minigrad import nn, optim
from minigrad.data import from_patches, patches, regression_baseline

SIDE, PATCH, WIDTH, BATCH = 16, 2, 64, 32
COLOURS = np.array([
    0xFFFFFF, 0xE41A1C, 0x377EB8, 0x4DAF4A, 0x984EA3, 0xFF7F00, 0xC9B800, 0xA65628, 0xF781BF, 0x777777, 0x1BC3C3
])  # fmt: skip


class Segmenter(nn.Module):
    """For patches (count, 64, 4), logits of the pixels (count, 64, 4, 11) and of the boxes' lines (count, 2, 4, 17)."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.embedding = nn.Linear(PATCH**2, WIDTH, rng=rng)  # of 4 · patches, which is about as large as positions
        self.boxes = mg.Tensor(rng.normal(size=(1, 2, WIDTH)).astype("f4"), requires_grad=True, name="box tokens")
        self.positions = nn.LearnedPositions((SIDE // PATCH) ** 2 + 2, WIDTH, rng)
        self.encoder = nn.Encoder(layers=3, width=WIDTH, heads=4, hidden=2 * WIDTH, rng=rng)
        self.pixel_readout = nn.Linear(WIDTH, PATCH**2 * 11, rng=rng)
        self.box_readout = nn.Linear(WIDTH, 4 * (SIDE + 1), rng=rng)

    def forward(self, patches: mg.Tensor) -> tuple[mg.Tensor, mg.Tensor]:
        boxes = mg.broadcast_to(self.boxes, (len(patches), 2, WIDTH))
        x = self.encoder(self.positions(mg.concatenate([boxes, self.embedding(4 * patches)], axis=1)))
        pixels, lines = self.pixel_readout(x[:, 2:]), self.box_readout(x[:, :2])
        return pixels.reshape(len(patches), -1, PATCH**2, 11), lines.reshape(len(patches), 2, 4, SIDE + 1)


def main() -> None:
    parser = argparse.ArgumentParser(description="Find two digits on a canvas: their pixels and their boxes.")
    parser.add_argument("--out", type=Path, help="folder for the picture; without it none is drawn")
    parser.add_argument("--quick", action="store_true", help="20 steps instead of 2500")
    parser.add_argument("--seed", type=int, default=0, help="of the initial weights and the canvases to learn from")
    parser.add_argument("--eager", action="store_true", help="without minigrad.compile")
    arguments = parser.parse_args()
    steps = 20 if arguments.quick else 2500
    mg.keep_memory()
    digits, rng = digit_images.digits(), np.random.default_rng(arguments.seed)
    new = canvases(digits.validation, 50 if arguments.quick else 500, np.random.default_rng(0))
    some = canvases(digits.train, 2 if arguments.quick else 20, np.random.default_rng(0))
    near = [(around(part.images[:50]), part.labels[:50].ravel()) for part in (some, new)]
    regression = regression_baseline(*near[0], *near[1])
    halves = [bounding_boxes((new.images >= 0.25) & (np.arange(SIDE) // 8 == half)) for half in (0, 1)]
    by_halves = intersection_over_union(np.stack(halves, axis=1), new.boxes).mean()

    model = Segmenter(rng)
    optimiser = optim.AdamW(model.parameters(), rate=3e-3, schedule=optim.WarmupCosine(warmup=steps // 20, steps=steps))

    def step(patches: np.ndarray, labels: np.ndarray, boxes: np.ndarray) -> mg.Tensor:
        optimiser.zero_grad()
        pixels, lines = model(patches)
        loss = mg.cross_entropy(pixels, labels) + 0.3 * mg.cross_entropy(lines, boxes)
        loss.backward()
        optim.clip_gradients(optimiser.parameters, maximum=1.0)
        optimiser.step()
        return loss

    def answers() -> tuple[np.ndarray, np.ndarray]:
        with mg.no_grad():
            pixels, lines = model(patches(new.images, PATCH))
        return from_patches(pixels.numpy().argmax(axis=-1), SIDE), lines.numpy().argmax(axis=-1)

    def share_right() -> float:
        return float((answers()[0] == new.labels).mean())

    drawn = (canvases(digits.train, BATCH, rng, deformed=True) for _ in range(steps))
    batches = ((patches(each.images, PATCH), patches(each.labels, PATCH), each.boxes) for each in drawn)
    mg.fit(step if arguments.eager else mg.compile(step), batches, steps, share_right, every=steps // 10)
    pixels, boxes = answers()
    found = intersection_over_union(boxes, new.boxes).mean()
    print(f"result: pixels right {share_right():.1%} (baseline {regression:.1%})")
    print(f"result: intersection over union of boxes {found:.3f} (baseline {by_halves:.3f})")

    if arguments.out is not None:
        arguments.out.mkdir(parents=True, exist_ok=True)
        palette = (COLOURS[:, None] >> np.array([16, 8, 0]) & 255) / 255
        grey = np.repeat(1 - new.images[:8, ..., None], 3, axis=-1)
        images = np.concatenate([grey, palette[new.labels[:8]], palette[pixels[:8]]])
        captions = ["canvas"] * 8 + ["truth"] * 8 + ["answer"] * 8
        shown_boxes = np.concatenate([0 * new.boxes[:8], new.boxes[:8], boxes[:8]])
        mg.image_sheet(images, captions, shown_boxes, columns=8).save(arguments.out / "segments.svg")


def around(canvases: np.ndarray) -> np.ndarray:
    """For each pixel the 7 × 7 around it, (pixels, 49)."""
    padded = np.pad(canvases, ((0, 0), (3, 3), (3, 3)))
    return np.lib.stride_tricks.sliding_window_view(padded, (7, 7), axis=(1, 2)).reshape(-1, 49)


if __name__ == "__main__":
    main()
