"""What several tests of the compiler train."""

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
