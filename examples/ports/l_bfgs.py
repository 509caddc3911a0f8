"""The method of L-BFGS: downhill by a Hessian that is known from the last moves alone (Nocedal, 1980).

`burgers.py` uses it. `scipy.optimize.minimize` has it, too, and takes what `mg.value_and_grad(…, flat=True)` makes.
"""

from collections.abc import Callable, Sequence

import numpy as np

MEMORY = 50  # moves


def minimise(function: Callable[[np.ndarray], Sequence[np.ndarray]], x: np.ndarray, steps: int) -> np.ndarray:
    """Where a function is small that gives value and gradient, from x on.

    The last moves, and how the gradient changed, stand for the inverse of the Hessian; a move is halved until the value
    falls by a part of what its slope promises.
    """
    (value, gradient), known = function(x), []
    scale = 1 / np.linalg.norm(gradient)
    for step in range(steps):
        direction, factors = gradient.copy(), []
        for move, change in reversed(known):
            factors.append(move @ direction / (move @ change))
            direction -= factors[-1] * change
        direction *= scale
        for (move, change), factor in zip(known, reversed(factors), strict=True):
            direction += (factor - change @ direction / (move @ change)) * move
        rate = 1.0
        while (found := function(x - rate * direction))[0] > value - 1e-4 * rate * (gradient @ direction):
            rate /= 2
        move, change = -rate * direction, found[1] - gradient
        x, (value, gradient) = x + move, found
        if move @ change > 0:
            known, scale = [*known, (move, change)][-MEMORY:], move @ change / (change @ change)
        if (step + 1) % (steps // 10) == 0:
            print(f"step {step + 1:>4}  loss {value:.2e}")
    return x
