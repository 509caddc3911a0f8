"""Losses of numbers against numbers: values, conventions at kinks, tails and infinities, and shapes that do not fit."""

import math

import numpy as np
import pytest

import minigrad as mg
from minigrad import Tensor

inf = math.inf


def value_and_gradients(function, inputs, g=None):
    inputs = [np.asarray(x) for x in inputs]
    value, gradients = mg.vjp(function, inputs, np.ones(function(*inputs).shape) if g is None else g)
    return value.numpy(), *(gradient.numpy() for gradient in gradients)


def normal(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


LOSSES = [mg.mse, mg.l1, mg.huber, mg.bce_with_logits, mg.kl_div]
every_loss = pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.name)


def test_mse_against_numpy():
    x, target = normal(3, 4), normal(3, 4, seed=1)
    value, gradient = value_and_gradients(lambda x: mg.mse(x, target), [x])
    assert float(value) == pytest.approx(np.mean((x - target) ** 2), rel=1e-15)
    np.testing.assert_allclose(gradient, 2 * (x - target) / 12, rtol=1e-14)


@every_loss
def test_reductions_are_the_mean_and_the_sum_of_the_losses(loss):
    x, target = normal(3, 4), np.abs(normal(3, 4, seed=1))
    losses = loss(x, target, reduction="none")
    assert losses.shape == ((3,) if loss is mg.kl_div else (3, 4))
    assert float(loss(x, target)) == pytest.approx(losses.mean(), rel=1e-14)
    assert float(loss(x, target, reduction="sum")) == pytest.approx(losses.sum(), rel=1e-14)


@every_loss
@pytest.mark.parametrize("shapes", [((3,), (3, 1)), ((3, 1), (3,)), ((2, 3), (4, 3)), ((), (2,))])
def test_targets_that_would_make_more_of_the_input_are_refused(loss, shapes):
    x, target = (np.ones(shape) for shape in shapes)
    with pytest.raises(ValueError, match=f"{loss.name}: a target of shape") as raised:
        loss(x, target)
    assert all(str(shape) in str(raised.value) for shape in shapes)


@every_loss
def test_targets_of_integers_and_booleans_leave_float32_as_it_is(loss):
    x = np.array([[0.25, -0.5, 0.75]], np.float32)
    for target in (np.array([[1, 0, 0]], np.uint8), np.array([[True, False, False]]), [[1, 0, 0]]):
        value, gradient = value_and_gradients(lambda x, t=target: loss(x, t, reduction="sum"), [x], np.float32(1.0))
        assert value.dtype == gradient.dtype == np.float32
        expected = loss(x.astype(np.float64), np.array([[1.0, 0.0, 0.0]]), reduction="sum")
        assert float(value) == pytest.approx(float(expected), rel=1e-6)


@pytest.mark.parametrize("loss", [mg.mse, mg.l1, mg.huber])
def test_unsigned_inputs_do_not_wrap(loss):
    x, target = np.array([1, 200], np.uint8), np.array([3, 100], np.uint8)
    np.testing.assert_allclose(
        loss(x, target, reduction="none"), loss(x.astype(float), target.astype(float), reduction="none"), rtol=1e-3
    )


# --- absolute error and what lies between -----------------------------------------------------------------------------


def test_l1_of_equal_numbers_has_gradient_0():
    value, gradient = value_and_gradients(lambda x: mg.l1(x, [1.0, 0.0], "sum"), [[1.0, -2.0]])
    assert (float(value), gradient.tolist()) == (2.0, [0.0, -1.0])


@pytest.mark.parametrize("delta", [0.5, 1, 3.0])
def test_huber_is_smooth_where_its_parts_meet_and_where_it_starts(delta):
    x = np.array([-10.0, -delta, -delta / 2, 0.0, delta, 10.0])
    value, gradient = value_and_gradients(lambda x: mg.huber(x, np.zeros(6), delta, "none"), [x])
    quadratic = np.abs(x) <= delta
    np.testing.assert_allclose(value, np.where(quadratic, x * x / 2, delta * (np.abs(x) - delta / 2)), rtol=1e-15)
    np.testing.assert_allclose(gradient, np.clip(x, -delta, delta), rtol=1e-15)
    ((hessian,),) = mg.hessian(lambda x: mg.huber(x, np.zeros(3), delta, "sum"), [np.array([0.0, delta / 2, 10.0])])
    np.testing.assert_allclose(np.diag(hessian.numpy()), [1.0, 1.0, 0.0])


@pytest.mark.parametrize("delta", [0.0, -1.0, math.nan])
def test_E6_huber_delta_outside_its_range(delta):
    with pytest.raises(ValueError, match=rf"huber: delta={delta} must be positive"):
        mg.huber(np.ones(2), np.ones(2), delta)


# --- yes or no --------------------------------------------------------------------------------------------------------


def test_bce_with_logits_keeps_its_tails():
    x, targets = np.array([40.0, -40.0, 1000.0, -1000.0, 1000.0, -1000.0]), np.array([1.0, 0.0, 1.0, 0.0, 0.0, 1.0])
    value, gradient = value_and_gradients(lambda x: mg.bce_with_logits(x, targets, reduction="none"), [x])
    np.testing.assert_allclose(value, [4.248354255291589e-18, 4.248354255291589e-18, 0, 0, 1000, 1000], rtol=1e-14)
    np.testing.assert_allclose(gradient, [-4.248354255291589e-18, 4.248354255291589e-18, 0, 0, 1, -1], rtol=1e-14)


def test_bce_with_infinite_logits_that_are_right_costs_nothing():
    value, gradient = value_and_gradients(
        lambda x: mg.bce_with_logits(x, [1, 0, 1], reduction="none"), [[inf, -inf, -inf]]
    )
    assert (value.tolist(), gradient.tolist()) == ([0.0, 0.0, inf], [0.0, 0.0, -1.0])


def test_bce_is_the_cross_entropy_of_two_classes():
    x, targets = normal(5), np.array([0, 1, 1, 0, 1])
    two = np.stack([np.zeros(5), x], axis=-1)
    for weight in (1.0, 2.5):
        expected = mg.cross_entropy(two, targets, [1.0, weight], reduction="none")
        np.testing.assert_allclose(mg.bce_with_logits(x, targets, weight, "none"), expected, rtol=1e-13)


def test_bce_positive_weight_for_each_column():
    x, targets = normal(4, 2), np.random.default_rng(1).integers(0, 2, (4, 2))
    both = mg.bce_with_logits(x, targets, [2.0, 0.5], "none")
    for column, weight in enumerate((2.0, 0.5)):
        one = mg.bce_with_logits(x[:, column], targets[:, column], weight, "none")
        np.testing.assert_allclose(both[:, column], one, rtol=1e-15)


# --- distributions ----------------------------------------------------------------------------------------------------


def test_kl_div_of_a_distribution_with_itself_is_0_and_never_less():
    x = normal(4, 5)
    p, log_p = mg.softmax(x), mg.log_softmax(x)
    np.testing.assert_allclose(mg.kl_div(log_p, p, reduction="none"), 0, atol=1e-15)
    assert (mg.kl_div(log_p, mg.softmax(normal(4, 5, seed=1)), reduction="none") > 0).all()


def test_kl_div_and_entropy_make_cross_entropy():
    x, p = normal(4, 5), mg.softmax(normal(4, 5, seed=1))
    entropy = -(p * np.log(p)).sum(-1)
    cross_entropy = -(p * mg.log_softmax(x)).sum(-1)
    np.testing.assert_allclose(mg.kl_div(mg.log_softmax(x), p, reduction="none") + entropy, cross_entropy, rtol=1e-13)


def test_kl_div_of_a_class_that_is_not_expected():
    """0 · log 0 = 0, with gradient 0; also where the model is as certain."""
    for log_target in (False, True):
        target = np.array([-inf, 0.0]) if log_target else np.array([0.0, 1.0])
        for model in ([-1.0, -0.5], [-inf, 0.0]):
            value, gradient = value_and_gradients(
                lambda x, t=target, is_log=log_target: mg.kl_div(x, t, is_log), [np.array(model)]
            )
            assert float(value) == -model[1]
            assert gradient.tolist() == [0.0, -1.0]
    _, gradient = value_and_gradients(lambda t: mg.kl_div(np.array([-1.0, -0.5]), t), [np.array([0.0, 1.0])])
    assert gradient.tolist() == [1.0, 1.5]  # − log_probabilities + 0 at target 0, and + 1 elsewhere
    _, gradient = value_and_gradients(lambda t: mg.kl_div(np.array([-1.0, -0.5]), t, True), [np.array([-inf, 0.0])])
    assert gradient.tolist() == [0.0, 1.5]


def test_kl_div_of_log_targets_is_that_of_their_exponentials():
    x, log_p = normal(3, 4), mg.log_softmax(normal(3, 4, seed=1))
    assert float(mg.kl_div(x, log_p, log_target=True)) == pytest.approx(float(mg.kl_div(x, np.exp(log_p))), rel=1e-14)


def test_kl_div_of_what_the_model_excludes_is_infinite():
    assert float(mg.kl_div(Tensor([-inf, 0.0]), [0.5, 0.5])) == inf


# --- against PyTorch --------------------------------------------------------------------------------------------------


@every_loss
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_losses_are_torchs(loss, reduction):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install torch==2.13.0")
    functional = torch.nn.functional
    theirs = {
        mg.mse: functional.mse_loss, mg.l1: functional.l1_loss, mg.huber: functional.huber_loss,
        mg.bce_with_logits: functional.binary_cross_entropy_with_logits,
        mg.kl_div: lambda x, t, reduction: (
            functional.kl_div(x, t, reduction="none").sum(-1) if reduction == "none"
            else functional.kl_div(x, t, reduction={"mean": "batchmean", "sum": "sum"}[reduction])
        ),
    }[loss]  # fmt: skip
    x, target = normal(3, 4) * 2, mg.softmax(normal(3, 4, seed=1))
    tensors = [torch.tensor(a, requires_grad=True) for a in (x, target)]
    expected = theirs(*tensors, reduction=reduction)
    g = normal(*expected.shape, seed=2)
    gradients = torch.autograd.grad(expected, tensors, torch.as_tensor(g))
    value, *found = value_and_gradients(lambda x, t: loss(x, t, reduction=reduction), [x, target], g)
    np.testing.assert_allclose(value, expected.detach(), rtol=1e-12)
    for mine, other in zip(found, gradients, strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-11, atol=1e-14)
