"""Random graphs, forward and gradient in one function: compiled as eager, in float64 and float32, on poisoned memory.

A graph is data, a list of steps drawn from a seed. While it is drawn the values of all its nodes are known, for two
sets of inputs; a step is taken only where both are smooth and well-conditioned: logarithms and divisions away from 0,
maxima away from ties, nothing large, no small difference of large terms. A graph whose results cancel is drawn again
(`is_well_conditioned`): so the scale of an array, its largest absolute value, is that of the terms that it is a sum of.

200 graphs by default; the environment variable MINIGRAD_RANDOM_GRAPHS says how many.
"""

import itertools
import os
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest

import minigrad as mg
from minigrad.compiler import pieces

GRAPHS, A_TEST = int(os.environ.get("MINIGRAD_RANDOM_GRAPHS", "200")), 20
STEPS = 9
SHAPES = [(), (1,), (3,), (4,), (2, 1), (2, 3), (3, 4), (3, 3), (1, 4), (2, 3, 4), (2, 1, 3)]  # of the leaves
LARGEST, MOST_ELEMENTS, MOST_AXES = 8.0, 60, 4  # of all nodes
SMALLEST = 0.02  # the scale of a node, relative to what it is made from
CANCELLED = 1e-4  # of an array's scale: how far float32 may be from float64 in a graph that counts
EPSILON = float(np.finfo(np.float32).eps)


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


@pytest.mark.parametrize("first", range(0, GRAPHS, A_TEST))
def test_a_compiled_graph_gives_what_eager_gives(first):
    for number in range(first, min(first + A_TEST, GRAPHS)):
        require_alike(number)


@pytest.mark.parametrize("first", range(0, GRAPHS // 4, A_TEST))
def test_a_graph_that_is_run_in_pieces_gives_what_eager_gives(first, monkeypatch):
    """As large arrays are: here all are large, and pieces are as small as can be."""
    for name, value in (("LARGE", 0), ("PIECE", 16), ("FLAT", 3)):
        monkeypatch.setattr(pieces, name, value)
    for number in range(first, min(first + A_TEST, GRAPHS // 4)):
        require_alike(GRAPHS + number)


def require_alike(number):
    graph, exact, eager = well_conditioned(number)
    try:
        compare(exact, compiled(graph, np.float64), eager, compiled(graph, np.float32))
    except BaseException as error:
        error.add_note(str(graph))
        raise


def test_the_graphs_use_every_operation_and_most_use_a_node_more_than_once():
    graphs = [drawn((number, 0)) for number in range(300)]
    operations = [step.operation for graph in graphs for step in graph.steps]
    assert min(operations.count(name) for name in OPERATIONS) >= 3
    uses = [[node for step in graph.steps for node in step.nodes] for graph in graphs]
    assert sum(len(set(nodes)) < len(nodes) for nodes in uses) >= 0.9 * len(graphs)


def compare(exact, double, eager, single):
    """`exact` and `eager` were computed without the compiler, in float64 and float32."""
    for run, arrays in enumerate(zip(exact, double, eager, single, strict=True)):
        # What a rule adds up may be larger than its result, as in layer_norm: as large as other values of the graph.
        terms = min(1.0, max(map(largest, arrays[0])))
        for what, (e64, c64, e32, c32) in enumerate(zip(*arrays, strict=True)):
            where = f"run {run}, array {what}"
            assert (c64.shape, c64.dtype) == (e64.shape, e64.dtype), where
            assert (c32.shape, c32.dtype) == (e32.shape, e32.dtype), where
            scale = largest(e64)
            assert largest(c64 - e64) <= 1e-12 * scale, f"{where}, float64: {c64.tolist()}, eager {e64.tolist()}"
            allowed = 4 * largest(e32 - e64) + 8 * EPSILON * max(scale, terms)
            assert largest(c32 - e64) <= allowed, f"{where}, float32: {c32.tolist()}, eager {e64.tolist()}"


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


# --- the operations ---------------------------------------------------------------------------------------------------


class Operation(NamedTuple):
    """How it is said, the values it takes, and its parameters, drawn for the shape of the first of them."""

    compute: Callable[..., Any]
    admits: Callable[..., Any] = lambda *values: True
    params: Callable[..., dict[str, Any]] = lambda rng, shape, steer: {}
    arity: int = 1


def between(low, high):
    return lambda x: x.size and low < np.min(x) and np.max(x) < high


def smooth(x):
    """Away from 0, where it has its kink."""
    return np.min(np.abs(x), initial=np.inf) > 0.01


def broadcast(*shapes):
    lengths = itertools.zip_longest(*map(reversed, shapes), fillvalue=1)
    return all(len(set(at_one_axis) - {1}) <= 1 for at_one_axis in lengths)


def pair(admits=lambda x, y: True):
    """Two arrays that can be broadcast together, and that the operation takes."""
    return lambda x, y: broadcast(x.shape, y.shape) and admits(x, y)


def apart(x):
    """No two elements nearly equal: the largest one, and the order, are clear."""
    return x.size == 1 or (x.size and np.min(np.diff(np.sort(x, None))) > 0.01)


def spread(x):
    return x.ndim and x.shape[-1] > 2 and np.min(np.std(x, -1)) > 0.2


def has(*axes):
    return lambda x, *_: x.ndim in axes


def ends_alike(x, y):
    return x.ndim and y.ndim and x.shape[-1] == y.shape[-1]


def products_fit(x, y):
    return x.ndim and y.ndim and x.shape[-1] == y.shape[max(-2, -y.ndim)] and broadcast(x.shape[:-2], y.shape[:-2])


def axis_and_keepdims(rng, shape, steer):
    chosen = rng.permutation(len(shape))[: rng.integers(len(shape) + 1)]
    axis = tuple(int(a) - len(shape) * int(rng.integers(2)) for a in chosen)
    return {"axis": None if not axis else axis[0] if len(axis) == 1 else axis, "keepdims": bool(rng.integers(2))}


def one_axis(rng, shape, steer):
    return {"axis": int(rng.integers(-len(shape), len(shape)))}


def axis_and_where(rng, shape, steer):
    mask = rng.random((2, *shape)) < 0.7
    return one_axis(rng, shape, steer) | {"where": steer(mask | (rng.permutation(shape[-1]) == 0))}


def permutation(rng, shape, steer):
    return {"axes": tuple(int(a) for a in rng.permutation(len(shape)))}


def new_shape(rng, shape, steer):
    return {"shape": [(-1,), shape[::-1], (1, *shape), (shape[0], -1) if shape else (1, 1)][rng.integers(4)]}


def mask(rng, shape, steer):
    return {"where": steer(rng.random((2, *shape)) < 0.6)}


def key(rng, shape, steer):
    """An entry for each axis: a number, slices of all kinds, None; or integers with repeats in an array."""
    entries = []
    for n in shape[: rng.integers(len(shape) + 1)]:
        at = int(rng.integers(-n, n))
        slices = slice(None, None, -1), slice(n // 2, None), slice(None, None, 2), slice(None)
        entries.append([at, *slices][rng.integers(5)])
    if rng.integers(2) and shape:
        entries[:1] = [steer(rng.integers(-shape[0], shape[0], (2, 3)))]
    elif not rng.integers(3):
        entries.insert(0, None)
    return {"key": (*entries, ...)}


def rows_to_take(rng, shape, steer):
    n = shape[0]
    return {"indices": steer(rng.integers(-n, n, (2, *[(3,), (2, 2), ()][rng.integers(3)])))}


def places_along(rng, shape, steer):
    axis = int(rng.integers(len(shape)))
    wanted = (*shape[:axis], 2, *shape[axis + 1 :])
    return {"indices": steer(rng.integers(0, shape[axis], (2, *wanted))), "axis": axis}


def classes(rng, shape, steer):
    return {"targets": steer(rng.integers(0, shape[-1], (2, *shape[:-1])))}


def shift(rng, shape, steer):
    return {"shift": int(rng.integers(-2, 3))} | one_axis(rng, shape, steer)


def named(*names, admits=lambda *values: True, **record):
    """Operations that are said by their name."""

    def operation(name):
        return Operation(lambda *xs, **params: getattr(mg, name)(*xs, **params), admits, **record)

    return {name: operation(name) for name in names}


OPERATIONS = {
    **named("sin", "cos", "arctan", "tanh", "sigmoid", "softplus", "erf", "erfc", "gelu", "silu", "mish", "negative",
            "square", "log_sigmoid", "stop_gradient", "copy"),
    **named("exp", "expm1", "sinh", admits=between(-8, 2)),
    **named("log", "sqrt", "reciprocal", "log2", admits=between(0.3, 8)),
    **named("log1p", admits=between(-0.7, 8)),
    **named("absolute", "relu", "leaky_relu", "elu", "softsign", admits=smooth),
    "cube": Operation(lambda x: x**3),
    "root": Operation(lambda x: x**1.5, between(0.3, 8)),
    "half": Operation(lambda x: 1.5 - x / 2),
    "scaled": Operation(lambda x: -(x * 0.5 + 0.25) * 1.0),
    **named("add", "subtract", "multiply", "logaddexp", admits=pair(), arity=2),
    **named("divide", admits=pair(lambda x, y: np.min(np.abs(y), initial=9) > 0.3), arity=2),
    **named("power", admits=pair(lambda x, y: np.min(x, initial=9) > 0.3), arity=2),
    **named("maximum", "minimum", admits=pair(lambda x, y: smooth(x - y)), arity=2),
    **named("hypot", admits=pair(lambda x, y: smooth(np.hypot(x, y))), arity=2),
    "where": Operation(
        lambda x, y, z: mg.where(x > 0, y, z), lambda x, y, z: smooth(x) and broadcast(x.shape, y.shape, z.shape),
        arity=3,
    ),
    "masked": Operation(lambda x, where: mg.where(where, x, 0.5), params=mask),
    "masked away": Operation(lambda x, y, where: mg.where(mg.logical_not(where), y, x), pair(), mask, 2),
    "clip": Operation(lambda x: mg.clip(x, -0.5, 0.7), lambda x: smooth(x + 0.5) and smooth(x - 0.7)),
    **named("sum", "mean", "prod", "logsumexp", "var", params=axis_and_keepdims),
    **named("max", "min", "ptp", admits=apart, params=axis_and_keepdims),
    "masked sum": Operation(
        lambda x, where, axis, keepdims: mg.sum(mg.where(where, x, 0.0), axis, keepdims=keepdims),
        params=lambda *given: mask(*given) | axis_and_keepdims(*given),
    ),
    "std": Operation(lambda x: mg.std(x, axis=-1), spread),
    **named("vector_norm", admits=lambda x: x.ndim and x.size and np.min(np.sum(x * x, -1)) > 0.1,
            params=lambda rng, shape, steer: {"axis": -1}),
    **named("softmax", "log_softmax", "cumsum", "cumprod", "flip", admits=np.ndim, params=one_axis),
    "masked softmax": Operation(lambda x, where, axis: mg.softmax(x, where, axis=axis), np.ndim, axis_and_where),
    **named("layer_norm", "rms_norm", admits=spread),
    "layer_norm with weights": Operation(
        lambda x, y: mg.layer_norm(x, y, y + 1.0), lambda x, y: spread(x) and y.shape == x.shape[-1:], arity=2,
    ),
    **named("cross_entropy", admits=lambda x: x.ndim in (2, 3) and x.shape[-1] > 1, params=classes),
    **named("mse", "huber", admits=lambda x, y: x.shape == y.shape and smooth(np.abs(x - y) - 1), arity=2),
    **named("matmul", admits=products_fit, arity=2),
    "times its transpose": Operation(lambda x: x @ mg.swapaxes(x, -1, -2), has(2, 3)),
    "linear": Operation(lambda x, y: mg.linear(x, y, y[0]), lambda x, y: x.ndim and y.ndim == 2 and
                        x.shape[-1] == y.shape[0], arity=2),
    **named("outer", admits=lambda x, y: x.ndim == y.ndim == 1, arity=2),
    **named("vecdot", admits=lambda x, y: ends_alike(x, y) and broadcast(x.shape, y.shape), arity=2),
    "einsum": Operation(lambda x, y: mg.einsum("...k,ik->...i", x, y), lambda x, y: ends_alike(x, y) and y.ndim == 2,
                        arity=2),
    "attention": Operation(lambda x, y: mg.scaled_dot_product_attention(x, y, y), lambda x, y: ends_alike(x, y) and
                           x.ndim in (2, 3) and x.ndim == y.ndim and x.shape[:-2] == y.shape[:-2], arity=2),
    **named("transpose", params=permutation),
    **named("reshape", params=new_shape),
    "expand_dims": Operation(lambda x, axis: mg.expand_dims(x, axis), np.ndim, one_axis),
    **named("squeeze"),
    "broadcast_to": Operation(lambda x: mg.broadcast_to(x, (2, *x.shape))),
    **named("tril", "triu", admits=lambda x: x.ndim > 1),
    **named("sort", admits=lambda x: x.ndim and apart(x), params=one_axis),
    **named("roll", admits=np.ndim, params=shift),
    "pad": Operation(lambda x: mg.pad(x, 1), has(1, 2)),
    "repeat": Operation(lambda x: mg.repeat(x, 2, axis=0), np.ndim),
    "tile": Operation(lambda x: mg.tile(x, 2), np.ndim),
    **named("diagonal", admits=lambda x: x.ndim == 2),
    "index": Operation(lambda x, key: x[key], params=key),
    "take": Operation(lambda x, indices: mg.take(x, indices, axis=0), np.ndim, rows_to_take),
    **named("take_along_axis", admits=np.ndim, params=places_along),
    "set_at": Operation(
        lambda x, y: mg.set_at(x, 0, y), lambda x, y: x.ndim and y.shape == x.shape[1:], arity=2,
    ),
    "stack": Operation(lambda x, y: mg.stack([x, y]), lambda x, y: x.shape == y.shape, arity=2),
    "concatenate": Operation(
        lambda x, y: mg.concatenate([x, y], axis=-1),
        lambda x, y: x.ndim and x.ndim == y.ndim and x.shape[:-1] == y.shape[:-1], arity=2,
    ),
    "halves swapped": Operation(lambda x: mg.concatenate(mg.split(x, [1])[::-1]), np.ndim),
}  # fmt: skip


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
