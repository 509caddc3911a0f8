"""Pooling by attention: what counts and what does not."""

import numpy as np

from minigrad.checks import check_gradients
from minigrad.nn import AttentionPooling

RNG = np.random.default_rng(3)
X = RNG.standard_normal((2, 5, 8))
REAL = np.array([[True] * 5, [True, True, False, False, False]])


def pooling():
    return AttentionPooling(8, 2, rng=np.random.default_rng(0), dtype=np.float64)


def test_gradients_agree_with_finite_differences():
    module = pooling()
    check_gradients(
        lambda x: module(x, key_mask=REAL), [X], parameters=dict(module.named_parameters()), elements=4, directions=2
    )


def test_the_order_of_the_tokens_does_not_matter():
    module = pooling()
    assert np.allclose(module(X[:, ::-1]).numpy(), module(X).numpy())


def test_padding_does_not_count():
    module = pooling()
    assert np.allclose(module(X, key_mask=REAL).numpy()[1], module(X[1, :2]).numpy())
    assert module.attention.weights.shape == (2, 1, 2)


def test_the_query_decides_what_counts():
    module = pooling()
    before = module(X).numpy()
    module.query.data = -3.0 * module.query.numpy()
    assert not np.allclose(module(X).numpy(), before)
