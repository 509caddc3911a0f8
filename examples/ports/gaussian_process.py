"""A Gaussian process finds out how smooth its data are: a likelihood is differentiated through Cholesky's factor.

    python examples/ports/gaussian_process.py --out pictures

After HIPS autograd's example, and chapter 5 of Rasmussen and Williams. A function is seen at a few places, with noise.
How alike it is at two of them is a covariance of three settings; the best make what was seen most likely.

What to look at:
1. The gradient is that of the book, −½ tr((α αᵀ − K⁻¹) ∂K/∂θ) with α = K⁻¹ y, which has each ∂K/∂θ written by hand.
2. Newton's method, whose Hessian is from the same graph, and its inverse the error of each setting; the noise is 0.1.
3. --out draws process.svg: where nothing was seen the band is wide, and it holds about 95 % of what was not seen.
"""

from pathlib import Path

import numpy as np

import minigrad as mg
from options import new_parser

SETTINGS, BEGIN, STEPS, NOISE = ("length", "height", "noise"), (2.0, 0.3, 0.5), 16, 0.1  # theta has the logarithms


def covariance(theta: mg.Tensor, x1: mg.Tensor, x2: mg.Tensor) -> mg.Tensor:
    return mg.exp(2.0 * theta[1] - mg.square((x1[:, None] - x2) / mg.exp(theta[0])) / 2.0)


def minus_log_likelihood(theta: mg.Tensor, x: mg.Tensor, y: mg.Tensor) -> mg.Tensor:
    noise = mg.exp(2.0 * theta[2]) * mg.constant(np.eye(x.shape[0]))
    factor = mg.linalg.cholesky(covariance(theta, x, x) + noise)
    squares = mg.square(mg.linalg.solve(factor, y))
    return mg.sum(squares) / 2.0 + mg.sum(mg.log(mg.diagonal(factor))) + x.shape[0] / 2 * np.log(2 * np.pi)


@mg.compile
def derivatives(theta: mg.Tensor, x: mg.Tensor, y: mg.Tensor) -> tuple[mg.Tensor, mg.Tensor, mg.Tensor]:
    loss = minus_log_likelihood(theta, x, y)
    gradient = mg.grad(loss, theta, create_graph=True)
    return loss, gradient, mg.stack([mg.grad(gradient[i], theta) for i in range(len(SETTINGS))])


def closed_form(theta: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    k, noise = covariance(theta, x, x), np.exp(2 * theta[2]) * np.eye(len(x))
    inverse = np.linalg.inv(k + noise)
    slopes = np.stack([k * ((x[:, None] - x) / np.exp(theta[0])) ** 2, 2 * k, 2 * noise])
    return -np.sum((np.outer(inverse @ y, inverse @ y) - inverse) * slopes, axis=(1, 2)) / 2


def predict(theta: np.ndarray, x: np.ndarray, y: np.ndarray, new: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and deviation of what would be seen at new places."""
    across, noise = covariance(theta, new, x), np.exp(2 * theta[2])
    gain = np.linalg.solve(covariance(theta, x, x) + noise * np.eye(len(x)), across.T).T
    return gain @ y, np.sqrt(np.exp(2 * theta[1]) + noise - np.vecdot(gain, across))


def draw(path: Path, theta: np.ndarray, x: np.ndarray, y: np.ndarray) -> None:
    def places(x: np.ndarray, y: np.ndarray) -> list[str]:
        return [f"{320 + 64 * a:.1f},{160 - 54 * b:.1f}" for a, b in zip(x, y, strict=True)]

    line = np.linspace(-5, 5, 200)
    mean, deviation = predict(theta, x, y, line)
    band = " ".join(places(line, mean + 2 * deviation) + places(line, mean - 2 * deviation)[::-1])
    seen = "".join(f'<circle r="3.5" transform="translate({place})"/>' for place in places(x, y))
    curve = f'<polyline points="{" ".join(places(line, mean))}" fill="none" stroke="#0072b2" stroke-width="2"/>'
    svg = '<svg xmlns="http://www.w3.org/2000/svg" width="640" height="320" style="background: #fff">'
    path.write_text(f'{svg}<polygon points="{band}" fill="#c6dcf0"/>{curve}{seen}</svg>', "utf-8")


def main() -> None:
    parser = new_parser("A Gaussian process and the derivatives of its likelihood.", "24 points instead of 60")
    arguments = parser.parse_args()
    rng = np.random.default_rng(0)
    x, unseen = rng.uniform(-4, 4, 24 if arguments.quick else 60), rng.uniform(-4, 4, 2000)
    x = np.sort(np.where(abs(x) < 1, x + 2 * np.sign(x), x))  # nothing is seen in the middle
    y, truth = (np.sin(2 * at) * np.exp(at / 8) + NOISE * rng.standard_normal(at.size) for at in (x, unseen))
    theta, apart = np.log(BEGIN), 0.0
    print("step     loss" + "".join(f"{name:>9}" for name in SETTINGS))
    for step in range(STEPS):
        loss, gradient, hessian = (each.numpy() for each in derivatives(mg.Tensor(theta, requires_grad=True), x, y))
        print(f"{step:>4}{loss:>9.3f}" + "".join(f"{setting:>9.4f}" for setting in np.exp(theta)))
        apart = max(apart, abs(gradient - closed_form(theta, x, y)).max() / max(1.0, abs(gradient).max()))
        values, vectors = np.linalg.eigh(hessian)
        move = vectors @ (vectors.T @ gradient / abs(values))  # downhill, also where it is curved the other way
        theta = theta - move / max(1.0, abs(move).max())
    print("       error", *(f"{error:8.4f}" for error in np.exp(theta) * np.sqrt(np.diag(np.linalg.inv(hessian)))))
    print(f"gradient: at most {apart:.1e} from the closed form, and {abs(gradient).max():.1e} from 0 in the end")
    mean, deviation = predict(theta, x, y, unseen)
    print(f"within two deviations: {np.mean(abs(truth - mean) < 2 * deviation):.1%} of 2000 unseen values")
    if arguments.out is not None:
        draw(arguments.out / "process.svg", theta, x, y)
    ours, lines = (np.sqrt(np.mean((truth - found) ** 2)) for found in (mean, np.interp(unseen, x, y)))
    print(f"result: error at unseen places {ours:.4f} (baseline {lines:.4f})")


if __name__ == "__main__":
    main()
