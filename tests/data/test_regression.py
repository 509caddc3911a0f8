"""Softmax regression: it finds the minimum, and tells what share it has right."""

import numpy as np
import pytest

import minigrad as mg
from minigrad.data import linear_regression, regression_baseline, softmax_regression
from minigrad.data.regression import _append_ones, _fit_weights, measure_spread

RNG = np.random.default_rng(0)
CENTRES = RNG.standard_normal((3, 4)) * 3
LABELS = np.arange(90) % 3
POINTS = CENTRES[LABELS] + RNG.standard_normal((90, 4))


def test_the_gradient_of_the_penalised_loss_is_zero_at_the_fit():
    x = _append_ones(POINTS)
    weights = mg.Tensor(_fit_weights(x, LABELS), requires_grad=True)
    (mg.cross_entropy(x @ weights, LABELS) + (weights[:-1] ** 2).sum() / (2 * len(x))).backward()
    assert np.abs(weights.grad).max() < 2e-5


def test_classes_that_lie_apart_are_told_apart():
    new = CENTRES[LABELS] + np.random.default_rng(1).standard_normal((90, 4)) / 10
    assert regression_baseline(POINTS, LABELS, new, LABELS) == 1


def test_labels_without_rhyme_or_reason_are_guessed():
    rng = np.random.default_rng(2)
    points, labels = rng.standard_normal((4000, 3)), rng.integers(0, 4, size=4000)
    share = regression_baseline(points[:2000], labels[:2000], points[2000:], labels[2000:])
    assert share == pytest.approx(1 / 4, abs=0.05)


def test_scale_and_place_of_the_features_do_not_matter():
    new = POINTS[::2] + np.random.default_rng(3).standard_normal((45, 4)) * 2
    share = regression_baseline(POINTS, LABELS, new, LABELS[::2])
    assert 0.4 < share < 1
    assert regression_baseline(POINTS * 1000 - 5, LABELS, new * 1000 - 5, LABELS[::2]) == share


@pytest.mark.parametrize("level", [7.0, 0.1])
def test_a_feature_that_never_varies_is_harmless(level):
    constant = np.insert(POINTS, 0, level, axis=1)
    assert np.abs(linear_regression(constant, POINTS[:, 0], constant + 1)).max() < 100
    assert regression_baseline(constant, LABELS, constant, LABELS) == regression_baseline(
        POINTS, LABELS, POINTS, LABELS
    )


@pytest.mark.parametrize("exponent", [-1060, -700, -30, 0, 300])
def test_spread_is_scaled_as_the_numbers_are(exponent):
    known = np.array([[1.0, 7.0], [2.0, 7.0], [4.5, 7.0]])
    mean, deviation = measure_spread(np.ldexp(known, exponent))
    assert np.array_equal(mean, np.ldexp(np.array([2.5, 7.0]), exponent))
    assert np.allclose(np.ldexp(deviation[0], -exponent), known[:, 0].std(), rtol=1e-3)
    assert deviation[1] == 1
    assert [x.tolist() for x in measure_spread(known[:0])] == [[0, 0], [1, 1]]


def test_a_class_that_was_never_seen_is_always_wrong():
    assert regression_baseline(POINTS, LABELS, POINTS, np.full(90, 3)) == 0


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((POINTS, LABELS[1:], POINTS, LABELS), ValueError, r"training .* got \(90, 4\) and \(89,\)"),
        ((POINTS, LABELS, POINTS[:0], LABELS[:0]), ValueError, r"validation .* got \(0, 4\)"),
        ((POINTS, LABELS, POINTS[:, 1:], LABELS), ValueError, "training has 4 features, validation 3"),
        ((POINTS, LABELS / 1, POINTS, LABELS), TypeError, "training labels must be integers, got float64"),
        ((POINTS, LABELS - 1, POINTS, LABELS), ValueError, "count from 0, got -1"),
        ((LABELS, LABELS, POINTS, LABELS), ValueError, r"\(count, width\)"),
    ],
)
def test_misuse_is_explained(arguments, error, message):
    with pytest.raises(error, match=message):
        regression_baseline(*arguments)


def test_probabilities_are_those_of_the_class_that_is_guessed():
    new = POINTS + 0.5
    probabilities = softmax_regression(POINTS, LABELS, new)
    assert probabilities.shape == (90, 3)
    assert probabilities.sum(axis=1) == pytest.approx(1)
    share = (probabilities.argmax(axis=1) == LABELS).mean()
    assert share == regression_baseline(POINTS, LABELS, new, LABELS)


def test_linear_regression_is_the_minimum_of_the_penalised_squares():
    targets = POINTS @ [1.0, -2.0, 0.0, 0.5] + RNG.standard_normal(90)
    scaled = (POINTS - POINTS.mean(axis=0)) / POINTS.std(axis=0)
    slope = mg.Tensor(np.linalg.lstsq(np.c_[scaled, np.ones(90)], linear_regression(POINTS, targets, POINTS))[0],
                      requires_grad=True)  # fmt: skip
    (((np.c_[scaled, np.ones(90)] @ slope - targets) ** 2).sum() + (slope[:-1] ** 2).sum()).backward()
    assert np.abs(slope.grad).max() < 1e-9
    assert linear_regression(POINTS, np.full(90, 7.0), POINTS[:2]) == pytest.approx(7)
