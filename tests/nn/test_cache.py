"""The key-value cache: the same results token by token as all at once."""

import numpy as np
import pytest

import minigrad as mg
from minigrad.nn import Decoder, KeyValueCache, LanguageModel, MultiHeadAttention

RNG = np.random.default_rng(5)
TOKENS = RNG.integers(0, 11, (2, 9))


def language(**options):
    return LanguageModel(11, 8, 2, 2, context=9, rng=np.random.default_rng(0), **options)


@pytest.mark.parametrize("sizes", [[1] * 9, [9], [4, 1, 1, 3], [3, 6]], ids=str)
def test_logits_in_pieces_are_those_of_the_whole(sizes):
    model, cache = language(), KeyValueCache()
    pieces = np.split(TOKENS, np.cumsum(sizes)[:-1], axis=1)
    logits = np.concatenate([model(piece, cache=cache).numpy() for piece in pieces], axis=1)
    assert cache.tokens == 9
    assert np.abs(logits - model(TOKENS).numpy()).max() < 1e-5


def test_masks_are_for_all_keys():
    model, cache = language(dtype=np.float64), KeyValueCache()
    real = np.ones(TOKENS.shape, bool)
    real[1, :4] = False
    mask = RNG.random((9, 9)) < 0.7
    pieces = [
        model(TOKENS[:, part], cache=cache, key_mask=real[:, : part.stop], mask=mask[part, : part.stop]).numpy()
        for part in (slice(0, 5), slice(5, 7), slice(7, 8), slice(8, 9))
    ]
    whole = model(TOKENS, key_mask=real, mask=mask).numpy()
    assert np.allclose(np.concatenate(pieces, axis=1), whole)


def test_a_decoder_with_a_memory_takes_a_cache():
    decoder = Decoder(2, 8, 2, rng=np.random.default_rng(0), cross=True, dtype=np.float64)
    x, memory, real = (
        RNG.standard_normal((2, 4, 8)),
        RNG.standard_normal((2, 3, 8)),
        np.array([[True] * 3, [True, False, True]]),
    )
    cache = KeyValueCache()
    pieces = [decoder(x[:, i : i + 1], memory, memory_mask=real, cache=cache).numpy() for i in range(4)]
    assert np.allclose(np.concatenate(pieces, axis=1), decoder(x, memory, memory_mask=real).numpy())


def test_attention_by_blocks_takes_a_cache():
    plain, by_blocks = (
        MultiHeadAttention(8, 2, rng=np.random.default_rng(0), dtype=np.float64, block=block) for block in (None, 2)
    )
    x, cache = RNG.standard_normal((2, 7, 8)), KeyValueCache()
    pieces = [
        by_blocks(x[:, part], causal=True, cache=cache).numpy() for part in (slice(0, 4), slice(4, 6), slice(6, 7))
    ]
    assert np.allclose(np.concatenate(pieces, axis=1), plain(x, causal=True).numpy())


def test_gradients_flow_through_the_cache():
    model, cache = language(dtype=np.float64), KeyValueCache()
    parameters = model.parameters()
    pieces = mg.concatenate([model(TOKENS[:, :4], cache=cache), model(TOKENS[:, 4:], cache=cache)], axis=1)
    whole = mg.grad(mg.sum(mg.tanh(model(TOKENS))), parameters)
    for a, b in zip(mg.grad(mg.sum(mg.tanh(pieces)), parameters), whole, strict=True):
        assert np.allclose(a.numpy(), b.numpy())


def test_generating_writes_the_same_with_and_without_a_cache():
    model = language(dtype=np.float64)
    for choice in ({}, {"temperature": 0.0}, {"temperature": 0.7, "top_k": 3}):
        with_cache, without = (
            model.generate([1, 2, 3], 15, np.random.default_rng(2), cached=cached, **choice).tolist()
            for cached in (True, False)
        )
        assert with_cache == without  # also beyond the context of 9


def test_a_step_with_a_cache_computes_one_token(monkeypatch):
    model, widths = language(), []
    embed = type(model.embedding).forward
    monkeypatch.setattr(
        type(model.embedding), "forward", lambda self, ids: (widths.append(len(ids)), embed(self, ids))[1]
    )
    model.generate([1, 2, 3], 6, np.random.default_rng(0))
    assert widths == [3, 1, 1, 1, 1, 1]


def test_weights_are_those_of_the_new_queries_over_all_keys():
    model, cache = language(), KeyValueCache()
    model(TOKENS[:, :5], cache=cache)
    model(TOKENS[:, 5:7], cache=cache)
    weights = model.transformer.blocks[1].attention.weights.numpy()
    assert weights.shape == (2, 2, 2, 7)
    assert not weights[..., 0, 6].any()


def test_misuse_is_named():
    attention = MultiHeadAttention(8, 2, rng=np.random.default_rng(0), dtype=np.float64)
    x = RNG.standard_normal((2, 3, 8))
    for options in ({}, {"memory": x, "causal": True}):
        with pytest.raises(ValueError, match="a cache needs causal=True and no memory"):
            attention(x, cache=KeyValueCache(), **options)
    cache = KeyValueCache()
    attention(x, causal=True, cache=cache)
    with pytest.raises(ValueError, match=r"keys \(2, 2, 3, 4\), the new ones \(2, 3, 4\)"):
        attention(x[0], causal=True, cache=cache)
