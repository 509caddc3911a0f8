"""Random graphs, forward and gradient in one function: compiled as eager, in float64 and float32, on poisoned memory.

A graph is data, a list of steps drawn from a seed. While it is drawn the values of all its nodes are known, for two
sets of inputs; a step is taken only where both are smooth and well-conditioned: logarithms and divisions away from 0,
maxima away from ties, nothing large, no small difference of large terms. A graph whose results cancel is drawn again
(`is_well_conditioned`): so the scale of an array, its largest absolute value, is mostly that of the terms that it is a
sum of. Where it is not, the terms are measured (`summed`).

200 graphs by default; the environment variable MINIGRAD_RANDOM_GRAPHS says how many.
"""

import functools
import itertools
import os
from typing import Any, NamedTuple

import numpy as np
import pytest

import minigrad as mg
from minigrad.compiler import pieces
from tests.tiers import deep_after

from .operations import OPERATIONS

GRAPHS, A_TEST = int(os.environ.get("MINIGRAD_RANDOM_GRAPHS", "200")), 20
STEPS = 9
SHAPES = [(), (1,), (3,), (4,), (2, 1), (2, 3), (3, 4), (3, 3), (1, 4), (2, 3, 4), (2, 1, 3)]  # of the leaves
LARGEST, MOST_ELEMENTS, MOST_AXES = 8.0, 60, 4  # of all nodes
SMALLEST = 0.02  # the scale of a node, relative to what it is made from
CANCELLED = 1e-4  # of an array's scale: how far float32 may be from float64 in a graph that counts
EPSILON = float(np.finfo(np.float32).eps)
MOVES = 16  # of the inputs, up and down at random, to see how far a result moves


class Step(NamedTuple):
    """One node: an operation of the table on earlier nodes, by their numbers."""

    operation: str
    nodes: tuple[int, ...]
    params: dict[str, Any]


class RandomGraph(NamedTuple):
    """First the leaves, then the steps, numbered on. What nobody used is returned, and the gradients for the leaves."""

    seed: tuple[int, ...]
    inputs: list[list[np.ndarray]]  # two sets of values for the leaves
    masks: list[dict[str, np.ndarray]]  # and for the arrays that steer operations, by name
    steps: list[Step]
    cotangents: dict[int, np.ndarray]

    def __str__(self) -> str:
        lines = [f"%{i} = leaf {leaf.shape}" for i, leaf in enumerate(self.inputs[0])]
        for i, (operation, nodes, params) in enumerate(self.steps, len(lines)):
            arguments = [f"%{node}" for node in nodes] + [f"{name}={value}" for name, value in params.items()]
            lines.append(f"%{i} = {operation}({', '.join(arguments)})")
        return "\n".join([f"the graph of seed {self.seed}", *lines, f"returned: {sorted(self.cotangents)}"])

    def function(self, state):
        """The graph as a function of its other leaves; `state` is the first of them, held as a parameter is."""

        def function(leaves, steering, cotangents):
            state.grad = None
            nodes = [state, *leaves]
            for operation, numbers, params in self.steps:
                params = {name: given(value, steering) for name, value in params.items()}
                nodes.append(OPERATIONS[operation].compute(*(nodes[i] for i in numbers), **params))
            ends = [nodes[i] for i in self.cotangents]
            if self.seed[0] % 2:
                gradients = mg.grad(ends, [state, *leaves], cotangents, unused="zero")
            else:
                sum((mg.sum(y * g) for y, g in zip(ends, cotangents, strict=True)), 0.0).backward()
                gradients = [mg.zeros_like(x) if x.grad is None else 1.0 * x.grad for x in (state, *leaves)]
            return {"values": ends, "gradients": gradients}

        return function


class Steering(str):
    """The name of an array that steers an operation: it is an argument of the compiled function."""


def given(value, steering):
    if isinstance(value, tuple):
        return tuple(given(part, steering) for part in value)
    return steering[value] if isinstance(value, Steering) else value


# --- the tests --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("first", deep_after(2, range(0, GRAPHS, A_TEST)))
def test_a_compiled_graph_gives_what_eager_gives(first):
    for number in range(first, min(first + A_TEST, GRAPHS)):
        require_alike(number)


@pytest.mark.deep
@pytest.mark.parametrize("threads", [None, 1, 2, 3])
@pytest.mark.parametrize("first", range(0, GRAPHS // 4, A_TEST))
def test_a_graph_that_is_run_in_pieces_gives_what_eager_gives(first, threads, monkeypatch):
    """As large arrays are: here all are large, pieces are as small as can be, and all loops are worth sharing."""
    limits = {"LARGE": 0, "PIECE": 16, "FLAT": 3, "SHARED": 16, "FLAT_SHARED": 3, "EFFORT": 0, "CALL": 0}
    for name, value in limits.items():
        monkeypatch.setattr(pieces, name, value)
    monkeypatch.setattr("minigrad.compiler.threads._count", threads)
    for number in range(first, min(first + A_TEST, GRAPHS // 4)):
        require_alike(GRAPHS + number)


def require_alike(number):
    graph, exact, eager = well_conditioned(number)
    try:
        compare(graph, exact, compiled(graph, np.float64), eager, compiled(graph, np.float32))
    except BaseException as error:
        error.add_note(str(graph))
        raise


def test_the_graphs_use_every_operation_and_most_use_a_node_more_than_once():
    graphs = [drawn((number, 0)) for number in range(600)]
    operations = [step.operation for graph in graphs for step in graph.steps]
    assert min(operations.count(name) for name in OPERATIONS) >= 3
    uses = [[node for step in graph.steps for node in step.nodes] for graph in graphs]
    assert sum(len(set(nodes)) < len(nodes) for nodes in uses) >= 0.9 * len(graphs)


def compare(graph, exact, double, eager, single):
    """`exact` and `eager` were computed without the compiler, in float64 and float32.

    In float64 programs are off by at most 1e-12 of the scale. In float32 by four times the error of eager, and 8 units
    in the last place of the terms that a result is a sum of: these may be larger, and are added up in another order.
    """
    terms = functools.cache(lambda: summed(graph, exact))  # measured only where it matters
    for run, arrays in enumerate(zip(exact, double, eager, single, strict=True)):
        for what, (e64, c64, e32, c32) in enumerate(zip(*arrays, strict=True)):
            where = f"run {run}, array {what}"
            assert (c64.shape, c64.dtype) == (e64.shape, e64.dtype), where
            assert (c32.shape, c32.dtype) == (e32.shape, e32.dtype), where
            scale = largest(e64)
            assert largest(c64 - e64) <= 1e-12 * scale, f"{where}, float64: {c64.tolist()}, eager {e64.tolist()}"
            allowed = 4 * largest(e32 - e64) + 8 * EPSILON * scale
            if not largest(c32 - e64) <= allowed:
                allowed += 8 * EPSILON * max(terms()[run][what] - scale, 0.0)
            assert largest(c32 - e64) <= allowed, f"{where}, float32: {c32.tolist()}, eager {e64.tolist()}"


def summed(graph, exact):
    """For each result, a lower estimate of the sum of the absolute values of the terms that it is a sum of.

    When inputs and cotangents change by half their last bit in float32, up or down, a result moves by the sum of its
    terms, each times a change: by the sum of absolute values at most. The largest move of several counts.
    """
    bit = 2.0**-24
    rng = np.random.default_rng(graph.seed)

    def moved(array):
        return np.asarray(array * (1 + bit * rng.choice([-1.0, 1.0], np.shape(array))))

    found = [[0.0] * len(arrays) for arrays in exact]
    for _ in range(MOVES):
        inputs = [list(map(moved, values)) for values in graph.inputs]
        cotangents = {node: moved(array) for node, array in graph.cotangents.items()}
        other = run(graph._replace(inputs=inputs, cotangents=cotangents), np.float64)
        for sums, arrays, origins in zip(found, other, exact, strict=True):
            sums[:] = [max(s, largest(x - y) / bit) for s, x, y in zip(sums, arrays, origins, strict=True)]
    return found


def largest(array):
    """The scale of an array: its largest absolute value. NaN, which no comparison holds for, if any is NaN."""
    return np.max(np.abs(array), initial=0.0)


def well_conditioned(number):
    """The first graph of a number that has no result which is a small difference of large terms; its eager results."""
    for attempt in itertools.count():
        graph = drawn((number, attempt))
        exact, eager = run(graph, np.float64), run(graph, np.float32)
        if all(map(is_well_conditioned, [*exact[0], *exact[1]], [*eager[0], *eager[1]])):
            return graph, exact, eager


def is_well_conditioned(exact, eager):
    return largest(eager - exact) <= CANCELLED * largest(exact) and largest(exact) < 1e3


def run(graph, dtype, wrap=lambda function: function, before=lambda function: None):
    """The results for both sets of inputs, each in a list of arrays."""
    state = mg.Tensor(graph.inputs[0][0], dtype, requires_grad=True, name="state")
    function = wrap(graph.function(state))
    cotangents = [array.astype(dtype) for array in graph.cotangents.values()]
    found = []
    for inputs, steering in zip(graph.inputs, graph.masks, strict=True):
        mg.assign(state, inputs[0].astype(dtype))
        leaves = [mg.Tensor(array, dtype, requires_grad=True) for array in inputs[1:]]
        before(function)
        outputs = function(leaves, steering, cotangents)
        arrays = *outputs["values"], *outputs["gradients"]
        found.append([t.numpy() if isinstance(t, mg.Tensor) else t for t in arrays])
        state.grad = None
    return found


def compiled(graph, dtype):
    def poison(function):
        for program in function.programs:
            program._step.__globals__.get("memory", np.empty(0, np.uint8)).fill(0xFF)

    def compile_first(function):
        step = mg.compile(function)
        inputs, steering = graph.inputs[0], graph.masks[0]
        leaves = [mg.Tensor(array, dtype, requires_grad=True) for array in inputs[1:]]
        step(leaves, steering, [array.astype(dtype) for array in graph.cotangents.values()])
        return step

    return run(graph, dtype, compile_first, poison)


# --- drawing a graph --------------------------------------------------------------------------------------------------


def drawn(seed):
    rng = np.random.default_rng(seed)
    shapes = [SHAPES[i] for i in rng.integers(len(SHAPES), size=3)]
    values = [rng.uniform(-2, 2, (2, *shape)) for shape in shapes]  # for the first and the second run
    inputs = [[np.asarray(value[i]) for value in values] for i in (0, 1)]
    steering: list[dict[str, np.ndarray]] = [{}, {}]
    steps: list[Step] = []
    while len(steps) < STEPS:
        name = list(OPERATIONS)[rng.integers(len(OPERATIONS))]
        for _ in range(20):
            step, value = tried(rng, name, values, steering)
            if step is not None:
                steps.append(step)
                values.append(value)
                break
    used = {number for step in steps for number in step.nodes}
    cotangents = {i: np.asarray(rng.standard_normal(x[0].shape)) for i, x in enumerate(values) if i not in used}
    return RandomGraph(seed, inputs, steering, steps, cotangents)


def tried(rng, name, values, steering):
    """One more step, and its values; None where the operation does not take what it was given, or they do not fit."""
    operation = OPERATIONS[name]
    back = rng.random(operation.arity) ** 2  # more often the last nodes, so that graphs are deep, but any node again
    nodes = tuple(len(values) - 1 - int(share * len(values)) for share in back)
    arguments = [[np.asarray(values[i][j]) for i in nodes] for j in (0, 1)]
    if not all(operation.admits(*each) for each in arguments):
        return None, None
    new: dict[str, np.ndarray] = {}

    def steer(arrays):
        new[f"array_{len(steering[0]) + len(new)}"] = arrays
        return Steering(list(new)[-1])

    step = Step(name, nodes, operation.params(rng, arguments[0][0].shape, steer))
    value = []
    for j in (0, 1):
        own = {name: np.asarray(arrays[j]) for name, arrays in new.items()}
        params = {name: given(param, own) for name, param in step.params.items()}
        value.append(np.asarray(operation.compute(*arguments[j], **params)))
    if not all(fits(value[j], max(map(largest, arguments[j]))) for j in (0, 1)):
        return None, None
    for j in (0, 1):
        steering[j] |= {name: np.asarray(arrays[j]) for name, arrays in new.items()}
    return step, np.stack(value)


def fits(value, of_arguments):
    """Not large, and no small difference of what it was made from; exactly 0 is fine."""
    return (
        0 < value.size <= MOST_ELEMENTS
        and value.ndim <= MOST_AXES
        and (not value.any() or SMALLEST * of_arguments <= largest(value) <= LARGEST)
    )
