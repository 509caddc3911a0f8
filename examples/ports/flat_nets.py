"""A net whose weights are one vector, for what handles all of them at once: `maml.py` and `burgers.py`.

Its sizes are how many numbers enter the first layer, leave each, and leave the last. In the vector stand the layers in
turn, and of each its biases, and then the weights of each input.
"""

from collections.abc import Callable
from itertools import pairwise

import numpy as np

import minigrad as mg


def draw_net(sizes: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Weights to begin with, of variance 2 / (inputs + outputs) in each layer (Glorot and Bengio, 2010)."""
    return np.concatenate([rng.normal(0, (2 / (a + b)) ** 0.5, (a + 1) * b) for a, b in pairwise(sizes)])


def run_net(
    theta: mg.Tensor, x: mg.Tensor, sizes: tuple[int, ...], activation: Callable[[mg.Tensor], mg.Tensor]
) -> mg.Tensor:
    """The outputs (…, outputs) for x, (…, inputs). Where theta is (nets, count), x is (nets, points, inputs)."""
    ends = np.cumsum([(a + 1) * b for a, b in pairwise(sizes)])[:-1].tolist()
    for layer, part in enumerate(mg.split(theta, ends, axis=-1)):
        weight = mg.reshape(part, (*theta.shape[:-1], -1, sizes[layer + 1]))
        x = (activation(x) if layer else x) @ weight[..., 1:, :] + weight[..., :1, :]
    return x
