"""How the work of planning a program grows: counted in lines of Python, which no machine makes slower."""

import sys

import numpy as np
import pytest

import minigrad as mg
from minigrad.compiler.planner import make_plan
from minigrad.compiler.printer import print_program
from minigrad.compiler.rewrite import rewritten

pytestmark = pytest.mark.deep


def lines_run(function):
    """How many lines of Python a call runs, each turn of a comprehension counted."""
    count = 0

    def trace(frame, event, argument):
        nonlocal count
        count += 1
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        function()
    finally:
        sys.settrace(before)
    return count


def training(count):
    weights = [mg.Tensor(np.full((3, 3), 0.1), requires_grad=True, name=f"w{i}") for i in range(count)]
    optimiser = mg.optim.Adam(weights, rate=0.01)

    def step(x):
        optimiser.zero_grad()
        for weight in weights:
            x = mg.tanh(x @ weight)
        mg.sum(x * x).backward()
        optimiser.step()
        return x

    return step, np.ones((3, 3))


def states(count):
    cells = [mg.Tensor(np.full((3, 3), 0.1), name="cell") for _ in range(count)]

    def step(x):
        for cell in cells:
            x = mg.dropout(mg.tanh(x @ cell), 0.5, np.random.default_rng(0))
            mg.assign(cell, mg.read(cell) * 0.9 + x)
        for one, other in zip(cells[::2], cells[1::2], strict=True):
            mg.assign(one, mg.read(other))
        return x

    return step, np.ones((3, 3))


def joins(count):
    def step(x):
        return [mg.concatenate([mg.sin(x) * float(i), x, mg.constant(np.full(2, float(i)))]) for i in range(count)]

    return step, np.ones(2)


def pieces(shape, apart=False):
    def new(count):
        def step(x, y):
            for i in range(count):
                y = mg.sin(y) * 0.5
                if i % 3 == 0 and apart:
                    x = mg.tanh(x * 2.0) + 1.0
                    x = x / mg.sum(x)
                elif not apart:
                    x = mg.sin(x) * 0.5
            return x, y

        return step, np.ones(shape), np.ones((8, 2))

    return new


KINDS = {
    "training": training, "states": states, "joins": joins, "elements": pieces((2**17,)), "rows": pieces((2**10, 2**7)),
    "many loops": pieces((2**10, 2**7), apart=True),
}  # fmt: skip


@pytest.mark.parametrize("new", KINDS.values(), ids=KINDS)
def test_planning_grows_as_the_program_does(new):
    counts = []
    for count in (10, 80):
        function, *args = new(count)
        graph = mg.trace(function, *args)
        make_plan(rewritten(graph))  # what is remembered of operations is not counted
        counts.append(lines_run(lambda graph=graph: print_program(make_plan(rewritten(graph)))))
    assert counts[1] < 9 * counts[0]  # in proportion it is less than 8


def test_E10_deep_chains_of_views_and_of_joined_results():
    def views(x):
        for _ in range(1_200):
            x = x[1:]
        return x + 1.0

    def joined(x):
        y = x
        for _ in range(600):
            y = mg.concatenate([y, x * 2.0])
        return y

    weight = mg.Tensor(np.arange(1_203.0), name="weight")
    assert mg.compile(views)(np.arange(1_203.0)).tolist() == [1_201.0, 1_202.0, 1_203.0]
    assert mg.compile(lambda x: views(weight) + x)(np.ones(3)).tolist() == [1_202.0, 1_203.0, 1_204.0]
    assert mg.compile(joined)(np.ones(1)).tolist() == [1.0] + [2.0] * 600
