"""Widths of what flows back: by orders of magnitude, however large or small it is."""

import numpy as np
import pytest

import minigrad as mg
from minigrad.drawing.flows import choose_widths, find_flows
from minigrad.drawing.view import make_view


def widths_of(factor, count=5):
    y = mg.Tensor(np.ones(3), requires_grad=True, name="x")
    for _ in range(count):
        y = y * factor
    loss = mg.sum(y)
    loss.backward(keep=True)
    return choose_widths(find_flows(make_view(loss.graph())))


@pytest.mark.parametrize("factor", [1e50, 1e-50, 10.0, 0.1])
def test_TX15_exploding_and_vanishing_gradients_have_widths_of_their_own(factor):
    widths = widths_of(factor)
    assert len(set(widths)) > 1
    assert widths == sorted(widths, reverse=factor < 1), "the sweep goes backwards, from the last to the first"


def test_what_is_infinite_is_as_wide_as_the_widest_and_nothing_is_narrow():
    x = mg.Tensor([0.0, 1.0], requires_grad=True)
    with np.errstate(divide="ignore"):
        loss = mg.sum(mg.log(x) + mg.exp(x) * 0.0)
        loss.backward(keep=True)
    widths = choose_widths(find_flows(make_view(loss.graph())))
    assert {min(widths), max(widths)} == {0.6, 1.8}
