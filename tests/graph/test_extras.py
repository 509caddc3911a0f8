"""Ways out of a graph that need a library: where it is missing, its extra is named."""

import sys

import pytest

import minigrad as mg


def test_without_jax_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "jax", None)
    graph = mg.trace(mg.exp, mg.Tensor(1.0))
    with pytest.raises(ModuleNotFoundError, match="this needs the library jax, minigrad's extra `jax`"):
        graph.to_jax()
