"""The layers: values by their definition, gradients by finite differences, arguments that are refused."""

import math

import numpy as np
import pytest

import minigrad as mg
from minigrad.checks import check_gradients
from minigrad.core.errors import GraphError
from minigrad.nn import Dropout, Embedding, FeedForward, LayerNorm, Linear, RMSNorm
from minigrad.nn.layers import ACTIVATIONS


def new_rng():
    return np.random.default_rng(0)


LAYERS = {
    "Linear": lambda: Linear(4, 3, rng=new_rng(), dtype=np.float64),
    "Linear without bias": lambda: Linear(4, 3, bias=False, rng=new_rng(), dtype=np.float64),
    "LayerNorm": lambda: LayerNorm(4, dtype=np.float64),
    "LayerNorm without bias": lambda: LayerNorm(4, dtype=np.float64, bias=False),
    "RMSNorm": lambda: RMSNorm(4, dtype=np.float64),
    **{f"FeedForward {name}": lambda name=name: FeedForward(4, 5, name, rng=new_rng(), dtype=np.float64)
       for name in ACTIVATIONS},
}  # fmt: skip


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("shape", [(4,), (2, 3, 4)])
def test_gradients_agree_with_finite_differences(layer, shape):
    module = LAYERS[layer]()
    x = new_rng().standard_normal(shape)
    check_gradients(module, [x], parameters=dict(module.named_parameters()))


def test_a_linear_map_is_a_product_and_a_sum():
    layer = Linear(4, 3, rng=new_rng())
    mg.assign(layer.bias, [1.0, 2.0, 3.0])
    x = new_rng().standard_normal((2, 5, 4)).astype(np.float32)
    assert np.allclose(layer(x).numpy(), x @ layer.weight.numpy() + [1.0, 2.0, 3.0], atol=1e-6)


def test_linear_weights_fill_their_range():
    weight = Linear(50, 100, rng=new_rng()).weight.numpy()
    limit = math.sqrt(6 / 150)
    assert weight.shape == (50, 100)
    assert 0.99 * limit < np.abs(weight).max() <= limit
    assert abs(weight.std() - limit / math.sqrt(3)) < 0.01 * limit


def test_the_same_seed_makes_the_same_layer():
    first, second, third = (Linear(3, 3, rng=np.random.default_rng(seed)).weight.numpy() for seed in (4, 4, 5))
    assert np.array_equal(first, second)
    assert not np.array_equal(first, third)


def test_an_embedding_is_rows_of_its_weight_and_repeats_add_up():
    layer = Embedding(5, 3, new_rng())
    ids = [[1, 1, 4]]
    y = layer(ids)
    assert np.array_equal(y.numpy(), layer.weight.numpy()[ids])
    y.sum().backward()
    assert layer.weight.grad.sum(-1).tolist() == [0.0, 6.0, 0.0, 0.0, 3.0]


def test_an_embedding_is_refused_an_index_outside():
    with pytest.raises(IndexError, match="5"):
        Embedding(5, 3, new_rng())([0, 5])


def test_norms_ignore_the_scale_of_what_comes_in():
    x = new_rng().standard_normal((3, 8))
    for norm in (LayerNorm(8, dtype=np.float64), RMSNorm(8, dtype=np.float64)):
        assert np.allclose(norm(x).numpy(), norm(x * 1000).numpy(), atol=1e-4)


def test_layer_norm_ignores_a_shift():
    norm = LayerNorm(8, dtype=np.float64)
    x = new_rng().standard_normal((3, 8))
    assert np.allclose(norm(x).numpy(), norm(x + 5.0).numpy())


def test_dropout_drops_its_share_and_keeps_the_mean():
    x = mg.Tensor(np.ones(20_000, np.float32), requires_grad=True)
    y = Dropout(0.25, rng=new_rng())(x).numpy()
    assert abs((y == 0).mean() - 0.25) < 0.01
    assert set(np.unique(y)) == {np.float32(0), np.float32(1 / 0.75)}


def test_dropout_draws_from_the_generator_around_it_or_raises():
    x = mg.Tensor(np.ones(100, np.float32))
    layer = Dropout(0.5)
    with mg.generator(new_rng()):
        inside = layer(x).numpy()
    assert np.array_equal(inside, Dropout(0.5, rng=new_rng())(x).numpy())
    with pytest.raises(GraphError, match="generator"):
        layer(x)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Dropout(1.5), "rate=1.5 must be between 0 and 1"),
        (lambda: Linear(0, 3, rng=new_rng()), "inputs=0 must be a whole number, at least 1"),
        (lambda: Linear(3, 2.5, rng=new_rng()), "outputs=2.5 must be"),
        (lambda: Embedding(3, -1, new_rng()), "width=-1 must be"),
        (lambda: FeedForward(3, 3, "relo", rng=new_rng()), "activation='relo', expected one of relu, gelu"),
    ],
)  # fmt: skip
def test_bad_arguments_are_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()
