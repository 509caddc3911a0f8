"""Fixtures of the tests of trust."""

from tests.checks.conftest import plant as plant
