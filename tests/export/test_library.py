"""Engines are extras: where one is missing, the error names it, and nothing else of minigrad needs it."""

import sys

import numpy as np
import pytest

import minigrad as mg


def test_a_missing_engine_is_named_with_the_command_that_installs_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "jax", None)
    graph = mg.trace(lambda x: x * 2.0, np.zeros(2))
    with pytest.raises(ModuleNotFoundError, match="minigrad's extra `jax`: python -m pip install jax"):
        graph.to_jax()


def test_its_rows_can_be_listed_and_added_to_without_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "jax", None)
    assert {*mg.export.jax.ROWS} <= mg.registry.keys()
