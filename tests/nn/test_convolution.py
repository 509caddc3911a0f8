"""Convolutions, normalisation over batches and groups, and Sequential, as modules."""

import re

import numpy as np
import pytest

import minigrad as mg
from minigrad import Tensor, nn

RNG = np.random.default_rng(0)


def normal(*shape):
    return RNG.standard_normal(shape)


def double(kind, *args, **options):
    return kind(*args, rng=np.random.default_rng(1), dtype=np.float64, **options)


@pytest.mark.parametrize(("kind", "function", "shape"), [
    (nn.Conv1d, mg.conv1d, (2, 4, 7)), (nn.Conv2d, mg.conv2d, (2, 4, 7, 6)),
])  # fmt: skip
def test_a_convolution_is_the_function_with_its_own_weight_and_bias(kind, function, shape):
    layer = double(kind, 4, 6, 3, stride=2, padding=1, groups=2)
    assert layer.weight.shape == (6, 2, *[3] * (len(shape) - 2))
    mg.assign(layer.bias, normal(6))
    x = normal(*shape)
    expected = function(x, layer.weight.numpy(), layer.bias.numpy(), 2, 1, 1, 2)
    np.testing.assert_array_equal(layer(x).numpy(), expected)
    assert double(kind, 4, 6, 3, bias=False).bias is None


def test_weights_keep_the_size_of_what_goes_through():
    y = double(nn.Conv2d, 32, 32, 5, padding="same")(normal(4, 32, 20, 20)).numpy()
    assert 0.8 < y[..., 2:-2, 2:-2].std() < 1.2


def test_sizes_that_are_none_are_refused():
    for change in ({"outputs": 0}, {"window": 0}, {"window": (3, 3, 3)}, {"groups": 3}, {"inputs": 1.5}):
        with pytest.raises(ValueError, match=f"Conv2d: .*{re.escape(repr(next(iter(change.values()))))}"):
            nn.Conv2d(**{"inputs": 4, "outputs": 4, "window": 3, "rng": RNG} | change)


def test_float64_data_beside_float32_weights_warns():
    with pytest.warns(UserWarning, match="float64 data meets float32"):
        nn.Conv1d(1, 1, 2, rng=RNG)(normal(1, 1, 4))


# --- normalisation ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("shape", "axis"), [((6, 3), 1), ((4, 3, 5), 1), ((4, 5, 3), -1), ((3, 8), 0)])
def test_a_batch_is_normalised_over_all_axes_but_that_of_the_channels(shape, axis):
    norm, x = nn.BatchNorm(3, axis, epsilon=0.0, dtype=np.float64), normal(*shape) * 3 + 1
    others = tuple(i for i in range(x.ndim) if i != axis % x.ndim)
    y = norm(x).numpy()
    np.testing.assert_allclose(y.mean(others), 0, atol=1e-12)
    np.testing.assert_allclose(y.var(others), 1, atol=1e-12)
    np.testing.assert_allclose(norm.running_mean, 0.1 * x.mean(others), rtol=1e-12)
    np.testing.assert_allclose(norm.running_variance, 0.9 + 0.1 * x.var(others, ddof=1), rtol=1e-12)


def test_after_training_the_running_mean_and_variance_take_their_place():
    norm = nn.BatchNorm(2, epsilon=0.0, momentum=1.0, dtype=np.float64)
    x = normal(5, 2)
    norm(x)
    other = normal(4, 2)
    expected = (other - x.mean(0)) / x.std(0, ddof=1)
    before = norm.state_dict()
    np.testing.assert_allclose(norm.eval()(other).numpy(), expected, rtol=1e-12)
    assert all((norm.state_dict()[key] == value).all() for key, value in before.items())


def test_a_compiled_step_moves_the_running_mean_and_notices_eval():
    eager, compiled = (nn.BatchNorm(3, dtype=np.float64) for _ in range(2))
    step = mg.compile(lambda x: compiled(x))
    for _ in range(3):
        x = normal(4, 3)
        np.testing.assert_allclose(step(x).numpy(), eager(x).numpy(), rtol=1e-12)
    np.testing.assert_allclose(compiled.running_mean, eager.running_mean, rtol=1e-12)
    compiled.eval(), eager.eval()
    np.testing.assert_allclose(step(x).numpy(), eager(x).numpy(), rtol=1e-12)


def test_buffers_of_a_batch_norm_are_no_parameters():
    assert [path for path, _ in nn.BatchNorm(2).named_parameters()] == ["gain", "bias"]


def test_groups_are_normalised_example_by_example():
    norm, x = nn.GroupNorm(2, 6, epsilon=0.0, dtype=np.float64), normal(3, 6, 4, 5)
    parts = norm(x).numpy().reshape(3, 2, 60)
    np.testing.assert_allclose(parts.mean(-1), 0, atol=1e-12)
    np.testing.assert_allclose(parts.var(-1), 1, atol=1e-12)


def test_what_does_not_fit_is_refused_by_name():
    with pytest.raises(ValueError, match=r"BatchNorm: expected 3 channels along axis 1, got x \(4, 2\)"):
        nn.BatchNorm(3)(np.ones((4, 2), np.float32))
    with pytest.raises(ValueError, match=r"GroupNorm: expected x \(batch, 4, …\), got \(2, 3, 5\)"):
        nn.GroupNorm(2, 4)(np.ones((2, 3, 5), np.float32))
    with pytest.raises(ValueError, match="GroupNorm: 3 channels do not divide into groups=2"):
        nn.GroupNorm(2, 3)


# --- Sequential -------------------------------------------------------------------------------------------------------


def test_modules_and_functions_one_after_the_other():
    first, last = double(nn.Linear, 3, 4), double(nn.Linear, 4, 2)
    model = nn.Sequential(first, mg.tanh, lambda x: x * 2.0, last)
    x = Tensor(normal(5, 3))
    np.testing.assert_array_equal(model(x).numpy(), last(mg.tanh(first(x)) * 2.0).numpy())
    assert {node.scope for node in model(x).graph() if node.op == "linear"} == {"layers/0", "layers/3"}
    np.testing.assert_allclose(mg.compile(model)(x).numpy(), model(x).numpy(), rtol=1e-12)


def test_a_dropout_inside_hears_of_eval():
    model = nn.Sequential(nn.Dropout(0.5), mg.relu).eval()
    assert model(np.ones(3)).tolist() == [1.0, 1.0, 1.0]


def test_what_cannot_be_called_is_refused():
    with pytest.raises(TypeError, match=r"Sequential: expected modules and functions, layers\[1\] is 'relu'"):
        nn.Sequential(mg.relu, "relu")
