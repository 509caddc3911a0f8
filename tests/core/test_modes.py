"""Modes last as long as their block, and come back whatever happens; threads and tasks are in test_concurrency.py."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import GraphError, Tensor


def requires_grad() -> bool:
    return (Tensor(1.0, requires_grad=True) * 2.0).requires_grad


def test_an_exception_restores_the_mode():
    with pytest.raises(RuntimeError), mg.no_grad(), mg.scope("a"):
        raise RuntimeError
    assert requires_grad()


def test_scopes_nest():
    with mg.scope("model"), mg.scope("attention"):
        assert (Tensor(1.0, requires_grad=True) * 2.0).scope == "model/attention"


def test_random_operations_need_a_generator():
    with pytest.raises(GraphError, match=r"with minigrad\.generator\(numpy\.random\.default_rng\(0\)\):"):
        mg.dropout(Tensor([1.0]), 0.5)
    with pytest.raises(TypeError, match="RandomState"):
        mg.generator(np.random.RandomState(0))
    with mg.generator(np.random.default_rng(0)):
        first = mg.dropout(np.ones(100), 0.5)
    np.testing.assert_array_equal(first, mg.dropout(np.ones(100), 0.5, np.random.default_rng(0)))
