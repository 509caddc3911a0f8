"""Blocks and stacks: who sees whom, and gradients through all of it."""

import numpy as np
import pytest

import minigrad as mg
from minigrad.checks import check_gradients
from minigrad.graph import trace
from minigrad.nn import Decoder, Encoder, TransformerBlock

RNG = np.random.default_rng(11)
X, MEMORY = RNG.standard_normal((2, 5, 8)), RNG.standard_normal((2, 3, 8))


def block(**options):
    return TransformerBlock(8, 2, hidden=10, rng=np.random.default_rng(0), dtype=np.float64, **options)


def stack(kind, **options):
    return kind(2, 8, 2, 10, rng=np.random.default_rng(0), dtype=np.float64, **options)


@pytest.mark.parametrize("norm", ["pre", "post"])
@pytest.mark.parametrize("normalisation", ["layer", "rms"])
@pytest.mark.parametrize("cross", [False, True])
def test_gradients_agree_with_finite_differences(norm, normalisation, cross):
    module = block(norm=norm, normalisation=normalisation, cross=cross, causal=cross, activation="tanh")
    inputs = [X, MEMORY] if cross else [X]
    check_gradients(module, inputs, parameters=dict(module.named_parameters()), elements=2, directions=1)


def test_second_order_gradients_agree_with_finite_differences():
    module = block(activation="tanh")
    check_gradients(
        module, [X[0, :2]], order=2, parameters={"up": module.feed_forward.up.weight}, elements=2, directions=1
    )


def test_pre_norm_is_the_sum_of_the_parts_on_normalised_tokens():
    module = block()
    after = X + module.attention(module.attention_norm(X)).numpy()
    after = after + module.feed_forward(module.feed_forward_norm(after)).numpy()
    assert np.allclose(module(X).numpy(), after)


def test_post_norm_normalises_the_sums():
    module = block(norm="post")
    after = module.attention_norm(X + module.attention(X).numpy()).numpy()
    after = module.feed_forward_norm(after + module.feed_forward(after).numpy()).numpy()
    assert np.allclose(module(X).numpy(), after)


def test_an_encoder_treats_all_tokens_alike():
    encoder, order = stack(Encoder), RNG.permutation(5)
    assert np.allclose(encoder(X).numpy()[:, order], encoder(X[:, order]).numpy())


def test_a_decoder_does_not_see_what_comes_later():
    decoder, changed = stack(Decoder), X.copy()
    changed[:, 3:] += 1.0
    assert np.allclose(decoder(X).numpy()[:, :3], decoder(changed).numpy()[:, :3], rtol=1e-12)


def test_a_decoder_sees_the_memory_wherever_it_is_not_padding():
    decoder = stack(Decoder, cross=True)
    changed = MEMORY.copy()
    changed[:, 2] += 1.0
    real = np.array([[True, True, False]] * 2)
    assert not np.allclose(decoder(X, MEMORY).numpy(), decoder(X, changed).numpy())
    assert np.allclose(
        decoder(X, MEMORY, memory_mask=real).numpy(), decoder(X, changed, memory_mask=real).numpy(), rtol=1e-12
    )


def test_padding_does_not_matter_to_an_encoder():
    encoder, real = stack(Encoder), np.array([[True, True, True, False, False]] * 2)
    assert np.allclose(encoder(X, key_mask=real).numpy()[:, :3], encoder(X[:, :3]).numpy())


@pytest.mark.parametrize("kind", [Encoder, Decoder])
def test_without_biases_it_computes_what_biases_of_zero_do(kind):
    bare = stack(kind, cross=True, bias=False)
    full = stack(kind, cross=True)
    assert {path for path, _ in full.named_parameters() if not path.endswith("bias")} == bare.state_dict().keys()
    assert np.allclose(bare(X, MEMORY).numpy(), full(X, MEMORY).numpy(), rtol=1e-12)


@pytest.mark.parametrize(("norm", "last"), [("pre", True), ("post", False)])
def test_only_pre_norm_stacks_end_with_a_normalisation(norm, last):
    assert (stack(Encoder, norm=norm).norm is not None) == last


def test_a_memory_and_cross_attention_need_each_other():
    for module, inputs in ((block(), (X, MEMORY)), (block(cross=True), (X,))):
        with pytest.raises(ValueError, match="cross=True"):
            module(*inputs)


def test_paths_and_scopes_are_what_the_field_calls_them():
    decoder = stack(Decoder, cross=True)
    paths = [path for path, _ in decoder.named_parameters()]
    assert {"blocks.0.attention.query.weight", "blocks.1.cross_attention.output.bias", "norm.gain"} <= set(paths)
    graph = trace(decoder, X, MEMORY)
    for layer in (0, 1):
        for kind, keys in (("attention", 5), ("cross_attention", 3)):
            assert graph.find(f"blocks/{layer}/{kind}/weights").shape == (2, 2, 5, keys)
    assert graph.find("blocks/1/feed_forward/down/weight").role == "parameter"


def test_dropout_is_off_outside_training():
    module = block(dropout=0.5).eval()
    assert np.array_equal(module(X).numpy(), block().eval()(X).numpy())
    module.train()
    with mg.generator(np.random.default_rng(0)):
        assert not np.allclose(module(X).numpy(), module(X).numpy())


def test_unknown_names_are_refused():
    with pytest.raises(ValueError, match='norm=\'before\', expected "pre" or "post"'):
        block(norm="before")
    with pytest.raises(ValueError, match="normalisation='batch', expected one of layer, rms"):
        block(normalisation="batch")
    with pytest.raises(ValueError, match="layers=0"):
        Encoder(0, 8, 2, rng=RNG)
