"""A small network tells two moons apart, and its gradient is that of an engine on single numbers.

    python examples/ports/two_moons.py --out pictures

After the demonstration of micrograd: 2 inputs, two hidden layers of 16, one score for each point; max-margin loss, with
10⁻⁴ of the squares of all parameters; 100 steps on all 100 points, at a rate that falls from 1 to 0.1.

What to look at:
1. Loss and gradient of the compiled step beside those found number by number, with a node for each product and sum.
2. In the end all points are on the right side (moons.svg), as in the original; a straight line leaves 15 % wrong.
"""

import numpy as np

import minigrad as mg
from minigrad import nn, optim
from options import new_parser

POINTS, HIDDEN, STEPS, DECAY = 100, 16, 100, 1e-4


class Number:
    """A number that knows what it was made of, and how fast it changes with each of these."""

    made: list["Number"] = []  # all of them, in their order

    def __init__(self, value: float, *made_of: tuple["Number", float]) -> None:
        self.value, self.made_of, self.slope = value, made_of, 0.0
        Number.made.append(self)

    def __add__(self, other: "Number") -> "Number":
        return Number(self.value + other.value, (self, 1.0), (other, 1.0))

    def __mul__(self, other: "Number") -> "Number":
        return Number(self.value * other.value, (self, other.value), (other, self.value))


def number_by_number(parameters: list[np.ndarray], x: np.ndarray, y: np.ndarray) -> tuple[float, list[np.ndarray]]:
    Number.made.clear()
    make, relu = (np.vectorize(f, otypes=[object]) for f in (Number, lambda n: n * Number(float(n.value > 0))))
    numbers, points = [make(p) for p in parameters], make(x)
    for weight, bias in zip(numbers[:-2:2], numbers[1:-2:2], strict=True):
        points = relu(points @ weight + bias)  # NumPy multiplies and adds objects as they say
    scores = (points @ numbers[-2] + numbers[-1])[:, 0]
    squares = np.sum([np.sum(p * p) for p in numbers])
    loss = np.sum(relu(make(1.0) + make(-y) * scores)) * Number(1 / len(y)) + squares * Number(DECAY)
    loss.slope = 1.0
    for number in reversed(Number.made):
        for source, factor in number.made_of:
            source.slope += factor * number.slope
    return loss.value, [np.vectorize(lambda number: number.slope)(p) for p in numbers]


def main() -> None:
    parser = new_parser("A network of 337 numbers learns two moons.", "nothing: it takes seconds")
    arguments, rng = parser.parse_args(), np.random.default_rng(0)
    y, turn = np.repeat([-1.0, 1.0], POINTS // 2), np.pi * rng.random(POINTS)
    x = rng.normal(np.stack([(1 + y) / 2 - y * np.cos(turn), (1 + y) / 4 - y * np.sin(turn)], axis=1), 0.1)
    layers = [nn.Linear(a, b, rng=rng, dtype=float) for a, b in ((2, HIDDEN), (HIDDEN, HIDDEN), (HIDDEN, 1))]
    for layer in layers:
        layer.weight.data = rng.uniform(-1, 1, layer.weight.shape)
    network = nn.Sequential(layers[0], mg.relu, layers[1], mg.relu, layers[2])
    parameters = list(network.parameters())
    optimiser = optim.SGD(parameters, rate=1.0, schedule=lambda step: 1.0 - 0.9 / STEPS * (step - 1.0))

    @mg.compile
    def step(x: mg.Tensor, y: mg.Tensor) -> tuple[mg.Tensor, list[mg.Tensor]]:
        optimiser.zero_grad()
        margins, squares = mg.relu(1.0 - y * network(x)[:, 0]), mg.square(mg.concatenate(parameters, axis=None))
        loss = mg.mean(margins) + DECAY * mg.sum(squares)
        loss.backward()
        optimiser.step()
        return loss, [p.grad for p in parameters]

    for number in range(1, STEPS + 1):
        before = [p.numpy() for p in parameters]
        loss, gradients = step(x, y)
        if number in (1, 10, STEPS):
            value, slopes = number_by_number(before, x, y)
            apart = max(abs(a - b).max() for a, b in zip([loss, *gradients], [value, *slopes], strict=True)).item()
            print(f"step {number:>3}: loss {value:.4f}, with {len(Number.made)} numbers; at most {apart:.1e} apart")
    if arguments.out is not None:
        places = np.stack(np.meshgrid(np.linspace(-1.5, 2.5, 400), np.linspace(1.6, -1.2, 280)), axis=-1)
        image = np.where(network(places).numpy() > 0, [0.98, 0.88, 0.77], [0.78, 0.86, 0.94])
        for point, sign in zip(x, y, strict=True):
            image[np.linalg.norm(places - point, axis=-1) < 0.04] = [0.7, 0.28, 0.0] if sign > 0 else [0.0, 0.45, 0.7]
        mg.image_sheet(image[None], title="The sign of the score").save(arguments.out / "moons.svg")
    line = np.linalg.lstsq(np.c_[x, np.ones(POINTS)], y)[0]
    right, baseline = (np.mean(scores * y > 0) for scores in (network(x).numpy()[:, 0], x @ line[:2] + line[2]))
    print(f"result: points right {right:.1%} (baseline {baseline:.1%})")


if __name__ == "__main__":
    main()
