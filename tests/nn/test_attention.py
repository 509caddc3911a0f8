"""Multi-head attention: laws of masks and permutations, weights to look at, gradients."""

import gc
import weakref

import numpy as np
import pytest

import minigrad as mg
from minigrad.checks import check_gradients
from minigrad.graph import trace
from minigrad.nn import Module, MultiHeadAttention

RNG = np.random.default_rng(7)
X, MEMORY = RNG.standard_normal((2, 5, 8)), RNG.standard_normal((2, 3, 8))


@pytest.fixture
def attention():
    return MultiHeadAttention(8, 2, rng=np.random.default_rng(0), dtype=np.float64)


CALLS = {
    "self": {},
    "cross": {"memory": MEMORY},
    "causal": {"causal": True},
    "key mask": {"key_mask": np.array([[True] * 5, [True, True, False, False, False]])},
    "nothing to attend to": {"mask": np.array([False, True, True, True, False])[:, None]},
}


@pytest.mark.parametrize("call", CALLS)
def test_gradients_agree_with_finite_differences(attention, call):
    check_gradients(
        lambda x: attention(x, **CALLS[call]),
        [X],
        parameters=dict(attention.named_parameters()),
        elements=8,
        directions=2,
    )


def test_second_order_gradients_agree_with_finite_differences(attention):
    check_gradients(attention, [X[0, :2]], order=2, parameters={"key": attention.key.weight}, elements=4, directions=2)


def test_heads_are_attentions_on_their_share_of_the_width(attention):
    query, key, value = (layer(X) for layer in (attention.query, attention.key, attention.value))
    shares = [
        mg.scaled_dot_product_attention(query[..., part], key[..., part], value[..., part])
        for part in (slice(0, 4), slice(4, 8))
    ]
    assert np.allclose(attention(X).numpy(), attention.output(mg.concatenate(shares, axis=-1)).numpy())


def test_permuted_tokens_give_permuted_results(attention):
    order = np.random.default_rng(1).permutation(5)
    assert np.allclose(attention(X).numpy()[:, order], attention(X[:, order]).numpy())


def test_the_order_of_a_memory_does_not_matter(attention):
    assert np.allclose(attention(X, MEMORY).numpy(), attention(X, MEMORY[:, ::-1]).numpy())


def test_leading_axes_are_a_batch_of_any_shape(attention):
    stacked = np.stack([[X[0], X[1], X[0]], [X[1], X[1], X[0]]])
    result = attention(stacked).numpy()
    assert result.shape == (2, 3, 5, 8)
    assert np.allclose(result[1, 2], attention(X[0]).numpy())
    assert attention(np.zeros((0, 5, 8))).shape == (0, 5, 8)


def test_causal_attention_does_not_see_what_comes_later(attention):
    changed = X.copy()
    changed[:, 3:] += 1.0
    before, after = (attention(x, causal=True).numpy() for x in (X, changed))
    assert np.allclose(before[:, :3], after[:, :3], rtol=1e-12)
    assert not np.allclose(before[:, 3:], after[:, 3:])
    assert np.allclose(before[:, :1], attention(X[:, :1]).numpy())


def test_padding_that_is_masked_does_not_matter(attention):
    keys = np.array([[True, True, True, False, False]] * 2)
    assert np.allclose(attention(X, key_mask=keys).numpy()[:, :3], attention(X[:, :3]).numpy())


def test_masks_combine(attention):
    keys = np.array([[True, True, False, True, True], [True] * 5])
    mask = RNG.random((2, 5, 5)) < 0.7
    everything = mask & keys[:, None] & np.tri(5, dtype=bool)
    separate = attention(X, mask=mask, key_mask=keys, causal=True).numpy()
    assert np.array_equal(separate, attention(X, mask=everything).numpy())
    assert not attention.weights.numpy()[~np.broadcast_to(everything[:, None], (2, 2, 5, 5))].any()


def test_a_mask_may_differ_between_heads_or_be_one_for_all(attention):
    mask = RNG.random((5, 5)) < 0.5
    one = attention(X, mask=mask).numpy()
    assert np.array_equal(one, attention(X, mask=np.broadcast_to(mask, (2, 2, 5, 5))).numpy())
    heads = np.stack([mask, np.ones((5, 5), bool)])[None]
    attention(X, mask=heads)
    assert not attention.weights.numpy()[:, 0][:, ~mask].any()
    assert attention.weights.numpy()[:, 1].all()


def test_a_query_that_may_attend_to_nothing_gets_zeros_and_gives_no_gradient(attention):
    x = mg.Tensor(X, requires_grad=True)
    mask = np.ones((5, 5), bool)
    mask[2] = mask[:, 2] = False
    y = attention(x, mask=mask)
    assert np.array_equal(y.numpy()[:, 2], np.broadcast_to(attention.output.bias.numpy(), (2, 8)))
    (y * y).sum().backward()
    assert not x.grad[:, 2].any()
    assert x.grad[:, [0, 1, 3, 4]].all()


# --- weights ----------------------------------------------------------------------------------------------------------


def test_weights_are_the_node_while_its_graph_lives_and_its_values_afterwards(attention):
    assert attention.weights is None
    loss = (attention(X) ** 2).sum()
    assert attention.weights is attention.weights
    assert attention.weights.op.name == "softmax"
    loss.backward(keep=True)
    gradient, values = attention.weights.grad, attention.weights.numpy()
    assert gradient.shape == (2, 2, 5, 5)
    assert np.allclose(gradient, mg.grad(loss, attention.weights).numpy())
    del loss
    assert attention.weights.op is None
    assert np.array_equal(attention.weights.numpy(), values)
    assert np.allclose(values.sum(-1), 1.0)


def test_a_module_does_not_keep_the_graph_of_its_last_call(attention):
    gc.collect()
    gc.disable()
    try:
        x = mg.Tensor(X, requires_grad=True)
        hidden = x * 2.0
        dead = weakref.ref(hidden)
        loss = attention(hidden).sum()
        loss.backward(keep=True)
        del hidden, loss
        assert dead() is None
    finally:
        gc.enable()


def test_weights_are_seen_without_gradients_too(attention):
    with mg.no_grad():
        attention(X)
    assert attention.weights.shape == (2, 2, 5, 5)


def test_capturing_leaves_the_weights_of_the_last_call(attention):
    attention(X)
    before = attention.weights.numpy()
    graph = trace(attention, mg.Tensor(MEMORY))
    assert graph.find("weights").shape == (2, 2, 3, 3)
    assert np.array_equal(attention.weights.numpy(), before)


def test_nodes_have_the_names_of_the_field():
    class Block(Module):
        def __init__(self):
            self.attention = MultiHeadAttention(8, 2, rng=np.random.default_rng(0), dtype=np.float64)

        def forward(self, x):
            return self.attention(x)

    graph = Block()(X).graph()
    for name in ("scores", "weights", "context"):
        assert graph.find(name).path == f"attention/{name}"
    projections = {node.scope for node in graph if node.op == "linear"}
    assert projections == {f"attention/{name}" for name in ("query", "key", "value", "output")}


def test_a_captured_attention_computes_the_same(attention):
    keys = np.array([[True, True, True, False, False]] * 2)
    graph = trace(lambda x, keys: attention(x, key_mask=keys, causal=True), X, keys)
    assert np.array_equal(graph.run(X, keys), attention(X, key_mask=keys, causal=True).numpy())


# --- block by block ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("call", CALLS)
def test_block_by_block_it_gives_the_same_and_there_are_no_weights(attention, call):
    by_blocks = MultiHeadAttention(8, 2, rng=np.random.default_rng(0), dtype=np.float64, block=2)
    assert by_blocks.state_dict().keys() == attention.state_dict().keys()

    def value_and_gradients(module):
        y = module(X, **CALLS[call])
        return [y, *mg.grad(y, list(module.parameters()), np.random.default_rng(1).standard_normal(y.shape))]

    for actual, expected in zip(value_and_gradients(by_blocks), value_and_gradients(attention), strict=True):
        np.testing.assert_allclose(actual.numpy(), expected.numpy(), rtol=1e-12, atol=1e-13)
    assert by_blocks.weights is None


def test_block_by_block_its_node_is_in_the_scope_of_the_module():
    class Block(Module):
        def __init__(self):
            self.attention = MultiHeadAttention(8, 2, rng=np.random.default_rng(0), dtype=np.float64, block=2)

        def forward(self, x):
            return self.attention(x)

    assert Block()(X).graph().find("attention/context").op == "blockwise_attention"


def test_weights_that_are_never_kept_cannot_be_dropped():
    with pytest.raises(ValueError, match=r"dropout=0\.1 drops weights, of which block=4 keeps none"):
        MultiHeadAttention(8, 2, rng=RNG, dropout=0.1, block=4)


# --- arguments --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["mask", "key_mask"])
def test_a_mask_of_numbers_is_refused(attention, name):
    with pytest.raises(TypeError, match=f"{name} holds float64, expected booleans: True where a query may attend"):
        attention(X, **{name: np.zeros((2, 5))})


def test_a_width_that_heads_do_not_divide_is_refused():
    with pytest.raises(ValueError, match="width=8 must be a multiple of heads=3"):
        MultiHeadAttention(8, 3, rng=RNG)


def test_dropout_on_the_weights_is_for_training_only():
    attention = MultiHeadAttention(8, 2, rng=np.random.default_rng(0), dropout=0.5, dtype=np.float64)
    with mg.generator(np.random.default_rng(0)):
        first, second = attention(X).numpy(), attention(X).numpy()
    assert not np.allclose(first, second)
    attention.eval()
    assert np.array_equal(attention(X).numpy(), attention(X).numpy())
