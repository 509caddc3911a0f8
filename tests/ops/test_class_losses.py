"""Cross-entropy and the negative log-likelihood, against the textbook and at their limits."""

import math

import numpy as np
import pytest

import minigrad as mg
from minigrad import Tensor

inf, nan = math.inf, math.nan


def value_and_gradients(function, inputs, g=1.0):
    value, gradients = mg.vjp(function, [np.asarray(x) for x in inputs], np.asarray(g, np.asarray(inputs[0]).dtype))
    return value.numpy(), *(gradient.numpy() for gradient in gradients)


def normal(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


def log_softmax(logits):
    return logits - np.log(np.exp(logits).sum(-1, keepdims=True))


def in_numpy(log_p, targets, weight=None, reduction="mean", ignore_index=None, label_smoothing=0.0):
    """The textbook way, target by target: −Σ q log p, each class with its weight."""
    weight = np.ones(log_p.shape[-1]) if weight is None else weight
    losses, weights = [], []
    for row, target in zip(log_p.reshape(-1, log_p.shape[-1]), np.ravel(targets), strict=True):
        wanted = np.full(row.size, label_smoothing / row.size)
        counts = target != ignore_index
        wanted[target if counts else 0] += 1 - label_smoothing
        losses.append(-np.sum(wanted * weight * row) if counts else 0.0)
        weights.append(weight[target] if counts else 0.0)
    if reduction == "none":
        return np.reshape(losses, np.shape(targets))
    return np.sum(losses) / (np.sum(weights) if reduction == "mean" else 1)


OPTIONS = [{}, {"ignore_index": 1}, {"ignore_index": -100}]
SMOOTHING = [{"label_smoothing": 0.2}, {"ignore_index": -100, "label_smoothing": 1.0}]
CASES = [(mg.nll, options) for options in OPTIONS] + [(mg.cross_entropy, options) for options in OPTIONS + SMOOTHING]


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("weight", [None, np.array([0.5, 2.0, 0.0, 1.0, 3.0])], ids=["plain", "weighted"])
@pytest.mark.parametrize(("function", "options"), CASES)
def test_value_and_gradients_against_the_textbook(function, options, weight, reduction):
    logits, targets = normal(3, 4, 5), np.random.default_rng(1).integers(0, 5, (3, 4))
    if options.get("ignore_index") == -100:
        targets[0] = -100
    options = {**options, "reduction": reduction}
    value = function(Tensor(logits), targets, weight, **options)
    log_p = log_softmax(logits) if function is mg.cross_entropy else logits
    np.testing.assert_allclose(value.numpy(), in_numpy(log_p, targets, weight, **options), rtol=1e-13)
    inputs = [logits] if weight is None else [logits, weight]
    mg.check_gradients(lambda x, *w: function(x, targets, *w, **options), inputs, order=2, elements=6)


def test_nll_of_log_softmax_is_cross_entropy():
    x, targets, weight = normal(4, 5), [0, 4, 2, 2], [1.0, 2.0, 0.5, 0.0, 3.0]
    for reduction in ("mean", "sum", "none"):
        expected = mg.cross_entropy(x, targets, weight, reduction=reduction)
        np.testing.assert_allclose(
            mg.nll(mg.log_softmax(x), targets, weight, reduction=reduction), expected, rtol=1e-13
        )


def test_equal_weights_change_no_mean():
    x, targets = normal(4, 5), [0, 4, 2, 2]
    plain = mg.cross_entropy(x, targets, label_smoothing=0.1)
    assert mg.cross_entropy(x, targets, [7.0] * 5, label_smoothing=0.1) == pytest.approx(plain, rel=1e-14)


# --- the limits -------------------------------------------------------------------------------------------------------


def test_N7_cross_entropy_of_a_confident_mistake():
    value, gradient = value_and_gradients(lambda x: mg.cross_entropy(x, [1]), [[[1e4, -1e4]]])
    assert (float(value), gradient.tolist()) == (20000.0, [[1.0, -1.0]])


def test_N8_cross_entropy_of_an_impossible_target():
    for weight in (None, [3.0, 2.0, 0.5]):
        value, gradient = value_and_gradients(lambda x, w=weight: mg.cross_entropy(x, [2], w), [[[0.0, 1.0, -inf]]])
        assert float(value) == inf
        np.testing.assert_allclose(gradient, [[0.2689414213699951, 0.7310585786300049, -1]], rtol=1e-15)


def test_N8_through_log_softmax_and_nll_too():
    value, gradient = value_and_gradients(lambda x: mg.nll(mg.log_softmax(x), [2]), [[[0.0, 1.0, -inf]]])
    assert float(value) == inf
    np.testing.assert_allclose(gradient, [[0.2689414213699951, 0.7310585786300049, -1]], rtol=1e-15)


@pytest.mark.parametrize("function", [mg.cross_entropy, mg.nll])
@pytest.mark.parametrize("weight", [None, [1.0, 2.0, 3.0]])
def test_N9_targets_that_are_all_ignored(function, weight):
    value, gradient = value_and_gradients(lambda x: function(x, [7, 7], weight, ignore_index=7), [normal(2, 3)])
    assert np.isnan(value)
    assert gradient.tolist() == [[0, 0, 0], [0, 0, 0]]
    for reduction, expected in (("sum", 0.0), ("none", [0.0, 0.0])):
        value = function(normal(2, 3), [7, 7], weight, ignore_index=7, reduction=reduction)
        assert value.tolist() == expected


@pytest.mark.parametrize("function", [mg.cross_entropy, mg.nll])
def test_N9_weights_too_have_no_gradient_where_all_targets_are_ignored(function):
    _, _, gradient = value_and_gradients(
        lambda x, w: function(x, [7, 7], w, ignore_index=7), [normal(2, 3), np.ones(3)]
    )
    assert gradient.tolist() == [0, 0, 0]


@pytest.mark.parametrize("function", [mg.cross_entropy, mg.nll])
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_ignored_rows_carry_no_gradient_whatever_they_hold(function, reduction):
    logits, weight = np.array([[1.0, 2.0], [nan, inf]]), np.ones(2)
    value, gradient, of_weight = value_and_gradients(
        lambda x, w: function(x, [0, -1], w, ignore_index=-1, reduction=reduction), [logits, weight],
        np.ones(2 if reduction == "none" else ()),
    )  # fmt: skip
    assert np.isfinite(value).all()
    assert gradient[1].tolist() == [0, 0]
    assert np.isfinite(gradient).all()
    assert np.isfinite(of_weight).all()


def test_a_class_of_weight_0_counts_for_nothing_even_where_it_is_impossible():
    value, gradient = value_and_gradients(
        lambda x: mg.cross_entropy(x, [0, 1], [0.0, 1.0]), [[[-inf, 0.0], [0.0, 0.0]]]
    )
    assert float(value) == pytest.approx(math.log(2), rel=1e-15)
    assert gradient[0].tolist() == [0, 0]


def test_the_mean_of_no_target_is_nan_without_a_warning():
    assert np.isnan(mg.cross_entropy(np.zeros((0, 3)), np.zeros(0, int)))
    assert np.isnan(mg.cross_entropy(np.zeros((1, 3)), [0], [0.0, 1.0, 1.0]))
    assert value_and_gradients(lambda x: mg.nll(x, np.zeros(0, int)), [np.zeros((0, 3))])[1].shape == (0, 3)


def test_D6_a_mean_of_70000_targets_in_float16():
    logits, targets = np.zeros((70_000, 2), np.float16), np.zeros(70_000, int)
    for options in ({}, {"weight": [1, 1]}, {"ignore_index": 1}):
        value, gradient = value_and_gradients(
            lambda x, options=options: mg.cross_entropy(x, targets, **options), [logits]
        )
        assert (value.dtype, gradient.dtype) == (np.float16, np.float16)
        assert float(value) == pytest.approx(math.log(2), rel=1e-3)
        np.testing.assert_allclose(gradient[0], [-0.5 / 70_000, 0.5 / 70_000], rtol=1e-2)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_type_is_that_of_the_logits_whatever_weights_and_targets_are(dtype):
    for weight in (None, [1.0, 2.0, 3.0], np.ones(3, np.float32), [1, 2, 3]):
        for targets in (np.array([0, 2], np.uint8), [0, 2]):
            for function in (mg.cross_entropy, mg.nll):
                value, gradient = value_and_gradients(
                    lambda x, f=function, t=targets, w=weight: f(x, t, w, ignore_index=-1), [np.zeros((2, 3), dtype)]
                )
                assert value.dtype == gradient.dtype == dtype


# --- targets that do not fit ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("function", [mg.cross_entropy, mg.nll])
def test_E4_targets_that_do_not_fit(function):
    name, logits = function.name, Tensor(normal(2, 5))
    with pytest.raises(IndexError, match=rf"(?s){name}.*index 7 at \(1,\) is outside 0 … 4"):
        function(logits, [0, 7])
    with pytest.raises(IndexError, match=rf"(?s){name}.*index -1 at \(0,\) is outside 0 … 4"):
        function(logits, [-1, 0])
    with pytest.raises(TypeError, match=f"(?s){name}.*indices must be integers, got float64"):
        function(logits, [0.0, 1.0])
    with pytest.raises(ValueError, match=r"targets of shape \(3,\) for scores \(2, 5\): expected \(2,\), classes last"):
        function(logits, [0, 1, 2])


def test_E4_the_target_that_does_not_fit_is_named_and_not_an_ignored_one():
    with pytest.raises(IndexError, match=r"index 7 at \(1,\) is outside 0 … 4"):
        mg.cross_entropy(np.zeros((2, 5)), np.array([-1, 7]), ignore_index=-1)


@pytest.mark.parametrize("label_smoothing", [-0.1, 1.1, nan])
def test_E6_label_smoothing_outside_its_range(label_smoothing):
    with pytest.raises(ValueError, match=rf"label_smoothing={label_smoothing} must be between 0 and 1"):
        mg.cross_entropy(np.zeros((1, 2)), [0], label_smoothing=label_smoothing)


# --- against PyTorch --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize(
    "options", [{}, {"label_smoothing": 0.3}, {"ignore_index": 2}, {"ignore_index": 2, "label_smoothing": 0.3}]
)
def test_weights_smoothing_and_ignored_targets_are_torchs(options, reduction):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install torch==2.13.0")
    logits, targets, weight, g = normal(6, 4), np.array([0, 2, 1, 3, 2, 0]), np.array([0.5, 2.0, 1.0, 3.0]), normal(6)
    x, w = torch.tensor(logits, requires_grad=True), torch.tensor(weight)
    expected = torch.nn.functional.cross_entropy(x, torch.tensor(targets), w, reduction=reduction, **options)
    seed = g if reduction == "none" else g[0]
    expected.backward(torch.as_tensor(seed))
    value, gradient = value_and_gradients(
        lambda x: mg.cross_entropy(x, targets, weight, reduction=reduction, **options), [logits], seed
    )
    np.testing.assert_allclose(value, expected.detach(), rtol=1e-12)
    np.testing.assert_allclose(gradient, x.grad, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("function", [mg.cross_entropy, mg.nll])
@pytest.mark.parametrize("targets", [np.array([True, False]), np.array([0.0, 1.0])])
def test_targets_are_integers_also_where_some_are_ignored(function, targets):
    with pytest.raises(TypeError, match="integers"):
        function(np.zeros((2, 3)), targets, ignore_index=-1)
    unsigned = function(np.zeros((2, 3)), np.array([255, 1], np.uint8), ignore_index=255)
    assert unsigned == function(np.zeros((1, 3)), [1])
