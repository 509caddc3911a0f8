"""Learning to learn (MAML): weights from which one step on ten points of an unseen sine wave goes a long way.

    python examples/ports/maml.py --out pictures

After Finn, Abbeel and Levine, arXiv 1703.03400, section 5.1: waves of amplitude 0.1 to 5 and phase 0 to π, a net of two
hidden layers of 40. For each of 25 waves it takes a step of its own on ten points; ten more tell its error.

What to look at:
1. The gradient, which goes through another one, beside a finite difference; and without its second order, as the
   paper's first-order variant has it, which takes the slopes of the step for constants and learns nearly as well.
2. Errors on unseen waves before the step, after it, and after five (medians: a few waves are carried away by more than
   one). The baseline learns all waves at once and gains little from a step of its own. --out draws sine.svg.
"""

import argparse
from pathlib import Path

import numpy as np

import minigrad as mg
from minigrad import optim

Arrays = list[mg.Tensor]
TASKS, POINTS, RATE, COUNTS = 25, 10, 0.01, (0, 1, 5)  # the last: of steps
SHAPES = [(1, 40), (1, 40), (40, 40), (1, 40), (40, 1), (1, 1)]  # weight and bias in turn


def draw_waves(rng: np.random.Generator, tasks: int) -> tuple[np.ndarray, ...]:
    """Places and heights to learn from, then others to measure on, each (tasks, POINTS, 1)."""
    amplitude, phase = rng.uniform(0.1, 5.0, (tasks, 1, 1)), rng.uniform(0.0, np.pi, (tasks, 1, 1))
    places = rng.uniform(-5.0, 5.0, (2, tasks, POINTS, 1))
    return tuple(array for x in places for array in (x, amplitude * np.sin(x - phase)))


def predict(weights: Arrays, x: mg.Tensor) -> mg.Tensor:
    for weight, bias in zip(weights[:-2:2], weights[1:-2:2], strict=True):
        x = mg.relu(x @ weight + bias)
    return x @ weights[-2] + weights[-1]


def adapt(weights: Arrays, x: mg.Tensor, y: mg.Tensor, steps: int, rate: float = RATE, order: int = 2) -> Arrays:
    """The weights of each task, (tasks, …), after steps on its own points; of order 1, their slopes are constants."""
    own = [mg.broadcast_to(weight, (len(x), *weight.shape)) for weight in weights]
    for _ in range(steps):
        slopes = mg.grad(mg.sum(mg.square(predict(own, x) - y)) / POINTS, own, create_graph=True)
        slopes = slopes if order == 2 else [mg.stop_gradient(slope) for slope in slopes]
        own = [weight - rate * slope for weight, slope in zip(own, slopes, strict=True)]
    return own


def errors_after(weights: Arrays, waves: tuple[mg.Tensor, ...], steps: int = 1, **settings: float) -> mg.Tensor:
    x, y, new_x, new_y = waves
    return mg.mean(mg.square(predict(adapt(weights, x, y, steps, **settings), new_x) - new_y), axis=(1, 2))


def train(steps: int, **settings: float) -> Arrays:
    rng = np.random.default_rng(0)
    weights = [mg.Tensor(rng.normal(0, (2 / sum(shape)) ** 0.5, shape), requires_grad=True) for shape in SHAPES]
    optimiser = optim.Adam(weights, rate=1e-3)

    @mg.compile
    def step(*waves: mg.Tensor) -> mg.Tensor:
        optimiser.zero_grad()
        error = mg.mean(errors_after(weights, waves, **settings))
        error.backward()
        optimiser.step()
        return error

    mg.fit(step, (draw_waves(rng, TASKS) for _ in range(steps)), steps, every=steps // 5)
    return weights


def main() -> None:
    parser = argparse.ArgumentParser(description="Weights that learn a sine wave in one step.")
    parser.add_argument("--out", type=Path, help="folder for the picture; without it none is drawn")
    parser.add_argument("--quick", action="store_true", help="1500 steps instead of 5000")
    arguments, rng = parser.parse_args(), np.random.default_rng(1)
    steps = 1500 if arguments.quick else 5000
    runs = learned, _, _ = train(steps), train(steps, order=1), train(steps, rate=0.0)
    few, unseen = draw_waves(rng, TASKS), draw_waves(rng, 500)
    both = (mg.grad(mg.sum(errors_after(learned, few, order=order)), learned) for order in (2, 1))
    gradient, rough = (np.concatenate([part.numpy() for part in parts], axis=None) for parts in both)
    moves, norm = [1e-6 * rng.standard_normal(shape) for shape in SHAPES], np.linalg.norm(gradient)
    sides = ([w + side * move for w, move in zip(learned, moves, strict=True)] for side in (0.5, -0.5))
    ahead, behind = (float(mg.sum(errors_after(side, few))) for side in sides)
    apart = 1e6 * abs(gradient @ np.concatenate(moves, axis=None) - (ahead - behind)) / norm
    missing = np.linalg.norm(gradient - rough) / norm
    print(f"gradient: {apart:.1e} of its norm from a finite difference; to first order {missing:.0%} of it missing")
    print("error on unseen waves after  0 steps   1 step   5 steps")
    table = [[np.median(errors_after(weights, unseen, n).numpy()) for n in COUNTS] for weights in runs]
    for name, errors in zip(("learned to learn", "to first order", "all waves at once"), table, strict=True):
        print(f"{name:<26}", *(f"{error:9.3f}" for error in errors))
    if arguments.out is not None:
        arguments.out.mkdir(parents=True, exist_ok=True)
        usual = np.argsort(errors_after(learned, unseen, COUNTS[-1]).numpy())[250:251]  # half of the waves are worse
        line, (x, y, *_) = np.linspace(-5, 5, 201)[:, None], (array[usual] for array in unseen)
        heights = [predict(adapt(learned, x, y, n), line).numpy().ravel() for n in COUNTS]
        curves = {f"steps: {n}": (line.ravel(), height) for n, height in zip(COUNTS, heights, strict=True)}
        curves["ten points"] = np.repeat(x, 2), np.stack([y, y * np.nan], axis=-1).ravel()  # no lines between
        mg.draw_curves(arguments.out / "sine.svg", curves, "x", "y")
    print(f"result: error after one step {table[0][1]:.3f} (baseline {table[-1][1]:.3f})")


if __name__ == "__main__":
    main()
