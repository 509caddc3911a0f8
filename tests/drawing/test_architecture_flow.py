"""Architecture pictures say what the data goes through: nothing is folded or joined that would change that."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.drawing.architecture import draw_architecture

RNG = np.random.default_rng(0)
X = RNG.standard_normal((3, 8)).astype(np.float32)


def linear():
    return nn.Linear(8, 8, rng=RNG)


class Block(nn.Module):
    def __init__(self):
        self.inner = linear()

    def forward(self, x):
        return mg.relu(self.inner(x))


class Gate(nn.Module):
    def __init__(self):
        self.inner = linear()

    def forward(self, x, other):
        return mg.relu(self.inner(x)) * other


class Model(nn.Module):
    """Parts, and a function that says how the data goes through them."""

    def __init__(self, flow, *parts):
        self.flow, self.parts = flow, list(parts)

    def forward(self, x):
        return self.flow(x, *self.parts)


def chain(x, parts):
    results = [x]
    for part in parts:
        results.append(part(results[-1]))
    return results[1:]


def in_two_branches(x, a, b, c, d):
    return b(a(x)) + d(c(x))


def inner_result_is_used(x, *parts):
    results = chain(x, parts)
    return results[1] + results[3]


def residuals_differ(x, *parts):
    first = h = None
    for number, part in enumerate(parts):
        h = part(x if h is None else h) + (x if number % 2 == 0 else first)
        first = h if first is None else first
    return h


def in_towers(x, *parts):
    u = v = x
    for a, b in zip(parts[:3], parts[3:], strict=True):
        u = a(u) + v
        v = b(v)
    return u + v


def as_a_u(x, *parts):
    results = chain(x, parts[:2])
    for part, skipped in zip(parts[2:], reversed(results), strict=True):
        x = part(results[-1] if skipped is results[-1] else x) + skipped
    return x


def others_differ(x, a, b, c, d):
    first, second = a(x), b(x)
    return d(c(x, first), second)


def with_itself(x, part):
    h = part(x)
    return mg.softmax(h @ h.T) @ (h * h)


CASES = {
    "branches": (in_two_branches, [nn.FeedForward(8, 16, rng=RNG) for _ in range(4)], """
        %0 = x
        %1 = Feed Forward(%0)
        %2 = Feed Forward(%1)
        %3 = Feed Forward(%0)
        %4 = Feed Forward(%3)
        %5 = +(%2, %4)
        %6 = Output(%5)"""),
    "inner result": (inner_result_is_used, [Block() for _ in range(4)], """
        %0 = x
        %1 = Linear(%0)
        %2 = ReLU(%1)
        %3 = Linear(%2)
        %4 = ReLU(%3)
        %5 = Linear(%4)
        %6 = ReLU(%5)
        %7 = Linear(%6)
        %8 = ReLU(%7)
        %9 = +(%4, %8)
        %10 = Output(%9)"""),
    "residuals": (residuals_differ, [linear() for _ in range(4)], """
        %0 = x
        %1 = Linear(%0)
        %2 = +(%1, %0)
        %3 = Linear(%2)
        %4 = +(%3, %2)
        %5 = Linear(%4)
        %6 = +(%5, %0)
        %7 = Linear(%6)
        %8 = +(%7, %2)
        %9 = Output(%8)"""),
    "towers": (in_towers, [linear() for _ in range(6)], """
        %0 = x
        %1 = Linear(%0)
        %2 = +(%1, %0)
        %3 = Linear(%0)
        %4 = Linear(%2)
        %5 = +(%4, %3)
        %6 = Linear(%3)
        %7 = Linear(%5)
        %8 = +(%7, %6)
        %9 = Linear(%6)
        %10 = +(%8, %9)
        %11 = Output(%10)"""),
    "others": (others_differ, [linear(), linear(), Gate(), Gate()], """
        %0 = x
        %1 = Linear(%0)
        %2 = Linear(%0)
        %3 = Linear(%0)
        %4 = ReLU(%3)
        %5 = ×(%4, %1)
        %6 = Linear(%5)
        %7 = ReLU(%6)
        %8 = ×(%7, %2)
        %9 = Output(%8)"""),
    "u": (as_a_u, [linear() for _ in range(4)], """
        %0 = x
        %1 = Linear(%0)
        %2 = Linear(%1)
        %3 = Linear(%2)
        %4 = +(%3, %2)
        %5 = Linear(%4)
        %6 = +(%5, %1)
        %7 = Output(%6)"""),
    "on its own result": (lambda x, part: part(part(part(x))), [nn.FeedForward(8, 16, rng=RNG)], """
        %0 = x
        %1 = Feed Forward(%0)
        %2 = Feed Forward(%1)
        %3 = Feed Forward(%2)
        %4 = Output(%3)"""),
    "attention on its own result": (lambda x, part: part(part(x)), [nn.MultiHeadAttention(8, 2, rng=RNG)], """
        %0 = x
        %1 = Multi-Head Attention(%0, %0, %0)
        %2 = Multi-Head Attention(%1, %1, %1)
        %3 = Output(%2)"""),
    "with itself": (with_itself, [linear()], """
        %0 = x
        %1 = Linear(%0)
        %2 = MatMul(%1)
        %3 = Softmax(%2)
        %4 = ×(%1)
        %5 = MatMul(%3, %4)
        %6 = Output(%5)"""),
    "a chain": (lambda x, *parts: chain(x, parts)[-1], [Block() for _ in range(5)], """
        %0 = x
        %1 = Linear(%0)  ×5
        %2 = ReLU(%1)  ×5
        %3 = Output(%2)"""),
}  # fmt: skip


@pytest.mark.parametrize(("flow", "parts", "expected"), CASES.values(), ids=CASES)
def test_the_parts_are_what_the_data_goes_through(flow, parts, expected):
    drawn = repr(draw_architecture(Model(flow, *parts), X)).splitlines()
    assert drawn == [line.strip() for line in expected.strip().splitlines()]


def test_two_results_of_a_chain_leave_it_where_they_are_made():
    def flow(x, *parts):
        results = chain(x, parts)
        return results[1], results[3]

    drawn = repr(draw_architecture(Model(flow, *(linear() for _ in range(4))), X)).splitlines()
    assert drawn[-2:] == ["%5 = Output 1(%2)", "%6 = Output 2(%4)"]
