"""Two nets read the same digits: a small vision transformer, and a small convolutional net beside it.

    python examples/ports/image_nets.py --out pictures

After Dosovitskiy et al., arXiv 2010.11929: patches of 2 × 2, a class token, learned positions; and after LeCun et al.,
1998, with ReLU and maxima: two convolutions, each pooled by two, and a linear map. Both learn from the same images of
8 × 8 pixels, moved, turned and resized a little every time, in as many steps.

What to look at:
1. A linear map of patches is a convolution with a stride, as in the original's code: it, and the first layer of the
   other net, beside a sum over each window in turn, in NumPy.
2. Parameters, milliseconds a step (and for its images), and the share of new images right, beside softmax regression;
   --out draws image_nets.svg, those that one of them reads wrongly.
"""

import sys
import time
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "fields"))

import numpy as np

import minigrad as mg
from deform import deform
from digit_images import digits
from minigrad import data, nn, optim
from options import new_parser

PATCH, WIDTH, BATCH = 2, 48, 32


class VisionTransformer(nn.VisionTransformer):
    def __init__(self, rng: np.random.Generator) -> None:
        super().__init__(16, PATCH**2, 10, WIDTH, heads=3, layers=2, hidden=2 * WIDTH, activation="gelu", rng=rng)
        self.embedding = nn.Conv2d(1, WIDTH, PATCH, stride=PATCH, rng=rng)

    def forward(self, images: mg.Tensor) -> mg.Tensor:
        return self.read(mg.swapaxes(mg.reshape(self.embedding(4 * images), (len(images), WIDTH, -1)), 1, 2))


def make_convolutional(rng: np.random.Generator) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1, rng=rng), mg.relu, lambda x: mg.max_pool(x, 2),
        nn.Conv2d(16, 32, 3, padding=1, rng=rng), mg.relu, lambda x: mg.max_pool(x, 2),
        lambda x: mg.reshape(x, (-1, 128)), nn.Linear(128, 10, rng=rng),
    )  # fmt: skip


def slide(images: np.ndarray, layer: nn.Conv2d) -> np.ndarray:
    weight, window, edge = layer.weight.numpy(), layer.weight.shape[-1], (layer.padding, layer.padding)
    images = np.pad(images, [(0, 0), (0, 0), edge, edge]).astype(np.float64)
    places = range(0, images.shape[-1] - window + 1, layer.stride)
    sums = [[images[:, None, :, i : i + window, j : j + window] * weight for j in places] for i in places]
    return np.moveaxis(np.sum(sums, axis=(4, 5, 6)), (2, 3), (0, 1)) + layer.bias.numpy()[:, None, None]


def main() -> None:
    parser = new_parser("A vision transformer and a convolutional net read digits.", "200 steps instead of 3000")
    parser.add_argument("--seed", type=int, default=0, help="of the initial weights and the batches")
    arguments = parser.parse_args()
    steps, (train, new) = 200 if arguments.quick else 3000, (digits().train, digits().validation)
    images, answers = new.images[:, None], []
    print("net            parameters  ms a step   right  first layer beside NumPy")
    for name, make in (("transformer", VisionTransformer), ("convolutional", make_convolutional)):
        model = make(rng := np.random.default_rng(arguments.seed))
        layer = next(part for part in model.modules() if isinstance(part, nn.Conv2d))
        apart = abs(layer(images).numpy() - slide(images, layer)).max()
        schedule = optim.WarmupCosine(warmup=steps // 20, steps=steps)
        optimiser = optim.AdamW(model.parameters(), rate=2e-3, weight_decay=0.05, schedule=schedule)

        @mg.compile
        def step(images: np.ndarray, labels: np.ndarray, model=model, optimiser=optimiser) -> mg.Tensor:
            optimiser.zero_grad()
            loss = mg.cross_entropy(model(images), labels)
            loss.backward()
            optimiser.step()
            return loss

        drawn = data.row_batches(len(train.labels), BATCH, rng)
        batches = ((deform(train.images[i], rng, turn=15, resize=0.15)[:, None], train.labels[i]) for i in drawn)
        clock = time.perf_counter()
        mg.fit(step, batches, steps, every=steps // 10)
        milliseconds = 1000 * (time.perf_counter() - clock) / steps
        answers.append(model(images).numpy().argmax(axis=-1))
        size, right = sum(p.size for p in model.parameters()), np.mean(answers[-1] == new.labels)
        print(f"{name:<15}{size:>10}{milliseconds:>11.1f}{right:>8.1%}{apart:>26.1e}")
    if arguments.out is not None:
        wrong = np.flatnonzero((np.array(answers) != new.labels).any(axis=0))[:40]
        captions = [f"{new.labels[i]}: {answers[0][i]}, {answers[1][i]}" for i in wrong]
        sheet = mg.image_sheet(new.images[wrong], captions, title="Digit: transformer, convolutional")
        sheet.save(arguments.out / "image_nets.svg")
    flat = [part.images.reshape(-1, 64) for part in (train, new)]
    baseline = data.regression_baseline(flat[0], train.labels, flat[1], new.labels)
    print(f"result: new images right by the convolutional net {right:.1%} (baseline {baseline:.1%})")


if __name__ == "__main__":
    main()
