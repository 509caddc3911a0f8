"""Fixtures for the tests that plant wrong gradient rules."""

import pytest

import minigrad as mg


@pytest.fixture
def plant(monkeypatch):
    """A function that puts a wrong rule in the place of the right one, and of short cuts, until the test ends."""
    displaced = []

    def plant(op, argument, rule):
        displaced.append((mg.registry[op], argument, mg.registry[op].rules[argument]))
        mg.registry[op].vjp(argument)(rule)
        for short_cut in ("joined", "added"):
            monkeypatch.setattr(mg.registry[op], short_cut, None)

    yield plant
    for op, argument, right in reversed(displaced):
        op.vjp(argument)(right)


@pytest.fixture
def assert_rejected(plant):
    """A function that plants a rule and asserts that `check_op` names the op, and what `found_by` says."""

    def assert_rejected(op, argument, rule, found_by):
        plant(op, argument, rule)
        with pytest.raises(AssertionError) as raised:
            mg.check_op(mg.registry[op])
        assert str(raised.value).startswith(op)
        assert found_by in str(raised.value)

    return assert_rejected
