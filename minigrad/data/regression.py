"""What a linear model achieves, to stand beside what a trained model does.

In come features and what belongs to them, out goes what a model fitted to them says of new features.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[Any]

TOLERANCE = 1e-5  # largest entry of the gradient at which the fit ends
MOST_STEPS, FEWEST_STEPS = 5000, 200
MOST_PRODUCTS = 1e10  # of a feature and a weight, for each class: minutes


def regression_baseline(
    features: npt.ArrayLike, labels: npt.ArrayLike,
    validation_features: npt.ArrayLike, validation_labels: npt.ArrayLike,
) -> float:  # fmt: skip
    """The share of validation examples that softmax regression has right, fitted to the others.

    `features` have shape (count, width), `labels` are integers from 0 of shape (count,); those of the validation part
    likewise. Nothing is chosen with a look at the validation part, and nothing is random; see `softmax_regression`.

    Raises ValueError when shapes do not agree or are empty, TypeError when labels are not integers.

    >>> points = np.array([[0.0, 0.1], [0.2, 0.0], [1.0, 0.9], [0.8, 1.0]])
    >>> regression_baseline(points, [0, 0, 1, 1], points + 0.05, [0, 0, 1, 0])
    0.75
    """
    x, y = _check_part("training", features, labels)
    new_x, new_y = _check_part("validation", validation_features, validation_labels)
    if x.shape[1] != new_x.shape[1]:
        raise ValueError(f"regression_baseline: training has {x.shape[1]} features, validation {new_x.shape[1]}")
    return float((softmax_regression(x, y, new_x).argmax(axis=1) == new_y).mean())


def softmax_regression(features: npt.ArrayLike, labels: npt.ArrayLike, new_features: npt.ArrayLike) -> Numbers:
    """The probability of each class for new examples, (new count, classes), by softmax regression on the others.

    `features` have shape (count, width), `labels` are integers from 0 of shape (count,). Features are scaled to mean 0
    and variance 1 over the training part; the penalty on the squared weights is that of a standard normal prior,
    1 / (2 count) beside the mean loss. The minimum is the only one, found by gradient steps with Nesterov's momentum
    (Beck and Teboulle, A Fast Iterative Shrinkage-Thresholding Algorithm, 2009, without the shrinking): at most 5000,
    and 200 where there are millions of numbers, which may end on the way there.

    >>> softmax_regression([[0.0], [0.2], [0.8], [1.0]], [0, 0, 1, 1], [[0.1], [0.9]]).round(1)
    array([[0.8, 0.2],
           [0.2, 0.8]])
    """
    x, new_x = _scale(features, new_features)
    scores = _append_ones(new_x) @ _fit_weights(_append_ones(x), np.asarray(labels))
    odds = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(odds / odds.sum(axis=1, keepdims=True))


def linear_regression(features: npt.ArrayLike, targets: npt.ArrayLike, new_features: npt.ArrayLike) -> Numbers:
    """The targets (new count,) of new examples, by linear regression on the others.

    Features are scaled and their weights penalised as in `softmax_regression`: `targets`, (count,), of about variance 1
    let the prior fit.

    >>> linear_regression([[0.0], [1.0], [2.0]], [1.0, 3.0, 5.0], [[1.0]])
    array([3.])
    """
    x, new_x = _scale(features, new_features)
    y = np.asarray(targets, dtype=np.float64)
    weights = np.linalg.solve(x.T @ x + np.eye(x.shape[1]), x.T @ (y - y.mean()))
    return np.asarray(new_x @ weights + y.mean())


def _scale(features: npt.ArrayLike, new_features: npt.ArrayLike) -> tuple[Numbers, Numbers]:
    x, new_x = np.asarray(features, dtype=np.float64), np.asarray(new_features, dtype=np.float64)
    mean, deviation = measure_spread(x)
    return (x - mean) / deviation, (new_x - mean) / deviation


def measure_spread(known: Numbers) -> tuple[Numbers, Numbers]:
    """The mean and the deviation of each column; 0 and 1 where it is empty, or always the same.

    >>> measure_spread(np.array([[1e-200, 0.1], [3e-200, 0.1]]))
    (array([2.e-200, 1.e-001]), array([1.e-200, 1.e+000]))
    """
    if not len(known):
        return np.zeros(known.shape[1:]), np.ones(known.shape[1:])
    spread = np.ptp(known, axis=0)
    exponent = np.frexp(spread)[1]  # the squares of tiny numbers are 0
    deviation = np.ldexp(np.ldexp(known, -exponent).std(axis=0), exponent)
    return known.mean(axis=0), np.where(spread > 0, deviation, 1)  # rounding leaves a deviation to what is always 0.1


def _fit_weights(x: Numbers, y: Numbers) -> Numbers:
    """The weights of least loss, shape (width, classes); the last row, the biases, is not penalised."""
    count, width = x.shape
    targets = np.eye(int(y.max()) + 1)[y]
    penalty = np.full((width, 1), 1 / count)
    penalty[-1] = 0
    rate = 1 / (np.linalg.norm(x, 2) ** 2 / (2 * count) + 1 / count)  # 1 / the largest curvature
    weights = ahead = np.zeros((width, targets.shape[1]))
    momentum = 1.0
    for _ in range(int(np.clip(MOST_PRODUCTS / x.size, FEWEST_STEPS, MOST_STEPS))):
        scores = x @ ahead
        odds = np.exp(scores - scores.max(axis=1, keepdims=True))
        gradient = x.T @ (odds / odds.sum(axis=1, keepdims=True) - targets) / count + penalty * ahead
        if np.abs(gradient).max() < TOLERANCE:
            return ahead
        before, weights = weights, ahead - rate * gradient
        before_momentum, momentum = momentum, (1 + np.sqrt(1 + 4 * momentum**2)) / 2
        ahead = weights + (before_momentum - 1) / momentum * (weights - before)
    return weights


def _append_ones(x: Numbers) -> Numbers:
    return np.concatenate([x, np.ones((len(x), 1))], axis=1)


def _check_part(part: str, features: npt.ArrayLike, labels: npt.ArrayLike) -> tuple[Numbers, Numbers]:
    x, y = np.asarray(features, dtype=np.float64), np.asarray(labels)
    if x.ndim != 2 or y.shape != x.shape[:1] or not x.size:
        raise ValueError(
            f"regression_baseline: {part} features need shape (count, width) and labels (count,), none of them 0; "
            f"got {x.shape} and {y.shape}"
        )
    if y.dtype.kind not in "iu":
        raise TypeError(f"regression_baseline: {part} labels must be integers, got {y.dtype}")
    if y.min() < 0:
        raise ValueError(f"regression_baseline: {part} labels count from 0, got {y.min()}")
    return x, y
