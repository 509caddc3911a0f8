"""Learning to learn (MAML): weights from which one step on ten points of an unseen sine wave goes a long way.

    python examples/ports/maml.py --out pictures

After Finn, Abbeel and Levine, arXiv 1703.03400, section 5.1: waves of amplitude 0.1 to 5 and phase 0 to π, a net of two
hidden layers of 40. For each of 25 waves it takes a step of its own on ten points; ten more tell its error.

What to look at:
1. The gradient, which goes through another one, beside a finite difference; and without its second order, as the
   paper's first-order variant has it, which takes the slopes of the step for constants and learns less in one step.
2. Errors on unseen waves before the step, after it, and after five (medians: a few waves are carried away by more than
   one). The baseline learns all waves at once and gains little from a step of its own. --out draws sine.svg.
"""

import numpy as np

import minigrad as mg
from flat_nets import draw_net, run_net
from minigrad import optim
from options import new_parser

TASKS, POINTS, RATE, SIZES, COUNTS = 25, 10, 0.01, (1, 40, 40, 1), (0, 1, 5)  # the last: of steps


def draw_waves(rng: np.random.Generator, tasks: int) -> tuple[np.ndarray, ...]:
    """Places and heights to learn from, then others to measure on, each (tasks, POINTS, 1)."""
    amplitude, phase = rng.uniform(0.1, 5.0, (tasks, 1, 1)), rng.uniform(0.0, np.pi, (tasks, 1, 1))
    places = rng.uniform(-5.0, 5.0, (2, tasks, POINTS, 1))
    return tuple(array for x in places for array in (x, amplitude * np.sin(x - phase)))


def predict(theta: mg.Tensor, x: mg.Tensor) -> mg.Tensor:
    return run_net(theta, x, SIZES, mg.relu)


def adapt(theta: mg.Tensor, x: mg.Tensor, y: mg.Tensor, steps: int, rate: float = RATE, order: int = 2) -> mg.Tensor:
    """The weights of each task, (tasks, …), after steps on its own points; of order 1, their slopes are constants."""
    own = mg.broadcast_to(theta, (len(x), *theta.shape))
    for _ in range(steps):
        slope = mg.grad(mg.sum(mg.square(predict(own, x) - y)) / POINTS, own, create_graph=True)
        own = own - rate * (slope if order == 2 else mg.stop_gradient(slope))
    return own


def errors_after(theta: mg.Tensor, waves: tuple[mg.Tensor, ...], steps: int = 1, **settings: float) -> mg.Tensor:
    x, y, new_x, new_y = waves
    return mg.mean(mg.square(predict(adapt(theta, x, y, steps, **settings), new_x) - new_y), axis=(1, 2))


def train(steps: int, **settings: float) -> mg.Tensor:
    rng = np.random.default_rng(0)
    theta = mg.Tensor(draw_net(SIZES, rng), requires_grad=True)
    optimiser = optim.Adam([theta], rate=1e-3)

    @mg.compile
    def step(*waves: mg.Tensor) -> mg.Tensor:
        optimiser.zero_grad()
        error = mg.mean(errors_after(theta, waves, **settings))
        error.backward()
        optimiser.step()
        return error

    mg.fit(step, (draw_waves(rng, TASKS) for _ in range(steps)), steps, every=steps // 5)
    return theta


def main() -> None:
    parser = new_parser("Weights that learn a sine wave in one step.", "1500 steps instead of 5000")
    arguments, rng = parser.parse_args(), np.random.default_rng(1)
    steps = 1500 if arguments.quick else 5000
    runs = learned, _, _ = train(steps), train(steps, order=1), train(steps, rate=0.0)
    few, unseen = draw_waves(rng, TASKS), draw_waves(rng, 500)
    gradient, rough = (mg.grad(mg.sum(errors_after(learned, few, order=n)), learned).numpy() for n in (2, 1))
    move, norm = 1e-8 * rng.standard_normal(gradient.shape), np.linalg.norm(gradient)
    ahead, behind = (float(mg.sum(errors_after(learned + side * move, few))) for side in (0.5, -0.5))
    apart = 1e8 * abs(gradient @ move - (ahead - behind)) / norm  # so small a move meets hardly any kink of ReLU
    missing = np.linalg.norm(gradient - rough) / norm
    print(f"gradient: {apart:.1e} of its norm from a finite difference; to first order {missing:.0%} of it missing")
    print("error on unseen waves after  0 steps   1 step   5 steps")
    table = [[np.median(errors_after(theta, unseen, n).numpy()) for n in COUNTS] for theta in runs]
    for name, errors in zip(("learned to learn", "to first order", "all waves at once"), table, strict=True):
        print(f"{name:<26}", *(f"{error:9.3f}" for error in errors))
    if arguments.out is not None:
        usual = np.argsort(errors_after(learned, unseen, COUNTS[-1]).numpy())[250:251]  # half of the waves are worse
        line, (x, y, *_) = np.linspace(-5, 5, 201)[:, None], (array[usual] for array in unseen)
        curves = {f"steps: {n}": (line[:, 0], predict(adapt(learned, x, y, n), line).numpy()[0, :, 0]) for n in COUNTS}
        curves["ten points"] = np.repeat(x, 2), np.stack([y, y * np.nan], axis=-1).ravel()  # no lines between
        mg.draw_curves(arguments.out / "sine.svg", curves, "x", "y")
    print(f"result: error after one step {table[0][1]:.3f} (baseline {table[-1][1]:.3f})")


if __name__ == "__main__":
    main()
