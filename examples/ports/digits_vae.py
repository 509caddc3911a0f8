"""A variational autoencoder: digits as draws from a few normal numbers, learned through the draws themselves.

    python examples/ports/digits_vae.py --out pictures

After Kingma and Welling, arXiv 1312.6114. An encoder gives mean and deviation of eight hidden numbers for each image; a
draw of them goes through a decoder, and a pixel is a binomial count of 16: the images are counts of dots in squares.

What to look at:
1. The divergence of a hidden number from the standard normal, in closed form, beside an integral by Gauss and Hermite.
2. The bound of the likelihood of new images: more draws (Burda et al., arXiv 1509.00519) raise it. The baseline knows
   how often each pixel has each level. --out draws samples.svg, digits that nobody wrote, and elbo.svg, a graph.
"""

import sys
from math import lgamma
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "fields"))

import numpy as np

import minigrad as mg
from digit_images import digits
from minigrad import data, nn, optim
from options import new_parser

HIDDEN, LATENT, LEVELS, BATCH = 256, 8, 16, 64
LOG_WAYS = np.array([lgamma(LEVELS + 1) - lgamma(k + 1) - lgamma(LEVELS - k + 1) for k in range(LEVELS + 1)], "f4")


class Autoencoder(nn.Module):
    def __init__(self, rng: np.random.Generator) -> None:
        self.encoder = nn.Sequential(nn.Linear(64, HIDDEN, rng=rng), mg.tanh, nn.Linear(HIDDEN, 2 * LATENT, rng=rng))
        self.decoder = nn.Sequential(nn.Linear(LATENT, HIDDEN, rng=rng), mg.tanh, nn.Linear(HIDDEN, 64, rng=rng))

    def encode(self, levels: mg.Tensor) -> list[mg.Tensor]:
        return mg.split(self.encoder(levels / LEVELS), 2, axis=-1)  # mean and logarithm of the deviation

    def log_likelihood(self, levels: mg.Tensor, hidden: mg.Tensor) -> mg.Tensor:
        logits, ways = self.decoder(hidden), mg.sum(mg.take(mg.constant(LOG_WAYS), mg.astype(levels, int)), axis=-1)
        return ways + mg.sum(levels * mg.log_sigmoid(logits) + (LEVELS - levels) * mg.log_sigmoid(-logits), axis=-1)


def divergence(mean: mg.Tensor, log_deviation: mg.Tensor) -> mg.Tensor:
    return (mg.square(mean) + mg.exp(2.0 * log_deviation) - 1.0) / 2.0 - log_deviation


@mg.no_grad()
def bound(model: Autoencoder, levels: np.ndarray, rng: np.random.Generator, draws: int) -> float:
    mean, log_deviation = model.encode(levels)
    noise = rng.standard_normal((draws, *mean.shape), np.float32)
    hidden = mean + mg.exp(log_deviation) * noise
    prior_by_guess = mg.sum((mg.square(noise) - mg.square(hidden)) / 2.0 + log_deviation, axis=-1)
    return float(mg.mean(mg.logsumexp(model.log_likelihood(levels, hidden) + prior_by_guess, axis=0))) - np.log(draws)


def main() -> None:
    parser = new_parser("A variational autoencoder of digits.", "2000 steps instead of 6000")
    arguments, rng = parser.parse_args(), np.random.default_rng(0)
    train, new = (part.levels.reshape(-1, 64).astype(np.float32) for part in (digits().train, digits().validation))
    model, steps = Autoencoder(rng), 2000 if arguments.quick else 6000
    optimiser = optim.Adam(model.parameters(), rate=2e-3, schedule=optim.WarmupCosine(warmup=50, steps=steps))

    def minus_elbo(levels: mg.Tensor) -> mg.Tensor:
        mean, log_deviation = model.encode(levels)
        hidden = mean + mg.exp(log_deviation) * mg.random_normal(shape=mean.shape, dtype="float32", generator=rng)
        return mg.mean(mg.sum(divergence(mean, log_deviation), axis=-1) - model.log_likelihood(levels, hidden))

    @mg.compile
    def step(levels: mg.Tensor) -> mg.Tensor:
        optimiser.zero_grad()
        loss = minus_elbo(levels)
        loss.backward()
        optimiser.step()
        return loss

    batches = ((train[rows],) for rows in data.row_batches(len(train), BATCH, rng))
    mg.fit(step, batches, steps, lambda: -bound(model, new, np.random.default_rng(1), 1), every=steps // 10)
    places, weights = np.polynomial.hermite.hermgauss(20)
    mean, log_deviation = rng.standard_normal((2, 100, 1))
    x = mean + np.exp(log_deviation) * np.sqrt(2.0) * places
    integral = (x**2 / 2 - places**2 - log_deviation) @ weights / np.sqrt(np.pi)
    print(f"divergence: at most {abs(divergence(mean, log_deviation)[:, 0] - integral).max():.1e} from its integral")
    nats = [-bound(model, new, np.random.default_rng(1), draws) for draws in (1, 10, 100)]
    print("nats per new image: {:.2f} with 1 draw, {:.2f} with 10, {:.2f} with 100".format(*nats))
    if arguments.out is not None:
        drawn = mg.sigmoid(model.decoder(rng.standard_normal((60, LATENT), np.float32))).numpy().reshape(-1, 8, 8)
        mg.image_sheet(drawn, title="Digits that nobody wrote", columns=12).save(arguments.out / "samples.svg")
        mg.trace(minus_elbo, train[:BATCH]).draw(arguments.out / "elbo.svg")
    seen = np.array([(train == level).sum(axis=0) + 1 for level in range(LEVELS + 1)]) / (len(train) + LEVELS + 1)
    baseline = -np.log(np.take_along_axis(seen, new.astype(int), axis=0)).sum(axis=1).mean()
    print(f"result: nats per new image {nats[2]:.2f} (baseline {baseline:.2f})")


if __name__ == "__main__":
    main()
