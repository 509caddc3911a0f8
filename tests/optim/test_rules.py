"""SGD, Adam, AdamW and RMSprop against the formulas of their papers, written out in NumPy."""

import numpy as np
import pytest

import minigrad as mg
from minigrad.optim import SGD, Adam, AdamW, Optimiser, RMSprop


def sgd(p, g, state, step, rate, momentum=0.0, nesterov=False):
    state["v"] = momentum * state.get("v", 0.0) + g
    return p - rate * (g + momentum * state["v"] if nesterov else state["v"])


def adam(p, g, state, step, rate, betas=(0.9, 0.999), epsilon=1e-8):
    """Kingma and Ba, algorithm 1, line by line."""
    state["m"] = betas[0] * state.get("m", 0.0) + (1 - betas[0]) * g
    state["v"] = betas[1] * state.get("v", 0.0) + (1 - betas[1]) * g**2
    m_hat = state["m"] / (1 - betas[0] ** step)
    v_hat = state["v"] / (1 - betas[1] ** step)
    return p - rate * m_hat / (np.sqrt(v_hat) + epsilon)


def adamw(p, g, state, step, rate, weight_decay=0.01, **options):
    return adam(p, g, state, step, rate, **options) - rate * weight_decay * p


def rmsprop(p, g, state, step, rate, decay=0.99, epsilon=1e-8, momentum=0.0):
    state["v"] = decay * state.get("v", 0.0) + (1 - decay) * g**2
    state["u"] = momentum * state.get("u", 0.0) + g / (np.sqrt(state["v"]) + epsilon)
    return p - rate * state["u"]


CASES = [
    (SGD, sgd, {}),
    (SGD, sgd, {"momentum": 0.9}),
    (SGD, sgd, {"momentum": 0.9, "nesterov": True}),
    (Adam, adam, {}),
    (Adam, adam, {"betas": (0.5, 0.8), "epsilon": 0.1}),
    (AdamW, adamw, {}),
    (AdamW, adamw, {"weight_decay": 0.3, "betas": (0.8, 0.9)}),
    (RMSprop, rmsprop, {}),
    (RMSprop, rmsprop, {"decay": 0.5, "epsilon": 0.1, "momentum": 0.9}),
]
SHAPES = [(3, 4), (), (0, 2), (5,), (200, 100)]  # the last is longer than one piece


@pytest.mark.parametrize(("optimiser", "reference", "options"), CASES)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_steps_follow_the_formula(optimiser, reference, options, dtype):
    rng = np.random.default_rng(0)
    parameters = [mg.Tensor(rng.standard_normal(shape), dtype, requires_grad=True) for shape in SHAPES]
    expected, states = [p.numpy().astype(float) for p in parameters], [{} for _ in SHAPES]
    under_test = optimiser(parameters, rate=0.05, **options)
    for step in range(1, 8):
        for i, parameter in enumerate(parameters):
            parameter.grad = rng.standard_normal(parameter.shape).astype(dtype)
            expected[i] = reference(expected[i], parameter.grad.astype(float), states[i], step, 0.05, **options)
        under_test.step()
    for parameter, values in zip(parameters, expected, strict=True):
        assert parameter.dtype == dtype
        assert np.allclose(parameter.numpy(), values, rtol=0, atol=1e-13 if dtype == np.float64 else 1e-5)
    assert under_test.steps == 7


@pytest.mark.parametrize(("optimiser", "options"), [(case[0], case[2]) for case in CASES])
def test_a_schedule_scales_the_rate_of_each_step(optimiser, options):
    def trained(schedule, rates):
        p = mg.Tensor([1.0, -2.0], requires_grad=True)
        under_test = optimiser([p], rate=0.1, schedule=schedule, **options)
        for rate in rates:
            under_test.rate = rate
            p.grad = p.numpy() * 3.0
            under_test.step()
        return p.numpy()

    assert np.allclose(trained(lambda step: 1.0 / step, [0.1] * 3), trained(None, [0.1, 0.1 / 2, 0.1 / 3]))


def test_the_first_step_of_adam_has_the_size_of_the_rate_whatever_the_gradient():
    p = mg.Tensor([0.0, 0.0, 0.0], requires_grad=True)
    p.grad = np.array([1e-3, -7.0, 1e12])
    Adam([p], rate=0.25).step()
    assert np.allclose(p.numpy(), [-0.25, 0.25, -0.25], rtol=1e-4)


def test_weight_decay_shrinks_what_has_a_zero_gradient():
    p = mg.Tensor([2.0], requires_grad=True)
    p.grad = np.zeros(1)
    AdamW([p], rate=0.5, weight_decay=0.1).step()
    assert np.allclose(p.numpy(), [2.0 * (1 - 0.05)])


def test_a_rule_of_ones_own_takes_a_dozen_lines():
    class Signs(Optimiser):
        """Steps of one size, in the direction of the averaged gradient."""

        moments = ("average",)

        def rule(self, parameter, gradient, average, rate):
            average = average * 0.5 + gradient * 0.5
            return parameter - mg.sign(average) * rate, average

    p = mg.Tensor([1.0, 1.0], requires_grad=True)
    optimiser = Signs([p], rate=0.25)
    for gradient in ([1.0, -1.0], [-0.1, -0.1]):
        p.grad = np.array(gradient)
        optimiser.step()
    assert p.tolist() == [0.5, 1.5]


def test_an_optimiser_without_a_rule_says_what_to_write():
    p = mg.Tensor([1.0], requires_grad=True)
    p.grad = np.ones(1)
    with pytest.raises(TypeError, match="Optimiser has no rule method"):
        Optimiser([p], rate=0.1).step()
