"""What several tests of the compiler train, and how they compare."""

import numpy as np
import pytest

import minigrad as mg
from minigrad.nn import LanguageModel
from minigrad.optim import Adam


@pytest.fixture
def new_language_model():
    """A function that makes a small language model, its optimiser and its training step."""
    return make


def make():
    model = LanguageModel(9, 8, 2, 1, context=5, hidden=8, rng=np.random.default_rng(0))
    optimiser = Adam(model.parameters(), 0.01)

    def step(tokens, targets):
        optimiser.zero_grad()
        loss = mg.cross_entropy(model(tokens), targets)
        loss.backward()
        optimiser.step()
        return loss

    return model, optimiser, step


@pytest.fixture
def same():
    """Whether two results of functions are the same."""
    return are_same


def are_same(actual, expected):
    """Equal in structure, type and value; Tensors by their arrays."""
    assert type(actual) is type(expected)
    if isinstance(actual, dict):
        assert list(actual) == list(expected)
        return all(are_same(actual[key], expected[key]) for key in actual)
    if isinstance(actual, (tuple, list)):
        return all(are_same(a, e) for a, e in zip(actual, expected, strict=True))
    if isinstance(actual, mg.Tensor):
        np.testing.assert_allclose(actual.numpy(), expected.numpy(), rtol=1e-13)
        return actual.dtype == expected.dtype and actual.shape == expected.shape
    return actual == expected
